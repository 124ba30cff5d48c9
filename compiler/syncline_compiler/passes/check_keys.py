"""Check keys: whether what is said to tell records apart can do so, by its own description.

In: objects, systems, ``ResolvedSync``. Diagnostics: SYN0604, SYN0605.
Invariant (of a project without these): two records are not made one because they share a status or a country.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from syncline_compiler.blocking import ENOUGH, is_shared, joins_by_too_little
from syncline_compiler.diagnostics.diagnostic import Collector
from syncline_compiler.model.document import Declared, WrittenProject
from syncline_compiler.model.resolved import ResolvedMember, ResolvedObject, ResolvedSync
from syncline_compiler.model.spec import ObjectSpec
from syncline_compiler.model.spec_system import SystemSpec
from syncline_compiler.model.typed import Line, fields_in
from syncline_runtime.system import Resource, System

SHARED_NATIVE_TYPES = frozenset({"bool", "date", "list", "json"})


def check_keys(
    project: WrittenProject,
    objects: Mapping[str, ResolvedObject],
    systems: Mapping[str, System],
    syncs: Sequence[ResolvedSync],
    diagnostics: Collector,
) -> None:
    """Check the keys of objects, their parts, resources, and of the records that a create is found by."""
    for name, item in objects.items():
        declared = project.objects[name]
        _check_similar(item, diagnostics)
        _check_rules(item, diagnostics)
        _check_parts(item, declared, objects, diagnostics)
    for name, system in systems.items():
        for resource in system.resources:
            _check_id(resource, project.systems[name], diagnostics)
    for sync in syncs:
        for member in sync.members:
            _check_found_by(member, sync, project, systems, diagnostics)


def _check_similar(item: ResolvedObject, diagnostics: Collector) -> None:
    """Check that what joins records without a person is more than the likeness of a name."""
    weak = [rule for rule in item.identity if joins_by_too_little(rule, item)]
    if weak:
        diagnostics.report(
            "SYN0604", weak[0].span, label=f"only likeness tells which records of `{item.name}` are one",
            help=(
                "put a rule by key first, such as `- same: [tax_id, country]`, and here `then: review`",
                f"or let {ENOUGH} fields or more be alike",
            ),
        )  # fmt: skip


def _check_rules(item: ResolvedObject, diagnostics: Collector) -> None:
    for rule in item.identity:
        fields = [field for name in rule.same if (field := item.field(name)) is not None]
        if not rule.by_key or not fields or not all(map(is_shared, fields)):
            continue
        listed = " and ".join(f"`{field.name}`" for field in fields)
        diagnostics.report(
            "SYN0605", rule.span, label=f"many records have the same {listed}, and all of them would become one",
            secondary=[(field.span, f"of type {field.type.present()}") for field in fields],
            help="add a field that tells records apart, such as a number or an email address, or write `then: review`",
        )  # fmt: skip


def _check_parts(
    item: ResolvedObject, declared: Declared[ObjectSpec], objects: Mapping[str, ResolvedObject], diagnostics: Collector
) -> None:
    for part in item.parts:
        key = objects[part.of].field(part.key) if part.of in objects else None
        if key is None or not (key.type.nullable or key.type.kind == "bool"):
            continue
        why = "may be null" if key.type.nullable else "has two values"
        diagnostics.report(
            "SYN0605", declared.at("parts", part.name, "key"), label=f"`{part.key}` {why}: rows would be taken for one",
            secondary=[(key.span, f"of type {key.type}")],
            help="name a field that every row has, and no two rows of a record have alike",
        )  # fmt: skip


def _check_id(resource: Resource, declared: Declared[SystemSpec], diagnostics: Collector) -> None:
    native = next((field for field in resource.fields if field.name == resource.id), None)
    if native is None or not (native.values or native.type in SHARED_NATIVE_TYPES):
        return
    kind = f"one of {len(native.values)} values" if native.values else native.type
    diagnostics.report(
        "SYN0605", declared.at("resources", resource.name, "id"),
        label=f"`{native.name}` is {kind}: many records have the same",
        secondary=[(declared.key("resources", resource.name, "fields", native.name), "declared here")],
        help="name the field that holds the system's own id of a record",
    )  # fmt: skip


def _check_found_by(
    member: ResolvedMember,
    sync: ResolvedSync,
    project: WrittenProject,
    systems: Mapping[str, System],
    diagnostics: Collector,
) -> None:
    """Check that a create is found again, or turned into an update, by a field that no other record has alike."""
    resource = systems[member.system].resource(member.resource)
    create = resource.create
    if member.hold is False or create is None:
        return
    if create.external_id is not None:
        line = next((line for line in member.mapping.lines if _writes(line, create.external_id)), None)
        if line is not None and not _tell_apart(_sources(line), sync.object):
            _report_external_id(line, create.external_id, resource, project.systems[member.system], sync, diagnostics)
        return
    if create.marker or create.idempotency_header or create.find is None:
        return
    line = next((line for line in member.mapping.lines if _writes(line, create.find.field)), None)
    if line is None or _tell_apart(_sources(line), sync.object):
        return
    place = ("resources", resource.name, "create", "find")
    diagnostics.report(
        "SYN0605", line.span, label=f"a create that was cut off is looked for by `{create.find.field}`, which is this",
        secondary=[(project.systems[member.system].key(*place), "looked for here")],
        help=(
            f"where no two records of `{sync.object.name}` have it alike, say so by an identity rule over it",
            "else let `marker` name a field that we may fill, and find by that",
        ),
    )  # fmt: skip


def _report_external_id(
    line: Line,
    native: str,
    resource: Resource,
    declared: Declared[SystemSpec],
    sync: ResolvedSync,
    diagnostics: Collector,
) -> None:
    diagnostics.report(
        "SYN0605", line.span, label=f"`{native}` is the external id: a create with a value that is there changes that record",
        secondary=[(declared.at("resources", resource.name, "create", "external_id"), "told here")],
        help=(
            f"where no two records of `{sync.object.name}` have it alike, say so by an identity rule over it",
            "else let `external_id` name a field that holds a key, such as a number",
        ),
    )  # fmt: skip


def _sources(line: Line) -> set[str]:
    """Name the canonical fields that a line writes."""
    return {field.name for put in line.puts for field in fields_in(put.value) if field.scope == "canonical"}


def _writes(line: Line, native: str) -> bool:
    return any(put.native == native for put in line.puts)


def _tell_apart(sources: Iterable[str], item: ResolvedObject) -> bool:
    return any(set(rule.same) <= set(sources) and rule.by_key for rule in item.identity)
