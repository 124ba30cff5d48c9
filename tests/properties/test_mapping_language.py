"""Laws of the mapping language: formatting means nothing, and two-way lines go there and back.

The way back is run in the engine: for values v of the canonical field, get(put(v)) = v where the line says that
comparing needs no round trip, and get(put(get(put(v)))) = get(put(v)) everywhere.
"""

from __future__ import annotations

import json
import string
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import cache
from typing import Any

import duckdb
import pytest
from hypothesis import HealthCheck, assume, example, given, settings
from hypothesis import strategies as st
from sqlglot import exp

from language import ACCOUNT, checked, codes_of, engine, sql_type, tree
from syncline_compiler.checking.size import parts_of
from syncline_compiler.functions import REGISTRY
from syncline_compiler.functions.codes import COUNTRIES, CURRENCIES, LANGUAGES
from syncline_compiler.model.typed import Apply, Put
from syncline_compiler.passes.format_mapping import format_mapping

# Formatting

NAMES = st.sampled_from(["a", "Name", "value", "end", "list.item", "`First Name`", "Größe", "where1"])
NUMBERS = st.sampled_from(["0", "7", "2.50", "-3", "-0.5"])
TEXTS = st.text(string.ascii_letters + ' #|()<->\\"é', max_size=8).map(
    lambda text: '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
)
SPACE = st.sampled_from(["", " ", "   ", "\t"])


def _expressions(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    def joined(form: str) -> st.SearchStrategy[str]:
        return st.tuples(inner, inner, SPACE).map(lambda parts: form.format(*parts[:2]).replace("_", parts[2]))

    return st.one_of(
        *map(
            joined,
            [
                "{0} and {1}", "not {0}", "({0} or_ {1})", "({0})_+_{1}", "{0} - ({1})", "-({0})", "({0})_==_({1})",
                "({0})_??_({1})", "f(_{0}_,{1}_)", "({0}) is not null", "({0}) in_({1})", "case when {0} then {1} end",
                "case when {0} then 1 else {1} end", "pick L where {0} .m", "({0}_|_trim_| left -3)",
                "({0} | f_({1}) else null)", "sum({0} where {1})", "(\n{0}_#_c\n)",
            ],
        )
    )  # fmt: skip


EXPRESSIONS = st.recursive(st.one_of(NAMES, NUMBERS, TEXTS), _expressions, max_leaves=8)
STATEMENTS = st.one_of(
    st.tuples(NAMES, st.sampled_from(["<->", " <- ", "   <->"]), EXPRESSIONS).map("".join),
    EXPRESSIONS.map(lambda text: f"{text} -> Target"),
    EXPRESSIONS.map(lambda text: f"take   when {text}  # why"),
    EXPRESSIONS.map(lambda text: f'x <- {text}\n  # step\n|trim\n | f 2 else reject "no"'),
    EXPRESSIONS.map(lambda text: f"p <-> each L{{\n{{a}} <- {text}\n\n\nlonger<->b\n}}".replace("{a}", "a")),
    st.sampled_from(["# alone", "", "   ", "\n\n", 'reject when a because "b # c"']),
)


@settings(max_examples=200, deadline=None)
@given(st.lists(STATEMENTS, max_size=5))
@example(["x <- a-3 | left -3", "y <- -a"])
def test_formatting_keeps_the_meaning_and_settles(statements: Sequence[str]) -> None:
    text = "\n".join(["mapping a.B <-> c@1", *statements, ""])
    formatted = format_mapping(text)
    assert format_mapping(formatted) == formatted
    assert _bare(formatted) == _bare(text)


def _bare(text: str) -> str:
    return "".join(text.split())


@settings(max_examples=300, deadline=None)
@given(st.text(string.printable + "é<->|`", max_size=60))
def test_no_text_breaks_the_parser(text: str) -> None:
    format_mapping(f"mapping a.B <-> c@1\nx <- {text}\n")


# Lenses

PLAIN = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), max_size=20)
SQUASHED = PLAIN.map(lambda text: " ".join(text.split()))
INSTANTS = st.datetimes(datetime(1950, 1, 1), datetime(2100, 1, 1)).map(lambda at: at.replace(tzinfo=UTC).isoformat())
DECIMALS = st.decimals(Decimal(-10) ** 9, Decimal(10) ** 9, places=2).map(str)
CODES = st.sampled_from


