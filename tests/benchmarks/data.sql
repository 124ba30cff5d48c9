-- The data of the benchmark, made in the engine from row numbers alone: equal for an equal number of records.
--
-- In: variables `records` and `realm`. Out: `truth` (canonical values), `edited` (after the edits in the CRM), and
-- `crm_before`, `crm_now`, `erp_before`, `erp_first` (native rows). 5 % nulls, 1 % edited, 0.1 % new, 0.1 % gone;
-- of the edited 2 % are not valid any more and some change nothing that counts.

CREATE TEMP MACRO die(i, salt, sides) AS CAST(hash(xor(hash(i), hash(salt))) % sides AS INTEGER);
CREATE TEMP MACRO one_of(i, salt, list) AS list[1 + die(i, salt, len(list))];
CREATE TEMP MACRO mostly(i, salt, value) AS CASE WHEN die(i, salt || ' null', 20) > 0 THEN value END;
CREATE TEMP MACRO canonical_id(native_id) AS
    substr(sha256(concat_ws(chr(31), getvariable('realm'), 'customer', 'crm', native_id, '0')), 1, 32);
CREATE TEMP MACRO as_native_instant(value) AS strftime(value AT TIME ZONE 'UTC', '%Y-%m-%dT%H:%M:%SZ');

CREATE TEMP TABLE truth AS
WITH words AS (
    SELECT
        ['Müller', 'Sørensen', 'Łukasik', 'Ćosić', 'Αθηνά', 'Žižek', 'Иванов', 'García', 'O''Neill', 'Smith', 'Brown',
         'Åkesson', 'Nguyễn', '山田', 'Çelik', 'Dupont', 'Rossi', 'Kovács', 'Lindqvist', 'de Vries'] AS families,
        ['GmbH', 'Ltd', 'S.A.', 'Sp. z o.o.', 'A/S', 'Kft.', '株式会社', 'Oy', 'B.V.', 'Inc.'] AS forms,
        ['Straße', 'Street', 'rue', 'ulica', 'gade', 'Avenida', '通り', 'via', 'gatan', 'utca'] AS ways,
        ['Zürich', 'München', 'København', 'Kraków', 'São Paulo', 'Αθήνα', 'Leeds', 'Málaga', '京都', 'Győr'] AS cities
)
SELECT
    i,
    format('K-{:08d}', i) AS number,
    format('{} & {} {} {}', one_of(i, 'name', families), one_of(i, 'partner', families), i, one_of(i, 'form', forms))
        AS name,
    mostly(i, 'legal', format('{} Holding {}', one_of(i, 'legal name', families), one_of(i, 'legal form', forms)))
        AS legal_name,
    one_of(i, 'status', ['prospect', 'active', 'active', 'active', 'suspended', 'closed']) AS status,
    mostly(i, 'segment', one_of(i, 'segment', ['small', 'middle', 'large', 'public'])) AS segment,
    one_of(i, 'country', ['DE', 'FR', 'GB', 'CH', 'DK', 'PL', 'JP', 'US', 'ES', 'GR', 'HU', 'SE']) AS country,
    mostly(i, 'currency', one_of(i, 'currency', ['EUR', 'GBP', 'CHF', 'DKK', 'PLN', 'JPY', 'USD'])) AS currency,
    mostly(i, 'email', format('office.{}@example-{}.com', i, die(i, 'domain', 5000))) AS email,
    mostly(i, 'phone', format('+{} {} {:07d}', 30 + die(i, 'prefix', 60), 100 + die(i, 'area', 900), die(i, 'line', 9999999)))
        AS phone,
    mostly(i, 'street', format('{} {} {}', one_of(i, 'street', families), one_of(i, 'way', ways), die(i, 'house', 300)))
        AS street,
    mostly(i, 'city', one_of(i, 'city', cities)) AS city,
    mostly(i, 'postcode', format('{:05d}', die(i, 'postcode', 99999))) AS postcode,
    mostly(i, 'limit', {
        'amount': CAST(die(i, 'limit', 9000000) AS DECIMAL(18, 4)) / 100,
        'currency': one_of(i, 'limit currency', ['EUR', 'GBP', 'CHF', 'USD'])
    }::STRUCT(amount DECIMAL(18, 4), currency VARCHAR)) AS credit_limit,
    CAST(mostly(i, 'discount', die(i, 'discount', 2500) / 100) AS DECIMAL(5, 2)) AS discount,
    CAST(mostly(i, 'days', one_of(i, 'days', [0, 7, 10, 14, 30, 45, 60, 90])) AS BIGINT) AS payment_days,
    mostly(i, 'tax', format('{}{:09d}', one_of(i, 'country', ['DE', 'FR', 'GB', 'CH']), die(i, 'tax', 999999999)))
        AS tax_id,
    mostly(i, 'vip', die(i, 'vip', 10) = 0) AS vip,
    CAST(mostly(i, 'opened', DATE '1995-01-01' + die(i, 'opened', 11000)) AS DATE) AS opened_on,
    mostly(i, 'reviewed', make_timestamptz(1000000 * CAST(1500000000 + die(i, 'reviewed', 200000000) AS BIGINT)))
        AS reviewed_at,
    mostly(i, 'notes', format('{} – {} orders, “{}”, since {}', one_of(i, 'city', cities), die(i, 'orders', 500),
                              one_of(i, 'note', families), 1995 + die(i, 'since', 30))) AS notes
