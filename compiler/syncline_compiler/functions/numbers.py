"""Functions over numbers: strict readings of text, arithmetic that cannot overflow unseen, rounding.

The engine would read '2.5' as 3, '1e3' as 1000 and '0x1F' as 31, divide decimals through DOUBLE and stop the whole
query where a sum overflows; everything here is guarded against that.
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
    Setting,
    TooManyDigits,
    Value,
)
from syncline_compiler.functions.kinds import NUMERIC, TEXTUAL
from syncline_compiler.model.types import INT, TEXT, Kind, Type
from syncline_compiler.sql_tree import exp, later

MOST_DIGITS = 38
DIVISION_SCALE = 6
"""Digits after the point of a quotient, unless its dividend has more."""
INT_DIGITS = 19
INT_RANGE = (-(2**63), 2**63 - 1)
ADVICE = "round what goes in first, as `(… | round 2)`, or declare fields with the digits they need: decimal(12,2)"

_INT: frozenset[Kind] = frozenset({"int"})
_DECIMAL: frozenset[Kind] = frozenset({"decimal"})


def digits(number: Type) -> tuple[int, int]:
    """Precision and scale of a numeric type."""
    if number.kind == "int":
        return INT_DIGITS, 0
    return number.precision or MOST_DIGITS, number.scale or 0


def decimal(precision: int, scale: int) -> Type:
    """Give a decimal type; TooManyDigits where there is none so wide."""
    if precision > MOST_DIGITS:
        raise TooManyDigits(f"this may have {precision} digits, and {MOST_DIGITS} is the most", ADVICE)
    return Type("decimal", precision=precision, scale=scale)


def joint(types: Sequence[Type]) -> Type:
    """Give the decimal type that holds the values of several numeric types."""
    measures = [digits(one) for one in types]
    scale = max(scale for _, scale in measures)
    return decimal(max(precision - scale for precision, scale in measures) + scale, scale)


def _given(_: Sequence[Type], options: Options) -> Type:
    return decimal(int(options["precision"]), int(options["scale"]))


def _scaled(_: Sequence[Type], options: Options) -> Type:
    scale = int(options["scale"])
    return decimal(max(18, scale), scale)


def _sum(types: Sequence[Type], _: Options) -> Type:
    (p1, s1), (p2, s2) = digits(types[0]), digits(types[1])
    if types[0].kind == types[1].kind == "int":
        return INT
    scale = max(s1, s2)
    return decimal(max(p1 - s1, p2 - s2) + scale + 1, scale)


def _product(types: Sequence[Type], _: Options) -> Type:
    (p1, s1), (p2, s2) = digits(types[0]), digits(types[1])
    return INT if types[0].kind == types[1].kind == "int" else decimal(p1 + p2, s1 + s2)


def _quotient(types: Sequence[Type], _: Options) -> Type:
    (p1, s1), s2 = digits(types[0]), digits(types[1])[1]
    scale = max(s1, DIVISION_SCALE)
    return decimal(p1 - s1 + s2 + scale + 1, scale)


def _result_digits(_: Sequence[Type], result: Type) -> Options:
    if result.kind == "int":
        return {}
    precision, scale = digits(result)
    return {"precision": str(precision), "scale": str(scale)}


def _division_digits(types: Sequence[Type], result: Type) -> Options:
    if result.kind == "int":
        return {}
    (p1, s1), (p2, s2) = digits(types[0]), digits(types[1])
    room = {} if max(p1 + s1, p2 + s2) <= MOST_DIGITS else {"spelled": "true"}
    return {**_result_digits(types, result), "left": str(s1), "right": str(s2), **room}


def _arithmetic(operator: Node) -> Callable[[Sequence[exp.Expression], Options], exp.Expression]:
    """Both operands wide enough for the result; whole numbers are brought back, null where they do not fit."""

    def build(arguments: Sequence[exp.Expression], options: Options) -> exp.Expression:
        wide = tree.decimal(options["precision"], options["scale"]) if options else "HUGEINT"
        made = operator(this=tree.cast(arguments[0], wide), expression=tree.cast(arguments[1], wide))
        return tree.cast(made, wide) if options else tree.try_cast(made, "BIGINT")

    return build


def _multiply(arguments: Sequence[exp.Expression], options: Options) -> exp.Expression:
    if not options:
        return _arithmetic(exp.Mul)(arguments, options)
    left, right = _units(arguments[0], "left", options), _units(arguments[1], "right", options)
    return _from_units(exp.Mul(this=left, expression=right), options)


def _units(node: exp.Expression, side: str, options: Options) -> exp.Expression:
    """Give a decimal as a whole number of its smallest unit; by its digits where to multiply could overflow."""
    scale = int(options[side])
    if scale == 0:
        return tree.cast(node, "HUGEINT")
    if "spelled" in options:
        return tree.cast(tree.call("REPLACE", tree.cast(node, "VARCHAR"), tree.text("."), tree.text("")), "HUGEINT")
    shifted = exp.Mul(this=tree.cast(node, tree.decimal(MOST_DIGITS, scale)), expression=_ten(scale))
    return tree.cast(shifted, "HUGEINT")


def _ten(power: int) -> exp.Expression:
    return tree.cast(tree.text("1" + "0" * power), "HUGEINT")


def _from_units(node: exp.Expression, options: Options) -> exp.Expression:
    precision, scale = int(options["precision"]), int(options["scale"])
    whole = tree.cast(node, tree.decimal(precision, 0))
    if scale == 0:
        return whole
    unit = tree.cast(tree.text("0." + "0" * (scale - 1) + "1"), tree.decimal(scale, scale))
    return tree.cast(exp.Mul(this=whole, expression=unit), tree.decimal(precision, scale))


def _divide(arguments: Sequence[exp.Expression], options: Options) -> exp.Expression:
    """Divide whole units, half away from zero; a quotient by zero is null."""
    left, right, scale = int(options["left"]), int(options["right"]), int(options["scale"])
    above = exp.Mul(this=_units(arguments[0], "left", options), expression=_ten(scale - left + right))
    below = exp.Nullif(this=_units(arguments[1], "right", options), expression=tree.number(0))
    divisor = exp.Abs(this=below)
    half = exp.IntDiv(this=divisor, expression=tree.number(2))
    raised = exp.Paren(this=exp.Add(this=exp.Abs(this=above), expression=half))
    size = exp.IntDiv(this=raised, expression=divisor)
    sign = exp.Mul(this=exp.Sign(this=arguments[0]), expression=exp.Sign(this=arguments[1]))
    return _from_units(exp.Mul(this=exp.Paren(this=sign), expression=exp.Paren(this=size)), options)


def _decimal_of_text(arguments: Sequence[exp.Expression], options: Options) -> exp.Expression:
    precision, scale = options["precision"], int(options["scale"])
    fraction = rf"(?:\.[0-9]{{1,{scale}}}0*)?" if scale else r"(?:\.0+)?"
    return tree.try_cast(tree.shaped(arguments[0], f"[+-]?[0-9]+{fraction}"), tree.decimal(precision, scale))


def cut(node: exp.Expression, scale: int) -> exp.Expression:
    """Give a number without the digits behind so many; rounding instead could leave the range of its type."""
    return tree.call("TRUNC", node, tree.number(scale))


def exactly(node: exp.Expression, options: Options) -> exp.Expression:
    """Give the number in the given measures, null where digits would be lost."""
    exact = tree.equal(cut(node, int(options["scale"])), node)
    return tree.when((exact, tree.try_cast(node, tree.decimal(options["precision"], options["scale"]))))


def _whole(arguments: Sequence[exp.Expression], _: Options) -> exp.Expression:
    node = arguments[0]
    return tree.when((tree.equal(cut(node, 0), node), tree.try_cast(node, "BIGINT")))


def scale_fits(value: str) -> str | None:
    """Tell what is wrong with a number of digits after the point."""
    return None if 0 <= int(value) <= 18 else "a number of digits from 0 to 18 is expected"


_PAIR = (Value("left", NUMERIC), Value("right", NUMERIC))
_SCALE = Setting("scale", "int", check=scale_fits)
_MEASURES = (Setting("precision", "int"), _SCALE)
_D = {"precision": "12", "scale": "2"}

FUNCTIONS = (
    Function(
        "int_of_text", "int", (Value("value", TEXTUAL),), lambda _, __: INT,
        "Reads a whole number: digits with or without a sign, nothing else.",
        lambda a, _: tree.try_cast(tree.shaped(a[0], "[+-]?[0-9]{1,19}"), "BIGINT"),
        can_fail=True, inverse=Inverse(((0, "text_of_int"),)),
        examples=(
            Example(("'42'",), "42"), Example(("'-7'",), "-7"), Example(("'2.5'",), None), Example(("'1e3'",), None),
            Example(("'0x1F'",), None), Example(("'1_000'",), None), Example(("''",), None), Example(("' 1'",), None),
            Example(("'9999999999999999999'",), None), Example(("'12\n'",), None),
        ),
    ),
    Function(
        "text_of_int", "text", (Value("value", _INT),), lambda _, __: TEXT, "The digits of a whole number.",
        lambda a, _: tree.cast(a[0], "VARCHAR"), inverse=Inverse(((0, "int_of_text"),)),
        examples=(Example(("42",), "42"),),
    ),
    Function(
        "int_of_decimal", "int", (Value("value", _DECIMAL),), lambda _, __: INT,
        "The whole number that a decimal is; fails where it has a fraction.", _whole, can_fail=True,
        inverse=Inverse(((0, "decimal_of_int"),), exact=False),
        examples=(Example(("2.00::DECIMAL(12,2)",), "2"), Example(("2.50::DECIMAL(12,2)",), None)),
    ),
    Function(
        "decimal_of_text", "", (Value("value", TEXTUAL), *_MEASURES), _given,
        "Reads a decimal of a native field: digits and a point. More digits than the field has are no such decimal.",
        _decimal_of_text, can_fail=True, inverse=Inverse(((0, "text_of_decimal"),)),
        examples=(
            Example(("'12.50'",), "12.50", _D), Example(("'12'",), "12.00", _D), Example(("'12.5000'",), "12.50", _D),
            Example(("'12.505'",), None, _D), Example(("'1e3'",), None, _D), Example(("'12345678901'",), None, _D),
            Example(("'.5'",), None, _D), Example(("'1_000'",), None, _D), Example(("'1,5'",), None, _D),
        ),
    ),
    Function(
        "decimal", "decimal", (Value("value", TEXTUAL), _SCALE), _scaled,
        "Reads a decimal with so many digits after the point, of 18 in all.",
        lambda a, o: _decimal_of_text(a, {"precision": str(max(18, int(o["scale"]))), **o}), can_fail=True,
        inverse=Inverse(((0, "text_of_decimal"),)),
        examples=(Example(("'12.5'",), "12.50", {"scale": "2"}), Example(("'x'",), None, {"scale": "2"})),
    ),
    Function(
        "decimal_of_int", "", (Value("value", _INT), *_MEASURES), _given, "A whole number as a decimal.",
        lambda a, o: tree.try_cast(a[0], tree.decimal(o["precision"], o["scale"])), can_fail=True,
        inverse=Inverse(((0, "int_of_decimal"),), exact=False),
        examples=(Example(("7",), "7.00", _D), Example(("99999999999",), None, _D)),
    ),
    Function(
        "decimal_exactly", "", (Value("value", _DECIMAL), *_MEASURES), _given,
        "A decimal in other measures; fails where digits would be lost.", lambda a, o: exactly(a[0], o), can_fail=True,
        inverse=Inverse(((0, "decimal_exactly"),)),
        examples=(Example(("1.50::DECIMAL(18,4)",), "1.50", _D), Example(("1.505::DECIMAL(18,4)",), None, _D)),
    ),
    Function(
        "text_of_decimal", "", (Value("value", _DECIMAL), *_MEASURES), lambda _, __: TEXT,
        "A decimal as a native field takes it; fails where the field cannot hold all digits.",
        lambda a, o: tree.cast(exactly(a[0], o), "VARCHAR"), can_fail=True, inverse=Inverse(((0, "decimal_of_text"),)),
        examples=(Example(("1.5::DECIMAL(18,4)",), "1.50", _D), Example(("1.505::DECIMAL(18,4)",), None, _D)),
    ),
    Function(
        "digits_of_decimal", "text", (Value("value", _DECIMAL),), lambda _, __: TEXT,
        "The digits of a decimal, with those after the point that its type has.",
        lambda a, _: tree.cast(a[0], "VARCHAR"), examples=(Example(("1.5::DECIMAL(12,2)",), "1.50"),),
    ),
    Function(
        "add", "add", _PAIR, _sum, "Adds numbers. Written `+`.", _arithmetic(later.Add), can_fail=True, fails_for=_INT,
        options=_result_digits,
        examples=(
            Example(("2", "3"), "5"), Example(("9223372036854775807", "1"), None),
            Example(("1.5::DECIMAL(12,2)", "2"), "3.50", {"precision": "22", "scale": "2"}),
        ),
    ),
    Function(
        "sub", "sub", _PAIR, _sum, "Subtracts numbers. Written `-`.", _arithmetic(later.Sub), can_fail=True,
        fails_for=_INT, options=_result_digits, examples=(Example(("2", "3"), "-1"),),
    ),
    Function(
        "mul", "mul", _PAIR, _product, "Multiplies numbers. Written `*`.", _multiply, can_fail=True, fails_for=_INT,
        options=_division_digits,
        examples=(
            Example(("2", "3"), "6", {}), Example(("9223372036854775807", "2"), None, {}),
            Example(("1.50::DECIMAL(12,2)", "1.05::DECIMAL(5,2)"), "1.5750",
                    {"precision": "17", "scale": "4", "left": "2", "right": "2"}),
        ),
    ),
    Function(
        "div", "div", _PAIR, _quotient,
        "Divides numbers exactly, to six digits after the point or the dividend's own, halves away from zero; "
        "fails for a divisor of 0. Written `/`.", _divide, can_fail=True, options=_division_digits,
        examples=(
            Example(("1", "3"), "0.333333", {"precision": "26", "scale": "6", "left": "0", "right": "0"}),
            Example(("-2", "3"), "-0.666667", {"precision": "26", "scale": "6", "left": "0", "right": "0"}),
            Example(("1", "0"), None, {"precision": "26", "scale": "6", "left": "0", "right": "0"}),
        ),
    ),
)  # fmt: skip
