"""The quote-to-cash example against the real servers, looked at through the servers' own interfaces."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from end_to_end.stage import Done, type_in
from support.real_systems import EXAMPLE, Desk, running
from syncline_runtime import load_release, run_release
from syncline_runtime.options import Options
from syncline_runtime.result import RunResult

pytestmark = pytest.mark.real


@dataclass
class Office:
    """The servers, the compiled example and its state; the first run has been made."""

    desk: Desk
    release: Path
    state: Path
    accounts: dict[str, str] = field(default_factory=dict)  # name → CRM id
    contact: str = ""
    first: Any = None  # what `plan` said before the first run
    first_run: Any = None

    def run(self) -> RunResult:
        """Run once, in this process."""
        return run_release(load_release(self.release), "local", Options(self.state))

    def syncline(self, command: str, *words: str) -> Done:
        """Type a command."""
        more = ("--release", str(self.release), "--state", str(self.state), "--format", "json")
        return type_in(self.state.parent, command, *words, *more, environment=self.desk.variables())

    def party(self, name: str) -> Any:
        """The ERP's one customer of that name."""
        (found,) = self.desk.erp.parties(["name", "=", name])
        return found

    def customer(self, name: str) -> Any:
        """The gateway's one customer of that name."""
        (found,) = [each for each in self.desk.gateway.customers() if each["name"] == name]
        return found

    def add_account(self, name: str, **more: Any) -> str:
        """A customer like any other."""
        fields = {
            "name": name, "email": f"info@{name.split()[0].lower()}.example", "phone": "+49 30 1234567",
            "country": "DE", "currency": "EUR", "address_line": "Hauptstr. 1", "city": "Berlin", "postcode": "10115",
        }  # fmt: skip
        self.accounts[name] = self.desk.crm.add_account(**{**fields, **more})
        return self.accounts[name]


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    """Three customers, a person, a product and an invoice, and the first run over them."""
    folder = tmp_path_factory.mktemp("quote-to-cash")
    done = type_in(folder, "compile", "--project", str(EXAMPLE), "--out", "release")
    assert done.code == 0, done.err
    with running() as desk, pytest.MonkeyPatch.context() as patch:
        for name, value in desk.variables().items():
            patch.setenv(name, value)
        opened = Office(desk, folder / "release", folder / "state")
        opened.add_account("Alpha  GmbH", phone="030 1234567", email="Info@ALPHA.example")
        opened.add_account("Beta Ltd", country="GB", currency="GBP", phone="+44 20 7946 0958")
        opened.add_account("Gamma SARL", country="FR", phone="+33 1 23 45 67 89", is_active=False)
        alpha = opened.accounts["Alpha  GmbH"]
        opened.contact = desk.crm.add_contact(
            first_name="Ada", last_name="Lovelace", email="ada@alpha.example", account=alpha
        )
        desk.erp.add_product("W-1", "Widget", "19.99")
        desk.crm.add_invoice(alpha, opened.contact, ("Widget", "3", "19.99"), ("Service", "1.5", "26.69"))
        opened.first = opened.syncline("plan").json
        opened.first_run = opened.syncline("run").json
        yield opened


def writes_of(document: Mapping[str, Any]) -> Counter[str]:
    """The writes of a change set, told apart by everything that is said of them but the run."""
    told = ({k: v for k, v in write.items() if k != "correlation_id"} for write in document["writes"])
    return Counter(json.dumps(write, sort_keys=True) for write in told)


