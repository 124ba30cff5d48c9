SELECT "w"."key" AS "key",
  COUNT(DISTINCT "w"."row") AS "rows",
  MAX("c"."crowd") AS "crowd",
  COUNT(DISTINCT "k"."_cid") AS "known",
  MIN("k"."_cid") AS "_cid",
  ARG_MIN(CASE WHEN "w"."_originates" THEN "w"."row" END,
  ROW("w"."_order",
  "w"."row")) AS "_first" FROM "account/left/1" AS "w" JOIN "account/crowds/1" AS "c" ON (("c"."key" = "w"."key") AND ("c"."connection" = "w"."connection")) LEFT JOIN "account/known/1" AS "k" ON ("k"."key" = "w"."key") GROUP BY "w"."key"
