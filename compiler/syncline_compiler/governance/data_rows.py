"""Rows of objects, their fields, and what keeps them in step: syncs, members, mappings, code tables, scenarios."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from syncline_compiler.governance.row import Governed, Row, Value
from syncline_compiler.model.members import fields_read, fields_written
from syncline_compiler.model.resolved import (
    DerivedField,
    ResolvedField,
    ResolvedMember,
    ResolvedObject,
    ResolvedPart,
    ResolvedSync,
)
from syncline_compiler.model.spec import FieldSpec
from syncline_compiler.quantities import seconds

_Named = ResolvedField | ResolvedPart | DerivedField


def objects(governed: Governed) -> Iterator[Row]:
    """Give the rows of objects."""
    for name, item in sorted(governed.project.objects.items()):
        spec = governed.written.objects[name].spec
        values: dict[str, Value] = {
            "name": name, "label": spec.label, "steward": _steward(governed, spec.steward), "version": item.version,
            "imported": governed.imported("object", name), "synced": name in governed.syncs_of,
            "fields": len(item.fields), "parts": len(item.parts), "derived": len(item.derived),
            "invariants": len(item.invariants), "identity_rules": len(item.identity),
        }  # fmt: skip
        yield Row(name, item.span, values)


def fields(governed: Governed) -> Iterator[Row]:
    """Give the rows of fields, parts and derived fields."""
    for name, item in sorted(governed.project.objects.items()):
        sync = governed.syncs_of.get(name)
        reads = Counter(field for member in _members(sync) for field in fields_read(member.mapping))
        writes = Counter(field for member in _members(sync) for field in fields_written(member.mapping))
        for field, values in _of_fields(item, governed):
            rule = sync.owners.get(field.name) if sync is not None else None
            common: dict[str, Value] = {
                "name": field.name, "object": name, "imported": governed.imported("object", name),
                "synced": sync is not None, "readers": writes[field.name], "writers": reads[field.name],
                "owner": rule.owner if rule is not None else None,
                "newest_wins": rule is not None and rule.rule == "newest",
            }  # fmt: skip
            yield Row(f"{name}.{field.name}", field.span, {**_UNSAID, **common, **values})


_UNSAID: dict[str, Value] = {
    "length": None, "values": 0, "required": False, "critical": False, "pii": None, "form": None, "inverse": None,
    "deprecated": False, "sunset": None, "use": None, "unit": None, "nullable": False,
}  # fmt: skip
"""What only some kinds of fields can say."""


def _of_fields(item: ResolvedObject, governed: Governed) -> Iterator[tuple[_Named, dict[str, Value]]]:
    """Give what each field, part and derived field of an object says of itself."""
    spec = governed.written.objects[item.name].spec
    steward = _steward(governed, spec.steward)
    for field in item.fields:
        yield field, _of_field(field, spec.fields[field.name], steward)
    for part in item.parts:
        yield part, {"kind": "part", "type": "list", "label": spec.parts[part.name].label, "steward": steward}
    for derived in item.derived:
        said = spec.derived[derived.name]
        yield derived, {
            "kind": "derived", "type": derived.type.kind, "label": said.label, "steward": steward, "unit": said.unit,
            "nullable": derived.type.nullable,
        }  # fmt: skip


def _of_field(field: ResolvedField, spec: FieldSpec, steward: str | None) -> dict[str, Value]:
    gone = spec.deprecated
    return {
        "kind": "field", "label": spec.label, "steward": spec.steward or steward, "unit": spec.unit,
        "type": field.type.kind, "length": field.type.length, "nullable": field.type.nullable,
        "values": len(field.type.values), "required": field.required, "critical": field.critical, "pii": field.pii,
        "form": field.form, "inverse": field.inverse, "deprecated": gone is not None,
        "sunset": gone.sunset if gone is not None else None, "use": gone.use if gone is not None else None,
    }  # fmt: skip


def syncs(governed: Governed) -> Iterator[Row]:
    """Give the rows of syncs; times are in seconds."""
    covered: dict[str, set[str]] = {}
    tests = Counter(scenario.sync for scenario in governed.project.scenarios.values())
    for scenario in governed.project.scenarios.values():
        covered.setdefault(scenario.sync, set()).update(scenario.covers)
    for sync in sorted(governed.project.syncs, key=lambda sync: sync.name):
        spec = governed.written.syncs[sync.name].spec
        values: dict[str, Value] = {
            "name": sync.name, "object": sync.object.name, "label": spec.label,
            "steward": _steward(governed, spec.steward), "freshness": sync.freshness,
            "every": seconds(spec.every) if spec.every is not None else None,
            "has_fallback": spec.fallback is not None,
            "fallback_after": seconds(spec.fallback.after) if spec.fallback is not None else None,
            "weight": sync.weight, "unowned_edit": sync.unowned_edit["*"], "first_link": sync.first_link["*"],
            "change_guard": sync.change_guard, "delete_guard": sync.delete_guard,
            "attempts": sync.attempts, "within": sync.within, "members": len(sync.members),
            "originators": sum(member.originates for member in sync.members), "scenarios": tests[sync.name],
            **{f"covers_{case}": case in covered.get(sync.name, ()) for case in
               ("create", "update", "cancel", "exception")},
        }  # fmt: skip
        yield Row(sync.name, sync.span, values)


def members(governed: Governed) -> Iterator[Row]:
    """Give the rows of members; ``holds`` is always, never or sometimes."""
    for sync in sorted(governed.project.syncs, key=lambda sync: sync.name):
        for member in sync.members:
            holds = {True: "always", False: "never"}[member.hold] if isinstance(member.hold, bool) else "sometimes"
            values: dict[str, Value] = {
                "sync": sync.name, "object": sync.object.name, "connection": member.connection,
                "system": member.system, "resource": member.resource, "originates": member.originates,
                "holds": holds, "on_leave": member.on_leave,
            }  # fmt: skip
            yield Row(f"{sync.name}.{member.connection}", member.span, values)


def mappings(governed: Governed) -> Iterator[Row]:
    """Give the rows of mappings."""
    synced = {
        (member.system, member.resource, sync.object.name) for sync in governed.project.syncs for member in sync.members
    }
    for mapping in governed.project.mappings:
        values: dict[str, Value] = {
            "system": mapping.system, "resource": mapping.resource, "object": mapping.object,
            "lines": len(mapping.lines), "two_way": sum(line.direction == "both" for line in mapping.lines),
            "parts": len(mapping.parts), "rejects": len(mapping.rejects), "takes": mapping.take is not None,
            "synced": (mapping.system, mapping.resource, mapping.object) in synced,
        }  # fmt: skip
        yield Row(f"{mapping.system}.{mapping.resource}.{mapping.object}", mapping.span, values)


def codes(governed: Governed) -> Iterator[Row]:
    """Give the rows of code tables."""
    for name, table in sorted(governed.project.codes.items()):
        spec = governed.written.codes[name].spec
        values: dict[str, Value] = {
            "name": name, "label": spec.label, "steward": _steward(governed, spec.steward), "version": table.version,
            "meaning_of": table.meaning_of, "rows": len(table.rows), "imported": governed.imported("codes", name),
        }  # fmt: skip
        yield Row(name, table.span, values)


def scenarios(governed: Governed) -> Iterator[Row]:
    """Give the rows of scenarios."""
    for name, scenario in sorted(governed.project.scenarios.items()):
        spec = governed.written.scenarios[name].spec
        values: dict[str, Value] = {
            "name": name, "sync": scenario.sync, "label": spec.label, "steps": len(spec.when)
        }  # fmt: skip
        yield Row(name, scenario.span, values)


def _members(sync: ResolvedSync | None) -> tuple[ResolvedMember, ...]:
    return sync.members if sync is not None else ()


def _steward(governed: Governed, own: str | None) -> str | None:
    """Give who answers for a spec: its own steward, or the project's."""
    return own or governed.written.project.spec.steward
