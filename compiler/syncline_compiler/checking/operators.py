"""Operators: which library function an operator stands for, by the types beside it.

Reports SYN0301 (types), SYN0306 (currencies), SYN0309 (kinds that cannot be compared).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from syncline_compiler.checking.agree import UNTYPED, Agreement
from syncline_compiler.checking.calls import plain
from syncline_compiler.checking.unify import common
from syncline_compiler.diagnostics.diagnostic import Collector
from syncline_compiler.functions import REGISTRY
from syncline_compiler.functions.function import TooManyDigits
from syncline_compiler.functions.kinds import NUMERIC, ORDERED, TEXTUAL
from syncline_compiler.functions.numbers import joint
from syncline_compiler.model.typed import Apply, Constant, Expression, Field, OrElse
from syncline_compiler.model.types import BOOL, Type
from syncline_compiler.source import Span

_SIGNS = {"add": "+", "sub": "-", "mul": "*", "div": "/", "negate": "-"}
_TWO_VALUED = {"eq": "same", "ne": "differs"}


_MOMENTS = ("instant", "local_datetime")
_IN_TIME: Mapping[tuple[str, ...], str] = {
    ("add", "duration", "duration"): "duration_add",
    ("sub", "duration", "duration"): "duration_sub",
    **{("add", kind, "duration"): "later" for kind in _MOMENTS},
    **{("sub", kind, "duration"): "earlier" for kind in _MOMENTS},
    **{("sub", kind, kind): "apart" for kind in _MOMENTS},
}


Equal = Callable[[str, str], bool]
"""Whether two names, or a name and a text in quotes, are known to be equal."""


def operate(
    operator: str, values: Sequence[Expression], span: Span, diagnostics: Collector, equal: Equal
) -> Expression:
    """Apply ``+ - * /`` or the minus sign."""
    values = _with_durations(values, span, diagnostics)
    kinds = {value.type.kind for value in values}
    if kinds & {"unknown"}:
        return UNTYPED
    in_time = _IN_TIME.get((operator, *(value.type.kind for value in values)))
    if in_time is not None:
        return plain(REGISTRY[in_time], values, span, diagnostics) or UNTYPED
    if kinds <= NUMERIC | {"null"}:
        name = operator
    elif operator == "add" and kinds <= TEXTUAL | {"null"}:
        name = "concat"
    elif kinds == {"money"} and operator in {"add", "sub", "negate"}:
        name = f"money_{operator}"
        if len(values) > 1 and not _one_currency(values, span, diagnostics, equal):
            return UNTYPED
    elif operator in {"mul", "div"} and (scaled := _scaled(operator, values)) is not None:
        name, values = f"money_{operator}", scaled
    else:
        return _refuse(operator, values, span, diagnostics)
    return plain(REGISTRY[name], values, span, diagnostics) or UNTYPED


def compare(operator: str, left: Expression, right: Expression, span: Span, diagnostics: Collector) -> Expression:
    """Apply a comparison; the result is never null."""
    left, right = _literal_beside(left, right, span, diagnostics), _literal_beside(right, left, span, diagnostics)
    if "unknown" in (left.type.kind, right.type.kind):
        return UNTYPED
    if "money" in (left.type.kind, right.type.kind) and operator not in _TWO_VALUED:
        return _signed(operator, left, right, span, diagnostics)
    shared = common([left.type, right.type])
    if shared is None or (operator not in _TWO_VALUED and shared.kind not in ORDERED):
        return _refuse_comparison(left, right, shared, span, diagnostics)
    if not _comparable([left, right], span, diagnostics):
        return UNTYPED
    nullable = left.type.nullable or right.type.nullable
    if operator in _TWO_VALUED:
        return Apply(_TWO_VALUED[operator] if nullable else operator, (left, right), BOOL)
    made = Apply(operator, (left, right), BOOL.or_null() if nullable else BOOL)
    return Apply("is_true", (made,), BOOL) if nullable else made


def _comparable(values: Sequence[Expression], span: Span, diagnostics: Collector) -> bool:
    """Check that one decimal type holds both numbers: the engine compares them in it."""
    numbers = [_measured(value) for value in values if value.type.kind in NUMERIC]
    try:
        return not numbers or joint(numbers) is not None
    except TooManyDigits as wide:
        diagnostics.report(wide.code, span, label=f"to be compared, {wide}", help=wide.remedy)
        return False


def _measured(value: Expression) -> Type:
    if isinstance(value, Constant) and value.type.kind == "int":
        return Type("decimal", precision=len(str(value.value).lstrip("-")), scale=0)
    return value.type


def _literal_beside(value: Expression, other: Expression, span: Span, diagnostics: Collector) -> Expression:
    """Read a literal as the type it is compared with: an enum's value, a date."""
    wanted = other.type
    if not isinstance(value, Constant) or value.type.kind != "text" or wanted.kind in {"text", "unknown", "null"}:
        return value
    if wanted.kind in {
        "enum",
        "date",
        "instant",
        "country",
        "currency",
        "language",
        "email",
        "phone",
        "url",
        "duration",
    }:
        return Agreement(diagnostics, span, reading=True).of(value, wanted.or_null())
    return value


