"""What is said of a project without mistakes: what is unused, on its way out, or not ready for real systems."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date

import pytest

from syncline_compiler.pipeline import Compilation, check_sources
from syncline_compiler.source import SourceFile

Lint = Callable[[Mapping[str, str]], Compilation]
Template = dict[str, SourceFile]

OBJECT, SYNC, PROJECT = "objects/account.yaml", "syncs/account.yaml", "syncline.yaml"
CRM, CRM_MAP, ERP_MAP = "systems/crm.yaml", "mappings/crm_account.map", "mappings/erp_partner.map"


def said(compilation: Compilation) -> list[tuple[str, str, str]]:
    return [(one.code, one.severity, one.label) for one in compilation.diagnostics]


def on(day: date, template: Template, over: Mapping[str, str]) -> list[tuple[str, str]]:
    files = {**template, **{path: SourceFile(path, text) for path, text in over.items()}}
    found = check_sources(files.values(), day).diagnostics
    return [(f"{one.code} {one.span.path}:{one.span.line}", one.label) for one in found]


@pytest.mark.parametrize(("day", "code"), [((2027, 2, 28), "SYN0930"), ((2027, 3, 1), "SYN0931")])
def test_a_sunset_is_judged_by_the_day(day: tuple[int, int, int], code: str, template: Template) -> None:
    deprecated = "country: {deprecated: {since: 1.0.0, sunset: 2027-03-01, use: region}, type"
    account = template[OBJECT].text.replace("country: {type", deprecated)
    account = account.replace("  status:", "  region: text(2)?\n  status:")
    account = account.replace("identity:", "derived: {place: country}\nidentity:")
    found = on(date(*day), template, {OBJECT: account})
    when = "goes" if code == "SYN0930" else "was to be gone"
    assert found == [
        (f"{code} {CRM_MAP}:6", f"`country` {when} on 2027-03-01"),
        (f"{code} {ERP_MAP}:5", f"`country` {when} on 2027-03-01"),
        (f"{code} {OBJECT}:16", f"`country` {when} on 2027-03-01"),
    ]


def test_what_nobody_uses_may_be_deprecated(template: Template) -> None:
    account = template[OBJECT].text.replace(
        "  status:", "  region: {type: text(2)?, deprecated: {since: 1.0.0, sunset: 2020-01-01}}\n  status:"
    )
    assert on(date(2027, 1, 1), template, {OBJECT: account}) == []


@pytest.mark.parametrize("sunset", ["soon", "2027-13-01", "2027", "01.03.2027"])
def test_a_sunset_is_a_day(sunset: str, lint: Lint, template: Template) -> None:
    deprecated = f"country: {{deprecated: {{since: 1.0.0, sunset: {sunset}}}, type"
    found = said(lint({OBJECT: template[OBJECT].text.replace("country: {type", deprecated)}))
    assert found == [("SYN0008", "error", "a day is expected, such as 2027-03-01")]


def test_an_object_that_nothing_uses_is_said_once(lint: Lint) -> None:
    files = {
        "objects/note.yaml": "object: note\nversion: 1.0.0\nfields: {name: text(80)}\n",
        "mappings/note.map": "mapping crm.Account <-> note\nname <- name\n",
    }
    assert said(lint(files)) == [("SYN0932", "warning", "nothing uses the object `note`")]


def test_what_is_referred_to_is_used(lint: Lint, template: Template) -> None:
    account = template[OBJECT].text.replace("  status:", "  boss: ref(person)?\n  status:")
    person = "object: person\nversion: 1.0.0\nfields: {name: text(80), at: ref(place)?}\n"
    place = "object: place\nversion: 1.0.0\nfields: {name: text(80)}\n"
    files = {OBJECT: account, "objects/person.yaml": person, "objects/place.yaml": place}
    assert said(lint(files)) == []


def test_a_mapping_whose_member_was_forgotten(lint: Lint) -> None:
    sync = "sync: account\nobject: account\nmembers: {crm: crm.Account}\nexists: {originate: [crm]}\nfreshness: 15m\n"
    project = "syncline: 1\nproject: p\nenvironments: {sandbox: {crm: {stand_in: true}}}\n"
    found = said(lint({SYNC: sync, PROJECT: project}))
    assert found == [("SYN0932", "warning", "no sync of `account` has `erp.Partner` as a member")]


def test_a_code_table_in_an_expression_is_used(lint: Lint, template: Template) -> None:
    account = template[OBJECT].text.replace("[email]", "[email]\n    unless: email in shared_mailboxes")
    table = "codes: shared_mailboxes\nversion: 1.0.0\nrows: {info@example.com: shared}\n"
    assert said(lint({OBJECT: account, "codes/shared.yaml": table})) == []
    assert said(lint({"codes/shared.yaml": table})) == [
        ("SYN0932", "warning", "nothing uses the code table `shared_mailboxes`")
    ]


def test_lints_wait_until_there_is_no_mistake(lint: Lint) -> None:
    files = {"objects/note.yaml": "object: note\nversion: 1.0.0\nfields: {name: txt(80)}\n"}
    assert [code for code, _, _ in said(lint(files))] == ["SYN0207"]


REAL = """
syncline: 1
project: p
environments:
  ENVIRONMENT:
    crm: {origin: "env:CRM_URL", credential: {token: "env:CRM_TOKEN"}}
    erp: {origin: "env:ERP_URL", credential: {key: "env:ERP_KEY"}}
"""


def test_a_sync_of_stand_ins_is_left_in_peace(lint: Lint, template: Template) -> None:
    assert said(lint({SYNC: template[SYNC].text.replace("freshness: 15m\n", "")})) == []


def test_a_sync_that_meets_real_systems(lint: Lint, template: Template) -> None:
    sync = template[SYNC].text.replace("freshness: 15m\n", "")
    assert said(lint({SYNC: sync, PROJECT: REAL.replace("ENVIRONMENT", "staging")})) == [
        ("SYN0933", "warning", "nobody sees if `name` falls behind"),
        ("SYN0934", "warning", "no scenario of `account` covers `create`, `update`, `cancel`, `exception`"),
        ("SYN0935", "warning", "nothing says what people do while this stands still"),
    ]


def test_a_critical_field_that_nobody_maps(lint: Lint, template: Template) -> None:
    account = template[OBJECT].text.replace("  status:", "  rating: {type: int?, critical: true}\n  status:")
    found = said(lint({OBJECT: account, PROJECT: REAL.replace("ENVIRONMENT", "staging")}))
    assert ("SYN0933", "warning", "no member maps `rating`") in found


@pytest.mark.parametrize(
    ("fields", "found"),
    [
        ("[email]", []),
        ("[email, name]", []),
        ("[name]", [("SYN0607", "error", "no identity rule goes by these fields alone")]),
        ("[]", [("SYN0607", "error", "no identity rule goes by these fields alone")]),
        ("[emial]", [("SYN0203", "error", "`account` has no field `emial`")]),
    ],
)
def test_a_fallback_is_recognised(
    fields: str, found: list[tuple[str, str, str]], lint: Lint, template: Template
) -> None:
    fallback = f"fallback: {{after: 4h, who: we, steps: do it, recognised_by: {fields}}}\n"
    assert said(lint({SYNC: template[SYNC].text + fallback})) == found
