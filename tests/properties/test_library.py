"""Every function of the library, over any values of the types it takes.

No value stops the engine, the result is of the type that is promised, and null comes out where it should and nowhere
else. One row that overflows would stop the run of all others.
"""

from __future__ import annotations

import string
from collections.abc import Mapping
from datetime import date, datetime
from decimal import Context, Decimal
from functools import cache
from typing import Any

import duckdb
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from sqlglot import exp

from language import engine, sql_type
from syncline_compiler.functions import REGISTRY, Function
from syncline_compiler.functions.codes import COUNTRIES, CURRENCIES, LANGUAGES
from syncline_compiler.functions.function import RefusedArguments, Value
from syncline_compiler.functions.kinds import ANY, ORDERED
from syncline_compiler.model.types import MONEY, Type

IN_SQL = [name for name, function in REGISTRY.items() if function.sql is not None]
SOME_TEXTS = st.sampled_from([
    "", " ", "\t\n", "12", "-7", "9223372036854775808", "9" * 40, "1.5", "1,234.56", "1e5", "true", "Y", "a@b.example", "DE", "eur",
    "2024-02-29", "2024-02-30", "0001-01-01", "9999-12-31", "2024-03-31T02:30:00", "2024-03-05T10:00:00Z", "P1DT2H", "[]",
    '["a","b"]', '{"a": {"b": [1, "x"]}}', "https://example.com/a?b=c", "ada lovelace", "STRASSE", "straße", "e\u0301", "ﬁ",
    "İstanbul", "👩‍👩‍👧", "a,b,,c", "%", "_", "\\", "'", '"', "a" * 300,
])  # fmt: skip
TEXTS = st.one_of(SOME_TEXTS, st.text(max_size=12), st.text(string.printable, max_size=12)).map(
    lambda text: text.encode("utf-8", "ignore").decode().replace("\0", "")
)
INTS = st.one_of(
    st.sampled_from([0, 1, -1, 2**63 - 1, -(2**63), 253402300799, 10**18]), st.integers(-(2**63), 2**63 - 1)
)
DATES = st.one_of(st.sampled_from([date.min, date.max, date(2024, 2, 29)]), st.dates())
TIMES = st.one_of(
    st.sampled_from([datetime.min, datetime.max, datetime(2024, 3, 31, 2, 30), datetime(2024, 10, 27, 2, 30)]),
    st.datetimes(),
)
TYPES = {
    "text": st.one_of(st.just(Type("text")), st.integers(1, 400).map(lambda length: Type("text", length=length))),
    "decimal": st.integers(1, 38).flatmap(
        lambda precision: st.integers(0, precision).map(lambda scale: Type("decimal", precision=precision, scale=scale))
    ),
    "enum": st.just(Type("enum", values=("open", "closed"), name="a.b")),
    "money": st.just(MONEY),
    "list": st.just(Type("list", element=Type("text"))),
}


def values(of: Type) -> st.SearchStrategy[Any]:
    """Values of a type, as the texts that the engine casts."""
    if of.kind == "text":
        return TEXTS.map(lambda text: text[: of.length] if of.length else text)
    if of.kind == "decimal":
        return _decimals(of.precision or 38, of.scale or 0)
    if of.kind == "enum":
        return st.sampled_from(of.values)
    return VALUES[of.kind]


def _decimals(precision: int, scale: int) -> st.SearchStrategy[str]:
    most = 10**precision - 1
    units = st.one_of(st.sampled_from([0, 1, -1, most, -most]), st.integers(-most, most))
    return units.map(lambda unit: format(Decimal(unit).scaleb(-scale, _WIDE), "f"))


_WIDE = Context(prec=60)


