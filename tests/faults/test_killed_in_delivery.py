"""The runtime is killed during delivery, also between a server's commit and our ack, and started again.

What counts is counted in the real servers: each record once, and none missing.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from end_to_end.stage import Done, clean_environment, program, type_in
from faults import proxy
from faults.proxy import Chooses, Fate, Proxy, the_first
from support.real_systems import EXAMPLE, Desk, running
from syncline_runtime import load_release, run_release
from syncline_runtime.clock import SystemClock
from syncline_runtime.connectors import Surroundings
from syncline_runtime.options import Options
from syncline_runtime.result import RunResult

pytestmark = [pytest.mark.real, pytest.mark.slow]

PARTY, INVOICE, STATEMENT = (f"/rest/model/{name}" for name in ("party.party", "account.invoice", "account.statement"))
MINUTES = 120_000_000
"""Microseconds after which no request of a killed run can be on its way any more."""


class _Later(SystemClock):
    def now(self) -> int:
        return super().now() + MINUTES


@pytest.fixture(scope="module")
def release(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The example, compiled once."""
    folder = tmp_path_factory.mktemp("quote-to-cash")
    done = type_in(folder, "compile", "--project", str(EXAMPLE), "--out", "release")
    assert done.code == 0, done.err
    return folder / "release"


@dataclass
class Wire:
    """The servers behind proxies, and a state folder."""

    desk: Desk
    release: Path
    folder: Path
    proxies: dict[str, Proxy]
    phones: dict[str, str] = field(default_factory=dict)  # customer → phone number
    accounts: dict[str, str] = field(default_factory=dict)  # customer → id in the CRM
    charges: dict[str, str] = field(default_factory=dict)  # customer → charge of 100.00
    refunds: dict[str, list[str]] = field(default_factory=dict)  # customer → refunds of 25.00

    @property
    def words(self) -> list[str]:
        """What every command is told."""
        return ["--release", str(self.release), "--state", str(self.folder / "state")]

    @property
    def variables(self) -> dict[str, str]:
        """Where the servers are, by way of the proxies."""
        return self.desk.variables(**{name: each.url for name, each in self.proxies.items()})

    def arm(self, chosen: dict[str, Chooses]) -> None:
        """Give each proxy its part; without one it lets everything through."""
        for name, each in self.proxies.items():
            each.arm(chosen.get(name, proxy.passing))

    def die(self, chosen: dict[str, Chooses]) -> bool:
        """Start a run and kill it once every chosen proxy lets it wait; False if that did not happen."""
        self.arm(chosen)
        waiting = [self.proxies[name].waiting for name in chosen]
        with (self.folder / "run.log").open("a") as log:
            command = [program(), "run", *self.words]
            process = subprocess.Popen(command, env=clean_environment() | self.variables, stdout=log, stderr=log)
            end = time.monotonic() + proxy.PATIENCE
            while process.poll() is None and time.monotonic() < end and not all(one.is_set() for one in waiting):
                time.sleep(0.01)
            came = process.poll() is None and all(one.is_set() for one in waiting)
            if process.poll() is None:
                os.kill(process.pid, signal.SIGKILL)
            process.wait()
        return came

    def run(self) -> Done:
        """Run to the end."""
        self.arm({})
        return type_in(self.folder, "run", *self.words, "--format", "json", environment=self.variables)

    def run_later(self) -> RunResult:
        """Run to the end, with a clock by which whatever was on its way has arrived."""
        self.arm({})
        later = Options(self.folder / "state", around=Surroundings(_Later()))
        return run_release(load_release(self.release), "local", later)


@pytest.fixture(scope="module")
def wire(release: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Wire]:
    """Proxies before the servers; what a test fills in is not synced yet, all else is."""
    with running() as desk, ExitStack() as stack:
        patch = stack.enter_context(pytest.MonkeyPatch.context())
        own = {"crm": desk.crm.url, "erp": desk.erp.url, "gateway": desk.gateway.url}
        proxies = {name: stack.enter_context(proxy.before(url)) for name, url in own.items()}
        opened = Wire(desk, release, tmp_path_factory.mktemp("killed"), proxies)
        for name, value in opened.variables.items():
            patch.setenv(name, value)
        yield opened


