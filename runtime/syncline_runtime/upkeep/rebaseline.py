"""Rebaseline: what members hold now is taken as agreed, where a change made the base worthless.

In: a sync and some of its fields. Out: a plan (how many records of which member and field), and once its id is approved base
rows. Afterwards neither side counts as changed: the next run writes nothing there until somebody edits. Where a member holds
another value than the winner, that is noted as it is for a system which keeps another value than the one it was sent.
Invariant: nothing is sent, no value of any system changes.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from typing import Any

from syncline_runtime.change_sets import is_meant
from syncline_runtime.encoding import digest
from syncline_runtime.errors import ApprovalNeeded, UsageError
from syncline_runtime.ledger import Lease, Seal
from syncline_runtime.options import Options
from syncline_runtime.plan import Member, Plan
from syncline_runtime.report import DOCUMENT_VERSION, SHORT_ID
from syncline_runtime.result import ChangeSet, RunResult
from syncline_runtime.run import decide_writes, make_plan, make_run
from syncline_runtime.stages.context import Progress, RunContext, prefix_of
from syncline_runtime.state import quoted, text
from syncline_runtime.upkeep.session import Place

LEFT = "('accepted', 'converged')"  # outcomes that agree without us


def rebaseline(
    place: Place,
    sync: str,
    fields: Sequence[str] = (),
    approve: str | None = None,
    progress: Progress = lambda stage, what: None,
) -> dict[str, Any]:
    """Plan to take what members of a sync hold as agreed, for some fields or all; do it if that plan is approved."""
    if sync not in place.release.plans:
        raise UsageError(f"the release has no sync {sync!r}", mend=f"it has: {', '.join(place.release.index.order)}")
    plan = place.release.plans[sync]
    known = sorted({slot.name for member in plan.members for slot in member.slots})
    unknown = sorted(set(fields) - set(known))
    if unknown:
        raise UsageError(f"{sync} compares no {unknown[0]!r}", mend=f"it compares: {', '.join(known)}")
    work = _Rebaseline(plan, fields or known, approve)
    options = Options(place.folder, place.ledger, (sync,), progress=progress, around=place.around)
    if approve is None:
        asyncio.run(make_plan(place.release, place.binding, options, work.decide))
    else:
        asyncio.run(make_run(place.release, place.binding, options, work.decide, work.seal))
    return {
        "version": DOCUMENT_VERSION,
        "sync": sync,
        "change_set": work.id,
        "done": approve is not None,
        "agreed": [{"connection": one[0], "field": one[1], "records": one[2]} for one in work.found],
        "unread": work.unread,
    }


class _Rebaseline:
    """What one rebaseline found."""

    def __init__(self, plan: Plan, fields: Sequence[str], approve: str | None) -> None:
        self._plan, self._fields, self._approve = plan, fields, approve
        self.found: list[tuple[str, str, int]] = []
        self.unread: dict[str, str] = {}
        self.id = ""

    async def decide(self, run: RunContext) -> RunResult:
        """Read, compare every record of the sync, and see where members hold something else than what is agreed."""
        run.replayed = True
        run.state.make(
            "replayed",
            f"SELECT connection, resource, native_id FROM {quoted('links:all')} WHERE object = {text(self._plan.object)}",
        )
        result = await decide_writes(run)
        told: list[list[Any]] = []
        for member in self._plan.members:
            rows = run.state.rows(f"{self._differing(member)} ORDER BY ALL") if self._plan.name in run.touched else []
            told += [[member.connection, *row] for row in rows]
            self.found += [(member.connection, name, sum(row[1] == name for row in rows)) for name in self._fields]
        self.found = [one for one in self.found if one[2]]
        self.unread, self.id = result.unread, digest(["rebaseline", self._plan.name, told])
        if self._approve is not None and not is_meant(self._approve, self.id):
            raise ApprovalNeeded(
                f"{self._approve[:SHORT_ID]} was approved, but what would be agreed is {self.id[:SHORT_ID]} by now",
                mend="look at it again without --approve, and approve its id",
            )
        return RunResult(run.run_id, ChangeSet(self.id, ()), [], [], [], result.unread, [])

    def seal(self, run: RunContext, lease: Lease) -> int:
        """Register base rows in which this is agreed."""
        written = (run.state.write_segment("base", prefix, run.run_id, sql) for prefix, sql in self._bases(run))
        return run.ledger.seal(lease, Seal(run=run.run_id, segments=[one for one in written if one])).intents

    def _differing(self, member: Member) -> str:
        """Give _native_id, slot and what is wanted of slots on which nothing is agreed that holds."""
        names = ", ".join(map(text, self._fields))
        return (
            f"SELECT _native_id, slot, want, now FROM {quoted(f'{prefix_of(self._plan, member)}/compare')} "
            f"WHERE slot IN ({names}) AND outcome NOT IN {LEFT}"
        )

    def _bases(self, run: RunContext) -> Iterator[tuple[str, str]]:
        for member in self._plan.members if self._plan.name in run.touched else ():
            prefix = prefix_of(self._plan, member)
            slots = [slot.name for slot in member.slots if slot.name in self._fields]
            agreed = ", ".join(
                f"CASE WHEN list_contains(r.slots, {text(name)}) THEN s.{quoted(f'now.{name}')} "
                f"ELSE b.{quoted(f'agreed.{name}')} END AS {quoted(f'agreed.{name}')}"
                for name in slots
            )
            added = " || ".join(
                f"CASE WHEN list_contains(r.slots, {text(name)}) AND NOT contains(b._slots, {text(f',{name},')}) "
                f"THEN {text(f'{name},')} ELSE '' END"
                for name in slots
            )
            if slots:
                yield (
                    prefix,
                    f"""
                    SELECT b.* REPLACE ({agreed}, coalesce(nullif(b._slots, ''), ',') || {added} AS _slots,
                           CAST(json_merge_patch(coalesce(b._synced, '{{}}'), r.synced) AS VARCHAR) AS _synced,
                           true AS _open)
                    FROM {quoted(f"base:{prefix}")} AS b
                    JOIN (SELECT _native_id, list(slot) AS slots, json_group_object(slot, json_array(want)) AS synced
                          FROM ({self._differing(member)}) GROUP BY 1) AS r ON r._native_id = b._native_id
                    JOIN {quoted(f"{prefix}/side")} AS s ON s._native_id = b._native_id
                """,
                )
