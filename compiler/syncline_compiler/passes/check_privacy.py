"""Check privacy: personal data goes only into systems that are cleared for it, and keeps its tag on the way.

In: ``ResolvedSync``, the objects, the systems as written. Diagnostics: SYN0711, SYN0713.
Invariant (of a sync without these): no field tagged ``pii`` reaches a system whose ``cleared_for`` leaves its kind out.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from syncline_compiler.diagnostics.diagnostic import Collector
from syncline_compiler.model.document import WrittenProject
from syncline_compiler.model.resolved import DerivedField, ResolvedField, ResolvedMember, ResolvedObject, ResolvedSync
from syncline_compiler.model.typed import Expression, Field, Line, fields_in
from syncline_runtime.system import NativeField, System

Objects = Mapping[str, ResolvedObject]

TELLS_LITTLE = frozenset({"bool", "enum", "country", "currency", "language"})
"""Kinds that hold no personal data though they follow from it."""


def check_privacy(
    syncs: Sequence[ResolvedSync],
    project: WrittenProject,
    objects: Objects,
    systems: Mapping[str, System],
    diagnostics: Collector,
) -> None:
    """Check what every member is sent, and what is read from it."""
    for sync in syncs:
        for member in sync.members:
            resource = systems[member.system].resource(member.resource)
            cleared = project.systems[member.system].spec.cleared_for
            for item, lines in _mapped(sync.object, member, objects) if cleared is not None else ():
                for line in lines:
                    _check_sent(line, item, member, cleared or [], objects, project, diagnostics)
            tagged = {native.name: native for native in resource.fields if native.pii is not None}
            for line in member.mapping.lines if tagged else ():
                _check_tag(line, sync.object, member, tagged, project, diagnostics)


def _mapped(
    item: ResolvedObject, member: ResolvedMember, objects: Objects
) -> Iterator[tuple[ResolvedObject, Sequence[Line]]]:
    """Give the lines of a mapping with the object whose fields they write, those of parts too."""
    yield item, member.mapping.lines
    parts = {part.name: part.of for part in item.parts}
    for part in member.mapping.parts:
        yield objects[parts[part.part]], part.lines


def _check_sent(
    line: Line,
    item: ResolvedObject,
    member: ResolvedMember,
    cleared: Sequence[str],
    objects: Objects,
    project: WrittenProject,
    diagnostics: Collector,
) -> None:
    declared = project.systems[member.system]
    for put in line.puts:
        for field in _personal(put.value, item, objects):
            if field.pii not in cleared:
                diagnostics.report(
                    "SYN0711", line.span, label=f"`{field.name}` holds personal data of kind `{field.pii}`",
                    secondary=[
                        (field.span, f"`pii: {field.pii}`"),
                        (declared.key("cleared_for"), f"what `{member.system}` may keep"),
                    ],
                    help=f"leave the line out, or add `{field.pii}` to `cleared_for` once that is cleared",
                )  # fmt: skip


def _personal(value: Expression, item: ResolvedObject, objects: Objects) -> Iterator[ResolvedField]:
    """Give the fields tagged as personal data that a value follows from, also by way of derived fields."""
    for used in fields_in(value):
        found = _named(used, item)
        if isinstance(found, ResolvedField) and found.pii is not None:
            yield found
        elif isinstance(found, DerivedField):
            yield from _personal(found.value, item, objects)


def _named(used: Field, item: ResolvedObject) -> ResolvedField | DerivedField | None:
    if used.scope != "canonical":
        return None
    return item.field(used.name) or next((one for one in item.derived if one.name == used.name), None)


def _check_tag(
    line: Line,
    item: ResolvedObject,
    member: ResolvedMember,
    tagged: Mapping[str, NativeField],
    project: WrittenProject,
    diagnostics: Collector,
) -> None:
    """Check that what a system tags as personal data is tagged on the object too: later checks go by that."""
    field = item.field(line.field) if line.field is not None else None
    if field is None or field.pii is not None or line.get is None or line.get.type.kind in TELLS_LITTLE:
        return
    used = [one.name for one in fields_in(line.get) if one.scope == "native"]
    native = next((tagged[name] for name in used if name in tagged), None)
    if native is not None:
        place = ("resources", member.resource, "fields", native.name)
        diagnostics.report(
            "SYN0713", line.span, label=f"`{native.name}` holds personal data of kind `{native.pii}`",
            secondary=[
                (field.span, "and nothing says so here"),
                (project.systems[member.system].key(*place), f"`pii: {native.pii}`"),
            ],
            help=f"add `pii: {native.pii}` to `{field.name}` of `{item.name}`",
        )  # fmt: skip
