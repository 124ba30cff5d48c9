"""What drift breaks: the lines that name what is otherwise by now, and code tables that do not know a code.

In: a change of a system description, and the project as it can be asked. Out: places with what stands there, for people. Invariant: a line
is named only if it fails, or says something else, while the system is as it seems to be.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from syncline_compiler.changes.change import Change
from syncline_compiler.query.lineage import Edge
from syncline_compiler.query.project_query import ProjectQuery
from syncline_compiler.query.symbol import Symbol


def broken_by(change: Change, side: ProjectQuery) -> tuple[str, ...]:
    """Name what a change breaks."""
    kind, names = change.key
    if kind in ("write_by", "write_by.batch"):
        return _mappings(_written(change.item.name, names[0], side))
    if kind in ("resource", "reads"):
        return _mappings(
            edge for edge in side.lineage.edges if _is_of(edge.source, change) or _is_of(edge.target, change)
        )
    if len(names) < 2 or not kind.startswith("native"):
        return ()
    symbol = Symbol("native_field", (change.item.name, *names[:2]))
    read, written = side.lineage.out_of.get(symbol, ()), side.lineage.into.get(symbol, ())
    match kind, change.direction:
        case ("native", "added required" | "required"):
            return () if written else _mappings(_created(change.item.name, names[0], names[1], side))
        case ("native", "removed") | ("native.type", "another") | ("native.wire", _):
            return _lines((*read, *written))
        case ("native.type", "narrower") | ("native.unwritable", "added"):
            return _lines(written)
        case ("native.unreadable", "added"):
            return _lines(read)
        case ("native.value", "added"):
            return tuple(_unknown(names[2], read, side))
        case ("native.value", "removed"):
            return tuple(_sent(names[2], written, side))
    return ()


def _lines(edges: Iterable[Edge]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(f"{edge.span} {' '.join(edge.text.split())}" for edge in edges if edge.mapping))


def _mappings(edges: Iterable[Edge]) -> tuple[str, ...]:
    named = (edge.mapping.path for edge in edges if edge.mapping)
    return tuple(dict.fromkeys(f"mapping {system}.{resource}/{of}" for system, resource, of in named))


def _written(system: str, resource: str, side: ProjectQuery) -> Iterator[Edge]:
    return (
        edge for edge in side.lineage.edges if edge.direction == "write" and edge.target.path[:2] == (system, resource)
    )


def _created(system: str, resource: str, field: str, side: ProjectQuery) -> Iterator[Edge]:
    """Give the lines that fill records which are created there without the field."""
    create = side.project.systems[system].resource(resource).create
    is_filled = create is None or create.marker == field
    return iter(()) if is_filled else _written(system, resource, side)


def _is_of(symbol: Symbol, change: Change) -> bool:
    return symbol.kind in ("native_field", "list_member") and symbol.path[:2] == (change.item.name, change.key.names[0])


def _unknown(value: str, read: Iterable[Edge], side: ProjectQuery) -> Iterator[str]:
    """Name the code tables that a value comes to, and that have no row for it."""
    for name in _tables(read, side):
        if value not in dict(side.project.codes[name].rows):
            yield f"codes {name} has no row for {value}"


def _sent(value: str, written: Iterable[Edge], side: ProjectQuery) -> Iterator[str]:
    """Name the code tables that write a value, and the lines that write nothing else."""
    edges = tuple(written)
    for name in _tables(edges, side):
        if value in side.project.codes[name].inverse.values():
            yield f"codes {name} gives {value}"
    yield from _lines(edge for edge in edges if edge.source.kind == "constant" and edge.source.name == f'"{value}"')


def _tables(edges: Iterable[Edge], side: ProjectQuery) -> tuple[str, ...]:
    words = (word for edge in edges for step in edge.steps for word in step.split())
    return tuple(dict.fromkeys(word for word in words if word in side.project.codes))
