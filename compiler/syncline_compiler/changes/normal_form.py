"""The normal form of a typed expression: two with the same one have the same value for every row.

In: a typed expression. Out: text. Sound, not complete: unequal texts prove nothing. What is used: ``and`` and ``or`` are associative,
commutative and idempotent, also where null is unknown (Kleene); comparisons can be turned round; sums and products commute;
``not not`` is nothing; a normalising step over itself is itself; a ``case`` whose results are all the same is that result.
"""

from __future__ import annotations

import json
from collections.abc import Iterable

from syncline_compiler.model import typed

_SETS = frozenset({"and", "or"})
_COMMUTE = frozenset({"eq", "ne", "same", "differs", "add", "mul", "money_add", "duration_add"})
_TURNED = {"gt": "lt", "ge": "le"}
_OPPOSITE = {"eq": "ne", "ne": "eq", "same": "differs", "differs": "same"}
_SETTLE = frozenset({"trim", "squash", "upper", "lower", "casefold", "abs", "email", "unaccented"})
_SETTLED_BY = {("trim", "squash")}
"""A step that changes nothing after another: trimming what is squashed."""


def normal_form(expression: typed.Expression) -> str:  # noqa: C901 - one case a node
    """Give the normal form of an expression."""
    e = expression
    match e:
        case typed.Constant():
            return f"{json.dumps(e.value, ensure_ascii=False)}:{e.type.kind}"
        case typed.Field():
            return e.name if e.scope in ("native", "canonical") else f"{e.scope}.{e.name}"
        case typed.Apply():
            return _apply(e)
        case typed.Case():
            return _case(e)
        case typed.Lookup():
            return f"{'uncode' if e.inverse else 'code'}({normal_form(e.argument)}, {e.codes})"
        case typed.Resolve():
            by = f" by {e.by}" if e.by else ""
            return f"{'unref' if e.inverse else 'ref'}({normal_form(e.argument)}, {e.object} {e.resource}{by})"
        case typed.Pick():
            return f"pick({normal_form(e.list)} where {normal_form(e.where)}: {normal_form(e.value)})"
        case typed.Items():
            unread = f" unread {normal_form(e.unread)}" if e.unread is not None else ""
            return f"{e.function}({normal_form(e.list)} where {normal_form(e.where)}: {normal_form(e.value)}{unread})"
        case typed.Aggregate():
            more = [
                f" {word} {normal_form(one)}" for word, one in (("where", e.where), ("by", e.by)) if one is not None
            ]
            return f"{e.function}({e.object}.{e.ref}: {normal_form(e.value)}{''.join(more)})"
        case typed.OrElse():
            said = f" {json.dumps(e.message, ensure_ascii=False)}" if e.message else ""
            return f"({normal_form(e.value)} else {e.action}{said})"


def _apply(e: typed.Apply) -> str:
    if e.function in _SETS:
        return _joined(e.function, sorted(set(_flat(e, e.function))))
    parts = [normal_form(argument) for argument in e.arguments]
    inner = e.arguments[0] if e.arguments else None
    if isinstance(inner, typed.Apply) and len(parts) == 1 and not e.options:
        if e.function == "not" and inner.function == "not":
            return normal_form(inner.arguments[0])
        if e.function == "not" and inner.function in _OPPOSITE:
            return normal_form(typed.Apply(_OPPOSITE[inner.function], inner.arguments, inner.type, inner.can_fail))
        if not inner.options and (
            (e.function == inner.function and e.function in _SETTLE) or (e.function, inner.function) in _SETTLED_BY
        ):
            return parts[0]
    name = e.function
    if name in _TURNED:
        name, parts = _TURNED[name], parts[::-1]
    elif name in _COMMUTE:
        parts = sorted(parts)
    elif name == "in":
        parts = [parts[0], *sorted(set(parts[1:]))]
    options = [f"{key}={json.dumps(value, ensure_ascii=False)}" for key, value in sorted(e.options)]
    result = f":{e.type.present()}" if name in ("add", "sub", "mul", "div", "as_is") else ""
    return f"{name}({', '.join([*parts, *options])}){result}"


def _flat(e: typed.Expression, function: str) -> Iterable[str]:
    if isinstance(e, typed.Apply) and e.function == function:
        for argument in e.arguments:
            yield from _flat(argument, function)
    else:
        yield normal_form(e)


def _joined(function: str, parts: list[str]) -> str:
    return parts[0] if len(parts) == 1 else f"{function}({', '.join(parts)})"


def _case(e: typed.Case) -> str:
    branches = [(normal_form(condition), normal_form(value)) for condition, value in e.branches]
    default = normal_form(e.default) if e.default is not None else "null"
    # What the last branches give is given without them, unless asking could set the record aside.
    while branches and branches[-1][1] == default and not _can_fail(e.branches[len(branches) - 1][0]):
        branches.pop()
    said = "".join(f" when {condition} then {value}" for condition, value in branches)
    return f"case{said} else {default}" if branches else default


def _can_fail(e: typed.Expression) -> bool:
    fails = isinstance(e, (typed.Lookup, typed.Resolve)) or (isinstance(e, typed.Apply) and e.can_fail)
    return fails or any(map(_can_fail, typed.parts_of(e)))
