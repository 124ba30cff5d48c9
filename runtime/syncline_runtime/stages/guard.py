"""Guard: stop before an abnormal share of a member's records is changed.

In: the writes a run would make, the guards of the plan. Out: findings; with any, nothing is sent unless the change set
was approved by its id.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from syncline_runtime.plan import Member, Plan
from syncline_runtime.stages.context import RunContext, prefix_of
from syncline_runtime.state import quoted, text

DELETE_GUARD = "10%"  # where the sync says nothing
FEWEST = 25  # a share of less than this many records says nothing, but for most of them going at once
FEWEST_GONE = 3


@dataclass(frozen=True)
class Finding:
    """A guard that tripped."""

    sync: str
    connection: str
    guard: str
    changed: int
    of: int

    def __str__(self) -> str:
        return f"{self.sync}/{self.connection}: {self.changed} of {self.of} records would change (guard {self.guard})"


@dataclass(frozen=True)
class Unclaimed:
    """Records that are known under names which the release does not have, where it has others of which nothing is known."""

    sync: str
    now: str
    before: str
    records: int

    def __str__(self) -> str:
        return (
            f"{self.sync}: nothing is known of {self.now}, and {self.records} records of {self.before} are known that no "
            "sync keeps any more; if it is the same under another name, say so with `moved` in the specs"
        )


def guard(run: RunContext) -> list[Finding | Unclaimed]:
    """Check every member of the run's syncs."""
    findings: list[Finding | Unclaimed] = [*_unclaimed(run)]
    for plan in run.plans:
        for member in plan.members:
            checks = (_changes, _deletes, _deletions, _merges)
            findings += [found for check in checks if (found := check(run, plan, member))]
    return findings


def _unclaimed(run: RunContext) -> Iterator[Unclaimed]:
    """Find what may have been renamed without saying so: all its records would look new."""
    members = [(plan, member) for plan in run.plans for member in plan.members]
    fresh = [(plan, member) for plan, member in members if _is_new(run, plan, member)]
    if not fresh:
        return
    known = {
        (object_, connection, resource): records
        for object_, connection, resource, records in run.state.rows(
            f"SELECT object, connection, resource, count(*) FROM {quoted('links:all')} WHERE state = 'live' GROUP BY ALL"
        )
    }
    kept = {(p.object, m.connection, m.resource) for p in run.release.in_order for m in p.members}
    for plan, member in fresh:
        mine = (plan.object, member.connection, member.resource)
        if mine in known:  # linked, and nothing else is known of it: the sync itself has another name
            yield Unclaimed(plan.name, f"the sync {plan.name}", f"{plan.object} in {member.connection}", known[mine])
            continue
        for other, records in sorted(known.items()):
            differing = [place for place in range(3) if other[place] != mine[place]]
            if len(differing) == 1 and other not in kept:
                yield Unclaimed(plan.name, _named(mine), _named(other), records)


def _is_new(run: RunContext, plan: Plan, member: Member) -> bool:
    """Whether no record of the member is linked, or nothing is known of the sync's records."""
    linked = run.state.rows(
        f"SELECT 1 FROM {quoted('links:all')} WHERE object = {text(plan.object)} "
        f"AND connection = {text(member.connection)} AND resource = {text(member.resource)} LIMIT 1"
    )
    return not linked or not run.state.scalar(f"SELECT count(*) FROM {quoted(f'canonical:{plan.name}')}")


def _named(place: tuple[str, str, str]) -> str:
    return f"{place[0]} as {place[1]}.{place[2]}"


def _changes(run: RunContext, plan: Plan, member: Member) -> Finding | None:
    if plan.change_guard is None or plan.name not in run.touched:
        return None
    prefix = prefix_of(plan, member)
    changed = run.state.scalar(
        f"SELECT count(DISTINCT _cid) FROM {quoted(f'{prefix}/intents')} WHERE operation IN ('update', 'delete') AND part = ''"
    )
    of = run.state.scalar(f"SELECT count(*) FROM {quoted(f'base:{prefix}')} WHERE _status = 'linked'")
    allowed = _allowed(plan.change_guard, of)
    if changed <= allowed or (plan.change_guard.endswith("%") and of < FEWEST):
        return None
    return Finding(plan.name, member.connection, f"change {plan.change_guard}", changed, of)


def _deletes(run: RunContext, plan: Plan, member: Member) -> Finding | None:
    prefix = prefix_of(plan, member)
    gone = run.state.scalar(f"SELECT count(*) FROM {quoted(f'{prefix}/gone')}")
    of = run.state.scalar(f"SELECT count(*) FROM {quoted(f'base:{prefix}')} WHERE _status = 'linked'") if gone else 0
    written = plan.delete_guard or DELETE_GUARD
    if not _too_many_go(gone, of, written):
        return None
    return Finding(plan.name, member.connection, f"delete {written}", gone, of)


def _deletions(run: RunContext, plan: Plan, member: Member) -> Finding | None:
    """Check what would be deleted in the member."""
    if plan.name not in run.touched:
        return None
    prefix = prefix_of(plan, member)
    deleted = run.state.scalar(
        f"SELECT count(*) FROM {quoted(f'{prefix}/intents')} WHERE operation = 'delete' AND part = ''"
    )
    of = run.state.scalar(f"SELECT count(*) FROM {quoted(f'base:{prefix}')} WHERE _status = 'linked'") if deleted else 0
    written = plan.delete_guard or DELETE_GUARD
    if not _too_many_go(deleted, of, written):
        return None
    return Finding(plan.name, member.connection, f"delete {written}", deleted, of)


def _merges(run: RunContext, plan: Plan, member: Member) -> Finding | None:
    """Check how many records a system says are parts of others: nobody takes so many merges back by hand."""
    told = sum((one.sync, one.connection) == (plan.name, member.connection) for one in run.merges)
    if not told:
        return None
    of = run.state.scalar(f"SELECT count(*) FROM {quoted(f'base:{prefix_of(plan, member)}')} WHERE _status <> 'gone'")
    written = plan.delete_guard or DELETE_GUARD
    if not _too_many_go(told, of, written):
        return None
    return Finding(plan.name, member.connection, f"merge {written}", told, of)


def _too_many_go(gone: int, of: int, written: str) -> bool:
    """Whether a guard forbids that so many go; of few records it lets some, and never most: that may be half an answer."""
    few = written.endswith("%") and of < FEWEST and (gone < FEWEST_GONE or gone * 2 <= of)
    return gone > _allowed(written, of) and not few


def _allowed(written: str, of: int) -> float:
    if written.endswith("%"):
        return of * float(written[:-1]) / 100
    return float(written)
