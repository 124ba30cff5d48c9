"""Types, durations and shares from text."""

from __future__ import annotations

import pytest

from syncline_compiler.model.types import INT, MONEY, TEXT, Type
from syncline_compiler.quantities import check_share, microseconds, seconds
from syncline_compiler.spelling import did_you_mean, nearest
from syncline_compiler.type_text import TypeTextError, parse_native_type, parse_type


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("text", TEXT),
        ("text(200)", Type("text", length=200)),
        ("text(40)?", Type("text", length=40, nullable=True)),
        ("text?~", Type("text", nullable=True, missing=True)),
        ("int~", Type("int", missing=True)),
        ("int", INT),
        ("decimal(12,2)", Type("decimal", precision=12, scale=2)),
        ("decimal( 12 , 2 )", Type("decimal", precision=12, scale=2)),
        ("money?", MONEY.or_null()),
        ("ref(invoice)?", Type("ref", name="invoice", nullable=True)),
        ("list", Type("list")),
        ("list(text(5)?)", Type("list", element=Type("text", length=5, nullable=True))),
    ],
)
def test_types(text: str, expected: Type) -> None:
    assert parse_type(text) == expected


def test_enum_has_values_and_identity() -> None:
    assert parse_type("enum?", values=("a", "b"), name="account.status") == Type(
        "enum", values=("a", "b"), name="account.status", nullable=True
    )


@pytest.mark.parametrize(
    ("text", "problem", "remedy"),
    [
        ("string", "there is no type `string`", "write `text`"),
        ("emial", "there is no type `emial`", "did you mean `email`?"),
        ("text(0)", "a length of 0 holds nothing: write it as text(200)", ""),
        ("text(a)", "write it as text(200)", ""),
        ("text()", "write it as text(200)", ""),
        ("decimal", "a decimal says its digits in all and after the point: decimal(12,2)", ""),
        ("decimal(2,5)", "decimal(2,5) does not fit: at most 38 digits in all", ""),
        ("decimal(39,0)", "decimal(39,0) does not fit: at most 38 digits in all", ""),
        ("email(3)", "email takes nothing in brackets", ""),
        ("money(12,2)", "money takes nothing in brackets: it holds an amount and its currency", ""),
        ("ref", "a ref names its object: ref(account)", ""),
        ("enum", "an enum names its `values`", ""),
        ("text??", "after a type stands `?`, `~` or `?~`, each once", ""),
        ("text(2", "a type is expected, such as text(200), decimal(12,2) or email?", ""),
        ("", "a type is expected, such as text(200), decimal(12,2) or email?", ""),
        ("ints", "there is no type `ints`", "did you mean `int`?"),
    ],
)
def test_no_types(text: str, problem: str, remedy: str) -> None:
    with pytest.raises(TypeTextError) as error:
        parse_type(text)
    assert (str(error.value), str(error.value.remedy)) == (problem, remedy)


def test_only_an_enum_has_values() -> None:
    with pytest.raises(TypeTextError, match="only an enum has `values`, not text"):
        parse_type("text", values=("a",))


def test_native_types_have_no_presence() -> None:
    assert parse_native_type("text(3)") == Type("text", length=3)
    assert parse_native_type("text(3)~") == Type("text", length=3, missing=True)
    with pytest.raises(TypeTextError, match="a native type has no"):
        parse_native_type("text?")
    with pytest.raises(TypeTextError, match="no type `money`"):
        parse_native_type("money")


@pytest.mark.parametrize(("text", "expected"), [("500ms", 500_000), ("1s", 1_000_000), ("15m", 900_000_000),
                                                ("2h", 7_200_000_000), ("7d", 604_800_000_000)])  # fmt: skip
def test_durations(text: str, expected: int) -> None:
    assert microseconds(text) == expected


@pytest.mark.parametrize("text", ["", "15", "m", "1.5h", "-1s", "1 s", "1w", "٣s", "9999999999s", "1S"])
def test_no_durations(text: str) -> None:
    with pytest.raises(ValueError, match="a duration is expected"):
        microseconds(text)


def test_whole_seconds() -> None:
    assert seconds("2m") == 120
    with pytest.raises(ValueError, match="whole seconds"):
        seconds("500ms")


@pytest.mark.parametrize("text", ["10%", "0.5%", "100%", "500"])
def test_shares(text: str) -> None:
    assert check_share(text) == text


@pytest.mark.parametrize("text", ["101%", "-1", "ten", "10 %", "1.5"])
def test_no_shares(text: str) -> None:
    with pytest.raises(ValueError, match="a share such as"):
        check_share(text)


def test_spelling() -> None:
    assert nearest("ACCOUNT", ["account", "invoice"]) == "account"
    assert nearest("zzz", ["account"]) is None
    assert str(did_you_mean("zzz", ["b", "a"], kind="objects")) == "known objects: `a`, `b`"
    assert str(did_you_mean("zzz", [], kind="objects")) == "there are no objects yet"
    assert str(did_you_mean("q", [f"object_{n}" for n in range(10)], kind="objects")).endswith("`object_7` and 2 more")
