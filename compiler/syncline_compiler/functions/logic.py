"""Comparison, presence and logic.

Conditions have two values. ``same`` and ``differs`` compare where null may stand; a null condition counts as false
through ``is_true``; ``eq`` and the like are applied only where no operand is null.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from syncline_compiler.functions import tree
from syncline_compiler.functions.function import Example, Function, Node, Options, Value
from syncline_compiler.functions.kinds import ANY, ORDERED
from syncline_compiler.model.types import BOOL, Kind, Type
from syncline_compiler.sql_tree import exp, later

_BOOL: frozenset[Kind] = frozenset({"bool"})


def _bool(_: Sequence[Type], __: Options) -> Type:
    return BOOL


def _first_present(types: Sequence[Type], _: Options) -> Type:
    first = types[0]
    return first.or_null() if all(one.nullable for one in types) else first.present()


def _found(types: Sequence[Type], _: Options) -> Type:
    """Give a condition that is null where null is among what is compared and decides."""
    return BOOL.or_null() if any(one.nullable for one in types) else BOOL


def _binary(operator: Node) -> Callable[[Sequence[exp.Expression], Options], exp.Expression]:
    return lambda a, _: operator(this=tree.operand(a[0]), expression=tree.operand(a[1]))


def _connected(connector: Node) -> Callable[[Sequence[exp.Expression], Options], exp.Expression]:
    """Give a balanced tree, so that a long chain is not a deep one."""

    def build(arguments: Sequence[exp.Expression], options: Options) -> exp.Expression:
        if len(arguments) == 1:
            return tree.operand(arguments[0])
        half = len(arguments) // 2
        left, right = build(arguments[:half], options), build(arguments[half:], options)
        return connector(this=tree.operand(left), expression=tree.operand(right))

    return build


_TWO = (Value("left", ANY), Value("right", ANY))
_ORDER = (Value("left", ORDERED), Value("right", ORDERED))

FUNCTIONS = (
    Function("eq", "eq", _TWO, _bool, "Whether two values are equal. Written `==`.", _binary(later.EQ),
             examples=(Example(("1", "1"), "true"), Example(("'a'", "'b'"), "false"))),
    Function("ne", "ne", _TWO, _bool, "Whether two values differ. Written `!=`.", _binary(later.NEQ),
             examples=(Example(("1", "1"), "false"),)),
    Function("same", "", _TWO, _bool, "`==` where null may stand: null equals null only.", _binary(later.NullSafeEQ),
             nulls="never", examples=(Example(("NULL", "NULL"), "true"), Example(("'a'", "NULL"), "false"))),
    Function("differs", "", _TWO, _bool, "`!=` where null may stand.", _binary(later.NullSafeNEQ),
             nulls="never", examples=(Example(("NULL", "NULL"), "false"), Example(("'a'", "NULL"), "true"))),
    Function("lt", "lt", _ORDER, _bool, "Whether the first is less. Written `<`.", _binary(later.LT),
             examples=(Example(("1", "2"), "true"),)),
    Function("le", "le", _ORDER, _bool, "Whether the first is at most the second. Written `<=`.", _binary(later.LTE),
             examples=(Example(("2", "2"), "true"),)),
    Function("gt", "gt", _ORDER, _bool, "Whether the first is greater. Written `>`.", _binary(later.GT),
             examples=(Example(("1", "2"), "false"),)),
    Function("ge", "ge", _ORDER, _bool, "Whether the first is at least the second. Written `>=`.", _binary(later.GTE),
             examples=(Example(("2", "2"), "true"),)),
    Function("and", "", (Value("value", _BOOL),), _bool, "Whether all hold.", _connected(later.And), repeats=True, nulls="own",
             examples=(Example(("true", "true", "false"), "false"), Example(("true", "true"), "true"))),
    Function("or", "", (Value("value", _BOOL),), _bool, "Whether one holds.", _connected(later.Or), repeats=True, nulls="own",
             examples=(Example(("false", "true", "false"), "true"), Example(("false", "false"), "false"))),
    Function("not", "not", (Value("value", _BOOL),), _bool, "Whether it does not hold.",
             lambda a, _: exp.Not(this=tree.operand(a[0])), examples=(Example(("true",), "false"),)),
    Function("is_true", "", (Value("value", _BOOL),), _bool, "A condition in which null counts as false.",
             lambda a, _: exp.Coalesce(this=a[0], expressions=[tree.boolean(False)]), nulls="never",
             examples=(Example(("NULL::BOOLEAN",), "false"), Example(("true",), "true"))),
    Function("is_null", "is_null", (Value("value", ANY),), _bool, "Whether a value is null. Written `is null`.",
             lambda a, _: exp.Is(this=tree.operand(a[0]), expression=exp.Null()), nulls="never",
             examples=(Example(("NULL",), "true"), Example(("''",), "false"))),
    Function("coalesce", "coalesce", (Value("value", ANY),), _first_present,
             "The first value that is not null. Written `??`.",
             lambda a, _: exp.Coalesce(this=a[0], expressions=list(a[1:])), nulls="own", repeats=True,
             examples=(Example(("NULL::VARCHAR", "'a'"), "a"), Example(("'b'", "'a'"), "b"))),
    Function("in", "", (Value("value", ANY),), _found, "Whether a value is one of several. Written `in (…)`.",
             lambda a, _: exp.In(this=tree.operand(a[0]), expressions=list(a[1:])), repeats=True, nulls="own",
             examples=(Example(("1", "1", "2"), "true"), Example(("3", "1", "2"), "false"))),
    Function("given", "", (Value("value", ANY),), lambda types, _: types[0].present(),
             "A value that must be there: null fails the step.", lambda a, _: a[0], can_fail=True, excused=(),
             nulls="never", examples=(Example(("'a'",), "a"),)),
)  # fmt: skip
