"""Capacity: the calls that syncs take, against what connections allow.

In: syncs, and volumes and limits as written. Out: ``Load`` values. Invariant: where a volume is not given, the least is taken: one call
for a list, no changes. What is swept is counted beside what each run reads.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from math import ceil

from syncline_compiler.model.document import Declared, WrittenProject
from syncline_compiler.model.members import native_written
from syncline_compiler.model.resolved import ResolvedMember, ResolvedSync
from syncline_compiler.model.spec_system import PagingSpec, ResourceSpec, SystemSpec
from syncline_compiler.quantities import seconds, seconds_text
from syncline_compiler.source import Span
from syncline_runtime.frozen import dataclass

DAY = 86_400


@dataclass(frozen=True)
class Load:
    """The calls that one resource takes in one interval."""

    calls: int
    interval: int  # seconds
    what: str
    span: Span

    @property
    def rate(self) -> float:
        """Calls in a second."""
        return self.calls / self.interval


def loads(syncs: Sequence[ResolvedSync], project: WrittenProject) -> Mapping[str, tuple[Load, ...]]:
    """Give the calls that every connection takes."""
    found: dict[str, dict[str, Load]] = defaultdict(dict)
    for sync in syncs:
        interval = _interval(sync, project)
        for member in sync.members if interval else ():
            for name, load in _loads(sync, member, interval, project):
                known = found[member.connection].get(name)
                if known is None or known.rate < load.rate:  # A resource is read once for all its syncs.
                    found[member.connection][name] = load
    return {connection: tuple(of.values()) for connection, of in sorted(found.items())}


def _interval(sync: ResolvedSync, project: WrittenProject) -> int:
    """Give the seconds between two runs: as said, or else what freshness allows; 0 if neither is known."""
    every = project.syncs[sync.name].spec.every
    return seconds(every) if every else sync.freshness or 0


def _loads(
    sync: ResolvedSync, member: ResolvedMember, interval: int, project: WrittenProject
) -> Iterator[tuple[str, Load]]:
    spec = project.systems[member.system].spec
    resource = spec.resources[member.resource]
    calls = _reads(resource, spec, interval)
    if calls:
        what = f"{calls:,} to read `{member.resource}` every {seconds_text(interval)}"
        yield member.resource, Load(calls, interval, what, member.span)
    swept, often = _swept(resource, spec, interval)
    if swept:
        what = f"{swept:,} to sweep `{member.resource}` every {seconds_text(often)}"
        yield f"{member.resource} swept", Load(swept, often, what, member.span)
    others = [other for other in sync.members if other is not member]
    changes = sum(_changes(project.systems[one.system].spec.resources[one.resource], interval) for one in others)
    if changes and native_written(member.mapping):
        what = f"{changes:,} to write what changed for `{sync.name}` every {seconds_text(interval)}"
        yield f"{sync.name} →", Load(changes, interval, what, member.span)


def _reads(resource: ResourceSpec, system: SystemSpec, interval: int) -> int:
    """Count the calls of one read, at least."""
    listed = resource.list_
    if listed is None:
        return 0
    return _calls(resource, system, interval, _changes(resource, interval) if listed.cursor is not None else None)


def _calls(resource: ResourceSpec, system: SystemSpec, interval: int, shown: int | None = None) -> int:
    """Count the calls of a list that shows so many records; None: all of them."""
    listed = resource.list_
    assert listed is not None
    shown = _records(resource) if shown is None else shown
    calls = _pages(shown, listed.paging) + (shown if listed.detail else 0)
    if listed.each is None or listed.each not in system.resources:
        return calls
    over = system.resources[listed.each]
    return _reads(over, system, interval) + max(_records(over), calls)


def _swept(resource: ResourceSpec, system: SystemSpec, interval: int) -> tuple[int, int]:
    """Count the calls that a sweep takes more than the read of any run, and the seconds between two: no run, no sweep."""
    listed = resource.list_
    if listed is None or listed.sweep is None:
        return 0, interval
    often = max(seconds(listed.sweep.every), interval)
    if listed.sweep.keys is not None:
        return _pages(_records(resource), listed.sweep.keys.paging), often
    return _calls(resource, system, interval) - _reads(resource, system, interval), often


def _pages(shown: int, paging: PagingSpec) -> int:
    return max(ceil(shown / paging.size), 1)


def _records(resource: ResourceSpec) -> int:
    return resource.volume.records if resource.volume is not None else 0


def _changes(resource: ResourceSpec, interval: int) -> int:
    daily = (resource.volume.daily or 0) if resource.volume is not None else 0
    return ceil(daily * interval / DAY)


def limits(connection: str, system: Declared[SystemSpec], project: WrittenProject) -> Iterator[tuple[float, Span]]:
    """Give the calls per second that each environment allows, or else the system, but for what is kept for people."""
    described = system.spec.limit
    kept = int(described.kept_for_people.rstrip("%")) if described is not None else 0
    own = [
        (written[connection].limit, environment)
        for environment, written in project.project.spec.environments.items()
        if connection in written and written[connection].limit is not None
    ]
    for limit, environment in own:
        if limit is not None:
            span = project.project.at("environments", environment, connection, "limit")
            yield limit.requests * (100 - kept) / 100 / max(seconds(limit.per), 1), span
    if not own and described is not None:
        yield described.requests * (100 - kept) / 100 / max(seconds(described.per), 1), system.at("limit")


def per_hour(rate: float) -> int:
    """Give calls in a second as calls in an hour."""
    return ceil(round(rate * 3600, 6))


def per_day(rate: float) -> int:
    """Give calls in a second as calls in a day."""
    return ceil(round(rate * DAY, 6))  # a sum of rates is a hair more than it is
