"""The library: every example of every function, run in the engine; and what every entry must say."""

from __future__ import annotations

import duckdb
import pytest
from sqlglot import exp

from language import check, engine
from syncline_compiler.emit.words import path_of
from syncline_compiler.functions import REGISTRY, WRITTEN, Function
from syncline_compiler.functions.elsewhere import ELSEWHERE
from syncline_compiler.functions.function import Example

EXAMPLES = [
    pytest.param(function, example, id=f"{function.name}{index}")
    for function in REGISTRY.values()
    for index, example in enumerate(function.examples)
]


@pytest.fixture(scope="module")
def duck() -> duckdb.DuckDBPyConnection:
    return engine()


@pytest.mark.parametrize(("function", "example"), EXAMPLES)
def test_example(function: Function, example: Example, duck: duckdb.DuckDBPyConnection) -> None:
    assert function.sql is not None
    arguments = [exp.column(f"a{index}", quoted=True) for index in range(len(example.arguments))]
    sql = function.sql(arguments, example.options).sql("duckdb")
    row = ", ".join(f"{literal} AS a{index}" for index, literal in enumerate(example.arguments))
    found = duck.execute(f"SELECT CAST({sql} AS VARCHAR) FROM (SELECT {row})").fetchone()
    assert found == (example.result,)


@pytest.mark.parametrize("function", REGISTRY.values(), ids=REGISTRY)
def test_entry_is_whole(function: Function) -> None:
    assert function.doc.endswith(".")
    assert (function.sql is None) == (function.runtime is not None)
    assert function.examples or function.runtime
    if function.can_fail and function.excused is None and function.runtime is None:
        assert any(example.result is None for example in function.examples) or function.name in {
            "add",
            "sub",
            "money_sub",
        }


@pytest.mark.parametrize("function", REGISTRY.values(), ids=REGISTRY)
def test_inverse_exists(function: Function) -> None:
    for index, name in function.inverse.steps if function.inverse else ():
        assert name in REGISTRY
        assert index < len(function.values)


@pytest.mark.parametrize("function", REGISTRY.values(), ids=lambda function: function.name)
def test_uses_are_those_of_the_sql(function: Function) -> None:
    counted = [0]
    if function.sql is not None and function.examples:
        example = function.examples[0]
        marks = [exp.Column(this=exp.Identifier(this=f"@{index}@")) for index in range(len(example.arguments))]
        written = function.sql(marks, example.options).sql(dialect="duckdb")
        counted = [written.count(f"@{index}@") for index in range(len(marks))]
    assert function.uses == max(1, *counted)


def test_written_names_lead_to_functions() -> None:
    asked = (
        "trim squash upper lower length left truncate replace coalesce text int decimal round abs min max instant date "
        "local format country currency email phone url money money_minor bool negate hash"
    )
    assert set(asked.split()) <= set(WRITTEN)


@pytest.mark.parametrize("text", ["2.5", "1e3", "0x1F", "1_000", "Y", " 1", "1 ", "", "one", "１", "+", "1.", "--1"])
@pytest.mark.parametrize("name", ["int_of_text", "decimal_of_text", "bool_of_text", "date_of_text", "instant_of_text"])
def test_readings_are_strict(name: str, text: str, duck: duckdb.DuckDBPyConnection) -> None:
    if (name, text) == ("decimal_of_text", "2.5"):
        return
    build = REGISTRY[name].sql
    assert build is not None
    sql = build([exp.column("a")], {"precision": "12", "scale": "2"}).sql("duckdb")
    assert duck.execute(f"SELECT {sql} FROM (SELECT ?::VARCHAR AS a)", [text]).fetchone() == (None,)


def test_names_in_json_are_taken_as_they_are(duck: duckdb.DuckDBPyConnection) -> None:
    found = duck.execute('SELECT json_extract_string(\'{"Maße": {"é": 1}}\', ?)', [path_of("Maße.é")]).fetchone()
    assert found == ("1",)


def test_money_keeps_every_digit(duck: duckdb.DuckDBPyConnection) -> None:
    build = REGISTRY["decimal_of_text"].sql
    assert build is not None
    sql = build([exp.column("a")], {"precision": "38", "scale": "2"}).sql("duckdb")
    found = duck.execute(f"SELECT CAST({sql} AS VARCHAR) FROM (SELECT '12345678901234567.89' AS a)").fetchone()
    assert found == ("12345678901234567.89",)


def test_names_of_other_languages_are_none_of_ours() -> None:
    assert not set(ELSEWHERE) & set(WRITTEN)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("at <- now()", "the only clock is `run.started_at`, so that a run can be repeated"),
        ("label <- Text | SUBSTR 1 5", "write `substring start length`; the first character is 1"),
        ("day <- Day + 1", "write `| plus 1 day`, or another unit"),
        ('limit <- money(Amount, "eur")', 'write "EUR"'),
        ("label <- Text | substring 0 5", "a number from 1 to 1000000 is expected"),
        ('phone <- Text | phone "Germany"', 'write "DE"'),
        ('rate <- Text | decimal 2 "de_DE"', "did you mean `de-DE`?"),
        ('country <- Text | country name "German"', "did you mean `de`?"),
        ('label <- (Text | json) | at "$.a" | left 20', 'without `$`: "a"'),
    ],
)
def test_what_was_meant_is_said(line: str, said: str) -> None:
    (found,) = check(line + "\n")[1]
    assert said in f"{found.label} {' '.join(map(str, found.helps))}"
