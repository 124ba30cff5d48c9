SELECT "w".*,
  '' AS "_broken" FROM "account/winner" AS "w"
