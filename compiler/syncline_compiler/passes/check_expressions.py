"""Check the expressions of objects: derived fields, invariants, and the exceptions of identity rules.

In: objects without them, and a function that types one expression. Out: the same objects with them.
Diagnostics: those of the expressions. Invariant: the order of objects does not matter, also where a derived field uses
the derived field of another object.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace

from syncline_compiler.diagnostics.diagnostic import Collector
from syncline_compiler.model.document import Declared, WrittenProject
from syncline_compiler.model.resolved import DerivedField, IdentityRule, Invariant, ResolvedObject
from syncline_compiler.model.spec import ObjectSpec
from syncline_compiler.model.typed import Constant, Expression
from syncline_compiler.model.types import UNKNOWN, Type
from syncline_compiler.source import Span

Objects = Mapping[str, ResolvedObject]
Typing = Callable[[str, Span, ResolvedObject, Objects, Collector, Type | None], Expression | None]
"""Types one expression over a canonical object, of a wanted type if one is given; None if it has diagnostics."""


def check_expressions(
    project: WrittenProject, objects: Objects, typing: Typing, condition: Type, diagnostics: Collector
) -> Objects:
    """Type every expression of every object; ``condition`` is the type of invariants and exceptions."""
    derived = _derived(project, objects, typing, diagnostics)
    return {
        name: replace(
            item,
            invariants=tuple(_invariants(project.objects[name], item, derived, typing, condition, diagnostics)),
            identity=tuple(_identity(project.objects[name], item, derived, typing, condition, diagnostics)),
        )
        for name, item in derived.items()
    }


def _derived(project: WrittenProject, objects: Objects, typing: Typing, diagnostics: Collector) -> Objects:
    """Type derived fields until no more can be: one may use another. What is left then is reported."""
    current = dict(objects)
    pending = {(name, field) for name in objects for field in project.objects[name].spec.derived}
    progress = True
    while progress:
        progress = False
        for name, field in sorted(pending):
            typed = _derived_field(project.objects[name], field, current, typing, Collector())
            if typed is not None:
                current[name] = replace(current[name], derived=(*current[name].derived, typed))
                pending.discard((name, field))
                progress = True
    for name, field in sorted(pending):
        span = project.objects[name].key("derived", field)
        unknown = DerivedField(field, Constant(None, UNKNOWN), UNKNOWN, span)
        current[name] = replace(current[name], derived=(*current[name].derived, unknown))
    for name, field in sorted(pending):
        _derived_field(project.objects[name], field, current, typing, diagnostics)
    return {name: _in_written_order(project.objects[name], item) for name, item in current.items()}


def _derived_field(
    declared: Declared[ObjectSpec], name: str, objects: Objects, typing: Typing, diagnostics: Collector
) -> DerivedField | None:
    spec = declared.spec.derived[name]
    span = declared.at("derived", name, "value")
    value = typing(spec.value, span, objects[declared.spec.object], objects, diagnostics, None)
    if value is None or diagnostics.failed:
        return None
    return DerivedField(name, value, value.type, declared.key("derived", name), spec.label)


def _in_written_order(declared: Declared[ObjectSpec], item: ResolvedObject) -> ResolvedObject:
    order = list(declared.spec.derived)
    return replace(item, derived=tuple(sorted(item.derived, key=lambda field: order.index(field.name))))


def _invariants(
    declared: Declared[ObjectSpec],
    item: ResolvedObject,
    objects: Objects,
    typing: Typing,
    wanted: Type,
    diagnostics: Collector,
) -> Iterator[Invariant]:
    for name, text in declared.spec.invariants.items():
        condition = typing(text, declared.at("invariants", name), item, objects, diagnostics, wanted)
        if condition is not None:
            yield Invariant(name, condition, declared.key("invariants", name))


def _identity(
    declared: Declared[ObjectSpec],
    item: ResolvedObject,
    objects: Objects,
    typing: Typing,
    wanted: Type,
    diagnostics: Collector,
) -> Iterator[IdentityRule]:
    """Add the exceptions to the rules; a rule is found again by its place."""
    written = {declared.at("identity", index, "same"): index for index in range(len(declared.spec.identity))}
    for rule in item.identity:
        index = written[rule.span]
        text = declared.spec.identity[index].unless
        if text is None:
            yield rule
            continue
        unless = typing(text, declared.at("identity", index, "unless"), item, objects, diagnostics, wanted)
        if unless is not None:
            yield replace(rule, unless=unless)
