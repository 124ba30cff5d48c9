SELECT "c"."_cid" AS "_cid",
  LIST("c"."slot") AS "list",
  ARRAY_TO_STRING(LIST_SORT(LIST("c"."slot")),
  ',') AS "slots",
  CAST(JSON_GROUP_OBJECT("c"."slot",
  CAST(NULL AS TEXT)) AS TEXT) AS "patch" FROM "account/erp/compare" AS "c" WHERE ("c"."outcome" IN ('converged',
  'accepted')) GROUP BY "c"."_cid"
