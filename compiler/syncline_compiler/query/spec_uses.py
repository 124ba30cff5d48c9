"""What specs in YAML name: objects, fields, systems, resources, code tables, connections, rules.

In: a project as far as it is known, and its specs as written. Out: uses. Expressions within specs are in ``spec_expressions``.
Invariant: a name that means nothing is not among them; the check has told of it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from syncline_compiler.model.document import Declared, Place, WrittenProject
from syncline_compiler.model.kinds import FOLDERS, IMPORTED
from syncline_compiler.model.members import named_members
from syncline_compiler.model.resolved import ResolvedObject, ResolvedProject
from syncline_compiler.model.spec import ObjectSpec, SyncSpec
from syncline_compiler.model.spec_scenario import ScenarioSpec
from syncline_compiler.model.spec_system import ResourceSpec, SystemSpec, WriteSpec
from syncline_compiler.query.symbol import Kind, Symbol, Use, canonical, piece, within
from syncline_compiler.source import Span

_REF = re.compile(r"ref\(\s*([a-z][a-z0-9_]*)")


def spec_uses(project: ResolvedProject, written: WrittenProject) -> Iterator[Use]:
    """Give every name that specs use."""
    for name, declared in sorted(written.objects.items()):
        yield from _of_object(declared, project, name)
    for name, system in sorted(written.systems.items()):
        yield from _of_system(name, system)
    for name, codes in sorted(written.codes.items()):
        if codes.spec.for_ is not None:
            yield from _field(codes.spec.for_, codes.at("for"), project)
        for meaning, native in codes.spec.inverse.items():
            yield Use(Symbol("code", (name, native)), codes.at("inverse", meaning))
    for _, sync in sorted(written.syncs.items()):
        yield from _of_sync(sync, project)
    for _, event in sorted(written.events.items()):
        yield from _object(event.spec.object, event.at("object"))
        yield from _resource(event.spec.source, event.at("from"))
        for index, field in enumerate(event.spec.fields):
            symbol = Symbol("native_field", (*event.spec.source.split("."), field))
            yield Use(symbol, event.at("fields", index))
    for _, scenario in sorted(written.scenarios.items()):
        yield from _of_scenario(scenario, project)
    yield from _of_policies(written)
    yield from _of_project(written)


def _object(reference: str, span: Span) -> Iterator[Use]:
    name = reference.partition("@")[0]
    yield Use(Symbol("object", (name,)), within(span, reference, 0, len(name)))


def _resource(reference: str, span: Span) -> Iterator[Use]:
    parts = tuple(reference.split("."))
    yield Use(Symbol("system", parts[:1]), piece(span, parts, 0))
    yield Use(Symbol("resource", parts), piece(span, parts, 1))


def _field(reference: str, span: Span, project: ResolvedProject) -> Iterator[Use]:
    parts = tuple(reference.split("."))
    yield Use(Symbol("object", parts[:1]), piece(span, parts, 0))
    yield from _canonical(project.objects.get(parts[0]), parts[1], piece(span, parts, 1))


def _canonical(item: ResolvedObject | None, name: str, span: Span) -> Iterator[Use]:
    symbol = canonical(item, name) if item is not None else None
    if symbol is not None:
        yield Use(symbol, span)


def _of_object(declared: Declared[ObjectSpec], project: ResolvedProject, name: str) -> Iterator[Use]:
    spec, item = declared.spec, project.objects.get(name)
    for field, said in spec.fields.items():
        place = ("fields", field)
        type_span = declared.at(*place, "type")
        for found in _REF.finditer(said.type):
            span = within(type_span, said.type, found.start(1), len(found[1]))
            yield Use(Symbol("object", (found[1],)), span)
        if said.deprecated is not None and said.deprecated.use is not None:
            yield from _canonical(item, said.deprecated.use, declared.at(*place, "deprecated", "use"))
    for part, meant in spec.parts.items():
        yield Use(Symbol("object", (meant.of,)), declared.at("parts", part, "of"))
        yield from _canonical(project.objects.get(meant.of), meant.key, declared.at("parts", part, "key"))
    for index, rule in enumerate(spec.identity):
        for at, field in enumerate(rule.same):
            yield from _canonical(item, field, declared.at("identity", index, "same", at))
        for field in rule.similar:
            yield from _canonical(item, field, declared.key("identity", index, "similar", field))
        for at, field in enumerate(rule.swapped):
            yield from _canonical(item, field, declared.at("identity", index, "swapped", at))


def _of_system(name: str, declared: Declared[SystemSpec]) -> Iterator[Use]:
    for resource, spec in declared.spec.resources.items():
        place: Place = ("resources", resource)
        for field, said in spec.fields.items():
            for key, target in (("ref", said.ref), ("of", said.of)):
                if target is not None:
                    yield Use(Symbol("resource", (name, target)), declared.at(*place, "fields", field, key))
        for native, way in _natives(spec):
            yield Use(Symbol("native_field", (name, resource, native)), declared.at(*place, *way))


def _natives(spec: ResourceSpec) -> Iterator[tuple[str, Place]]:
    """Give the fields of its own that a resource names, and where."""
    named: list[tuple[str | None, Place]] = [
        (spec.id, ("id",)), (spec.version, ("version",)), (spec.parent, ("parent",)),
        (spec.list_.cursor.field if spec.list_ is not None and spec.list_.cursor is not None else None,
         ("list", "cursor", "field")),
    ]  # fmt: skip
    for verb, write in (("create", spec.create), ("update", spec.update), ("delete", spec.delete)):
        named += _of_write(write, verb) if write is not None else []
    named += [(one.field, ("transitions", index, "field")) for index, one in enumerate(spec.transitions)]
    named += [
        (said.deprecated.use, ("fields", field, "deprecated", "use"))
        for field, said in spec.fields.items()
        if said.deprecated is not None
    ]
    yield from ((name, place) for name, place in named if name is not None and name in spec.fields)


def _of_write(write: WriteSpec, verb: str) -> list[tuple[str | None, Place]]:
    found = write.find.field if write.find is not None else None
    later: list[tuple[str | None, Place]] = [
        (name, (verb, "then_update", index)) for index, name in enumerate(write.then_update)
    ]
    own: list[tuple[str | None, Place]] = [
        (write.external_id, (verb, "external_id")), (write.marker, (verb, "marker")), (found, (verb, "find", "field")),
    ]  # fmt: skip
    return own + later


def _of_sync(declared: Declared[SyncSpec], project: ResolvedProject) -> Iterator[Use]:
    spec = declared.spec
    item = project.objects.get(spec.object.partition("@")[0])
    yield from _object(spec.object, declared.at("object"))
    for connection, resource in spec.members.items():
        yield Use(Symbol("connection", (connection,)), declared.key("members", connection))
        yield from _resource(resource, declared.at("members", connection))
    for name, place, is_key in named_members(spec):
        yield Use(Symbol("connection", (name,)), declared.key(*place) if is_key else declared.at(*place))
    for section in ("owners", "unowned_edit", "first_link"):
        for field in getattr(spec, section):
            span = declared.key(section, field)
            yield from _canonical(item, field, span)
    for field, rule in spec.owners.items():
        for connection, native in rule.clock.items():
            if connection in spec.members:
                path = (*spec.members[connection].split("."), native)
                yield Use(Symbol("native_field", path), declared.at("owners", field, "clock", connection))
    for index, field in enumerate(spec.fallback.recognised_by if spec.fallback is not None else ()):
        yield from _canonical(item, field, declared.at("fallback", "recognised_by", index))


def _of_scenario(declared: Declared[ScenarioSpec], project: ResolvedProject) -> Iterator[Use]:
    spec = declared.spec
    yield Use(Symbol("sync", (spec.sync,)), declared.at("sync"))
    for connection, resources in spec.given.items():
        yield Use(Symbol("connection", (connection,)), declared.key("given", connection))
        for resource, records in resources.items():
            place: Place = ("given", connection, resource)
            system = project.connections.get(connection, connection)
            yield Use(Symbol("resource", (system, resource)), declared.key(*place))
            for index, record in enumerate(records):
                yield from _record(declared, (system, resource), record, (*place, index))
    yield from _steps(declared, project)
    for index, write in enumerate(spec.expect.writes or ()):
        verb, target = write.target
        place = ("expect", "writes", index)
        yield from _target(declared, project, target, (*place, verb), write.with_, (*place, "with"))
    for index, expected in enumerate(spec.expect.records):
        yield from _object(expected.of, declared.at("expect", "records", index, "of"))
        for field in expected.has:
            span = declared.key("expect", "records", index, "has", field)
            yield from _canonical(project.objects.get(expected.of), field, span)


def _steps(declared: Declared[ScenarioSpec], project: ResolvedProject) -> Iterator[Use]:
    for index, step in enumerate(declared.spec.when):
        if step.target is not None:
            verb, target = step.target
            key, record = ("record", step.record) if verb == "add" else ("to", step.to)
            yield from _target(declared, project, target, ("when", index, verb), record, ("when", index, key))
        if step.run is not None:
            yield Use(Symbol("sync", (step.run,)), declared.at("when", index, "run"))
        if step.event is not None:
            yield Use(Symbol("event", (step.event,)), declared.at("when", index, "event"))


def _target(
    declared: Declared[ScenarioSpec],
    project: ResolvedProject,
    target: str,
    place: Place,
    record: Mapping[str, Any],
    record_place: Place,
) -> Iterator[Use]:
    """``crm.Account``: a connection and a resource of its system; and the native fields that stand there."""
    parts = tuple(target.split("."))
    system = project.connections.get(parts[0], parts[0])
    span = declared.at(*place)
    yield Use(Symbol("connection", parts[:1]), piece(span, parts, 0))
    yield Use(Symbol("resource", (system, parts[1])), piece(span, parts, 1))
    yield from _record(declared, (system, parts[1]), record, record_place)


def _record(
    declared: Declared[ScenarioSpec], path: tuple[str, str], record: Mapping[str, Any], place: Place
) -> Iterator[Use]:
    for native in record:
        yield Use(Symbol("native_field", (*path, native)), declared.key(*place, native))


def _of_policies(written: WrittenProject) -> Iterator[Use]:
    for _, policy in sorted(written.policies.items()):
        for index, waiver in enumerate(policy.spec.waivers):
            yield from _rule(waiver.rule, policy.at("waivers", index, "rule"))


def _rule(name: str, span: Span) -> Iterator[Use]:
    parts = tuple(name.split("."))
    if len(parts) == 2:
        yield Use(Symbol("policy", parts[:1]), piece(span, parts, 0))
        yield Use(Symbol("rule", parts), piece(span, parts, 1))


def _of_project(written: WrittenProject) -> Iterator[Use]:
    """``syncline.yaml``: what is imported, connections by environment, severities of rules."""
    declared = written.project
    for kind in IMPORTED:
        imported: Iterable[str] = getattr(declared.spec.imports, FOLDERS[kind])
        for index, text in enumerate(imported):
            name = text.rpartition("/")[2].partition("@")[0]
            span = within(declared.at("imports", FOLDERS[kind], index), text, text.rfind("/") + 1, len(name))
            yield Use(Symbol(_KINDS[kind], (name,)), span)
    for environment, connections in declared.spec.environments.items():
        for connection in connections:
            span = declared.key("environments", environment, connection)
            yield Use(Symbol("connection", (connection,)), span)
    for rule in declared.spec.rules:
        yield from _rule(rule, declared.key("rules", rule))


_KINDS: Mapping[str, Kind] = {"object": "object", "system": "system", "codes": "codes", "policy": "policy"}
