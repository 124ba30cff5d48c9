"""``sum``, ``count``, ``min``, ``max``, ``first``, ``last``, ``any`` and ``all`` over the elements of a native list.

``sum(lines.quantity where kind == "part")``: the list has an order of its own, which ``first`` and ``last`` go by. An element
whose value is there and cannot be read makes all of it fail: nothing is left out of a sum in silence. Reports SYN0301, SYN0304,
SYN0312.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Literal, cast

from syncline_compiler.checking.aggregates import FUNCTIONS, QUANTIFIERS, USAGE, aggregated_type, names_in
from syncline_compiler.checking.agree import UNTYPED
from syncline_compiler.checking.names import LANDED, item_scope
from syncline_compiler.diagnostics.diagnostic import Collector
from syncline_compiler.functions import WRITTEN
from syncline_compiler.functions.function import TooManyDigits
from syncline_compiler.model import syntax
from syncline_compiler.model.typed import Apply, Case, Constant, Expression, Field, Items, Pick, fields_in
from syncline_compiler.model.types import BOOL, INT
from syncline_runtime.frozen import dataclass

if TYPE_CHECKING:
    from syncline_compiler.checking.expressions import Typer

ItemsName = Literal["sum", "count", "min", "max", "last"]
TRUE = Constant(True, BOOL)
ONE = Constant(1, INT)


def items_of(call: syntax.Call, typer: Typer) -> Expression | None:
    """Type an aggregate over a native list; None if the call is none."""
    function, system = call.function.text, typer.scope.system
    if function not in FUNCTIONS or typer.scope.kind != "native" or not call.arguments or system is None:
        return None
    name = next(names_in(call.arguments[0]), None)
    native = typer.scope.native(name.parts[0]) if name is not None else None
    if native is None or native.type not in ("list", "json") or (len(call.arguments) > 1 and function in WRITTEN):
        return None
    if len(call.arguments) > 1:
        label = f"a list has an order of its own: `{function}` takes one value of its elements"
        typer.diagnostics.report("SYN0304", call.span, label=label)
        return UNTYPED
    of = Field("native", native.name, replace(LANDED, kind=native.type))
    elements = typer.within(replace(item_scope(system, native), prefix=native.name))
    return _Over(call, of, elements, typer.diagnostics).typed()


@dataclass(frozen=True)
class _Over:
    """One aggregate over the elements of a list."""

    call: syntax.Call
    list: Field
    elements: Typer
    diagnostics: Collector

    def typed(self) -> Expression:
        """Type it: condition and value over the elements."""
        function, argument = self.call.function.text, self.call.arguments[0]
        where = self.elements.condition(self.call.where) if self.call.where is not None else TRUE
        if where is UNTYPED:
            return UNTYPED
        bare = isinstance(argument, syntax.Name) and argument.text == self.list.name
        if bare and function not in ("count", "any"):
            self.diagnostics.report("SYN0304", self.call.span, label=USAGE[function])
            return UNTYPED
        if bare:
            counted = Items("count", self.list, where, ONE, None, INT)
            return counted if function == "count" else Apply("gt", (counted, Constant(0, INT)), BOOL)
        inner = self.elements.knowing(self.call.where)
        return self._quantified(inner, where) if function in QUANTIFIERS else self._aggregated(inner, where)

    def _quantified(self, inner: Typer, where: Expression) -> Expression:
        """``any`` and ``all`` count the elements that show them true or false."""
        held = inner.condition(self.call.arguments[0])
        if held is UNTYPED:
            return UNTYPED
        of_all = self.call.function.text == "all"
        shown = Case(((Apply("not", (held,), BOOL) if of_all else held, ONE),), None, INT.or_null())
        counted = Items("count", self.list, where, shown, _unread(held), INT)
        return Apply("eq" if of_all else "gt", (counted, Constant(0, INT)), BOOL)

    def _aggregated(self, inner: Typer, where: Expression) -> Expression:
        function, value = self.call.function.text, inner.value(self.call.arguments[0])
        if value.type.kind == "unknown":
            return UNTYPED
        try:
            found = aggregated_type(function, value.type)
        except TooManyDigits as wide:
            self.diagnostics.report(wide.code, self.call.span, label=f"summed up, {wide}", help=wide.remedy)
            return UNTYPED
        if found.kind not in ("int", "decimal") if function == "sum" else found.kind == "unknown":
            help = (
                "sum numbers: `money(sum(…), currency)` makes an amount of them" if value.type.kind == "money" else ()
            )
            label = f"`{function}` does not take {value.type.present()}"
            self.diagnostics.report("SYN0301", self.call.span, label=label, help=help)
            return UNTYPED
        if function == "first":
            return Pick(self.list, where, value, found)
        return Items(cast(ItemsName, function), self.list, where, value, _unread(value), found)


def _unread(value: Expression) -> Expression | None:
    """Tell of an element that what a value is read from is there, and the value is not."""
    sources = {field.name: field for field in fields_in(value) if field.scope == "item"}
    if isinstance(value, Field) or not sources:
        return None
    read = value.arguments[0] if isinstance(value, Apply) and value.function == "is_true" else value
    there = (Apply("not", (Apply("is_null", (field,), BOOL),), BOOL) for field in sources.values())
    return Apply("and", (Apply("is_null", (read,), BOOL), *there), BOOL)
