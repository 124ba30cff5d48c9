SELECT "k"."canonical_id" AS "canonical_id",
  "k"."connection" AS "connection" FROM "links" AS "k" WHERE ("k"."object" = 'account')