def test_customers_of_the_crm_appear_in_erp_and_gateway(office: Office) -> None:
    assert sum(office.first_run["acknowledged"].values()) == len(office.first["writes"])
    parties = {each["name"]: each for each in office.desk.erp.parties()}
    customers = {each["name"]: each for each in office.desk.gateway.customers()}
    assert sorted(parties) == sorted(customers) == ["Alpha GmbH", "Beta Ltd", "Gamma SARL"]
    assert len(office.desk.erp.parties()) == len(office.desk.gateway.customers()) == 3, "nothing is doubled"
    alpha = parties["Alpha GmbH"]
    assert alpha["addresses"][0]["country"]["code"] == "DE"
    assert reached_by(alpha) == {("email", "Info@alpha.example"), ("phone", "+49301234567")}
    assert alpha["email"] == "Info@alpha.example"
    assert {name: party["active"] for name, party in parties.items()} == {
        "Alpha GmbH": 1,
        "Beta Ltd": 1,
        "Gamma SARL": 0,
    }
    beta, gamma = customers["Beta Ltd"], customers["Gamma SARL"]
    assert (beta["address"]["country"], beta["phone"], beta["email"]) == ("GB", "+442079460958", "info@beta.example")
    assert beta["metadata"] == {"currency": "GBP", "status": "open"}
    assert gamma["metadata"] == {"currency": "EUR", "status": "closed"}
    for name in parties:
        assert parties[name]["code"] == customers[name]["id"], "both are known by one canonical id"


def test_links_are_recorded(office: Office) -> None:
    traced = office.syncline("trace", "account", office.accounts["Beta Ltd"], "country").json
    assert {link["connection"] for link in traced["links"]} == {"crm", "erp", "gateway"}


def test_persons_products_and_invoices_arrive_too(office: Office) -> None:
    alpha = office.party("Alpha GmbH")
    named = [each["value"] for each in alpha["contact_mechanisms"] if each["name"] == "Ada Lovelace"]
    assert named == ["ada@alpha.example"]
    (product,) = office.desk.crm.products()
    assert (product["sku"], product["name"], product["price"], product["currency"]) == ("W-1", "Widget", "19.99", "EUR")
    (invoice,) = office.desk.erp.invoices(["party.code", "=", alpha["code"]])
    assert invoice["state"] == "posted"
    assert invoice["total_amount"]["decimal"] == "100.01"
    assert [(line["description"], line["quantity"]) for line in invoice["lines"]] == [("Widget", 3.0), ("Service", 1.5)]


def test_a_second_run_sends_nothing(office: Office) -> None:
    again = office.run()
    assert not again.changes.writes
    assert again.acked == 0
    assert again.exit_code == 0


def test_edits_end_as_the_ownership_rules_say(office: Office) -> None:
    account, desk = office.add_account("Delta AG"), office.desk
    office.run()
    party, customer = office.party("Delta AG"), office.customer("Delta AG")
    desk.crm.edit_account(account, name="Delta Holding AG")  # the CRM owns the name,
    term = desk.erp.payment_term("Net 30 days")
    desk.erp.edit("party.party", party["id"], customer_payment_term=term)  # the ERP its terms of payment,
    desk.gateway.edit_customer(customer["id"], email="other@delta.example")  # and the gateway no address
    result = office.run()
    assert office.party("Delta Holding AG")["id"] == party["id"]
    assert desk.crm.account(account)["custom_fields"]["payment_terms"] == "Net 30 days"
    restored = office.customer("Delta Holding AG")
    assert (restored["id"], restored["email"]) == (customer["id"], "info@delta.example")
    shown = [each for each in result.outcomes if each["outcome"] == "unowned_edit"]
    assert [(each["connection"], each["field"], each["action"]) for each in shown] == [("gateway", "email", "restored")]
    assert not office.run().changes.writes


def test_an_unowned_edit_of_a_picked_child_record_is_restored(office: Office) -> None:
    office.add_account("Epsilon KG")
    office.run()
    (phone,) = [
        each for each in office.party("Epsilon KG")["contact_mechanisms"] if each["type"] == "phone"
    ]  # fmt: skip
    office.desk.erp.edit("party.contact_mechanism", phone["id"], value="+49 30 999")
    result = office.run()
    assert [(w.resource, w.operation) for w in result.changes.writes] == [("ContactMechanism", "update")]
    assert ("phone", "+49301234567") in reached_by(office.party("Epsilon KG"))
    assert [each["field"] for each in result.outcomes if each["outcome"] == "unowned_edit"] == ["phone"]


