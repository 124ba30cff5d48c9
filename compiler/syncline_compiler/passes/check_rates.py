"""Check rates: whether the calls that syncs need fit into the limits, and runs are as frequent as freshness asks.

In: every ``ResolvedSync``, the systems, volumes as written. Diagnostics: SYN0709, SYN0712.
Invariant: where a volume is not given, the least is taken: one call for a list, no changes. So what is reported is
certain, as far as the volumes are true.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from syncline_compiler.capacity import Load, limits, loads, per_hour
from syncline_compiler.diagnostics.diagnostic import Collector
from syncline_compiler.model.document import Declared, Place, WrittenProject
from syncline_compiler.model.resolved import ResolvedMember, ResolvedSync
from syncline_compiler.model.spec_system import SystemSpec
from syncline_compiler.quantities import microseconds, seconds, seconds_text
from syncline_compiler.source import Span
from syncline_runtime.system import System

DAY = 86_400
MICROSECOND = 1_000_000


def check_rates(
    syncs: Sequence[ResolvedSync], project: WrittenProject, systems: Mapping[str, System], diagnostics: Collector
) -> None:
    """Check the freshness of every sync, and the calls to every connection."""
    for sync in syncs:
        _check_freshness(sync, project, systems, diagnostics)
    of = {member.connection: member.system for sync in syncs for member in sync.members}
    for connection, found in loads(syncs, project).items():
        _check_limit(connection, found, project.systems[of[connection]], project, diagnostics)


def _check_freshness(
    sync: ResolvedSync, project: WrittenProject, systems: Mapping[str, System], diagnostics: Collector
) -> None:
    """Check that what is promised can be kept: nothing is fresher than the next run sees it."""
    declared = project.syncs[sync.name]
    if sync.freshness is None:
        return
    every = declared.spec.every
    if every and seconds(every) > sync.freshness:
        _report_stale(
            declared.at("every"), f"a run every {every} keeps nothing fresher than that", sync, project, diagnostics
        )
    for member in sync.members:
        found = _slowness(member, project, systems)
        if found is not None and found[0] > sync.freshness:
            _report_stale(found[1], found[2], sync, project, diagnostics)


def _slowness(
    member: ResolvedMember, project: WrittenProject, systems: Mapping[str, System]
) -> tuple[int, Span, str] | None:
    """Give how long a change may stay unseen in a member whatever the runs: files that come daily, lists that lag."""
    declared = project.systems[member.system]
    files = declared.spec.resources[member.resource].files
    place: Place = ("resources", member.resource)
    if files is not None and files.every:
        span = declared.at(*place, "files", "every")
        return seconds(files.every), span, f"`{member.connection}` drops its files every {files.every}"
    listed = declared.spec.resources[member.resource].list_
    if listed is not None and listed.cursor is not None:
        lag, shown = microseconds(listed.cursor.lag) // MICROSECOND, systems[member.system].visible_after
        span = declared.at(*place, "list", "cursor", "lag") if lag >= shown else declared.at("visible_after")
        return max(lag, shown), span, f"changes in `{member.connection}` may show {seconds_text(max(lag, shown))} late"
    return None


def _report_stale(span: Span, label: str, sync: ResolvedSync, project: WrittenProject, diagnostics: Collector) -> None:
    declared = project.syncs[sync.name]
    diagnostics.report(
        "SYN0712", span, label=label,
        secondary=[(declared.at("freshness"), f"`{sync.name}` promises this")],
        help="run more often, or promise what can be kept",
    )  # fmt: skip


def _check_limit(
    connection: str,
    loads: Sequence[Load],
    system: Declared[SystemSpec],
    project: WrittenProject,
    diagnostics: Collector,
) -> None:
    needed = sum(load.rate for load in loads)
    for allowed, span in limits(connection, system, project):
        if needed <= allowed:
            continue
        greatest = sorted(loads, key=lambda load: -load.rate)[:3]
        diagnostics.report(
            "SYN0709", span,
            label=f"`{connection}` needs {per_hour(needed):,} calls an hour, and {per_hour(allowed):,} are allowed",
            secondary=[(load.span, load.what) for load in greatest],
            help=(
                "run less often, read by a cursor instead of everything, or take larger pages",
                "or have the limit raised",
            ),
        )  # fmt: skip
        return
