"""Whether two conditions over one record can hold together.

In: typed conditions. Out: True only where it is proved that no record meets both, ``amount > 0`` and ``amount < 0``.
Invariant: pure; what is not understood counts as possible.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from dataclasses import fields, is_dataclass
from decimal import Decimal, InvalidOperation
from itertools import combinations

from syncline_compiler.model.typed import Apply, Constant, Expression
from syncline_compiler.model.types import Type
from syncline_runtime.frozen import dataclass

_Key = Hashable
_SAME = {"eq", "same"}
_OTHER = {"ne", "differs"}
_MIRRORED = {"lt": "gt", "le": "ge", "gt": "lt", "ge": "le"}


@dataclass(frozen=True)
class _Fact:
    """What a condition says of one term: equal to one of ``values`` or to none, beyond a bound, null or not."""

    term: _Key
    relation: str  # among | beside | lt | le | gt | ge | null | given
    values: frozenset[str | int | bool | None] = frozenset()

    @property
    def bound(self) -> Decimal | None:
        """The number that the term is beyond."""
        try:
            return Decimal(str(next(iter(self.values))))
        except InvalidOperation:
            return None


def never_together(one: Expression | None, other: Expression | None) -> bool:
    """Prove that no record meets both conditions; an absent condition is met by all."""
    if one is None or other is None:
        return False
    facts = list(_facts(other))
    return any(_clash(first, second) for first in _facts(one) for second in facts)


def never_holds(condition: Expression) -> bool:
    """Prove that no record meets a condition: two things that follow from it exclude each other."""
    return _clashing(list(_facts(condition)))


def always_holds(condition: Expression) -> bool:
    """Prove that every record meets a condition: no record can be what follows where it does not hold."""
    return _clashing(list(_opposite(condition)))


def _clashing(facts: list[_Fact]) -> bool:
    return any(_clash(one, other) for one, other in combinations(facts, 2))


def _facts(condition: Expression) -> Iterator[_Fact]:
    """Give what follows from a condition that holds; what is not understood gives nothing."""
    if not isinstance(condition, Apply):
        yield _Fact(_key(condition), "among", frozenset({True}))
        return
    arguments = condition.arguments
    match condition.function:
        case "is_true":
            yield from _facts(arguments[0])
        case "and":
            for part in arguments:
                yield from _facts(part)
        case "is_null":
            yield _Fact(_key(arguments[0]), "null")
        case "not":
            yield from _opposite(arguments[0])
        case "in":
            options = [option.value for option in arguments[1:] if isinstance(option, Constant)]
            if len(options) == len(arguments) - 1:
                yield _Fact(_key(arguments[0]), "among", frozenset(options))
        case name if len(arguments) == 2:
            yield from _compared(name, arguments[0], arguments[1])
        case _:
            yield _Fact(_key(condition), "among", frozenset({True}))


def _opposite(condition: Expression) -> Iterator[_Fact]:
    """Give what follows from a condition that does not hold: it is false, or null."""
    match condition:
        case Apply(function="is_true", arguments=(inner,)):
            yield from _opposite(inner)
        case Apply(function="is_null", arguments=(value,)):
            yield _Fact(_key(value), "given")
        case Apply(function="not", arguments=(inner,)) if not inner.type.nullable:
            yield from _facts(inner)
        case Apply(function="or"):
            for part in condition.arguments:
                yield from _opposite(part)
        case Apply(function="ne" | "differs", arguments=(left, right)) if not condition.type.nullable:
            yield from _compared("eq", left, right)
        case Apply(function="eq" | "same", arguments=(left, right)):
            yield from _compared("ne", left, right)
        case _:
            yield _Fact(_key(condition), "beside", frozenset({True}))


def _compared(name: str, left: Expression, right: Expression) -> Iterator[_Fact]:
    if isinstance(left, Constant):
        left, right, name = right, left, _MIRRORED.get(name, name)
    if not isinstance(right, Constant):
        return
    relation = "among" if name in _SAME else "beside" if name in _OTHER else name
    if relation in ("among", "beside") or name in _MIRRORED:
        yield _Fact(_key(left), relation, frozenset({right.value}))


def _clash(one: _Fact, other: _Fact) -> bool:
    if one.term != other.term:
        return False
    relations = {one.relation, other.relation}
    if "null" in relations:
        return len(relations) == 2 and None not in one.values | other.values and "beside" not in relations
    if relations == {"among"}:
        return not one.values & other.values
    if relations == {"among", "beside"}:
        some, none = (one, other) if one.relation == "among" else (other, one)
        return some.values <= none.values
    return _apart(one, other) or _apart(other, one)


def _apart(above: _Fact, below: _Fact) -> bool:
    """Tell whether one fact keeps the term above what the other keeps it below."""
    low = above.bound if above.relation in ("gt", "ge") or above.relation == "among" else None
    high = below.bound if below.relation in ("lt", "le") or below.relation == "among" else None
    if low is None or high is None or len(above.values) > 1 or len(below.values) > 1:
        return False
    touching = "gt" not in (above.relation,) and "lt" not in (below.relation,)
    return low > high or (low == high and not touching)


def _key(expression: object) -> _Key:
    """Give what makes two expressions the same term: all but their types, since presence is learned on the way."""
    if isinstance(expression, tuple):
        return tuple(_key(part) for part in expression)
    if is_dataclass(expression) and not isinstance(expression, type):
        members = (getattr(expression, member.name) for member in fields(expression))
        return (type(expression).__name__, *(_key(member) for member in members if not isinstance(member, Type)))
    assert isinstance(expression, Hashable)
    return expression