VALUES: Mapping[str, st.SearchStrategy[Any]] = {
    "int": INTS.map(str),
    "duration": INTS.map(str),
    "bool": st.sampled_from(["true", "false"]),
    "date": DATES.map(str),
    "instant": TIMES.map(lambda at: f"{at.isoformat()}+00:00"),
    "local_datetime": TIMES.map(lambda at: at.isoformat()),
    "money": st.tuples(_decimals(18, 4), st.sampled_from([*CURRENCIES, "NULL"])).map(
        lambda pair: f"{{'amount': {pair[0]}, 'currency': {pair[1]}}}"
    ),
    "list": st.sampled_from(["[]", '["a"]', '["a","b,c",""]', '["a",null]', '[{"a":"b"}]']),
    "json": st.sampled_from(["{}", '{"a":{"b":["1","x"]}}', '"x"', "null", "[]"]),
    "currency": st.sampled_from(CURRENCIES),
    "country": st.sampled_from(COUNTRIES),
    "language": st.sampled_from(LANGUAGES),
    "subdivision": st.sampled_from(["DE-BY", "GB-ENG"]),
    "email": st.just("Ada@example.com"),
    "phone": st.just("+493012345678"),
    "url": st.just("https://example.com/a?b=c#d"),
    "ref": st.just("id"),
}  # fmt: skip


@cache
def _duck() -> duckdb.DuckDBPyConnection:
    return engine()


@st.composite
def calls(draw: st.DrawFn, function: Function) -> tuple[list[Type], Mapping[str, str], list[list[str | None]]]:
    """Types, settings and rows of arguments for a function."""
    parameters = list(function.values)
    if function.repeats:
        parameters += [parameters[-1]] * draw(st.integers(0, 2))
    kinds = sorted(parameters[0].kinds & set(TYPES) | parameters[0].kinds - {"unknown", "null"})
    alike = parameters[0].kinds in (ANY, ORDERED) and len(parameters) > 1
    one = draw(st.sampled_from(kinds)) if alike else None
    types = [draw(_type(parameter, one)) for parameter in parameters]
    if alike and one in {"decimal", "text"}:
        types = [types[0]] * len(types)
    example = draw(st.sampled_from(function.examples))
    settings = {setting.name: example.options.get(setting.name, setting.default or "") for setting in function.settings}
    settings |= {name: value for name, value in example.options.items() if name in {"currency", "case"}}
    rows = [[draw(st.one_of(st.none(), values(one))) for one in types] for _ in range(draw(st.integers(1, 12)))]
    return types, settings, rows


def _type(parameter: Value, one: Any) -> st.SearchStrategy[Type]:
    kinds = [one] if one else sorted(parameter.kinds - {"unknown", "null"})
    return st.sampled_from(kinds).flatmap(lambda kind: TYPES.get(kind, st.just(Type(kind))))


@pytest.mark.parametrize("name", IN_SQL)
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.filter_too_much])
@given(data=st.data())
def test_any_value(name: str, data: st.DataObject) -> None:
    function = REGISTRY[name]
    types, options, rows = data.draw(calls(function))
    try:
        result = function.type_of(types, options)
    except RefusedArguments:
        assume(False)
    more = function.options(types, result) if function.options is not None else {}
    columns = [exp.column(f"a{index}", quoted=True) for index in range(len(types))]
    assert function.sql is not None
    written = function.sql(columns, {**options, **more}).sql("duckdb")
    given_as = ", ".join(f"CAST(r[{index + 1}] AS {sql_type(one)}) AS a{index}" for index, one in enumerate(types))
    kept = f"TRY_CAST(x AS {sql_type(result)}) IS NOT DISTINCT FROM x" + (
        f" AND coalesce(length(x) <= {result.length}, true)" if result.length is not None else ""
    )
    found = (
        _duck()
        .execute(
            f"SELECT r, x IS NULL, {kept}, x::VARCHAR "
            f"FROM (SELECT r, {written} AS x FROM (SELECT r, {given_as} FROM (SELECT unnest(?::VARCHAR[][]) AS r)))",
            [rows],
        )
        .fetchall()
    )
    for row, is_null, fits, text in found:
        assert fits, f"{written}\n{row} gives {text}, no {result}"
        if function.nulls == "carry":
            assert is_null or None not in row, f"{written}\n{row} gives {text}"
        if not function.fails(result) and (function.nulls == "never" or None not in row) and not result.nullable:
            assert not is_null, f"{written}\n{row} gives null"
