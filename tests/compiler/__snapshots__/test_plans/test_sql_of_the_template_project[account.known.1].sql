SELECT DISTINCT CASE WHEN (NOT "c"."email" IS NULL) THEN CAST("c"."email" AS TEXT) END AS "key",
  "c"."_cid" AS "_cid" FROM "account/canonical" AS "c" JOIN "account/left/1" AS "w" ON ("w"."key" = CASE WHEN (NOT "c"."email" IS NULL) THEN CAST("c"."email" AS TEXT) END)
