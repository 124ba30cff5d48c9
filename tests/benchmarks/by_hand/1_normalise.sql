-- Rows that are not as we hold them, with canonical values and what is wrong with them; and what the CRM lacks now.

CREATE OR REPLACE TEMP TABLE crm_changes AS
SELECT l._native_id, b._native_id AS known_as, b._cid
FROM (SELECT _native_id, hash(_raw_hash) AS h FROM "landed/crm/Customer") AS l
FULL JOIN (SELECT _native_id, hash(_raw_hash) AS h, _cid FROM "base:customer/crm") AS b ON b._native_id = l._native_id
WHERE b.h IS DISTINCT FROM l.h;

CREATE OR REPLACE TEMP TABLE erp_changes AS
SELECT l._native_id, b._native_id AS known_as, b._cid
FROM (SELECT _native_id, hash(_raw_hash) AS h FROM "landed/erp/Debtor") AS l
LEFT JOIN (SELECT _native_id, hash(_raw_hash) AS h, _cid FROM "base:customer/erp") AS b ON b._native_id = l._native_id
WHERE b.h IS DISTINCT FROM l.h;

CREATE OR REPLACE TEMP TABLE gone AS SELECT known_as AS _native_id, _cid FROM crm_changes WHERE _native_id IS NULL;

CREATE OR REPLACE TEMP VIEW crm_rows AS
SELECT l.*, s._cid FROM "landed/crm/Customer" AS l JOIN crm_changes AS s ON s._native_id = l._native_id;
CREATE OR REPLACE TEMP TABLE crm AS FROM crm_values('crm_rows');

CREATE OR REPLACE TEMP VIEW erp_rows AS
SELECT l.*, s._cid FROM "landed/erp/Debtor" AS l JOIN erp_changes AS s ON s._native_id = l._native_id;
CREATE OR REPLACE TEMP TABLE erp AS FROM erp_values('erp_rows');

CREATE OR REPLACE TEMP TABLE rejected AS
SELECT 'crm' AS connection, _native_id, faults FROM crm WHERE faults <> ''
UNION ALL SELECT 'erp', _native_id, faults FROM erp WHERE faults <> '';
