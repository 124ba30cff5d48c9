"""Rules in Python answer as the engine does: every example of every function that both have."""

from __future__ import annotations

from decimal import Decimal

import duckdb
import pytest

from language import engine, expression
from syncline_compiler.functions import REGISTRY, Function
from syncline_compiler.functions.function import Example
from syncline_compiler.governance.evaluate import KNOWN, asked, beyond
from syncline_compiler.model.typed import Apply, Field
from syncline_compiler.model.types import BOOL, UNKNOWN

EXAMPLES = [
    pytest.param(REGISTRY[name], example, id=f"{name}{index}")
    for name in sorted(KNOWN)
    for index, example in enumerate(REGISTRY[name].examples)
]


@pytest.fixture(scope="module")
def duck() -> duckdb.DuckDBPyConnection:
    return engine()


def as_text(value: object) -> str | None:
    return value if value is None else str(value).lower() if isinstance(value, bool) else str(value)


@pytest.mark.parametrize(("function", "example"), EXAMPLES)
def test_example(function: Function, example: Example, duck: duckdb.DuckDBPyConnection) -> None:
    values = duck.execute(f"SELECT {', '.join(example.arguments)}").fetchone()
    assert values is not None
    if example.result is None and None not in values:
        pytest.skip("numbers of specs never reach the bounds of the engine's")
    row = {f"a{index}": value for index, value in enumerate(values)}
    arguments = tuple(Field("canonical", name, UNKNOWN) for name in row)
    found = asked(Apply(function.name, arguments, BOOL, options=tuple(example.options.items())))(row)
    result = as_text(found)
    assert result == example.result or (isinstance(found, Decimal) and Decimal(example.result or "0") == found)


def test_every_known_function_exists() -> None:
    assert set(REGISTRY) >= KNOWN


@pytest.mark.parametrize(
    ("text", "row", "answer"),
    [
        ('name == "a" and label is null', {"name": "a", "label": None}, True),
        ('name == "a" and label == "b"', {"name": "a", "label": None}, False),
        ('label == "b" or flag', {"label": None, "flag": True}, True),
        ("count > 1.5", {"count": 2}, True),
        ("count + 1 in (3, 4)", {"count": 2}, True),
        ("count + 1 in (3, 4)", {"count": None}, False),
        ('(label ?? "x") == "x"', {"label": None}, True),
        ('not (label == "b")', {"label": None}, True),
        ('case when count > 1 then "many" when count == 1 then "one" end == "many"', {"count": 2}, True),
        ('case when count > 1 then "many" when count == 1 then "one" end == "many"', {"count": None}, False),
        ('day < "2027-01-01"', {"day": "2026-12-31"}, True),
    ],
)
def test_null_goes_through_as_in_the_engine(text: str, row: dict[str, object], answer: bool) -> None:
    typed, mistakes = expression(text, BOOL)
    assert (mistakes, typed is not None) == ([], True)
    assert typed is not None
    assert list(beyond(typed)) == []
    assert asked(typed)(row) is answer
