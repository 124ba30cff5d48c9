SELECT 'crm' AS "connection",
  "v"."_native_id" AS "_native_id",
  0 AS "_order",
  TRUE AS "_originates",
  CASE WHEN (NOT "v"."email" IS NULL) THEN CAST("v"."email" AS TEXT) END AS "key.1" FROM "account/crm/values" AS "v" WHERE (("v"."_cid" IS NULL) AND "v"."_take") UNION ALL SELECT 'erp' AS "connection",
  "v"."_native_id" AS "_native_id",
  1 AS "_order",
  FALSE AS "_originates",
  CASE WHEN (NOT "v"."email" IS NULL) THEN CAST("v"."email" AS TEXT) END AS "key.1" FROM "account/erp/values" AS "v" WHERE (("v"."_cid" IS NULL) AND "v"."_take")
