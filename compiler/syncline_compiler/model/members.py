"""What a mapping reads and writes, and whom a sync names, asked by several checks.

Invariant: pure questions; nothing here reports or decides.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from syncline_compiler.model.document import Place
from syncline_compiler.model.resolved import ResolvedMember, ResolvedObject
from syncline_compiler.model.spec import SyncSpec
from syncline_compiler.model.typed import Expression, Line, TypedMapping, fields_in
from syncline_compiler.source import Span
from syncline_runtime.system import Resource, System


def fields_read(mapping: TypedMapping) -> dict[str, Span]:
    """Give the canonical fields and parts for which a member provides values, and the line of each."""
    read = {line.field: line.span for line in mapping.lines if line.field is not None and line.get is not None}
    return read | {part.part: part.span for part in mapping.parts if part.direction != "write"}


def fields_written(mapping: TypedMapping) -> set[str]:
    """Give the canonical fields and parts that reach the system's records."""
    puts = (put.value for line in mapping.lines for put in line.puts)
    sent = {field.name for value in puts for field in fields_in(value) if field.scope == "canonical"}
    return sent | {part.part for part in mapping.parts if part.direction != "read"}


def fields_mapped(mapping: TypedMapping) -> dict[str, Span]:
    """Give the canonical fields and parts that a mapping names in either direction, and the first line of each."""
    mapped: dict[str, Span] = {}
    for line in mapping.lines:
        if line.field is not None:
            mapped.setdefault(line.field, line.span)
    for part in mapping.parts:
        mapped.setdefault(part.part, part.span)
    return mapped


def native_written(mapping: TypedMapping) -> dict[str, Span]:
    """Give the native fields that a mapping writes, and the first line of each."""
    written: dict[str, Span] = {}
    for line in mapping.lines:
        for native in _puts(line):
            written.setdefault(native, line.span)
    for part in mapping.parts:
        if part.direction != "read":
            written.setdefault(part.list.name, part.span)
    return written


def native_read(mapping: TypedMapping) -> dict[str, Span]:
    """Give the native fields that a mapping reads, and the first line of each."""
    read: dict[str, Span] = {}
    for expression, span in _read_expressions(mapping):
        for field in fields_in(expression):
            if field.scope == "native":
                read.setdefault(field.name, span)
    return read


def resource_of(member: ResolvedMember, systems: Mapping[str, System]) -> Resource:
    """Find the resource that holds a member's records."""
    return systems[member.system].resource(member.resource)


def required_fields(item: ResolvedObject) -> Iterator[str]:
    """Name the fields without which a canonical record cannot be."""
    return (field.name for field in item.fields if field.required)


def _puts(line: Line) -> Iterator[str]:
    return (put.native for put in line.puts)


def _read_expressions(mapping: TypedMapping) -> Iterator[tuple[Expression, Span]]:
    if mapping.take is not None:
        yield mapping.take, mapping.span
    yield from ((line.get, line.span) for line in mapping.lines if line.get is not None)
    yield from ((part.list, part.span) for part in mapping.parts if part.direction != "write")
    yield from ((reject.condition, reject.span) for reject in mapping.rejects)


def named_members(spec: SyncSpec) -> Iterator[tuple[str, Place, bool]]:
    """Give every connection that a sync names beside its members: name, place, and whether it stands there as a key."""
    for section, listed in (("originate", spec.exists.originate), ("many", spec.exists.many)):
        for index, name in enumerate(listed):
            yield name, ("exists", section, index), False
    moved = spec.moved.members if spec.moved else {}
    for at, names in (
        (("exists", "hold"), spec.exists.hold),
        (("exists", "on_leave"), spec.exists.on_leave),
        (("moved", "members"), moved),
    ):
        for name in names:
            yield name, (*at, name), True
    for field, rule in spec.owners.items():
        if rule.owner is not None:
            yield rule.owner, ("owners", field, "owner"), False
        for name in rule.clock:
            yield name, ("owners", field, "clock", name), True
    for name in spec.when_deleted_in:
        if name != "*":
            yield name, ("when_deleted_in", name), True
