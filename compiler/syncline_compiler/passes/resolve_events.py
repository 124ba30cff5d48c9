"""Resolve events: contracts bound to the resource whose records they carry and the object they belong to.

In: ``EventSpec`` with its document, objects, systems. Out: ``ResolvedEvent``. Diagnostics: SYN0201, SYN0202, SYN0204,
SYN0216 (a schema that is none), SYN0217 (two events that cannot be told apart), SYN0220 (no mapping).
Invariant: every event has one contract, a JSON Schema, and what comes in fits one event only and is read by a mapping.
"""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping
from itertools import combinations
from typing import Any

from syncline_compiler.checking.contracts import contract_of
from syncline_compiler.checking.json_schema import problems_of
from syncline_compiler.diagnostics.diagnostic import Collector
from syncline_compiler.lookups import find_object, find_resource, native_in
from syncline_compiler.model.document import Declared, WrittenProject
from syncline_compiler.model.resolved import ResolvedEvent, ResolvedObject
from syncline_compiler.model.spec_event import EventSpec
from syncline_runtime.system import NativeField, Resource, System

_Declared = Declared[EventSpec]


def resolve_events(
    project: WrittenProject,
    objects: Mapping[str, ResolvedObject],
    systems: Mapping[str, System],
    mapped: Container[tuple[str, str, str]] | None,
    diagnostics: Collector,
) -> Mapping[str, ResolvedEvent]:
    """Resolve every event of the project, by name; ``mapped`` are the mappings there are, None if not all are known."""
    declared = sorted(project.events.items())
    found = {name: _event(event, project, objects, systems, diagnostics) for name, event in declared}
    for (_, one), (_, other) in combinations(declared, 2):
        _check_told_apart(one, other, diagnostics)
    events = {name: event for name, event in found.items() if event is not None}
    for name, event in events.items():
        if mapped is not None and (event.system, event.resource, event.object) not in mapped:
            _report_unmapped(project.events[name], event, diagnostics)
    return events


def _event(
    declared: _Declared,
    project: WrittenProject,
    objects: Mapping[str, ResolvedObject],
    systems: Mapping[str, System],
    diagnostics: Collector,
) -> ResolvedEvent | None:
    spec = declared.spec
    name, _, major = spec.object.partition("@")
    item = find_object(name, major, declared.at("object"), project, objects, diagnostics)
    found = find_resource(spec.source, declared.at("from"), project, systems, diagnostics)
    if item is None or found is None:
        return None
    system, resource = found
    return ResolvedEvent(
        name=spec.event,
        version=spec.version,
        label=spec.label or spec.event,
        object=item.name,
        system=system.name,
        resource=resource.name,
        webhook=spec.comes_in.webhook,
        when=spec.when,
        at={key: path for key, path in spec.at.model_dump().items() if path is not None},
        carries=spec.carries,
        contract=_contract(declared, resource, diagnostics),
        span=declared.at("event"),
    )


def _report_unmapped(declared: _Declared, event: ResolvedEvent, diagnostics: Collector) -> None:
    source = f"{event.system}.{event.resource}"
    diagnostics.report(
        "SYN0220", declared.at("from"), label=f"no mapping says how `{source}` and `{event.object}` belong together",
        help=f"write a .map file that begins with `mapping {source} <-> {event.object}`",
    )  # fmt: skip


def _contract(declared: _Declared, resource: Resource, diagnostics: Collector) -> Mapping[str, Any]:
    """Give the schema as written, or one made from the fields that the event carries."""
    spec = declared.spec
    if spec.contract:
        for place, label in problems_of(spec.contract):
            diagnostics.report("SYN0216", declared.at("schema", *place), label=label)
            if diagnostics.full(declared.document.source.path):
                break
        return spec.contract
    paths = [path for path in (spec.at.id, spec.at.occurred, spec.at.sequence) if path]
    return contract_of(list(_carried(declared, resource, diagnostics)), paths, spec.at.record, spec.when)


def _carried(declared: _Declared, resource: Resource, diagnostics: Collector) -> Iterator[NativeField]:
    """Give the fields in an event's record: those named, or all that can be read; of a key only the id."""
    spec = declared.spec
    for index, name in enumerate(spec.fields):
        native = native_in(
            declared.spec.source.partition(".")[0], resource, name, declared.at("fields", index), diagnostics
        )
        if native is not None:
            yield native
    if not spec.fields:
        only_key = spec.carries in ("key_only", "delete")
        yield from (field for field in resource.fields if (field.name == resource.id if only_key else field.readable))


def _check_told_apart(one: _Declared, other: _Declared, diagnostics: Collector) -> None:
    """Check that no body can be both: at one inbox path, some place must hold different values."""
    first, second = one.spec, other.spec
    if first.comes_in.webhook != second.comes_in.webhook:
        return
    if any(path in second.when and second.when[path] != value for path, value in first.when.items()):
        return
    diagnostics.report(
        "SYN0217", other.at("when"), label=f"an event that is `{first.event}` may be this one too",
        secondary=[(one.at("when"), "recognised so")],
        help="name a place in the body at which the two hold different values, such as the event's type",
    )  # fmt: skip
