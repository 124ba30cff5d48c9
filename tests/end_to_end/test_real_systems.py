"""Three systems that others wrote, reached by description alone."""

from __future__ import annotations

import asyncio
import importlib.util
import os
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from syncline_runtime.authentication import Auth
from syncline_runtime.binding import Connection
from syncline_runtime.connectors import ConnectionHandle, Refused, Row, Surroundings, open_connection
from syncline_runtime.errors import RequestFailed
from syncline_runtime.request import Probe, Request
from syncline_runtime.system import (
    Cursor,
    ErrorRule,
    FindBy,
    ListRead,
    Lookup,
    NativeField,
    Paging,
    Resource,
    System,
    TaggedValues,
    Transition,
    Write,
)

pytestmark = pytest.mark.real
SCRIPT = Path(__file__).parents[2] / "examples" / "quote-to-cash" / "systems" / "servers.py"
OFFSET = {"limit": "{size}", "offset": "{offset}"}


@pytest.fixture(scope="module")
def systems() -> Iterator[dict[str, Any]]:
    spec = importlib.util.spec_from_file_location("servers", SCRIPT)
    if not SCRIPT.exists() or spec is None or spec.loader is None:
        pytest.skip("the example's script for real systems is not there")
    servers = importlib.util.module_from_spec(spec)
    sys.modules["servers"] = servers
    spec.loader.exec_module(servers)
    missing = [f"{name}: {found.reason}" for name, found in servers.available().items() if not found.ok]
    if missing and os.environ.get("CI") != "true":
        pytest.skip("; ".join(missing))
    with servers.running() as running:
        yield running


