"""Types expressions: names bound, operators and steps chosen, presence tracked.

In: expressions as written and the scope they stand in. Out: typed expressions; what has a diagnostic becomes an
untyped constant, about which nothing more is reported.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import field, replace

from syncline_compiler.checking import facts
from syncline_compiler.checking.aggregates import aggregate_of
from syncline_compiler.checking.agree import UNTYPED, Agreement
from syncline_compiler.checking.calls import Call, Given, choose
from syncline_compiler.checking.constants import constant
from syncline_compiler.checking.items import items_of
from syncline_compiler.checking.names import LANDED, Names, Scope, item_scope
from syncline_compiler.checking.operators import compare, operate
from syncline_compiler.checking.tables import coded, referred
from syncline_compiler.checking.unify import common
from syncline_compiler.diagnostics.diagnostic import Collector
from syncline_compiler.functions import REGISTRY
from syncline_compiler.functions.numbers import INT_RANGE
from syncline_compiler.model import syntax
from syncline_compiler.model.typed import (
    Aggregate,
    Apply,
    Case,
    Constant,
    Expression,
    Field,
    Items,
    Lookup,
    OrElse,
    Pick,
    Resolve,
)
from syncline_compiler.model.types import BOOL, TEXT, UNKNOWN, Type
from syncline_compiler.source import Span
from syncline_compiler.spelling import did_you_mean
from syncline_runtime.frozen import dataclass

TYPED_NODES = (Constant, Field, Apply, Case, Lookup, Resolve, Pick, Aggregate, Items, OrElse)


@dataclass
class Typer:
    """Types expressions that stand in one scope. ``places`` remembers where nodes were written, for later reports."""

    names: Names
    scope: Scope
    diagnostics: Collector
    places: dict[int, Span] = field(default_factory=dict)
    kept: list[Expression] = field(default_factory=list)  # keeps the ids in ``places`` alive

    def within(self, scope: Scope) -> Typer:
        """Give a typer for another scope that remembers places in the same book."""
        return Typer(self.names, scope, self.diagnostics, self.places, self.kept)

    def knowing(self, condition: syntax.Expression | None) -> Typer:
        """Give a typer for where a condition holds."""
        return self.within(self.scope.knowing(facts.when_true(condition))) if condition is not None else self

    def value(self, written: syntax.Expression, wanted: Type | None = None) -> Expression:
        """Type an expression; ``wanted`` tells what literals in it are meant to be."""
        made = self._typed(written, wanted)
        if isinstance(made, Constant) and wanted is not None and made is not UNTYPED:
            made = self._literal(made, wanted, written.span)
        self.places.setdefault(id(made), written.span)
        self.kept.append(made)
        if self.names.heard is not None:
            self.names.heard(written, made, self.scope)
        return made

    def condition(self, written: syntax.Expression) -> Expression:
        """Type a condition; one that may be null counts as false then."""
        made = self.value(written)
        if made.type.kind == "unknown":
            return UNTYPED
        if made.type.kind != "bool":
            label = f"a condition is expected, and this is {made.type.present()}"
            self.diagnostics.report("SYN0301", written.span, label=label, help="compare it with something")
            return UNTYPED
        return Apply("is_true", (made,), BOOL) if made.type.nullable else made

    def _typed(self, written: syntax.Expression, wanted: Type | None) -> Expression:
        match written:
            case syntax.Literal():
                return self._written_out(written)
            case syntax.Name():
                return self._name(written)
            case syntax.Operation():
                return self._operation(written, wanted)
            case syntax.Nullness():
                return self._nullness(written)
            case syntax.Membership():
                return self._membership(written)
            case syntax.Case():
                return self._case(written, wanted)
            case syntax.Pick():
                return self._pick(written)
            case syntax.Call():
                return self._call(written)
            case syntax.Pipeline():
                return self._pipeline(written, wanted)

    def _written_out(self, literal: syntax.Literal) -> Expression:
        made = constant(literal)
        if literal.kind == "int" and not INT_RANGE[0] <= int(literal.value or 0) <= INT_RANGE[1]:
            label = "a whole number has at most 19 digits: 9223372036854775807 is the greatest"
            self.diagnostics.report("SYN0312", literal.span, label=label, help="write it as a decimal, with a point")
            return UNTYPED
        return made

    def _literal(self, made: Constant, wanted: Type, span: Span) -> Expression:
        """Turn a text into the enum, date or currency that its place wants; other differences are seen later."""
        if made.type.kind not in {"text", "null"} or wanted.kind in {"text", "unknown", "null"}:
            return made
        if made.value is None:
            return Constant(None, wanted.or_null())
        return Agreement(self.diagnostics, span, reading=True).of(made, wanted)

    def _name(self, name: syntax.Name) -> Expression:
        found = self.scope.find(name.parts)
        if found is None:
            text = name.text.removeprefix(f"{self.scope.prefix}.")
            remedy = self._beyond(name) or did_you_mean(text, self.scope.known(), kind="names")
            label = f"{self.scope.of} has no field `{text[:60]}`"
            self.diagnostics.report(self.scope.unknown, name.span, label=label, help=remedy)
            return UNTYPED
        if found.type.kind == "unknown":
            self.diagnostics.known()
        return found

    def _beyond(self, name: syntax.Name) -> str:
        """Say why a field of the record that a reference leads to has no name here."""
        refers = (
            self.scope.object.field(name.parts[0]) if self.scope.object is not None and len(name.parts) > 1 else None
        )
        if refers is None or refers.type.kind != "ref":
            return ""
        return f"fields behind the reference `{refers.name}` are not seen from here: say it of `{refers.type.name}`"

    def _operation(self, written: syntax.Operation, wanted: Type | None) -> Expression:
        match written.operator:
            case "and" | "or":
                return self._connected(written)
            case "not":
                held = self.condition(written.operands[0])
                return Apply("not", (held,), BOOL) if held is not UNTYPED else UNTYPED
            case "coalesce":
                return self._coalesce(written, wanted)
            case "eq" | "ne" | "lt" | "le" | "gt" | "ge":
                left, right = map(self.value, written.operands)
                return compare(written.operator, left, right, written.span, self.diagnostics)
        values = [self.value(operand) for operand in written.operands]
        return operate(written.operator, values, written.span, self.diagnostics, self.scope.equal)

    def _connected(self, written: syntax.Operation) -> Expression:
        """Later operands are typed knowing that the earlier ones hold (``and``) or do not (``or``)."""
        learn = facts.when_true if written.operator == "and" else facts.when_false
        typer, held = self, []
        for operand in written.operands:
            held.append(typer.condition(operand))
            typer = typer.within(typer.scope.knowing(learn(operand)))
        return Apply(written.operator, tuple(held), BOOL) if UNTYPED not in held else UNTYPED

    def _coalesce(self, written: syntax.Operation, wanted: Type | None) -> Expression:
        values = self.alike([self.value(operand, wanted) for operand in written.operands], written.span)
        if values is None:
            return UNTYPED
        nullable = all(value.type.nullable for value in values) and not self.scope.there(_names(written))
        found = common([value.type for value in values]) or UNKNOWN
        return Apply("coalesce", tuple(values), found.or_null() if nullable else found.present())

    def alike(self, values: Sequence[Expression], span: Span) -> list[Expression] | None:
        """Bring values to their common type; None after a report."""
        types = [value.type for value in values]
        typed = [one for one in types if one.kind not in {"null", "unknown"}]
        firm = [value.type for value in values if not isinstance(value, Constant)]
        agreement = Agreement(self.diagnostics, span, reading=True)
        if firm and common(firm) is not None:
            target = common(firm)
            values = [
                agreement.of(value, _room(target, value)) if isinstance(value, Constant) and target else value
                for value in values
            ]
            types = [value.type for value in values]
        found = common(types)
        if found is None:
            one, other = typed[0], next((each for each in typed if common([typed[0], each]) is None), typed[-1])
            label = f"one is {one.present()}, another {other.present()}"
            self.diagnostics.report("SYN0309", span, label=label, help="both sides must be of one kind")
            return None
        if any(one.kind == "unknown" for one in types):
            return None
        return [agreement.of(value, found.or_null()) for value in values]

    def _nullness(self, written: syntax.Nullness) -> Expression:
        operand = self.value(written.operand)
        if operand.type.kind == "unknown":
            return UNTYPED
        null = Apply("is_null", (operand,), BOOL)
        return Apply("not", (null,), BOOL) if written.negated else null

    def _membership(self, written: syntax.Membership) -> Expression:
        operand = self.value(written.operand)
        options = self._options(written, operand)
        if options is None or operand.type.kind == "unknown":
            return UNTYPED
        values = self.alike([operand, *options], written.span)
        if values is None:
            return UNTYPED
        found: Expression = Apply("in", tuple(values), REGISTRY["in"].type_of([value.type for value in values], {}))
        if found.type.nullable:
            found = Apply("is_true", (found,), BOOL)
        return Apply("not", (found,), BOOL) if written.negated else found

    def _options(self, written: syntax.Membership, operand: Expression) -> list[Expression] | None:
        if isinstance(written.options, tuple):
            return [self.value(option, operand.type) for option in written.options]
        table = self.names.codes.get(written.options.text)
        if table is None and self.names.is_broken("codes", written.options.text):
            self.diagnostics.known()
            return None
        if table is None:
            remedy = did_you_mean(written.options.text, self.names.codes, kind="code tables")
            label = f"no code table is called `{written.options.text[:60]}`"
            self.diagnostics.report("SYN0206", written.options.span, label=label, help=remedy)
            return None
        return [Constant(native, Type("text", length=max(len(native), 1))) for native, _ in table.rows]

    def _case(self, written: syntax.Case, wanted: Type | None) -> Expression:
        typer, conditions, values = self, [], []
        for condition, value in written.branches:
            conditions.append(typer.condition(condition))
            values.append(typer.within(typer.scope.knowing(facts.when_true(condition))).value(value, wanted))
            typer = typer.within(typer.scope.knowing(facts.when_false(condition)))
        default = typer.value(written.default, wanted) if written.default is not None else None
        if UNTYPED in conditions:
            return UNTYPED
        alike = self.alike([*values, default] if default is not None else values, written.span)
        if alike is None:
            return UNTYPED
        found = common([value.type for value in alike]) or UNKNOWN
        branches = tuple(zip(conditions, alike[: len(values)], strict=True))
        last = alike[-1] if default is not None else None
        return Case(branches, last, found if last is not None else found.or_null())

    def _pick(self, written: syntax.Pick) -> Expression:
        items = self.scope.native(written.list.text) if self.scope.kind == "native" else None
        if items is None:
            self._name(written.list)
            return UNTYPED
        if items.type not in ("list", "json") or self.scope.system is None:
            label = f"`{items.name}` is {items.type}, and `pick` takes one element of a list"
            self.diagnostics.report("SYN0301", written.list.span, label=label)
            return UNTYPED
        elements = self.within(item_scope(self.scope.system, items))
        where = elements.condition(written.where) if written.where is not None else Constant(True, BOOL)
        value = elements.value(written.member)
        if UNTYPED in (where, value):
            return UNTYPED
        of = Field("native", items.name, replace(LANDED, kind=items.type))
        return Pick(of, where, value, value.type.or_null())

    def _call(self, written: syntax.Call) -> Expression:
        found = aggregate_of(written, self)
        found = found if found is not None else items_of(written, self)
        if found is not None:
            return found
        if written.where is not None:
            label = f"`where` belongs to sum, count, min and max over other records or lists, not to `{written.function.text}`"
            self.diagnostics.report("SYN0304", written.where.span, label=label)
            return UNTYPED
        return self._apply(written.function, written.arguments, written.span)

    def _apply(self, function: syntax.Name, arguments: tuple[Given, ...], span: Span) -> Expression:
        zone = self.scope.system.zone if self.scope.system is not None else None
        call = Call(function.text, arguments, span, function.span, zone)
        return choose(call, self._given, self.diagnostics) or UNTYPED

    def _given(self, argument: Given) -> Expression:
        return argument if isinstance(argument, TYPED_NODES) else self.value(argument)

    def _pipeline(self, written: syntax.Pipeline, wanted: Type | None) -> Expression:
        direct = all(isinstance(step, syntax.Otherwise) for step in written.steps)
        value = self.value(written.value, wanted if direct else None)
        for step in written.steps:
            if value.type.kind == "unknown":
                return UNTYPED
            if isinstance(step, syntax.Otherwise):
                value = self._otherwise(value, step)
            else:
                value = self._step(value, step, wanted)
            self.places[id(value)] = step.span
            self.kept.append(value)
            if self.names.heard is not None:
                self.names.heard(step, value, self.scope)
        return value

    def _otherwise(self, value: Expression, step: syntax.Otherwise) -> Expression:
        found = value.type.or_null() if step.action == "null" else value.type
        return OrElse(value, step.action, step.message, found)

    def _step(self, value: Expression, step: syntax.Step, wanted: Type | None) -> Expression:
        match step.function.text:
            case "code":
                return coded(value, step, wanted, self.names, self.diagnostics, self.scope)
            case "ref":
                return referred(value, step, self.names, self.diagnostics, self.scope)
        return self._apply(step.function, (value, *step.arguments), step.span)


def _names(written: syntax.Expression) -> Iterator[str]:
    """Give the names between which ``??`` chooses."""
    match written:
        case syntax.Name():
            yield written.text
        case syntax.Operation(operator="coalesce"):
            for operand in written.operands:
                yield from _names(operand)


def _room(target: Type, value: Constant) -> Type:
    """Give the target, wide enough for a literal: a text is compared, not stored."""
    if target.kind == "text":
        return TEXT.or_null()
    if target.kind in {"int", "decimal"} and value.type.kind in {"int", "decimal"}:
        return value.type.or_null()
    return target.or_null()
