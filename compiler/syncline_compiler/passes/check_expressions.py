"""Check the expressions of objects: derived fields, invariants, and the exceptions of identity rules.

In: objects without them, and functions that parse and type one expression. Out: the same objects with them.
Diagnostics: SYN0106 (a circle), and those of the expressions. Invariant: the order of objects does not matter, also where
a derived field uses the derived field of another object.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import pairwise

from syncline_compiler.checking.derivation import Derived, Needs, circles, in_order, needs_of
from syncline_compiler.checking.size import Bounds
from syncline_compiler.diagnostics.diagnostic import Collector
from syncline_compiler.model import syntax
from syncline_compiler.model.document import Declared, WrittenProject
from syncline_compiler.model.resolved import DerivedField, IdentityRule, Invariant, ResolvedObject
from syncline_compiler.model.spec import DerivedSpec, ObjectSpec
from syncline_compiler.model.typed import Constant, Expression
from syncline_compiler.model.types import UNKNOWN, Type
from syncline_compiler.source import Span

Parse = Callable[[str, Span, Collector], syntax.Expression | None]
Objects = Mapping[str, ResolvedObject]
Typing = Callable[[str, Span, ResolvedObject, Objects, Collector, Type | None], Expression | None]
"""Types one expression over a canonical object, of a wanted type if one is given; None if it has diagnostics."""

SHOWN = 5
"""Fields of a circle that are shown."""


def check_expressions(
    project: WrittenProject, objects: Objects, parse: Parse, typing: Typing, condition: Type, diagnostics: Collector
) -> Objects:
    """Type every expression of every object; ``condition`` is the type of invariants and exceptions."""
    derived = _derived(project, objects, parse, typing, diagnostics)
    return {
        name: replace(
            item,
            invariants=tuple(_invariants(project.objects[name], item, derived, typing, condition, diagnostics)),
            identity=tuple(_identity(project.objects[name], item, derived, typing, condition, diagnostics)),
        )
        for name, item in derived.items()
    }


def _derived(
    project: WrittenProject, objects: Objects, parse: Parse, typing: Typing, diagnostics: Collector
) -> Objects:
    """Type derived fields, each behind those that it is made of. What cannot be typed then is reported."""
    slipped = {(name, field) for name in objects for field in _slipped(project.objects[name], diagnostics)}
    needs = needs_of(
        {
            (name, field): parse(spec.value, project.objects[name].at("derived", field, "value"), Collector(trial=True))
            for name in objects
            for field, spec in project.objects[name].spec.derived.items()
            if (name, field) not in slipped
        },
        objects,
    )
    typed = dict(objects)
    pending = _typed(in_order(needs), needs, project, typed, typing)
    if any(circles(needs, set(pending))):  # A word may look like a name: what can be typed is in no circle.
        pending = _typed(pending, {}, project, typed, typing)
    _report(pending, needs, project, typed, typing, diagnostics)
    return {name: _in_written_order(project.objects[name], item) for name, item in typed.items()}


def _slipped(declared: Declared[ObjectSpec], diagnostics: Collector) -> Iterator[str]:
    """Report keys of a derived field that stand among the names of derived fields: they are not indented far enough."""
    derived = declared.spec.derived
    for before, name in pairwise(derived):
        if name in DerivedSpec.model_fields and getattr(derived[before], name, None) is None:
            diagnostics.report(
                "SYN0006", declared.key("derived", name), label=f"`{name}` is the name of a derived field here",
                help=f"`{name}` belongs under `{before}`: indent it further",
            )  # fmt: skip
            yield name


def _typed(
    fields: Iterable[Derived], needs: Needs, project: WrittenProject, objects: dict[str, ResolvedObject], typing: Typing
) -> list[Derived]:
    """Type what can be typed now and add it to the objects; gives the others, and what needs them."""
    left: dict[Derived, None] = {}
    for name, field in fields:
        waits = any(need in left or need == (name, field) for need in needs.get((name, field), ()))
        found = None if waits else _derived_field(project.objects[name], field, objects, typing, Collector(trial=True))
        if found is not None:
            objects[name] = replace(objects[name], derived=(*objects[name].derived, found))
        else:
            left[name, field] = None
    return list(left)


def _report(
    pending: Iterable[Derived], needs: Needs, project: WrittenProject, objects: dict[str, ResolvedObject],
    typing: Typing, diagnostics: Collector,
) -> None:  # fmt: skip
    """Report circles, and the mistakes in other fields: what they are made of has no type, and is not reported again."""
    pending = set(pending)
    for name, field in sorted(pending):
        span = project.objects[name].key("derived", field)
        unknown = DerivedField(field, Constant(None, UNKNOWN), UNKNOWN, span)
        objects[name] = replace(objects[name], derived=(*objects[name].derived, unknown))
    for circle in circles(needs, pending):
        _report_circle(circle, project, diagnostics)
        pending -= set(circle)
    for name, field in sorted(pending):
        if not any(need in pending for need in needs[name, field]):
            _derived_field(project.objects[name], field, objects, typing, diagnostics)


def _report_circle(circle: Sequence[Derived], project: WrittenProject, diagnostics: Collector) -> None:
    (name, field), *others = circle
    shown = [project.objects[other].key("derived", one) for other, one in others[:SHOWN]]
    way = " → ".join(f"`{other}.{one}`" for other, one in [*circle[: SHOWN + 1], circle[0]])
    diagnostics.report(
        "SYN0106", project.objects[name].key("derived", field),
        label=f"this is made of itself: {way}" if others else "this is made of itself",
        secondary=[(span, "which needs this") for span in shown],
        help="let one of them follow from fields that systems provide",
    )  # fmt: skip


def _derived_field(
    declared: Declared[ObjectSpec], name: str, objects: Objects, typing: Typing, diagnostics: Collector
) -> DerivedField | None:
    spec = declared.spec.derived[name]
    span = declared.at("derived", name, "value")
    item = objects[declared.spec.object]
    value = typing(spec.value, span, item, objects, diagnostics, None)
    bounds = _bounds(item) if value is not None else None
    if value is None or bounds is None or not bounds.hold(value, span, diagnostics) or diagnostics.failed:
        return None
    key = declared.key("derived", name)
    return DerivedField(name, value, value.type, key, spec.label, bounds.measure(value))


def _bounds(item: ResolvedObject) -> Bounds:
    """Give the bounds of one more expression over an object, in which its derived fields stand for their values."""
    extents = {derived.name: derived.extent for derived in item.derived}
    return Bounds(extents, total=sum(size for size, _ in extents.values()))


def _in_written_order(declared: Declared[ObjectSpec], item: ResolvedObject) -> ResolvedObject:
    order = {name: place for place, name in enumerate(declared.spec.derived)}
    return replace(item, derived=tuple(sorted(item.derived, key=lambda field: order[field.name])))


def _invariants(
    declared: Declared[ObjectSpec],
    item: ResolvedObject,
    objects: Objects,
    typing: Typing,
    wanted: Type,
    diagnostics: Collector,
) -> Iterator[Invariant]:
    bounds = _bounds(item)
    for name, text in declared.spec.invariants.items():
        span = declared.at("invariants", name)
        condition = typing(text, span, item, objects, diagnostics, wanted)
        if condition is not None and bounds.hold(condition, span, diagnostics):
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
    written = {
        declared.at("identity", index, "same") if rule.same else declared.key("identity", index, "similar"): index
        for index, rule in enumerate(declared.spec.identity)
    }
    for rule in item.identity:
        index = written[rule.span]
        text = declared.spec.identity[index].unless
        if text is None:
            yield rule
            continue
        unless = typing(text, declared.at("identity", index, "unless"), item, objects, diagnostics, wanted)
        if unless is not None:
            yield replace(rule, unless=unless)
