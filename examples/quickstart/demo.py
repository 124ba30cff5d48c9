"""Show the quickstart at work: compile, plan, run, run again, edit on every side, run, and tell what became of it.

Run it with `make demo`. It needs no server and no account: `syncline sandbox` plays the four systems on loopback. All
state lies in a temporary folder that is removed at the end. Every promise that is printed with a tick has been checked;
the first that does not hold ends the demo with exit code 1.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
from rich.console import Console

PROJECT = Path(__file__).resolve().parent
READY_SECONDS = 60
DONE, DATA_AT_FAULT, CHANGES_PENDING = 0, 1, 3  # exit codes of the command line

console = Console(highlight=False, soft_wrap=True)


class BrokenPromise(Exception):
    """The demo said something that is not so."""


def main() -> int:
    """Tell the whole story; 0 if all of it was true."""
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="syncline-demo-") as folder:
        try:
            with Stage(Path(folder)).played() as stage:
                _tell(stage)
        except BrokenPromise as broken:
            console.print(f"\n[bold red]✗ not as promised:[/] {broken}")
            return 1
    console.print(f"\n[bold]Done[/] in {time.monotonic() - began:.0f} seconds; nothing is left behind.")
    console.print("Read on in examples/quickstart, beginning at syncline.yaml. To play with it yourself:")
    console.print("  cd examples/quickstart && ../../.venv/bin/syncline sandbox     (and in another terminal)")
    console.print("  cd examples/quickstart && ../../.venv/bin/syncline plan --env sandbox")
    return 0


@dataclass
class Stage:
    """A folder to work in, the sandbox that runs there, and the commands typed."""

    folder: Path
    url: str = ""
    _client: httpx.Client = field(default_factory=lambda: httpx.Client(timeout=10))

    @contextlib.contextmanager
    def played(self) -> Iterator[Stage]:
        """Compile, start the sandbox, and end it whatever happens."""
        chapter("Compile: the specs become a release, plans that hold no secret, no path and no time")
        promise("no mistakes in the specs", self.type("compile", "--project", str(PROJECT), "--out", "release") == DONE)
        chapter("Sandbox: stand-ins of the four systems, made from systems/*.yaml, with a few seed records")
        sandbox = self._start()
        try:
            yield self
        finally:
            sandbox.terminate()
            sandbox.wait(timeout=10)
            self._client.close()

    def type(self, *words: str) -> int:
        """Run a command of syncline as a reader would type it; gives its exit code."""
        shown = ["examples/quickstart" if word == str(PROJECT) else word for word in words]
        console.print(f"[bold cyan]$ syncline {' '.join(shown)}[/]")
        sys.stdout.flush()
        return subprocess.run([program(), *words], cwd=self.folder, env=self._environment()).returncode

    def run(self, command: str, *words: str) -> int:
        """Run a command that reads the release."""
        return self.type(command, *words, "--release", "release", "--env", "sandbox")

    def ask(self, command: str, *words: str) -> Any:
        """Ask for the JSON form of what a command prints, without showing it."""
        options = ("--release", "release", "--env", "sandbox", "--format", "json")
        done = subprocess.run(
            [program(), command, *words, *options], cwd=self.folder, env=self._environment(), capture_output=True
        )
        return json.loads(done.stdout)

    def records(self, place: str) -> dict[str, Any]:
        """Ask what a system holds, by id; ``place`` is SYSTEM/RESOURCE."""
        return {str(one["id"]): one for one in self._client.get(f"{self.url}/_records/{place}").json()}

    def edit(self, method: str, place: str, **natives: str) -> None:
        """Change a record as someone at that system would."""
        self._client.request(method, f"{self.url}/_records/{place}", json=natives).raise_for_status()

    def log(self) -> list[dict[str, Any]]:
        """List every write that the stand-ins have done for us."""
        entries: list[dict[str, Any]] = self._client.get(f"{self.url}/_log").json()
        return entries

    def partner_drop(self) -> Path:
        """Find the folder into which the credit agency drops its files."""
        return Path(self._client.get(f"{self.url}/").json()["systems"]["partner"]["folder"])

    def _start(self) -> subprocess.Popen[str]:
        command = [program(), "sandbox", "--release", "release", "--port", "0"]
        sandbox = subprocess.Popen(command, cwd=self.folder, stdout=subprocess.PIPE, text=True)
        assert sandbox.stdout is not None  # asked for
        line = sandbox.stdout.readline().strip()
        console.print(f"[bold cyan]$ syncline sandbox --release release[/]\n{line}")
        self.url = next((word for word in line.split() if word.startswith("http://")), "")
        if not self.url:
            sandbox.kill()
            raise BrokenPromise("the sandbox says where it is served")
        return sandbox

    def _environment(self) -> dict[str, str]:
        return {**os.environ, "SYNCLINE_SANDBOX_URL": self.url} if self.url else dict(os.environ)


def _tell(stage: Stage) -> None:
    """Tell the story, chapter by chapter."""
    _show_plan(stage)
    _run_first(stage)
    _run_again(stage)
    _edit_everywhere(stage)
    _run_after_edits(stage)
    _look_back(stage)


def _show_plan(stage: Stage) -> None:
    chapter("Plan: what a run would write, and where. Nothing is sent")
    code = stage.run("plan")
    promise("plan exits 3: changes are pending", code == CHANGES_PENDING)
    promise("planning sent nothing", not stage.log())


def _run_first(stage: Stage) -> None:
    chapter("Run: read, match, decide, seal, deliver, confirm")
    planned = Counter((w["connection"], w["resource"], w["operation"]) for w in stage.ask("plan")["writes"])
    code = stage.run("run")
    made = Counter((w["system"], w["resource"], w["operation"]) for w in stage.log())
    promise(f"the {made.total()} writes are the ones that the plan listed", made == planned)
    adas = [_holding(stage, place, "GB123456789") for place in ("crm/Account", "erp/Partner", "payments/Customer")]
    promise("Ada was in three systems: one customer, for tax number and country agree", adas == [1, 1, 1])
    promise("Hansa has no country: set aside, shown, and the others went on (exit 1)", code == DATA_AT_FAULT)
    stage.run("exceptions")


def _run_again(stage: Stage) -> None:
    chapter("Run again: nothing has changed")
    before = len(stage.log())
    stage.run("run")
    promise("0 writes", len(stage.log()) == before)


def _edit_everywhere(stage: Stage) -> None:
    chapter("Now people work, each in the system they know")
    tell("CRM", "Sales renames Ceres Foods SpA: it is a group now")
    stage.edit("PATCH", "crm/Account/A-3", name="Ceres Foods Group SpA")
    tell("CRM", "Sales types 99999 as Bolt's credit limit, which is not for sales to decide")
    stage.edit("PATCH", "crm/Account/A-2", credit_limit="99999.00")
    tell("CRM", "Sales gives Hansa the country that was missing")
    stage.edit("PATCH", "crm/Account/A-8", country="DE")
    tell("ERP", "Finance raises Ada's credit limit to 7500 GBP")
    stage.edit("PATCH", "erp/Partner/10001", credit_limit="7500.00")
    tell("ERP", "Finance learns that Fjord's invoices go to another address")
    fjord = _find(stage, "erp/Partner", "name", "Fjord AS")
    stage.edit("PATCH", f"erp/Partner/{fjord}", email="invoices@fjord.example")
    tell("Gateway", "Ada gets 190 GBP back on INV-2026-001")
    stage.edit("PATCH", "payments/Payment/pay_1", amount_refunded="19000")
    tell("Gateway", "Bolt pays INV-2026-002 through the payment request that the first run made")
    request = _find(stage, "payments/PaymentRequest", "reference", "INV-2026-002")
    stage.edit("POST", "payments/Payment", id="pay_2", request=request, amount="240050", amount_refunded="0",
               currency="chf", status="succeeded", created=str(int(time.time())))  # fmt: skip
    tell("Agency", "A new file says that Bolt is rated C")
    (stage.partner_drop() / "rating-2.csv").write_text("debtor;tax number;country;rating\n70518;CHE114285734;ch;C\n")


def _run_after_edits(stage: Stage) -> None:
    chapter("Plan and run: each edit goes where the ownership rules send it")
    stage.run("plan")
    before = len(stage.log())
    code = stage.run("run")
    promise("nothing waits any more (exit 0)", code == DONE)
    accounts, partners = stage.records("crm/Account"), stage.records("erp/Partner")
    customers, invoices = stage.records("payments/Customer"), stage.records("crm/Invoice")
    names = Counter(one["name"] for one in (*partners.values(), *customers.values()))
    ada, bolt = accounts["A-1"], accounts["A-2"]
    paid = {one["number"]: (one["payment_status"], one["open_amount"]) for one in invoices.values()}
    booked = {one["gateway_reference"]: one["refunded"]["decimal"] for one in stage.records("erp/Payment").values()}
    promise("Ceres has its new name in the ERP and at the gateway      (owners: * is crm)",
            names["Ceres Foods Group SpA"] == 2 and not names["Ceres Foods SpA"])  # fmt: skip
    promise("Ada's credit limit is 7500 in the CRM                     (owners: credit_limit is erp)",
            ada["credit"]["limit"] == 7500)  # fmt: skip
    promise("Bolt's credit limit is 20000 again in the CRM             (unowned_edit: restore)",
            bolt["credit"]["limit"] == 20000)  # fmt: skip
    promise("Fjord's address is the newer one in the CRM               (owners: email by newest)",
            [one["value"] for one in accounts["A-6"]["contact_points"]] == ["invoices@fjord.example"])  # fmt: skip
    promise("INV-2026-001 is part-paid, 190 open; the ERP has the refund  (derived: payment_status)",
            paid["INV-2026-001"] == ("Part-paid", 190) and booked["pay_1"] == "190.00")  # fmt: skip
    promise("INV-2026-002 is paid, nothing open; the ERP has the payment  (derived: open)",
            paid["INV-2026-002"] == ("Paid", 0) and booked["pay_2"] == "0.00")  # fmt: skip
    promise("Bolt's rating in the CRM follows the agency's file           (codes: C means fair)",
            bolt["credit"]["rating"] == "fair")  # fmt: skip
    promise("Hansa is at the ERP and the gateway now, and its exception is resolved",
            names["Hansa Handel GmbH"] == 2)  # fmt: skip
    after = len(stage.log())
    stage.run("run")
    promise(f"{after - before} writes for all these edits, and 0 in the run after them", len(stage.log()) == after)


def _look_back(stage: Stage) -> None:
    chapter("Look back: every run, and where a value came from")
    promise("the counts of every run add up", stage.run("status") == DONE)
    console.print("\nWhy does the CRM show 20000 as Bolt's credit limit, although somebody typed 99999?")
    promise("every value tells where it came from", stage.run("trace", "account", "A-2", "credit_limit") == DONE)


def _holding(stage: Stage, place: str, tax_number: str) -> int:
    """Count the records of a system that have this tax number, whatever their field is called."""
    return sum(tax_number in one.values() for one in stage.records(place).values())


def _find(stage: Stage, place: str, name: str, value: str) -> str:
    return next(key for key, one in stage.records(place).items() if one[name] == value)


def program() -> str:
    """Find the installed command that belongs to this interpreter."""
    beside = Path(sys.executable).parent / "syncline"
    found = str(beside) if beside.exists() else shutil.which("syncline")
    if found is None:
        raise BrokenPromise("the command `syncline` is installed (`make setup` installs it)")
    return found


def chapter(title: str) -> None:
    """Begin a chapter."""
    console.print(f"\n[bold]── {title}[/]\n")


def tell(who: str, what: str) -> None:
    """Tell what somebody does."""
    console.print(f"  [bold]{who:<8}[/] {what}")


def promise(what: str, kept: bool) -> None:
    """Print a promise that was kept; BrokenPromise if it was not."""
    if not kept:
        raise BrokenPromise(what)
    console.print(f"[green]✓[/] {what}")


if __name__ == "__main__":
    sys.exit(main())
