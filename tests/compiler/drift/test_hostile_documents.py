"""Documents that are broken, huge, or made to keep us busy: each is refused with a sentence, and soon."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from change_pairs import TODAY, base_files
from support.soon import soon
from syncline_compiler.drift import documents
from syncline_compiler.drift.reading import read_shape
from syncline_compiler.drift.remote import DriftError
from syncline_compiler.drift.schemas import Schemas
from syncline_compiler.pipeline import check_sources
from syncline_compiler.source import SourceFile
from syncline_runtime.system import System


@pytest.fixture(scope="module")
def crm() -> System:
    known = check_sources([SourceFile(path, text) for path, text in base_files().items()], TODAY).known
    assert known is not None
    return known.systems["crm"]


def openapi(**schemas: Any) -> str:
    return json.dumps({"openapi": "3.1.0", "paths": {}, "components": {"schemas": schemas}})


def ref(name: str) -> dict[str, str]:
    return {"$ref": f"#/components/schemas/{name}"}


DOUBLING = {f"S{n}": {"allOf": [ref(f"S{n + 1}"), ref(f"S{n + 1}")]} for n in range(40)}


@pytest.mark.parametrize(
    ("name", "text", "says"),
    [
        ("circle.json", openapi(Account=ref("B"), B=ref("Account")), "lead in a circle"),
        ("nowhere.json", openapi(Account=ref("Gone")), "leads nowhere"),
        ("anchor.json", openapi(Account={"$ref": "#Account"}), "leads nowhere"),
        ("outside.json", openapi(Account={"$ref": "file:///etc/passwd"}), "lies in another document"),
        ("other.json", openapi(Account={"$ref": "https://crm.example/x.json#/A"}), "lies in another document"),
        ("doubling.json", openapi(Account=ref("S0"), **DOUBLING, S40={}), "refer to each other more than"),
        ("wide.json", openapi(Account={"properties": {f"f{n}": {} for n in range(6000)}}), "more than 5,000 fields"),
        ("old.json", '{"swagger": "2.0"}', "convert it to OpenAPI 3"),
        ("deep.json", "[" * 200 + "]" * 200, "nested deeper than"),
        ("abyss.json", "[" * 200_000 + "]" * 200_000, "nested too deep"),
        ("abyss.yaml", "a: " + "[" * 200_000, "nested deeper than"),
        ("alias.yaml", "a: &a [1]\nb: *a\n", "aliases and tags"),
        ("tag.yaml", "a: !!python/object:os.system x\n", "aliases and tags"),
        ("half.json", '{"openapi": "3.1.0"', "neither JSON nor YAML"),
        ("number.json", '{"openapi": "3.0.0", "x": 1' + "0" * 5000 + "}", "neither JSON nor YAML"),
        ("text.yaml", "hello\n", "nothing that describes a system"),
        ("empty.json", "[]", "no file is a sample"),
        ("empty.jsonl", "", "no file is a sample"),
        ("bytes.json", "\x00\x01", "neither JSON nor YAML"),
    ],
    ids=lambda value: str(value)[:20],
)  # fmt: skip
def test_refused(crm: System, tmp_path: Path, name: str, text: str, says: str) -> None:
    path = tmp_path / name
    path.write_text(text)
    with soon(5), pytest.raises(DriftError, match=says):
        read_shape(path, None, crm, {})


def test_no_text_and_too_much_of_it(crm: System, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, content, says in (
        ("bytes.json", b"\xff\xfe{", "not UTF-8"),
        ("big.json", b"[" + b" " * 3000 + b"]", "larger"),
    ):
        monkeypatch.setattr(documents, "MOST_BYTES", 2000)
        (tmp_path / name).write_bytes(content)
        with pytest.raises(DriftError, match=says):
            read_shape(tmp_path / name, None, crm, {})
    with pytest.raises(DriftError, match="there is no file"):
        read_shape(tmp_path / "gone.json", None, crm, {})
    with pytest.raises(DriftError, match="has no resource 'Acount'"):
        read_shape(tmp_path / "big.json", None, crm, {"Acount": "x"})


def test_an_object_within_itself_is_read_once() -> None:
    node: dict[str, Any] = {
        "type": "object",
        "properties": {"name": {"type": "string"}, "parent": {"$ref": "#/$defs/A"}},
    }
    schemas = Schemas({"$defs": {"A": node}})
    fields = schemas.fields(schemas.seen({"$ref": "#/$defs/A"}), frozenset({"parent"}))
    assert {path: (one.type, one.open) for path, one in fields.items()} == {
        "name": ("text", False),
        "parent": ("json", False),  # a described field stands in it
        "parent.name": ("text", False),
        "parent.parent": ("json", True),
    }


def test_merged_alternatives() -> None:
    schemas = Schemas({})
    seen = schemas.seen(
        {"oneOf": [{"type": "string", "maxLength": 5}, {"type": "string", "maxLength": 9}, {"type": "null"}]}
    )
    assert (seen.type, seen.length, seen.nullable) == ("text", 9, True)
    either = schemas.seen(
        {
            "anyOf": [
                {"properties": {"a": {}}, "required": ["a"]},
                {"properties": {"a": {}, "b": {}}, "required": ["a", "b"]},
            ]
        }
    )
    assert (set(either.properties), either.required) == ({"a", "b"}, {"a"})