def _with_durations(values: Sequence[Expression], span: Span, diagnostics: Collector) -> Sequence[Expression]:
    """Read a text that is written beside a moment as a duration: ``run.started_at - "P30D"``."""
    if len(values) != 2 or values[0].type.kind not in (*_MOMENTS, "duration") or values[1].type.kind != "text":
        return values
    agreement = Agreement(diagnostics, span, reading=True)
    return [values[0], agreement.of(values[1], Type("duration")) if isinstance(values[1], Constant) else values[1]]


def _signed(operator: str, left: Expression, right: Expression, span: Span, diagnostics: Collector) -> Expression:
    """Money may be ordered against 0, which is the same in every currency."""
    money, other = (left, right) if left.type.kind == "money" else (right, left)
    if not isinstance(other, Constant) or other.value not in (0, "0"):
        label = "money is ordered against 0 only: two amounts may be of two currencies"
        diagnostics.report("SYN0306", span, label=label, help="compare `amount(…)` where the currency is known")
        return UNTYPED
    amount = plain(REGISTRY["money_amount"], [money], span, diagnostics) or UNTYPED
    if money is left:
        return compare(operator, amount, other, span, diagnostics)
    return compare(operator, other, amount, span, diagnostics)


def _scaled(operator: str, values: Sequence[Expression]) -> Sequence[Expression] | None:
    """Give money first and a number after it; None for other values."""
    one, other = values
    if one.type.kind == "money" and other.type.kind in NUMERIC:
        return values
    return (other, one) if operator == "mul" and other.type.kind == "money" and one.type.kind in NUMERIC else None


def _one_currency(values: Sequence[Expression], span: Span, diagnostics: Collector, equal: Equal) -> bool:
    """Check that nothing native speaks against one currency; amounts of canonical fields are checked as they come."""
    sources = [_source(value) for value in values]
    if None in sources or sources[0] == sources[1]:
        return True
    one, other = sorted(map(str, sources))
    if equal(one, other):
        return True
    if one[0] == other[0] == '"':
        label, remedy = f"one amount is in {one[1:-1]}, the other in {other[1:-1]}", ""
    else:
        label = f"one amount is in `{other}`, the other in {one if one[0] == chr(34) else f'`{one}`'}: are they one currency?"
        remedy = f'say so: `reject when {other} != {one} because "amounts in two currencies"`'
    diagnostics.report("SYN0306", span, label=label, help=remedy or ())
    return False


def _source(value: Expression) -> str | None:
    """Tell what the currency of money comes from: a native name, or a code in quotes; None where that cannot be seen."""
    match value:
        case Apply(function="money" | "money_minor", arguments=(_, currency)):
            return _source(currency)
        case Constant(value=str() as code, type=Type(kind="currency")):
            return f'"{code}"'
        case Field(scope="native" | "item"):
            return value.name
        case Apply(arguments=(inner,)) | OrElse(value=inner):
            return _source(inner)
        case Apply(function="money_add" | "money_sub" | "money_mul" | "money_div", arguments=(inner, _)):
            return _source(inner)
    return None


def _refuse(operator: str, values: Sequence[Expression], span: Span, diagnostics: Collector) -> Expression:
    types = [value.type.present() for value in values]
    sign = _SIGNS[operator]
    label = f"`{sign}` does not go with {' and '.join(map(str, types))}"
    money = any(one.kind == "money" for one in types)
    remedy = "an amount without its currency cannot be reckoned with; `amount(…)` takes the amount" if money else ""
    if {one.kind for one in types} == {"date", "int"}:
        remedy = "write `| plus 1 day`, or another unit"
    if any(one.kind in TEXTUAL for one in types) and not money:
        remedy = "convert with `| text` to join texts, or with `| int` or `| decimal 2` to reckon"
    diagnostics.report("SYN0306" if money else "SYN0301", span, label=label, help=remedy or ())
    return UNTYPED


_IN_ZONE: Mapping[tuple[str, str], str] = {
    (
        "local_datetime",
        "instant",
    ): 'say in which zone the local time is: `| instant "Europe/Berlin"`, or `| instant system`',
    ("date", "instant"): 'which day an instant is depends on the zone: `| date "Europe/Berlin"`',
    ("date", "local_datetime"): "take the day of the local time: `| date`",
}


def _refuse_comparison(
    left: Expression, right: Expression, shared: Type | None, span: Span, diagnostics: Collector
) -> Expression:
    one, other = left.type.present(), right.type.present()
    if shared is not None:
        diagnostics.report("SYN0309", span, label=f"{shared.present()} has no order", help="compare with `==` or `!=`")
        return UNTYPED
    remedy = _IN_ZONE.get((one.kind, other.kind)) or _IN_ZONE.get(
        (other.kind, one.kind), "both sides must be of one kind"
    )
    if "ref" in (one.kind, other.kind):
        remedy = "a reference is compared with another reference to the same object, never with a native id"
    elif {one.kind, other.kind} & NUMERIC and {one.kind, other.kind} & TEXTUAL:
        remedy = "convert the text with `| int` or `| decimal 2`"
    diagnostics.report("SYN0309", span, label=f"{one} is compared with {other}", help=remedy)
    return UNTYPED
