"""The three real servers of the quote-to-cash example: started once, spoken to directly, never through Syncline.

Where a machine lacks what they need, tests are skipped and say so; under ``CI=true`` they fail.
"""

from __future__ import annotations

import base64
import importlib.util
import json
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any, NoReturn

import httpx
import pytest

EXAMPLE = Path(__file__).parents[2] / "examples" / "quote-to-cash"
ACCOUNT_OF_GATEWAY = "acct_exampletrading"


def _load_servers() -> ModuleType:
    spec = importlib.util.spec_from_file_location("quote_to_cash_servers", EXAMPLE / "systems" / "servers.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


servers = _load_servers()


@contextmanager
def running() -> Iterator[Desk]:
    """The three servers with fresh data, until the block ends."""
    lacking = [found.reason for found in servers.available().values() if not found.ok]
    if lacking:
        _give_up("; ".join(lacking))
    try:
        servers.install()
    except servers.SystemsError as error:
        _give_up(str(error))
    with servers.running() as systems, httpx.Client(timeout=60) as http:
        yield Desk(
            Crm(http, systems["crm"].url, {"Authorization": f"Bearer {systems['crm'].token}"}),
            Erp(http, f"{systems['erp'].url}/erp", _erp_headers(systems["erp"].token)),
            Gateway(
                http,
                systems["gateway"].url,
                {"Authorization": f"Bearer {systems['gateway'].token}", "Stripe-Account": ACCOUNT_OF_GATEWAY},
            ),
            {name: system.token for name, system in systems.items()},
        )


def _give_up(reason: str) -> NoReturn:
    """Skip the test, or fail it where the servers must run."""
    reason = f"the real servers cannot run here: {reason}"
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)


def _erp_headers(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}", "X-Tryton-Context": encoded({"company": 1, "active_test": False})}


def encoded(value: Any) -> str:
    """JSON in base64, as the ERP wants it."""
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode()


def decimal(text: str) -> dict[str, str]:
    """An amount as the ERP wants it."""
    return {"__class__": "Decimal", "decimal": text}


@dataclass(frozen=True)
class Client:
    """Somebody who works with a server: asserts that everything he does is accepted."""

    http: httpx.Client
    url: str
    headers: Mapping[str, str]

    def ask(self, method: str, path: str, **more: Any) -> Any:
        answer = self.http.request(method, self.url + path, headers=dict(self.headers), **more)
        assert answer.status_code < 300, f"{method} {path}: {answer.status_code} {answer.text[:400]}"
        return answer.json() if answer.content else None


@dataclass(frozen=True)
class Crm(Client):
    """The CRM."""

    def add_account(self, **fields: Any) -> str:
        return str(self.ask("POST", "/api/accounts/", json=fields)["id"])

    def edit_account(self, id_: str, **fields: Any) -> None:
        self.ask("PATCH", f"/api/accounts/{id_}/", json=fields)

    def account(self, id_: str) -> Any:
        return self.ask("GET", f"/api/accounts/{id_}/")["account_obj"]

    def accounts(self) -> list[Any]:
        listed = self.ask("GET", "/api/accounts/?limit=10000")
        return [*listed["active_accounts"]["open_accounts"], *listed["closed_accounts"]["close_accounts"]]

    def add_contact(self, **fields: Any) -> str:
        return str(self.ask("POST", "/api/contacts/", json=fields)["id"])

    def add_invoice(self, account: str, contact: str, *lines: tuple[str, str, str], currency: str = "EUR") -> Any:
        """Write an invoice of (name, quantity, price) lines and send it to the customer."""
        body = {
            "invoice_title": "Order", "account_id": account, "contact_id": contact, "currency": currency,
            "line_items": [{"name": name, "quantity": quantity, "unit_price": price} for name, quantity, price in lines],
        }  # fmt: skip
        made = self.ask("POST", "/api/invoices/", json=body)["invoice"]
        self.ask("POST", f"/api/invoices/{made['id']}/send/", json={})
        return made

    def invoice(self, id_: str) -> Any:
        return self.ask("GET", f"/api/invoices/{id_}/")["invoice"]

    def products(self) -> list[Any]:
        return list(self.ask("GET", "/api/invoices/products/?limit=10000")["results"])


PARTY = (
    "code", "name", "active", "email", "receivable", "customer_payment_term.name", "addresses.street", "addresses.city",
    "addresses.postal_code", "addresses.country.code", "contact_mechanisms.type", "contact_mechanisms.value",
    "contact_mechanisms.name",
)  # fmt: skip
INVOICE = (
    "reference", "number", "state", "amount_to_pay", "total_amount", "party.code", "currency.code", "lines.description",
    "lines.quantity", "lines.unit_price",
)  # fmt: skip
STATEMENT = ("name", "state", "lines.amount", "lines.related_to", "lines.party")


@dataclass(frozen=True)
class Erp(Client):
    """The ERP."""

    def all(self, model: str, fields: tuple[str, ...], *where: list[Any]) -> list[Any]:
        """Records of a model in the order in which they were made."""
        query = {"f": list(fields), "d": encoded(list(where)), "o": encoded([["id", "ASC"]])}
        return list(self.ask("GET", f"/rest/model/{model}", params=query))

    def parties(self, *where: list[Any]) -> list[Any]:
        """Customers."""
        return self.all("party.party", PARTY, ["categories.name", "=", "Customer"], *where)

    def invoices(self, *where: list[Any]) -> list[Any]:
        return self.all("account.invoice", INVOICE, *where)

    def statements(self, *where: list[Any]) -> list[Any]:
        return self.all("account.statement", STATEMENT, *where)

    def edit(self, model: str, id_: int, **fields: Any) -> None:
        self.ask("PUT", f"/rest/model/{model}/{id_}", json=fields)

    def payment_term(self, name: str) -> int:
        return int(self.all("account.invoice.payment_term", ("name",), ["name", "=", name])[0]["id"])

    def add_product(self, code: str, name: str, price: str) -> None:
        body = {
            "name": name, "code": code, "type": "goods", "default_uom": 1, "sale_uom": 1, "salable": True,
            "list_price": decimal(price), "account_category": 1, "products": [["create", [{"suffix_code": ""}]]],
        }  # fmt: skip
        self.ask("POST", "/rest/model/product.template", json=body)


@dataclass(frozen=True)
class Gateway(Client):
    """The payment gateway."""

    def customers(self) -> list[Any]:
        return list(self.ask("GET", "/v1/customers")["data"])

    def edit_customer(self, id_: str, **fields: str) -> None:
        self.ask("POST", f"/v1/customers/{id_}", data=fields)

    def charge(self, minor: int, currency: str, invoice: str) -> str:
        body = {"amount": str(minor), "currency": currency, "source": "tok_visa", "metadata[invoice]": invoice}
        return str(self.ask("POST", "/v1/charges", data=body)["id"])

    def refund(self, charge: str, minor: int) -> str:
        return str(self.ask("POST", "/v1/refunds", data={"charge": charge, "amount": str(minor)})["id"])


@dataclass(frozen=True)
class Desk:
    """The three servers, and where they are for Syncline."""

    crm: Crm
    erp: Erp
    gateway: Gateway
    tokens: Mapping[str, str]

    def variables(self, **urls: str) -> dict[str, str]:
        """The environment variables of the example's bindings; ``urls`` take the place of the servers' own."""
        own = {"crm": self.crm.url, "erp": self.erp.url, "gateway": self.gateway.url} | urls
        found = {f"{name.upper()}_URL": url for name, url in own.items()}
        return found | {f"{name.upper()}_TOKEN": token for name, token in self.tokens.items()}
