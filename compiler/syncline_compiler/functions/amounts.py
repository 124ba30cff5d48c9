"""Money: an amount that is never without its currency.

Held as STRUCT(amount DECIMAL(18, 4), currency VARCHAR). A sum over no records is an amount of 0 without a currency,
which goes with every currency; otherwise amounts of two currencies are never added.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from syncline_compiler.functions import tree
from syncline_compiler.functions.codes import MINOR_UNITS
from syncline_compiler.functions.function import Example, Function, Inverse, Options, RefusedArguments, Value
from syncline_compiler.functions.kinds import NUMERIC
from syncline_compiler.functions.numbers import INT_DIGITS, cut, digits
from syncline_compiler.model.types import CURRENCY, INT, MONEY, MONEY_PRECISION, MONEY_SCALE, Kind, Type
from syncline_compiler.sql_tree import Tree, exp

_MONEY: frozenset[Kind] = frozenset({"money"})
_CURRENCY: frozenset[Kind] = frozenset({"currency"})
_INT: frozenset[Kind] = frozenset({"int"})
AMOUNT = Type("decimal", precision=MONEY_PRECISION, scale=MONEY_SCALE)
HELD = tree.decimal(MONEY_PRECISION, MONEY_SCALE)


class _WholeNumber(RefusedArguments):
    """A whole number where an amount is expected: nothing says what it counts."""

    code = "SYN0315"


def _money(_: Sequence[Type], __: Options) -> Type:
    return MONEY


def _money_of(types: Sequence[Type], _: Options) -> Type:
    if types[0].kind == "int":
        cents = "if it counts cents, or what is smallest in the currency: `money_minor(amount, currency)`"
        whole = "if it counts whole units: `money(amount * 1.00, currency)`"
        raise _WholeNumber("a whole number: cents, or whole units?", [cents, whole])
    return MONEY


def amount_of(money: Tree) -> Tree:
    """Give the amount of a money value."""
    return tree.member(money, "amount")


def currency_of(money: Tree) -> Tree:
    """Give the currency of a money value."""
    return tree.member(money, "currency")


def made(amount: Tree, currency: Tree) -> Tree:
    """Money of an amount; null where either is null."""

    def whole(money: Tree) -> Tree:
        return tree.when((exp.And(this=present(amount_of(money)), expression=present(currency_of(money))), money))

    return tree.bound(tree.struct(amount=amount, currency=currency), whole)


def present(node: Tree) -> Tree:
    """Whether a value is not null."""
    return exp.Not(this=exp.Is(this=tree.operand(node), expression=exp.Null()))


def _of_amount(arguments: Sequence[Tree], options: Options) -> Tree:
    if "fits" in options:
        return made(tree.cast(arguments[0], HELD), arguments[1])
    exact = tree.equal(cut(arguments[0], MONEY_SCALE), arguments[0])
    return made(tree.when((exact, tree.try_cast(arguments[0], HELD))), arguments[1])


def _room(types: Sequence[Type], _: Type) -> Options:
    """Say that every amount of this type can be held, so that nothing is checked."""
    precision, scale = digits(types[0])
    fits = scale <= MONEY_SCALE and precision - scale <= MONEY_PRECISION - MONEY_SCALE
    return {"fits": "true"} if fits else {}


def _unit(currency: Tree, one: Callable[[int], str], to: str) -> Tree:
    """Tell what stands for one major unit, by the currency's digits after the point; two unless listed."""
    branches = []
    for size in (0, 3, 4):
        codes = [tree.text(code) for code, digits in sorted(MINOR_UNITS.items()) if digits == size]
        branches.append((exp.In(this=currency, expressions=codes), tree.cast(tree.text(one(size)), to)))
    return tree.when(*branches, otherwise=tree.cast(tree.text(one(2)), to))


def _of_minor(arguments: Sequence[Tree], _: Options) -> Tree:
    minor, currency = arguments
    unit = _unit(currency, lambda size: f"{10**-size:.{size}f}" if size else "1", tree.decimal(5, 4))
    product = exp.Mul(this=tree.cast(minor, tree.decimal(INT_DIGITS, 0)), expression=unit)
    return made(tree.try_cast(product, HELD), currency)


