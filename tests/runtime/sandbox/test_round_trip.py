"""Connector and stand-in against each other: what one writes the other understands, in every style of interface."""

from __future__ import annotations

import asyncio
import base64
import json

import pytest

from runtime.connectors.described import PAGINGS, books, caller, opened, shop, till
from support.clock import TestClock
from syncline_runtime.connectors import ConnectionHandle, Row
from syncline_runtime.errors import ReleaseError, RequestFailed
from syncline_runtime.sandbox import serve


async def read_all(handle: ConnectionHandle, resource: str, since: str | None = None) -> list[Row]:
    return [row async for page in handle.read(resource, since) for row in page.rows]  # type: ignore[union-attr]


@pytest.mark.parametrize("paging", PAGINGS)
@pytest.mark.parametrize("customers", [0, 3, 7])
def test_every_way_of_paging_reads_each_record_once(paging: str, customers: int) -> None:
    system = shop(paging, customers)

    async def story(url: str) -> list[str]:
        async with opened(system, url) as handle:
            return [row.native_id for row in await read_all(handle, "Customer")]

    with serve([system]) as sandbox:
        assert asyncio.run(story(sandbox.url)) == [f"c{n}" for n in range(1, customers + 1)]


def test_natives_keep_digits_and_presence() -> None:
    system = shop()

    async def story(url: str) -> Row | None:
        async with opened(system, url) as handle:
            contract = system.resource("Customer").create
            assert contract
            natives = {"name": "Ada", "credit": "12345678901234567.89", "vip": "true", "tags": '["a",1.50]'}
            written = await handle.write("Customer", contract, native_id=None, natives=natives)
            return await handle.get("Customer", written.native_id or "")

    with serve([system]) as sandbox:
        row = asyncio.run(story(sandbox.url))
    assert row
    assert row.natives["credit"] == "12345678901234567.89"
    assert (row.natives["vip"], row.natives["tags"], row.natives["status"]) == ("true", '["a","1.50"]', None)


def test_incremental_read_sees_what_changed_since() -> None:
    system = shop()
    contract = system.resource("Customer").update
    assert contract

    async def story(url: str) -> list[str]:
        async with opened(system, url) as handle:
            newest = max([page.newest or "" async for page in handle.read("Customer")])  # type: ignore[union-attr]
            since = handle.next_since("Customer", newest)
            await handle.write("Customer", contract, native_id="c5", natives={"name": "New"})
            later = await read_all(handle, "Customer", "2026-01-01T00:00:01.000000Z")
            assert since == "2025-12-31T23:59:58.999999Z"
            assert len(await read_all(handle, "Customer", since)) == 7
            return [row.native_id for row in later]

    with serve([system]) as sandbox:
        assert asyncio.run(story(sandbox.url)) == ["c5"]


def test_idempotency_key_marker_and_precondition() -> None:
    system = shop()
    customer = system.resource("Customer")
    create, update = customer.create, customer.update
    assert create
    assert update

    async def story(url: str) -> None:
        async with opened(system, url) as handle:
            sent = {"native_id": None, "natives": {"name": "Ada"}, "key": "k1", "marker": "M-1"}
            first = await handle.write("Customer", create, **sent)
            again = await handle.write("Customer", create, **sent)
            assert first.native_id == again.native_id
            with pytest.raises(RequestFailed) as refused:
                await handle.write("Customer", create, **{**sent, "natives": {"name": "Bob"}})
            assert (refused.value.vendor_code, refused.value.ambiguous) == ("idempotency_error", False)
            found = await handle.find("Customer", create, "M-1")
            assert [row.native_id for row in found.rows] == [first.native_id]
            absent = await handle.find("Customer", create, "M-2")
            assert (absent.rows, absent.conclusive) == ((), True)
            assert first.row
            changed = {"native_id": first.native_id, "natives": {"name": "Eve"}, "version": first.row.version}
            assert (await handle.write("Customer", update, **changed)).row
            with pytest.raises(RequestFailed) as conflict:
                await handle.write("Customer", update, **changed)
            assert conflict.value.category == "conflict"

    with serve([system]) as sandbox:
        asyncio.run(story(sandbox.url))
        assert [entry["operation"] for entry in sandbox.log] == ["create", "update"]