@asynccontextmanager
async def opened(system: System, real: Any, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[ConnectionHandle]:
    monkeypatch.setenv("REAL_TOKEN", real.token)
    monkeypatch.setenv("REAL_PASSWORD", real.password or "none")
    monkeypatch.setenv("REAL_USER", real.user or "none")
    secrets = {"token": "env:REAL_TOKEN", "username": "env:REAL_USER", "password": "env:REAL_PASSWORD"}
    if system.auth.kind != "session":
        del secrets["username"]
    connection = Connection(system.name, system.name, real.url, secrets, account=real.account)
    async with open_connection(system, connection, Surroundings()) as handle:
        yield handle


async def read_all(handle: ConnectionHandle, resource: str, since: str | None = None) -> list[Row]:
    return [row async for page in handle.read(resource, since) for row in page.rows]  # type: ignore[union-attr]


# ---------------------------------------------------------------------------------------------- CRM
def crm() -> System:
    account = Resource(
        "Account",
        "Account",
        "id",
        (
            NativeField("id", "text", "id", writable=False),
            NativeField("name", "text", "name", required=True),
            NativeField("email", "text", "email"),
            NativeField("country", "text", "country", empty_is_null=True),
            NativeField("active", "bool", "is_active"),
        ),
        list=ListRead(
            Request("/api/accounts/", query=OFFSET),
            "active_accounts.open_accounts",
            Paging("offset", size=10),
            also=("closed_accounts.close_accounts",),
        ),
        get=Request("/api/accounts/{id}/"),
        get_at="account_obj",
        create=Write(
            Request("/api/accounts/", "POST"),
            returns="id",
            find=FindBy(
                "name",
                Request("/api/accounts/", query={"name": "{marker}", **OFFSET}),
                "active_accounts.open_accounts",
                Paging("offset", size=10),
            ),
        ),
        update=Write(Request("/api/accounts/{id}/", "PATCH"), returns="nothing"),
        delete=Write(Request("/api/accounts/{id}/", "DELETE"), returns="nothing"),
    )
    contact = Resource(
        "Contact",
        "Contact",
        "id",
        (
            NativeField("id", "text", "id", writable=False),
            NativeField("first_name", "text", "first_name"),
            NativeField("last_name", "text", "last_name"),
            NativeField("account", "text", "account", ref="Account"),
        ),
        create=Write(Request("/api/contacts/", "POST"), returns="id"),
    )
    product = Resource(
        "Product",
        "Product",
        "id",
        (
            NativeField("id", "text", "id", writable=False),
            NativeField("name", "text", "name", required=True),
            NativeField("sku", "text", "sku"),
            NativeField("price", "decimal", "price", scale=2, quoted=True),
        ),
        list=ListRead(
            Request("/api/invoices/products/", query=OFFSET), "results", Paging("offset", size=2, total="count")
        ),
        create=Write(
            Request("/api/invoices/products/", "POST"),
            record_at="product",
            marker="sku",
            find=FindBy("sku", Request("/api/invoices/products/", query={"search": "{marker}"}), "results"),
        ),
        update=Write(Request("/api/invoices/products/{id}/", "PUT"), record_at="product"),
    )
    invoice = Resource(
        "Invoice",
        "Invoice",
        "id",
        (
            NativeField("id", "text", "id", writable=False),
            NativeField("title", "text", "invoice_title"),
            NativeField("account", "text", "account.id", write_at="account_id", ref="Account"),
            NativeField("contact", "text", "contact.id", write_at="contact_id", ref="Contact"),
            NativeField("total", "decimal", "total_amount", writable=False),
            NativeField("lines", "list", "line_items"),
            NativeField("status", "text", "status", writable=False),
        ),
        list=ListRead(
            Request("/api/invoices/", query=OFFSET), "results", Paging("next_link", size=1, next="next"), detail=True
        ),
        get=Request("/api/invoices/{id}/"),
        get_at="invoice",
        create=Write(Request("/api/invoices/", "POST"), record_at="invoice"),
        update=Write(Request("/api/invoices/{id}/", "PUT"), record_at="invoice"),
        transitions=(
            Transition("status", "Draft", "Sent", Request("/api/invoices/{id}/send/", "POST", body={})),
            Transition("status", "Sent", "Cancelled", Request("/api/invoices/{id}/cancel/", "POST", body={})),
        ),
    )
    payment = Resource(
        "Payment",
        "Payment",
        "id",
        (
            NativeField("id", "text", "id", writable=False),
            NativeField("invoice", "text", "invoice", writable=False, ref="Invoice"),
            NativeField("amount", "decimal", "amount", quoted=True),
            NativeField("day", "date", "payment_date"),
            NativeField("method", "text", "payment_method"),
            NativeField("reference", "text", "reference_number"),
        ),
        list=ListRead(Request("/api/invoices/{parent}/payments/"), each="Invoice"),
        create=Write(Request("/api/invoices/{parent}/payments/", "POST"), record_at="payment"),
        parent="invoice",
    )
    return System(
        "crm",
        "1.0.0",
        "CRM",
        (account, contact, product, invoice, payment),
        auth=Auth("bearer"),
        account=Probe(Request("/api/org/"), "profile_org_list.0.org.id"),
        errors=(
            ErrorRule("authentication", (403,), {"code": "token_not_valid"}),
            ErrorRule("authentication", (403,), {"detail": "Organization context is required. Please login again."}),
            ErrorRule("conflict", (400,), {"errors.name.0": "Account already exists with this name"}),
        ),
        error_message_at="errors",
    )


def test_crm(systems: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    described = crm()
    account, invoice = described.resource("Account"), described.resource("Invoice")
    assert account.create
    assert account.update
    assert account.delete

    async def story() -> None:
        async with opened(described, systems["crm"], monkeypatch) as handle:
            await handle.prove()
            made = []
            for n in range(23):
                natives = {"name": f"Kunde {n:02d} Ö", "country": None, "active": "true" if n % 3 else "false"}
                written = await handle.write("Account", account.create, native_id=None, natives=natives)
                made.append(written.native_id)
            rows = {row.native_id: row for row in await read_all(handle, "Account")}
            assert set(made) <= set(rows)
            assert rows[made[0] or ""].natives["active"] == "false"
            assert rows[made[0] or ""].natives["country"] is None
            with pytest.raises(Refused) as twice:
                await handle.write("Account", account.create, native_id=None, natives={"name": "KUNDE 00 Ö"})
            assert (twice.value.category, twice.value.ambiguous, twice.value.fields) == ("conflict", False, ("name",))
            found = await handle.find("Account", account.create, "Kunde 01 Ö")
            assert [row.native_id for row in found.rows] == [made[1]]
            assert (await handle.find("Account", account.create, "Kunde")).conclusive
            await handle.write("Account", account.update, native_id=made[0], natives={"name": "Neu", "email": "a@b.de"})
            changed = await handle.get("Account", made[0] or "")
            assert changed
            assert (changed.natives["name"], changed.natives["email"]) == ("Neu", "a@b.de")
            await handle.write("Account", account.delete, native_id=made[2], natives={})
            assert await handle.get("Account", made[2] or "") is None
            await invoices(handle, made[1] or "")

    async def invoices(handle: ConnectionHandle, customer: str) -> None:
        contact = described.resource("Contact").create
        payment = described.resource("Payment").create
        assert contact
        assert payment
        assert invoice.create
        assert invoice.update
        person = {"first_name": "Ann", "last_name": "Bee", "account": customer}
        who = await handle.write("Contact", contact, native_id=None, natives=person)
        lines = '[{"name":"Widget","quantity":"3","unit_price":"19.99"}]'
        made = []
        for n in range(3):
            natives = {"title": f"T-{n}", "account": customer, "contact": who.native_id, "lines": lines}
            written = await handle.write("Invoice", invoice.create, native_id=None, natives=natives)
            assert written.row
            assert written.row.natives["total"] == "59.97"
            made.append(written.native_id or "")
        sent = await handle.write("Invoice", invoice.update, native_id=made[0], natives={"status": "Cancelled"})
        assert sent.row
        assert sent.row.natives["status"] == "Cancelled"
        paid = {"amount": "10.00", "day": "2026-11-10", "method": "STRIPE", "reference": "ch_1"}
        written = await handle.write("Payment", payment, native_id=None, natives=paid, parent=made[1])
        rows = await read_all(handle, "Payment")
        assert [(row.native_id, row.natives["invoice"]) for row in rows] == [(written.native_id, made[1])]
        all_of_them = {row.native_id: row.natives["account"] for row in await read_all(handle, "Invoice")}
        assert all_of_them == dict.fromkeys(made, customer)

    asyncio.run(story())


def test_crm_refusals(systems: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    described = crm()
    product = described.resource("Product")
    assert product.create
    broken = replace(described.resource("Account"), get=Request("/api/accounts/{id}/"), name="Broken")

    async def story() -> None:
        async with opened(described, systems["crm"], monkeypatch) as handle:
            for n in range(3):
                natives = {"name": f"Widget {n}", "price": f"{n + 1}9.90"}
                written = await handle.write(
                    "Product", product.create, native_id=None, natives=natives, marker=f"W-{n}"
                )
                assert written.row
                assert written.row.natives["price"] == f"{n + 1}9.90"
            assert len(await read_all(handle, "Product")) == 3
            with pytest.raises(RequestFailed) as twice:  # this system answers a duplicate with an HTML page
                await handle.write("Product", product.create, native_id=None, natives={"name": "x"}, marker="W-1")
            assert (twice.value.category, twice.value.status, twice.value.ambiguous) == ("vendor", 500, True)
            assert len((await handle.find("Product", product.create, "W-1")).rows) == 1
        wrong = replace(described, resources=(*described.resources, broken))
        async with opened(wrong, systems["crm"], monkeypatch) as handle:
            assert await handle.get("Broken", "no-uuid") is None
        systems["crm"].token, kept = "wrong", systems["crm"].token
        try:
            async with opened(described, systems["crm"], monkeypatch) as handle:
                with pytest.raises(RequestFailed) as refused:
                    await handle.prove()
        finally:
            systems["crm"].token = kept
        assert refused.value.category == "authentication"

    asyncio.run(story())


# ---------------------------------------------------------------------------------------------- ERP
TAGS = TaggedValues(
    "__class__",
    {
        "Decimal": ("decimal",),
        "date": ("year", "month", "day"),
        "datetime": ("year", "month", "day", "hour", "minute", "second", "microsecond"),
    },
    {"decimal": "Decimal", "date": "date", "instant": "datetime"},
)
MODEL = "/erp/rest/model/"
PARTY_FIELDS = [
    "name", "code", "active", "write_date", "addresses.id", "addresses.city", "addresses.country.code",
]  # fmt: skip


def domain(*clauses: Any) -> dict[str, Any]:
    return {"$base64url_json": list(clauses)}


def erp() -> System:
    country = Lookup(
        Request(MODEL + "country.country", query={"f": "code", "d": domain(["code", "=", "{value}"])}), "0.id"
    )
    address = {"city": "{field.city}", "country": "{field.country}"}
    new_address = [["create", [address]]]
    given = ["{field.city}", "{field.country}"]
    party = Resource(
        "Party",
        "Party",
        "id",
        (
            NativeField("id", "int", "id", writable=False),
            NativeField("name", "text", "name"),
            NativeField("code", "text", "code"),
            NativeField("active", "bool", "active"),
            NativeField("address", "int", "addresses.0.id", writable=False),
            NativeField("city", "text", "addresses.0.city"),
            NativeField("country", "text", "addresses.0.country.code", lookup=country),
            NativeField("write_date", "instant", "write_date", writable=False),
        ),
        version="write_date",
        list=ListRead(
            Request(
                MODEL + "party.party",
                query={"f": PARTY_FIELDS, "s": "{size}", "p": "{offset}", "o": domain(["id", "ASC"])},
            ),
            "",
            Paging("offset", size=2),
            Cursor("write_date", granularity=1, format="wire", query={"d": domain(["write_date", ">", "{cursor}"])}),
        ),
        get=Request(MODEL + "party.party/{id}", query={"f": PARTY_FIELDS}),
        create=Write(
            Request(
                MODEL + "party.party",
                "POST",
                query={"f": PARTY_FIELDS},
                body={
                    "name": "{field.name}",
                    "code": "{marker}",
                    "addresses": {"$when": {"given": given, "then": new_address}},
                },
            ),
            marker="code",
            find=FindBy(
                "code",
                Request(MODEL + "party.party", query={"f": PARTY_FIELDS, "d": domain(["code", "=", "{marker}"])}),
            ),
        ),
        update=Write(
            Request(
                MODEL + "party.party/{id}",
                "PUT",
                query={"f": PARTY_FIELDS},
                body={
                    "name": "{field.name}",
                    "active": "{field.active}",
                    "addresses": {
                        "$when": {
                            "given": given,
                            "then": {
                                "$when": {
                                    "known": ["{field.address}"],
                                    "then": [["write", ["{field.address}"], address]],
                                    "else": new_address,
                                }
                            },
                        }
                    },
                },
            )
        ),
        delete=Write(Request(MODEL + "party.party/{id}", "DELETE"), returns="nothing"),
    )
    return System(
        "erp",
        "1.0.0",
        "ERP",
        (party,),
        auth=Auth("bearer"),
        headers={"X-Tryton-Context": {"$base64url_json": {"company": 1, "active_test": False}}},
        account=Probe(Request(MODEL + "company.company", query={"f": "party.name"}), "0.id"),
        tagged=TAGS,
        errors=(ErrorRule("conflict", (400,), {"message": "The code on party must be unique."}),),
        error_message_at="message",
    )


def test_erp(systems: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    described = erp()
    party = described.resource("Party")
    assert party.create
    assert party.update
    assert party.delete

    async def story() -> None:
        async with opened(described, systems["erp"], monkeypatch) as handle:
            assert (await handle.prove()).account == systems["erp"].account
            before = len(await read_all(handle, "Party"))
            natives: dict[str, str | None] = {"name": "Alpha GmbH", "city": "Köln", "country": "DE"}
            made = []
            for n in range(5):
                written = await handle.write("Party", party.create, native_id=None, natives=natives, marker=f"S-{n}")
                assert written.row
                assert {name: written.row.natives[name] for name in natives} == natives
                made.append(written)
            assert len(await read_all(handle, "Party")) == before + 5
            with pytest.raises(Refused) as twice:
                await handle.write("Party", party.create, native_id=None, natives=natives, marker="S-1")
            assert (twice.value.category, twice.value.ambiguous) == ("conflict", False)
            found = await handle.find("Party", party.create, "S-1")
            assert [row.native_id for row in found.rows] == [made[1].native_id]
            pages = [page async for page in handle.read("Party")]
            newest = max(page.newest or "" for page in pages)  # type: ignore[union-attr]
            image = found.rows[0].natives
            changes = {"name": "Beta", "city": "Bonn", "country": "FR"}
            await handle.write("Party", party.update, native_id=made[1].native_id, natives=changes, image=image)
            assert [row.natives["name"] for row in await read_all(handle, "Party", newest)] == ["Beta"]
            again = await handle.get("Party", made[1].native_id or "")
            assert again
            assert {name: again.natives[name] for name in changes} == changes
            assert again.natives["address"] == image["address"]
            await handle.write("Party", party.update, native_id=made[2].native_id, natives={"active": "false"})
            hidden = await handle.get("Party", made[2].native_id or "")
            assert hidden
            assert hidden.natives["active"] == "false"
            await handle.write("Party", party.delete, native_id=made[3].native_id, natives={})
            assert await handle.get("Party", made[3].native_id or "") is None
            with pytest.raises(RequestFailed) as unknown:
                await handle.write("Party", party.create, native_id=None, natives={"country": "ZZ"}, marker="S-9")
            assert (unknown.value.category, unknown.value.place) == ("validation", "erp.Party.country")

    asyncio.run(story())


def test_erp_by_calls_with_a_session(systems: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    party = Resource(
        "Party",
        "Party",
        "id",
        (
            NativeField("id", "int", "id", writable=False),
            NativeField("name", "text", "name"),
            NativeField("write_date", "instant", "write_date", writable=False),
        ),
        list=ListRead(
            Request(
                "/erp/rpc/",
                "POST",
                rpc="model.party.party.search_read",
                body=[[], "{offset}", "{size}", [["id", "ASC"]], ["name", "write_date"], {}],
            ),
            "",
            Paging("offset", size=2),
        ),
        create=Write(
            Request("/erp/rpc/", "POST", rpc="model.party.party.create", body=[["{record}"], {}]),
            returns="id",
            id_at="0",
        ),
        update=Write(
            Request("/erp/rpc/", "POST", rpc="model.party.party.write", body=[["{id}"], "{record}", {}]),
            returns="nothing",
        ),
    )
    described = System(
        "erp",
        "1.0.0",
        "ERP",
        (party,),
        protocol="jsonrpc",
        auth=Auth(
            "session",
            login=Request("/erp/rpc/", "POST", rpc="common.db.login", body=["{username}", {"password": "{password}"}]),
            session={"$join": ["Session ", {"$base64": "{username}:{result.0}:{result.1}"}]},
        ),
        tagged=TAGS,
        errors=(ErrorRule("validation", (200,), {"error.0": "UserError"}),),
        error_message_at="error.1",
    )
    assert party.create
    assert party.update

    async def story() -> None:
        async with opened(described, systems["erp"], monkeypatch) as handle:
            written = await handle.write("Party", party.create, native_id=None, natives={"name": "By call"})
            await handle.write("Party", party.update, native_id=written.native_id, natives={"name": "By call 2"})
            rows = {row.native_id: row.natives for row in await read_all(handle, "Party")}
            natives = rows[written.native_id or ""]
            assert natives["name"] == "By call 2"
            assert (natives["write_date"] or "").endswith("Z")

    asyncio.run(story())


# ---------------------------------------------------------------------------------------------- gateway
def gateway() -> System:
    after = {"limit": "{size}", "starting_after": "{token}"}
    newest_first = Paging("cursor", size=2, from_last="id", more="has_more")
    customer = Resource(
        "Customer",
        "Customer",
        "id",
        (
            NativeField("id", "text", "id"),
            NativeField("name", "text", "name"),
            NativeField("email", "text", "email", empty_is_null=True),
            NativeField("city", "text", "address.city"),
            NativeField("note", "text", "metadata.note"),
            NativeField("source", "text", "source", readable=False),
            NativeField("created", "int", "created", writable=False),
        ),
        list=ListRead(Request("/v1/customers", query=after), "data", newest_first),
        get=Request("/v1/customers/{id}"),
        create=Write(
            Request("/v1/customers", "POST", encoding="form"),
            marker="id",
            idempotency_header="Idempotency-Key",
            then_update=("name",),
            find=FindBy("id", Request("/v1/customers/{marker}")),
        ),
        update=Write(Request("/v1/customers/{id}", "POST", encoding="form"), idempotency_header="Idempotency-Key"),
    )
    charge = Resource(
        "Charge",
        "Charge",
        "id",
        (
            NativeField("id", "text", "id", writable=False),
            NativeField("amount", "int", "amount"),
            NativeField("currency", "text", "currency"),
            NativeField("customer", "text", "source.customer", write_at="customer"),
            NativeField("source", "text", "source", readable=False),
            NativeField("invoice", "text", "metadata.invoice"),
            NativeField("refunded", "int", "amount_refunded", writable=False),
        ),
        list=ListRead(Request("/v1/charges", query=after), "data", newest_first),
        create=Write(Request("/v1/charges", "POST", encoding="form"), idempotency_header="Idempotency-Key"),
    )
    refund = Resource(
        "Refund",
        "Refund",
        "id",
        (
            NativeField("id", "text", "id", writable=False),
            NativeField("charge", "text", "charge", ref="Charge"),
            NativeField("amount", "int", "amount"),
        ),
        list=ListRead(Request("/v1/refunds", query=after), "data", newest_first),
        create=Write(Request("/v1/refunds", "POST", encoding="form"), idempotency_header="Idempotency-Key"),
    )
    return System(
        "gateway",
        "1.0.0",
        "Gateway",
        (customer, charge, refund),
        auth=Auth("basic"),
        headers={"Stripe-Account": "{account}"},
        account=Probe(Request("/v1/accounts/{account}"), "id"),
        errors=(
            ErrorRule("conflict", (400,), {"error.code": "resource_already_exists"}),
            ErrorRule("validation", (402,)),
        ),
        error_code_at="error.code",
        error_message_at="error.message",
    )


def test_gateway(systems: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    described = gateway()
    create = described.resource("Customer").create
    charge, refund = described.resource("Charge").create, described.resource("Refund").create
    assert create
    assert charge
    assert refund

    async def story() -> None:
        async with opened(described, systems["gateway"], monkeypatch) as handle:
            await handle.prove()
            natives = {
                "name": "Ünal & Söhne",
                "email": "a@x.example",
                "city": "Köln",
                "note": "n",
                "source": "tok_visa",
            }
            for n in range(5):
                sent = {"native_id": None, "natives": natives, "key": f"k{n}", "marker": f"S-{n}"}
                written = await handle.write("Customer", create, **sent)  # type: ignore[arg-type]
                assert (written.native_id, written.unfinished) == (f"S-{n}", None)
                again = await handle.write("Customer", create, **sent)  # type: ignore[arg-type]
                assert again.native_id == written.native_id
                assert again.row
                assert again.row.natives["name"] == natives["name"]
            rows = await read_all(handle, "Customer")
            assert sorted(row.native_id for row in rows) == [f"S-{n}" for n in range(5)]
            with pytest.raises(Refused) as twice:
                await handle.write("Customer", create, native_id=None, natives={}, key="other", marker="S-1")
            assert (twice.value.category, twice.value.vendor_code) == ("conflict", "resource_already_exists")
            assert [row.native_id for row in (await handle.find("Customer", create, "S-1")).rows] == ["S-1"]
            missing = await handle.find("Customer", create, "S-77")
            assert (missing.rows, missing.conclusive) == ((), True)
            money: dict[str, str | None] = {"amount": "1000", "currency": "eur", "customer": "S-1", "invoice": "INV-1"}
            paid = await handle.write("Charge", charge, native_id=None, natives=money, key="c1")
            assert paid.row
            assert paid.row.natives["customer"] == "S-1"
            back: dict[str, str | None] = {"charge": paid.native_id, "amount": "300"}
            await handle.write("Refund", refund, native_id=None, natives=back, key="r1")
            seen = {row.native_id: row.natives["refunded"] for row in await read_all(handle, "Charge")}
            assert seen == {paid.native_id: "300"}
            assert len(await read_all(handle, "Refund")) == 1
            for token, category, ambiguous in (
                ("tok_chargeDeclined", "validation", False),
                ("tok_500", "vendor", True),
                ("tok_429", "rate_limit", False),
            ):
                bad = {"amount": "1000", "currency": "eur", "source": token}
                with pytest.raises(RequestFailed) as failed:
                    await handle.write("Charge", charge, native_id=None, natives=bad, key=token)
                assert (failed.value.category, failed.value.ambiguous) == (category, ambiguous)

    asyncio.run(story())
