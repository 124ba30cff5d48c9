SELECT CAST(NULL AS TEXT) AS "_cid",
  CAST(NULL AS TEXT) AS "_native_id",
  CAST(NULL AS TEXT) AS "slot",
  CAST(NULL AS TEXT) AS "wants",
  CAST(NULL AS TEXT) AS "operation",
  CAST(NULL AS TEXT) AS "child_id",
  CAST(NULL AS TEXT) AS "payload",
  CAST(NULL AS TEXT) AS "unfit" WHERE FALSE
