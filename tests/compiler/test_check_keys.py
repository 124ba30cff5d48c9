"""Keys that cannot tell records apart."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import pytest

from syncline_compiler.pipeline import Compilation

Check = Callable[[Mapping[str, str]], Compilation]

OBJECT = """
object: visit
version: 1.0.0
fields:
  number: text(20)?
  at: instant?
  country: country?
  paid: bool?
  account: {type: ref(account)?, inverse: visits}
  boss: ref(account)?
parts:
  stops: {of: stop, key: place}
identity:
  - IDENTITY
"""
STOP = "object: stop\nversion: 1.0.0\nfields: {place: text(20), other: text(20)?, flag: bool}\n"


def said(check: Check, over: Mapping[str, str]) -> list[tuple[str, str]]:
    return [(d.code, d.label) for d in check(over).diagnostics if d.code.startswith("SYN06")]


@pytest.mark.parametrize(
    ("rule", "shared"),
    [
        ("same: [number]", False),
        ("same: [country]", True),
        ("{same: [country], then: review}", False),
        ("same: [country, paid]", True),
        ("same: [account]", True),
        ("same: [boss]", False),
        ("same: [account, country]", True),
        ("same: [account, at]", False),
    ],
)
def test_identity_rules(check: Check, rule: str, shared: bool) -> None:
    found = said(check, {"objects/visit.yaml": OBJECT.replace("IDENTITY", rule), "objects/stop.yaml": STOP})
    assert [code for code, _ in found] == (["SYN0605"] if shared else [])


@pytest.mark.parametrize(
    ("key", "label"),
    [
        ("place", None),
        ("other", "`other` may be null: rows would be taken for one"),
        ("flag", "`flag` has two values: rows would be taken for one"),
    ],
)
def test_keys_of_parts(check: Check, key: str, label: str | None) -> None:
    visit = OBJECT.replace("IDENTITY", "same: [number]").replace("key: place", f"key: {key}")
    found = said(check, {"objects/visit.yaml": visit, "objects/stop.yaml": STOP})
    assert found == ([("SYN0605", label)] if label else [])


@pytest.mark.parametrize(
    ("identity", "codes"),
    [
        ("[{similar: {number: 0.9}}]", ["SYN0604"]),
        ("[{similar: {number: 0.9}}, {similar: {account: exact}}]", ["SYN0604", "SYN0611"]),
        ("[{same: [number]}]", []),
    ],
)
def test_likeness_alone(check: Check, identity: str, codes: list[str]) -> None:
    visit = OBJECT.replace("identity:\n  - IDENTITY", f"identity: {identity}")
    compilation = check({"objects/visit.yaml": visit, "objects/stop.yaml": STOP})
    assert [one.code for one in compilation.diagnostics] == codes


@pytest.mark.parametrize(
    ("rule", "codes"),
    [
        ("similar: {number: 0.9}\n    then: review", []),
        ("similar: {number: 0.9}", ["SYN0604"]),
        ("similar: {number: 0.9}\n    same: [country]", ["SYN0604"]),
        ("similar: {number: 0.9, country: {edits: 1}}\n    then: review", ["SYN0610"]),
        ("similar: {number: {within: 2}}\n    then: review", ["SYN0610"]),
        ("similar: {number: 0.3}\n    then: review", ["SYN0610"]),
        ("similar: {number: 0.9}\n    at_least: 2\n    then: review", ["SYN0610"]),
        ("similar: {number: 0.9}\n    may_differ: 1\n    then: review", ["SYN0610"]),
        ("similar: {number: {edits: 1, missing: true}}\n    then: review", ["SYN0610"]),
        ("similar: {number: 0.9, country: exact}\n    swapped: [number, country]\n    then: review", ["SYN0610"]),
        ("similar: {country: exact}\n    then: review", ["SYN0611"]),
        ("same: [number, country]", ["SYN0612"]),
        ("similar: {nmber: 0.9}\n    then: review", ["SYN0203"]),
        ("similar: {number: nearly}\n    then: review", ["SYN0008"]),
    ],
)
def test_rules_of_likeness(check: Check, rule: str, codes: list[str]) -> None:
    visit = OBJECT.replace("IDENTITY", "same: [number]").replace("- same: [number]", f"- same: [number]\n  - {rule}")
    compilation = check({"objects/visit.yaml": visit, "objects/stop.yaml": STOP})
    assert [one.code for one in compilation.diagnostics] == codes


@pytest.mark.parametrize(
    ("field", "shared"),
    [("text", False), ("{type: text, values: [a, b]}", True), ("bool", True), ("date", True), ("int", False)],
)
def test_ids_of_resources(check: Check, field: str, shared: bool) -> None:
    system = f"system: till\nversion: 1.0.0\nresources:\n  Sale:\n    id: number\n    fields: {{number: {field}}}\n"
    found = said(check, {"systems/till.yaml": system})
    assert [code for code, _ in found] == (["SYN0605"] if shared else [])


FOUND_BY = """
system: erp
version: 1.0.0
auth: {kind: api_key, header: X-Api-Key}
resources:
  Partner:
    id: code
    fields:
      code: {type: text, write: false}
      title: {type: text(80), required: true}
      mail: text
      country_code: text(2)
      state: {type: text, values: [P, A, X], required: true}
      credit: "decimal(12,2)"
      currency: text(3)
    list: {request: {path: /partners}}
    get: {path: "/partners/{id}"}
    create:
      request: {path: /partners}
      find: {field: FIELD, request: {path: /partners, query: {q: "{marker}"}}}
    update: {request: {path: "/partners/{id}"}}
"""


@pytest.mark.parametrize(("field", "codes"), [("mail", []), ("title", ["SYN0605"]), ("country_code", ["SYN0605"])])
def test_what_a_create_is_found_by(check: Check, field: str, codes: list[str]) -> None:
    found = said(check, {"systems/erp.yaml": FOUND_BY.replace("FIELD", field)})
    assert [code for code, _ in found] == codes
