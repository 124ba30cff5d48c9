"""Column-level lineage: which field feeds which, through which steps, said by which line.

In: a checked project. Out: ``Edge`` values from source to target, and walks along them.
Invariant: every field that a line or a derived field names is in an edge. What two systems have in common goes through a canonical
field; a walk ends at a native field.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from functools import cached_property
from typing import Literal

from syncline_compiler.functions.conversion import reader_of, writer_of
from syncline_compiler.model.resolved import ResolvedProject
from syncline_compiler.model.typed import Apply, Each, Expression, Field, Line, PickPut, Put, TypedMapping
from syncline_compiler.query.symbol import Symbol, canonical
from syncline_compiler.query.ways import Loss, Role, Way, ways
from syncline_compiler.source import Span
from syncline_runtime.frozen import dataclass
from syncline_runtime.system import NativeField, Resource, System

Direction = Literal["read", "write", "derived"]


@dataclass(frozen=True)
class Edge:
    """One field that another is made of. ``condition``: it only decides what the other is, or whether there is a record."""

    source: Symbol
    target: Symbol
    direction: Direction
    role: Role
    steps: tuple[str, ...]  # from source to target, as they are written
    loss: Loss
    two_way: bool  # proved reversible
    text: str  # the line or statement as written; a derived field's name
    span: Span
    mapping: Symbol | None = None  # None: a derived field


class Lineage:
    """The edges of a project, and walks along them."""

    def __init__(self, project: ResolvedProject, text_of: Callable[[Span], str]) -> None:
        """Read the lineage of a project; ``text_of`` gives what is written at a place."""
        self._project, self._text_of = project, text_of

    @cached_property
    def edges(self) -> tuple[Edge, ...]:
        """Every edge: mappings in the order of their names, lines in the order of their files, then derived fields."""
        found = [edge for mapping in self._project.mappings for edge in self._of_mapping(mapping)]
        return tuple(dict.fromkeys([*found, *self._derived()]))

    @cached_property
    def into(self) -> Mapping[Symbol, tuple[Edge, ...]]:
        """The edges that end at a symbol."""
        return _grouped((edge.target, edge) for edge in self.edges)

    @cached_property
    def out_of(self) -> Mapping[Symbol, tuple[Edge, ...]]:
        """The edges that begin at a symbol."""
        return _grouped((edge.source, edge) for edge in self.edges)

    def upstream(self, symbol: Symbol) -> tuple[Edge, ...]:
        """Give the edges by which values come to a symbol, the nearest first."""
        return tuple(_walk(symbol, self.into, lambda edge: edge.source))

    def downstream(self, symbol: Symbol) -> tuple[Edge, ...]:
        """Give the edges by which values go on from a symbol, the nearest first."""
        return tuple(_walk(symbol, self.out_of, lambda edge: edge.target))

    def _of_mapping(self, mapping: TypedMapping) -> Iterator[Edge]:
        system = self._project.systems[mapping.system]
        symbol = Symbol("mapping", (mapping.system, mapping.resource, mapping.object))
        at = _Place(self._project, system, system.resource(mapping.resource), symbol, mapping.object)
        if mapping.take is not None:
            span = mapping.taken or mapping.span
            yield from at.conditions(mapping.take, span, self._text_of(span))
        for reject in mapping.rejects:
            yield from at.conditions(reject.condition, reject.span, self._text_of(reject.span))
        for line in mapping.lines:
            yield from at.line(line)
        for part in mapping.parts:
            yield from at.part(part)

    def _derived(self) -> Iterator[Edge]:
        for name, item in sorted(self._project.objects.items()):
            for derived in item.derived:
                target = Symbol("derived", (name, derived.name))
                for way in ways(derived.value, self._project.codes):
                    source = canonical(self._project.objects[way.of or name], way.field.name)
                    if source is not None:
                        yield Edge(
                            source, target, "derived", way.role, way.steps, "values", False, derived.name, derived.span
                        )


@dataclass(frozen=True)
class _Place:
    """Where lines stand: in a mapping, or in a block over the elements of one of its lists."""

    project: ResolvedProject
    system: System
    resource: Resource
    symbol: Symbol
    object: str
    list: str | None = None

    def conditions(self, condition: Expression, span: Span, text: str) -> Iterator[Edge]:
        """Give the edges of what decides whether a record is one of ours."""
        target = Symbol("object", (self.object,))
        for way in self._ways(condition):
            source = self._native(way.field.name, self._list_of(way))
            yield Edge(source, target, "read", "condition", way.steps, "values", False, text, span, self.symbol)

    def line(self, line: Line) -> Iterator[Edge]:
        """Give the edges of what a line reads, and of what it writes."""
        two_way = line.direction == "both"
        if line.get is not None and line.field is not None:
            target = Symbol("field", (self.object, line.field))
            if not any(self._ways(line.get)):
                yield self._constant(line, target, "read")
            for way in self._ways(line.get):
                source = self._native(way.field.name, self._list_of(way))
                yield Edge(
                    source, target, "read", way.role, way.steps, way.loss, two_way, line.text, line.span, self.symbol
                )
        for put in line.puts:
            yield from self._written(put, line)

    def part(self, part: Each) -> Iterator[Edge]:
        """Give the edges of a list as children: of the list itself, and of the lines within."""
        whole = Symbol("part", (self.object, part.part))
        native = self._native(part.list.name, None)
        text, two_way = f"{part.part} {_ARROWS[part.direction]} each {part.list.name}", part.direction == "both"
        if part.direction != "write":
            yield Edge(native, whole, "read", "value", ("each",), "nothing", two_way, text, part.span, self.symbol)
        if part.direction != "read":
            yield Edge(whole, native, "write", "value", ("each",), "nothing", two_way, text, part.span, self.symbol)
        item = self.project.objects[self.object]
        child = next(one.of for one in item.parts if one.name == part.part)
        within = replace(self, object=child, list=part.list.name)
        for line in part.lines:
            yield from within.line(line)

    def _written(self, put: Put | PickPut, line: Line) -> Iterator[Edge]:
        name, of = (put.item, put.native) if isinstance(put, PickPut) else (put.native, self.list)
        native, target, value = self._described(name, of), self._native(name, of), put.value
        if native is not None and isinstance(value, Apply) and value.function == writer_of(native):
            value = value.arguments[0]
        if not any(self._ways(value)):
            yield self._constant(line, target, "write")
        two_way = line.direction == "both"
        for way in self._ways(value):
            source = canonical(self.project.objects[self.object], way.field.name)
            if source is not None and way.field.scope == "canonical":
                loss: Loss = "nothing" if two_way else way.loss  # what two ways write is read again as the same
                yield Edge(
                    source, target, "write", way.role, way.steps, loss, two_way, line.text, line.span, self.symbol
                )

    def _ways(self, expression: Expression) -> Iterator[Way]:
        return ways(expression, self.project.codes, self._is_reading)

    def _is_reading(self, step: Apply) -> bool:
        """Whether a step only reads a landed text as the type that the system description gives it."""
        match step.arguments:
            case (Field(scope="native" | "item") as landed, *_):
                native = self._described(landed.name, self.list if landed.scope == "item" else None)
                return native is not None and step.function == reader_of(native)
        return False

    def _list_of(self, way: Way) -> str | None:
        return way.of or (self.list if way.field.scope == "item" else None)

    def _constant(self, line: Line, target: Symbol, direction: Direction) -> Edge:
        """Give the edge of a line that names no field: its source is the value as it is written."""
        left, _, right = line.text.partition(_ARROWS[line.direction])
        source = Symbol("constant", ((left if direction == "write" else right).strip(),))
        return Edge(source, target, direction, "value", (), "nothing", False, line.text, line.span, self.symbol)

    def _native(self, name: str, of: str | None) -> Symbol:
        """Name a native field, or a member of a list's elements: a field too where a child resource describes it."""
        child, native = self._child(of), self._described(name, of)
        if of is None or child is None or native is None:
            path = (name,) if of is None else (of, name)
            return Symbol(
                "native_field" if of is None else "list_member", (self.system.name, self.resource.name, *path)
            )
        return Symbol("native_field", (self.system.name, child.name, native.name))

    def _described(self, name: str, of: str | None) -> NativeField | None:
        """Find what the system description says of a field, or of a member of a list's elements."""
        child = self._child(of)
        fields = self.resource.fields if of is None else child.fields if child is not None else ()
        return next((one for one in fields if name == (one.name if of is None else one.at)), None)

    def _child(self, of: str | None) -> Resource | None:
        resource = self.resource.native(of).of if of is not None else None
        return next((one for one in self.system.resources if one.name == resource), None)


_ARROWS = {"both": "<->", "read": "<-", "write": "->"}


def _walk(start: Symbol, edges: Mapping[Symbol, tuple[Edge, ...]], end: Callable[[Edge], Symbol]) -> Iterator[Edge]:
    """Go along edges from a symbol, breadth first; beyond a native field begins another system's story."""
    waiting, seen = deque([start]), {start}
    while waiting:
        for edge in edges.get(waiting.popleft(), ()):
            yield edge
            reached = end(edge)
            if reached not in seen:
                seen.add(reached)
                if reached.kind in ("field", "derived", "part"):
                    waiting.append(reached)


def _grouped(pairs: Iterable[tuple[Symbol, Edge]]) -> Mapping[Symbol, tuple[Edge, ...]]:
    groups: dict[Symbol, list[Edge]] = {}
    for symbol, edge in pairs:
        groups.setdefault(symbol, []).append(edge)
    return {symbol: tuple(found) for symbol, found in groups.items()}
