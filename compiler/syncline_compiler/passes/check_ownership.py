"""Check existence: who brings records into being, who holds them, and whether creating them can work.

In: ``ResolvedSync``. Diagnostics: SYN0504 … SYN0507, SYN0606.
Invariant (of a sync without these): every record that is wanted can be created with all that is required of it.
"""

from __future__ import annotations

from collections.abc import Mapping

from syncline_compiler.diagnostics.diagnostic import Collector
from syncline_compiler.model.document import Declared, WrittenProject
from syncline_compiler.model.members import fields_mapped, fields_read, native_written, required_fields, resource_of
from syncline_compiler.model.resolved import ResolvedMember, ResolvedSync
from syncline_compiler.model.spec import SyncSpec
from syncline_runtime.system import System

_Declared = Declared[SyncSpec]


def check_ownership(
    sync: ResolvedSync, project: WrittenProject, systems: Mapping[str, System], diagnostics: Collector
) -> None:
    """Check who originates and who holds the records of a sync, and that no id by which they were known is lost."""
    declared = project.syncs[sync.name]
    _check_historical(sync, project, diagnostics)
    _check_originators(sync, declared, diagnostics)
    for member in sync.members:
        if member.hold is not False:
            _check_create(member, declared, project, systems, diagnostics)
    _check_deletions(sync, declared, project, systems, diagnostics)


def _check_historical(sync: ResolvedSync, project: WrittenProject, diagnostics: Collector) -> None:
    """Check that an id by which archives know the records is still read from somewhere."""
    declared = project.objects[sync.object.name]
    historical = [name for name, spec in declared.spec.fields.items() if spec.historical]
    if not historical or len(sync.members) < len(project.syncs[sync.name].spec.members):
        return
    read = {name for member in sync.members for name in fields_read(member.mapping)}
    for name in historical:
        if name not in read:
            diagnostics.report(
                "SYN0606", declared.key("fields", name), label=f"archives know records by `{name}`, and nothing reads it",
                secondary=[(member.mapping.span, f"`{member.connection}` does not") for member in sync.members],
                help=f"read it from the member that still knows it: `{name} <- …`",
            )  # fmt: skip


def _check_originators(sync: ResolvedSync, declared: _Declared, diagnostics: Collector) -> None:
    if not declared.spec.exists.originate:
        names = list(declared.spec.members)
        diagnostics.report(
            "SYN0507", declared.key("exists"), label="nothing says where new records come from",
            help=f"write `exists: {{originate: [{names[0]}]}}`",
        )  # fmt: skip
        return
    for member in sync.members:
        if member.originates:
            _check_required(member, sync, declared, diagnostics)


def _check_required(member: ResolvedMember, sync: ResolvedSync, declared: _Declared, diagnostics: Collector) -> None:
    """Check that a member can give a new record all that the object requires.

    Of a field that others map and nobody decides it is told already that its owner does not read it.
    """
    read = fields_read(member.mapping)
    undecided = {name for one in sync.members for name in fields_mapped(one.mapping)} - set(sync.owners)
    names = [name for name in required_fields(sync.object) if name not in read and name not in undecided]
    if not names:
        return
    fields = [field for name in names if (field := sync.object.field(name)) is not None]
    index = declared.spec.exists.originate.index(member.connection)
    diagnostics.report(
        "SYN0506", member.mapping.span, label=f"nothing here provides {' and '.join(f'`{name}`' for name in names)}",
        secondary=[
            (declared.at("exists", "originate", index), f"`{member.connection}` originates records"),
            *((field.span, "required here") for field in fields),
        ],
        help=f"map it (`{names[0]} <-> …`), or drop `required` where a record may be without it",
    )  # fmt: skip


def _check_create(
    member: ResolvedMember,
    declared: _Declared,
    project: WrittenProject,
    systems: Mapping[str, System],
    diagnostics: Collector,
) -> None:
    """Check that a member which must hold records can be given new ones."""
    resource = resource_of(member, systems)
    system = project.systems[member.system]
    span = declared.key("exists", "hold", member.connection)
    if resource.create is None:
        diagnostics.report(
            "SYN0504", span, label=f"`{member.system}.{member.resource}` has no `create`",
            secondary=[(system.key("resources", member.resource), "described here")],
            help="describe how a record is created there, or let the member hold only what others bring into it",
        )  # fmt: skip
        return
    written = {*native_written(member.mapping), resource.parent, resource.create.marker, resource.create.external_id}
    for native in resource.fields:
        if native.required and native.writable and native.name not in written:
            diagnostics.report(
                "SYN0505", member.mapping.span, label=f"nothing here fills `{native.name}`",
                secondary=[
                    (system.key("resources", member.resource, "fields", native.name), "required on create"),
                    (span, f"`{member.connection}` must hold the record"),
                ],
                help=f"map it (`… <-> {native.name}`), or write a fixed value (`\"…\" -> {native.name}`)",
            )  # fmt: skip


def _check_deletions(
    sync: ResolvedSync,
    declared: _Declared,
    project: WrittenProject,
    systems: Mapping[str, System],
    diagnostics: Collector,
) -> None:
    """Check that those who must hold a record can delete it after others have."""
    deleting = [name for name, policy in sync.when_deleted_in.items() if policy == "delete"]
    for member in sync.members:
        others = [name for name in deleting if name != member.connection]
        if others and member.hold is not False and resource_of(member, systems).delete is None:
            diagnostics.report(
                "SYN0504", declared.at("when_deleted_in", others[0]),
                label=f"`{member.system}.{member.resource}` has no `delete`, and `{member.connection}` would have to follow",
                secondary=[(project.systems[member.system].key("resources", member.resource), "described here")],
                help="describe how a record is deleted there, or write `review`",
            )  # fmt: skip
