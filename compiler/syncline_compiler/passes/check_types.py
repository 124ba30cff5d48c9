"""Types mappings and the expressions of specs.

In: syntax trees, a system's resource, canonical objects. Out: ``TypedMapping`` and typed expressions, with the way back
of every two-way line. Diagnostics: SYN02xx for names, SYN03xx for types and nulls, SYN04xx for code tables and
two-way lines.
Invariant: what comes out has no mistake in it; a line or condition with one is left out and has a diagnostic.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import TypeVar

from syncline_compiler.checking import facts
from syncline_compiler.checking.agree import UNTYPED, Agreement
from syncline_compiler.checking.expressions import Typer
from syncline_compiler.checking.lines import LineChecker
from syncline_compiler.checking.names import Names, Scope, canonical_scope, native_scope
from syncline_compiler.checking.size import Bounds
from syncline_compiler.diagnostics.diagnostic import Collector
from syncline_compiler.model import syntax
from syncline_compiler.model.resolved import ResolvedObject
from syncline_compiler.model.typed import Apply, Expression, Reject, TypedMapping
from syncline_compiler.model.types import BOOL, Type
from syncline_runtime.system import System

S = TypeVar("S", syntax.Take, syntax.Reject)
MOST_LETS = 200
"""What is known of each is settled again with each."""

__all__ = ["Names", "check_expression", "check_mapping"]


def check_mapping(
    mapping: syntax.Mapping, system: System, object: ResolvedObject, names: Names, diagnostics: Collector
) -> TypedMapping:
    """Type a mapping whose header is bound to a resource of ``system`` and to ``object``."""
    resource = mapping.header.resource.parts[1]
    bounds = Bounds()
    scope = _with_lets(mapping, native_scope(system, system.resource(resource)), names, bounds, diagnostics)
    typer = Typer(names, scope, diagnostics)
    told = diagnostics.told
    take = _take(mapping, typer, bounds)
    rejects = tuple(_reject(reject, typer, bounds) for reject in _worth_reading(mapping.rejects, diagnostics))
    scope = _knowing(mapping, scope) if diagnostics.told == told else scope.knowing(_everything(scope))
    checker = LineChecker(names, scope, object, diagnostics, bounds)
    return TypedMapping(
        system=system.name,
        resource=resource,
        object=object.name,
        take=take,
        lines=tuple(checker.lines(mapping.lines)),
        parts=tuple(checker.parts(mapping.parts)),
        rejects=rejects,
        span=mapping.span,
        taken=mapping.takes[0].span if mapping.takes else None,
    )


def _worth_reading(statements: Iterable[S], diagnostics: Collector) -> Iterator[S]:
    """Give statements as long as their file is not full of mistakes; the first ones will do."""
    return itertools.takewhile(lambda statement: not diagnostics.full(statement.span.path), statements)


def _everything(scope: Scope) -> facts.Facts:
    """Tell that every name is there: where a condition has a mistake, what it says of nulls is not known."""
    return frozenset(frozenset({(name, True)}) for name in scope.known())


def check_expression(
    expression: syntax.Expression,
    object: ResolvedObject,
    names: Names,
    diagnostics: Collector,
    wanted: Type | None = None,
) -> Expression | None:
    """Type an expression over a canonical object; None if it has a mistake. A wanted bool makes it a condition."""
    typer = Typer(names, canonical_scope(object), diagnostics)
    if wanted is not None and wanted.kind == "bool":
        value = typer.condition(expression)
    else:
        value = typer.value(expression, wanted)
        if wanted is not None:
            value = Agreement(diagnostics, expression.span, reading=False).of(value, wanted)
    if value.type.kind == "unknown" or not Bounds().hold(value, expression.span, diagnostics):
        return None
    return value


def _with_lets(mapping: syntax.Mapping, scope: Scope, names: Names, bounds: Bounds, diagnostics: Collector) -> Scope:
    """Each ``let`` sees those before it; a value written out in full is bounded."""
    scope = _knowing(mapping, scope)
    if len(mapping.lets) > MOST_LETS:
        label = f"a mapping has at most {MOST_LETS} of these"
        diagnostics.report(
            "SYN0102", mapping.lets[MOST_LETS].span, label=label, help="write some out where they are used"
        )
        return scope
    for let in mapping.lets:
        name = let.name.text
        if scope.find(let.name.parts) is not None:
            label = f"`{name}` means something here already"
            diagnostics.report("SYN0310", let.name.span, label=label, help="give it another name")
            continue
        value = Typer(names, scope, diagnostics).value(let.value)
        if not bounds.hold(value, let.span, diagnostics):
            value = UNTYPED
        scope = _naming(let, value, scope, names)
    return scope


def _naming(let: syntax.Let, value: Expression, scope: Scope, names: Names) -> Scope:
    """Give the scope in which a ``let`` has its name, and what is known of it: it is null only where what it is made of is."""
    facts_of = facts.named(let.name, let.value)
    made = facts.given(let.value)
    if value.type.nullable and all(len(clause) == 1 for clause in made):
        full = Typer(names, scope.knowing(made), Collector(trial=True)).value(let.value)
        if not full.type.nullable:
            facts_of |= facts.implied(let.name.text, made)
    return replace(scope, lets={**scope.lets, let.name.text: value}).knowing(facts_of)


def _knowing(mapping: syntax.Mapping, scope: Scope) -> Scope:
    """Tell what is known of every record that reaches the lines: it was taken, and not rejected.

    Where the statements stand does not matter: all of them are tried before a record goes on, so that what they say
    holds in every line and ``let``. The conditions themselves are typed without it.
    """
    taken = [facts.when_true(take.condition) for take in mapping.takes]
    kept = [facts.when_false(reject.condition) for reject in mapping.rejects]
    return scope.knowing(facts.NOTHING.union(*taken, *kept))


def _take(mapping: syntax.Mapping, typer: Typer, bounds: Bounds) -> Expression | None:
    typer = typer.within(replace(typer.scope, facts=facts.NOTHING))
    takes = _worth_reading(mapping.takes, typer.diagnostics)
    held = [typer.condition(take.condition) for take in takes]
    for take, condition in zip(mapping.takes, held, strict=False):
        bounds.hold(condition, take.span, typer.diagnostics)
    return _certain(held[0] if len(held) == 1 else Apply("and", tuple(held), BOOL)) if held else None


def _reject(reject: syntax.Reject, typer: Typer, bounds: Bounds) -> Reject:
    condition = typer.within(replace(typer.scope, facts=facts.NOTHING)).condition(reject.condition)
    bounds.hold(condition, reject.span, typer.diagnostics)
    return Reject(_certain(condition), reject.because, reject.span)


def _certain(condition: Expression) -> Expression:
    """Give the condition with null as false, even where a system breaks its promise that a field is there."""
    if isinstance(condition, Apply) and condition.function == "is_true":
        return condition
    return Apply("is_true", (condition,), BOOL)
