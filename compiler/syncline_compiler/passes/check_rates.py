"""Check rates: whether the calls that syncs need fit into the limits, and runs are as frequent as freshness asks.

In: every ``ResolvedSync``, the systems, volumes as written. Diagnostics: SYN0709, SYN0712.
Invariant: where a volume is not given, the least is taken: one call for a list, no changes. So what is reported is
certain, as far as the volumes are true.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from math import ceil

from syncline_compiler.diagnostics.diagnostic import Collector
from syncline_compiler.model.document import Declared, Place, WrittenProject
from syncline_compiler.model.members import native_written
from syncline_compiler.model.resolved import ResolvedMember, ResolvedSync
from syncline_compiler.model.spec_system import ResourceSpec, SystemSpec
from syncline_compiler.quantities import microseconds, seconds
from syncline_compiler.source import Span
from syncline_runtime.frozen import dataclass
from syncline_runtime.system import System

DAY = 86_400
MICROSECOND = 1_000_000


@dataclass(frozen=True)
class _Load:
    """The calls that one resource takes in one interval."""

    calls: int
    interval: int  # seconds
    what: str
    span: Span

    @property
    def rate(self) -> float:
        return self.calls / self.interval


def check_rates(
    syncs: Sequence[ResolvedSync], project: WrittenProject, systems: Mapping[str, System], diagnostics: Collector
) -> None:
    """Check the freshness of every sync, and the calls to every connection."""
    loads: dict[str, dict[str, _Load]] = defaultdict(dict)
    for sync in syncs:
        _check_freshness(sync, project, systems, diagnostics)
        interval = _interval(sync, project)
        for member in sync.members if interval else ():
            for name, load in _loads(sync, member, interval, project):
                known = loads[member.connection].get(name)
                if known is None or known.rate < load.rate:  # A resource is read once for all its syncs.
                    loads[member.connection][name] = load
    of = {member.connection: member.system for sync in syncs for member in sync.members}
    for connection, found in sorted(loads.items()):
        _check_limit(connection, list(found.values()), project.systems[of[connection]], project, diagnostics)


def _interval(sync: ResolvedSync, project: WrittenProject) -> int:
    """Give the seconds between two runs: as said, or else what freshness allows; 0 if neither is known."""
    every = project.syncs[sync.name].spec.every
    return seconds(every) if every else sync.freshness or 0


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
        return max(lag, shown), span, f"changes in `{member.connection}` may show {_said(max(lag, shown))} late"
    return None


def _report_stale(span: Span, label: str, sync: ResolvedSync, project: WrittenProject, diagnostics: Collector) -> None:
    declared = project.syncs[sync.name]
    diagnostics.report(
        "SYN0712", span, label=label,
        secondary=[(declared.at("freshness"), f"`{sync.name}` promises this")],
        help="run more often, or promise what can be kept",
    )  # fmt: skip


def _loads(
    sync: ResolvedSync, member: ResolvedMember, interval: int, project: WrittenProject
) -> Iterator[tuple[str, _Load]]:
    spec = project.systems[member.system].spec
    resource = spec.resources[member.resource]
    calls = _reads(resource, spec, interval)
    if calls:
        what = f"{calls:,} to read `{member.resource}` every {_said(interval)}"
        yield member.resource, _Load(calls, interval, what, member.span)
    others = [other for other in sync.members if other is not member]
    changes = sum(_changes(project.systems[one.system].spec.resources[one.resource], interval) for one in others)
    if changes and native_written(member.mapping):
        what = f"{changes:,} to write what changed for `{sync.name}` every {_said(interval)}"
        yield f"{sync.name} →", _Load(changes, interval, what, member.span)


def _reads(resource: ResourceSpec, system: SystemSpec, interval: int) -> int:
    """Count the calls of one read, at least."""
    listed = resource.list_
    if listed is None:
        return 0
    shown = _changes(resource, interval) if listed.cursor is not None else _records(resource)
    calls = max(ceil(shown / listed.paging.size), 1) + (shown if listed.detail else 0)
    if listed.each is None or listed.each not in system.resources:
        return calls
    over = system.resources[listed.each]
    return _reads(over, system, interval) + max(_records(over), calls)


def _records(resource: ResourceSpec) -> int:
    return resource.volume.records if resource.volume is not None else 0


def _changes(resource: ResourceSpec, interval: int) -> int:
    daily = (resource.volume.daily or 0) if resource.volume is not None else 0
    return ceil(daily * interval / DAY)


def _check_limit(
    connection: str,
    loads: Sequence[_Load],
    system: Declared[SystemSpec],
    project: WrittenProject,
    diagnostics: Collector,
) -> None:
    needed = sum(load.rate for load in loads)
    for allowed, span in _limits(connection, system, project):
        if needed <= allowed:
            continue
        greatest = sorted(loads, key=lambda load: -load.rate)[:3]
        diagnostics.report(
            "SYN0709", span,
            label=f"`{connection}` needs {_per_hour(needed)} calls an hour, and {_per_hour(allowed)} are allowed",
            secondary=[(load.span, load.what) for load in greatest],
            help=(
                "run less often, read by a cursor instead of everything, or take larger pages",
                "or have the limit raised",
            ),
        )  # fmt: skip
        return


def _limits(connection: str, system: Declared[SystemSpec], project: WrittenProject) -> Iterator[tuple[float, Span]]:
    """Give the calls per second that each environment allows, or else the system."""
    own = [
        (written[connection].limit, environment)
        for environment, written in project.project.spec.environments.items()
        if connection in written and written[connection].limit is not None
    ]
    for limit, environment in own:
        if limit is not None:
            span = project.project.at("environments", environment, connection, "limit")
            yield limit.requests / max(seconds(limit.per), 1), span
    if not own and system.spec.limit is not None:
        limit = system.spec.limit
        yield limit.requests / max(seconds(limit.per), 1), system.at("limit")


def _per_hour(rate: float) -> str:
    return f"{ceil(rate * 3600):,}"


def _said(interval: int) -> str:
    for unit, length in (("d", DAY), ("h", 3600), ("m", 60)):
        if interval % length == 0:
            return f"{interval // length}{unit}"
    return f"{interval}s"
