"""What is known of names once a condition holds, or does not hold: which are null and which are not.

In: conditions as written. Out: ``Facts``: clauses, each a set of statements of which at least one is true, so that
``reject when Email is null and Phone is null`` is remembered as "one of the two is there". Only what follows in plain
sight is found; a condition with null in it counts as false, as everywhere in the language.
"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from functools import cache
from itertools import product
from operator import ge, gt, le, lt

from syncline_compiler.functions import WRITTEN
from syncline_compiler.functions.function import Setting
from syncline_compiler.model import syntax

Statement = tuple[str, bool]
"""A name, and whether it is there (True) or null (False); or that two are equal: ``equality``."""
Clause = frozenset[Statement]
Facts = frozenset[Clause]

NOTHING: Facts = frozenset()
_MOST = 16
"""Clauses that one condition is worth; what is beyond is forgotten."""
_ORDER = {"lt": lt, "le": le, "gt": gt, "ge": ge}
_MIRRORED = {"lt": "gt", "le": "ge", "gt": "lt", "ge": "le", "eq": "eq", "ne": "ne"}
_CARRYING_OPERATORS = {"add", "sub", "mul", "div", "negate"}
_CARRYING_STEPS = {"code", "ref"}


def equality(one: str, other: str) -> str:
    """Give what stands in a statement for two being equal; each is a name, or a text in quotes."""
    return " == ".join(sorted((one, other)))


def when_true(condition: syntax.Expression) -> Facts:
    """Tell what is known where the condition holds."""
    match condition:
        case syntax.Nullness():
            return given(condition.operand) if condition.negated else absent(condition.operand)
        case syntax.Membership(negated=False):
            return given(condition.operand)
        case syntax.Operation(operator="and"):
            return NOTHING.union(*map(when_true, condition.operands))
        case syntax.Operation(operator="or"):
            return _either(map(when_true, condition.operands))
        case syntax.Operation(operator="not", operands=(operand,)):
            return when_false(operand)
        case syntax.Operation(operator="coalesce", operands=(value, syntax.Literal(kind="bool", value=False))):
            return when_true(value)
        case syntax.Operation(operator="eq" | "ne" | "lt" | "le" | "gt" | "ge", operands=(left, right)):
            return _compared(condition.operator, left, right) | _compared(_MIRRORED[condition.operator], right, left)
        case syntax.Name() | syntax.Call() | syntax.Pipeline():
            return given(condition)
    return NOTHING


def when_false(condition: syntax.Expression) -> Facts:
    """Tell what is known where the condition does not hold."""
    match condition:
        case syntax.Nullness():
            return absent(condition.operand) if condition.negated else given(condition.operand)
        case syntax.Membership(negated=True):
            return given(condition.operand)
        case syntax.Operation(operator="or"):
            return NOTHING.union(*map(when_false, condition.operands))
        case syntax.Operation(operator="and"):
            return _either(map(when_false, condition.operands))
        case syntax.Operation(operator="not", operands=(operand,)):
            return when_true(operand)
        case syntax.Operation(operator="coalesce", operands=(value, syntax.Literal(kind="bool", value=True))):
            return given(value) | when_false(value)
        case syntax.Operation(operator="ne", operands=(left, right)):
            return _compared("eq", left, right) | _compared("eq", right, left)
        case syntax.Operation(operator="eq", operands=(left, right)):
            return _compared("ne", left, right) | _compared("ne", right, left)
    return NOTHING


def given(value: syntax.Expression) -> Facts:
    """Tell what is known where a value is not null: so is everything that null would pass through from."""
    match value:
        case syntax.Name():
            return frozenset({frozenset({(value.text, True)})})
        case syntax.Operation(operator="coalesce"):
            return _either(map(given, value.operands))
        case syntax.Operation() if value.operator in _CARRYING_OPERATORS:
            return NOTHING.union(*map(given, value.operands))
        case syntax.Call() if _carries(value.function.text):
            return NOTHING.union(*map(given, values_of(value.function.text, value.arguments)))
        case syntax.Pick():
            return given(value.list)
        case syntax.Pipeline():
            return _given_through(value)
    return NOTHING


def absent(value: syntax.Expression) -> Facts:
    """Tell what is known where a value is null."""
    match value:
        case syntax.Name():
            return frozenset({frozenset({(value.text, False)})})
        case syntax.Operation(operator="coalesce"):
            return NOTHING.union(*map(absent, value.operands))
    return NOTHING


def named(value: syntax.Expression, written: syntax.Expression) -> Facts:
    """Tell what a ``let`` is worth to know: it is null where the names are that it is made of."""
    assert isinstance(value, syntax.Name)
    return frozenset(clause | {(value.text, False)} for clause in given(written))


def implied(name: str, facts: Facts) -> Facts:
    """Tell that a name is there where all the facts hold, each of which is about one name."""
    needed = {(other, not there) for clause in facts for other, there in clause}
    return frozenset({frozenset({(name, True), *needed})})


def settled(clauses: Iterable[Clause], never_null: Iterable[str]) -> Facts:
    """Draw the conclusions: statements that are known to be false leave their clauses."""
    left = set(clauses)
    known = {(name, True) for name in never_null}
    while True:
        known |= {statement for clause in left if len(clause) == 1 for statement in clause}
        reduced = {_without(clause, known) for clause in left if len(clause) == 1 or not clause & known}
        if reduced == left:
            return frozenset(clause for clause in left if clause)
        left = reduced


def _without(clause: Clause, known: set[Statement]) -> Clause:
    if len(clause) == 1:
        return clause
    return frozenset((name, there) for name, there in clause if (name, not there) not in known)


def _compared(operator: str, value: syntax.Expression, other: syntax.Expression) -> Facts:
    """Tell what a comparison that holds says of its left side; the caller asks for the other side too."""
    if isinstance(other, syntax.Literal) and other.kind == "null":
        return {"eq": absent(value), "ne": given(value)}.get(operator, NOTHING)
    if operator in _ORDER:
        return given(value) | _given_by_default(operator, value, other)
    if operator == "eq":
        if isinstance(other, syntax.Literal):
            return given(value) | _given_by_default(operator, value, other) | _equal(value, other)
        return _either([given(value), absent(other)]) | _equal(value, other)
    if isinstance(other, syntax.Literal):
        return _given_by_default(operator, value, other)
    return _either([given(value), given(other)])  # two nulls are equal


def _equal(one: syntax.Expression, other: syntax.Expression) -> Facts:
    match one, other:
        case syntax.Name(), syntax.Name():
            return frozenset({frozenset({(equality(one.text, other.text), True)})})
        case syntax.Name(), syntax.Literal(kind="text"):
            return frozenset({frozenset({(equality(one.text, f'"{other.value}"'), True)})})
    return NOTHING


def _given_by_default(operator: str, value: syntax.Expression, other: syntax.Expression) -> Facts:
    """``(x ?? "") != ""``: what the default does not satisfy shows that the value is there."""
    match value, other:
        case syntax.Operation(operator="coalesce", operands=(first, syntax.Literal() as default)), syntax.Literal():
            return given(first) if _holds(operator, default, other) is False else NOTHING
    return NOTHING


def _holds(operator: str, left: syntax.Literal, right: syntax.Literal) -> bool | None:
    """Compare two literals; None where that cannot be told here."""
    numbers = {"int", "decimal"}
    if {left.kind, right.kind} <= numbers:
        one, other = Decimal(str(left.value)), Decimal(str(right.value))
        if operator in _ORDER:
            return bool(_ORDER[operator](one, other))
        return (one == other) is (operator == "eq")
    if left.kind != right.kind or operator in _ORDER:
        return None
    return (left.value == right.value) is (operator == "eq")


def _given_through(value: syntax.Pipeline) -> Facts:
    """Go through the steps; each hands on null, save those that make something of it."""
    facts = given(value.value)
    for step in value.steps:
        if not isinstance(step, syntax.Step):
            continue
        name = step.function.text
        if name in _CARRYING_STEPS:
            continue
        facts = facts.union(*map(given, values_of(name, step.arguments))) if _carries(name) else NOTHING
    return facts


@cache
def _carries(name: str) -> bool:
    functions = WRITTEN.get(name, ())
    return bool(functions) and all(function.nulls == "carry" for function in functions)


@cache
def _words(name: str) -> frozenset[str]:
    settings = [one for function in WRITTEN.get(name, ()) for one in function.parameters if isinstance(one, Setting)]
    return frozenset(word for setting in settings for word in setting.words) | ({"system"} if settings else set())


def values_of(name: str, arguments: Iterable[syntax.Expression]) -> list[syntax.Expression]:
    """Leave out the arguments of a function that are bare words: settings, and no names."""
    return [one for one in arguments if not (isinstance(one, syntax.Name) and one.text in _words(name))]


def _either(alternatives: Iterable[Facts]) -> Facts:
    """Tell what is known where one of several is."""
    made: set[Clause] = {frozenset()}
    for facts in alternatives:
        made = {one | other for one, other in product(made, facts)}
        if len(made) > _MOST:
            return NOTHING
    return frozenset(clause for clause in made if not any((name, not there) in clause for name, there in clause))
