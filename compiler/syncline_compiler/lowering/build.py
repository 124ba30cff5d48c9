"""Short words for building IR: the sentences of the lowering files are made of them."""

from __future__ import annotations

import re
from collections.abc import Callable, Hashable, Iterable, Sequence
from typing import TypeVar

from syncline_compiler.model import ir
from syncline_compiler.model.types import Type

TRUE = ir.Value(True)
FALSE = ir.Value(False)
NOTHING = ir.Value(None)


def col(table: str, name: str) -> ir.Column:
    """Give a column."""
    return ir.Column(table, name)


def text(value: str) -> ir.Value:
    """Give a text constant."""
    return ir.Value(value)


def null(sql_type: str) -> ir.Value:
    """Give a typed null."""
    return ir.Value(None, sql_type)


def call(name: str, *arguments: ir.Scalar) -> ir.Call:
    """Give a relational word applied to arguments."""
    return ir.Call(name, arguments)


def all_of(conditions: Iterable[ir.Scalar]) -> ir.Scalar:
    """Give the conjunction; true of none."""
    return _join("AND", conditions, TRUE)


def any_of(conditions: Iterable[ir.Scalar]) -> ir.Scalar:
    """Give the disjunction; false of none."""
    return _join("OR", conditions, FALSE)


def negated(condition: ir.Scalar) -> ir.Scalar:
    """Logical not."""
    return call("NOT", condition)


def equal(left: ir.Scalar, right: ir.Scalar) -> ir.Scalar:
    """Give SQL equality, null if either is."""
    return call("=", left, right)


def same(left: ir.Scalar, right: ir.Scalar) -> ir.Scalar:
    """Equality in which null equals null."""
    return call("SAME", left, right)


def differs(left: ir.Scalar, right: ir.Scalar) -> ir.Scalar:
    """Give the negation of ``same``."""
    return call("DIFFERS", left, right)


def is_null(value: ir.Scalar) -> ir.Scalar:
    """Whether the value is null."""
    return call("IS NULL", value)


def present(value: ir.Scalar) -> ir.Scalar:
    """Whether the value is not null."""
    return call("IS NOT NULL", value)


def holds(condition: ir.Scalar) -> ir.Scalar:
    """Two-valued: an unknown condition counts as false."""
    return call("COALESCE", condition, FALSE)


def when(*branches: tuple[ir.Scalar, ir.Scalar], default: ir.Scalar | None = None) -> ir.Scalar:
    """Give a case expression; without branches its default."""
    if not branches:
        return default or NOTHING
    return ir.When(tuple(branches), default)


PLAIN = re.compile(r"[^'\"\\`%\x00-\x1f\u27ea\u27eb]*").fullmatch  # names in which no dialect escapes anything
BLANKS = tuple(map(ir.Blank, range(8)))
BLANK_NAMES = tuple(map(ir.blank_name, range(8)))
Filling = TypeVar("Filling", ir.Scalar, ir.Select)

_forms: dict[tuple[Hashable, ...], ir.Form] = {}


def fill(
    build: Callable[..., Filling], names: tuple[str, ...], operands: tuple[ir.Scalar, ...] = (), *rest: Hashable
) -> Filling | ir.Filled:
    """Give ``build(*names, *operands, *rest)``, as a form made once for all names and operands.

    ``build`` is pure and uses names and operands only as they are: what differs by them stands in ``rest``. A project
    of a thousand mappings says the same of every field; so it costs a thousand fillings, not a thousand trees.
    """
    if not all(map(PLAIN, names)):
        return build(*names, *operands, *rest)
    key = (build, len(names), len(operands), *rest)
    form = _forms.get(key)
    if form is None:
        made = build(*BLANK_NAMES[: len(names)], *BLANKS[: len(operands)], *rest)
        form = _forms[key] = ir.Form(made)
    return ir.Filled(form, names, operands)


def flag_text(flags: Sequence[tuple[ir.Scalar, str]]) -> ir.Scalar:
    """Give the names whose conditions hold, joined by commas; "" for none."""
    if not flags:
        return text("")
    return call("CONCAT_WS", text(","), *(when((condition, text(name))) for condition, name in flags))


def sql_type(of: Type) -> str:
    """Give the SQL type of canonical values of a type."""
    match of.kind:
        case "bool":
            return "BOOLEAN"
        case "int":
            return "BIGINT"
        case "decimal":
            return f"DECIMAL({of.precision or 18},{of.scale or 0})"
        case "money":
            return f"STRUCT(amount DECIMAL({of.precision or 18},{of.scale if of.scale is not None else 4}), currency VARCHAR)"
        case "date":
            return "DATE"
        case "instant":
            return "TIMESTAMPTZ"
        case "local_datetime":
            return "TIMESTAMP"
        case "duration":
            return "BIGINT"  # microseconds
        case _:
            return "VARCHAR"


def _join(word: str, conditions: Iterable[ir.Scalar], neutral: ir.Value) -> ir.Scalar:
    parts = [condition for condition in conditions if condition != neutral]
    if not parts:
        return neutral
    return parts[0] if len(parts) == 1 else ir.Call(word, tuple(parts))
