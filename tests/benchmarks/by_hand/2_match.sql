-- Unlinked rows to canonical ids by their number; a number that a side has twice, or whose place is taken, waits.

CREATE OR REPLACE TEMP TABLE pool AS
SELECT 'crm' AS connection, _native_id, number FROM crm WHERE _cid IS NULL AND faults = ''
UNION ALL SELECT 'erp', _native_id, number FROM erp WHERE _cid IS NULL AND faults = '';

CREATE OR REPLACE TEMP TABLE grouped AS
SELECT
    number, count(*) FILTER (connection = 'crm') AS in_crm, count(*) FILTER (connection = 'erp') AS in_erp,
    min(_native_id) FILTER (connection = 'crm') AS crm_id
FROM pool GROUP BY number;

CREATE OR REPLACE TEMP TABLE known AS
SELECT number, _cid FROM "canonical:customer" WHERE number IN (SELECT number FROM pool);

CREATE OR REPLACE TEMP TABLE new_links AS
SELECT
    p.connection, p._native_id, coalesce(k._cid, substr(sha256(
        concat_ws(chr(31), getvariable('realm'), 'customer', 'crm', g.crm_id, '0')), 1, 32)) AS _cid
FROM pool AS p
JOIN grouped AS g ON g.number = p.number
LEFT JOIN known AS k ON k.number = p.number
LEFT JOIN "links:all" AS l ON l.canonical_id = k._cid AND l.connection = p.connection
WHERE in_crm <= 1 AND in_erp <= 1 AND l.native_id IS NULL AND (in_crm = 1 OR k._cid IS NOT NULL);

UPDATE crm SET _cid = n._cid FROM new_links AS n WHERE n.connection = 'crm' AND n._native_id = crm._native_id;
UPDATE erp SET _cid = n._cid FROM new_links AS n WHERE n.connection = 'erp' AND n._native_id = erp._native_id;
