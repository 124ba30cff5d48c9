"""Which names are certainly not null once a condition holds, or does not hold.

In: conditions as written. Out: sets of names. Only what is plain to see is found: ``is null``, comparisons with
values, ``and``, ``or``, ``not``.
"""

from __future__ import annotations

from syncline_compiler.model import syntax

Names = frozenset[str]
NOTHING: Names = frozenset()
_COMPARING = {"lt", "le", "gt", "ge"}


def when_true(condition: syntax.Expression) -> Names:
    """Names that are not null where the condition holds."""
    match condition:
        case syntax.Nullness(operand=syntax.Name() as name, negated=True):
            return frozenset({name.text})
        case syntax.Membership(operand=syntax.Name() as name, negated=False):
            return frozenset({name.text})
        case syntax.Operation(operator="and"):
            return NOTHING.union(*map(when_true, condition.operands))
        case syntax.Operation(operator="not"):
            return when_false(condition.operands[0])
        case syntax.Operation(operator="eq", operands=(left, right)):
            return _equal(left, right) | _equal(right, left)
        case syntax.Operation() if condition.operator in _COMPARING:
            return frozenset(operand.text for operand in condition.operands if isinstance(operand, syntax.Name))
    return NOTHING


def when_false(condition: syntax.Expression) -> Names:
    """Names that are not null where the condition does not hold."""
    match condition:
        case syntax.Nullness(operand=syntax.Name() as name, negated=False):
            return frozenset({name.text})
        case syntax.Operation(operator="or"):
            return NOTHING.union(*map(when_false, condition.operands))
        case syntax.Operation(operator="not"):
            return when_true(condition.operands[0])
    return NOTHING


def _equal(name: syntax.Expression, value: syntax.Expression) -> Names:
    if isinstance(name, syntax.Name) and isinstance(value, syntax.Literal) and value.kind != "null":
        return frozenset({name.text})
    return NOTHING
