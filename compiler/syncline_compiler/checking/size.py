"""How large a typed expression is when shared parts are written out, counted without writing them out."""

from __future__ import annotations

from collections.abc import Iterable

from syncline_compiler.model.typed import (
    Aggregate,
    Apply,
    Case,
    Expression,
    Lookup,
    OrElse,
    Pick,
    Resolve,
)


def size_of(expression: Expression, seen: dict[int, int] | None = None) -> int:
    """Count the nodes; a node that stands in two places counts twice and is visited once."""
    known = seen if seen is not None else {}
    if id(expression) not in known:
        known[id(expression)] = 1 + sum(size_of(part, known) for part in parts_of(expression))
    return known[id(expression)]


def parts_of(expression: Expression) -> Iterable[Expression]:
    """Give the expressions directly within one."""
    match expression:
        case Apply():
            return expression.arguments
        case Case():
            default = (expression.default,) if expression.default is not None else ()
            return (*(part for branch in expression.branches for part in branch), *default)
        case Lookup() | Resolve():
            return (expression.argument,)
        case Pick():
            return (expression.list, expression.where, expression.value)
        case Aggregate():
            return (expression.value, expression.where) if expression.where is not None else (expression.value,)
        case OrElse():
            return (expression.value,)
    return ()
