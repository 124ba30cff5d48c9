SELECT "p"."connection" AS "connection",
  "p"."_native_id" AS "_native_id",
  "p"."_order" AS "_order",
  "p"."_originates" AS "_originates",
  "p"."_generation" AS "_generation",
  "p"."key.1" AS "key" FROM "account/pool" AS "p" WHERE (NOT "p"."key.1" IS NULL)
