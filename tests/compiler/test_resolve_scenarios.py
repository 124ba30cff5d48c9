"""Scenarios: names and values of given, when and expect are checked before anything runs."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import pytest

from syncline_compiler.pipeline import Compilation
from syncline_compiler.project import TEMPLATE

Check = Callable[[Mapping[str, str]], Compilation]
PATH = "scenarios/late.yaml"
SCENARIO = """\
scenario: late
sync: account
covers: [update, exception]
given:
  crm: {Account: [{id: a1, name: Ada Ltd, status: Open, credit_limit: 12.50}]}
  erp: {Partner: []}
when:
  - {change: crm.Account, id: a1, to: {status: Closed, email: null}}
  - {fail: erp.Partner, how: 500_after, on: create, times: 2}
  - {fail: erp, how: stall}
  - {delete: crm.Account, id: a1}
  - run: account
  - run: all
expect:
  writes:
    - {create: erp.Partner, with: {title: Ada Ltd}}
  records:
    - {of: account, where: status == "closed", has: {name: Ada Ltd, credit_limit: {amount: 12.50, currency: EUR}}}
    - {of: account, where: email is null, count: 0}
  exceptions:
    - {code: SYN5004, at: crm.Account, id: a1, field: status}
"""


def said(compilation: Compilation) -> list[tuple[str, int, str]]:
    return [(d.code, d.span.line, d.label) for d in compilation.diagnostics]


def test_a_scenario_is_resolved(check: Check) -> None:
    compilation = check({PATH: SCENARIO})
    assert said(compilation) == []
    assert compilation.project is not None
    scenario = compilation.project.scenarios["late"]
    assert (scenario.sync, scenario.covers) == ("account", {"update", "exception"})


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ("crm: {Acc", "crn: {Acc", ("SYN0205", 5, "no sync has a member `crn`")),
        ("{Account: [", "{Acount: [", ("SYN0202", 5, "`crm` has no resource `Acount`")),
        ("name: Ada Ltd, status: Open", "nmae: Ada Ltd, status: Open",
         ("SYN0204", 5, "`crm.Account` has no field `nmae`")),
        ("name: Ada Ltd, status: Open", "status: Open",
         ("SYN0222", 5, "a record of `Account` has `name`, and this one has not")),
        ("  - run: all", "  - {add: crm.Account, record: {id: a2}}",
         ("SYN0222", 13, "a record of `Account` has `name`, `status`, and this one has not")),
        ("12.50}]", "12.505}]", ("SYN0218", 5, "`12.505` does not fit decimal(12,2)")),
        ("12.50}]", "much}]", ("SYN0218", 5, "a number is expected")),
        ("12.50}]", "1e3}]", None),
        ("name: Ada Ltd, status: Open", "name: null, status: Open", ("SYN0218", 5, "text(80) is never null")),
        ("status: Closed", "status: closed",
         ("SYN0218", 8, "`closed` is no value of `status`: did you mean `Closed`?")),
        ("[{id: a1, ", "[{", ("SYN0218", 5, "a record of `Account` has its `id`, and this one has none")),
        ("- run: all", "- {add: crm.Account}", ("SYN0218", 13, None)),
        ("fail: erp.Partner", "fail: erp.Partners", ("SYN0202", 9, "`erp` has no resource `Partners`")),
        ("fail: erp,", "fail: epr,", ("SYN0205", 10, "no sync has a member `epr`")),
        ("how: stall", "how: sleep", ("SYN0008", 10, None)),
        ("run: account", "run: acount", ("SYN0219", 12, "no sync is called `acount`")),
        ("  - run: all", "  - {event: paid}", ("SYN0219", 13, "no event is called `paid`")),
        ("  - run: all", "  - {run: all, id: a1}", ("SYN0008", 13, "`id` says nothing about `run`")),
        ("  - run: all", "  - {id: a1}",
         ("SYN0008", 13, "exactly one of add, change, delete, event, fail, wait, upgrade, run is expected")),
        ("title", "tilte", ("SYN0204", 16, "`erp.Partner` has no field `tilte`")),
        ("of: account, where: status", "of: acount, where: status", ("SYN0201", 18, "no object is called `acount`")),
        ("has: {name", "has: {nmae", ("SYN0203", 18, "`account` has no field `nmae`")),
        ('status == "closed"', 'status == "shut"', ("SYN0308", 18, None)),
        ("currency: EUR", "currency: EURO", ("SYN0218", 18, "`EURO` is no currency")),
        ("email is null", "emial is null", ("SYN0203", 19, None)),
        ("SYN5004", "SYN5999", ("SYN0219", 21, "no run sets a record aside for `SYN5999`")),
        ("SYN5004", "SYN0501", ("SYN0219", 21, "no run sets a record aside for `SYN0501`")),
    ],
)  # fmt: skip
def test_what_is_refused(check: Check, before: str, after: str, expected: tuple[str, int, str | None] | None) -> None:
    assert before in SCENARIO
    found = said(check({PATH: SCENARIO.replace(before, after, 1)}))
    if expected is None:
        assert found == []
        return
    code, line, label = expected
    assert [(one[0], one[1]) for one in found] == [(code, line)]
    assert label is None or found[0][2] == label


def test_a_scenario_that_expects_nothing(check: Check) -> None:
    text = SCENARIO.partition("expect:")[0] + "expect: {}\n"
    assert said(check({PATH: text})) == [
        ("SYN0008", 1, "`expect` says nothing: name `writes`, `records` or `exceptions`")
    ]


def test_what_is_new_may_be_missing_before_an_upgrade(check: Check) -> None:
    """What a system held under an earlier release may lack a field that is required by now."""
    upgraded = SCENARIO.replace("given:", "begins_with: earlier\ngiven:").replace("  - run: all", "  - {upgrade: true}")
    assert said(check({PATH: upgraded.replace("name: Ada Ltd, status: Open", "status: Open", 1)})) == []


CRM = (TEMPLATE / "systems/crm.yaml").read_text()


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ("name: Ada Ltd, ", "", ("SYN0222", "a record of `Account` has `name`, and this one has not")),
        ("name: Ada Ltd", "name: null", ("SYN0222", "a record of `Account` has `name`, and this one has not")),
        ("name: Ada Ltd", "nmae: Ada Ltd", ("SYN0204", "`crm.Account` has no field `nmae`")),
        ("name: Ada Ltd", "name: {first: Ada}", None),
        ("status: Open", "status: Opened", ("SYN0218", "`Opened` is no value of `status`: did you mean `Open`?")),
        ("country: GB", "country: GBR", ("SYN0218", "3 characters are too many for text(2)")),
        ("country: GB", "credit_limit: much", ("SYN0218", "a number is expected")),
        ("country: GB", 'credit_limit: "12.50"', None),
        ("country: GB", "address: {city: Bath}", ("SYN0204", "`crm.Account` has no field `address`")),
        ("- {id: a1, name: Ada Ltd,", "- {name: Ada Ltd,", None),  # the stand-in gives one
    ],
)
def test_what_a_stand_in_begins_with(check: Check, before: str, after: str, expected: tuple[str, str] | None) -> None:
    assert before in CRM
    found = [(code, label) for code, _, label in said(check({"systems/crm.yaml": CRM.replace(before, after, 1)}))]
    assert found == ([expected] if expected else [])
