-- The slim shape: join (id, hash), fetch the rows that differ, then look at their fields.
CREATE OR REPLACE TEMP TABLE slim_now AS
SELECT _native_id AS id, hash(
    "native.id", "native.number", "native.name", "native.legal_name", "native.status", "native.segment",
    "native.country", "native.currency", "native.email", "native.phone", "native.street", "native.city",
    "native.postcode", "native.credit_limit", "native.limit_currency", "native.discount", "native.payment_days",
    "native.tax_id", "native.vip", "native.opened_on", "native.reviewed_at", "native.notes", "native.updated_at"
) AS h FROM "landed/crm/Customer";
CREATE OR REPLACE TEMP TABLE slim_before AS
SELECT _native_id AS id, hash(
    "native.id", "native.number", "native.name", "native.legal_name", "native.status", "native.segment",
    "native.country", "native.currency", "native.email", "native.phone", "native.street", "native.city",
    "native.postcode", "native.credit_limit", "native.limit_currency", "native.discount", "native.payment_days",
    "native.tax_id", "native.vip", "native.opened_on", "native.reviewed_at", "native.notes", "native.updated_at"
) AS h FROM "base:customer/crm";
CREATE OR REPLACE TEMP TABLE slim_differs AS
SELECT coalesce(n.id, b.id) AS id, b.id IS NULL AS added, n.id IS NULL AS removed
FROM slim_now AS n FULL JOIN slim_before AS b ON b.id = n.id WHERE n.h IS DISTINCT FROM b.h;
CREATE OR REPLACE TEMP TABLE slim_rows_now AS
SELECT * FROM "landed/crm/Customer" WHERE _native_id IN (SELECT id FROM slim_differs);
CREATE OR REPLACE TEMP TABLE slim_rows_before AS
SELECT _native_id, COLUMNS('^native\.') FROM "base:customer/crm" WHERE _native_id IN (SELECT id FROM slim_differs);
CREATE OR REPLACE TEMP TABLE slim_fields AS
SELECT n._native_id AS id, 'id' AS field, b."native.id" AS before, n."native.id" AS now
FROM slim_rows_now AS n JOIN slim_rows_before AS b ON b._native_id = n._native_id WHERE n."native.id" IS DISTINCT FROM b."native.id"
UNION ALL SELECT n._native_id AS id, 'number' AS field, b."native.number" AS before, n."native.number" AS now
FROM slim_rows_now AS n JOIN slim_rows_before AS b ON b._native_id = n._native_id WHERE n."native.number" IS DISTINCT FROM b."native.number"
UNION ALL SELECT n._native_id AS id, 'name' AS field, b."native.name" AS before, n."native.name" AS now
FROM slim_rows_now AS n JOIN slim_rows_before AS b ON b._native_id = n._native_id WHERE n."native.name" IS DISTINCT FROM b."native.name"
UNION ALL SELECT n._native_id AS id, 'legal_name' AS field, b."native.legal_name" AS before, n."native.legal_name" AS now
FROM slim_rows_now AS n JOIN slim_rows_before AS b ON b._native_id = n._native_id WHERE n."native.legal_name" IS DISTINCT FROM b."native.legal_name"
UNION ALL SELECT n._native_id AS id, 'status' AS field, b."native.status" AS before, n."native.status" AS now
FROM slim_rows_now AS n JOIN slim_rows_before AS b ON b._native_id = n._native_id WHERE n."native.status" IS DISTINCT FROM b."native.status"
UNION ALL SELECT n._native_id AS id, 'segment' AS field, b."native.segment" AS before, n."native.segment" AS now
FROM slim_rows_now AS n JOIN slim_rows_before AS b ON b._native_id = n._native_id WHERE n."native.segment" IS DISTINCT FROM b."native.segment"
UNION ALL SELECT n._native_id AS id, 'country' AS field, b."native.country" AS before, n."native.country" AS now
FROM slim_rows_now AS n JOIN slim_rows_before AS b ON b._native_id = n._native_id WHERE n."native.country" IS DISTINCT FROM b."native.country"
UNION ALL SELECT n._native_id AS id, 'currency' AS field, b."native.currency" AS before, n."native.currency" AS now
FROM slim_rows_now AS n JOIN slim_rows_before AS b ON b._native_id = n._native_id WHERE n."native.currency" IS DISTINCT FROM b."native.currency"
UNION ALL SELECT n._native_id AS id, 'email' AS field, b."native.email" AS before, n."native.email" AS now
FROM slim_rows_now AS n JOIN slim_rows_before AS b ON b._native_id = n._native_id WHERE n."native.email" IS DISTINCT FROM b."native.email"
UNION ALL SELECT n._native_id AS id, 'phone' AS field, b."native.phone" AS before, n."native.phone" AS now
FROM slim_rows_now AS n JOIN slim_rows_before AS b ON b._native_id = n._native_id WHERE n."native.phone" IS DISTINCT FROM b."native.phone"
UNION ALL SELECT n._native_id AS id, 'street' AS field, b."native.street" AS before, n."native.street" AS now
FROM slim_rows_now AS n JOIN slim_rows_before AS b ON b._native_id = n._native_id WHERE n."native.street" IS DISTINCT FROM b."native.street"
UNION ALL SELECT n._native_id AS id, 'city' AS field, b."native.city" AS before, n."native.city" AS now
FROM slim_rows_now AS n JOIN slim_rows_before AS b ON b._native_id = n._native_id WHERE n."native.city" IS DISTINCT FROM b."native.city"
UNION ALL SELECT n._native_id AS id, 'postcode' AS field, b."native.postcode" AS before, n."native.postcode" AS now
FROM slim_rows_now AS n JOIN slim_rows_before AS b ON b._native_id = n._native_id WHERE n."native.postcode" IS DISTINCT FROM b."native.postcode"
UNION ALL SELECT n._native_id AS id, 'credit_limit' AS field, b."native.credit_limit" AS before, n."native.credit_limit" AS now
FROM slim_rows_now AS n JOIN slim_rows_before AS b ON b._native_id = n._native_id WHERE n."native.credit_limit" IS DISTINCT FROM b."native.credit_limit"
UNION ALL SELECT n._native_id AS id, 'limit_currency' AS field, b."native.limit_currency" AS before, n."native.limit_currency" AS now
FROM slim_rows_now AS n JOIN slim_rows_before AS b ON b._native_id = n._native_id WHERE n."native.limit_currency" IS DISTINCT FROM b."native.limit_currency"
UNION ALL SELECT n._native_id AS id, 'discount' AS field, b."native.discount" AS before, n."native.discount" AS now
FROM slim_rows_now AS n JOIN slim_rows_before AS b ON b._native_id = n._native_id WHERE n."native.discount" IS DISTINCT FROM b."native.discount"
UNION ALL SELECT n._native_id AS id, 'payment_days' AS field, b."native.payment_days" AS before, n."native.payment_days" AS now
FROM slim_rows_now AS n JOIN slim_rows_before AS b ON b._native_id = n._native_id WHERE n."native.payment_days" IS DISTINCT FROM b."native.payment_days"
UNION ALL SELECT n._native_id AS id, 'tax_id' AS field, b."native.tax_id" AS before, n."native.tax_id" AS now
FROM slim_rows_now AS n JOIN slim_rows_before AS b ON b._native_id = n._native_id WHERE n."native.tax_id" IS DISTINCT FROM b."native.tax_id"
UNION ALL SELECT n._native_id AS id, 'vip' AS field, b."native.vip" AS before, n."native.vip" AS now
FROM slim_rows_now AS n JOIN slim_rows_before AS b ON b._native_id = n._native_id WHERE n."native.vip" IS DISTINCT FROM b."native.vip"
UNION ALL SELECT n._native_id AS id, 'opened_on' AS field, b."native.opened_on" AS before, n."native.opened_on" AS now
FROM slim_rows_now AS n JOIN slim_rows_before AS b ON b._native_id = n._native_id WHERE n."native.opened_on" IS DISTINCT FROM b."native.opened_on"
UNION ALL SELECT n._native_id AS id, 'reviewed_at' AS field, b."native.reviewed_at" AS before, n."native.reviewed_at" AS now
FROM slim_rows_now AS n JOIN slim_rows_before AS b ON b._native_id = n._native_id WHERE n."native.reviewed_at" IS DISTINCT FROM b."native.reviewed_at"
UNION ALL SELECT n._native_id AS id, 'notes' AS field, b."native.notes" AS before, n."native.notes" AS now
FROM slim_rows_now AS n JOIN slim_rows_before AS b ON b._native_id = n._native_id WHERE n."native.notes" IS DISTINCT FROM b."native.notes"
UNION ALL SELECT n._native_id AS id, 'updated_at' AS field, b."native.updated_at" AS before, n."native.updated_at" AS now
FROM slim_rows_now AS n JOIN slim_rows_before AS b ON b._native_id = n._native_id WHERE n."native.updated_at" IS DISTINCT FROM b."native.updated_at";