@pytest.mark.parametrize(
    ("natives", "word"),
    [
        ({}, "name is required"),
        ({"name": "x" * 21}, "longer than 20"),
        ({"name": "x", "status": "Nope"}, "none of the values"),
        ({"name": "x", "credit": "1.005"}, "more than 2 decimals"),
    ],
)
def test_a_strict_stand_in_refuses_and_the_message_shows_no_value(natives: dict[str, str | None], word: str) -> None:
    system = shop()
    contract = system.resource("Customer").create
    assert contract

    async def story(url: str) -> RequestFailed:
        async with opened(system, url) as handle:
            with pytest.raises(RequestFailed) as refused:
                await handle.write("Customer", contract, native_id=None, natives=natives)
            return refused.value

    with serve([system]) as sandbox:
        error = asyncio.run(story(sandbox.url))
    assert (error.category, error.ambiguous, error.retry) == ("validation", False, False)
    assert word in (getattr(error, "vendor_message", "") or "")
    assert word not in str(error)


def test_deleted_is_gone_in_both_manners() -> None:
    for system, name, native_id in ((shop(), "Customer", "c1"), (till(), "Payer", "p1")):

        async def story(url: str, system=system, name=name, native_id=native_id) -> Row | None:  # type: ignore[no-untyped-def]
            async with opened(system, url) as handle:
                await handle.write(name, system.resource(name).delete, native_id=native_id, natives={})
                return await handle.get(name, native_id)

        with serve([system]) as sandbox:
            row = asyncio.run(story(sandbox.url))
        assert row is None if name == "Customer" else row and row.gone


def test_form_bodies_chosen_ids_and_fields_that_create_ignores() -> None:
    system = till()
    create = system.resource("Payer").create
    assert create

    async def story(url: str) -> None:
        async with opened(system, url) as handle:
            natives = {"name": "Ünal & Co", "city": "Köln", "note": "a=b", "email": None}
            written = await handle.write("Payer", create, native_id=None, natives=natives, key="k", marker="S-1")
            assert written.native_id == "S-1"
            assert written.row
            assert {name: written.row.natives[name] for name in natives} == natives
            found = await handle.find("Payer", create, "S-1")
            assert [row.native_id for row in found.rows] == ["S-1"]
            assert (await handle.find("Payer", create, "S-2")).conclusive
            assert (await handle.prove()).account == "sandbox"

    with serve([system]) as sandbox:
        asyncio.run(story(sandbox.url))
        assert [entry["operation"] for entry in sandbox.log] == ["create", "update"]


def test_tagged_values_domains_templates_and_transitions() -> None:
    system = books()
    entry = system.resource("Entry")
    assert entry.create
    assert entry.update

    async def story(url: str) -> None:
        async with opened(system, url) as handle:
            natives = {"amount": "10.015", "quantity": "1.5", "due": "2026-02-28", "city": "Rome", "state": "posted"}
            written = await handle.write("Entry", entry.create, native_id=None, natives=natives, marker="X-1")
            assert written.unfinished is None
            assert written.row
            assert {n: written.row.natives[n] for n in natives} == natives
            assert len((await handle.find("Entry", entry.create, "X-1")).rows) == 1
            pages = [page async for page in handle.read("Entry")]
            newest = max(page.newest or "" for page in pages)  # type: ignore[union-attr]
            assert [row.native_id for row in await read_all(handle, "Entry", newest)] == [written.native_id]
            moved = await handle.write("Entry", entry.update, native_id="1", natives={"state": "checked"})
            assert moved.row
            assert moved.row.natives["state"] == "checked"
            with pytest.raises(RequestFailed, match="no way to move 'state'"):
                await handle.write("Entry", entry.update, native_id="1", natives={"state": "draft"})
            unfinished = await handle.write(
                "Entry", entry.create, native_id=None, natives={"amount": "1", "state": "lost"}, marker="X-2"
            )
            assert unfinished.native_id
            assert unfinished.unfinished
            assert unfinished.unfinished.category == "conflict"

    with serve([system]) as sandbox:
        asyncio.run(story(sandbox.url))
        shown = sandbox.stand_ins["books"].wire_records("Entry")[5]
    assert shown["amount"] == {"__class__": "Decimal", "decimal": "10.015"}
    assert shown["due"] == {"__class__": "date", "year": "2026", "month": "2", "day": "28"}
    assert shown["quantity"] == "1.5"


