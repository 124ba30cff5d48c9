"""Functions over numbers that keep to one value: rounding, bounds, signs.

The engine rounds halves away from zero and stops a whole query where the smallest
whole number changes its sign; here that one value fails.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from syncline_compiler.functions import tree
from syncline_compiler.functions.function import (
    Example,
    Function,
    Inverse,
    Node,
    Options,
    RefusedArguments,
    Setting,
    Value,
)
from syncline_compiler.functions.kinds import NUMERIC
from syncline_compiler.functions.numbers import MOST_DIGITS, decimal, digits, joint, scale_fits
from syncline_compiler.model.types import INT, Kind, Type
from syncline_compiler.sql_tree import exp, later

_INT: frozenset[Kind] = frozenset({"int"})
_ORDERED: frozenset[Kind] = NUMERIC | {"date", "instant", "local_datetime", "duration"}


def _rounded(types: Sequence[Type], options: Options) -> Type:
    precision, scale = digits(types[0])
    kept = min(int(options.get("scale", 0)), scale)
    return decimal(min(precision - scale + kept + 1, MOST_DIGITS), kept)


def _measures(types: Sequence[Type], result: Type) -> Options:
    return {"precision": str(result.precision), "kept": str(result.scale), "from": str(digits(types[0])[1])}


def _held(node: exp.Expression, options: Options) -> exp.Expression:
    return tree.cast(node, tree.decimal(options["precision"], options["kept"]))


def _nearest(arguments: Sequence[exp.Expression], options: Options) -> exp.Expression:
    return _held(exp.Round(this=arguments[0], decimals=tree.number(int(options["scale"]))), options)


def _nearest_even(arguments: Sequence[exp.Expression], options: Options) -> exp.Expression:
    """Cut where exactly a half follows an even digit, else round. The engine's own takes the way through DOUBLE."""
    number, kept = arguments[0], int(options["kept"])
    if int(options["from"]) <= kept:
        return _held(number, options)
    cut = tree.call("TRUNC", number, tree.number(kept))
    rest = exp.Abs(this=exp.Paren(this=exp.Sub(this=tree.operand(number), expression=cut)))
    half = tree.equal(rest, _part(5, kept + 1))
    even = tree.equal(exp.Mod(this=cut, expression=_part(2, kept)), tree.number(0))
    return tree.when((exp.And(this=half, expression=even), _held(cut, options)), otherwise=_nearest(arguments, options))


def _part(digit: int, place: int) -> exp.Expression:
    """Give a number that has one digit, so many places after the point."""
    if place == 0:
        return tree.number(digit)
    return tree.cast(tree.text(f"0.{digit:0{place}d}"), tree.decimal(place, place))


def _whole(function: str) -> Callable[[Sequence[exp.Expression], Options], exp.Expression]:
    return lambda a, o: _held(tree.call(function, a[0]), o)


def _one_type(types: Sequence[Type], _: Options) -> Type:
    """Give the type that holds both of two ordered values."""
    left, right = types
    if {left.kind, right.kind} <= NUMERIC:
        return INT if left.kind == right.kind == "int" else joint(types)
    if left.kind != right.kind and "null" not in (left.kind, right.kind):
        raise RefusedArguments(f"{left.present()} and {right.present()} have no common order")
    return left.present()


def _lesser(operator: Node) -> Callable[[Sequence[exp.Expression], Options], exp.Expression]:
    def build(arguments: Sequence[exp.Expression], _: Options) -> exp.Expression:
        left, right = arguments
        ordered = operator(this=tree.operand(left), expression=tree.operand(right))
        other = exp.Or(this=exp.Is(this=tree.operand(left), expression=exp.Null()),
                       expression=exp.Is(this=tree.operand(right), expression=exp.Null()))  # fmt: skip
        return tree.when((ordered, left), (other, exp.Null()), otherwise=right)

    return build


def _signed(change: Callable[[exp.Expression], exp.Expression]) -> Callable[..., exp.Expression]:
    """Change the sign; of whole numbers in a wider type, since the smallest has no opposite."""

    def build(arguments: Sequence[exp.Expression], options: Options) -> exp.Expression:
        if options.get("of") != "int":
            return change(arguments[0])
        return tree.try_cast(change(tree.cast(arguments[0], "HUGEINT")), "BIGINT")

    return build