def _compact(texts: Sequence[str]) -> str:
    return json.dumps(texts, ensure_ascii=False, separators=(",", ":"))


LINES: dict[str, tuple[str, st.SearchStrategy[Any]]] = {
    "name <-> Name": ("name", SQUASHED),
    "name <-> Name | trim | squash": ("name", SQUASHED),
    "label <-> Text | truncate 5": ("label", PLAIN),
    'label <-> Text ?? "none"': ("label", PLAIN),
    'label <-> Text | pad_left 6 "0"': ("label", PLAIN),
    'label <-> Text | pad_right 6 "x"': ("label", PLAIN),
    'label <-> Text | unpad 10 "0"': ("label", PLAIN),
    'tags <-> Text | split ","': ("tags", st.lists(PLAIN, max_size=4).map(_compact)),
    "tags <-> Text | lines": ("tags", st.lists(PLAIN | st.just("a\r\nb"), max_size=4).map(_compact)),
    'label <-> Points | join ";"': ("label", PLAIN),
    "shout <-> Text | upper": ("shout", st.text(string.ascii_uppercase + " ", max_size=9)),
    "quiet <-> Text | lower": ("quiet", st.text(string.ascii_lowercase + " ß", max_size=9)),
    "folded <-> Text | casefold": ("folded", st.text(string.ascii_lowercase + " ", max_size=9)),
    "status <-> Status | trim | code status": ("status", CODES(["prospect", "active", "closed"])),
    "country <-> Text | trim | country": ("country", CODES(COUNTRIES)),
    "currency <-> Text | currency lower": ("currency", CODES(CURRENCIES)),
    "language <-> Text | upper | language": ("language", CODES(LANGUAGES)),
    "region <-> Text | subdivision": ("region", CODES(["DE-BY", "US-CA", "GB-ENG"])),
    'country <-> Text | country name "en"': ("country", CODES(COUNTRIES)),
    'country <-> Text | country name "de fr"': ("country", CODES(COUNTRIES)),
    "country <-> Text | country alpha3": ("country", CODES(COUNTRIES)),
    "country <-> Text | country numeric": ("country", CODES(COUNTRIES)),
    "currency <-> Text | currency numeric": ("currency", CODES(CURRENCIES)),
    'language <-> Text | language name "ja"': ("language", CODES(LANGUAGES)),
    'region <-> Text | subdivision name "en" "DE"': ("region", CODES(["DE-BY", "DE-HH", "US-CA"])),
    'region <-> Text | subdivision "US"': ("region", CODES(["US-CA", "DE-BY"])),
    "region <-> subdivision(Text, Other)": ("region", CODES(["US-CA", "DE-BY", "GB-ENG"])),
    'rate <-> Text | decimal 2 "de"': ("rate", DECIMALS),
    'rate <-> Text | decimal 2 "en-IN"': ("rate", DECIMALS),
    "email <-> Text | squash | email": ("email", CODES(["Ada@example.com", "b.c+d@x-y.example.org"])),
    "site <-> Text | url": ("site", CODES(["https://example.com/a?b=c#d", "http://x"])),
    "rate <-> Amount": ("rate", DECIMALS),
    "rate <-> Text | decimal 2": ("rate", DECIMALS),
    "rate <-> Amount | round 1": ("rate", DECIMALS),
    "rate <-> Amount | round_even 1": ("rate", DECIMALS),
    "rate <-> Amount | negate": ("rate", DECIMALS),
    "count <-> Whole | negate": ("count", st.integers(-(2**63), 2**63 - 1).map(str)),
    "count <-> Whole": ("count", st.integers(-(2**63), 2**63 - 1).map(str)),
    "count <-> Text | trim | int": ("count", st.integers(-(2**63), 2**63 - 1).map(str)),
    "count <-> Amount | int": ("count", st.integers(-(10**11), 10**11).map(str)),
    "flag <-> Flag": ("flag", CODES(["true", "false"])),
    'flag <-> Text | bool "Y" "N"': ("flag", CODES(["true", "false"])),
    "flag <-> Whole | bool 1 0": ("flag", CODES(["true", "false"])),
    "day <-> Day": ("day", st.dates(date(1, 1, 1), date(9999, 12, 31)).map(str)),
    'day <-> Text | date "%d.%m.%Y"': ("day", st.dates(date(1000, 1, 1), date(9999, 12, 31)).map(str)),
    "local <-> Local": ("local", st.datetimes(datetime(1, 1, 1), datetime(9999, 1, 1)).map(str)),
    'local <-> Text | local "%d.%m.%Y %H:%M"': ("local", st.datetimes(datetime(1000, 1, 1), datetime(9999, 1, 1)).map(str)),
    'local <-> At | local "Europe/Berlin"': ("local", st.datetimes(datetime(1950, 1, 1), datetime(2100, 1, 1)).map(str)),
    "wait <-> Text | duration": ("wait", st.integers(-(2**63) + 1, 2**63 - 1).map(str)),
    "wait <-> Whole | duration seconds": ("wait", st.integers(-(10**12), 10**12).map(lambda count: str(count * 1_000_000))),
    "wait <-> Whole | duration weeks": ("wait", st.integers(-(10**15), 10**15).map(str)),
    'at <-> Day | instant "America/Sao_Paulo"': ("at", INSTANTS),
    "at <-> At": ("at", INSTANTS),
    "at <-> Whole | instant epoch": ("at", INSTANTS),
    "at <-> Whole | instant epoch_ms": ("at", INSTANTS),
    'at <-> Local | instant "Europe/Berlin"': ("at", INSTANTS),
    'at <-> Text | instant "Australia/Lord_Howe"': ("at", INSTANTS),
    "at <-> Local | instant system": ("at", INSTANTS),
    "limit <-> money(Amount, Text)": ("limit", st.tuples(DECIMALS, CODES(CURRENCIES))),
    "limit <-> money(Amount, Text) | round": ("limit", st.tuples(DECIMALS, CODES(CURRENCIES))),
    "limit <-> money(Amount, Text) | negate": ("limit", st.tuples(DECIMALS, CODES(CURRENCIES))),
    'limit <-> money(Amount, "EUR")': ("limit", st.tuples(DECIMALS, CODES(["EUR"]))),
    "limit <-> money_minor(Whole, Text | currency lower)": (
        "limit", st.tuples(st.integers(-(10**9), 10**9).map(str), CODES(CURRENCIES)),
    ),
}  # fmt: skip


