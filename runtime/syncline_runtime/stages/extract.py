"""Extract: pages over HTTP and files to landed rows.

In: cursors of the ledger. Out: one relation of landed rows per connection and resource, and its ``Reading``.
Invariant: a partial read is never taken for the whole: a resource whose read failed lands nothing, keeps its cursor, and
its members are unknown for this run.
"""

from __future__ import annotations

import asyncio
import json
from typing import Final

from syncline_runtime.connectors import ConnectionHandle
from syncline_runtime.encoding import digest
from syncline_runtime.errors import SynclineError, SystemFailure
from syncline_runtime.ledger import Cursor
from syncline_runtime.plan import Member, Plan
from syncline_runtime.stages.context import Reading, RunContext, landed_of, prefix_of
from syncline_runtime.stages.gathering import NOTHING, land_kept
from syncline_runtime.stages.keys import land_keys
from syncline_runtime.stages.skipped import ask_for, land_skipped
from syncline_runtime.state import landed_columns, quoted
from syncline_runtime.system import Resource

FEW_ASKED_FOR: Final = 3  # known records, where a list shows none at all


async def extract(run: RunContext) -> None:
    """Read every resource of the run's members, each once."""
    readers: dict[tuple[str, str], list[tuple[Plan, Member]]] = {}
    for plan in run.plans:
        for member in plan.members:
            readers.setdefault((member.connection, member.resource), []).append((plan, member))
    cursors = run.ledger.register.cursors()
    await asyncio.gather(
        *(_read(run, of, [cursors.get((*at, plan.name)) for plan, _ in of]) for at, of in sorted(readers.items()))
    )


async def _read(run: RunContext, readers: list[tuple[Plan, Member]], stored: list[str | None]) -> None:
    members = [member for _, member in readers]
    member = members[0]
    at = (member.connection, member.resource)
    relation = landed_of(member)
    natives = sorted({name for each in members for name in each.natives})
    columns = landed_columns(natives)
    async with run.engine:
        run.state.empty(relation, columns)
    handle = run.connections.get(member.connection)
    if handle is None:
        return
    shape = digest(natives)[:16]
    described = handle.system.resource(member.resource)
    swept = _swept(stored)
    due, has_keys = _sweep_is_due(run, described, swept), described.list is not None and described.list.keys is not None
    since = None if run.whole or (due and not has_keys) else _since(stored, shape)
    by_keys = due and has_keys and since is not None
    source = described.list or described.files
    complete = since is None and source is not None and source.complete
    if described.list is not None and described.list.windows:
        complete = False  # what has no time of change is in none of its windows
    keyed = NOTHING
    try:
        landed = await land_kept(run, handle, described, relation, columns, since)
        complete = complete and not landed.apart
        if complete and landed.rows:
            landed = await land_skipped(run, handle, described, _bases(readers), relation, columns, landed)
        if by_keys:
            keyed = await land_keys(run, handle, described, _bases(readers), relation)
        if (by_keys and not keyed.rows) or (complete and not landed.rows):
            await _refuse_false_emptiness(run, handle, described, readers)
    except SynclineError as error:
        async with run.engine:
            run.state.empty(relation, columns)
        run.readings[at] = Reading(0, complete=False, mark=None, error=error)
        run.progress("extract", f"{member.connection}.{member.resource}: not read")
        return
    mark = handle.next_since(member.resource, landed.newest, landed.began)
    run.readings[at] = Reading(landed.rows, complete, mark, keys=keyed.rows > 0)
    run.progress("extract", f"{member.connection}.{member.resource}: {landed.rows} read")
    reached = max(filter(None, (mark, since)), default=None)
    if reached is not None and (reached != since or keyed.rows):
        told = {"fields": shape, "since": reached, "swept": run.started_at if complete or keyed.rows else swept}
        value = json.dumps(told, sort_keys=True)
        run.cursors += [Cursor(member.connection, member.resource, plan.name, value) for plan, _ in readers]


def _since(stored: list[str | None], shape: str) -> str | None:
    """Choose the mark to read from: the earliest of the syncs that read the resource.

    None, for a whole read, where a sync has not read it yet or other fields were landed then.
    """
    known = [json.loads(value) for value in stored if value is not None]
    if len(known) < len(stored) or any(one["fields"] != shape for one in known):
        return None
    return min(str(one["since"]) for one in known)


def _swept(stored: list[str | None]) -> int | None:
    """Tell when everything was last read, for all syncs; None if that is not known."""
    times = [json.loads(value).get("swept") if value is not None else None for value in stored]
    known = [int(time) for time in times if time is not None]
    return min(known, default=None) if len(known) == len(times) else None


def _sweep_is_due(run: RunContext, resource: Resource, swept: int | None) -> bool:
    every = resource.list.sweep * 1_000_000 if resource.list else 0
    return bool(every) and (swept is None or swept + every <= run.started_at)


async def _refuse_false_emptiness(
    run: RunContext, handle: ConnectionHandle, resource: Resource, readers: list[tuple[Plan, Member]]
) -> None:
    """Ask for some known records where a list shows none at all: a scope that was lost is answered so by some systems."""
    if resource.get is None or resource.parent is not None:
        return
    async with run.engine:
        first = f"SELECT DISTINCT _native_id FROM ({_bases(readers)}) ORDER BY 1 LIMIT {FEW_ASKED_FOR}"
        ids = [row[0] for row in await asyncio.to_thread(run.state.rows, first)]
    found = await asyncio.gather(*(ask_for(run, handle, resource, native_id) for native_id in ids))
    if any(row is not None and not row.gone for row in found):
        raise SystemFailure(
            "the list shows no record at all, and the system has records when asked for them",
            place=f"{handle.name}.{resource.name}",
            mend="check what the credential may list; nothing is taken as deleted, and nothing is sent there",
        )


def _bases(readers: list[tuple[Plan, Member]]) -> str:
    """Give the records that are known to be there: their ids, and when we wrote them last."""
    return " UNION ALL ".join(
        f"SELECT _native_id, _written FROM {quoted(f'base:{prefix_of(plan, member)}')} WHERE _status <> 'gone'"
        for plan, member in readers
    )
