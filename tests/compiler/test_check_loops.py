"""Values that run in a circle, and those that only seem to."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import pytest

from syncline_compiler.pipeline import Compilation

Check = Callable[[Mapping[str, str]], Compilation]

OBJECT = """
object: account
version: 1.0.0
fields:
  name: {type: text(80), required: true}
  email: email?
  net: decimal(12,2)?
  label: text(80)?
  status: {type: enum, values: [prospect, active, closed], required: true}
derived:
  gross: {value: net | round 2}
  stamp: {value: run.started_at}
  stamped: {value: stamp}
identity: [{same: [email]}]
"""
SYNC = """
sync: account
object: account
members: {crm: crm.Account, erp: erp.Partner}
exists: {originate: [crm], hold: {erp: true}}
owners: {"*": crm, label: erp}
"""
CRM = "mapping crm.Account <-> account\nname <-> name\nstatus <-> status | code crm_account_status\n"
ERP = "mapping erp.Partner <-> account\nstatus <-> state | code erp_partner_state\n"


def said(check: Check, crm: str, erp: str = "name <-> title", owners: str = '{"*": crm, label: erp}') -> list[str]:
    compilation = check({
        "objects/account.yaml": OBJECT,
        "syncs/account.yaml": SYNC.replace('{"*": crm, label: erp}', owners),
        "mappings/crm_account.map": f"{CRM}email <-> email | email\n{crm}\n",
        "mappings/erp_partner.map": f"{ERP}email <-> mail | email\n{erp}\n",
    })  # fmt: skip
    return [f"{d.code} {d.span} {d.label}" for d in compilation.diagnostics]


def test_lenses_settle(check: Check) -> None:
    assert said(check, "net <-> credit_limit") == []


def test_a_derived_value_that_is_written_to_its_source(check: Check) -> None:
    (found,) = said(check, "net <- credit_limit\ngross -> credit_limit")
    assert found.startswith("SYN0511 mappings/crm_account.map:6:1 what is written here comes back as `net`")


def test_a_value_that_somebody_else_decides_settles(check: Check) -> None:
    owners = '{"*": crm, net: erp, label: erp}'
    erp = "name <-> title\nnet <-> credit"
    assert said(check, "net <- credit_limit\ngross -> credit_limit", erp, owners) == []


def test_a_circle_through_two_systems(check: Check) -> None:
    """The name goes to the ERP as its title, comes back as a label that the ERP decides, and so to the CRM's name."""
    crm = CRM.replace("name <-> name", "name <- name") + "email <-> email | email\nlabel -> name\n"
    compilation = check({
        "objects/account.yaml": OBJECT,
        "syncs/account.yaml": SYNC,
        "mappings/crm_account.map": crm.replace("label -> name", 'label ?? "?" -> name'),
        "mappings/erp_partner.map": f"{ERP}email <-> mail | email\nname -> title\nlabel <- title\n",
    })  # fmt: skip
    (found,) = compilation.diagnostics
    assert found.code == "SYN0511"
    assert {span.path for span, _ in found.secondary} | {found.span.path} == {
        "mappings/crm_account.map", "mappings/erp_partner.map",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("line", "moves"),
    [
        ("run.started_at | text -> currency", True),
        ("stamped | text -> currency", True),
        ('run.started_at | date "UTC" | text -> country', False),
        ('case when run.started_at > stamp then "A" else "B" end -> country', False),
    ],
)
def test_the_time_of_the_run(check: Check, line: str, moves: bool) -> None:
    found = [one for one in said(check, line.replace("| text", "| text | truncate 2")) if "another value" in one]
    assert bool(found) is moves
