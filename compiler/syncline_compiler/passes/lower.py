"""Lower: a checked project to relational IR, one graph per sync, and the orders in which syncs run.

In: ``ResolvedProject`` without errors. Out: ``IrProject``. Invariant: nothing below reads a spec again.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from graphlib import CycleError, TopologicalSorter

from syncline_compiler.lowering.confirm import lower_acked
from syncline_compiler.lowering.diff import MemberDiff
from syncline_compiler.lowering.expression import Frame
from syncline_compiler.lowering.match import lower_match
from syncline_compiler.lowering.merge import aggregates_of, lower_golden, lower_side
from syncline_compiler.lowering.normalise import Normalised, lower_normalise
from syncline_compiler.lowering.slots import MemberSlots, slots_of
from syncline_compiler.lowering.winner import unknowable_of
from syncline_compiler.model import ir
from syncline_compiler.model.resolved import ResolvedObject, ResolvedProject, ResolvedSync
from syncline_runtime.frozen import dataclass


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
    """All syncs of a project, and which go before which. Each is lowered when its turn comes, so that one at a time is held."""

    syncs: Iterator[IrSync]
    refers: Mapping[str, Sequence[str]]  # sync → those whose records it refers to, but for late references
    sums: Mapping[str, Sequence[str]]  # sync → those whose records it sums over


@dataclass(frozen=True)
class _Names:
    """What every sync's lowering looks up in the project."""

    syncs: Mapping[str, ResolvedSync]  # object → the sync that keeps it, whole
    keepers: Mapping[str, str]  # object → the sync that keeps it
    codes: Mapping[str, tuple[tuple[str, str], ...]]
    inverse_codes: Mapping[str, tuple[tuple[str, str], ...]]

    def frame(self, prefix: str, connection: str) -> Frame:
        """Give a frame in which nothing is lowered yet."""
        return Frame(prefix, connection, codes=self.codes, inverse_codes=self.inverse_codes, keepers=self.keepers)


def lower(project: ResolvedProject) -> IrProject:
    """Lower every sync of the project."""
    names = _Names(
        {sync.object.name: sync for sync in project.syncs},
        {sync.object.name: sync.name for sync in project.syncs},
        {name: table.rows for name, table in project.codes.items()},
        {name: tuple(sorted(table.inverse.items())) for name, table in project.codes.items()},
    )
    sums = {sync.name: sorted(set(_aggregated(sync, names)) - {sync.name}) for sync in project.syncs}
    return IrProject((_lower_sync(project, sync, names) for sync in project.syncs), project.refers, sums)


def _lower_sync(project: ResolvedProject, sync: ResolvedSync, names: _Names) -> IrSync:
    members = []
    slots = []
    for member in sync.members:
        system = project.systems[member.system]
        own = slots_of(sync, member, system)
        slots.append(own)
        prefix = f"{sync.name}/{member.connection}"
        normalised = lower_normalise(prefix, member, sync.object, own, names.frame(prefix, member.connection))
        members.append(IrMember(own, normalised, lower_acked(sync.name, own)))
    unknowable = unknowable_of(slots)
    merge = [lower_side(sync, own, unknowable) for own in slots]
    merge += lower_golden(sync, slots, names.syncs, names.frame(sync.name, ""))
    diff = []
    for order, own in enumerate(slots):
        connection = own.member.connection
        of_member = MemberDiff(sync, own, order, names.frame(f"{sync.name}/{connection}", connection))
        merge += of_member.comers()
        diff += of_member.steps()
    match = lower_match(sync, slots)
    return IrSync(sync, tuple(members), match, tuple(merge), tuple(diff), _refs(sync.object), _aggregated(sync, names))


def _aggregated(sync: ResolvedSync, names: _Names) -> dict[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    for aggregate in aggregates_of(sync.object):
        child = names.keepers[aggregate.object]
        found[child] = tuple(sorted({*found.get(child, ()), aggregate.ref}))
    return found


def _refs(object_: ResolvedObject) -> tuple[str, ...]:
    return tuple(sorted({field.type.name for field in object_.fields if field.type.kind == "ref" and field.type.name}))


def ordered(needs: Mapping[str, Iterable[str]]) -> tuple[str, ...]:
    """Give names so that each comes after what it needs; a cycle is cut at its last name (finished by a later run)."""
    left = {name: set(of) for name, of in needs.items()}
    while True:
        sorter = TopologicalSorter({name: sorted(left[name]) for name in sorted(left)})
        try:
            return tuple(sorter.static_order())
        except CycleError as error:
            cycle: list[str] = error.args[1]
            cut = max(cycle)
            left[cut] -= set(cycle)
