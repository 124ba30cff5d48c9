"""Lines that look alike are typed once: what is remembered of lines before changes neither what is found nor what is made.

All pairs of some fields and native fields, with some steps between, each in a project of its own under the same names:
what was typed in one is remembered in all that follow.
"""

from __future__ import annotations

import itertools

import pytest

from syncline_compiler.checking import alike
from syncline_compiler.pipeline import compile_sources
from syncline_compiler.source import SourceFile

FIELDS = (
    "text(10)", "text(40)?", "{type: 'text(40)?', form: upper}", "{type: text(40), required: true}", "text~", "int?",
    "decimal(8,2)?", "date?", "instant?", "bool?", "email?", "country?",
)  # fmt: skip
NATIVES = (
    "text(10)", "text(40)", "text", "text~", "int", "decimal(12,4)", "date", "instant", "bool", "local_datetime", "list",
    "{type: text(40), required: true}", "{type: text(40), read: false}", "{type: text(40), empty_is_null: true}",
)  # fmt: skip
LINES = (
    "f <-> F", "f <- F", "f <-> F | upper", "f <-> F | truncate 10", "f <-> F | email", "f <-> F | round 2",
    'f <-> F else reject "none"', "f <-> F | instant \"Europe/Berlin\"", 'f <- F | matches "[a-z]+"',
)  # fmt: skip


def project(field: str, native: str, line: str) -> list[SourceFile]:
    texts = {
        "syncline.yaml": "syncline: 1\nproject: alike\nenvironments: {test: {s: {stand_in: true}}}\n",
        "o.yaml": "object: o\nversion: 1.0.0\nlabel: O\nfields:\n  key: {type: text(40), required: true}\n"
        f"  f: {field}\nidentity: [{{same: [key]}}]\n",
        "s.yaml": "system: s\nversion: 1.0.0\nprotocol: rest\nauth: {kind: bearer}\nresources:\n  R:\n    id: id\n"
        "    fields:\n      id: {type: text, write: false}\n      Key: {type: text(40), required: true}\n"
        f"      F: {native}\n    list: {{request: {{path: /r}}}}\n    get: {{path: '/r/{{id}}'}}\n"
        "    create: {request: {path: /r}, idempotency: {header: Key, keeps: 24h}}\n"
        "    update: {request: {path: '/r/{id}'}}\n",
        "m.map": f"mapping s.R <-> o@1\n\nkey <-> Key\n{line}\n",
        "y.yaml": "sync: o\nobject: o@1\nmembers: {s: s.R}\nexists: {originate: [s]}\nowners: {'*': s}\n",
    }
    return [SourceFile(path, text) for path, text in texts.items()]


def found(files: list[SourceFile]) -> tuple[object, ...]:
    compilation = compile_sources(files)
    return list(compilation.diagnostics), compilation.files


@pytest.mark.parametrize("line", LINES)
def test_what_is_remembered_changes_nothing(line: str, monkeypatch: pytest.MonkeyPatch) -> None:
    remembered: dict[alike.Traits, alike.Example] = {}
    sound = 0
    for field, native in itertools.product(FIELDS, NATIVES):
        files = project(field, native, line)
        monkeypatch.setattr(alike, "_examples", {})
        alone = found(files)
        monkeypatch.setattr(alike, "_examples", remembered)
        assert found(files) == alone, (field, native)
        assert found(files) == alone, (field, native)
        sound += alone[1] is not None
    assert sound
    assert (len(remembered) > 1) == ("matches" not in line)  # what is tried at a cost is tried each time
