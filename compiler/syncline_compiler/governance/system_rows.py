"""Rows of systems, their resources and native fields, of connections to them, and of events that they send."""

from __future__ import annotations

from collections.abc import Iterator

from syncline_compiler.governance.row import Governed, Row, Value
from syncline_runtime.binding import REFERENCES
from syncline_runtime.system import Resource


def systems(governed: Governed) -> Iterator[Row]:
    """Give the rows of systems; ``visible_after`` is in seconds."""
    used = {system for system, _ in governed.used_resources}
    for name, system in sorted(governed.project.systems.items()):
        declared = governed.written.systems[name]
        values: dict[str, Value] = {
            "name": name, "label": declared.spec.label,
            "steward": declared.spec.steward or governed.written.project.spec.steward,
            "version": system.version, "protocol": system.protocol, "zone": system.zone, "auth": system.auth.kind,
            "visible_after": system.visible_after, "imported": governed.imported("system", name),
            "used": name in used, "limited": system.limit is not None, "proves_account": system.account is not None,
            "proves_environment": system.environment is not None, "resources": len(system.resources),
        }  # fmt: skip
        yield Row(name, declared.at("system"), values)


def resources(governed: Governed) -> Iterator[Row]:
    """Give the rows of resources.

    ``repeatable``: sending a create twice makes one record; ``conditional``: an update carries the version last seen.
    """
    for name, system in sorted(governed.project.systems.items()):
        declared = governed.written.systems[name]
        for resource in system.resources:
            values: dict[str, Value] = {
                "system": name, "name": resource.name,
                "label": declared.spec.resources[resource.name].label, "fields": len(resource.fields),
                "used": (name, resource.name) in governed.used_resources,
                "incremental": resource.list is not None and resource.list.cursor is not None,
                "versioned": resource.version is not None, "creates": resource.create is not None,
                "updates": resource.update is not None, "deletes": resource.delete is not None,
                "repeatable": _is_repeatable(resource),
                "conditional": resource.update is not None and resource.update.precondition_header is not None,
            }  # fmt: skip
            yield Row(f"{name}.{resource.name}", declared.key("resources", resource.name), values)


def _is_repeatable(resource: Resource) -> bool:
    create = resource.create
    return create is not None and any((create.idempotency_header, create.external_id, create.find))


def native_fields(governed: Governed) -> Iterator[Row]:
    """Give the rows of native fields."""
    for name, system in sorted(governed.project.systems.items()):
        declared = governed.written.systems[name]
        for resource in system.resources:
            specs = declared.spec.resources[resource.name].fields
            for field in resource.fields:
                values: dict[str, Value] = {
                    "system": name, "resource": resource.name, "name": field.name, "type": field.type,
                    "label": specs[field.name].label, "unit": specs[field.name].unit, "pii": field.pii, "values": len(field.values),
                    "required": field.required, "readable": field.readable, "writable": field.writable,
                    "deprecated": specs[field.name].deprecated is not None,
                }  # fmt: skip
                place = ("resources", resource.name, "fields", field.name)
                yield Row(f"{name}.{resource.name}.{field.name}", declared.key(*place), values)


def connections(governed: Governed) -> Iterator[Row]:
    """Give the rows of connections in each environment."""
    declared = governed.written.project
    for environment, bindings in sorted(governed.project.environments.items()):
        for binding in bindings:
            system = governed.project.connections[binding.connection]
            values: dict[str, Value] = {
                "environment": environment, "connection": binding.connection, "system": system,
                "protocol": governed.project.systems[system].protocol, "account": binding.account,
                "proves_environment": binding.environment, "stand_in": binding.stand_in,
                "by_reference": binding.origin.startswith(REFERENCES),
                "limited": binding.requests is not None,
            }  # fmt: skip
            span = declared.key("environments", environment, binding.connection)
            yield Row(f"{environment}.{binding.connection}", span, values)


def events(governed: Governed) -> Iterator[Row]:
    """Give the rows of events."""
    for name, event in sorted(governed.project.events.items()):
        spec = governed.written.events[name].spec
        values: dict[str, Value] = {
            "name": name, "version": event.version, "object": event.object, "system": event.system,
            "resource": event.resource, "carries": event.carries, "label": spec.label,
            "signed": spec.comes_in.signature is not None,
        }  # fmt: skip
        yield Row(name, event.span, values)
