"""Lower: a checked project to relational IR, one graph per sync, and the orders in which syncs run.

In: ``ResolvedProject`` without errors. Out: ``IrProject``. Invariant: nothing below reads a spec again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter

from syncline_compiler.lowering.confirm import lower_acked
from syncline_compiler.lowering.diff import MemberDiff
from syncline_compiler.lowering.expression import Frame
from syncline_compiler.lowering.match import lower_match
from syncline_compiler.lowering.merge import aggregates_of, lower_golden, lower_side
from syncline_compiler.lowering.normalise import Normalised, lower_normalise
from syncline_compiler.lowering.slots import MemberSlots, slots_of
from syncline_compiler.model import ir
from syncline_compiler.model.resolved import ResolvedObject, ResolvedProject, ResolvedSync


@dataclass(frozen=True)
class IrMember:
    """A member of a sync, lowered."""

    slots: MemberSlots
    normalise: Normalised
    acked: ir.IrStep


@dataclass(frozen=True)
class IrSync:
    """A sync, lowered."""

    sync: ResolvedSync
    members: tuple[IrMember, ...]
    match: tuple[ir.IrStep, ...]
    merge: tuple[ir.IrStep, ...]
    diff: tuple[ir.IrStep, ...]
    refs: tuple[str, ...]  # objects that it refers to
    aggregated: Mapping[str, tuple[str, ...]]  # sync → its ref fields that point here


@dataclass(frozen=True)
class IrProject:
    """All syncs of a project, lowered, and their orders."""

    syncs: tuple[IrSync, ...]
    order: tuple[str, ...]  # the referred-to first
    decide: tuple[str, ...]  # the aggregated first


def lower(project: ResolvedProject) -> IrProject:
    """Lower every sync of the project."""
    keeper = {sync.object.name: sync.name for sync in project.syncs}
    syncs = tuple(_lower_sync(project, sync, keeper) for sync in project.syncs)
    sums = {s.sync.name: sorted(set(s.aggregated) - {s.sync.name}) for s in syncs}
    return IrProject(syncs, project.order, _ordered(sums))


def _lower_sync(project: ResolvedProject, sync: ResolvedSync, keeper: Mapping[str, str]) -> IrSync:
    members = []
    slots = []
    for member in sync.members:
        system = project.systems[member.system]
        own = slots_of(sync, member, system)
        slots.append(own)
        prefix = f"{sync.name}/{member.connection}"
        frame = _frame(project, prefix, member.connection)
        normalised = lower_normalise(prefix, member, sync.object, own, frame)
        members.append(IrMember(own, normalised, lower_acked(sync.name, own)))
    merge = [lower_side(sync, own) for own in slots]
    merge += lower_golden(sync, slots, keeper, _frame(project, sync.name, ""))
    diff = []
    for order, own in enumerate(slots):
        frame = _frame(project, f"{sync.name}/{own.member.connection}", own.member.connection)
        diff += MemberDiff(sync, own, order, frame).steps()
    aggregated: dict[str, tuple[str, ...]] = {}
    for aggregate in aggregates_of(sync.object):
        child = keeper[aggregate.object]
        aggregated[child] = tuple(sorted({*aggregated.get(child, ()), aggregate.ref}))
    return IrSync(
        sync, tuple(members), lower_match(sync, slots), tuple(merge), tuple(diff), _refs(sync.object), aggregated
    )


def _frame(project: ResolvedProject, prefix: str, connection: str) -> Frame:
    return Frame(
        prefix,
        connection,
        codes={name: table.rows for name, table in project.codes.items()},
        keepers={sync.object.name: sync.name for sync in project.syncs},
        inverse_codes={name: tuple(sorted(table.inverse.items())) for name, table in project.codes.items()},
    )


def _refs(object_: ResolvedObject) -> tuple[str, ...]:
    return tuple(sorted({field.type.name for field in object_.fields if field.type.kind == "ref" and field.type.name}))


def _ordered(needs: Mapping[str, Iterable[str]]) -> tuple[str, ...]:
    """Names so that each comes after what it needs; a cycle is cut at its last name (finished by a later run)."""
    left = {name: set(of) for name, of in needs.items()}
    while True:
        sorter = TopologicalSorter({name: sorted(left[name]) for name in sorted(left)})
        try:
            return tuple(sorter.static_order())
        except CycleError as error:
            cycle: list[str] = error.args[1]
            cut = max(cycle)
            left[cut] -= set(cycle)
