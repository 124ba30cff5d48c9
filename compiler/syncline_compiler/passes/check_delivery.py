"""Check delivery: whether what the mappings read and write is possible there, and safe to repeat.

In: ``ResolvedSync``. Diagnostics: SYN0701 … SYN0705.
Invariant (of a sync without errors here): every field is read and written with a scope that is granted, and no field
is written that the system keeps for itself.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from syncline_compiler.diagnostics.diagnostic import Collector
from syncline_compiler.model.document import Declared, Place, WrittenProject
from syncline_compiler.model.members import native_read, native_written, resource_of
from syncline_compiler.model.resolved import ResolvedMember, ResolvedSync
from syncline_compiler.model.spec_system import SystemSpec
from syncline_compiler.source import Span
from syncline_runtime.system import Resource, System


@dataclass(frozen=True)
class _Member:
    """A member, what it touches, and where its resource is described."""

    member: ResolvedMember
    system: System
    resource: Resource
    described: Declared[SystemSpec]
    read: Mapping[str, Span]
    written: Mapping[str, Span]

    def place(self, *rest: str) -> Place:
        return ("resources", self.resource.name, *rest)


def check_delivery(
    sync: ResolvedSync, project: WrittenProject, systems: Mapping[str, System], diagnostics: Collector
) -> None:
    """Check what each member reads and writes against what its system allows."""
    for member in sync.members:
        looked_at = _Member(
            member=member,
            system=systems[member.system],
            resource=resource_of(member, systems),
            described=project.systems[member.system],
            read=native_read(member.mapping),
            written=native_written(member.mapping),
        )
        _check_create(looked_at, diagnostics)
        _check_update(looked_at, diagnostics)
        _check_access(looked_at, diagnostics)
        _check_scopes(looked_at, diagnostics)


def _check_create(looked_at: _Member, diagnostics: Collector) -> None:
    """Check that a create that was cut off can be repeated or found again."""
    create = looked_at.resource.create
    if create is None or looked_at.member.hold is False:
        return
    searched = create.find is not None and (create.marker is not None or create.find.field in looked_at.written)
    if create.idempotency_header or create.external_id or searched:
        return
    found = "a marker is written, but nothing says how to find it" if create.marker else "nothing tells a repeat apart"
    diagnostics.report(
        "SYN0701", looked_at.described.key(*looked_at.place("create")), label=found,
        secondary=[(looked_at.member.span, f"`{looked_at.member.connection}` must hold records")],
        help=(
            "describe one of: `idempotency: {header: …}`, `external_id: …`, or `marker: …` with `find: …`",
            "as it is, a create that was cut off waits until a person has looked",
        ),
    )  # fmt: skip


def _check_update(looked_at: _Member, diagnostics: Collector) -> None:
    """Check that changes can be delivered: without `update` they never are."""
    by_steps = {step.field for step in looked_at.resource.transitions}
    if looked_at.resource.update is not None or not set(looked_at.written) - by_steps:
        return
    resource = f"{looked_at.system.name}.{looked_at.resource.name}"
    diagnostics.report(
        "SYN0705", looked_at.member.mapping.span, label=f"this mapping writes, and `{resource}` has no `update`",
        secondary=[(looked_at.described.key(*looked_at.place()), "described here")],
        help="describe `update`, or map with `<-` what is only read",
    )  # fmt: skip


def _check_access(looked_at: _Member, diagnostics: Collector) -> None:
    moved = {step.field for step in looked_at.resource.transitions}
    for native in looked_at.resource.fields:
        place = looked_at.place("fields", native.name)
        if not native.writable and native.name in looked_at.written and native.name not in moved:
            diagnostics.report(
                "SYN0703", looked_at.written[native.name], label=f"`{native.name}` is written here",
                secondary=[(looked_at.described.key(*place), "`write: false`")],
                help="use `<-` to read it only",
            )  # fmt: skip
        if not native.readable and native.name in looked_at.read:
            diagnostics.report(
                "SYN0704", looked_at.read[native.name], label=f"`{native.name}` is read here",
                secondary=[(looked_at.described.key(*place), "`read: false`")],
                help="use `->` to write it only",
            )  # fmt: skip


def _check_scopes(looked_at: _Member, diagnostics: Collector) -> None:
    granted = looked_at.system.scopes
    for scope, span, what in _needed_scopes(looked_at):
        if scope in granted:
            continue
        diagnostics.report(
            "SYN0702", span, label=f"{what} needs `{scope}`",
            secondary=[(looked_at.described.key("scopes"), "the scopes of this connection")],
            help=f"have `{scope}` granted and add it to `scopes`, or take the line out",
        )  # fmt: skip


def _needed_scopes(looked_at: _Member) -> Iterator[tuple[str, Span, str]]:
    """Name each scope with the place that needs it."""
    resource, mapping = looked_at.resource, looked_at.member.mapping
    if resource.scope_read:
        yield resource.scope_read, mapping.span, f"reading `{resource.name}`"
    for verb, write in (("creating", resource.create), ("updating", resource.update)):
        if write is not None and write.scope and looked_at.written:
            yield write.scope, mapping.span, f"{verb} `{resource.name}`"
    for native in resource.fields:
        if native.scope_read and native.name in looked_at.read:
            yield native.scope_read, looked_at.read[native.name], f"reading `{native.name}`"
        if native.scope_write and native.name in looked_at.written:
            yield native.scope_write, looked_at.written[native.name], f"writing `{native.name}`"
