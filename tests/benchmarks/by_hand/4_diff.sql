-- What is to be written, and the base as it then is. Records are compared by hash; fields only of those that differ.

CREATE OR REPLACE TEMP MACRO shape(relation) AS TABLE
SELECT _cid, hash(number, name, legal_name, status, segment, country, currency, email, phone, street, city, postcode,
    credit_limit, discount, payment_days, tax_id, vip, opened_on, reviewed_at, notes) AS h
FROM query_table(relation);
CREATE OR REPLACE TEMP TABLE golden_shape AS FROM shape('golden');
CREATE OR REPLACE TEMP TABLE crm_differs AS
SELECT g._cid FROM golden_shape AS g JOIN shape('crm_side') AS s ON s._cid = g._cid WHERE s.h <> g.h;
CREATE OR REPLACE TEMP TABLE erp_differs AS
SELECT g._cid FROM golden_shape AS g JOIN shape('erp_side') AS s ON s._cid = g._cid WHERE s.h <> g.h;
CREATE OR REPLACE TEMP TABLE erp_lacks AS SELECT _cid FROM golden_shape ANTI JOIN erp_side USING (_cid);

CREATE OR REPLACE TEMP MACRO member(name, changed, value) AS
    CASE WHEN changed THEN concat('"', name, '":', coalesce(CAST(to_json(CAST(value AS VARCHAR)) AS VARCHAR), 'null')) END;
CREATE OR REPLACE TEMP MACRO crm_status(value) AS
    CASE value WHEN 'active' THEN 'Open' WHEN 'prospect' THEN 'New' WHEN 'suspended' THEN 'Paused' WHEN 'closed' THEN 'Closed' END;
CREATE OR REPLACE TEMP MACRO erp_class(value) AS
    CASE value WHEN 'small' THEN '10' WHEN 'middle' THEN '20' WHEN 'large' THEN '30' WHEN 'public' THEN '90' END;
CREATE OR REPLACE TEMP MACRO instant_text(value) AS
    replace(strftime(value AT TIME ZONE 'UTC', '%Y-%m-%dT%H:%M:%S.%fZ'), '.000000Z', 'Z');

CREATE OR REPLACE TEMP TABLE crm_updates AS
SELECT g._cid, s._native_id, concat('{', concat_ws(',',
    member('number', g.number IS DISTINCT FROM s.number, g.number),
    member('name', g.name IS DISTINCT FROM s.name, g.name),
    member('legal_name', g.legal_name IS DISTINCT FROM s.legal_name, g.legal_name),
    member('status', g.status IS DISTINCT FROM s.status, crm_status(g.status)),
    member('segment', g.segment IS DISTINCT FROM s.segment, upper(g.segment[1])),
    member('country', g.country IS DISTINCT FROM s.country, g.country),
    member('currency', g.currency IS DISTINCT FROM s.currency, g.currency),
    member('email', g.email IS DISTINCT FROM s.email, g.email),
    member('phone', g.phone IS DISTINCT FROM s.phone, g.phone),
    member('street', g.street IS DISTINCT FROM s.street, g.street),
    member('city', g.city IS DISTINCT FROM s.city, g.city),
    member('postcode', g.postcode IS DISTINCT FROM s.postcode, g.postcode),
    member('credit_limit', g.credit_limit IS DISTINCT FROM s.credit_limit, g.credit_limit.amount),
    member('limit_currency', g.credit_limit IS DISTINCT FROM s.credit_limit, g.credit_limit.currency),
    member('discount', g.discount IS DISTINCT FROM s.discount, g.discount),
    member('payment_days', g.payment_days IS DISTINCT FROM s.payment_days, g.payment_days),
    member('tax_id', g.tax_id IS DISTINCT FROM s.tax_id, g.tax_id),
    member('vip', g.vip IS DISTINCT FROM s.vip, g.vip),
    member('opened_on', g.opened_on IS DISTINCT FROM s.opened_on, g.opened_on),
    member('reviewed_at', g.reviewed_at IS DISTINCT FROM s.reviewed_at, instant_text(g.reviewed_at)),
    member('notes', g.notes IS DISTINCT FROM s.notes, g.notes)
), '}') AS payload
FROM (SELECT * FROM golden WHERE _cid IN (FROM crm_differs)) AS g
JOIN (SELECT * FROM crm_side WHERE _cid IN (FROM crm_differs)) AS s ON s._cid = g._cid;

