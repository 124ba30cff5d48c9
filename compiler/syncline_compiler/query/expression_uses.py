"""What expressions name, and the type of each part of them: told by the typing itself.

In: what ``Names.heard`` is told while an expression or a mapping is typed once more. Out: uses and typed places.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import field

from syncline_compiler.checking.aggregates import FUNCTIONS, names_in
from syncline_compiler.checking.names import Heard, Scope
from syncline_compiler.functions import WRITTEN
from syncline_compiler.model import syntax
from syncline_compiler.model.resolved import ResolvedObject
from syncline_compiler.model.typed import Expression
from syncline_compiler.query.symbol import Symbol, TypedPlace, Use, canonical, piece, span_of
from syncline_runtime.frozen import dataclass


@dataclass
class Listener:
    """Notes what is heard of one file, or of all specs in YAML, where no ``let`` is."""

    path: str = ""
    uses: list[Use] = field(default_factory=list)
    types: list[TypedPlace] = field(default_factory=list)

    def __call__(self, written: Heard, made: Expression, scope: Scope) -> None:
        """Note what one expression or step names, and its type."""
        if made.type.kind != "unknown":
            self.types.append(TypedPlace(written.span, made.type))
        self.uses += self._named(written, scope)

    def _named(self, written: Heard, scope: Scope) -> Iterator[Use]:
        match written:
            case syntax.Name():
                yield from self.name(written, scope)
            case syntax.Pick():
                yield from self.name(written.list, scope)
            case syntax.Membership(options=syntax.Name() as table):
                yield Use(Symbol("codes", (table.text,)), table.span)
            case syntax.Call():
                yield from _function(written.function)
                if scope.kind == "canonical" and scope.object is not None and written.arguments:
                    yield from _collection(written.arguments[0], scope.object)
                elif scope.kind == "native" and written.function.text in FUNCTIONS and written.arguments:
                    yield from _list(written.arguments[0], scope)
            case syntax.Step():
                yield from _step(written)

    def name(self, name: syntax.Name, scope: Scope) -> Iterator[Use]:
        """Give what a name means in a scope; nothing if nobody declares it, as members of a list that nobody describes."""
        if scope.object is not None:
            yield from self._canonical(name, scope.object, scope.prefix)
        elif name.text in scope.lets:
            yield Use(Symbol("let", (self.path, name.text)), span_of(name))
        elif scope.system is not None and scope.resource is not None:
            seen = len(name.parts) > 1 and name.parts[0] == scope.prefix
            native = scope.native(".".join(name.parts[1 if seen else 0 :]))
            if native is not None:
                span = piece(name.span, name.parts, 1) if seen else span_of(name)
                yield Use(Symbol("native_field", (scope.system.name, scope.resource.name, native.name)), span)

    def _canonical(self, name: syntax.Name, item: ResolvedObject, prefix: str | None) -> Iterator[Use]:
        """Name a field, behind the name by which its record is seen where there is one."""
        seen = len(name.parts) > 1 and name.parts[0] == prefix
        symbol = canonical(item, name.parts[1 if seen else 0])
        if symbol is not None:
            yield Use(symbol, piece(name.span, name.parts, 1) if seen else span_of(name))


def _collection(argument: syntax.Expression, item: ResolvedObject) -> Iterator[Use]:
    """Name the records over which an aggregate goes, by the name under which the object sees them."""
    for name in names_in(argument):
        yield Use(Symbol("inverse", (item.name, name.parts[0])), piece(name.span, name.parts, 0))


def _list(argument: syntax.Expression, scope: Scope) -> Iterator[Use]:
    """Name the native list over which an aggregate goes."""
    assert scope.system is not None  # a native scope has both
    assert scope.resource is not None
    for name in names_in(argument):
        native = scope.native(name.parts[0])
        if native is not None and native.type in ("list", "json"):
            symbol = Symbol("native_field", (scope.system.name, scope.resource.name, native.name))
            yield Use(symbol, piece(name.span, name.parts, 0))


def _function(name: syntax.Name) -> Iterator[Use]:
    if name.text in WRITTEN:
        yield Use(Symbol("function", (name.text,)), name.span)


def _step(step: syntax.Step) -> Iterator[Use]:
    """Name a step's function; ``code`` names a table, ``ref`` an object and perhaps a field of it."""
    match step.function.text, step.arguments:
        case "code", (syntax.Name() as table,):
            yield Use(Symbol("codes", (table.text,)), table.span)
        case "ref", (syntax.Name() as item, *more):
            yield Use(Symbol("object", (item.text,)), item.span)
            if len(more) == 2 and isinstance(more[1], syntax.Name):
                yield Use(Symbol("field", (item.text, more[1].text)), more[1].span)
    if step.function.text in {"code", "ref"}:
        yield Use(Symbol("function", (step.function.text,)), step.function.span)
    yield from _function(step.function)
