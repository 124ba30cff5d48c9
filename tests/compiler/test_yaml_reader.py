"""YAML is data: what is read, where it stands, and what is refused quickly."""

from __future__ import annotations

import tracemalloc
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.soon import soon
from syncline_compiler.diagnostics.diagnostic import Collector
from syncline_compiler.model.document import Document
from syncline_compiler.source import SourceFile
from syncline_compiler.yaml_reader import MAX_DEPTH, MAX_NODES, read_yaml


def read(text: str) -> tuple[Document | None, Collector]:
    diagnostics = Collector()
    return read_yaml(SourceFile("a.yaml", text), diagnostics), diagnostics


def value(text: str) -> object:
    document, diagnostics = read(text)
    assert document is not None, list(diagnostics)
    return document.value


@pytest.mark.parametrize("text", ["no", "yes", "on", "off", "y", "012", "1:30", "0x1F", "0o7", "1_000", "2026-01-01",
                                  ".inf", ".nan", "1.", ".5", "+1", "1.2.3", "=", "2026-01-01T00:00:00Z"])  # fmt: skip
def test_what_other_readers_convert_stays_text(text: str) -> None:
    assert value(f"a: {text}") == {"a": text}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1", 1), ("-7", -7), ("0", 0), ("true", True), ("FALSE", False), ("null", None), ("~", None), ("", None),
        ("1.50", Decimal("1.50")), ("12345678901234567.89", Decimal("12345678901234567.89")), ("1e3", Decimal("1e3")),
        ('"1"', "1"), ("'true'", "true"), ("|\n  x\n  y\n", "x\ny\n"), ('"null"', "null"),
    ],
)  # fmt: skip
def test_core_scalars(text: str, expected: object) -> None:
    found = value(f"a: {text}")
    assert found == {"a": expected}
    assert type(found["a"]) is type(expected)  # type: ignore[index]


def test_keys_are_text() -> None:
    assert value("1: a\ntrue: b\n~: c\n") == {"1": "a", "true": "b", "~": "c"}


def test_numbers_keep_their_digits() -> None:
    assert str(value("a: 1.10")["a"]) == "1.10"  # type: ignore[index]


def test_places() -> None:
    document, _ = read('é: "bö"\nlist:\n  - x\n  - {k: v}\n')
    assert document is not None
    assert str(document.key("é")) == "a.yaml:1:1"
    assert str(document.at("é")) == "a.yaml:1:5"  # behind the quote
    assert document.at("é").end_column == 7
    assert str(document.at("list", 0)) == "a.yaml:3:5"
    assert str(document.at("list", 1, "k")) == "a.yaml:4:9"
    assert str(document.key("list", 1, "k")) == "a.yaml:4:6"
    assert document.at("list", 1).end_column == 11


def test_absent_places_answer_with_the_nearest() -> None:
    document, _ = read("a:\n  b: 1\n")
    assert document is not None
    assert document.key("a", "x", "y") == document.key("a")
    assert document.at("nothing").line == 1


@pytest.mark.parametrize(
    ("text", "code", "place"),
    [
        ("a: &x 1\n", "SYN0003", "1:4"),
        ("a: *x\n", "SYN0003", "1:4"),
        ("a: !!python/object:os.system x\n", "SYN0003", "1:4"),
        ("a: !x 1\n", "SYN0003", "1:4"),
        ("b:\n  <<: {a: 1}\n", "SYN0003", "2:3"),
        ("a: 1\n---\nb: 2\n", "SYN0003", "2:1"),
        ("%TAG ! tag:x,2000:\n---\na: 1\n", "SYN0003", "1:1"),
        ("%YAML 1.1\n---\na: no\n", "SYN0003", "1:1"),
        ("? [a]\n: 1\n", "SYN0003", "1:3"),
        ("{a: 1}: 2\n", "SYN0003", "1:1"),
        ("a: 1\nb: 2\na: 3\n", "SYN0004", "3:1"),
        ("a: {b: 1, b: 2}\n", "SYN0004", "1:11"),
        ("a: b: c\n", "SYN0002", "1:5"),
        ("a: [1, 2\n\n\n", "SYN0002", "1:9"),
        ("a:\n\tb: 1\n", "SYN0002", "2:1"),
        ("é: \x07\n", "SYN0002", "1:4"),
        ("a: \x00\n", "SYN0002", "1:4"),
    ],
)
def test_refused(text: str, code: str, place: str) -> None:
    document, diagnostics = read(text)
    assert document is None
    assert [(d.code, f"{d.span.line}:{d.span.column}") for d in diagnostics] == [(code, place)]


def test_quoted_merge_sign_is_a_key() -> None:
    assert value('"<<": 1\n') == {"<<": 1}


HOSTILE = {
    "brackets": "[" * 20_000,
    "braces": "{" * 20_000,
    "closed brackets": "[" * 20_000 + "]" * 20_000,
    "dashes": "- " * 20_000,
    "questions": "? " * 20_000,
    "many values": "[" + "1," * 500_000 + "]",
    "many keys": "".join(f"k{n}: 1\n" for n in range(80_000)),
    "bomb": "a: &a [x,x,x,x,x,x,x,x,x]\n"
    + "".join(f"{c}: &{c} [*{p},*{p},*{p}]\n" for p, c in zip("abcdefg", "bcdefgh", strict=True)),
    "one long text": "a: '" + "x" * 1_000_000 + "'",
    "long number": "a: " + "9" * 1_000_000,
    "many quotes": '"' * 500_000,
    "many colons": ":" * 1_000_000,
    "long key": "x" * 1_000_000 + ": 1",
    "anchors": "&a " * 100_000,
    "comments": "#" * 1_000_000,
    "colons and spaces": ": " * 200_000,
    "flow keys": "{" + "a: {" * 30 + "}" * 31,
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_input_ends_soon(name: str) -> None:
    with soon(1):
        read(HOSTILE[name])


def test_memory_is_bounded() -> None:
    tracemalloc.start()
    try:
        read("[" + "1," * 500_000 + "]")
        assert tracemalloc.get_traced_memory()[1] < 100_000_000
    finally:
        tracemalloc.stop()


def test_depth() -> None:
    assert read("a: " + "[" * (MAX_DEPTH - 1) + "]" * (MAX_DEPTH - 1))[0] is not None
    assert [d.code for d in read("a: " + "[" * MAX_DEPTH + "]" * MAX_DEPTH)[1]] == ["SYN0005"]


def test_count() -> None:
    assert read("[" + "1," * (MAX_NODES - 1) + "]")[0] is not None
    assert [d.code for d in read("[" + "1," * MAX_NODES + "]")[1]] == ["SYN0005"]


@given(st.text(alphabet="ab:-[]{}\"'&*!|>#%@`,? \n\t0é\x00<", max_size=60))
def test_any_text_is_read_or_reported(text: str) -> None:
    document, diagnostics = read(text)
    assert (document is None) == diagnostics.failed
    for diagnostic in diagnostics:
        assert diagnostic.span.line >= 1
        assert diagnostic.span.column >= 1
