"""Who is affected by a change: column by column, from what changed to every field, system, event and sync that it reaches.

In: changes and both sides as they can be asked. Out: addresses, such as ``erp.Partner.name``. Where something is gone, the side before is
asked.
"""

from __future__ import annotations

from collections.abc import Iterator

from syncline_compiler.changes.change import Change
from syncline_compiler.changes.kinds import KINDS
from syncline_compiler.model.resolved import ResolvedMember
from syncline_compiler.query.lineage import Edge
from syncline_compiler.query.project_query import ProjectQuery
from syncline_compiler.query.symbol import Symbol

OF_FIELDS = ("owner", "unowned_edit", "first_link")
"""What a sync says of single fields."""
OF_MEMBER = ("member", "member.moved", "hold", "on_leave", "many")
"""What it says of records of one member."""
OF_OTHERS = ("originate", "when_deleted_in")
"""What it says of one member, for the records of the others."""
WHOLE = ("sync", "sync.object")
TOLD = ("native_field", "list_member", "field", "derived", "part")


class Affected:
    """What changes reach, on either side."""

    def __init__(self, before: ProjectQuery | None, after: ProjectQuery | None) -> None:
        self._sides = [side for side in (after, before) if side is not None]

    def of(self, change: Change) -> tuple[str, ...]:
        """Give the addresses of all that a change reaches, the nearest first."""
        if change.verdict == "cosmetic":
            return ()
        found: dict[str, None] = {}
        for side in self._sides:
            for symbol in _starts(change, side):
                if symbol.kind in TOLD and _is_known(symbol, side):
                    found.setdefault(symbol.address)
                for edge in side.lineage.downstream(symbol):
                    if edge.target.kind in TOLD:
                        found.setdefault(edge.target.address)
                if symbol.kind in ("native_field", "list_member"):
                    found.update((address, None) for address in _written_from(symbol, side))
                else:
                    found.update((edge.target.address, None) for edge in _around(symbol, side))
            found.update((address, None) for address in _held(change, side))
            found.update((f"event {name}", None) for name in _events(change, side))
            found.update((f"sync {name}", None) for name in _syncs(change, side))
        itself = ".".join((change.item.name, *change.key.names))
        return tuple(address for address in found if not f"{itself}.".startswith(f"{address}."))


def _is_known(symbol: Symbol, side: ProjectQuery) -> bool:
    return symbol in side.lineage.out_of or symbol in side.lineage.into


def _around(symbol: Symbol, side: ProjectQuery) -> Iterator[Edge]:
    return (edge for edge in side.lineage.out_of.get(symbol, ()) if edge.target.kind in TOLD)


def _written_from(symbol: Symbol, side: ProjectQuery) -> Iterator[str]:
    """Name what is written to a native field."""
    edges = side.lineage.into.get(symbol, ())
    return (edge.source.address for edge in edges if edge.source.kind in TOLD)


def _held(change: Change, side: ProjectQuery) -> Iterator[str]:
    """Name the resources whose records come or go by what a sync says of its members."""
    if change.item.kind != "sync":
        return
    kind, names = change.key
    for sync in side.project.syncs:
        if sync.name != change.item.name:
            continue
        for one in sync.members:
            itself = one.connection in names
            if kind in WHOLE or (kind in OF_MEMBER and itself) or (kind in OF_OTHERS and not itself):
                yield f"{one.system}.{one.resource}"


def _starts(change: Change, side: ProjectQuery) -> Iterator[Symbol]:
    """Give the symbols from which a change spreads."""
    item, names = change.item, change.key.names
    if item.kind == "object" and names:
        yield from (Symbol(kind, (item.name, names[0])) for kind in ("field", "part", "derived"))
    elif item.kind == "mapping":
        place, _, object_ = item.name.partition("/")
        if change.key.kind in ("read", "each") and names:
            yield from (Symbol(kind, (object_, names[-1])) for kind in ("field", "part"))
        elif change.key.kind == "write":
            system, _, resource = place.partition(".")
            yield Symbol("native_field", (system, resource, names[0]))
    elif item.kind == "system" and len(names) > 1:
        yield Symbol("native_field", (item.name, names[0], names[1]))
    elif item.kind == "codes":
        yield from _coded(item.name, side)
    elif item.kind == "sync" and change.key.kind in OF_FIELDS:
        of = [sync.object.name for sync in side.project.syncs if sync.name == item.name]
        yield from (Symbol(kind, (object_, names[0])) for object_ in of for kind in ("field", "part"))


def _coded(table: str, side: ProjectQuery) -> Iterator[Symbol]:
    """Name what is read or written through a code table."""
    return (edge.target for edge in _through(table, side))


def _through(table: str, side: ProjectQuery) -> Iterator[Edge]:
    return (edge for edge in side.lineage.edges if any(table in step.split() for step in edge.steps))


def _events(change: Change, side: ProjectQuery) -> Iterator[str]:
    kind = change.item.kind
    for name, event in side.project.events.items():
        of_object = kind == "object" and event.object == change.item.name
        if of_object or (kind == "system" and (event.system, event.resource) == _resource(change)):
            yield name


def _syncs(change: Change, side: ProjectQuery) -> Iterator[str]:
    """Name the syncs that the item takes part in."""
    kind, name = change.item
    coded = {edge.mapping.path for edge in _through(name, side) if edge.mapping} if kind == "codes" else frozenset()
    for sync in side.project.syncs:
        of = sync.object.name
        mapped = {(one.system, one.resource, of) for one in sync.members}
        if (
            (kind == "object" and name in (of, *(part.of for part in sync.object.parts)))
            or (kind == "mapping" and any(f"{system}.{resource}/{of}" == name for system, resource, _ in mapped))
            or (kind == "system" and any(_is_of(change, member) for member in sync.members))
            or (kind == "event" and name in side.project.events and side.project.events[name].object == of)
            or not mapped.isdisjoint(coded)
        ):
            yield sync.name


def _is_of(change: Change, member: ResolvedMember) -> bool:
    """Whether a change of a system is one of what a member holds."""
    system, resource = _resource(change)
    return member.system == system and resource in (None, member.resource)


def _resource(change: Change) -> tuple[str, str | None]:
    """Give the system and the resource that a change is about; no resource where it is about them all."""
    return change.item.name, change.key.names[0] if KINDS[change.key.kind].within else None
