"""Confirm: acks to base.

In: acks that no base row holds yet. Out: base and link segments, registered together with the acks' being confirmed.
An ack sets the image to what the member returned; where its contract returns less than the record, the record is read
back, and where it cannot be read, what was sent stands in.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from syncline_runtime.errors import SynclineError
from syncline_runtime.fold import fold
from syncline_runtime.ledger import Ack, Lease, NewException
from syncline_runtime.packing import base_rows_of
from syncline_runtime.plan import Member, Plan
from syncline_runtime.segments import Segment
from syncline_runtime.stages.altered import tell_altered
from syncline_runtime.stages.context import RunContext, prefix_of
from syncline_runtime.stages.normalise import run_value_steps
from syncline_runtime.stages.returns import hide_ended_links, told_reuse
from syncline_runtime.stages.weight import weighed
from syncline_runtime.state import LINK_COLUMNS, quoted, text


@dataclass(frozen=True)
class _Link:
    """A link that a native id has or had."""

    cid: str
    generation: int
    live: bool
    gone: bool  # the record was deleted there


@dataclass
class _Record:
    """The acks of one record of a member, put together."""

    cid: str
    native_id: str
    before: str = ""  # the native id that is linked so far
    before_generation: int = 0
    creating: bool = False
    unfinished: bool = False
    parts: bool = False
    deleted: bool = False
    generation: int = 0  # of its link
    reuses: _Link | None = None  # that of the deleted record which had the native id before
    at: int = 0  # of the last ack
    wants: dict[str, Any] = field(default_factory=dict)
    sent: dict[str, Any] = field(default_factory=dict)
    returned: Mapping[str, Any] | None = None

    @property
    def moved(self) -> bool:
        """Whether the system keeps the record under another id from now on."""
        return bool(self.before) and self.before != self.native_id


async def confirm(run: RunContext, lease: Lease, *, recovering: bool = False) -> int:
    """Turn unconfirmed acks into base rows and links; returns how many acks that were.

    ``recovering``: before this run has decided anything, so that all acks are of earlier runs' writes.
    """
    acks = run.ledger.register.unconfirmed_acks()
    if not acks:
        return 0
    grouped: dict[tuple[str, str], list[Ack]] = {}
    for ack in acks:
        grouped.setdefault((ack.sync, ack.connection), []).append(ack)
    run.state.execute("DELETE FROM new_links")
    told: list[tuple[Plan, Member, list[_Record]]] = []
    for (sync, connection), mine in sorted(grouped.items()):
        plan = run.release.plans.get(sync)
        member = next((m for m in plan.members if m.connection == connection), None) if plan else None
        if plan is None or member is None:
            continue  # the release no longer has this member: the ack stands in the ledger alone
        records = _own(run, lease, plan, member, _records(run, plan, member, mine))
        await _read_back(run, member, records)
        _add_links(run, plan, member, records)
        told.append((plan, member, records))
    # all links are known before any row is normalised: a record may refer to one that was created beside it
    segments: list[Segment] = []
    for plan, member, records in told:
        segments += _base_rows(run, plan, member, records, recovering=recovering)
    links = run.state.write_segment("links", "all", run.run_id, "SELECT * FROM new_links")
    if links is not None:
        segments.append(links)
    run.ledger.register.confirm(lease, run.run_id, [ack.seq for ack in acks], segments)
    _resolve(run, lease, acks)
    fold(run.state, run.release, run.ledger.register.segments())
    run.state.execute("DELETE FROM new_links")
    return len(acks)


def _base_rows(
    run: RunContext, plan: Plan, member: Member, records: Sequence[_Record], *, recovering: bool
) -> list[Segment]:
    prefix, state = prefix_of(plan, member), run.state
    _image(run, plan, member, records)
    run_value_steps(run, member)
    values, acked = member.step("values"), member.step("acked")
    assert values is not None  # every member normalises and confirms
    assert acked is not None
    state.make(f"{prefix}/values!", values.sql)
    state.bind(f"{prefix}/values", f"SELECT * FROM {quoted(f'{prefix}/values!')}")
    columns = {
        "_native_id": "VARCHAR",
        "_cid": "VARCHAR",
        "_creating": "BOOLEAN",
        "_unfinished": "BOOLEAN",
        "_wants": "VARCHAR",
        "_at": "BIGINT",
    }
    rows = [(r.native_id, r.cid, r.creating, r.unfinished, json.dumps(r.wants), r.at) for r in records if not r.deleted]
    state.fill(f"{prefix}/ack", columns, rows)
    state.bind(f"{prefix}/base", f"SELECT * FROM {quoted(f'{prefix}/known!')}")
    left = ", ".join(text(r.before) for r in records if r.moved or r.deleted) or "''"
    ended = base_rows_of(member, prefix, "_native_id", f"SELECT unnest([{left}])")
    gone = f"SELECT * REPLACE ('gone' AS _status) FROM ({ended})"
    # what earlier runs wrote may be behind what has been decided since: the next decision looks at it again
    late = ", ".join(text(r.cid) for r in records if recovering or (member.connection, r.cid) in run.late) or "''"
    state.make(f"{prefix}/acked!", acked.sql)
    tell_altered(run, plan, member, f"{prefix}/acked!")
    known = f"SELECT * REPLACE ((_open OR _cid IN ({late})) AS _open) FROM {quoted(f'{prefix}/acked!')}"
    segment = state.write_segment("base", prefix, run.run_id, f"({known}) UNION ALL BY NAME ({gone})")
    return [segment] if segment else []


def _records(run: RunContext, plan: Plan, member: Member, acks: Sequence[Ack]) -> list[_Record]:
    known = _native_ids(run, plan, member, [ack.canonical_id for ack in acks])
    records: dict[str, _Record] = {}
    children = {child.slot for child in member.children}
    for ack in acks:
        whole = ack.part_key not in children
        native_id = ack.native_id if whole else None
        record = records.setdefault(
            ack.canonical_id, _Record(ack.canonical_id, "", *known.get(ack.canonical_id, ("", 0)))
        )
        record.native_id = native_id or record.native_id or record.before
        record.at = max(record.at, ack.at)
        record.wants |= ack.payload.get("wants", {})
        returned = ack.returned or {}
        record.unfinished |= bool(returned.get("unfinished"))
        if not whole:
            record.parts = True
            continue
        record.creating |= ack.operation == "create"
        record.deleted |= ack.operation == "delete"
        record.sent |= ack.payload.get("natives", {})
        record.returned = returned if "natives" in returned else None
    return [record for record in records.values() if record.native_id]


def _own(run: RunContext, lease: Lease, plan: Plan, member: Member, records: list[_Record]) -> list[_Record]:
    """Leave out records whose native id belongs to another: the system took two of ours for one.

    The id of a record that was deleted there may have been given away.
    """
    known = _links_of(run, plan, member, [r.native_id for r in records])
    owner = {native_id: one.cid for native_id, ones in known.items() for one in ones if one.live and not one.gone}
    kept: list[_Record] = []
    foreign: list[_Record] = []
    for record in records:
        own = owner.setdefault(record.native_id, record.cid) == record.cid
        (kept if own else foreign).append(record)
        mine = [one for one in known.get(record.native_id, ()) if one.live and one.cid == record.cid]
        record.generation = mine[0].generation if mine else len(known.get(record.native_id, ()))
        record.reuses = next(
            (o for o in known.get(record.native_id, ()) if own and not mine and o.live and o.gone), None
        )
    met = [
        NewException(
            sync=plan.name,
            object=plan.object,
            connection=member.connection,
            resource=member.resource,
            rule="one record each",
            code="SYN5403",
            category="conflict",
            message=f"the system put it into record {r.native_id}, which belongs to another: a person decides",
            native_id=r.native_id,
            canonical_id=r.cid,
            pattern="duplicate",
            side="destination",
            correlation_id=f"{run.run_id}-{r.cid[:8]}",
        )
        for r in foreign
    ]
    met += [told_reuse(run, plan, member, r.native_id, r.reuses.cid) for r in kept if r.reuses]
    if met:
        run.ledger.exceptions.add(lease, run.run_id, [weighed(plan, one) for one in met])
    return kept


def _links_of(run: RunContext, plan: Plan, member: Member, native_ids: Sequence[str]) -> dict[str, list[_Link]]:
    """Give all links of native ids, the ended ones too."""
    listed = ", ".join(map(text, sorted(set(native_ids)))) or "''"
    known: dict[str, list[_Link]] = {}
    for native_id, cid, generation, live, gone in run.state.rows(
        f"SELECT k.native_id, k.canonical_id, k.generation, k.state = 'live', coalesce(b._status = 'gone', false) "
        f"FROM {quoted('links:all')} AS k "
        f"LEFT JOIN {quoted(f'base:{prefix_of(plan, member)}')} AS b ON b._native_id = k.native_id "
        f"WHERE k.object = {text(plan.object)} AND k.connection = {text(member.connection)} "
        f"AND k.resource = {text(member.resource)} AND k.native_id IN ({listed})"
    ):
        known.setdefault(native_id, []).append(_Link(cid, generation, live, gone))
    return known


def _native_ids(run: RunContext, plan: Plan, member: Member, cids: Sequence[str]) -> dict[str, tuple[str, int]]:
    """Give the native id that each canonical id has at a member, and its generation."""
    listed = ", ".join(map(text, sorted(set(cids)))) or "''"
    rows = run.state.rows(
        f"SELECT canonical_id, native_id, generation FROM {quoted('links:all')} WHERE state = 'live' "
        f"AND object = {text(plan.object)} AND connection = {text(member.connection)} AND canonical_id IN ({listed})"
    )
    return {cid: (native_id, generation) for cid, native_id, generation in rows}


async def _read_back(run: RunContext, member: Member, records: Sequence[_Record]) -> None:
    """Read records whose ack does not tell them whole; a failure leaves what was sent to stand in."""
    handle = run.connections.get(member.connection)
    if handle is None or handle.system.resource(member.resource).get is None:
        return

    async def read(record: _Record) -> None:
        try:
            row = await handle.get(member.resource, record.native_id)
        except SynclineError:
            return
        if row is not None:
            record.returned = {"natives": dict(row.natives), "raw_hash": row.raw_hash, "version": row.version}

    told = [r for r in records if not r.deleted and (r.returned is None or r.parts or r.unfinished)]
    await asyncio.gather(*(read(record) for record in told))


def _add_links(run: RunContext, plan: Plan, member: Member, records: Sequence[_Record]) -> None:
    """Link what was created; ids that a record has no longer, or that were deleted, are retired."""
    rows = [(r.native_id, r.cid, "created", "live", r.generation) for r in records if r.creating]
    rows += [(r.native_id, r.cid, "replaced", "live", r.generation) for r in records if r.moved and not r.creating]
    ended = [(r, "replaced") for r in records if r.moved]
    ended += [(r, "deleted") for r in records if r.deleted and r.before and not r.moved]
    rows += [(r.before, r.cid, how, "retired", r.before_generation) for r, how in ended]
    reused = [(r.native_id, r.reuses) for r in records if r.reuses]
    rows += [(native_id, link.cid, "reused", "reused", link.generation) for native_id, link in reused]
    lines = (
        {
            "object": plan.object, "connection": member.connection, "resource": member.resource,
            "native_id": native_id, "canonical_id": cid, "how": how, "rule": "our own write",
            "run": run.run_id, "state": state, "generation": generation, "by": "", "at": run.started_at,
        }
        for native_id, cid, how, state, generation in rows
    )  # fmt: skip
    run.state.load_lines("new_links", LINK_COLUMNS, map(json.dumps, lines))
    if reused:
        hide_ended_links(run)


def _image(run: RunContext, plan: Plan, member: Member, records: Sequence[_Record]) -> None:
    """``image`` of the returned rows; what they do not tell stays as last seen."""
    prefix, state = prefix_of(plan, member), run.state
    columns = {
        "_native_id": "VARCHAR",
        "_cid": "VARCHAR",
        "_version": "VARCHAR",
        "_raw_hash": "VARCHAR",
        "_told": "VARCHAR[]",
    }
    columns |= {f"native.{name}": "VARCHAR" for name in member.natives}
    rows = []
    for r in records:
        natives = (r.returned or {}).get("natives") or r.sent
        told = [name for name in member.natives if name in natives]
        rows.append(
            (
                r.native_id,
                r.cid,
                (r.returned or {}).get("version"),
                (r.returned or {}).get("raw_hash") or "sent",
                told,
                *(_plain(natives.get(name)) for name in member.natives),
            )
        )
    state.fill(f"{prefix}/returned", columns, rows)
    laid_over = ", ".join(
        f"CASE WHEN list_contains(r._told, {text(name)}) THEN r.{quoted(f'native.{name}')} "
        f"ELSE b.{quoted(f'native.{name}')} END AS {quoted(f'native.{name}')}"
        for name in member.natives
    )
    never = [
        f"CASE WHEN NOT list_contains(r._told, {text(name)}) AND (b._native_id IS NULL OR contains(b._unseen, {text(f',{name},')})) "
        f"THEN {text(f'{name},')} END"
        for name in member.partial
    ]
    unseen = f"nullif(concat(',', {', '.join(never)}), ',')" if never else "CAST(NULL AS VARCHAR)"
    returned = f"SELECT _native_id FROM {quoted(f'{prefix}/returned')}"
    state.make(f"{prefix}/known!", base_rows_of(member, prefix, "_native_id", returned))
    before = f"SELECT * FROM {quoted(f'{prefix}/known!')} WHERE _status <> 'gone'"
    state.make(
        f"{prefix}/image!",
        f"SELECT r._native_id, r._cid, coalesce(r._version, b._version) AS _version, r._raw_hash, "
        f"{text(member.mapping)} AS _mapping, true AS _fresh, true AS _moved, CAST(NULL AS VARCHAR) AS _correlation, "
        f"{unseen} AS _unseen, {laid_over} "
        f"FROM {quoted(f'{prefix}/returned')} AS r LEFT JOIN ({before}) AS b ON b._native_id = r._native_id",
    )
    state.bind(f"{prefix}/image", f"SELECT * FROM {quoted(f'{prefix}/image!')}")


def _plain(value: Any) -> Any:
    return json.dumps(value) if isinstance(value, (dict, list)) else value


def _resolve(run: RunContext, lease: Lease, acks: Sequence[Ack]) -> None:
    """Delivery exceptions of records that the far side has acknowledged now are over."""
    members = {(ack.connection, ack.canonical_id) for ack in acks}
    over = [
        one.id
        for one in run.ledger.exceptions.find()
        if one.code.startswith("SYN54") and (one.connection, one.canonical_id) in members
    ]
    if over:
        run.ledger.exceptions.move(lease, over, "resolved")
