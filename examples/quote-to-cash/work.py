"""Do what people do in the three systems: make customers, send an invoice, take money, give some back.

Speaks to the systems' own interfaces and knows nothing of Syncline. Where they are is read from the environment (see
README.md). Only the standard library is needed::

    python work.py customers
    python work.py invoice
    python work.py charge INV-20260101-0001 100.00
    python work.py refund ch_… 30.00
"""

from __future__ import annotations

import base64
import json
import os
import sys
import urllib.error
import urllib.parse
import urllib.request
from decimal import Decimal
from typing import Any

CUSTOMERS = (
    ("Alpha GmbH", "info@alpha.example", "030 1234567", "DE", "EUR", "Berlin"),
    ("Beta Ltd", "hello@beta.example", "+44 20 7946 0958", "GB", "GBP", "London"),
    ("Gamma SARL", "contact@gamma.example", "+33 1 23 45 67 89", "FR", "EUR", "Paris"),
    ("Delta", "delta@delta.example", None, "", "EUR", "Nowhere"),  # without a country: it will have to wait
)


def ask(method: str, url: str, headers: dict[str, str], body: bytes | None = None) -> Any:
    """Send one request and read the JSON that comes back."""
    request = urllib.request.Request(url, body, headers, method=method)
    try:
        with urllib.request.urlopen(request) as answer:
            return json.load(answer)
    except urllib.error.HTTPError as error:
        sys.exit(f"{method} {url}: {error.code} {error.read().decode(errors='replace')[:300]}")


def crm(method: str, path: str, fields: dict[str, Any] | None = None) -> Any:
    """Ask the CRM."""
    headers = {"Authorization": f"Bearer {os.environ['CRM_TOKEN']}", "Content-Type": "application/json"}
    body = None if fields is None else json.dumps(fields).encode()
    return ask(method, os.environ["CRM_URL"] + path, headers, body)


def erp(method: str, path: str, fields: dict[str, Any]) -> Any:
    """Ask the ERP."""
    context = base64.urlsafe_b64encode(b'{"company": 1}').decode()
    headers = {"Authorization": f"Bearer {os.environ['ERP_TOKEN']}", "X-Tryton-Context": context}
    return ask(
        method,
        f"{os.environ['ERP_URL']}/rest/model/{path}",
        {**headers, "Content-Type": "application/json"},
        json.dumps(fields).encode(),
    )


def gateway(path: str, fields: dict[str, str]) -> Any:
    """Ask the payment gateway, whose bodies are forms."""
    headers = {"Authorization": f"Bearer {os.environ['GATEWAY_TOKEN']}", "Stripe-Account": "acct_exampletrading"}
    return ask("POST", os.environ["GATEWAY_URL"] + path, headers, urllib.parse.urlencode(fields).encode())


def customers() -> None:
    """Make customers in the CRM, a person at the first, and a product in the ERP."""
    for name, email, phone, country, currency, city in CUSTOMERS:
        fields = {"name": name, "email": email, "phone": phone, "country": country, "currency": currency, "city": city}
        made = crm("POST", "/api/accounts/", fields)
        print(f"CRM: account {made['id']} {name}")
    first = account_of(CUSTOMERS[0][0])
    crm(
        "POST",
        "/api/contacts/",
        {"first_name": "Ada", "last_name": "Lovelace", "email": "ada@alpha.example", "account": first},
    )
    price = {"__class__": "Decimal", "decimal": "19.99"}
    product = {"name": "Widget", "code": "W-1", "default_uom": 1, "sale_uom": 1, "salable": True, "list_price": price}
    erp("POST", "product.template", {**product, "account_category": 1, "products": [["create", [{"suffix_code": ""}]]]})
    print("CRM: a person at the first of them; ERP: product W-1")


def account_of(name: str) -> str:
    """Find the CRM's account of that name."""
    found = crm("GET", f"/api/accounts/?{urllib.parse.urlencode({'name': name})}")
    return str(found["active_accounts"]["open_accounts"][0]["id"])


def invoice() -> None:
    """Write an invoice over 100.00 to the first customer and send it."""
    account = account_of(CUSTOMERS[0][0])
    person = crm("GET", "/api/contacts/?email=ada@alpha.example")["contact_obj_list"][0]["id"]
    lines = [{"name": "Widget", "quantity": "4", "unit_price": "25.00"}]
    body = {
        "invoice_title": "Order",
        "account_id": account,
        "contact_id": person,
        "currency": "EUR",
        "line_items": lines,
    }
    made = crm("POST", "/api/invoices/", body)["invoice"]
    crm("POST", f"/api/invoices/{made['id']}/send/", {})
    print(f"CRM: invoice {made['invoice_number']} over {made['total_amount']} {made['currency']}")


def charge(number: str, amount: str) -> None:
    """Take money for an invoice."""
    fields = {"amount": minor(amount), "currency": "eur", "source": "tok_visa", "metadata[invoice]": number}
    print(f"gateway: charge {gateway('/v1/charges', fields)['id']}")


def refund(of: str, amount: str) -> None:
    """Give some of it back."""
    print(f"gateway: refund {gateway('/v1/refunds', {'charge': of, 'amount': minor(amount)})['id']}")


def minor(amount: str) -> str:
    """Write an amount in cents."""
    return str(int(Decimal(amount) * 100))


COMMANDS = {"customers": (customers, 0), "invoice": (invoice, 0), "charge": (charge, 2), "refund": (refund, 2)}


def main(words: list[str]) -> None:
    """Do the one thing that is asked for."""
    if not words or words[0] not in COMMANDS or len(words) - 1 != COMMANDS[words[0]][1]:
        sys.exit(__doc__)
    if "CRM_URL" not in os.environ:
        sys.exit("CRM_URL and the others are not set: source the file that `servers.py up --exports` writes")
    COMMANDS[words[0]][0](*words[1:])  # type: ignore[operator]


if __name__ == "__main__":
    main(sys.argv[1:])
