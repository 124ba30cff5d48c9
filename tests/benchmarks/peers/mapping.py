"""The two mappings and the owners of ``project/`` as tables, for who writes them by hand in another library."""

from __future__ import annotations

MARGIN = r"[\s\x0b\x85\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]+"
CRM_STATUS = {"Open": "active", "New": "prospect", "Paused": "suspended", "Closed": "closed"}
ERP_STATUS = {"A": "active", "P": "prospect", "S": "suspended", "C": "closed"}
CRM_SEGMENT = {"S": "small", "M": "middle", "L": "large", "P": "public"}
ERP_SEGMENT = {"10": "small", "20": "middle", "30": "large", "90": "public"}
CODES = {"crm": {"status": CRM_STATUS, "segment": CRM_SEGMENT}, "erp": {"status": ERP_STATUS, "segment": ERP_SEGMENT}}

NATIVES = {
    "number": ("number", "debtor_no"),
    "name": ("name", "name_1"),
    "legal_name": ("legal_name", "name_2"),
    "status": ("status", "state"),
    "segment": ("segment", "class"),
    "country": ("country", "land"),
    "currency": ("currency", "waers"),
    "email": ("email", "mail"),
    "phone": ("phone", "tel"),
    "street": ("street", "street"),
    "city": ("city", "city"),
    "postcode": ("postcode", "zip"),
    "credit_limit": ("credit_limit", "limit_amount"),
    "discount": ("discount", "rebate"),
    "payment_days": ("payment_days", "terms_days"),
    "tax_id": ("tax_id", "vat_no"),
    "vip": ("vip", "key_account"),
    "opened_on": ("opened_on", "opened"),
    "reviewed_at": ("reviewed_at", "reviewed"),
    "notes": ("notes", "memo"),
}
"""Canonical field → its native field in the CRM and in the ERP; the currency of ``credit_limit`` lies beside."""
SIDES = ("crm", "erp")
LIMIT_CURRENCY = {"crm": "limit_currency", "erp": "limit_waers"}

KINDS = {
    "number": "text", "name": "squash", "legal_name": "trim", "status": "code", "segment": "code", "country": "country",
    "currency": "currency", "email": "email", "phone": "squash", "street": "squash", "city": "squash", "postcode": "upper",
    "credit_limit": "money", "discount": "share", "payment_days": "int", "tax_id": "upper", "vip": "bool",
    "opened_on": "date", "reviewed_at": "instant", "notes": "trim",
}  # fmt: skip
REQUIRED = ("number", "name", "status", "country")
OWNED_BY_ERP = ("credit_limit", "discount", "payment_days")

BOOLS = {"crm": {"true": True, "false": False}, "erp": {"Y": True, "N": False}}
DATES = {"crm": "%Y-%m-%d", "erp": "%d.%m.%Y"}
DECIMAL = {"money": r"[+-]?[0-9]+(?:\.[0-9]{1,4}0*)?", "share": r"[+-]?[0-9]+(?:\.[0-9]{1,2}0*)?"}
INTEGER = r"[+-]?[0-9]{1,19}"
DATE = {"crm": r"[0-9]{4}-[0-9]{2}-[0-9]{2}", "erp": r"[0-9]{2}\.[0-9]{2}\.[0-9]{4}"}
INSTANT = r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z"
EMAIL = r"[^\s@,;:<>()\[\]\\\"]+@(?:[^\W_](?:[\w-]*[^\W_])?\.)+[\w-]{2,}"


def native(field: str, side: str) -> str:
    """The native field that a canonical field is read from and written to."""
    return NATIVES[field][SIDES.index(side)]
