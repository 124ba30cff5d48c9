"""Check clocks: whether the fields by which the newest change wins can be held against each other.

In: ``ResolvedSync`` with owners. Diagnostics: SYN0503.
Invariant (of a sync without these): every clock gives an instant, and rises with each change of the record. A local time
counts as one only where its system says that its zone is UTC.
"""

from __future__ import annotations

from collections.abc import Mapping

from syncline_compiler.diagnostics.diagnostic import Collector, Secondary
from syncline_compiler.model.document import Place, WrittenProject
from syncline_compiler.model.members import resource_of
from syncline_compiler.model.resolved import ResolvedMember, ResolvedSync
from syncline_runtime.frozen import dataclass
from syncline_runtime.system import NativeField, Resource, System

MOMENTS = frozenset({"instant", "int"})
"""What a clock may be: a time with its offset, or seconds since 1970."""
UTC = frozenset({"UTC", "Etc/UTC"})


@dataclass(frozen=True)
class _Clock:
    """One clock of a rule: where it is named, and the field that it names."""

    place: Place
    member: ResolvedMember
    resource: Resource
    native: NativeField


def check_clocks(
    sync: ResolvedSync, project: WrittenProject, systems: Mapping[str, System], diagnostics: Collector
) -> None:
    """Check every clock of the rules that go by the newest change, each once."""
    members = {member.connection: member for member in sync.members}
    for written, rule in project.syncs[sync.name].spec.owners.items():
        for connection, name in rule.clock.items():
            member = members.get(connection)
            resource = resource_of(member, systems) if member is not None else None
            native = next((one for one in resource.fields if one.name == name), None) if resource is not None else None
            if member is not None and resource is not None and native is not None:
                place: Place = ("owners", written, "clock", connection)
                _check(_Clock(place, member, resource, native), sync, project, diagnostics)


def _check(clock: _Clock, sync: ResolvedSync, project: WrittenProject, diagnostics: Collector) -> None:
    wrong = _wrong(clock, project)
    if wrong is None:
        return
    label, remedy, beside = wrong
    span = project.syncs[sync.name].at(*clock.place)
    diagnostics.report("SYN0503", span, label=label, secondary=[beside], help=remedy)


def _wrong(clock: _Clock, project: WrittenProject) -> tuple[str, str, Secondary] | None:
    """Say what is wrong with a clock and what to do, and show where that is to be seen."""
    native, version = clock.native, clock.resource.version
    system = project.systems[clock.member.system]
    declared = (system.key("resources", clock.resource.name, "fields", native.name), "declared here")
    if native.type == "local_datetime" and not _is_in_utc(clock, project):
        label = f"`{native.name}` is a local time: against the clock of another system it is hours off"
        return (
            label,
            "say `zone: UTC` in the system description if that is its zone; else name a field with an offset",
            declared,
        )
    if native.type not in (*MOMENTS, "local_datetime"):
        return f"`{native.name}` is {native.type}, which tells no moment", _better(clock), declared
    rises = next((one for one in clock.resource.fields if one.name == version), None)
    if rises is not None and rises is not native and rises.type == native.type:
        label = f"`{native.name}` is the clock, and `{version}` is what rises with each change"
        beside = (system.at("resources", clock.resource.name, "version"), "rises with each change")
        return label, f"write `{clock.member.connection}: {version}`", beside
    return None


def _is_in_utc(clock: _Clock, project: WrittenProject) -> bool:
    spec = project.systems[clock.member.system].spec
    return "zone" in spec.model_fields_set and spec.zone in UTC


def _better(clock: _Clock) -> str:
    named = next((one.name for one in clock.resource.fields if one.name == clock.resource.version), None)
    return f"name a time of last change, such as `{named}`" if named is not None else "name a time of last change"
