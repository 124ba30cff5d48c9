"""``sum``, ``count``, ``min``, ``max``, ``first``, ``last``, ``any`` and ``all`` over the records that refer to this one.

``sum(payments.amount where status == "succeeded")``: ``payments`` is the name under which a ref field of the other
object (``inverse: payments``) shows its records here. Reports SYN0304, SYN0312 and, for unknown names, SYN0203.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Literal, cast

from syncline_compiler.checking.agree import UNTYPED
from syncline_compiler.checking.names import child_scope
from syncline_compiler.diagnostics.diagnostic import Collector
from syncline_compiler.functions import WRITTEN
from syncline_compiler.functions.function import TooManyDigits
from syncline_compiler.functions.kinds import ORDERED
from syncline_compiler.functions.numbers import decimal, digits
from syncline_compiler.model import syntax
from syncline_compiler.model.resolved import ResolvedField, ResolvedObject
from syncline_compiler.model.typed import Aggregate, Apply, Constant, Expression
from syncline_compiler.model.types import BOOL, INT, UNKNOWN, Type
from syncline_compiler.spelling import did_you_mean
from syncline_runtime.frozen import dataclass

if TYPE_CHECKING:
    from syncline_compiler.checking.expressions import Typer

AggregateName = Literal["sum", "count", "min", "max", "first", "last"]
QUANTIFIERS = ("any", "all")
FUNCTIONS = ("sum", "count", "min", "max", "first", "last", *QUANTIFIERS)
GROWTH = 9
"""Digits by which a sum may be longer than its terms: a thousand million of them."""


def aggregate_of(call: syntax.Call, typer: Typer) -> Expression | None:
    """Type an aggregate; None if the call is none."""
    function = call.function.text
    wanted = 2 if function in _ORDERED else 1
    if function not in FUNCTIONS or typer.scope.kind != "canonical" or not call.arguments:
        return None
    item = typer.scope.object
    name = next(names_in(call.arguments[0]), None)
    if item is None or name is None or (len(call.arguments) != wanted and function in WRITTEN):
        return None
    seen = dict(_seen_from(item, typer))
    if name.parts[0] not in seen:
        return _unknown(call, name, item, list(seen), typer)
    if len(call.arguments) != wanted:
        typer.diagnostics.report("SYN0304", call.span, label=USAGE[function])
        return UNTYPED
    other, ref = seen[name.parts[0]]
    return _Over(call, other, ref, typer.within(child_scope(other, name.parts[0])), typer.diagnostics).typed()


_ORDERED = ("first", "last")
USAGE = {
    **{name: f"write what goes first and what orders the records: `{name}(payments.amount, payments.paid_at)`" for name in _ORDERED},
    **{name: f"`{name}` takes one condition over the records: `{name}(invoices.state == \"paid\")`" for name in QUANTIFIERS},
    **{name: f"`{name}` takes one value of the records" for name in ("sum", "count", "min", "max")},
}  # fmt: skip


@dataclass(frozen=True)
class _Over:
    """One aggregate over the records of ``other`` whose field ``ref`` points here."""

    call: syntax.Call
    other: ResolvedObject
    ref: ResolvedField
    inner: Typer
    diagnostics: Collector

    def typed(self) -> Expression:
        """Type it: values, condition and order over the other object's fields."""
        where = self.inner.condition(self.call.where) if self.call.where is not None else None
        if where is UNTYPED:
            return UNTYPED
        inner = self.inner.knowing(self.call.where)
        if self.call.function.text in QUANTIFIERS:
            return self._quantified(inner, where)
        counted = self.call.function.text == "count" and self._bare
        value = Constant(1, INT) if counted else inner.value(self.call.arguments[0])
        by = inner.value(self.call.arguments[1]) if len(self.call.arguments) > 1 else None
        if UNTYPED in (value, by) or (by is not None and not self._orders(by)):
            return UNTYPED
        return self._aggregate(value, where, by)

    @property
    def _bare(self) -> bool:
        """Whether only the collection is named, as in ``count(invoices)``."""
        argument = self.call.arguments[0]
        return isinstance(argument, syntax.Name) and len(argument.parts) == 1

    def _aggregate(self, value: Expression, where: Expression | None, by: Expression | None) -> Expression:
        function = self.call.function.text
        if value.type.kind == "unknown":
            self.diagnostics.known()
            return UNTYPED
        try:
            found = aggregated_type(function, value.type)
        except TooManyDigits as wide:
            self.diagnostics.report(wide.code, self.call.span, label=f"summed up, {wide}", help=wide.remedy)
            return UNTYPED
        if found.kind == "unknown":
            label = f"`{function}` does not take {value.type.present()}"
            self.diagnostics.report("SYN0301", self.call.span, label=label)
            return UNTYPED
        return Aggregate(cast(AggregateName, function), self.other.name, self.ref.name, value, where, found, by)

    def _quantified(self, inner: Typer, where: Expression | None) -> Expression:
        """``any`` and ``all`` count the records that show them true or false."""
        of_all = self.call.function.text == "all"
        shown: Expression | None
        if self._bare and of_all:
            self.diagnostics.report("SYN0304", self.call.span, label=USAGE["all"])
            return UNTYPED
        if self._bare:
            shown = where
        else:
            held = inner.condition(self.call.arguments[0])
            if held is UNTYPED:
                return UNTYPED
            decisive = Apply("not", (held,), BOOL) if of_all else held
            shown = Apply("and", (where, decisive), BOOL) if where is not None else decisive
        counted = Aggregate("count", self.other.name, self.ref.name, Constant(1, INT), shown, INT)
        return Apply("eq" if of_all else "gt", (counted, Constant(0, INT)), BOOL)

    def _orders(self, by: Expression) -> bool:
        if by.type.kind in ORDERED:
            return True
        label = f"{by.type.present()} has no order"
        self.diagnostics.report("SYN0301", self.call.arguments[1].span, label=label)
        return False