@cache
def _duck() -> duckdb.DuckDBPyConnection:
    return engine()


@cache
def _round_trip(line: str) -> tuple[str, bool]:
    """The query that gives v, get(put(v)) and get(put(get(put(v)))) for each value of a list that can be written."""
    typed = checked(line + "\n").lines[0]
    field = ACCOUNT.field(typed.field or "")
    assert field is not None
    assert typed.get is not None
    once = _there_and_back(typed.get, typed.puts, field.name, "v")
    twice = _there_and_back(typed.get, typed.puts, field.name, "once")
    kind = sql_type(field.type)
    writable = " AND ".join(
        f"({put.sql('duckdb')}) IS NOT NULL" for put in _written(typed.puts, field.name, "v").values()
    )
    query = (
        f"WITH given AS (SELECT v FROM (SELECT unnest(?::VARCHAR[])::{kind} AS v) WHERE {writable}), "
        f"first AS (SELECT v, CAST({once} AS {kind}) AS once FROM given), "
        f"second AS (SELECT v, once, CAST({twice} AS {kind}) AS twice FROM first) "
        "SELECT v::VARCHAR, once::VARCHAR, twice::VARCHAR FROM second"
    )
    return query, typed.identity


def _there_and_back(get: Any, puts: Sequence[Any], field: str, column: str) -> str:
    return tree(get, _written(puts, field, column)).sql("duckdb")


