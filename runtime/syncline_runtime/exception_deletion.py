"""What people decide of a record that was deleted in one system (SYN5010): the others keep it, it is made again, or all follow.

In: such an exception, a choice. Out: *keep* and *recreate* end the link of what was deleted, so that it stays known and is never
taken for deleted again; *delete* is a decision in the ledger that the next run carries out, under its delete guard.
"""

from __future__ import annotations

from typing import Any, Literal

from syncline_runtime.crosswalk import Native, changing
from syncline_runtime.errors import UsageError
from syncline_runtime.exception_actions import Act, done, standing
from syncline_runtime.ledger import ExceptionRecord
from syncline_runtime.plan import Member, Plan
from syncline_runtime.stages.deletion import DELETION
from syncline_runtime.stages.leaving import KEPT
from syncline_runtime.state import State, quoted, text
from syncline_runtime.upkeep.session import Place, opened_ledger, opened_state

CODE = "SYN5010"
Fate = Literal["keep", "recreate", "delete"]
Held = dict[str, tuple[str, bool]]  # connection → native id, and whether it was deleted there


def settle(place: Place, act: Act, fate: Fate) -> dict[str, Any]:
    """Say what becomes of a record that was deleted somewhere; the next run does it."""
    with opened_state(place) as (ledger, state):
        (one,) = standing(ledger, act)
        plan = place.release.plans.get(one.sync)
        if one.code != CODE or plan is None:
            raise UsageError(
                f"exception {one.id} is about no deletion",
                mend="`syncline exceptions show` tells what can be done about it",
            )
        held = _held(state, plan, one.canonical_id)
    gone = {
        member.connection: held[member.connection][0]
        for member in plan.members
        if held.get(member.connection, ("", False))[1]
    }
    left = [member for member in plan.members if member.connection in held and member.connection not in gone]
    if not gone:
        raise UsageError(
            f"the record of exception {one.id} is deleted nowhere any more", mend="run again: it resolves by itself"
        )
    if fate == "delete":
        unable = [member.connection for member in left if not _deletes(place, member)]
        if len(unable) == len(left):
            raise UsageError(
                f"no system that still has it can delete it: {', '.join(unable) or 'none is left'}",
                mend="delete it there by hand",
            )
        _decide(place, act, one)
    else:
        _end(place, act, one, plan, gone, fate)
        unable = []
    with opened_ledger(place) as ledger:
        said = f"{fate}" + (f": {act.words}" if act.words else "")
        ledger.casework.close([one], act.by, said, "decide")
        return done(ledger, "decide", [one]) | {"choice": fate, "deleted_in": sorted(gone), "by_hand": unable}


def _held(state: State, plan: Plan, cid: str) -> Held:
    """Give who has the record, by its links, or had it."""
    held: Held = {}
    for member in plan.members:
        base = quoted(f"base:{plan.name}/{member.connection}")
        rows = state.rows(
            f"SELECT k.native_id, coalesce(b._status = 'gone', false) FROM {quoted('links:all')} AS k "
            f"LEFT JOIN {base} AS b ON b._native_id = k.native_id WHERE k.state = 'live' AND k.object = {text(plan.object)} "
            f"AND k.connection = {text(member.connection)} AND k.canonical_id = {text(cid)}"
        )
        held.update((member.connection, row) for row in rows)
    return held


def _deletes(place: Place, member: Member) -> bool:
    return place.release.system_of(member.connection).resource(member.resource).delete is not None


def _decide(place: Place, act: Act, one: ExceptionRecord) -> None:
    with opened_ledger(place) as ledger:
        ledger.decisions.decide((one.object, one.canonical_id, DELETION), "delete", act.by, one.id)


def _end(place: Place, act: Act, one: ExceptionRecord, plan: Plan, gone: dict[str, str], fate: Fate) -> None:
    """End the links of what was deleted: *retired* where it is made again, *kept* where nothing takes its place."""
    holders = {member.connection for member in plan.members if member.holds}
    if fate == "recreate" and not holders & set(gone):
        raise UsageError(
            f"{', '.join(sorted(gone))} need not hold the record by the sync, so that no run makes it again",
            mend="make it there by hand, or let the sync say under `hold` that it must be there",
        )
    with changing(place, one.object, by=act.by, reason=act.words or f"exception {one.id}: {fate}") as crosswalk:
        for connection, native_id in gone.items():
            crosswalk.end(Native(connection, native_id), "retired" if fate == "recreate" else KEPT)
