"""Outlines: what expressions have in common that differ in the names of their fields only.

In: a typed expression. Out: its outline, which is one and the same for all alike, and the names. Expressions that need
more than the row at hand (links, code tables, values made beside SQL, elements of lists) have none, nor have those with texts
in which a dialect would escape something.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from syncline_compiler.functions import REGISTRY
from syncline_compiler.lowering.build import MOST, PLAIN
from syncline_compiler.model import typed

# Types are left out where they do not matter to what an expression is lowered to.
Key = tuple[object, ...]

_outlines: dict[Key, Outline] = {}


class Outline:
    """An expression without the names of its fields."""

    def __init__(self, example: typed.Expression) -> None:
        self._example = example

    def of(self, names: Sequence[str]) -> typed.Expression:
        """Give the expression with these names, in the order in which they stand in it."""
        return _renamed(self._example, iter(names))


def outline(e: typed.Expression) -> tuple[Outline, tuple[str, ...]] | None:
    """Give the outline of an expression and its names; None if it has none."""
    names: list[str] = []
    key = _KEYS[type(e)](e, names)
    if key is None or len(names) > MOST:
        return None
    found = _outlines.get(key)
    if found is None:
        found = _outlines[key] = Outline(e)
    return found, tuple(names)


def _key(e: typed.Expression, names: list[str]) -> Key | None:
    return _KEYS[type(e)](e, names)


def _field(e: typed.Field, names: list[str]) -> Key | None:
    if e.scope not in ("native", "canonical"):
        return None
    names.append(e.name)
    return (e.scope,)


def _apply(e: typed.Apply, names: list[str]) -> Key | None:
    entry = REGISTRY.get(e.function)
    if entry is not None and entry.runtime is not None:
        return None
    if e.options and not all(PLAIN(text) for _, text in e.options):
        return None
    parts = [_KEYS[type(argument)](argument, names) for argument in e.arguments]
    if None in parts:
        return None
    return ("apply", e.function, e.can_fail, e.options, *parts)


def _case(e: typed.Case, names: list[str]) -> Key | None:
    parts = [(_key(condition, names), _key(value, names)) for condition, value in e.branches]
    default = _key(e.default, names) if e.default is not None else ("none",)
    if default is None or any(None in part for part in parts):
        return None
    return ("case", default, *parts)


def _or_else(e: typed.OrElse, names: list[str]) -> Key | None:
    value = _key(e.value, names)
    return ("else", e.action, e.message, value) if value is not None else None


def _constant(e: typed.Constant, names: list[str]) -> Key | None:
    del names
    if isinstance(e.value, str) and not PLAIN(e.value):
        return None
    return ("constant", type(e.value), e.value, e.type)


def _none(e: typed.Expression, names: list[str]) -> Key | None:
    del e, names
    return None


_KEYS: dict[type, Callable[..., Key | None]] = {
    typed.Constant: _constant,
    typed.Field: _field,
    typed.Apply: _apply,
    typed.Case: _case,
    typed.OrElse: _or_else,
    typed.Lookup: _none,
    typed.Resolve: _none,
    typed.Pick: _none,
    typed.Items: _none,
    typed.Aggregate: _none,
}


def _renamed(e: typed.Expression, names: Iterator[str]) -> typed.Expression:
    match e:
        case typed.Field():
            return replace(e, name=next(names))
        case typed.Apply():
            return replace(e, arguments=tuple(_renamed(argument, names) for argument in e.arguments))
        case typed.Case():
            branches = tuple((_renamed(condition, names), _renamed(value, names)) for condition, value in e.branches)
            return replace(e, branches=branches, default=_renamed(e.default, names) if e.default is not None else None)
        case typed.OrElse():
            return replace(e, value=_renamed(e.value, names))
        case _:
            return e
