"""Aggregates over native lists, reckoned by the engine: what they give, and when they fail."""

from __future__ import annotations

import json

import pytest

from language import check, checked, codes_of, engine
from syncline_compiler.emit.sql import scalar
from syncline_compiler.lowering.expression import Frame, failures, lower
from syncline_compiler.model import typed

POINTS = [
    {"kind": "a", "size": "2.50", "rank": 1, "done": "true"},
    {"kind": "b", "size": "4.00", "rank": 2, "done": "true"},
    {"kind": "a", "size": None, "rank": 3},
    {"kind": "c", "size": "1.25", "rank": "4"},
]
SUM = "sum(Points.size | decimal 2)"


def reckon(line: str, points: object) -> tuple[str | None, bool]:
    """Read one field from a list: the value as text, and whether reading it failed."""
    get = checked(f"name <- Name\n{line}\n").lines[1].get
    assert isinstance(get, typed.Items | typed.Apply | typed.Pick | typed.Case)
    frame = Frame("")
    broken = " OR ".join(scalar(one.condition) for one in failures(get, frame)) or "false"
    value = scalar(lower(get, frame))
    row = 'SELECT ?::VARCHAR AS "native.Points"'
    text = json.dumps(points) if points is not None else None
    found = engine().execute(f"SELECT ({value})::VARCHAR, {broken} FROM ({row}) AS i", [text]).fetchone()
    assert found is not None
    return found[0], bool(found[1])


@pytest.mark.parametrize(
    ("line", "value"),
    [
        (f"rate <- {SUM}", "7.75"),
        ('rate <- sum(Points.size | decimal 2 where kind == "a")', "2.50"),
        ('rate <- sum(Points.size | decimal 2 where Points.kind == "z")', "0.00"),
        ("rate <- min(Points.size | decimal 2)", "1.25"),
        ("rate <- max(Points.size | decimal 2)", "4.00"),
        ("count <- max(Points.rank | int)", "4"),
        ("count <- count(Points)", "4"),
        ("count <- count(Points.size)", "3"),
        ('count <- count(Points where kind == "a")', "2"),
        ("count <- sum(Points.rank | int)", "10"),
        ("label <- first(Points.kind where size is null) | truncate 20", "a"),
        ("label <- last(Points.kind) | truncate 20", "c"),
        ('flag <- any(Points where kind == "c")', "true"),
        ('flag <- any(Points.kind == "z")', "false"),
        ('flag <- all(Points.kind != "z")', "true"),
        ("flag <- all((Points.rank | int) < 4)", "false"),
        ('flag <- all((Points.rank | int) < 3 where kind == "b")', "true"),
    ],
)
def test_over_elements(line: str, value: str) -> None:
    assert reckon(line, POINTS) == (value, False)


@pytest.mark.parametrize(
    ("line", "value"),
    [(f"rate <- {SUM}", "0.00"), ("count <- count(Points)", "0"), ("rate <- max(Points.size | decimal 2)", None),
     ("flag <- any(Points)", "false"), ("flag <- all(Points.kind == \"a\")", "true"), ("label <- last(Points.kind) | truncate 9", None)],
)  # fmt: skip
@pytest.mark.parametrize("points", [[], None])
def test_over_none(line: str, value: str | None, points: object) -> None:
    assert reckon(line, points) == (value, False)


def test_what_cannot_be_read_fails_the_whole() -> None:
    broken = [*POINTS, {"kind": "b", "size": "much"}]
    assert reckon(f"rate <- {SUM}", broken)[1]
    assert reckon('rate <- sum(Points.size | decimal 2 where kind == "a")', broken) == ("2.50", False)
    assert reckon("flag <- any((Points.size | decimal 2) > 9.00)", broken)[1]
    assert reckon("count <- sum(Points.rank | int)", [{"rank": 2**63 - 1}] * 2) == (None, True)


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("rate <- sum(Points)", "SYN0304"),
        ("flag <- all(Points)", "SYN0304"),
        ("rate <- sum(Points.size)", "SYN0301"),
        ("label <- first(Points.kind, Points.rank)", "SYN0304"),
        ("label <- last(Contacts.Nmae)", "SYN0204"),
        ("count <-> count(Points)", "SYN0403"),
        ("count <- count(Whole)", "SYN0303"),
    ],
)
def test_mistakes(line: str, code: str) -> None:
    assert codes_of(f"name <- Name\n{line}\n") == [code]


def test_a_described_list_needs_no_reading() -> None:
    found, diagnostics = check("name <- Name\nlabel <- last(Contacts.Name where Email is not null) | truncate 20\n")
    assert [one.label for one in diagnostics] == []
    assert found is not None
