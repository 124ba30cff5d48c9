"""Check references: the order in which syncs go, and the references that close a cycle.

In: resolved syncs. Out: ``ReferenceOrder``: names of syncs, the referred-to first, and the syncs with their *late*
references: those whose records come later in that order, or are of the same object. A late reference may be empty at
first and is finished by a second update. Diagnostics: SYN0509.
Invariant: a reference that may not be empty, that tells records apart, or without which a mapping rejects the record is
never late.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from graphlib import CycleError, TopologicalSorter
from itertools import pairwise

from syncline_compiler.diagnostics.diagnostic import Collector
from syncline_compiler.model.resolved import ResolvedField, ResolvedSync
from syncline_compiler.model.typed import OrElse


@dataclass(frozen=True)
class ReferenceOrder:
    """Syncs with their late references, and their names in order."""

    syncs: tuple[ResolvedSync, ...]
    order: tuple[str, ...]


@dataclass(frozen=True)
class _Reference:
    """A ref field from one sync to another; ``why`` it cannot come late, or ""."""

    source: str
    field: ResolvedField
    target: str
    why: str


def check_references(syncs: Sequence[ResolvedSync], diagnostics: Collector) -> ReferenceOrder:
    """Put syncs in an order in which references are known when they are needed."""
    keeper = {sync.object.name: sync.name for sync in syncs}
    references = [one for sync in syncs for one in _references(sync, keeper)]
    kept = [one for one in references if one.source != one.target]
    for one in references:
        if one.source == one.target and not one.field.type.nullable:
            _report([one], diagnostics)
    while True:
        cycle = _cycle([sync.name for sync in syncs], kept)
        if isinstance(cycle, tuple):
            break
        kept = _cut(cycle, kept, diagnostics)
    place = {name: number for number, name in enumerate(cycle)}
    late: dict[str, list[str]] = {}
    for one in references:
        if not one.why and place[one.target] >= place[one.source]:
            late.setdefault(one.source, []).append(one.field.name)
    return ReferenceOrder(tuple(replace(sync, late=tuple(late.get(sync.name, ()))) for sync in syncs), cycle)


def _references(sync: ResolvedSync, keeper: dict[str, str]) -> Iterator[_Reference]:
    """Give the references of a sync to records that some sync keeps."""
    identity = {name for rule in sync.object.identity for name in rule.same}
    for field in sync.object.fields:
        target = keeper.get(field.type.name or "") if field.type.kind == "ref" else None
        if target is None or field.name not in sync.owners:
            continue
        why = ""
        if field.required or not field.type.nullable:
            why = "is never empty"
        elif field.name in identity:
            why = "tells records apart"
        elif _rejects(sync, field.name):
            why = "sets the record aside where it is not known"
        yield _Reference(sync.name, field, target, why)


def _rejects(sync: ResolvedSync, field: str) -> bool:
    gets = (line.get for member in sync.members for line in member.mapping.lines if line.field == field)
    return any(isinstance(get, OrElse) and get.action != "null" for get in gets)


def _cycle(names: Sequence[str], references: Sequence[_Reference]) -> tuple[str, ...] | list[str]:
    """Give the names in order, or as a list the names of a cycle, the first of them again at its end."""
    needs: dict[str, set[str]] = {name: set() for name in sorted(names)}
    for one in references:
        needs[one.source].add(one.target)
    sorter = TopologicalSorter({name: sorted(of) for name, of in needs.items()})
    try:
        return tuple(sorter.static_order())
    except CycleError as error:
        found: list[str] = error.args[1]
        return found


def _cut(cycle: list[str], references: list[_Reference], diagnostics: Collector) -> list[_Reference]:
    """Take the references between two neighbours of a cycle away: where one is not free to come late, it is reported."""
    of_pair = {
        (source, target): [one for one in references if (one.source, one.target) == (source, target)]
        for target, source in pairwise(cycle)
    }
    free = [pair for pair, ones in of_pair.items() if not any(one.why for one in ones)]
    if not free:
        _report([next(one for one in ones if one.why) for _, ones in sorted(of_pair.items())], diagnostics)
    cut = of_pair[max(free or of_pair)]
    return [one for one in references if one not in cut]


def _report(cycle: Sequence[_Reference], diagnostics: Collector) -> None:
    first, *others = cycle
    diagnostics.report(
        "SYN0509", first.field.span, label=f"refers to `{first.field.type.name}` and {first.why}",
        secondary=[(one.field.span, f"refers to `{one.field.type.name}` and {one.why}") for one in others],
        help=f"let one of them be empty at first: `ref({first.field.type.name})?`, and in no identity rule; "
        "a second update fills it in",
    )  # fmt: skip
