"""Event contracts: what they are bound to, the schema that comes of them, and what is refused."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from support.soon import soon
from syncline_compiler.checking.json_schema import _KEYWORDS, problems_of
from syncline_compiler.model.resolved import ResolvedEvent
from syncline_compiler.pipeline import Compilation
from syncline_compiler.source import SourceFile

Check = Callable[[Mapping[str, str]], Compilation]
PATH = "events/account_changed.yaml"
EVENT = """\
event: account_changed
version: 1.2.0
object: account@1
from: crm.Account
comes_in: {webhook: /events/crm, signature: {header: X-Signature}}
when: {type: account.changed, api: 3}
at: {id: id, record: data.object, sequence: seq}
"""
BODY = {
    "id": "evt_1", "seq": 7, "type": "account.changed", "api": 3,
    "data": {"object": {"id": "a1", "name": "Ada Ltd", "status": "Open", "credit_limit": "12.50", "email": None}},
}  # fmt: skip


def resolved(check: Check, text: str) -> ResolvedEvent:
    compilation = check({PATH: text})
    assert [(d.code, d.label) for d in compilation.diagnostics] == []
    assert compilation.project is not None
    return compilation.project.events["account_changed"]


def fits(event: ResolvedEvent, body: object) -> bool:
    return Draft202012Validator(dict(event.contract)).is_valid(json.loads(json.dumps(body)))


def changed(**members: object) -> dict[str, object]:
    record = {**BODY["data"]["object"], **members}  # type: ignore[index]
    return {**BODY, "data": {"object": {key: value for key, value in record.items() if value is not ...}}}


def test_an_event_is_bound(check: Check) -> None:
    event = resolved(check, EVENT)
    assert (event.object, event.system, event.resource, event.webhook) == ("account", "crm", "Account", "/events/crm")
    assert event.at == {"id": "id", "record": "data.object", "sequence": "seq"}
    assert (event.carries, event.when) == ("full", {"type": "account.changed", "api": 3})


def test_its_contract_follows_from_the_resource(check: Check) -> None:
    event = resolved(check, EVENT)
    Draft202012Validator.check_schema(dict(event.contract))
    assert fits(event, BODY)
    assert fits(event, changed(credit_limit=12.5))
    assert not fits(event, {**BODY, "type": "account.removed"})
    assert not fits(event, {**BODY, "api": "3"})
    assert not fits(event, {key: value for key, value in BODY.items() if key != "id"})
    assert not fits(event, changed(status="Opened"))
    assert not fits(event, changed(name="x" * 81))
    assert not fits(event, changed(name=...)), "required in the resource"
    assert not fits(event, changed(credit_limit="a lot"))


def test_only_what_is_carried_is_asked_for(check: Check) -> None:
    partial = resolved(check, EVENT + "carries: partial\nfields: [id, status]\n")
    assert set(partial.contract["properties"]["data"]["properties"]["object"]["properties"]) == {"id", "status"}
    key = resolved(check, EVENT + "carries: delete\n")
    assert set(key.contract["properties"]["data"]["properties"]["object"]["properties"]) == {"id"}


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ("account@1", "acount@1", ("SYN0201", 3, "no object is called `acount`")),
        ("account@1", "account@2", ("SYN0201", 3, "`account` is at version 1.0.0")),
        ("crm.Account", "crm.Acount", ("SYN0202", 4, "`crm` has no resource `Acount`")),
        ("crm.Account", "crm.Note", ("SYN0220", 4, "no mapping says how `crm.Note` and `account` belong together")),
        ("/events/crm", "events", ("SYN0008", 5, "a path at our inbox is expected, such as /events/payments")),
        ("when: {", "fields: [nmae]\nwhen: {", ("SYN0204", 6, "`crm.Account` has no field `nmae`")),
        ("when: {", "fields: [id]\nschema: {type: object}\nwhen: {",
         ("SYN0008", 1, "either `fields` or `schema` says what the event holds, not both")),
        ("when: {", "schema: {$ref: 'https://example.com/event.json'}\nwhen: {",
         ("SYN0216", 6, "this leads out of the schema, and nothing outside is read")),
        ("when: {", "schema: {requird: [id]}\nwhen: {",
         ("SYN0216", 6, "JSON Schema has no keyword `requird`: did you mean `required`?")),
        ("when: {", "schema: {$schema: 'http://json-schema.org/draft-07/schema#'}\nwhen: {",
         ("SYN0216", 6, "only the dialect of 2020-12 is understood")),
        ("when: {", "schema: {properties: {a: {maxLength: -1}}}\nwhen: {",
         ("SYN0216", 6, "a whole number from 0 is expected")),
    ],
)  # fmt: skip
def test_what_is_refused(
    check: Check, template: Mapping[str, SourceFile], before: str, after: str, expected: tuple[str, int, str]
) -> None:
    assert before in EVENT
    crm = template["systems/crm.yaml"].text.replace("sandbox:", "  Note: {id: id, fields: {id: text}}\n\nsandbox:")
    files = {PATH: EVENT.replace(before, after, 1), "systems/crm.yaml": crm}
    found = [(d.code, d.span.line, d.label) for d in check(files).diagnostics]
    assert found == [expected]


META = Draft202012Validator(Draft202012Validator.META_SCHEMA)
WORDS = [
    "a",
    "strng",
    "#",
    "#/$defs/a",
    "other.json",
    "",
    0,
    3,
    -1,
    True,
    None,
    [],
    ["a"],
    ["a", "a"],
    "string",
    "object",
]
LEAVES = st.sampled_from(WORDS)
KEYWORDS = st.sampled_from(sorted(_KEYWORDS))
SCHEMAS = st.recursive(
    st.dictionaries(KEYWORDS, LEAVES, max_size=3),
    lambda inner: st.dictionaries(
        KEYWORDS,
        inner | st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(["a", "b"]), inner, max_size=2) | LEAVES,
        max_size=3,
    ),
    max_leaves=6,
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.filter_too_much])
@given(SCHEMAS)
def test_what_passes_as_a_schema_is_one(schema: dict[str, object]) -> None:
    assume(not list(problems_of(schema)))
    assert META.is_valid(schema)


def test_a_large_schema_is_walked_once() -> None:
    schema: dict[str, object] = {"type": "strng"}
    for _ in range(12):
        schema = {"anyOf": [schema, schema]}
    with soon(2):
        assert len(list(problems_of(schema))) == 4096
