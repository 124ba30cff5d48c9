"""Specs against their models: one mistake, one diagnostic, at its place."""

from __future__ import annotations

import pytest

from syncline_compiler.diagnostics.diagnostic import Collector
from syncline_compiler.passes.load import KINDS
from syncline_compiler.shape import check_shape
from syncline_compiler.source import SourceFile
from syncline_compiler.yaml_reader import read_yaml

OBJECT = "object: a\nversion: 1.0.0\nfields: {name: text}\n"
SYNC = "sync: a\nobject: a\nmembers: {crm: crm.A}\n"
SYSTEM = "system: a\nversion: 1.0.0\nresources: {A: {id: id, fields: {id: text}}}\n"


def problems(text: str) -> list[tuple[str, str, str, tuple[str, ...]]]:
    diagnostics = Collector()
    document = read_yaml(SourceFile("a.yaml", text), diagnostics)
    assert document is not None
    check_shape(KINDS[next(iter(document.value))], document, diagnostics)
    return [(d.code, f"{d.span.line}:{d.span.column}", d.label, d.helps) for d in diagnostics]


@pytest.mark.parametrize("text", [OBJECT, SYNC, SYSTEM, "codes: a\nversion: 1.0.0\nrows: {1: yes, true: b}\n"])
def test_plain_specs_fit(text: str) -> None:
    assert problems(text) == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (OBJECT + "lable: x\n", ("SYN0006", "4:1", "`lable` is not a key here", ("did you mean `label`?",))),
        (
            "object: a\nversion: 1.0.0\nfields:\n  name: {type: text, requird: true}\n",
            ("SYN0006", "4:22", "`requird` is not a key here", ("did you mean `required`?",)),
        ),
        (
            SYSTEM + "resources2: 1\n",
            ("SYN0006", "4:1", "`resources2` is not a key here", ("did you mean `resources`?",)),
        ),
        (
            "system: a\nversion: 1.0.0\nresources:\n  A:\n    id: id\n    fields: {id: text}\n    lst: {request: {path: /a}}\n",
            ("SYN0006", "7:5", "`lst` is not a key here", ("did you mean `list`?",)),
        ),
        ("object: a\nfields: {name: text}\n", ("SYN0007", "1:1", "`version` is missing here", ("add `version: …`",))),
        (
            "object: a\nversion: 1.0.0\nfields:\n  name: {label: x}\n",
            ("SYN0007", "4:3", "`type` is missing here", ("add `type: …`",)),
        ),
        (
            "object: a\nversion: 1.0\nfields: {name: text}\n",
            ("SYN0008", "2:10", "a version of three numbers is expected, such as 1.0.0", ()),
        ),
        (
            "object: a\nversion: 1.0.0\nfields: {name: {type: text, required: no}}\n",
            ("SYN0008", "3:39", "true or false is expected", ("`no` is text in YAML 1.2: write false",)),
        ),
        (
            "object: a\nversion: 1.0.0\nfields: {CreditLimit: text}\n",
            (
                "SYN0008",
                "3:10",
                "a name in lower case is expected: letters, digits and _, such as credit_limit",
                ("write it as `credit_limit`",),
            ),
        ),
        (
            "object: a\nversion: 1.0.0\nfields: {name: {type: text, form: squish}}\n",
            (
                "SYN0008",
                "3:35",
                "one of `trim`, `squash`, `upper`, `lower`, `casefold` is expected",
                ("did you mean `squash`?",),
            ),
        ),
        (
            SYNC + "freshness: 15 minutes\n",
            ("SYN0008", "4:12", "a duration is expected, such as 500ms, 30s, 15m, 2h or 7d", ()),
        ),
        (
            SYNC + "freshness:\n",
            (
                "SYN0008",
                "4:11",
                "a value is expected",
                ("there is no value behind this key",),
            ),
        ),
        (
            SYNC + "guards: {change: lots}\n",
            ("SYN0008", "4:18", "a share such as 10% or a number of records such as 500 is expected", ()),
        ),
        (
            SYNC + "exists: {hold: {crm: [1]}}\n",
            (
                "SYN0008",
                "4:22",
                'true, false or a condition in quotes is expected, such as "status == \\"active\\""',
                (),
            ),
        ),
        (SYNC + "delivery: {attempts: 0}\n", ("SYN0008", "4:22", "at least 1 is expected", ())),
        (SYNC + "members2: 1\n", ("SYN0006", "4:1", "`members2` is not a key here", ("did you mean `members`?",))),
        (
            "sync: a\nobject: a\nmembers: {crm: Account}\n",
            ("SYN0008", "3:16", "a system and a resource there are expected, such as crm.Account", ()),
        ),
        (
            SYNC + "unowned_edit: {name: restor}\n",
            ("SYN0008", "4:22", "one of `restore`, `review`, `adopt` is expected", ("did you mean `restore`?",)),
        ),
        (
            "system: a\nversion: 1.0.0\nresources: {A: {id: id, fields: {id: text}, files: {pattern: ../x/*.csv}}}\n",
            ("SYN0008", "3:62", "a pattern below the connection's folder is expected, without `..`", ()),
        ),
        (
            SYNC + "when_deleted_in: {crm: [1]}\n",
            ("SYN0008", "4:24", "one of `keep`, `review`, `delete` is expected", ()),
        ),
        ("object: a\nversion: 1.0.0\nfields: {}\n", ("SYN0008", "3:9", "at least one is expected", ())),
        (
            "object: a\nversion: 1.0.0\nfields: [name]\n",
            ("SYN0008", "3:9", "a mapping of names to values is expected", ()),
        ),
    ],
)
def test_mistakes(text: str, expected: tuple[str, str, str, tuple[str, ...]]) -> None:
    assert problems(text) == [expected]


def test_unknown_keys_do_not_hide_the_spec() -> None:
    diagnostics = Collector()
    document = read_yaml(SourceFile("a.yaml", OBJECT + "lable: x\nvresion: y\n"), diagnostics)
    assert document is not None
    assert check_shape(KINDS["object"], document, diagnostics) is not None
    assert len(diagnostics) == 2


def test_a_flood_of_mistakes_is_cut() -> None:
    found = problems(OBJECT + "".join(f"k{n}: 1\n" for n in range(5_000)))
    assert len(found) == 100
