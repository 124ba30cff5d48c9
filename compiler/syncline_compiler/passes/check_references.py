"""Check references: the order in which syncs go, and the references that close a cycle.

In: resolved syncs. Out: ``ReferenceOrder``: names of syncs, the referred-to first, and the syncs with their *late*
references: those whose records come later in that order, or are of the same object. A late reference may be empty at
first and is finished by a second update. Diagnostics: SYN0509, SYN0512.
Invariant: a reference that may not be empty, that tells records apart, or without which a mapping rejects the record is
never late.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from graphlib import CycleError, TopologicalSorter
from itertools import pairwise

from syncline_compiler.diagnostics.diagnostic import Collector
from syncline_compiler.model.document import WrittenProject
from syncline_compiler.model.members import named_members
from syncline_compiler.model.resolved import ResolvedField, ResolvedMember, ResolvedSync
from syncline_compiler.model.typed import Expression, Line, OrElse, Resolve, parts_of
from syncline_runtime.frozen import dataclass


@dataclass(frozen=True)
class ReferenceOrder:
    """Syncs with their late references, their names in order, and for each those that it refers to and that go before it."""

    syncs: tuple[ResolvedSync, ...]
    order: tuple[str, ...]
    refers: Mapping[str, tuple[str, ...]]


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
    refers: dict[str, set[str]] = {sync.name: set() for sync in syncs}
    for one in kept:
        refers[one.source].add(one.target)
    late_known = tuple(replace(sync, late=tuple(late.get(sync.name, ()))) for sync in syncs)
    return ReferenceOrder(late_known, cycle, {name: tuple(sorted(of)) for name, of in refers.items()})


def _references(sync: ResolvedSync, keeper: dict[str, str]) -> Iterator[_Reference]:
    """Give the references of a sync to records that some sync keeps."""
    identity = {name for rule in sync.object.identity for name in rule.fields}
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


def check_known(syncs: Sequence[ResolvedSync], project: WrittenProject, diagnostics: Collector) -> None:
    """Check that the ids of every reference are those of records that some sync has a member for.

    An id means something within one connection: its record is known there if a member of a sync reads that resource.
    """
    written = [declared.spec for declared in project.syncs.values()]
    named = all(name in spec.members for spec in written for name, _, _ in named_members(spec))
    bound = sum(len(sync.members) for sync in syncs) == sum(len(spec.members) for spec in written)
    whole = named and bound and not project.broken.get("sync")
    kept = {(sync.object.name, one.connection, one.resource) for sync in syncs for one in sync.members}
    for sync in syncs if whole else ():
        for member in sync.members:
            for line in member.mapping.lines:
                for one in _resolved(line):
                    if one.resource not in project.systems[member.system].spec.resources:
                        diagnostics.known()
                    elif (one.object, member.connection, one.resource) not in kept:
                        _report_unknown(one, member, line, syncs, diagnostics)


def _resolved(line: Line) -> Iterator[Resolve]:
    """Give the ids that a line reads, or else writes, as references."""
    values = [line.get] if line.get is not None else [put.value for put in line.puts]
    return (one for value in values for one in _resolves(value) if one.by is None)


def _resolves(value: Expression) -> Iterator[Resolve]:
    if isinstance(value, Resolve):
        yield value
    for part in parts_of(value):
        yield from _resolves(part)


def _report_unknown(
    one: Resolve, member: ResolvedMember, line: Line, syncs: Sequence[ResolvedSync], diagnostics: Collector
) -> None:
    resource = f"{member.system}.{one.resource}"
    others = [(sync, there) for sync in syncs for there in sync.members if sync.object.name == one.object]
    here = [there.resource for _, there in others if there.connection == member.connection]
    if here:
        remedy = (
            f"in `{member.connection}` the records of `{one.object}` are `{here[0]}`: correct the `ref` of the field"
        )
    else:
        remedy = f"make `{member.connection}: {resource}` a member of the sync of `{one.object}`, with a mapping"
    diagnostics.report(
        "SYN0512", line.span,
        label=f"these are ids of `{resource}`, and no sync of `{one.object}` has that as a member in `{member.connection}`",
        secondary=[(others[0][0].span, f"the sync of `{one.object}`")] if others else [], help=remedy,
    )  # fmt: skip


def _report(cycle: Sequence[_Reference], diagnostics: Collector) -> None:
    first, *others = cycle
    diagnostics.report(
        "SYN0509", first.field.span, label=f"refers to `{first.field.type.name}` and {first.why}",
        secondary=[(one.field.span, f"refers to `{one.field.type.name}` and {one.why}") for one in others],
        help=f"let one of them be empty at first: `ref({first.field.type.name})?`, and in no identity rule; "
        "a second update fills it in",
    )  # fmt: skip