def _written(puts: Sequence[Any], field: str, column: str) -> dict[str, exp.Expression]:
    canonical = {field: exp.column(column, quoted=True)}
    return {put.native: exp.Paren(this=tree(put.value, canonical)) for put in puts if isinstance(put, Put)}


def _literal(value: Any) -> str:
    return value if isinstance(value, str) else f"{{'amount': {value[0]}, 'currency': {value[1]}}}"


@pytest.mark.parametrize("line", LINES)
@settings(max_examples=15, deadline=None)
@given(data=st.data())
def test_lens(line: str, data: st.DataObject) -> None:
    values = data.draw(st.lists(LINES[line][1].map(_literal), min_size=1, max_size=20))
    query, identity = _round_trip(line)
    for value, once, twice in _duck().execute(query, [values]).fetchall():
        assert twice == once
        if identity:
            assert once == value


def test_every_way_back_is_tried() -> None:
    tried = {name for line in LINES for name in _functions(checked(line + "\n").lines[0].get)}
    ways = {name for name, function in REGISTRY.items() if function.inverse is not None and function.written}
    only_out = {
        name
        for name, function in REGISTRY.items()
        if function.written in {"name", "text", "format", "alpha3", "numeric", "number"}
    }
    assert ways - tried - only_out == {"phone", "normal", "json_of_text"}  # the runtime's; see test_values


def _functions(e: Any) -> Iterator[str]:
    if isinstance(e, Apply):
        yield e.function
    for part in parts_of(e):
        yield from _functions(part)


STEPS: dict[str, dict[str, str]] = {  # kind → step → kind
    "text": {
        **dict.fromkeys(
            ["trim", "squash", "upper", "lower", "casefold", "truncate 7", "truncate 20", 'pad_left 6 "0"', 'pad_right 9 "x"',
             'unpad 12 "0"', "title", "hash", 'replace "a" "b"', "left 5"], "text"),
        **dict.fromkeys(["date", 'date "%d.%m.%Y"'], "date"), **dict.fromkeys(["local", 'local "%d.%m.%Y %H:%M"'], "local_datetime"),
        **dict.fromkeys(["instant", 'instant "Europe/Berlin"', 'instant "Australia/Lord_Howe"'], "instant"),
        **dict.fromkeys(["country", 'country name "de en"', "country alpha3", "country numeric"], "country"),
        **dict.fromkeys(["bool", 'bool "Y" "N"'], "bool"), **dict.fromkeys(["decimal 2", 'decimal 1 "fr"'], "decimal"),
        **dict.fromkeys(["currency lower", "currency numeric"], "currency"), **dict.fromkeys(['split ";"', "lines"], "list"),
        **dict.fromkeys(["subdivision", 'subdivision "US"'], "subdivision"),
        "int": "int", "duration": "duration", 'language name "en"': "language", "email": "email", "url": "url", "code status": "enum",
    },
    "int": {"negate": "int", "instant epoch": "instant", "instant epoch_ms": "instant", "bool 1 0": "bool", "abs": "int",
            "duration minutes": "duration", "text": "text"},
    "decimal": {"negate": "decimal", "round 1": "decimal", "round_even 0": "decimal", "int": "int", "floor": "decimal"},
    "date": {'instant "Europe/Berlin"': "instant", "text": "text", 'format "%Y%m%d"': "text", "plus 1 day": "date"},
    "local_datetime": {'instant "America/Sao_Paulo"': "instant", "text": "text", "date": "date"},
    "instant": {'local "Europe/Berlin"': "local_datetime", "text": "text", 'date "Asia/Tokyo"': "date"},
    "duration": {"text": "text", "number hours": "int"},
    "bool": {"text": "text"}, "list": {'join ","': "text"}, "country": {'name "fr"': "text", "alpha3": "text"},
    "currency": {"numeric": "text"}, "language": {"text": "text"}, "email": {"trim": "email", "lower": "email"},
}  # fmt: skip
STARTS = {"Text": "text", "Name": "text", "Whole": "int", "Amount": "decimal", "Flag": "bool", "Day": "date", "At": "instant",
          "Local": "local_datetime", "Points": "list"}  # fmt: skip