def fill(wire: Wire, *names: str) -> None:
    """Make customers with a person, a product, an invoice, its payment, and a refund of a part each."""
    for name in names:
        _fill(wire, name)


def _fill(wire: Wire, name: str) -> None:
    desk, low = wire.desk, name.lower()
    wire.phones[name] = "+49301234567"
    wire.accounts[name] = account = desk.crm.add_account(
        name=name, email=f"info@{low}.example", phone="+49 30 1234567", country="DE", currency="EUR", city="Berlin"
    )
    contact = desk.crm.add_contact(first_name=name, last_name="Person", email=f"p@{low}.example", account=account)
    desk.erp.add_product(f"SKU-{name}", name, "10.00")
    invoice = desk.crm.add_invoice(account, contact, (name, "2", "50.00"))
    wire.charges[name] = desk.gateway.charge(10_000, "eur", invoice["invoice_number"])
    wire.refunds[name] = [desk.gateway.refund(wire.charges[name], 2_500)]


def live_records(wire: Wire) -> Counter[tuple[Any, ...]]:
    """Count what the servers hold, by what a person would call the same."""
    desk = wire.desk
    found: Counter[tuple[Any, ...]] = Counter()
    for party in desk.erp.parties():
        found["erp party", party["name"], party["active"]] += 1
        for each in party["contact_mechanisms"]:
            found["erp contact", party["name"], each["name"], each["type"], each["value"]] += 1
    for customer in desk.gateway.customers():
        told = (customer["name"], customer["email"], customer["phone"], customer["metadata"].get("status"))
        found["gateway customer", *told] += 1
    for product in desk.crm.products():
        found["crm product", product["sku"], product["name"], product["price"]] += 1
    for booked in desk.erp.invoices():
        found["erp invoice", booked["party"]["code"], booked["reference"], booked["state"]] += 1
    for statement in desk.erp.statements():
        found["erp statement", statement["name"], statement["state"], statement["lines"][0]["amount"]["decimal"]] += 1
    for listed in desk.crm.ask("GET", "/api/invoices/?limit=100")["results"]:
        invoice = desk.crm.invoice(listed["id"])
        found["crm invoice", invoice["status"], invoice["amount_due"], invoice["custom_fields"]["open_balance"]] += 1
        for payment in invoice["payments"]:
            found["crm payment", payment["reference_number"], payment["amount"]] += 1
    return found


def expected(wire: Wire) -> Counter[tuple[Any, ...]]:
    """What the servers hold when everything has arrived once."""
    desk = wire.desk
    found: Counter[tuple[Any, ...]] = Counter()
    codes = {party["name"]: party["code"] for party in desk.erp.parties()}
    for name, phone in wire.phones.items():
        low = name.lower()
        found["erp party", name, 1] += 1
        found["erp contact", name, None, "email", f"info@{low}.example"] += 1
        found["erp contact", name, None, "phone", phone] += 1
        found["erp contact", name, f"{name} Person", "email", f"p@{low}.example"] += 1
        found["gateway customer", name, f"info@{low}.example", phone, "open"] += 1
        found["crm product", f"SKU-{name}", name, "10.00"] += 1
        back = 25 * len(wire.refunds[name])
        found["crm invoice", "Partially_Paid", f"{back}.00", f"{back}.00"] += 1
        found["crm payment", wire.charges[name], f"{100 - back}.00"] += 1
        found["erp statement", wire.charges[name], "posted", "100.00"] += 1
        for refund in wire.refunds[name]:
            found["erp statement", refund, "posted", "-25.00"] += 1
    for listed in desk.crm.ask("GET", "/api/invoices/?limit=100")["results"]:
        found["erp invoice", codes[listed["account_name"]], listed["invoice_number"], "paid"] += 1
    return found


MOST_RUNS = 4
"""What was cut off waits until its system was read, and what hangs on it for the run after that."""