def _unknown(call: syntax.Call, name: syntax.Name, item: ResolvedObject, known: list[str], typer: Typer) -> Expression:
    if item.field(name.parts[0]) is not None:
        label = f"`{name.parts[0]}` is one value of this record; `{call.function.text}` goes over other records"
        typer.diagnostics.report("SYN0304", call.span, label=label)
        return UNTYPED
    if typer.names.is_broken("object") or _is_hidden(name.parts[0], typer):
        typer.diagnostics.known()
        return UNTYPED
    label = f"no object shows its records to `{item.name}` as `{name.parts[0]}`"
    remedy = did_you_mean(name.parts[0], known, kind="collections")
    remedies = (remedy, f"on the other object's `ref({item.name})` field write `inverse: {name.parts[0]}`")
    typer.diagnostics.report("SYN0203", name.span, label=label, help=remedies)
    return UNTYPED


def _is_hidden(name: str, typer: Typer) -> bool:
    """Whether a ref to an object that nobody knows shows its records by this name."""
    fields = (field for other in typer.names.objects.values() for field in other.fields)
    return any(field.inverse == name and field.type.kind == "unknown" for field in fields)


def _seen_from(item: ResolvedObject, typer: Typer) -> Iterator[tuple[str, tuple[ResolvedObject, ResolvedField]]]:
    for other in typer.names.objects.values():
        for field in other.fields:
            if field.inverse is not None and field.type.kind == "ref" and field.type.name == item.name:
                yield field.inverse, (other, field)


def aggregated_type(function: str, value: Type) -> Type:
    """Type the result: sums and counts of nothing are 0, the least and greatest of nothing is null."""
    if function == "count":
        return INT
    if function == "sum":
        if value.kind == "decimal":
            precision, scale = digits(value)
            return decimal(precision + GROWTH, scale)
        return value.present() if value.kind in {"int", "money"} else UNKNOWN
    if function in _ORDERED:
        return value.or_null()
    ordered = value.kind in {"int", "decimal", "date", "instant", "local_datetime", "duration"}
    return value.or_null() if ordered else UNKNOWN


def names_in(written: syntax.Expression) -> Iterator[syntax.Name]:
    """Give the names of an argument, from the outermost operation in."""
    match written:
        case syntax.Name():
            yield written
        case syntax.Operation():
            for operand in written.operands:
                yield from names_in(operand)
        case syntax.Call():
            for argument in written.arguments:
                yield from names_in(argument)
        case syntax.Nullness() | syntax.Membership():
            yield from names_in(written.operand)
        case syntax.Pipeline():
            yield from names_in(written.value)
