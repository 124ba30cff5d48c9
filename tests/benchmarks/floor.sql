-- Read and hash both sides.
SELECT bit_xor(hash(
    "native.id", "native.number", "native.name", "native.legal_name", "native.status", "native.segment",
    "native.country", "native.currency", "native.email", "native.phone", "native.street", "native.city",
    "native.postcode", "native.credit_limit", "native.limit_currency", "native.discount", "native.payment_days",
    "native.tax_id", "native.vip", "native.opened_on", "native.reviewed_at", "native.notes", "native.updated_at"
)) FROM "landed/crm/Customer";
SELECT bit_xor(hash(
    "native.id", "native.number", "native.name", "native.legal_name", "native.status", "native.segment",
    "native.country", "native.currency", "native.email", "native.phone", "native.street", "native.city",
    "native.postcode", "native.credit_limit", "native.limit_currency", "native.discount", "native.payment_days",
    "native.tax_id", "native.vip", "native.opened_on", "native.reviewed_at", "native.notes", "native.updated_at"
)) FROM "base:customer/crm";
