"""Check what becomes of records that a member need not hold any more.

In: ``ResolvedSync`` with owners. Diagnostics: SYN0504, SYN0514, SYN0515.
Invariant (of a sync without these): what ``on_leave`` says can come about, can be done, and reaches no other member.
"""

from __future__ import annotations

from collections.abc import Mapping

from syncline_compiler.diagnostics.diagnostic import Collector
from syncline_compiler.model.document import Declared, WrittenProject
from syncline_compiler.model.members import fields_written, resource_of
from syncline_compiler.model.resolved import ResolvedMember, ResolvedSync
from syncline_compiler.model.spec import LeavingSpec, SyncSpec
from syncline_compiler.model.typed import PickPut
from syncline_runtime.system import System

_Declared = Declared[SyncSpec]


def check_leaving(
    sync: ResolvedSync, project: WrittenProject, systems: Mapping[str, System], diagnostics: Collector
) -> None:
    """Check ``on_leave`` of every member that says something other than ``keep``."""
    declared = project.syncs[sync.name]
    for member in sync.members:
        before = len(diagnostics)
        if member.on_leave == "delete" and resource_of(member, systems).delete is None:
            _report_no_delete(member, declared, project, diagnostics)
        elif member.on_leave == "deactivate":
            _check_deactivation(member, sync, declared, diagnostics)
        if member.on_leave != "keep" and isinstance(member.hold, bool) and len(diagnostics) == before:
            _report_never_left(member, declared, diagnostics)


def _report_no_delete(
    member: ResolvedMember, declared: _Declared, project: WrittenProject, diagnostics: Collector
) -> None:
    diagnostics.report(
        "SYN0504", declared.at("exists", "on_leave", member.connection),
        label=f"`{member.system}.{member.resource}` has no `delete`",
        secondary=[(project.systems[member.system].key("resources", member.resource), "described here")],
        help="describe how a record is deleted there, or `keep` it",
    )  # fmt: skip


def _report_never_left(member: ResolvedMember, declared: _Declared, diagnostics: Collector) -> None:
    name = member.connection
    held = "holds every record" if member.hold else "need not hold any"
    secondary = [(declared.at("exists", "hold", name), "said here")] if name in declared.spec.exists.hold else []
    diagnostics.report(
        "SYN0514", declared.key("exists", "on_leave", name), label=f"`{name}` {held}: none ever leaves",
        secondary=secondary, help=f'give `hold` a condition (`{name}: status == "active"`), or take this out',
    )  # fmt: skip


def _check_deactivation(
    member: ResolvedMember, sync: ResolvedSync, declared: _Declared, diagnostics: Collector
) -> None:
    """Check that what is set is written to the member, and that nobody takes it from there for what all should show."""
    name = member.connection
    leaving = declared.spec.exists.on_leave[name]
    if not isinstance(leaving, LeavingSpec):
        diagnostics.report(
            "SYN0515", declared.at("exists", "on_leave", name), label="what is to be written is not said",
            help="say which fields show what: `{deactivate: {status: closed}}`",
        )  # fmt: skip
        return
    for field in member.leaves_with:
        problem = _problem(member, sync, field)
        if problem is not None:
            label, remedy = problem
            place = declared.key("exists", "on_leave", name, "deactivate", field)
            mapping = (member.mapping.span, "its mapping")
            diagnostics.report("SYN0515", place, label=label, secondary=[mapping], help=remedy)


def _problem(member: ResolvedMember, sync: ResolvedSync, field: str) -> tuple[str, str] | None:
    """Say why a field cannot be set in a member alone, and what to do; None if it can."""
    name, rule = member.connection, sync.owners.get(field)
    if field not in fields_written(member.mapping):
        return f"`{name}` is never sent `{field}`", f"map it for writing (`{field} <-> …`), or set a field that is"
    if any(isinstance(put, PickPut) for line in member.mapping.lines if line.field == field for put in line.puts):
        return f"`{field}` is written to a record of its own", "set a field of the record itself"
    reads = any(line.field == field and line.get is not None for line in member.mapping.lines)
    if reads and rule is not None and (rule.owner == name or rule.rule in ("max", "min", "union")):
        decides = f"`{name}` decides `{field}`" if rule.owner == name else f"`{field}` is made of what all show"
        return f"{decides}: all others would show it too", "set a field that another member decides"
    return None