FROM range(getvariable('records') + getvariable('records') // 1000) AS r(i), words;

-- what becomes of the customers in the CRM: `edit` is the kind of the edit, -1 for none
CREATE TEMP TABLE edited AS
SELECT t.* REPLACE (
    CASE WHEN edit IN (0, 9) THEN name || ' & Co.' ELSE name END AS name,
    CASE WHEN edit = 1 THEN one_of(i, 'new status', ['prospect', 'active', 'suspended', 'closed']) ELSE status END AS status,
    CASE WHEN edit = 2 THEN format('new.{}@example.org', i) ELSE email END AS email,
    CASE WHEN edit = 3 THEN NULL ELSE phone END AS phone,
    CASE WHEN edit = 4 THEN 'Ny vej 7' ELSE street END AS street,
    CASE WHEN edit = 4 THEN 'Århus' ELSE city END AS city,
    CASE WHEN edit = 5 THEN 'geprüft: ' || coalesce(notes, '–') ELSE notes END AS notes,
    CASE WHEN edit = 6 THEN coalesce(opened_on, DATE '2024-02-29') + 1 ELSE opened_on END AS opened_on,
    CASE WHEN edit = 7 THEN NULL ELSE reviewed_at END AS reviewed_at,
    CASE WHEN edit = 8 THEN CAST(12.5 AS DECIMAL(5, 2)) ELSE discount END AS discount,
    CASE WHEN edit = 9 THEN 21 ELSE payment_days END AS payment_days,
    CASE WHEN edit = 11 THEN NULL ELSE credit_limit END AS credit_limit
)
FROM (
    SELECT *, CASE WHEN i < getvariable('records') AND die(i, 'edit', 100) = 0 THEN die(i, 'kind of edit', 12) ELSE -1 END
        AS edit
    FROM truth
) AS t
WHERE i >= getvariable('records') OR die(i, 'gone', 1000) > 0;

CREATE TEMP MACRO crm_rows(relation) AS TABLE
SELECT
    _native_id AS "_native_id", _native_id AS "native.id", number AS "native.number", name AS "native.name",
    legal_name AS "native.legal_name",
    CASE status WHEN 'active' THEN 'Open' WHEN 'prospect' THEN 'New' WHEN 'suspended' THEN 'Paused' ELSE 'Closed' END
        AS "native.status",
    upper(segment[1]) AS "native.segment",
    CASE WHEN die(i, 'small letters', 10) = 0 THEN lower(country) ELSE country END AS "native.country",
    currency AS "native.currency", email AS "native.email", phone AS "native.phone", street AS "native.street",
    city AS "native.city", postcode AS "native.postcode",
    CAST(credit_limit.amount AS VARCHAR) AS "native.credit_limit", credit_limit.currency AS "native.limit_currency",
    CAST(discount AS VARCHAR) AS "native.discount", CAST(payment_days AS VARCHAR) AS "native.payment_days",
    CASE WHEN die(i, 'small letters', 10) = 1 THEN lower(tax_id) ELSE tax_id END AS "native.tax_id",
    CAST(vip AS VARCHAR) AS "native.vip", CAST(opened_on AS VARCHAR) AS "native.opened_on",
    as_native_instant(reviewed_at) AS "native.reviewed_at",
    CASE WHEN die(i, 'untidy', 30) = 0 THEN '  ' || notes || ' ' ELSE notes END AS "native.notes",
    as_native_instant(TIMESTAMPTZ '2024-01-01 00:00:00Z' + to_seconds(i % 1000000)) AS "native.updated_at"
FROM (SELECT *, format('c{:08d}', i) AS _native_id FROM query_table(relation));

CREATE TEMP MACRO erp_rows(relation) AS TABLE
SELECT
    _native_id AS "_native_id", _native_id AS "native.debtor_id", number AS "native.debtor_no", name AS "native.name_1",
    legal_name AS "native.name_2", upper(status[1]) AS "native.state",
    CASE segment WHEN 'small' THEN '10' WHEN 'middle' THEN '20' WHEN 'large' THEN '30' WHEN 'public' THEN '90' END
        AS "native.class",
    country AS "native.land", currency AS "native.waers", email AS "native.mail", phone AS "native.tel",
    street AS "native.street", city AS "native.city", postcode AS "native.zip",
    CAST(credit_limit.amount AS VARCHAR) AS "native.limit_amount", credit_limit.currency AS "native.limit_waers",
    CAST(discount AS VARCHAR) AS "native.rebate", CAST(payment_days AS VARCHAR) AS "native.terms_days",
    tax_id AS "native.vat_no", CASE WHEN vip THEN 'Y' WHEN NOT vip THEN 'N' END AS "native.key_account",
    strftime(opened_on, '%d.%m.%Y') AS "native.opened", CAST(epoch_us(reviewed_at) // 1000000 AS VARCHAR) AS "native.reviewed",
    notes AS "native.memo",
    as_native_instant(TIMESTAMPTZ '2024-01-02 00:00:00Z' + to_seconds(i % 1000000)) AS "native.changed_at"
FROM (SELECT *, format('D{:07d}', i) AS _native_id FROM query_table(relation));

CREATE TEMP TABLE known AS SELECT * FROM truth WHERE i < getvariable('records');
CREATE TEMP TABLE crm_before AS FROM crm_rows('known');
CREATE TEMP TABLE erp_before AS FROM erp_rows('known');

-- the CRM as it is read now: what was edited, what is new, and what is not valid or not unique any more
CREATE TEMP TABLE crm_now AS
SELECT r.* REPLACE (
    CASE
        WHEN e.edit = 10 THEN replace("native.name", ' ', '  ')
        WHEN e.i >= getvariable('records') AND e.i % 200 = 0 THEN "native.name" || ' (copy)'
        ELSE "native.name" END AS "native.name",
    CASE
        WHEN e.i < getvariable('records') THEN "native.number"
        WHEN e.i % 200 = 0 THEN format('K-{:08d}', e.i + 1)
        WHEN e.i % 200 = 100 THEN format('K-{:08d}', e.i - getvariable('records'))
        ELSE "native.number" END AS "native.number",
    CASE WHEN bad = 0 THEN 'not an address' ELSE "native.email" END AS "native.email",
    CASE WHEN bad = 1 THEN 'Gone' ELSE "native.status" END AS "native.status",
    CASE WHEN bad = 2 THEN 'XX' ELSE "native.country" END AS "native.country",
    CASE WHEN bad = 3 THEN '1e3' ELSE "native.credit_limit" END AS "native.credit_limit",
    CASE WHEN bad = 4 THEN '2024-05-01T10:00:00' ELSE "native.reviewed_at" END AS "native.reviewed_at",
    CASE WHEN bad = 5 THEN '2.5' ELSE "native.payment_days" END AS "native.payment_days",
    CASE WHEN bad = 6 THEN '2024-02-30' ELSE "native.opened_on" END AS "native.opened_on",
    CASE WHEN e.edit >= 0 THEN as_native_instant(TIMESTAMPTZ '2024-06-01 00:00:00Z' + to_seconds(e.i % 86400))
        ELSE "native.updated_at" END AS "native.updated_at"
)
FROM crm_rows('edited') AS r
JOIN (SELECT i, edit, format('c{:08d}', i) AS _native_id, CASE WHEN edit >= 0 THEN die(i, 'bad', 350) END AS bad FROM edited)
    AS e ON e._native_id = r._native_id;

-- the ERP as a first run finds it: some names differ, some customers are missing
CREATE TEMP TABLE erp_first AS
SELECT * REPLACE (
    CASE WHEN die(_native_id, 'other name', 200) = 0 THEN 'Fa. ' || "native.name_1" ELSE "native.name_1" END AS "native.name_1"
)
FROM erp_before WHERE die(_native_id, 'not there', 1000) > 0;
