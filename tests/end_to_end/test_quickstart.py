"""The quickstart, through the command line, against stand-ins: what it promises and what survives a kill."""

from __future__ import annotations

import shutil
from collections import Counter
from pathlib import Path

import pytest

from end_to_end.stage import QUICKSTART, Stage, planned, type_in, wait_until

pytestmark = pytest.mark.slow

FIRST_RUN = 22
PARTNER_FILE = "debtor;tax number;country;rating\n70518;CHE114285734;ch;C\n"


def test_specs_are_clean_and_formatted() -> None:
    checked = type_in(QUICKSTART, "check", "--format", "json")
    assert (checked.code, checked.json["diagnostics"]) == (0, [])
    assert type_in(QUICKSTART, "fmt", "--check").code == 0


def test_compiles_to_the_same_bytes_in_another_place(release: Path, tmp_path: Path) -> None:
    moved = tmp_path / "elsewhere" / "copy"
    shutil.copytree(QUICKSTART, moved, ignore=shutil.ignore_patterns(".syncline", "__pycache__"))
    assert type_in(moved, "compile", "--out", str(tmp_path / "out")).code == 0
    assert _bytes(tmp_path / "out") == _bytes(release)
    for content in _bytes(release).values():
        assert str(QUICKSTART.parent).encode() not in content


def test_plan_lists_exactly_the_writes_that_run_makes(stage: Stage) -> None:
    plan = stage.syncline("plan", "--format", "json")
    assert plan.code == 3, plan.err
    assert not stage.sandbox.log  # planning sends nothing
    assert stage.syncline("plan", "--format", "json").json["change_set"] == plan.json["change_set"]
    run = stage.syncline("run", "--format", "json")
    assert run.json["change_set"] == plan.json["change_set"]
    assert stage.written() == planned(plan.json)
    assert stage.written().total() == FIRST_RUN
    touched = {(w["resource"], w["native_id"]) for w in plan.json["writes"] if w["operation"] == "update"}
    assert touched == {(w["resource"], w["id"]) for w in stage.sandbox.log if w["operation"] == "update"}


def test_nobody_is_doubled(settled: Stage) -> None:
    partners, customers = settled.records("erp", "Partner"), settled.records("payments", "Customer")
    for name in ("Ada Instruments Ltd", "Bolt Maschinenbau AG"):
        for held in (partners, customers):
            assert [record["name"] for record in held.values()].count(name) == 1
    assert partners["10001"]["name"] == "Ada Instruments Ltd"
    assert [record["name"] for record in partners.values()].count("Nordic Paper AB") == 1  # a supplier: not ours
    assert "Duna Kft" not in [record["name"] for record in partners.values()]  # a prospect: not for finance yet
    assert len(settled.records("crm", "Account")) == 8  # nobody but the CRM brings customers into being


def test_second_run_sends_nothing(settled: Stage) -> None:
    before = len(settled.sandbox.log)
    again = settled.syncline("run", "--format", "json")
    assert (again.json["writes"], again.json["sent"]) == ([], 0)
    assert len(settled.sandbox.log) == before
    assert settled.syncline("plan").code == 1  # nothing pends; the one record still waits


def test_edits_end_as_ownership_says(settled: Stage) -> None:
    settled.edit("PATCH", "crm/Account/A-3", name="Ceres Foods Group SpA")  # the owner's edit
    settled.edit("PATCH", "erp/Partner/10001", credit_limit="7500.00")  # another owner's
    settled.edit("PATCH", "crm/Account/A-2", credit_limit="99999.00")  # nobody's business there
    fjord = settled.find("erp", "Partner", "name", "Fjord AS")
    settled.edit("PATCH", f"erp/Partner/{fjord}", email="invoices@fjord.example")  # the newest wins
    settled.drop("rating-2.csv", PARTNER_FILE)
    plan = settled.syncline("plan", "--format", "json").json
    before = len(settled.sandbox.log)
    run = settled.syncline("run", "--format", "json").json
    assert settled.written(before) == planned(plan)
    accounts, partners = settled.records("crm", "Account"), settled.records("erp", "Partner")
    names = Counter(one["name"] for one in (*partners.values(), *settled.records("payments", "Customer").values()))
    assert (names["Ceres Foods Group SpA"], names["Ceres Foods SpA"]) == (2, 0)
    assert accounts["A-1"]["credit"]["limit"] == 7500
    assert accounts["A-2"]["credit"] == {"limit": 20000, "currency": "CHF", "rating": "fair"}
    assert partners["10002"]["credit_limit"]["decimal"] == "20000.00"
    assert [point["value"] for point in accounts["A-6"]["contact_points"]] == ["invoices@fjord.example"]
    (unowned,) = [one for one in run["outcomes"] if one["outcome"] == "unowned_edit"]
    assert (unowned["connection"], unowned["field"], unowned["action"]) == ("crm", "credit_limit", "restored")
    history = settled.syncline("trace", "account", "A-2", "credit_limit", "--format", "json").json["history"]
    assert [(one["connection"], one["source"]) for one in history if one["outcome"] == "restore"] == [("crm", "erp")]
    assert settled.syncline("run", "--format", "json").json["sent"] == 0


