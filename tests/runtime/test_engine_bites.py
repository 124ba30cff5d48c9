"""Where the engine bites: what it does by itself, and that the language does not let it.

Each test shows the bite first, so that an engine that no longer bites is noticed, then what a function makes of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import duckdb
import pytest
from sqlglot import exp

from syncline_compiler.functions import REGISTRY


@pytest.fixture(scope="module")
def duck() -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect()
    connection.execute("SET TimeZone = 'UTC'")
    return connection


def engine(duck: duckdb.DuckDBPyConnection, sql: str) -> Any:
    row = duck.execute(f"SELECT CAST({sql} AS VARCHAR)").fetchone()
    return row[0] if row else None


def language(duck: duckdb.DuckDBPyConnection, function: str, *arguments: str, **options: str) -> Any:
    build = REGISTRY[function].sql
    assert build is not None
    return engine(duck, build([exp.maybe_parse(one, dialect="duckdb") for one in arguments], options).sql("duckdb"))


def raises(duck: duckdb.DuckDBPyConnection, sql: str) -> None:
    with pytest.raises(duckdb.Error):
        engine(duck, sql)


def test_numbers_in_json_go_through_double(duck: duckdb.DuckDBPyConnection) -> None:
    assert engine(duck, """json_extract_string('{"a":12345678901234567.89}', '$.a')""") != "12345678901234567.89"
    landed = """'{"a":"12345678901234567.89"}'"""  # numbers are landed as text
    assert language(duck, "at", landed, path="a") == "12345678901234567.89"


def test_a_timestamp_drops_its_offset(duck: duckdb.DuckDBPyConnection) -> None:
    text = "'2024-03-05T12:00:00+02:00'"
    assert engine(duck, f"{text}::TIMESTAMP") in {"2024-03-05 12:00:00", "2024-03-05 10:00:00"}
    assert language(duck, "instant_of_text", text) == "2024-03-05 10:00:00+00"
    assert language(duck, "local_of_text", text) is None


def test_an_ambiguous_local_time_is_the_later_instant(duck: duckdb.DuckDBPyConnection) -> None:
    assert engine(duck, "timezone('Europe/Berlin', TIMESTAMP '2024-10-27 02:30:00')") == "2024-10-27 01:30:00+00"
    local = "TIMESTAMP '2024-10-27 02:30:00'"
    assert language(duck, "instant_of_local", local, zone="Europe/Berlin") == "2024-10-27 00:30:00+00"


def test_a_local_time_that_never_was_shifts_forward(duck: duckdb.DuckDBPyConnection) -> None:
    local = "TIMESTAMP '2024-03-31 02:30:00'"
    assert engine(duck, f"timezone('Europe/Berlin', {local})") == "2024-03-31 01:30:00+00"
    assert language(duck, "instant_of_local", local, zone="Europe/Berlin") is None


@pytest.mark.parametrize(("text", "number"), [("2.5", "3"), ("1e3", "1000"), ("0x1F", "31"), ("1_000", "1000")])
def test_casts_are_lenient(duck: duckdb.DuckDBPyConnection, text: str, number: str) -> None:
    assert engine(duck, f"'{text}'::BIGINT") == number
    assert language(duck, "int_of_text", f"'{text}'") is None


def test_letters_are_booleans(duck: duckdb.DuckDBPyConnection) -> None:
    assert engine(duck, "'Y'::BOOLEAN") == "true"
    assert language(duck, "bool_of_text", "'Y'") is None


def test_decimals_divide_as_double(duck: duckdb.DuckDBPyConnection) -> None:
    left, right = "12345678901234567.89::DECIMAL(19,2)", "1::DECIMAL(1,0)"
    assert engine(duck, f"typeof({left} / {right})") == "DOUBLE"
    measures = {"precision": "25", "scale": "6", "left": "2", "right": "0"}
    assert language(duck, "div", left, right, **measures) == "12345678901234567.890000"


def test_rounding_to_the_even_digit(duck: duckdb.DuckDBPyConnection) -> None:
    assert engine(duck, "round(2.345::DECIMAL(12,3), 2)") == "2.35"
    measures = {"scale": "2", "precision": "12", "kept": "2", "from": "3"}
    assert language(duck, "round", "2.345::DECIMAL(12,3)", **measures) == "2.35"
    assert language(duck, "round_even", "2.345::DECIMAL(12,3)", **measures) == "2.34"


@pytest.mark.parametrize(
    ("function", "arguments", "options", "bite"),
    [
        ("add", ("9223372036854775807", "1"), {}, "9223372036854775807::BIGINT + 1::BIGINT"),
        ("mul", ("9223372036854775807", "2"), {}, "9223372036854775807::BIGINT * 2::BIGINT"),
        ("negate", ("(-9223372036854775808)::BIGINT",), {"of": "int"}, "-x FROM (SELECT (-9223372036854775808)::BIGINT AS x)"),
        ("int_of_decimal", ("'9999999999999999999999999999999999999.9'::DECIMAL(38,1)",), {},
         "round(x, 0) = x FROM (SELECT '9999999999999999999999999999999999999.9'::DECIMAL(38,1) AS x)"),
        ("date_plus", ("DATE '9999-12-31'", "9223372036854775807"), {"unit": "days"}, "to_days(9223372036854775807)"),
        ("later", ("TIMESTAMPTZ '9999-12-31 23:59:59Z'", "9223372036854775807"), {"of": "instant"},
         "TIMESTAMPTZ '9999-12-31 23:59:59Z' + to_microseconds(9223372036854775807)"),
    ],
)  # fmt: skip
def test_overflow_stops_the_query(
    duck: duckdb.DuckDBPyConnection, function: str, arguments: tuple[str, ...], options: Mapping[str, str], bite: str
) -> None:
    with pytest.raises(duckdb.Error):
        duck.execute(f"SELECT {bite}").fetchall()
    assert language(duck, function, *arguments, **options) is None


def test_trim_leaves_tabs_and_line_ends(duck: duckdb.DuckDBPyConnection) -> None:
    assert engine(duck, "trim('\ta\n')") == "\ta\n"
    assert language(duck, "trim", "'\ta\n\u00a0'") == "a"


def test_concat_skips_null(duck: duckdb.DuckDBPyConnection) -> None:
    assert engine(duck, "concat('a', NULL)") == "a"
    assert language(duck, "concat", "'a'", "NULL::VARCHAR") is None


def test_pads_cut_what_is_longer(duck: duckdb.DuckDBPyConnection) -> None:
    assert engine(duck, "lpad('abc', 2, '0')") == "ab"
    assert language(duck, "pad_left", "'abc'", length="2", sign="0") == "abc"


def test_split_of_nothing_is_one_empty_text(duck: duckdb.DuckDBPyConnection) -> None:
    assert engine(duck, "len(string_split('', ','))") == "1"
    assert language(duck, "split", "''", separator=",") == "[]"


def test_there_is_no_initcap(duck: duckdb.DuckDBPyConnection) -> None:
    raises(duck, "initcap('ada lovelace')")
    assert language(duck, "title", "'ada LOVELACE'") == "Ada Lovelace"


def test_differences_of_dates_count_borders(duck: duckdb.DuckDBPyConnection) -> None:
    start, end = "DATE '2024-01-31'", "DATE '2024-02-01'"
    assert engine(duck, f"date_diff('month', {start}, {end})") == "1"
    assert language(duck, "between", start, end, unit="months") == "0"


def test_dates_grow_beyond_the_year_9999(duck: duckdb.DuckDBPyConnection) -> None:
    assert engine(duck, "(DATE '9999-12-31' + INTERVAL 1 DAY)::DATE") == "10000-01-01"
    assert language(duck, "date_plus", "DATE '9999-12-31'", "1", unit="days") is None
