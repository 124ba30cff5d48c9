"""Reckoning with money: sums in one currency, shares and multiples, rounding to what can be paid.

Every result keeps its currency. What would need more than four digits after the point fails, as everywhere where digits
would be lost; a quotient is rounded to four, halves away from zero.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from syncline_compiler.functions import numbers, tree
from syncline_compiler.functions.amounts import AMOUNT, HELD, amount_of, currency_of, present
from syncline_compiler.functions.codes import MINOR_UNITS
from syncline_compiler.functions.function import Example, Function, Inverse, Node, Options, Sql, Value
from syncline_compiler.functions.kinds import NUMERIC
from syncline_compiler.model.types import MONEY, MONEY_PRECISION, MONEY_SCALE, Kind, Type
from syncline_compiler.sql_tree import Tree, exp, later

_MONEY: frozenset[Kind] = frozenset({"money"})
_HELD_IN = {"precision": str(MONEY_PRECISION), "scale": str(MONEY_SCALE)}
_BY_NAME = {function.name: function for function in numbers.FUNCTIONS}


def _money(_: Sequence[Type], __: Options) -> Type:
    return MONEY


def _with(amount: Tree, money: Tree) -> Tree:
    """Give money of another amount, in the same currency; null where the amount is."""
    return tree.when((present(amount), tree.struct(amount=amount, currency=currency_of(money))))


def _added(operator: Node) -> Sql:
    """Both amounts of one currency, or one of them without any; otherwise null."""

    def build(arguments: Sequence[Tree], _: Options) -> Tree:
        left, right = arguments
        currencies = currency_of(left), currency_of(right)
        sum_ = operator(this=tree.cast(amount_of(left), tree.decimal(20, 4)),
                        expression=tree.cast(amount_of(right), tree.decimal(20, 4)))  # fmt: skip
        either = exp.Coalesce(this=currencies[0], expressions=[currencies[1]])
        other = exp.Coalesce(this=currencies[1], expressions=[currencies[0]])
        agree = exp.NullSafeEQ(this=either, expression=other)
        held = tree.try_cast(sum_, HELD)
        return tree.when((exp.And(this=agree, expression=present(held)), tree.struct(amount=held, currency=either)))

    return build


def _changed(change: Callable[[Tree], Tree]) -> Sql:
    return lambda a, _: tree.bound(a[0], lambda money: _with(change(amount_of(money)), money))


def _by_number(name: str) -> Callable[[Sequence[Type], Options], Type]:
    """Give money, if the number has not too many digits to reckon with an amount."""

    def result(types: Sequence[Type], _: Options) -> Type:
        _BY_NAME[name].type_of([AMOUNT, types[1]], {})
        return MONEY

    return result


def _digits_by(name: str) -> Callable[[Sequence[Type], Type], Options]:
    def options(types: Sequence[Type], _: Type) -> Options:
        function = _BY_NAME[name]
        assert function.options is not None  # arithmetic says how wide it is
        return function.options([AMOUNT, types[1]], function.type_of([AMOUNT, types[1]], {}))

    return options


def _multiplied(arguments: Sequence[Tree], options: Options) -> Tree:
    build = _BY_NAME["mul"].sql
    assert build is not None
    product = build([amount_of(arguments[0]), arguments[1]], options)
    return tree.bound(product, lambda amount: _with(numbers.exactly(amount, _HELD_IN), arguments[0]))


def _divided(arguments: Sequence[Tree], options: Options) -> Tree:
    build = _BY_NAME["div"].sql
    assert build is not None
    quotient = build([amount_of(arguments[0]), arguments[1]], options)
    rounded = tree.try_cast(exp.Round(this=quotient, decimals=tree.number(MONEY_SCALE)), HELD)
    return tree.bound(rounded, lambda amount: _with(amount, arguments[0]))


def _rounded(money: Tree) -> Tree:
    """Round to the currency's smallest unit: two digits after the point unless the table says otherwise."""
    branches = []
    for size in (0, 3, 4):
        codes = [tree.text(code) for code, digits in sorted(MINOR_UNITS.items()) if digits == size]
        branches.append((exp.In(this=currency_of(money), expressions=codes), _to(amount_of(money), size)))
    return _with(tree.when(*branches, otherwise=_to(amount_of(money), 2)), money)