def test_payments_and_refunds_reach_the_invoice_in_crm_and_erp(settled: Stage) -> None:
    assert _invoices(settled) == {"INV-2026-001": ("Paid", 0), "INV-2026-002": ("Unpaid", 2400.5)}
    settled.edit("PATCH", "payments/Payment/pay_1", amount_refunded="19000")
    request = settled.find("payments", "PaymentRequest", "reference", "INV-2026-002")
    for number, (amount, status) in enumerate((("100000", "succeeded"), ("140050", "failed")), 2):
        settled.edit("POST", "payments/Payment", id=f"pay_{number}", request=request, amount=amount, status=status,
                     amount_refunded="0", currency="chf", created="1767800000")  # fmt: skip
    settled.syncline("run")
    assert _invoices(settled) == {"INV-2026-001": ("Part-paid", 190), "INV-2026-002": ("Part-paid", 1400.5)}
    booked = {one["gateway_reference"]: (one["invoice"], one["amount"]["decimal"], one["refunded"]["decimal"])
              for one in settled.records("erp", "Payment").values()}  # fmt: skip
    assert booked == {"pay_1": (501, "1190.00", "190.00"), "pay_2": (502, "1000.00", "0.00")}
    balances = {key: one["finance"]["open_balance"] for key, one in settled.records("crm", "Account").items()}
    assert (balances["A-1"], balances["A-2"], balances["A-3"]) == (190, 1400.5, 0)


def test_quarantined_record_is_told_and_resolved_after_mending(settled: Stage) -> None:
    (waiting,) = settled.syncline("exceptions", "--format", "json").json["exceptions"]
    assert (waiting["native_id"], waiting["field"], waiting["state"]) == ("A-8", "country", "open")
    assert waiting["rule"] == "a customer needs a country: taxes depend on it"
    assert waiting["correlation_id"]
    text = settled.syncline("exceptions").out
    assert "field country" in text
    assert waiting["correlation_id"] in text
    settled.edit("PATCH", "crm/Account/A-8", country="DE")
    assert settled.syncline("run").code == 0
    assert settled.syncline("exceptions", "--format", "json").json["exceptions"] == []
    (resolved,) = settled.syncline("exceptions", "--all", "--format", "json").json["exceptions"]
    assert resolved["state"] == "resolved"
    assert settled.find("erp", "Partner", "name", "Hansa Handel GmbH")


@pytest.mark.parametrize(
    ("system", "resource"),
    [
        ("erp", "Partner"),  # found again by its marker
        ("payments", "Customer"),  # the same idempotency key
        ("crm", "Invoice"),  # upserted by its external id
        ("crm", "ContactPoint"),  # a child record
    ],
)
def test_killed_after_the_servers_commit_and_before_our_ack(stage: Stage, system: str, resource: str) -> None:
    stage.sandbox.fault(system, "stall", resource=resource, operation="create")  # done, but the answer is held back
    run = stage.start("run")
    try:
        wait_until(lambda: stage.written()[system, resource, "create"] > 0, run)
    finally:
        run.kill()
        run.wait()
    stage.settle()
    found = {name: len(stage.records(*name.split("."))) for name in _WHOLE}
    assert found == _WHOLE
    assert stage.syncline("run", "--format", "json").json["sent"] == 0


_WHOLE = {
    "crm.Account": 8, "crm.Invoice": 2, "crm.ContactPoint": 5, "erp.Partner": 7, "erp.Payment": 1,
    "payments.Customer": 4, "payments.PaymentRequest": 2,
}  # fmt: skip
"""What the systems hold once a first run is whole, however often it was begun."""


def _invoices(stage: Stage) -> dict[str, tuple[str, float]]:
    return {i["number"]: (i["payment_status"], i["open_amount"]) for i in stage.records("crm", "Invoice").values()}


def _bytes(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
