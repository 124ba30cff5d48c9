"""The library in another engine's dialect: its SQL, read again by sqlglot and written for Spark.

What both engines can say should stay so: a word that only DuckDB has must be named here, and one that no function needs any
more must go. Where pyspark and Java are installed (``pip install pyspark``), the examples are run there too.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable, Iterator
from functools import cache

import pytest
import sqlglot
from sqlglot import ErrorLevel, exp
from sqlglot.errors import UnsupportedError

from syncline_compiler.functions import REGISTRY, Function
from syncline_compiler.functions.function import Example

ONLY_DUCKDB = {
    "INT128": "decimal(38,0), which has fewer digits",
    "MAP_EXTRACT_VALUE": "try_element_at",
    "TIMEZONE": "to_utc_timestamp and from_utc_timestamp, by the type of what it is given",
    "LIST_EXTRACT": "try_element_at",
    "EPOCH_US": "unix_micros",
    "MAKE_TIMESTAMPTZ": "timestamp_micros",
    "TRY_STRPTIME": "try_to_timestamp, with other formats",
    "TO_MONTHS": "make_interval",
    "REGEXP_SPLIT_TO_ARRAY": "split",
    "STRIP_ACCENTS": "nothing",
    "TRUNC": "nothing for digits after the point",
}
"""Words of DuckDB that reach Spark as they are, or not at all, and what Spark has instead."""
KNOWN = {"JSON_ARRAY_LENGTH", "DATE_PART", "TIMESTAMP_MICROS"}
"""Words of Spark that sqlglot does not know."""
UNEQUAL = {
    "upper": "ß becomes SS", "casefold": "Σ at the end of a word becomes ς",
    "between": "date_sub is another function", "weekday_of": "no isodow", "week_year_of": "no isoyear",
    "text_of_local": "a format with letters as they are", "has": "JSON[] as a type",
    "join": "JSON[] as a type", "join_exactly": "JSON[] as a type",
}  # fmt: skip
"""Functions whose words Spark knows, and means something else by, or refuses."""

FUNCTIONS = [function for function in REGISTRY.values() if function.sql is not None]
Run = Callable[[str, str], str | None]


def translated(function: Function, example: Example) -> str:
    """Give a function's SQL in Spark's dialect; UnsupportedError where sqlglot knows that there is none."""
    assert function.sql is not None
    arguments = [exp.column(f"a{index}", quoted=True) for index in range(len(example.arguments))]
    tree = sqlglot.parse_one(function.sql(arguments, example.options).sql("duckdb"), read="duckdb")
    return tree.sql("spark", unsupported_level=ErrorLevel.RAISE)


@cache
def foreign(name: str) -> frozenset[str]:
    """Give the words of a function's SQL that Spark does not have."""
    found: set[str] = set()
    for example in REGISTRY[name].examples:
        try:
            sql = translated(REGISTRY[name], example)
        except UnsupportedError as refused:
            found.add("TRUNC" if "Trunc" in str(refused) else str(refused))
            continue
        found |= {word.name.upper() for word in sqlglot.parse_one(sql, read="spark").find_all(exp.Anonymous)}
        found |= {"INT128"} if "INT128" in sql else set()
    return frozenset(found - KNOWN)


def test_words_of_one_engine_are_named() -> None:
    found = {function.name: foreign(function.name) for function in FUNCTIONS}
    assert {word for words in found.values() for word in words} == set(ONLY_DUCKDB)
    assert sum(not words for words in found.values()) > 0.6 * len(found)


def plain(result: str | None) -> str | None:
    """Give a result as both engines show it."""
    if result is None:
        return None
    money = re.fullmatch(r"\{'amount': ([^,]+), 'currency': (.*)\}", result)
    shown = f"{{{money[1]}, {money[2].strip(chr(39)).replace('NULL', 'null')}}}" if money else result
    return re.sub(r"\+00$", "", shown)


@pytest.fixture(scope="module")
def spark() -> Iterator[Run]:
    sql = pytest.importorskip("pyspark.sql", reason="pyspark is not installed")
    if shutil.which("java") is None:
        pytest.skip("Java is not installed")
    os.environ["SPARK_LOCAL_IP"] = "127.0.0.1"
    builder = sql.SparkSession.builder.master("local[1]").config("spark.ui.enabled", "false")
    session = builder.config("spark.sql.session.timeZone", "UTC").getOrCreate()
    session.sparkContext.setLogLevel("OFF")
    yield lambda expression, row: session.sql(f"SELECT CAST({expression} AS STRING) FROM ({row})").collect()[0][0]
    session.stop()


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_examples_run_in_spark(spark: Run) -> None:
    different = {}
    for function in FUNCTIONS:
        for example in function.examples:
            if not foreign(function.name) and (said := outcome(spark, function, example)) is not None:
                different.setdefault(function.name, said)
    assert different.keys() == UNEQUAL.keys(), different


def outcome(spark: Run, function: Function, example: Example) -> str | None:
    """Tell what differs; None if nothing."""
    row = ", ".join(f"{literal} AS a{index}" for index, literal in enumerate(example.arguments))
    source = sqlglot.parse_one(f"SELECT {row}", read="duckdb").sql("spark")
    try:
        found = spark(translated(function, example), source)
    except Exception as refused:  # whatever the engine says
        return str(refused).split("\n", 1)[0][:200]
    return None if plain(found) == plain(example.result) else f"{found!r} instead of {example.result!r}"
