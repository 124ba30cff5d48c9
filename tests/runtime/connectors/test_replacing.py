"""Writes of several requests: records that are deleted and made again, steps that come first or follow."""

from __future__ import annotations

import asyncio
import json

import httpx
import pytest

from runtime.connectors.described import opened
from syncline_runtime.connectors import Written
from syncline_runtime.errors import RequestFailed
from syncline_runtime.request import Request
from syncline_runtime.system import FindBy, NativeField, Resource, System, Transition, Write

LISTED = "/bills/{parent}/payments"
PAYMENT = Resource(
    "Payment",
    "Payment",
    "id",
    (
        NativeField("id", "text", "id", writable=False),
        NativeField("bill", "text", "bill", required=True),
        NativeField("reference", "text", "reference"),
        NativeField("amount", "decimal", "amount", quoted=True),
    ),
    parent="bill",
    create=Write(Request(LISTED, "POST"), find=FindBy("reference", Request(LISTED))),
    update=Write(Request("", "PATCH"), sends="all", replaces=True),
    delete=Write(Request(f"{LISTED}/{{id}}", "DELETE"), returns="nothing"),
)
BANK = System("bank", "1.0.0", "Bank", (PAYMENT,))
WANTED = {"bill": "b1", "reference": "ch_1", "amount": "70.00"}


class Bank:
    """The payments of one bill; ``dies_before`` is the write that does not arrive any more."""

    def __init__(self, *amounts: str, dies_before: str = "") -> None:
        self.payments = {f"p{n}": {**WANTED, "amount": amount, "id": f"p{n}"} for n, amount in enumerate(amounts, 1)}
        self.dies_before = dies_before
        self.asked: list[str] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request.method)
        if request.method == self.dies_before:
            raise httpx.ReadError("gone")
        if request.method == "GET":
            return httpx.Response(200, json=list(self.payments.values()))
        if request.method == "DELETE":
            found = self.payments.pop(request.url.path.rpartition("/")[2], None)
            return httpx.Response(200 if found else 404, json={})
        number = f"p{len(self.asked) + 10}"
        self.payments[number] = {**json.loads(request.content), "id": number}
        return httpx.Response(201, json=self.payments[number])


def replaced(bank: Bank, native_id: str = "p1") -> Written:
    async def story() -> Written:
        async with opened(BANK, "http://127.0.0.1:9", None, httpx.MockTransport(bank)) as handle:
            assert PAYMENT.update
            return await handle.write("Payment", PAYMENT.update, native_id=native_id, natives=WANTED)

    return asyncio.run(story())


def test_it_gets_another_id() -> None:
    bank = Bank("100.00")
    written = replaced(bank)
    assert bank.asked == ["GET", "DELETE", "POST"]
    assert [payment["amount"] for payment in bank.payments.values()] == ["70.00"]
    assert written.native_id in bank.payments
    assert written.native_id != "p1"


def test_once_more_finds_it_done() -> None:
    bank = Bank("70.00")
    assert replaced(bank, "an older one").native_id == "p1"
    assert bank.asked == ["GET"]


@pytest.mark.parametrize("moment", ["DELETE", "POST"])
def test_what_was_cut_off_is_finished_by_doing_it_again(moment: str) -> None:
    bank = Bank("100.00", dies_before=moment)
    with pytest.raises(RequestFailed) as failed:
        replaced(bank)
    assert failed.value.ambiguous
    bank.dies_before = ""
    replaced(bank)
    assert [payment["amount"] for payment in bank.payments.values()] == ["70.00"]


def test_a_refused_successor_is_no_sign_that_all_is_as_before() -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        return httpx.Response(400, json={}) if request.method == "POST" else bank(request)

    bank = Bank("100.00")

    async def story() -> None:
        async with opened(BANK, "http://127.0.0.1:9", None, httpx.MockTransport(answer)) as handle:
            assert PAYMENT.update
            await handle.write("Payment", PAYMENT.update, native_id="p1", natives=WANTED)

    with pytest.raises(RequestFailed) as failed:
        asyncio.run(story())
    assert failed.value.ambiguous


PARTY = Resource(
    "Party",
    "Party",
    "id",
    (NativeField("id", "text", "id", writable=False), NativeField("name", "text", "name"),
     NativeField("active", "bool", "active")),
    get=Request("/parties/{id}"),
    create=Write(Request("/parties", "POST"), returns="id"),
    update=Write(Request("/parties/{id}", "PATCH"), returns="nothing"),
    transitions=(
        Transition("active", "true", "false", Request("/parties/{id}/close", "POST", body={})),
        Transition("active", "false", "true", Request("/parties/{id}/open", "POST", body={}), first=True),
    ),
)  # fmt: skip
REGISTER = System("register", "1.0.0", "Register", (PARTY,))


def sent(active: bool, natives: dict[str, str], *, create: bool = False, native_id: str | None = "p") -> list[str]:
    """Give the writing requests that a write of these natives makes of a party."""
    asked: list[str] = []
    now = {"active": active}

    def answer(request: httpx.Request) -> httpx.Response:
        if request.method != "GET":
            asked.append(f"{request.method} {request.url.path.removeprefix('/register')}")
        now["active"] = request.url.path.endswith("/open") or (
            now["active"] and not request.url.path.endswith("/close")
        )
        return httpx.Response(200, json={"id": "p", "name": "Ada", **now})

    async def story() -> None:
        async with opened(REGISTER, "http://127.0.0.1:9", None, httpx.MockTransport(answer)) as handle:
            contract = PARTY.create if create else PARTY.update
            assert contract
            written = await handle.write("Party", contract, native_id=native_id, natives=natives)
            assert (written.native_id, written.unfinished) == ("p", None)

    asyncio.run(story())
    return asked


def test_a_step_that_makes_writing_possible_comes_first() -> None:
    assert sent(False, {"name": "Ada", "active": "true"}) == ["POST /parties/p/open", "PATCH /parties/p"]
    assert sent(True, {"name": "Ada", "active": "false"}) == ["PATCH /parties/p", "POST /parties/p/close"]
    assert sent(False, {"active": "true"}) == ["POST /parties/p/open"]


def test_of_a_record_that_was_found_only_the_steps_that_follow_its_create_are_taken() -> None:
    natives = {"name": "Ada", "active": "false"}
    assert sent(True, natives, create=True, native_id=None) == ["POST /parties", "POST /parties/p/close"]
    assert sent(True, natives, create=True) == ["POST /parties/p/close"]
    assert sent(False, natives, create=True) == []
