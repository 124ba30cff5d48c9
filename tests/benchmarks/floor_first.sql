-- Read and hash both sides, where nothing is stored yet: what was read of either system.
SELECT bit_xor(hash(
    "native.id", "native.number", "native.name", "native.legal_name", "native.status", "native.segment",
    "native.country", "native.currency", "native.email", "native.phone", "native.street", "native.city",
    "native.postcode", "native.credit_limit", "native.limit_currency", "native.discount", "native.payment_days",
    "native.tax_id", "native.vip", "native.opened_on", "native.reviewed_at", "native.notes", "native.updated_at"
)) FROM "landed/crm/Customer";
SELECT bit_xor(hash(
    "native.debtor_id", "native.debtor_no", "native.name_1", "native.name_2", "native.state", "native.class",
    "native.land", "native.waers", "native.mail", "native.tel", "native.street", "native.city", "native.zip",
    "native.limit_amount", "native.limit_waers", "native.rebate", "native.terms_days", "native.vat_no",
    "native.key_account", "native.opened", "native.reviewed", "native.memo", "native.changed_at"
)) FROM "landed/erp/Debtor";
