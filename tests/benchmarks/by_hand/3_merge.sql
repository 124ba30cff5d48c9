-- The winner of every field of the customers on which something changed. The CRM owns all but three fields.

CREATE OR REPLACE TEMP TABLE dirty AS
SELECT _cid FROM crm WHERE faults = '' AND _cid IS NOT NULL
UNION SELECT _cid FROM erp WHERE faults = '' AND _cid IS NOT NULL;

CREATE OR REPLACE TEMP TABLE crm_untold AS FROM dirty WHERE _cid NOT IN (SELECT _cid FROM crm WHERE _cid IS NOT NULL);
CREATE OR REPLACE TEMP TABLE erp_untold AS FROM dirty WHERE _cid NOT IN (SELECT _cid FROM erp WHERE _cid IS NOT NULL);
CREATE OR REPLACE TEMP TABLE crm_stored AS SELECT * FROM "base:customer/crm" WHERE _cid IN (FROM crm_untold);
CREATE OR REPLACE TEMP TABLE erp_stored AS SELECT * FROM "base:customer/erp" WHERE _cid IN (FROM erp_untold);

CREATE OR REPLACE TEMP VIEW crm_based AS SELECT _cid FROM crm_changes WHERE known_as IS NOT NULL UNION ALL SELECT _cid FROM crm_stored;
CREATE OR REPLACE TEMP VIEW erp_based AS SELECT _cid FROM erp_changes WHERE known_as IS NOT NULL UNION ALL SELECT _cid FROM erp_stored;

CREATE OR REPLACE TEMP MACRO side(connection) AS TABLE
SELECT _cid, _native_id, number, name, legal_name, status, segment, country, currency, email, phone, street, city, postcode,
    credit_limit, discount, payment_days, tax_id, vip, opened_on, reviewed_at, notes
FROM query_table(connection);

CREATE OR REPLACE TEMP TABLE crm_stored_values AS FROM crm_values('crm_stored');
CREATE OR REPLACE TEMP TABLE erp_stored_values AS FROM erp_values('erp_stored');
CREATE OR REPLACE TEMP VIEW crm_valid AS SELECT * FROM crm WHERE faults = '' AND _cid IS NOT NULL;
CREATE OR REPLACE TEMP VIEW erp_valid AS SELECT * FROM erp WHERE faults = '' AND _cid IS NOT NULL;
CREATE OR REPLACE TEMP VIEW crm_side AS FROM side('crm_valid') UNION ALL FROM side('crm_stored_values');
CREATE OR REPLACE TEMP VIEW erp_side AS FROM side('erp_valid') UNION ALL FROM side('erp_stored_values');

-- an owner that knows the record for the first time and has no value lets the other's in
CREATE OR REPLACE TEMP MACRO of_crm(new_in_erp, c, e) AS CASE WHEN new_in_erp THEN coalesce(c, e) ELSE c END;
CREATE OR REPLACE TEMP MACRO of_erp(erp_cid, new_in_crm, c, e) AS CASE WHEN erp_cid IS NULL THEN c WHEN new_in_crm THEN coalesce(e, c) ELSE e END;

CREATE OR REPLACE TEMP TABLE golden AS
SELECT
    c._cid, of_crm(n, c.number, e.number) AS number, of_crm(n, c.name, e.name) AS name,
    of_crm(n, c.legal_name, e.legal_name) AS legal_name, of_crm(n, c.status, e.status) AS status,
    of_crm(n, c.segment, e.segment) AS segment, of_crm(n, c.country, e.country) AS country,
    of_crm(n, c.currency, e.currency) AS currency, of_crm(n, c.email, e.email) AS email,
    of_crm(n, c.phone, e.phone) AS phone, of_crm(n, c.street, e.street) AS street, of_crm(n, c.city, e.city) AS city,
    of_crm(n, c.postcode, e.postcode) AS postcode, of_erp(e._cid, m, c.credit_limit, e.credit_limit) AS credit_limit,
    of_erp(e._cid, m, c.discount, e.discount) AS discount, of_erp(e._cid, m, c.payment_days, e.payment_days) AS payment_days,
    of_crm(n, c.tax_id, e.tax_id) AS tax_id, of_crm(n, c.vip, e.vip) AS vip,
    of_crm(n, c.opened_on, e.opened_on) AS opened_on, of_crm(n, c.reviewed_at, e.reviewed_at) AS reviewed_at,
    of_crm(n, c.notes, e.notes) AS notes
FROM (
    SELECT d._cid, cb._cid IS NULL AS m, eb._cid IS NULL AS n FROM dirty AS d
    LEFT JOIN crm_based AS cb ON cb._cid = d._cid LEFT JOIN erp_based AS eb ON eb._cid = d._cid
) AS d
JOIN crm_side AS c ON c._cid = d._cid
LEFT JOIN erp_side AS e ON e._cid = d._cid;
