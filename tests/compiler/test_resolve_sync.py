"""Syncs, bound: defaults, expansion of rules, and silence about what is reported elsewhere."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import pytest

from syncline_compiler.model.resolved import Ownership, ResolvedSync
from syncline_compiler.pipeline import Compilation

Check = Callable[[Mapping[str, str]], Compilation]

OBJECT = """
object: account
version: 2.1.0
fields:
  name: {type: text(80), required: true, critical: true}
  email: {type: "email?", critical: true}
  country: country?
  status: {type: enum, values: [prospect, active, closed], required: true}
  credit_limit: money?
identity: [{same: [email]}]
"""
SYNC = """
sync: account
object: account@2
members: {crm: crm.Account, erp: erp.Partner}
exists: {originate: [crm], hold: {erp: true}}
owners:
  "*": crm
  credit_limit: erp
"""
MAPS = {
    "mappings/crm_account.map": """mapping crm.Account <-> account@2

name         <-> name
email        <-> email | email
status       <-> status | code crm_account_status
credit_limit <-> money(credit_limit, currency)
""",
    "mappings/erp_partner.map": """mapping erp.Partner <-> account@2

name         <-> title
email        <-> mail | email
status       <-> state | code erp_partner_state
credit_limit <-> money(credit, currency)
""",
}
BASE = {"objects/account.yaml": OBJECT, "syncs/account.yaml": SYNC, **MAPS}


def resolved(check: Check, sync: str) -> ResolvedSync:
    compilation = check({**BASE, "syncs/account.yaml": sync})
    assert [(d.code, d.label) for d in compilation.diagnostics] == []
    assert compilation.project is not None
    return compilation.project.syncs[0]


def codes(compilation: Compilation) -> list[tuple[str, str]]:
    return [(d.code, str(d.span)) for d in compilation.diagnostics]


def test_defaults(check: Check) -> None:
    sync = resolved(check, SYNC)
    assert sync.unowned_edit == {"*": "restore"}
    assert sync.first_link == {"*": "fill"}
    assert sync.when_deleted_in == {"*": "review"}
    assert (sync.attempts, sync.within, sync.freshness) == (6, 7_200, None)
    assert (sync.change_guard, sync.delete_guard) == (None, None)
    assert [(m.connection, m.originates, m.hold, m.on_leave) for m in sync.members] == [
        ("crm", True, False, "keep"),
        ("erp", False, True, "keep"),
    ]


def test_owners_are_expanded_to_mapped_fields(check: Check) -> None:
    owners = resolved(check, SYNC).owners
    assert {name: rule.owner for name, rule in owners.items()} == {
        "name": "crm", "email": "crm", "status": "crm", "credit_limit": "erp",
    }  # fmt: skip


def test_newest(check: Check) -> None:
    sync = resolved(check, SYNC + "  email: {by: newest, clock: {crm: updated_at, erp: write_date}}\n")
    rule = sync.owners["email"]
    assert isinstance(rule, Ownership)
    assert (rule.rule, rule.clocks) == ("newest", {"crm": "updated_at", "erp": "write_date"})


def test_policies_for_critical_fields(check: Check) -> None:
    sync = resolved(check, SYNC + "first_link: {critical: review, email: owner}\nunowned_edit: {name: adopt}\n")
    assert sync.first_link == {"*": "fill", "name": "review", "email": "owner"}
    assert sync.unowned_edit == {"*": "restore", "name": "adopt"}


def test_guards_and_times(check: Check) -> None:
    text = "freshness: 15m\nguards: {change: 10%, delete: 5}\ndelivery: {attempts: 3, within: 90s}\n"
    sync = resolved(check, SYNC + text)
    assert (sync.freshness, sync.change_guard, sync.delete_guard) == (900, "10%", "5")
    assert (sync.attempts, sync.within) == (3, 90)


def test_a_field_with_one_provider_needs_no_rule(check: Check) -> None:
    maps = {
        **MAPS,
        "mappings/crm_account.map": MAPS["mappings/crm_account.map"]
        .replace("email        <->", "email        ->")
        .replace("email | email", "email"),
    }
    compilation = check(
        {**BASE, **maps, "syncs/account.yaml": SYNC.replace('  "*": crm\n', "  name: crm\n  status: crm\n")}
    )
    assert [d.code for d in compilation.diagnostics if d.severity == "error"] == []
    assert compilation.project is not None
    assert compilation.project.syncs[0].owners["email"].owner == "erp"


def test_another_major_version(check: Check) -> None:
    found = check({**BASE, "syncs/account.yaml": SYNC.replace("account@2", "account@3")})
    assert codes(found) == [("SYN0201", "syncs/account.yaml:3:9")]


def test_one_diagnostic_for_all_fields_without_owner(check: Check) -> None:
    found = check({**BASE, "syncs/account.yaml": SYNC.split("owners:")[0]})
    assert [(d.code, d.label) for d in found.diagnostics] == [
        ("SYN0501", "nothing says who decides `name`, `email`, `status`, `credit_limit`")
    ]


def test_a_broken_object_is_reported_once(check: Check) -> None:
    found = check({**BASE, "objects/account.yaml": OBJECT.replace("version: 2.1.0", "version: 2")})
    assert codes(found) == [("SYN0008", "objects/account.yaml:3:10")]


def test_a_broken_system_is_reported_once(check: Check) -> None:
    found = check({**BASE, "systems/crm.yaml": "system: crm\nversion: 1.0.0\nresources: {}\n"})
    assert codes(found) == [("SYN0008", "systems/crm.yaml:3:12")]


def test_a_mapping_that_cannot_be_read_is_reported_once(check: Check) -> None:
    found = check({**BASE, "mappings/crm_account.map": "mapping crm.Account <-> account\n\nname <-> (\n"})
    assert {code[:5] for code, _ in codes(found)} == {"SYN01"}


def test_an_unreadable_file_stops_the_rest(check: Check) -> None:
    found = check({**BASE, "objects/account.yaml": OBJECT + "a: [\n", "syncs/account.yaml": SYNC + "x: 1\n"})
    assert [code for code, _ in codes(found)] == ["SYN0002", "SYN0006"]


def test_no_project_file(check: Check) -> None:
    assert codes(check({"syncline.yaml": ""})) == [("SYN0011", "syncline.yaml:1:1")]


@pytest.mark.parametrize(
    ("line", "place"),
    [
        ("when_deleted_in: {pay: keep}\n", "9:19"),
        ("unowned_edit: {nam: review}\n", "9:16"),
        ("first_link: {nam: review}\n", "9:14"),
    ],
)
def test_names_in_policies(check: Check, line: str, place: str) -> None:
    found = check({**BASE, "syncs/account.yaml": SYNC + line})
    assert [span for _, span in codes(found)] == [f"syncs/account.yaml:{place}"]


def test_a_connection_leads_to_one_system(check: Check) -> None:
    second = """
sync: another
object: account
members: {crm: erp.Partner}
exists: {originate: [crm]}
owners: {"*": crm}
"""
    found = check({**BASE, "syncs/another.yaml": second})
    assert codes(found) == [("SYN0010", "syncs/another.yaml:4:16")]