def _minor(arguments: Sequence[Tree], _: Options) -> Tree:
    money = arguments[0]
    unit = _unit(currency_of(money), lambda size: str(10**size), "SMALLINT")
    product = exp.Mul(this=tree.cast(amount_of(money), tree.decimal(23, 4)), expression=unit)
    whole = tree.equal(cut(product, 0), product)
    return tree.when((whole, tree.try_cast(product, "BIGINT")))


def _in_currency(arguments: Sequence[Tree], options: Options) -> Tree:
    money = arguments[0]
    return tree.when((tree.equal(currency_of(money), tree.text(options["currency"])), amount_of(money)))


def _minor_in_currency(arguments: Sequence[Tree], options: Options) -> Tree:
    money = arguments[0]
    return tree.when((tree.equal(currency_of(money), tree.text(options["currency"])), _minor(arguments, options)))


_EUR = "{'amount': 12.5::DECIMAL(18,4), 'currency': 'EUR'}"
_USD = "{'amount': 1::DECIMAL(18,4), 'currency': 'USD'}"
_YEN = "{'amount': 1250::DECIMAL(18,4), 'currency': 'JPY'}"
_ONE = (Value("value", _MONEY),)

FUNCTIONS = (
    Function(
        "money", "money", (Value("amount", NUMERIC), Value("currency", _CURRENCY, reads="currency")), _money_of,
        "An amount and its currency. An amount without a currency fails.", _of_amount, can_fail=True, excused=(0,),
        options=_room,
        inverse=Inverse(((0, "money_amount"), (1, "money_currency"))),
        examples=(
            Example(("12.50::DECIMAL(12,2)", "'EUR'"), "{'amount': 12.5000, 'currency': EUR}"),
            Example(("12.50::DECIMAL(12,2)", "'EUR'"), "{'amount': 12.5000, 'currency': EUR}", {"fits": "true"}),
            Example(("NULL::DECIMAL(12,2)", "'EUR'"), None), Example(("1.5::DECIMAL(12,2)", "NULL::VARCHAR"), None),
            Example(("1.00005::DECIMAL(12,5)", "'EUR'"), None),
        ),
    ),
    Function(
        "money_minor", "money_minor", (Value("amount", _INT), Value("currency", _CURRENCY, reads="currency")), _money,
        "An amount in the currency's smallest unit, such as cents, and its currency.", _of_minor, can_fail=True,
        excused=(0,), inverse=Inverse(((0, "money_in_minor"), (1, "money_currency"))),
        examples=(Example(("1250", "'EUR'"), "{'amount': 12.5000, 'currency': EUR}"),
                  Example(("1250", "'JPY'"), "{'amount': 1250.0000, 'currency': JPY}"),
                  Example(("1250", "'KWD'"), "{'amount': 1.2500, 'currency': KWD}")),
    ),
    Function(
        "money_amount", "amount", _ONE, lambda _, __: AMOUNT, "The amount of money, without its currency.",
        lambda a, _: amount_of(a[0]), examples=(Example((_EUR,), "12.5000"),),
    ),
    Function(
        "money_currency", "currency", _ONE, lambda _, __: CURRENCY, "The currency of money; fails for a sum over nothing, "
        "which has none.", lambda a, _: currency_of(a[0]), can_fail=True,
        examples=(Example((_EUR,), "EUR"), Example(("{'amount': 0::DECIMAL(18,4), 'currency': NULL::VARCHAR}",), None)),
    ),
    Function(
        "money_in_minor", "minor", _ONE, lambda _, __: INT,
        "The amount in the currency's smallest unit; fails where that leaves a rest.", _minor, can_fail=True,
        examples=(Example((_EUR,), "1250"), Example((_YEN,), "1250"),
                  Example(("{'amount': 1.255::DECIMAL(18,4), 'currency': 'EUR'}",), None)),
    ),
    Function(
        "amount_in_currency", "", _ONE, lambda _, __: AMOUNT,
        "The amount, for a system that holds one currency only; fails for another.", _in_currency, can_fail=True,
        examples=(Example((_EUR,), "12.5000", {"currency": "EUR"}), Example((_USD,), None, {"currency": "EUR"})),
    ),
    Function(
        "minor_in_currency", "", _ONE, lambda _, __: INT,
        "The amount in the smallest unit, for a system that holds one currency only; fails for another.",
        _minor_in_currency, can_fail=True,
        examples=(Example((_EUR,), "1250", {"currency": "EUR"}), Example((_USD,), None, {"currency": "EUR"})),
    ),
)  # fmt: skip