def _to(amount: Tree, size: int) -> Tree:
    return tree.try_cast(exp.Round(this=amount, decimals=tree.number(size)), HELD)


_EUR = "{'amount': 12.5::DECIMAL(18,4), 'currency': 'EUR'}"
_USD = "{'amount': 1::DECIMAL(18,4), 'currency': 'USD'}"
_NONE = "{'amount': 0::DECIMAL(18,4), 'currency': NULL::VARCHAR}"
_PAIR = (Value("left", _MONEY), Value("right", _MONEY))
_ONE = (Value("value", _MONEY),)
_TIMES = (Value("value", _MONEY), Value("number", NUMERIC))
_RATE = {"precision": "23", "scale": "6", "left": "4", "right": "2"}
_TAX = {"precision": "23", "scale": "7", "left": "4", "right": "3"}
_THREE = {"precision": "25", "scale": "6", "left": "4", "right": "0"}
_LEAST = "{'amount': 99999999999999.9999::DECIMAL(18,4), 'currency': 'JPY'}"

FUNCTIONS = (
    Function(
        "money_add", "add", _PAIR, _money, "Adds money of one currency; fails for two. Written `+`.", _added(later.Add),
        can_fail=True,
        examples=(Example((_EUR, _EUR), "{'amount': 25.0000, 'currency': EUR}"), Example((_EUR, _USD), None),
                  Example((_EUR, _NONE), "{'amount': 12.5000, 'currency': EUR}")),
    ),
    Function(
        "money_sub", "sub", _PAIR, _money, "Subtracts money of one currency; fails for two. Written `-`.",
        _added(later.Sub), can_fail=True,
        examples=(Example((_NONE, _EUR), "{'amount': -12.5000, 'currency': EUR}"), Example((_EUR, _USD), None)),
    ),
    Function(
        "money_mul", "mul", _TIMES, _by_number("mul"),
        "A multiple or share of money; fails where it has more than four digits after the point. Written `*`.", _multiplied,
        can_fail=True, options=_digits_by("mul"),
        examples=(Example((_EUR, "1.19::DECIMAL(5,2)"), "{'amount': 14.8750, 'currency': EUR}", _RATE),
                  Example((_EUR, "1.0775::DECIMAL(5,4)"), None, {**_TAX, "scale": "8", "right": "4"})),
    ),
    Function(
        "money_div", "div", _TIMES, _by_number("div"),
        "A part of money, rounded to four digits after the point; fails for a divisor of 0. Written `/`.", _divided,
        can_fail=True, options=_digits_by("div"),
        examples=(Example((_EUR, "3"), "{'amount': 4.1667, 'currency': EUR}", _THREE), Example((_EUR, "0"), None, _THREE)),
    ),
    Function(
        "money_round", "round", _ONE, _money,
        "Rounds to the smallest unit of the currency, halves away from zero: cents for EUR, whole yen for JPY.",
        lambda a, _: tree.bound(a[0], _rounded),
        can_fail=True, inverse=Inverse(((0, "money_round"),), exact=False),
        examples=(
            Example(("{'amount': 1.005::DECIMAL(18,4), 'currency': 'EUR'}",), "{'amount': 1.0100, 'currency': EUR}"),
            Example(("{'amount': 1.5::DECIMAL(18,4), 'currency': 'JPY'}",), "{'amount': 2.0000, 'currency': JPY}"),
            Example((_LEAST,), None),
        ),
    ),
    Function(
        "money_negate", "negate", _ONE, _money, "Money with the other sign.", _changed(lambda amount: exp.Neg(this=amount)),
        inverse=Inverse(((0, "money_negate"),)), examples=(Example((_EUR,), "{'amount': -12.5000, 'currency': EUR}"),),
    ),
    Function(
        "money_abs", "abs", _ONE, _money, "Money without its sign.", _changed(lambda amount: exp.Abs(this=amount)),
        examples=(Example(("{'amount': -1::DECIMAL(18,4), 'currency': 'EUR'}",), "{'amount': 1.0000, 'currency': EUR}"),),
    ),
)  # fmt: skip