CREATE OR REPLACE TEMP TABLE erp_updates AS
SELECT g._cid, s._native_id, concat('{', concat_ws(',',
    member('debtor_no', g.number IS DISTINCT FROM s.number, g.number),
    member('name_1', g.name IS DISTINCT FROM s.name, g.name),
    member('name_2', g.legal_name IS DISTINCT FROM s.legal_name, g.legal_name),
    member('state', g.status IS DISTINCT FROM s.status, upper(g.status[1])),
    member('class', g.segment IS DISTINCT FROM s.segment, erp_class(g.segment)),
    member('land', g.country IS DISTINCT FROM s.country, g.country),
    member('waers', g.currency IS DISTINCT FROM s.currency, g.currency),
    member('mail', g.email IS DISTINCT FROM s.email, g.email),
    member('tel', g.phone IS DISTINCT FROM s.phone, g.phone),
    member('street', g.street IS DISTINCT FROM s.street, g.street),
    member('city', g.city IS DISTINCT FROM s.city, g.city),
    member('zip', g.postcode IS DISTINCT FROM s.postcode, g.postcode),
    member('limit_amount', g.credit_limit IS DISTINCT FROM s.credit_limit, g.credit_limit.amount),
    member('limit_waers', g.credit_limit IS DISTINCT FROM s.credit_limit, g.credit_limit.currency),
    member('rebate', g.discount IS DISTINCT FROM s.discount, g.discount),
    member('terms_days', g.payment_days IS DISTINCT FROM s.payment_days, g.payment_days),
    member('vat_no', g.tax_id IS DISTINCT FROM s.tax_id, g.tax_id),
    member('key_account', g.vip IS DISTINCT FROM s.vip, CASE WHEN g.vip THEN 'Y' WHEN NOT g.vip THEN 'N' END),
    member('opened', g.opened_on IS DISTINCT FROM s.opened_on, strftime(g.opened_on, '%d.%m.%Y')),
    member('reviewed', g.reviewed_at IS DISTINCT FROM s.reviewed_at, epoch_us(g.reviewed_at) // 1000000),
    member('memo', g.notes IS DISTINCT FROM s.notes, g.notes)
), '}') AS payload
FROM (SELECT * FROM golden WHERE _cid IN (FROM erp_differs)) AS g
JOIN (SELECT * FROM erp_side WHERE _cid IN (FROM erp_differs)) AS s ON s._cid = g._cid;

CREATE OR REPLACE TEMP TABLE erp_creates AS
SELECT _cid, concat('{', concat_ws(',',
    member('debtor_no', number IS NOT NULL, number), member('name_1', name IS NOT NULL, name),
    member('name_2', legal_name IS NOT NULL, legal_name), member('state', status IS NOT NULL, upper(status[1])),
    member('class', segment IS NOT NULL, erp_class(segment)), member('land', country IS NOT NULL, country),
    member('waers', currency IS NOT NULL, currency), member('mail', email IS NOT NULL, email),
    member('tel', phone IS NOT NULL, phone), member('street', street IS NOT NULL, street),
    member('city', city IS NOT NULL, city), member('zip', postcode IS NOT NULL, postcode),
    member('limit_amount', credit_limit IS NOT NULL, credit_limit.amount),
    member('limit_waers', credit_limit IS NOT NULL, credit_limit.currency),
    member('rebate', discount IS NOT NULL, discount), member('terms_days', payment_days IS NOT NULL, payment_days),
    member('vat_no', tax_id IS NOT NULL, tax_id),
    member('key_account', vip IS NOT NULL, CASE WHEN vip THEN 'Y' ELSE 'N' END),
    member('opened', opened_on IS NOT NULL, strftime(opened_on, '%d.%m.%Y')),
    member('reviewed', reviewed_at IS NOT NULL, epoch_us(reviewed_at) // 1000000),
    member('memo', notes IS NOT NULL, notes)
), '}') AS payload
FROM golden WHERE _cid IN (FROM erp_lacks);

CREATE OR REPLACE TEMP TABLE intents AS
SELECT 'crm' AS connection, 'update' AS operation, _cid AS canonical_id, _native_id AS native_id, payload FROM crm_updates
UNION ALL SELECT 'erp', 'update', _cid, _native_id, payload FROM erp_updates
UNION ALL SELECT 'erp', 'create', _cid, NULL, payload FROM erp_creates;

-- the base as it then is: what was seen, and agreed on it, but for fields about to be written what was agreed before
CREATE OR REPLACE TEMP MACRO after(winner, now, before) AS CASE WHEN winner IS DISTINCT FROM now THEN before ELSE now END;

CREATE OR REPLACE TEMP TABLE crm_asked AS SELECT _cid FROM crm_differs WHERE _cid NOT IN (SELECT _cid FROM crm_stored);
CREATE OR REPLACE TEMP TABLE crm_agreed AS
SELECT _cid, COLUMNS('^agreed\.') FROM "base:customer/crm" WHERE _cid IN (FROM crm_asked)
UNION ALL SELECT _cid, COLUMNS('^agreed\.') FROM crm_stored WHERE _cid IN (FROM crm_differs);
CREATE OR REPLACE TEMP TABLE crm_next AS
SELECT _native_id, _cid, _version, _raw_hash, COLUMNS('^native\.'),
    number AS "agreed.number", name AS "agreed.name", legal_name AS "agreed.legal_name", status AS "agreed.status",
    segment AS "agreed.segment", country AS "agreed.country", currency AS "agreed.currency", email AS "agreed.email",
    phone AS "agreed.phone", street AS "agreed.street", city AS "agreed.city", postcode AS "agreed.postcode",
    credit_limit AS "agreed.credit_limit", discount AS "agreed.discount", payment_days AS "agreed.payment_days",
    tax_id AS "agreed.tax_id", vip AS "agreed.vip", opened_on AS "agreed.opened_on",
    reviewed_at AS "agreed.reviewed_at", notes AS "agreed.notes"
FROM crm_valid WHERE _cid NOT IN (FROM crm_differs)
UNION ALL BY NAME
SELECT s._native_id, s._cid, s._version, s._raw_hash, COLUMNS('^native\.'),
    after(g.number, s.number, b."agreed.number") AS "agreed.number",
    after(g.name, s.name, b."agreed.name") AS "agreed.name",
    after(g.legal_name, s.legal_name, b."agreed.legal_name") AS "agreed.legal_name",
    after(g.status, s.status, b."agreed.status") AS "agreed.status",
    after(g.segment, s.segment, b."agreed.segment") AS "agreed.segment",
    after(g.country, s.country, b."agreed.country") AS "agreed.country",
    after(g.currency, s.currency, b."agreed.currency") AS "agreed.currency",
    after(g.email, s.email, b."agreed.email") AS "agreed.email",
    after(g.phone, s.phone, b."agreed.phone") AS "agreed.phone",
    after(g.street, s.street, b."agreed.street") AS "agreed.street",
    after(g.city, s.city, b."agreed.city") AS "agreed.city",
    after(g.postcode, s.postcode, b."agreed.postcode") AS "agreed.postcode",
    after(g.credit_limit, s.credit_limit, b."agreed.credit_limit") AS "agreed.credit_limit",
    after(g.discount, s.discount, b."agreed.discount") AS "agreed.discount",
    after(g.payment_days, s.payment_days, b."agreed.payment_days") AS "agreed.payment_days",
    after(g.tax_id, s.tax_id, b."agreed.tax_id") AS "agreed.tax_id",
    after(g.vip, s.vip, b."agreed.vip") AS "agreed.vip",
    after(g.opened_on, s.opened_on, b."agreed.opened_on") AS "agreed.opened_on",
    after(g.reviewed_at, s.reviewed_at, b."agreed.reviewed_at") AS "agreed.reviewed_at",
    after(g.notes, s.notes, b."agreed.notes") AS "agreed.notes"
FROM (
    SELECT * FROM crm_valid WHERE _cid IN (FROM crm_differs)
    UNION ALL BY NAME SELECT * FROM crm_stored_values WHERE _cid IN (FROM crm_differs)
) AS s
JOIN (SELECT * FROM golden WHERE _cid IN (FROM crm_differs)) AS g ON g._cid = s._cid
LEFT JOIN crm_agreed AS b ON b._cid = s._cid;

CREATE OR REPLACE TEMP TABLE erp_asked AS SELECT _cid FROM erp_differs WHERE _cid NOT IN (SELECT _cid FROM erp_stored);
CREATE OR REPLACE TEMP TABLE erp_agreed AS
SELECT _cid, COLUMNS('^agreed\.') FROM "base:customer/erp" WHERE _cid IN (FROM erp_asked)
UNION ALL SELECT _cid, COLUMNS('^agreed\.') FROM erp_stored WHERE _cid IN (FROM erp_differs);
CREATE OR REPLACE TEMP TABLE erp_next AS
SELECT _native_id, _cid, _version, _raw_hash, COLUMNS('^native\.'),
    number AS "agreed.number", name AS "agreed.name", legal_name AS "agreed.legal_name", status AS "agreed.status",
    segment AS "agreed.segment", country AS "agreed.country", currency AS "agreed.currency", email AS "agreed.email",
    phone AS "agreed.phone", street AS "agreed.street", city AS "agreed.city", postcode AS "agreed.postcode",
    credit_limit AS "agreed.credit_limit", discount AS "agreed.discount", payment_days AS "agreed.payment_days",
    tax_id AS "agreed.tax_id", vip AS "agreed.vip", opened_on AS "agreed.opened_on",
    reviewed_at AS "agreed.reviewed_at", notes AS "agreed.notes"
FROM erp_valid WHERE _cid NOT IN (FROM erp_differs)
UNION ALL BY NAME
SELECT s._native_id, s._cid, s._version, s._raw_hash, COLUMNS('^native\.'),
    after(g.number, s.number, b."agreed.number") AS "agreed.number",
    after(g.name, s.name, b."agreed.name") AS "agreed.name",
    after(g.legal_name, s.legal_name, b."agreed.legal_name") AS "agreed.legal_name",
    after(g.status, s.status, b."agreed.status") AS "agreed.status",
    after(g.segment, s.segment, b."agreed.segment") AS "agreed.segment",
    after(g.country, s.country, b."agreed.country") AS "agreed.country",
    after(g.currency, s.currency, b."agreed.currency") AS "agreed.currency",
    after(g.email, s.email, b."agreed.email") AS "agreed.email",
    after(g.phone, s.phone, b."agreed.phone") AS "agreed.phone",
    after(g.street, s.street, b."agreed.street") AS "agreed.street",
    after(g.city, s.city, b."agreed.city") AS "agreed.city",
    after(g.postcode, s.postcode, b."agreed.postcode") AS "agreed.postcode",
    after(g.credit_limit, s.credit_limit, b."agreed.credit_limit") AS "agreed.credit_limit",
    after(g.discount, s.discount, b."agreed.discount") AS "agreed.discount",
    after(g.payment_days, s.payment_days, b."agreed.payment_days") AS "agreed.payment_days",
    after(g.tax_id, s.tax_id, b."agreed.tax_id") AS "agreed.tax_id",
    after(g.vip, s.vip, b."agreed.vip") AS "agreed.vip",
    after(g.opened_on, s.opened_on, b."agreed.opened_on") AS "agreed.opened_on",
    after(g.reviewed_at, s.reviewed_at, b."agreed.reviewed_at") AS "agreed.reviewed_at",
    after(g.notes, s.notes, b."agreed.notes") AS "agreed.notes"
FROM (
    SELECT * FROM erp_valid WHERE _cid IN (FROM erp_differs)
    UNION ALL BY NAME SELECT * FROM erp_stored_values WHERE _cid IN (FROM erp_differs)
) AS s
JOIN (SELECT * FROM golden WHERE _cid IN (FROM erp_differs)) AS g ON g._cid = s._cid
LEFT JOIN erp_agreed AS b ON b._cid = s._cid;