def test_calls_with_a_session() -> None:
    system = caller()
    thing = system.resource("Thing")
    assert thing.create
    assert thing.update

    async def story(url: str) -> None:
        async with opened(system, url) as handle:
            assert len(await read_all(handle, "Thing")) == 5
            written = await handle.write("Thing", thing.create, native_id=None, natives={"name": "New"})
            assert written.native_id == "6"
            await handle.write("Thing", thing.update, native_id="6", natives={"name": "Newer"})
            row = await handle.get("Thing", "6")
            assert row
            assert row.natives == {"id": "6", "name": "Newer"}
            with pytest.raises(RequestFailed) as refused:
                await handle.write("Thing", thing.create, native_id=None, natives={})
            assert refused.value.ambiguous  # nothing in the description says that such a failure did nothing

    with serve([system]) as sandbox:
        asyncio.run(story(sandbox.url))


@pytest.mark.parametrize(
    ("fault", "category", "ambiguous", "made"),
    [
        ("500_before", "vendor", True, 0),
        ("500_after", "vendor", True, 1),
        ("429", "rate_limit", False, 0),
        ("reset_after", "transport", True, 1),
        ("html", "vendor", True, 1),
        ("stall", "transport", True, 1),
    ],
)
def test_faults_of_writes(fault: str, category: str, ambiguous: bool, made: int) -> None:
    system = shop(customers=0)
    contract = system.resource("Customer").create
    assert contract

    async def story(url: str) -> RequestFailed:
        async with opened(system, url) as handle:
            with pytest.raises(RequestFailed) as failed:
                await handle.write("Customer", contract, native_id=None, natives={"name": "Ada"}, seconds=0.3)
            return failed.value

    with serve([system]) as sandbox:
        sandbox.fault("shop", fault, operation="create")
        error = asyncio.run(story(sandbox.url))
        assert len(sandbox.stand_ins["shop"].wire_records("Customer")) == made
    assert (error.category, error.ambiguous) == (category, ambiguous)


def test_reads_are_tried_again_and_wait_as_asked() -> None:
    system = shop()
    clock = TestClock()

    async def story(url: str) -> int:
        async with opened(system, url, clock) as handle:
            return len(await read_all(handle, "Customer"))

    with serve([system]) as sandbox:
        sandbox.fault("shop", "429", operation="list")
        sandbox.fault("shop", "500_before", operation="list")
        sandbox.fault("shop", "reset_after", operation="list")
        assert asyncio.run(story(sandbox.url)) == 7
    assert clock.slept[0] == 1.0
    assert 2 <= sum(clock.slept) < 20


def test_wrong_credential_account_and_environment_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    system = shop()

    async def read(url: str) -> None:
        async with opened(system, url) as handle:
            await read_all(handle, "Customer")

    async def prove(url: str, **changes: object) -> None:
        async with opened(system, url, **changes) as handle:
            await handle.prove()

    with serve([system]) as sandbox:
        asyncio.run(prove(sandbox.url, account="sandbox", environment="sandbox"))
        with pytest.raises(ReleaseError, match="wants account 'acme', and the system is 'sandbox'"):
            asyncio.run(prove(sandbox.url, account="acme"))
        with pytest.raises(ReleaseError, match="environment"):
            asyncio.run(prove(sandbox.url, environment="live"))
        monkeypatch.setenv("SECRET", "wrong")
        with pytest.raises(RequestFailed) as refused:
            asyncio.run(read(sandbox.url))
    assert (refused.value.category, refused.value.status) == ("authentication", 401)
    assert "wrong" not in str(refused.value)


def test_domain_is_sent_as_base64url_json() -> None:
    domain = base64.urlsafe_b64encode(json.dumps([["code", "=", "E1"]], separators=(",", ":")).encode()).decode()
    assert domain == "W1siY29kZSIsIj0iLCJFMSJdXQ=="
