"""``sum``, ``count``, ``min`` and ``max`` over the records of another object that refer to this one.

``sum(payments.amount where status == "succeeded")``: ``payments`` is the name under which a ref field of the other
object (``inverse: payments``) shows its records here. Reports SYN0304, SYN0312 and, for unknown names, SYN0203.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Literal, cast

from syncline_compiler.checking.agree import UNTYPED
from syncline_compiler.checking.names import child_scope
from syncline_compiler.functions.function import TooManyDigits
from syncline_compiler.functions.numbers import decimal, digits
from syncline_compiler.model import syntax
from syncline_compiler.model.resolved import ResolvedField, ResolvedObject
from syncline_compiler.model.typed import Aggregate, Constant, Expression
from syncline_compiler.model.types import INT, UNKNOWN, Type
from syncline_compiler.spelling import did_you_mean

if TYPE_CHECKING:
    from syncline_compiler.checking.expressions import Typer

AggregateName = Literal["sum", "count", "min", "max"]
FUNCTIONS = ("sum", "count", "min", "max")
GROWTH = 9
"""Digits by which a sum may be longer than its terms: a thousand million of them."""


def aggregate_of(call: syntax.Call, typer: Typer) -> Expression | None:
    """Type an aggregate; None if the call is none."""
    function = call.function.text
    if function not in FUNCTIONS or typer.scope.kind != "canonical" or len(call.arguments) != 1:
        return None
    item = typer.scope.object
    name = next(_names(call.arguments[0]), None)
    if item is None or name is None:
        return None
    seen = dict(_seen_from(item, typer))
    if name.parts[0] not in seen:
        return _unknown(call, name, item, list(seen), typer)
    other, ref = seen[name.parts[0]]
    inner = typer.within(child_scope(other, name.parts[0]))
    counted = function == "count" and isinstance(call.arguments[0], syntax.Name) and len(name.parts) == 1
    value = Constant(1, INT) if counted else inner.value(call.arguments[0])
    where = inner.condition(call.where) if call.where is not None else None
    if UNTYPED in (value, where):
        return UNTYPED
    try:
        found = _type(function, value.type)
    except TooManyDigits as wide:
        typer.diagnostics.report(wide.code, call.span, label=f"summed up, {wide}", help=wide.remedy)
        return UNTYPED
    if found.kind == "unknown":
        label = f"`{function}` does not take {value.type.present()}"
        typer.diagnostics.report("SYN0301", call.span, label=label)
        return UNTYPED
    return Aggregate(cast(AggregateName, function), other.name, ref.name, value, where, found)


def _unknown(call: syntax.Call, name: syntax.Name, item: ResolvedObject, known: list[str], typer: Typer) -> Expression:
    if item.field(name.parts[0]) is not None:
        label = f"`{name.parts[0]}` is one value of this record; `{call.function.text}` goes over other records"
        typer.diagnostics.report("SYN0304", call.span, label=label)
        return UNTYPED
    label = f"no object shows its records to `{item.name}` as `{name.parts[0]}`"
    remedy = did_you_mean(name.parts[0], known, kind="collections")
    remedies = (remedy, f"on the other object's `ref({item.name})` field write `inverse: {name.parts[0]}`")
    typer.diagnostics.report("SYN0203", name.span, label=label, help=remedies)
    return UNTYPED


def _seen_from(item: ResolvedObject, typer: Typer) -> Iterator[tuple[str, tuple[ResolvedObject, ResolvedField]]]:
    for other in typer.names.objects.values():
        for field in other.fields:
            if field.inverse is not None and field.type.kind == "ref" and field.type.name == item.name:
                yield field.inverse, (other, field)


def _type(function: str, value: Type) -> Type:
    """Type the result: sums and counts of nothing are 0, the least and greatest of nothing is null."""
    if function == "count":
        return INT
    if function == "sum":
        if value.kind == "decimal":
            precision, scale = digits(value)
            return decimal(precision + GROWTH, scale)
        return value.present() if value.kind in {"int", "money"} else UNKNOWN
    ordered = value.kind in {"int", "decimal", "date", "instant", "local_datetime"}
    return value.or_null() if ordered else UNKNOWN


def _names(written: syntax.Expression) -> Iterator[syntax.Name]:
    match written:
        case syntax.Name():
            yield written
        case syntax.Operation():
            for operand in written.operands:
                yield from _names(operand)
        case syntax.Call():
            for argument in written.arguments:
                yield from _names(argument)
        case syntax.Pipeline():
            yield from _names(written.value)
