"""From each field of an expression the way to its value: the steps between, as they are written, and what is lost on it.

In: typed expressions. Out: ``Way`` values. Invariant: steps that the compiler added itself are not among them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Literal

from syncline_compiler.functions import REGISTRY
from syncline_compiler.functions.reference import heading
from syncline_compiler.model.resolved import CodeTable
from syncline_compiler.model.typed import (
    Aggregate,
    Apply,
    Case,
    Expression,
    Field,
    Items,
    Lookup,
    OrElse,
    Pick,
    Resolve,
)
from syncline_runtime.frozen import dataclass

Role = Literal["value", "condition"]
Loss = Literal["nothing", "form", "values"]
"""What falls together on a way: nothing; values that differ in form only, such as in spaces or digits; different values."""
Codes = Mapping[str, CodeTable]

_LOSSES: tuple[Loss, ...] = ("nothing", "form", "values")
_INVERTS: Mapping[str, Loss] = {"bijection": "nothing", "normal form": "form", "none": "values"}
_COMPARED = {"same": "==", "differs": "!=", "later": "plus", "earlier": "minus"}
_SILENT = frozenset({"given", "fits", "is_true"})
"""Steps that only see to it that there is a value, and one that fits."""


@dataclass(frozen=True)
class Way:
    """A field within an expression, and what happens to it from there to the whole.

    ``of``: the list whose elements it is a member of, or the object to whose records an aggregate goes.
    """

    field: Field
    steps: tuple[str, ...] = ()
    loss: Loss = "nothing"
    role: Role = "value"
    of: str | None = None


def ways(expression: Expression, codes: Codes, added: Callable[[Apply], bool] = lambda _: False) -> Iterator[Way]:
    """Give the way of every field in an expression; ``added`` knows more steps that nobody has written."""
    match expression:
        case Field():
            if expression.scope != "run":
                yield Way(expression)
            return
        case Apply() if added(expression):
            yield from ways(expression.arguments[0], codes, added)
            return
    step, loss = _step(expression, codes)
    of = _beyond(expression)
    for part, role in _parts(expression):
        for way in ways(part, codes, added):
            yield replace(
                way,
                steps=(*way.steps, step) if step and (step,) != way.steps[-1:] else way.steps,
                loss=max(way.loss, loss, key=_LOSSES.index),
                role="condition" if role == "condition" else way.role,
                of=of if way.field.scope in ("item", "child") and of is not None else way.of,
            )


def _beyond(at: Expression) -> str | None:
    match at:
        case Pick() | Items():
            return at.list.name
        case Aggregate():
            return at.object
    return None


def _parts(at: Expression) -> Iterator[tuple[Expression, Role]]:
    """Give what an expression is made of: the values that pass through it, and what only decides."""
    match at:
        case Apply():
            yield from ((argument, "value") for argument in at.arguments)
        case Case():
            for condition, value in at.branches:
                yield from ((condition, "condition"), (value, "value"))
            if at.default is not None:
                yield at.default, "value"
        case Lookup() | Resolve():
            yield at.argument, "value"
        case OrElse():
            yield at.value, "value"
        case Pick() | Items():
            yield from ((at.list, "condition"), (at.where, "condition"), (at.value, "value"))
        case Aggregate():
            yield from ((at.value, "value"), (Field("child", at.ref, at.type), "condition"))
            yield from ((one, "condition") for one in (at.where, at.by) if one is not None)


def _step(at: Expression, codes: Codes) -> tuple[str, Loss]:
    """Give a step as it is written, "" where the compiler added it, and what falls together in it."""
    match at:
        case Apply() if at.function in _SILENT:
            return "", "nothing"
        case Apply():
            function = REGISTRY[at.function]
            return _COMPARED.get(at.function) or heading(function), _INVERTS[function.inverts]
        case Lookup():
            return f"code {at.codes}", "values" if _merges(codes[at.codes], at.inverse) else "nothing"
        case Resolve():
            return f"ref {at.object}{f' by {at.by}' if at.by is not None else ''}", "nothing"
        case OrElse():
            return f"else {at.action}", "values" if at.action == "null" else "nothing"
        case Case():
            return "case", "values"
        case Pick():
            return "pick", "nothing"
        case Aggregate() | Items():
            return at.function, "values"
    return "", "nothing"


def _merges(table: CodeTable, inverse: bool) -> bool:
    """Whether two codes have one meaning, or two meanings one code."""
    reached = [*table.inverse.values()] if inverse else [meaning for _, meaning in table.rows]
    return len(set(reached)) < len(reached)
