SELECT "w"."key" AS "key",
  "w"."connection" AS "connection",
  COUNT(DISTINCT CASE WHEN TRUE THEN "w"."row" END) AS "crowd",
  MIN("w"."row") AS "speaker" FROM "account/left/1" AS "w" GROUP BY "w"."key",
  "w"."connection"