def _of_int(types: Sequence[Type], _: Type) -> Options:
    return {"of": "int"} if types[0].kind == "int" else {}


_SCALE = Setting("scale", "int", check=scale_fits)
_NUMBER = (Value("value", NUMERIC),)
_PAIR = (Value("left", _ORDERED), Value("right", _ORDERED))
_TO_2 = {"scale": "2", "precision": "12", "kept": "2", "from": "3"}
_TO_0 = {"precision": "12", "kept": "0", "from": "1"}
_OF_INT = {"of": "int"}
_SMALLEST = "(-9223372036854775808)::BIGINT"

FUNCTIONS = (
    Function(
        "round", "round", (*_NUMBER, _SCALE), _rounded,
        "Rounds to so many digits after the point, halves away from zero, as invoices do.",
        _nearest, inverse=Inverse(((0, "round"),), exact=False), options=_measures,
        examples=(Example(("2.345::DECIMAL(12,3)",), "2.35", _TO_2), Example(("-2.345::DECIMAL(12,3)",), "-2.35", _TO_2)),
    ),
    Function(
        "round_even", "round_even", (*_NUMBER, _SCALE), _rounded,
        "Rounds to so many digits after the point, halves to the even digit, as banks and statistics do.",
        _nearest_even, inverse=Inverse(((0, "round_even"),), exact=False), options=_measures,
        examples=(
            Example(("2.345::DECIMAL(12,3)",), "2.34", _TO_2), Example(("2.355::DECIMAL(12,3)",), "2.36", _TO_2),
            Example(("-2.345::DECIMAL(12,3)",), "-2.34", _TO_2), Example(("2.346::DECIMAL(12,3)",), "2.35", _TO_2),
        ),
    ),
    Function(
        "floor", "floor", _NUMBER, _rounded, "The greatest whole number that is not above it.", _whole("FLOOR"),
        options=_measures,
        examples=(Example(("2.5::DECIMAL(12,1)",), "2", _TO_0), Example(("-2.5::DECIMAL(12,1)",), "-3", _TO_0)),
    ),
    Function(
        "ceil", "ceil", _NUMBER, _rounded, "The least whole number that is not below it.", _whole("CEIL"),
        options=_measures,
        examples=(Example(("2.5::DECIMAL(12,1)",), "3", _TO_0), Example(("-2.5::DECIMAL(12,1)",), "-2", _TO_0)),
    ),
    Function(
        "abs", "abs", _NUMBER, lambda types, _: types[0].present(), "A number without its sign.",
        _signed(lambda node: exp.Abs(this=node)), can_fail=True, fails_for=_INT, options=_of_int,
        examples=(Example(("-2.5::DECIMAL(12,1)",), "2.5"), Example(("-3",), "3", _OF_INT),
                  Example((_SMALLEST,), None, _OF_INT)),
    ),
    Function(
        "negate", "negate", _NUMBER, lambda types, _: types[0].present(),
        "A number with the other sign. Also written `-`.",
        _signed(lambda node: exp.Neg(this=tree.operand(node))), can_fail=True, fails_for=_INT, options=_of_int,
        inverse=Inverse(((0, "negate"),)),
        examples=(Example(("2.5::DECIMAL(12,1)",), "-2.5"), Example(("-3",), "3", _OF_INT),
                  Example((_SMALLEST,), None, _OF_INT)),
    ),
    Function(
        "min", "min", _PAIR, _one_type, "The lesser of two numbers, or the earlier of two times; null if one is null.",
        _lesser(later.LTE), examples=(Example(("2", "3"), "2"), Example(("2", "NULL::BIGINT"), None)),
    ),
    Function(
        "max", "max", _PAIR, _one_type, "The greater of two numbers, or the later of two times; null if one is null.",
        _lesser(later.GTE), examples=(Example(("2", "3"), "3"), Example(("NULL::BIGINT", "3"), None)),
    ),
)  # fmt: skip
