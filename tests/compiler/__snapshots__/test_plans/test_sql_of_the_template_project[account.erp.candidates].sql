SELECT "g"."_cid" AS "_cid",
  "s"."_native_id" AS "_native_id",
  CASE WHEN "s"."_holds" THEN 'update' ELSE 'create' END AS "operation",
  CASE WHEN ("g"."_broken" <> '') THEN 'invariant' WHEN "s"."_in_flight" THEN 'in_flight' WHEN ("s"."_holds" AND (NOT "s"."_known")) THEN 'unknown' ELSE '' END AS "held",
  "g"."_broken" AS "broken" FROM "account/golden" AS "g" JOIN "account/erp/side" AS "s" ON ("s"."_cid" = "g"."_cid") WHERE ("s"."_holds" OR "g"."_exists")
