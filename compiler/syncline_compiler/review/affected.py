"""Who is affected by a change: column by column, from what changed to every field, system, event and sync that it reaches.

In: changes and both sides as they can be asked. Out: addresses, such as ``erp.Partner.name``. Where something is gone, the side before is
asked.
"""

from __future__ import annotations

from collections.abc import Iterator

from syncline_compiler.changes.classify import Change
from syncline_compiler.query.lineage import Edge
from syncline_compiler.query.project_query import ProjectQuery
from syncline_compiler.query.symbol import Symbol

OF_FIELDS = ("owner", "unowned_edit", "first_link")
"""What a sync says of single fields."""
TOLD = ("native_field", "list_member", "field", "derived", "part")


class Affected:
    """What changes reach, on either side."""

    def __init__(self, before: ProjectQuery | None, after: ProjectQuery | None) -> None:
        self._sides = [side for side in (after, before) if side is not None]

    def of(self, change: Change) -> tuple[str, ...]:
        """Give the addresses of all that a change reaches, the nearest first."""
        found: dict[str, None] = {}
        for side in self._sides:
            for symbol in _starts(change, side):
                for edge in side.lineage.downstream(symbol):
                    if edge.target.kind in TOLD:
                        found.setdefault(edge.target.address)
                if symbol.kind in ("native_field", "list_member"):
                    continue
                found.update((edge.target.address, None) for edge in _around(symbol, side))
            found.update((f"event {name}", None) for name in _events(change, side))
            found.update((f"sync {name}", None) for name in _syncs(change, side))
        return tuple(address for address in found if address != ".".join((change.item.name, *change.key.names)))


def _around(symbol: Symbol, side: ProjectQuery) -> Iterator[Edge]:
    return (edge for edge in side.lineage.out_of.get(symbol, ()) if edge.target.kind in TOLD)


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
    """Give what is read or written through a code table."""
    for edge in side.lineage.edges:
        if any(table in step.split() for step in edge.steps):
            yield edge.target


def _events(change: Change, side: ProjectQuery) -> Iterator[str]:
    if change.item.kind == "object":
        yield from (name for name, event in side.project.events.items() if event.object == change.item.name)


def _syncs(change: Change, side: ProjectQuery) -> Iterator[str]:
    """Name the syncs that the item takes part in."""
    kind, name = change.item
    for sync in side.project.syncs:
        mapped = any(f"{m.system}.{m.resource}/{sync.object.name}" == name for m in sync.members)
        of_system = any(member.system == name for member in sync.members)
        if (
            (kind == "object" and sync.object.name == name)
            or (kind == "mapping" and mapped)
            or (kind == "system" and of_system)
        ):
            yield sync.name
