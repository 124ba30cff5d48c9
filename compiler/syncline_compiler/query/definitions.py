"""Where everything of a project is declared, and what is said of it there.

In: a project as far as it is known, and its specs as written. Out: ``Definition`` values, in one order. ``let`` and mappings
are declared in mapping files: ``mapping_uses``.
"""

from __future__ import annotations

from collections.abc import Iterator

from syncline_compiler.model.document import WrittenProject
from syncline_compiler.model.resolved import ResolvedProject
from syncline_compiler.query.symbol import Definition, Symbol


def definitions(project: ResolvedProject, written: WrittenProject) -> Iterator[Definition]:
    """Give the definition of every symbol that a spec in YAML declares."""
    yield from _objects(project, written)
    yield from _systems(project, written)
    yield from _codes(project, written)
    yield from _syncs(project, written)
    for name, declared in sorted(written.events.items()):
        yield Definition(Symbol("event", (name,)), declared.at("event"), label=declared.spec.label)
    for name, test in sorted(written.scenarios.items()):
        yield Definition(Symbol("scenario", (name,)), test.at("scenario"), label=test.spec.label)
    for name, policy in sorted(written.policies.items()):
        yield Definition(Symbol("policy", (name,)), policy.at("policy"), label=policy.spec.label)
        for rule, spec in policy.spec.rules.items():
            symbol = Symbol("rule", (name, rule))
            yield Definition(symbol, policy.key("rules", rule), label=spec.message, description=spec.docs)


def _objects(project: ResolvedProject, written: WrittenProject) -> Iterator[Definition]:
    for name, item in sorted(project.objects.items()):
        declared = written.objects[name]
        spec = declared.spec
        yield Definition(Symbol("object", (name,)), declared.at("object"), None, spec.label, spec.description)
        for field in item.fields:
            said = spec.fields[field.name]
            symbol = Symbol("field", (name, field.name))
            yield Definition(symbol, field.span, str(field.type), said.label, said.description)
            if field.inverse is not None and field.type.name is not None:
                seen = Symbol("inverse", (field.type.name, field.inverse))
                span = declared.at("fields", field.name, "inverse")
                yield Definition(seen, span, f"list({name})", f"records of {name} whose {field.name} it is")
        for part in item.parts:
            symbol = Symbol("part", (name, part.name))
            yield Definition(symbol, part.span, f"list({part.of})", spec.parts[part.name].label)
        for derived in item.derived:
            meant = spec.derived[derived.name]
            symbol = Symbol("derived", (name, derived.name))
            yield Definition(symbol, derived.span, str(derived.type), meant.label, meant.description)
        for invariant in item.invariants:
            text = spec.invariants[invariant.name]
            yield Definition(Symbol("invariant", (name, invariant.name)), invariant.span, "bool", text)


def _systems(project: ResolvedProject, written: WrittenProject) -> Iterator[Definition]:
    for name, system in sorted(project.systems.items()):
        declared = written.systems[name]
        yield Definition(Symbol("system", (name,)), declared.at("system"), label=declared.spec.label)
        for resource in system.resources:
            spec = declared.spec.resources[resource.name]
            place = ("resources", resource.name)
            yield Definition(Symbol("resource", (name, resource.name)), declared.key(*place), label=spec.label)
            for field in resource.fields:
                said = spec.fields[field.name]
                symbol = Symbol("native_field", (name, resource.name, field.name))
                span = declared.key(*place, "fields", field.name)
                yield Definition(symbol, span, said.type, said.label, said.description)


def _codes(project: ResolvedProject, written: WrittenProject) -> Iterator[Definition]:
    for name, table in sorted(project.codes.items()):
        declared = written.codes[name]
        yield Definition(Symbol("codes", (name,)), table.span, label=declared.spec.label)
        for native, meaning in table.rows:
            yield Definition(Symbol("code", (name, native)), declared.key("rows", native), label=meaning)


def _syncs(project: ResolvedProject, written: WrittenProject) -> Iterator[Definition]:
    """Give syncs, and connections, each where a sync names it first."""
    connections: set[str] = set()
    for name, declared in sorted(written.syncs.items()):
        yield Definition(Symbol("sync", (name,)), declared.at("sync"), label=declared.spec.label)
        for connection in declared.spec.members:
            if connection not in connections:
                connections.add(connection)
                system = written.systems.get(project.connections.get(connection, ""))
                label = system.spec.label if system is not None else None
                yield Definition(Symbol("connection", (connection,)), declared.key("members", connection), label=label)
