"""Each kind of drift, there and alone: what a schema says of one field, and the rule that speaks of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from random import Random
from typing import Any

import pytest

from change_pairs import TODAY, base_files, edited
from syncline_compiler.drift.compare import Overlay, seen_through
from syncline_compiler.drift.json_schema import read_json_schema
from syncline_compiler.drift.locked import dump_remote, load_remote
from syncline_compiler.drift.look import Against, look
from syncline_compiler.drift.openapi import read_openapi
from syncline_compiler.drift.propose import propose
from syncline_compiler.drift.remote import RemoteField, RemoteObject, RemoteShape
from syncline_compiler.passes.format_yaml import format_yaml
from syncline_compiler.pipeline import Compilation, check_sources
from syncline_compiler.review.report import Review
from syncline_compiler.source import SourceFile
from syncline_runtime.system import NativeField, Resource, System

ASIS: dict[str, Any] = {
    "id": {"type": "string", "readOnly": True},
    "name": {"type": "string", "maxLength": 80},
    "tax_number": {"type": ["string", "null"], "maxLength": 20},
    "email": {"type": ["string", "null"]},
    "phone": {"type": ["string", "null"], "maxLength": 30},
    "country": {"type": ["string", "null"], "maxLength": 2},
    "region": {"type": ["string", "null"], "maxLength": 60},
    "status": {"enum": ["New", "Open", "Closed"]},
    "rating": {"enum": ["A", "B", None]},
    "memo": {"type": ["string", "null"], "maxLength": 200},
    "old_memo": {"type": ["string", "null"], "maxLength": 200},
    "balance": {"type": ["number", "null"], "multipleOf": 0.01},
    "credit_limit": {"type": ["number", "null"]},
    "currency": {"type": ["string", "null"], "maxLength": 3},
    "visited": {"type": ["string", "null"], "format": "date-time"},
    "archived": {"type": ["boolean", "null"]},
    "contacts": {"type": "array"},
    "created_at": {"type": "string", "format": "date-time", "readOnly": True},
    "updated_at": {"type": "string", "format": "date-time", "readOnly": True},
}
REQUIRED = ["id", "name", "status", "created_at", "updated_at"]


@pytest.fixture(scope="module")
def shop() -> Compilation:
    return check_sources([SourceFile(path, text) for path, text in base_files().items()], TODAY)


def drifted(
    shop: Compilation, fields: dict[str, Any], required: list[str] | None = None, *, everything: bool = False
) -> Review:
    properties = {name: schema for name, schema in (ASIS | fields).items() if schema is not None}
    schema = {"type": "object", "required": required or REQUIRED, "properties": properties}
    assert shop.known is not None
    shape = read_json_schema({"Account": schema}, shop.known.systems["crm"], {})
    return look(shop, "crm", Against(shape, "a schema", everything=everything))


def told(review: Review) -> list[str]:
    return [f"{one.change.rule.id} {'.'.join(one.change.key.names[1:])}" for one in review.findings]


def test_what_is_as_described_is_no_drift(shop: Compilation) -> None:
    review = drifted(shop, {})
    assert (told(review), review.exit_code) == ([], 0)


@pytest.mark.parametrize(
    ("fields", "rules", "broken"),
    [
        ({"phone": None}, ["native-read-removed phone"], 1),
        ({"old_memo": None}, ["native-read-removed old_memo"], 0),
        ({"tax_number": None, "vat": {"type": "object"}}, ["native-read-removed tax_number"], 1),
        ({"region": None, "regions": {"type": "string", "maxLength": 60}}, ["native-place region"], 1),
        ({"name": {"type": "string", "maxLength": 70}}, ["native-written-narrower name"], 1),
        ({"name": {"type": "string", "maxLength": 90}}, ["native-read-wider name"], 0),
        ({"name": {"type": "string"}}, [], 0),  # silent about the length
        ({"created_at": {"type": "integer"}}, ["native-read-another created_at"], 0),
        ({"id": {"type": "integer", "readOnly": True}}, [], 0),  # read as text
        ({"archived": {"type": "string"}}, ["native-read-another archived"], 0),
        ({"balance": {"type": "number", "multipleOf": 1}}, ["native-written-narrower balance"], 1),
        ({"balance": {"type": "string"}}, [], 0),  # digits may come as text
        ({"status": {"enum": ["New", "Open", "Closed", "Lost"]}}, ["native-value-added status.Lost"], 1),
        ({"status": {"enum": ["New", "Open"]}}, ["native-written-value-removed status.Closed"], 1),
        ({"rating": {"enum": ["A", "B", "C"]}}, ["native-value-added rating.C"], 0),
        ({"memo": {"type": "string", "maxLength": 200, "readOnly": True}}, ["native-unwritable memo"], 1),
        ({"memo": {"anyOf": [{"type": "string"}, {"type": "object", "properties": {"id": {}}}]}}, [], 0),  # one of two
        ({"rating": {"enum": ["A", "B"], "writeOnly": True}}, ["native-unreadable rating"], 0),
    ],
    ids=lambda value: str(value)[:50],
)
def test_drift(shop: Compilation, fields: dict[str, Any], rules: list[str], broken: int) -> None:
    review = drifted(shop, fields)
    assert told(review) == rules
    assert sum(len(one.breaks) for one in review.findings) == broken
    assert review.exit_code == (1 if broken else 3 if rules else 0)


def test_what_a_create_has_to_name(shop: Compilation) -> None:
    known, new = (
        drifted(shop, {}, [*REQUIRED, "rating"]),
        drifted(shop, {"size": {"type": "string"}}, [*REQUIRED, "size"]),
    )
    assert told(known) == ["native-written-required rating"]
    assert told(new) == ["native-written-added-required size"]
    assert new.findings[0].breaks == ("mapping crm.Account/account",)


def test_what_the_request_fills_by_itself_needs_no_field() -> None:
    files = edited(
        base_files(),
        [
            (
                "systems/crm.yaml",
                "{method: POST, path: /accounts}",
                "{path: /accounts, body: {size: XL, name: '{field.name}'}}",
            )
        ],
    )
    shop = check_sources([SourceFile(path, text) for path, text in files.items()], TODAY)
    assert told(drifted(shop, {"size": {"type": "string"}}, [*REQUIRED, "size"])) == []


def test_a_field_that_is_written_elsewhere_is_writable_there() -> None:
    told = {
        "phone": RemoteField("phone", "text", 30, writable=False),
        "telephone": RemoteField("telephone", "text", 20, writable=True),
        "contacts": RemoteField("contacts", "list", writable=False, open=True),
    }
    phone = NativeField("phone", "text", "phone", length=30, write_at="telephone")
    people = NativeField("people", "list", "contacts", of="Contact")
    system = System("crm", "1.0.0", "CRM", (Resource("Account", "Account", "phone", (phone, people)),))
    seen = seen_through(system, RemoteShape("openapi", {"Account": RemoteObject(told)})).system.resources[0]
    assert seen.native("phone") == replace(phone, length=20)
    assert seen.native("people") == people


@pytest.mark.parametrize("seed", range(12))
def test_after_an_update_nothing_is_left(seed: int) -> None:
    """Whatever drifted: the description says so by then, but for guesses and what it goes by itself."""
    random = Random(seed)
    kinds: list[dict[str, Any] | None] = [
        None, {"type": "string", "maxLength": random.randint(1, 300)}, {"type": "integer"}, {"type": "boolean"},
        {"type": "number", "multipleOf": 0.001, "maximum": 10**9}, {"enum": ["New", "B", "a, b", "no"]}, {"type": "array"},
        {"type": ["string", "null"], "format": "date"}, {"type": "object"}, {"type": "string", "readOnly": True},
    ]  # fmt: skip
    fields = {name: random.choice(kinds) for name in random.sample(sorted(ASIS), 9)}
    fields |= {f"new{number}": random.choice(kinds) for number in range(4)}
    required = random.sample(sorted(name for name in {**ASIS, **fields} if {**ASIS, **fields}[name] is not None), 8)
    files = base_files()
    shape, described, overlay = read(files, fields, required)
    spec = check(files).written.systems["crm"].spec  # type: ignore[union-attr]
    proposal = propose(files["systems/crm.yaml"], spec, described, overlay, renames=True)
    after = {**files, "systems/crm.yaml": proposal.text}
    review = look(check(after), "crm", Against(shape, "a schema"))
    left = {one.split()[0].partition(".")[2] for one in proposal.left}
    assert [one for one in told(review) if one.split()[1] not in left] == []
    assert format_yaml(proposal.text) == proposal.text


def read(files: Mapping[str, str], fields: dict[str, Any], required: list[str]) -> tuple[RemoteShape, System, Overlay]:
    properties = {name: schema for name, schema in (ASIS | fields).items() if schema is not None}
    known = check(files).known
    assert known is not None
    described = known.systems["crm"]
    shape = read_json_schema({"Account": {"required": required, "properties": properties}}, described, {})
    return shape, described, seen_through(described, shape)


def check(files: Mapping[str, str]) -> Compilation:
    return check_sources([SourceFile(path, text) for path, text in files.items()], TODAY)


def test_what_nobody_describes_is_counted_and_told_if_asked(shop: Compilation) -> None:
    few = drifted(shop, {"size": {"type": "string"}})
    assert told(few) == []
    assert "crm.Account has 1 field that the description does without: --all tells them" in few.notes
    assert told(drifted(shop, {"size": {"type": "string"}}, everything=True)) == ["native-read-added size"]


def test_two_likely_names_are_no_guess(shop: Compilation) -> None:
    text = {"type": ["string", "null"], "maxLength": 60}
    review = drifted(shop, {"region": None, "region1": text, "region2": text})
    assert told(review) == ["native-read-removed region"]
    assert not any(one.evidence for one in review.findings)


BATCH = (
    'batch: {request: {method: POST, path: /accounts/batch, body: {input: {rows: "{items}"}}}, '
    "answers: results, status: status}"
)


def document_with(listed: dict[str, Any]) -> dict[str, Any]:
    """Give an OpenAPI document with a request for many accounts, of which the list is told so."""
    record = {"type": "object", "required": REQUIRED, "properties": ASIS}
    body = {"type": "object", "properties": {"input": {"$ref": "#/components/schemas/Input"}}}
    rows = {"allOf": [{"type": "array", "items": record}, listed]}
    answer = {"200": {"content": {"application/json": {"schema": record}}}}
    request = {"requestBody": {"content": {"application/json": {"schema": body}}}}
    paths = {"/accounts/{id}": {"get": {"responses": answer}}, "/accounts/batch": {"post": request}}
    schemas = {"Input": {"type": "object", "properties": {"rows": rows}}}
    return {"openapi": "3.1.0", "paths": paths, "components": {"schemas": schemas}}


@pytest.mark.parametrize(
    ("listed", "expected"), [({"maxItems": 50}, ["batch-changed"]), ({"maxItems": 100}, []), ({}, [])]
)
def test_fewer_in_one_request(listed: dict[str, Any], expected: list[str]) -> None:
    """We send 100 together, where nothing else is said."""
    edit = ("systems/crm.yaml", "path: /accounts}\n", f"path: /accounts}}\n      {BATCH}\n")
    checked = check_sources([SourceFile(*one) for one in edited(base_files(), [edit]).items()], TODAY)
    assert checked.known is not None
    shape = read_openapi(document_with(listed), checked.known.systems["crm"], {})
    assert load_remote(dump_remote("crm", "o.yaml", shape)).shape.objects == shape.objects
    found = [
        one for one in look(checked, "crm", Against(shape, "a document")).findings if "batch" in one.change.key.kind
    ]
    assert [one.change.rule.id for one in found] == expected
    if found:
        assert (found[0].evidence, bool(found[0].breaks)) == ("it takes no more than 50 at once", True)
