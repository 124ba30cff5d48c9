-- Rows that are not as we hold them, with canonical values and what is wrong with them; and what the CRM lacks now.

CREATE OR REPLACE TEMP TABLE crm_seen AS
SELECT l._native_id, b._cid FROM "landed/crm/Customer" AS l
LEFT JOIN "base:customer/crm" AS b ON b._native_id = l._native_id
WHERE b._raw_hash IS DISTINCT FROM l._raw_hash;

CREATE OR REPLACE TEMP TABLE erp_seen AS
SELECT l._native_id, b._cid FROM "landed/erp/Debtor" AS l
LEFT JOIN "base:customer/erp" AS b ON b._native_id = l._native_id
WHERE b._raw_hash IS DISTINCT FROM l._raw_hash;

CREATE OR REPLACE TEMP TABLE gone AS
SELECT b._native_id, b._cid FROM "base:customer/crm" AS b ANTI JOIN "landed/crm/Customer" AS l ON l._native_id = b._native_id;

CREATE OR REPLACE TEMP VIEW crm_rows AS
SELECT l.*, s._cid FROM "landed/crm/Customer" AS l JOIN crm_seen AS s ON s._native_id = l._native_id;
CREATE OR REPLACE TEMP TABLE crm AS FROM crm_values('crm_rows');

CREATE OR REPLACE TEMP VIEW erp_rows AS
SELECT l.*, s._cid FROM "landed/erp/Debtor" AS l JOIN erp_seen AS s ON s._native_id = l._native_id;
CREATE OR REPLACE TEMP TABLE erp AS FROM erp_values('erp_rows');

CREATE OR REPLACE TEMP TABLE rejected AS
SELECT 'crm' AS connection, _native_id, faults FROM crm WHERE faults <> ''
UNION ALL SELECT 'erp', _native_id, faults FROM erp WHERE faults <> '';