ENDS: dict[str, dict[str, st.SearchStrategy[str]]] = {
    "text": {"name": SQUASHED, "label": PLAIN, "shout": st.text(string.ascii_uppercase + " 0", max_size=9),
             "quiet": st.text(string.ascii_lowercase + " 0", max_size=9), "folded": st.text("abc ", max_size=5)},
    "int": {"count": st.integers(-(2**63), 2**63 - 1).map(str)}, "decimal": {"rate": DECIMALS}, "bool": {"flag": CODES(["true", "false"])},
    "date": {"day": st.dates(date(1000, 1, 1)).map(str)}, "instant": {"at": INSTANTS},
    "local_datetime": {"local": st.datetimes(datetime(1000, 1, 1), datetime(9999, 1, 1)).map(str)},
    "duration": {"wait": st.integers(-(2**63) + 1, 2**63 - 1).map(str)}, "list": {"tags": st.lists(PLAIN, max_size=3).map(_compact)},
    "country": {"country": CODES(COUNTRIES)}, "currency": {"currency": CODES(CURRENCIES)}, "language": {"language": CODES(LANGUAGES)},
    "subdivision": {"region": CODES(["US-CA", "DE-BY"])}, "email": {"email": CODES(["Ada@example.com"])},
    "url": {"site": CODES(["https://example.com/a"])}, "enum": {"status": CODES(["prospect", "active", "closed"])},
}  # fmt: skip
REFUSED = {"SYN0302", "SYN0307", "SYN0312", "SYN0402", "SYN0403", "SYN0404"}
"""What is wrong with a two-way line whose types agree."""


@st.composite
def pipelines(draw: st.DrawFn) -> tuple[str, list[str]]:
    """A two-way line of random steps, and values of the field that it fills."""
    native = draw(st.sampled_from(sorted(STARTS)))
    kind, steps = STARTS[native], []
    for _ in range(draw(st.integers(0, 3))):
        step = draw(st.sampled_from(sorted(STEPS.get(kind, {"": kind}))))
        steps += [step] if step else []
        kind = STEPS[kind][step] if step else kind
    field = draw(st.sampled_from(sorted(ENDS[kind])))
    values = draw(st.lists(ENDS[kind][field], min_size=1, max_size=6))
    return " | ".join([f"{field} <-> {native}", *steps]), values


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(pipelines())
@example(("name <-> Name | trim | truncate 7 | squash", ["a b c d e f", "ab   ".strip()]))
@example(('country <-> Name | trim | upper | country name "de en"', ["DE", "CI"]))
@example(("at <-> Whole | instant epoch", ["1969-12-31T23:59:59.5+00:00"]))
def test_whatever_compiles_is_a_lens(pipeline: tuple[str, list[str]]) -> None:
    line, values = pipeline
    codes = set(codes_of(line + "\n"))
    if codes:
        assert codes <= REFUSED, line
        return
    query, identity = _round_trip(line)
    assume(len(query) < 400_000)
    for value, once, twice in _duck().execute(query, [values]).fetchall():
        assert twice == once, line
        assert once == value or not identity, line
