"""Short words for building IR: the sentences of the lowering files are made of them."""

from __future__ import annotations

import re
from collections.abc import Callable, Hashable, Iterable, Sequence
from itertools import chain
from typing import Any, Literal, TypeVar, overload

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
MOST = 16
"""Names of a form, and operands; what has more is built each time."""
BLANKS = tuple(map(ir.Blank, range(MOST)))
BLANK_NAMES = tuple(map(ir.blank_name, range(MOST)))
Filling = TypeVar("Filling", ir.Scalar, ir.Select)
Row = tuple[tuple[str, ...], tuple[Hashable, ...]]  # names, and what else a form depends on
Item = Row | ir.Scalar | ir.Select
Kind = Literal["list", "all", "any", "more", "union"]

CERTAIN = (TRUE, FALSE)
NEUTRAL = {"all": TRUE, "any": FALSE}

_forms: dict[tuple[Hashable, ...], ir.Form] = {}


def fill(
    build: Callable[..., Filling], names: tuple[str, ...], operands: tuple[ir.Scalar, ...] = (), *rest: Hashable
) -> Filling | ir.Filled:
    """Give ``build(*names, *operands, *rest)``, as a form made once for all names and operands.

    ``build`` is pure and uses names and operands only as they are: what differs by them stands in ``rest``. A project
    of a thousand mappings says the same of every field; so it costs a thousand fillings, not a thousand trees.
    """
    if len(names) > MOST or not PLAIN("".join(names)):
        return build(*names, *operands, *rest)
    certain = tuple([(place, operand is TRUE) for place, operand in enumerate(operands) if operand in CERTAIN])
    return ir.Filled(_form(build, len(names), len(operands), rest, certain), names, operands)


@overload
def several(kind: Literal["list", "more", "union"], build: Callable[..., Any], items: Iterable[Item]) -> ir.Listed: ...


@overload
def several(kind: Literal["all", "any"], build: Callable[..., Any], items: Iterable[Item]) -> ir.Scalar: ...


def several(kind: Kind, build: Callable[..., Any], items: Iterable[Item]) -> ir.Scalar:
    """Give what ``build(*names, *rest)`` makes of each row, in order, as forms said of many names at once.

    An item that is no row is made already, and stands as it is.
    """
    parts: list[Any] = []
    rows: list[tuple[str, ...]] = []
    begun: tuple[Hashable, ...] = ()
    for item in items:
        if isinstance(item, ir.Node):
            parts += _said(build, rows, begun)
            parts.append(item)
            rows = []
            continue
        names, rest = item
        if rest != begun:
            parts += _said(build, rows, begun)
            rows, begun = [], rest
        rows.append(names)
    parts += _said(build, rows, begun)
    if not parts and kind in NEUTRAL:
        return NEUTRAL[kind]
    return ir.Listed(kind, tuple(parts))


def _said(build: Callable[..., Any], rows: list[tuple[str, ...]], rest: tuple[Hashable, ...]) -> list[Any]:
    """Give what is said of rows that depend on the same."""
    if not rows:
        return []
    if PLAIN("".join(chain.from_iterable(rows))) and len(rows[0]) <= MOST:
        return [ir.Each(_form(build, len(rows[0]), 0, rest), tuple(rows))]
    return [fill(build, names, (), *rest) for names in rows]


@overload
def each(kind: Literal["list", "more", "union"], build: Callable[..., Any], names: Iterable[str]) -> ir.Listed: ...


@overload
def each(kind: Literal["all", "any"], build: Callable[..., Any], names: Iterable[str]) -> ir.Scalar: ...


def each(kind: Any, build: Callable[..., Any], names: Iterable[str]) -> ir.Scalar:
    """Give what ``build`` makes of each name."""
    made: ir.Scalar = several(kind, build, (((name,), ()) for name in names))
    return made


def _form(
    build: Callable[..., Any],
    names: int,
    operands: int,
    rest: tuple[Hashable, ...],
    certain: tuple[tuple[int, bool], ...] = (),
) -> ir.Form:
    """Give a form; operands that are certainly true or false (place, which) are no blanks, so that nobody asks them."""
    key = (build, names, operands, certain, *rest)
    form = _forms.get(key)
    if form is None:
        blanks: list[ir.Scalar] = list(BLANKS[:operands])
        for place, is_true in certain:
            blanks[place] = TRUE if is_true else FALSE
        form = _forms[key] = ir.Form(build(*BLANK_NAMES[:names], *blanks, *rest))
    return form


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
