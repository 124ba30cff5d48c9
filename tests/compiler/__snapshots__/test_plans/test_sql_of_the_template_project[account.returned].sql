SELECT "r"."connection" AS "connection",
  "r"."_native_id" AS "_native_id",
  COALESCE(("p"."key.1" = CASE WHEN (NOT "c"."email" IS NULL) THEN CAST("c"."email" AS TEXT) END),
  FALSE) AS "same",
  COALESCE(("p"."key.1" <> CASE WHEN (NOT "c"."email" IS NULL) THEN CAST("c"."email" AS TEXT) END),
  FALSE) AS "other" FROM "account/returning" AS "r" JOIN "account/pool" AS "p" ON (("p"."connection" = "r"."connection") AND ("p"."_native_id" = "r"."_native_id")) JOIN "account/canonical" AS "c" ON ("c"."_cid" = "r"."_cid")
