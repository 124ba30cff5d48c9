"""Check for loops: values that are written back to where they were decided, changed once more by every run.

In: every ``ResolvedSync`` with owners, the objects. Diagnostics: SYN0511.
Invariant (of a project without these): once nobody edits anything, a second run writes nothing.

A value goes from a canonical field to another through a derived field, or through a native field that one line writes
and another reads, if that system decides what it gives. A two-way line is a lens and settles; any other way round does not.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import field

from syncline_compiler.diagnostics.diagnostic import Collector
from syncline_compiler.model.resolved import ResolvedMember, ResolvedObject, ResolvedSync
from syncline_compiler.model.typed import Aggregate, Expression, Field, Line, Put, fields_in, parts_of
from syncline_compiler.source import Span
from syncline_runtime.frozen import dataclass

_Node = tuple[str, str]
"""Object, canonical field."""


@dataclass(frozen=True)
class _Step:
    """One stretch of a way: what it leads to, and the places that say so."""

    to: _Node
    places: tuple[tuple[Span, str], ...]
    written: Span | None = None  # the line that writes, where a native field lies between


@dataclass
class _Graph:
    """Where the value of each field goes."""

    steps: dict[_Node, list[_Step]] = field(default_factory=lambda: defaultdict(list))

    def way(self, start: _Step, end: _Node) -> list[_Step] | None:
        """Find a shortest way from a step on to a field; each field is visited once."""
        seen, ways = {start.to}, [[start]]
        for way in ways:
            if way[-1].to == end:
                return way
            for step in self.steps[way[-1].to]:
                if step.to not in seen:
                    seen.add(step.to)
                    ways.append([*way, step])
        return None


def check_loops(syncs: Sequence[ResolvedSync], objects: Mapping[str, ResolvedObject], diagnostics: Collector) -> None:
    """Check that no value runs in a circle, and that none is new in every run."""
    graph = _Graph()
    for item in objects.values():
        _add_derived(item, graph)
    for sync in syncs:
        for member in sync.members:
            _check_clock(member, objects[sync.object.name], diagnostics)
            _add_lines(sync, member, graph)
    reported: set[Span] = set()
    for node, steps in sorted(graph.steps.items()):
        for step in steps:
            way = graph.way(step, node) if step.written is not None else None
            lines = {one.written for one in way or () if one.written is not None}
            if way is not None and not lines & reported:
                reported |= lines
                _report(way, diagnostics)


def _add_derived(item: ResolvedObject, graph: _Graph) -> None:
    for derived in item.derived:
        step = _Step((item.name, derived.name), ((derived.span, f"`{derived.name}` follows from it"),))
        for node in set(_sources(derived.value, item.name)):
            graph.steps[node].append(step)


def _sources(expression: Expression, item: str) -> Iterator[_Node]:
    """Name the canonical fields that an expression follows from, those of aggregated records too."""
    if isinstance(expression, Aggregate):
        for part in parts_of(expression):
            yield from ((expression.object, one.name) for one in fields_in(part) if one.scope == "child")
        return
    if isinstance(expression, Field) and expression.scope == "canonical":
        yield (item, expression.name)
    for part in parts_of(expression):
        yield from _sources(part, item)


def _add_lines(sync: ResolvedSync, member: ResolvedMember, graph: _Graph) -> None:
    """Add the ways through native fields of one member, back into fields that it decides."""
    decided = {name for name, rule in sync.owners.items() if rule.owner == member.connection}
    writers = {put.native: (line, put) for line in member.mapping.lines for put in line.puts if isinstance(put, Put)}
    for line in member.mapping.lines:
        if line.get is None or line.field not in decided:
            continue
        for name in {one.name for one in fields_in(line.get) if one.name in writers and one.scope == "native"}:
            writer, put = writers[name]
            if writer is not line:
                _add_line(sync, member, put, (writer, line), graph)


def _add_line(sync: ResolvedSync, member: ResolvedMember, put: Put, lines: tuple[Line, Line], graph: _Graph) -> None:
    writer, reader = lines
    step = _Step(
        (sync.object.name, reader.field or ""),
        (
            (writer.span, f"written to `{put.native}` of `{member.connection}`"),
            (reader.span, f"and read from there as `{reader.field}`, which `{member.connection}` decides"),
        ),
        writer.span,
    )
    for node in set(_sources(put.value, sync.object.name)):
        graph.steps[node].append(step)


def _report(way: Sequence[_Step], diagnostics: Collector) -> None:
    places = [place for step in way for place in step.places]
    at, field_read = next((step.written, step.to[1]) for step in way if step.written is not None)
    diagnostics.report(
        "SYN0511", at, label=f"what is written here comes back as `{field_read}`, and is written again",
        secondary=[place for place in dict.fromkeys(places) if place[0] != at],
        help=(
            "write one two-way line (`<->`) where each direction undoes the other",
            "or write to a field that nothing reads, or read the value from another field",
        ),
    )  # fmt: skip


def _check_clock(member: ResolvedMember, item: ResolvedObject, diagnostics: Collector) -> None:
    """Check that no value written depends on the time of the run so finely that every run writes all records."""
    moving = _moving(item)
    for line in member.mapping.lines:
        if any(_moves(put.value, moving) for put in line.puts):
            diagnostics.report(
                "SYN0511", line.span, label="this is another value in every run, so that every run writes every record",
                help="leave the line out: the ledger knows when a record was written; or write a date (`| date \"UTC\"`)",
            )  # fmt: skip


def _moving(item: ResolvedObject) -> frozenset[str]:
    """Name the derived fields that are another in every run, also by way of one another."""
    found: frozenset[str] = frozenset()
    while True:
        more = found.union(one.name for one in item.derived if _moves(one.value, found))
        if more == found:
            return found
        found = more


def _moves(expression: Expression, moving: frozenset[str]) -> bool:
    """Tell whether the time of the run shows in a value; as a date or in a comparison it seldom does."""
    if isinstance(expression, Field):
        return expression.scope == "run" or (expression.scope == "canonical" and expression.name in moving)
    if expression.type.kind in ("date", "bool"):
        return False
    return any(_moves(part, moving) for part in parts_of(expression))
