"""Check delivery: whether what the mappings read and write is possible there, and safe to repeat.

In: ``ResolvedSync``. Diagnostics: SYN0701 … SYN0705, SYN0708, SYN0714 … SYN0716.
Invariant (of a sync without errors here): every field is read and written with a scope that is granted, and no field
is written that the system keeps for itself.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from syncline_compiler.checking.batches import sends_key
from syncline_compiler.diagnostics.diagnostic import Collector
from syncline_compiler.model.document import Declared, Place, WrittenProject
from syncline_compiler.model.members import native_read, native_written, resource_of
from syncline_compiler.model.resolved import ResolvedMember, ResolvedSync
from syncline_compiler.model.spec_system import SystemSpec
from syncline_compiler.model.typed import PickPut
from syncline_compiler.source import Span
from syncline_runtime.frozen import dataclass
from syncline_runtime.system import Resource, System

MOST_ATTEMPTS = 50
DAY = 86_400
LONGEST = 7 * DAY


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
    _check_bounds(sync, project, diagnostics)
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
        _check_marker(looked_at, diagnostics)
        _check_forgotten(looked_at, sync, project, diagnostics)
        _check_update(looked_at, diagnostics)
        _check_precondition(looked_at, diagnostics)
        _check_access(looked_at, diagnostics)
        _check_clock(looked_at, diagnostics)
        _check_scopes(looked_at, diagnostics)


def _check_bounds(sync: ResolvedSync, project: WrittenProject, diagnostics: Collector) -> None:
    """Check that a write which fails is given up some day, so that a person sees why it failed."""
    declared = project.syncs[sync.name]
    for key, too_long in (("attempts", sync.attempts > MOST_ATTEMPTS), ("within", sync.within > LONGEST)):
        if too_long:
            diagnostics.report(
                "SYN0714", declared.at("delivery", key), label="a write that cannot succeed is tried for ever, in effect",
                help=f"at most {MOST_ATTEMPTS} attempts within {LONGEST // DAY}d: what failed then waits, and is shown",
            )  # fmt: skip


def _check_create(looked_at: _Member, diagnostics: Collector) -> None:
    """Check that a create that was cut off can be repeated or found again."""
    create = looked_at.resource.create
    if create is None or looked_at.member.hold is False:
        return
    searched = create.find is not None and (create.marker is not None or create.find.field in looked_at.written)
    if create.external_id or searched or (create.idempotency_header and sends_key(create)):
        return
    found = "a marker is written, but nothing says how to find it" if create.marker else "nothing tells a repeat apart"
    remedy = "describe one of: `idempotency: {header: …}`, `external_id: …`, or `marker: …` with `find: …`"
    if create.idempotency_header:
        found, remedy = "rows of its `batch` go without a key", "name `{key}` in the batch's `item`, or describe `find`"
    diagnostics.report(
        "SYN0701", looked_at.described.key(*looked_at.place("create")), label=found,
        secondary=[(looked_at.member.span, f"`{looked_at.member.connection}` must hold records")],
        help=(
            remedy,
            "as it is, a create that was cut off waits until a person has looked",
        ),
    )  # fmt: skip


def _check_marker(looked_at: _Member, diagnostics: Collector) -> None:
    """Check that nothing is written over the mark by which a create that was cut off is found again."""
    create = looked_at.resource.create
    if create is None or create.marker is None or create.marker not in looked_at.written:
        return
    diagnostics.report(
        "SYN0703", looked_at.written[create.marker], label=f"`{create.marker}` is written here, over the mark",
        secondary=[(looked_at.described.at(*looked_at.place("create", "marker")), "by which a create is found again")],
        help="leave the line out, or let `marker` name a field that nothing else is written to",
    )  # fmt: skip


def _check_forgotten(looked_at: _Member, sync: ResolvedSync, project: WrittenProject, diagnostics: Collector) -> None:
    """Check that a create is not repeated after the system has forgotten its key."""
    create = looked_at.resource.create
    if create is None or looked_at.member.hold is False or create.external_id or create.find is not None:
        return
    keeps = create.idempotency_keeps
    if keeps is None or sync.within <= keeps:
        return
    declared = project.syncs[sync.name]
    diagnostics.report(
        "SYN0715", declared.at("delivery", "within"), label="a create is repeated for so long",
        secondary=[
            (looked_at.described.at(*looked_at.place("create", "idempotency", "keeps")), "and its key is known so long")
        ],
        help="end delivery before the key is forgotten; a create that is still open then waits until a person has looked",
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


def _check_precondition(looked_at: _Member, diagnostics: Collector) -> None:
    """Check that an update can see whether somebody was faster: by a precondition, or by a look before a repeat."""
    update = looked_at.resource.update
    if update is None or update.replaces or not looked_at.written or looked_at.resource.get is not None:
        return
    if update.precondition_header and looked_at.resource.version:
        return
    diagnostics.report(
        "SYN0716", looked_at.described.key(*looked_at.place("update")),
        label="what somebody else wrote since the last read is overwritten",
        secondary=[(looked_at.member.span, f"`{looked_at.member.connection}` is written")],
        help="describe `precondition` with `version`, or `get`, so that a record is looked at before a write is repeated",
    )  # fmt: skip


def _check_clock(looked_at: _Member, diagnostics: Collector) -> None:
    """Check that we do not write the field by which changes are found."""
    cursor = looked_at.resource.list.cursor if looked_at.resource.list is not None else None
    if cursor is None or cursor.field not in looked_at.written:
        return
    place = looked_at.place("list", "cursor", "field")
    diagnostics.report(
        "SYN0708", looked_at.written[cursor.field], label=f"`{cursor.field}` is written here",
        secondary=[(looked_at.described.at(*place), "and changes are found by it")],
        help="leave the line out: a record that is given an older time is never read again",
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
    needed: dict[tuple[str, Span], list[str]] = {}
    for scope, span, what in _needed_scopes(looked_at):
        if scope not in looked_at.system.scopes:
            needed.setdefault((scope, span), []).append(what)
    for (scope, span), uses in needed.items():
        verbs, _, of = uses[0].rpartition(" ")
        verbs = " and ".join(dict.fromkeys([verbs, *(use.rpartition(" ")[0] for use in uses)]))
        diagnostics.report(
            "SYN0702", span, label=f"{verbs} {of} needs `{scope}`",
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
    if resource.delete is not None and resource.delete.scope and looked_at.member.on_leave == "delete":
        yield resource.delete.scope, looked_at.member.span, f"deleting `{resource.name}`"
    yield from _scopes_of_children(looked_at)
    for native in resource.fields:
        if native.scope_read and native.name in looked_at.read:
            yield native.scope_read, looked_at.read[native.name], f"reading `{native.name}`"
        if native.scope_write and native.name in looked_at.written:
            yield native.scope_write, looked_at.written[native.name], f"writing `{native.name}`"


def _scopes_of_children(looked_at: _Member) -> Iterator[tuple[str, Span, str]]:
    """Name the scopes that writing records of child resources needs: a `pick` changes, adds and removes them."""
    by_name = {resource.name: resource for resource in looked_at.system.resources}
    puts = [put for line in looked_at.member.mapping.lines for put in line.puts]
    emptied = {put.native for put in puts if isinstance(put, PickPut) and put.value.type.nullable}
    for native in looked_at.resource.fields:
        child = by_name.get(native.of or "")
        if child is None or native.name not in looked_at.written:
            continue
        writes = [("creating", child.create), ("updating", child.update)]
        if native.name in emptied:  # Where the value is null its record is taken away.
            writes.append(("deleting", child.delete))
        for verb, write in writes:
            if write is not None and write.scope:
                yield write.scope, looked_at.written[native.name], f"{verb} `{child.name}`"