def test_a_charge_and_a_partial_refund_settle_the_invoice_they_name(office: Office) -> None:
    desk = office.desk
    account = office.add_account("Zeta OHG")
    contact = desk.crm.add_contact(first_name="Zoe", last_name="Zimmer", email="zoe@zeta.example", account=account)
    # Two invoices of one customer over one amount: only the reference tells which of them is paid.
    other = desk.crm.add_invoice(account, contact, ("Widget", "4", "25.00"))
    paid = desk.crm.add_invoice(account, contact, ("Widget", "4", "25.00"))
    office.run()
    charge = desk.gateway.charge(10_000, "eur", paid["invoice_number"])
    office.run()
    shown = desk.crm.invoice(paid["id"])
    assert (shown["status"], shown["amount_due"]) == ("Paid", "0.00")
    assert shown["custom_fields"] == {"payment_status": "paid", "open_balance": "0.00"}
    booked = {each["reference"]: each for each in desk.erp.invoices()}
    assert booked[paid["invoice_number"]]["state"] == "paid"
    assert booked[other["invoice_number"]]["state"] == "posted"
    assert desk.crm.invoice(other["id"])["status"] == "Sent"

    refund = desk.gateway.refund(charge, 3_000)
    office.run()
    shown = desk.crm.invoice(paid["id"])
    assert (shown["status"], shown["amount_due"]) == ("Partially_Paid", "30.00")
    assert shown["custom_fields"] == {"payment_status": "partially paid", "open_balance": "30.00"}
    assert [(each["reference_number"], each["amount"]) for each in shown["payments"]] == [(charge, "70.00")]
    (back,) = desk.erp.statements(["name", "=", refund])
    assert (back["state"], back["lines"][0]["amount"]["decimal"]) == ("posted", "-30.00")
    # 30.00 of the refund, and the other invoice that nobody has paid
    assert office.party("Zeta OHG")["receivable"]["decimal"] == "130.00"
    assert not office.run().changes.writes

    desk.gateway.refund(charge, 7_000)  # the rest: the CRM knows no payment of nothing, so that it has none
    office.run()
    shown = desk.crm.invoice(paid["id"])
    assert (shown["status"], shown["amount_due"], shown["payments"]) == ("Sent", "100.00", [])
    assert shown["custom_fields"] == {"payment_status": "unpaid", "open_balance": "100.00"}
    assert not office.run().changes.writes


def test_a_record_without_a_required_field_waits_and_all_others_go_on(office: Office) -> None:
    stuck = office.add_account("Eta GmbH", country="")
    office.add_account("Theta GmbH")
    done = office.syncline("run")
    assert done.code == 1
    (waiting,) = office.syncline("exceptions").json["exceptions"]
    assert (waiting["native_id"], waiting["field"], waiting["rule"]) == (stuck, "country", "an account needs a country")
    assert waiting["correlation_id"]
    assert office.party("Theta GmbH")
    assert not office.desk.erp.parties(["name", "=", "Eta GmbH"])
    office.desk.crm.edit_account(stuck, country="AT")
    assert office.run().exit_code == 0
    assert office.party("Eta GmbH")["addresses"][0]["country"]["code"] == "AT"
    assert office.customer("Eta GmbH")["address"]["country"] == "AT"
    assert office.syncline("exceptions").json["exceptions"] == []


def test_a_plan_lists_exactly_the_writes_that_the_run_makes(office: Office) -> None:
    assert writes_of(office.first) == writes_of(office.first_run)
    office.desk.crm.edit_account(office.accounts["Beta Ltd"], city="Leeds", is_active=False)
    office.add_account("Iota GmbH")
    planned = office.syncline("plan")
    assert planned.code == 3
    made = office.syncline("run").json
    assert made["change_set"] == planned.json["change_set"]
    assert writes_of(made) == writes_of(planned.json)
    assert sum(made["acknowledged"].values()) == len(planned.json["writes"])
    assert office.syncline("plan").code == 0


def reached_by(party: Any) -> set[tuple[str, str]]:
    """The customer's own addresses and numbers, without those of persons."""
    return {(each["type"], each["value"]) for each in party["contact_mechanisms"] if each["name"] is None}