def assert_all_once(wire: Wire) -> None:
    """Everything arrived, once, and nothing is left to do."""
    for _ in range(MOST_RUNS):
        if live_records(wire) == expected(wire):
            break
        wire.run_later()
    assert live_records(wire) == expected(wire)
    again = wire.run_later()
    assert not again.changes.writes
    assert again.exit_code == 0


def test_nothing_is_doubled_when_answers_are_lost_with_the_runtime(wire: Wire) -> None:
    """Each run is killed after the server's commit and before our ack, one step further each time."""
    fill(wire, "Alpha", "Beta")
    moments: list[dict[str, Chooses]] = [
        {
            "crm": the_first("/api/invoices/products/", "hold"),
            "erp": the_first(PARTY, "hold"),
            "gateway": the_first("/v1/customers", "hold"),
        },
        {  # payments of the CRM may have gone through beside what waited; they are cut off in a test of their own
            "erp": the_first("/rest/model/party.contact_mechanism", "hold"),
            "gateway": the_first("/v1/customers/", "hold"),
        },
        {"erp": the_first(INVOICE, "hold")},
        {"erp": _action(INVOICE, "/post", "hold")},
        {"erp": the_first(STATEMENT, "hold")},
        {"erp": _action(STATEMENT, "/validate_statement", "hold")},
        {"erp": _action(STATEMENT, "/post", "hold")},
    ]
    for moment in moments:
        assert wire.die(moment), f"the moment never came: {sorted(moment)}"
    wire.run()
    assert_all_once(wire)


def test_nothing_is_lost_when_requests_are_lost_with_the_runtime(wire: Wire) -> None:
    fill(wire, "Gamma", "Delta")
    lost: dict[str, Chooses] = {
        "crm": the_first("/api/invoices/products/", "swallow"),
        "erp": the_first(PARTY, "swallow"),
        "gateway": the_first("/v1/customers", "swallow"),
    }
    assert wire.die(lost)
    wire.run()  # what was asked may still arrive: nothing is sent again before it cannot
    assert not [key for key, count in live_records(wire).items() if count > 1 and key[0] != "crm invoice"]
    wire.run_later()
    assert_all_once(wire)


def test_updates_that_were_cut_off_are_finished(wire: Wire) -> None:
    """A payment of the CRM is replaced by a smaller one, in two requests; the others change a record where it is."""
    fill(wire, "Iota")
    wire.run()
    wire.refunds["Iota"].append(wire.desk.gateway.refund(wire.charges["Iota"], 2_500))
    wire.phones["Iota"] = "+49307654321"
    wire.desk.crm.edit_account(wire.accounts["Iota"], phone="030 7654321")
    moments: list[dict[str, Chooses]] = [
        {
            "crm": the_first("/api/invoices/", "hold", "DELETE"),
            "erp": the_first("/rest/model/party.contact_mechanism", "hold", "PUT"),
            "gateway": the_first("/v1/customers/", "hold"),
        },
        {"crm": _action("/api/invoices/", "/payments/", "hold")},
    ]
    for moment in moments:
        assert wire.die(moment), f"the moment never came: {sorted(moment)}"
    wire.run()
    assert_all_once(wire)


def test_kills_at_any_write_leave_each_record_once(wire: Wire) -> None:
    """A customer brings each server some writes; the run is killed at any of them, again and again."""
    chance = random.Random(20261121)
    writes = {"crm": 3, "erp": 8, "gateway": 2}
    for name in ("Epsilon", "Zeta", "Eta"):
        fill(wire, name)
        server = chance.choice(sorted(writes))
        assert wire.die({server: _nth(chance.randrange(writes[server]), "hold")})
    wire.run_later()
    assert_all_once(wire)
    verified = type_in(wire.folder, "state", "verify", *wire.words, environment=wire.variables)
    assert verified.code == 0, verified.err


def _action(start: str, end: str, fate: Fate) -> Chooses:
    """Choose a fate for the first POST to a path with this beginning and end."""
    inner = the_first(start, fate)
    return lambda method, path, before: inner(method, path, before) if path.endswith(end) else "pass"


def _nth(number: int, fate: Fate) -> Chooses:
    """Choose a fate for one write of a run, by how many came before it."""
    return lambda method, path, before: fate if before == number else "pass"
