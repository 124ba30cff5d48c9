"""In which order derived fields can be typed: what a field is made of comes before it.

In: derived fields as written. Out: their order, and the circles in which they need each other. Invariant: each field is
looked at once, however long a chain they make.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping

from syncline_compiler.checking.aggregates import FUNCTIONS
from syncline_compiler.checking.facts import values_of
from syncline_compiler.model import syntax
from syncline_compiler.model.resolved import ResolvedObject
from syncline_compiler.model.syntax import children_of

Derived = tuple[str, str]
"""An object and its derived field."""
Needs = Mapping[Derived, Collection[Derived]]


def needs_of(
    written: Mapping[Derived, syntax.Expression | None], objects: Mapping[str, ResolvedObject]
) -> dict[Derived, list[Derived]]:
    """Tell which derived fields each one names, of its own object or of those whose records it sums over."""
    seen: dict[str, dict[str, str]] = {name: {} for name in objects}
    for other in objects.values():
        for field in other.fields:
            if field.inverse is not None and field.type.name in seen:
                seen[field.type.name][field.inverse] = other.name
    return {
        derived: sorted({need for need in _named(derived[0], expression, seen) if need in written})
        for derived, expression in written.items()
    }


def in_order(needs: Needs) -> list[Derived]:
    """Put fields behind what they need; those in a circle, and what needs them, come last."""
    left = {derived: len(needed) for derived, needed in needs.items()}
    needed_by: dict[Derived, list[Derived]] = {}
    for derived, needed in needs.items():
        for one in needed:
            needed_by.setdefault(one, []).append(derived)
    ready = sorted((derived for derived, count in left.items() if not count), reverse=True)
    order: list[Derived] = []
    while ready:
        order.append(ready.pop())
        for derived in needed_by.get(order[-1], ()):
            left[derived] -= 1
            if not left[derived]:
                ready.append(derived)
    return [*order, *sorted(derived for derived, count in left.items() if count)]


def circles(needs: Needs, among: Collection[Derived]) -> Iterator[list[Derived]]:
    """Find the circles among some fields, each from its first field on; a field is in one circle at most."""
    walked: dict[Derived, Derived] = {}  # field → where the walk that met it first began
    for start in sorted(among):
        path: list[Derived] = []
        here: Derived | None = start
        while here is not None and here not in walked:
            walked[here] = start
            path.append(here)
            here = next((need for need in needs[here] if need in among and walked.get(need, start) == start), None)
        if here is not None and walked[here] == start:
            circle = path[path.index(here) :]
            first = circle.index(min(circle))
            yield circle[first:] + circle[:first]


def _named(item: str, expression: syntax.Expression | None, seen: Mapping[str, Mapping[str, str]]) -> Iterator[Derived]:
    """Give what an expression names, by object; inside an aggregate the names are those of the other object."""
    waiting = [(expression, item)] if expression is not None else []
    while waiting:
        node, within = waiting.pop()
        if isinstance(node, syntax.Name):
            *prefix, name = node.parts
            yield (seen[within].get(prefix[0], within) if prefix else within), name
        elif isinstance(node, syntax.Call) and node.function.text in FUNCTIONS:
            first = next(_names(node), None)
            within = seen[within].get(first.parts[0], within) if first is not None else within
        waiting += [(part, within) for part in _parts(node)]


def _names(node: syntax.Expression) -> Iterator[syntax.Name]:
    """Give the names in an expression, in order."""
    waiting = [node]
    while waiting:
        one = waiting.pop()
        if isinstance(one, syntax.Name):
            yield one
        waiting += reversed(list(_parts(one)))


def _parts(node: syntax.Expression) -> Iterable[syntax.Expression]:
    """Give the expressions in an expression; the bare words of functions are none."""
    match node:
        case syntax.Pipeline():
            steps = (step for step in node.steps if isinstance(step, syntax.Step))
            arguments = (one for step in steps for one in values_of(step.function.text, step.arguments))
            return (node.value, *arguments)
        case syntax.Call():
            values = values_of(node.function.text, node.arguments)
            return [*values, node.where] if node.where is not None else values
    return children_of(node)
