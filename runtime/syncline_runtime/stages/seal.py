"""Seal: everything a run decided, made durable in one transaction.

In: relations of the run. Out: segments on disk, one ledger transaction, the state folded up to it. Nothing is sent
before the seal, and the seal never waits for delivery.
"""

from __future__ import annotations

from collections.abc import Iterator

from syncline_runtime.ledger import Lease, NewIntent, Reference, Seal
from syncline_runtime.ledger import Member as LedgerMember
from syncline_runtime.plan import Member, Plan
from syncline_runtime.segments import Segment
from syncline_runtime.stages.context import RunContext, landed_of, prefix_of
from syncline_runtime.stages.decisions import DECIDED, PERSON
from syncline_runtime.stages.diff import candidates, sealed_payload
from syncline_runtime.stages.ended import end_exceptions
from syncline_runtime.stages.leaving import RULE, SOURCE, left_rows
from syncline_runtime.stages.normalise import wake
from syncline_runtime.state import base_columns, quoted, text


def seal(run: RunContext, lease: Lease) -> int:
    """Write segments and seal the run; returns how many intents were sealed."""
    segments = list(_segments(run))
    settled = list(_settled(run))
    ended = end_exceptions(run, settled)
    sealed = run.ledger.seal(
        lease,
        Seal(
            run=run.run_id,
            segments=segments,
            intents=_intents(run),
            exceptions=run.exceptions,
            resolved_exceptions=ended.resolved,
            superseded_exceptions=ended.superseded,
            ended_decisions=run.ended_decisions,
            settled=settled,
            counts=run.counts,
            cursors=run.cursors,
        ),
    )
    return sealed.intents


def _segments(run: RunContext) -> Iterator[Segment]:
    for kind, subject, sql in _segment_queries(run):
        segment = run.state.write_segment(kind, subject, run.run_id, sql)
        if segment is not None:
            yield segment


def _segment_queries(run: RunContext) -> Iterator[tuple[str, str, str]]:
    """Kind, subject and query of every segment of the run."""
    if run.state.scalar("SELECT count(*) FROM new_links"):
        yield "links", "all", "SELECT * FROM new_links"
    yield from _summing_rows(run)
    landed: set[str] = set()
    for plan in run.plans:
        for member in plan.members:
            prefix = prefix_of(plan, member)
            rows = _landed_rows(plan, member)
            if landed_of(member) not in landed and run.state.scalar(f"SELECT count(*) FROM ({rows})"):
                landed.add(landed_of(member))
                yield "landed", landed_of(member).removeprefix("landed/"), rows
            if _has_parked(run, plan, member):
                wake(run, plan)
                yield "base", prefix, _parked_rows(plan, member)
            if plan.name in run.touched:
                yield "base", prefix, f"SELECT * FROM {quoted(f'{prefix}/next')}"
                if run.state.scalar("SELECT count(*) FROM in_flight"):
                    yield "base", prefix, _found_rows(plan, member)
                if member.on_leave == "unlink":
                    yield "base", prefix, left_rows(plan, member)
        if plan.name in run.touched:
            yield from (
                (("before", prefix_of(plan, member), _before_rows(run, plan, member))) for member in plan.members
            )
            yield "canonical", plan.name, _canonical_rows(run, plan)
            yield "outcomes", plan.name, " UNION ALL ".join(_outcome_rows(run, plan, m) for m in plan.members)


def _landed_rows(plan: Plan, member: Member) -> str:
    """Give the rows that told something: neither as stored nor waiting as before."""
    prefix = prefix_of(plan, member)
    return f"""
        SELECT l.* FROM {quoted(landed_of(member))} AS l
        JOIN {quoted(f"{prefix}/class")} AS c ON c._seq = l._seq
        LEFT JOIN {quoted(f"{prefix}/stored")} AS b ON b._native_id = l._native_id
        WHERE c.class <> 'changed' OR b._raw_hash IS DISTINCT FROM l._raw_hash
    """


def _has_parked(run: RunContext, plan: Plan, member: Member) -> bool:
    prefix = prefix_of(plan, member)
    roles = ["gone"] if plan.name in run.idle else ["gone", "parked"]
    return any(run.state.scalar(f"SELECT count(*) FROM {quoted(f'{prefix}/{role}')}") for role in roles)


def _summing_rows(run: RunContext) -> Iterator[tuple[str, str, str]]:
    """Give records of syncs outside this run whose sums changed: marked, so that the next run of theirs looks at them."""
    for plan in run.others:
        for child, refs in plan.aggregate_refs.items():
            if child not in run.touched:
                continue
            concerned = " UNION ".join(
                f"SELECT {quoted(ref)} FROM {quoted(f'{child}/golden')} UNION SELECT c.{quoted(ref)} "
                f"FROM {quoted(f'canonical:{child}')} AS c SEMI JOIN {quoted(f'{child}/golden')} AS g ON g._cid = c._cid"
                for ref in refs
            )
            rows = (
                f"SELECT * REPLACE (true AS _open) FROM {quoted(f'canonical:{plan.name}')} WHERE _cid IN ({concerned})"
            )
            yield "canonical", plan.name, rows


def _found_rows(plan: Plan, member: Member) -> str:
    """Give base rows of records that were found while their create is under way: as seen, with nothing agreed yet."""
    prefix = prefix_of(plan, member)
    natives, agreed = _natives(member, "i"), _agreed(member)
    return f"""
        SELECT i._native_id, s._cid, 'linked' AS _status, i._version, i._raw_hash, i._mapping, true AS _open,
               ',' AS _slots, b._before, b._written, '' AS _disputed, b._synced, i._unseen, {natives}{agreed}
        FROM {quoted(f"{prefix}/side")} AS s
        JOIN {quoted(f"{prefix}/image")} AS i ON i._native_id = s._native_id
        LEFT JOIN {quoted(f"{prefix}/stored")} AS b ON b._native_id = s._native_id
        ANTI JOIN {quoted(f"{prefix}/parked")} AS p ON p._native_id = s._native_id
        WHERE s._in_flight AND s._holds AND b._native_id IS NULL
    """


def _natives(member: Member, alias: str) -> str:
    return ", ".join(f"{alias}.{quoted(f'native.{name}')}" for name in member.natives)


def _agreed(member: Member) -> str:
    """Give what was agreed before, as more columns of a query over ``b``."""
    return "".join(f", b.{quoted(name)}" for name in base_columns(member) if name.startswith("agreed."))


def _parked_rows(plan: Plan, member: Member) -> str:
    """Give base rows of records that wait, were filtered or are gone: the new image, and what was agreed before."""
    prefix = prefix_of(plan, member)
    natives, stored, agreed = _natives(member, "i"), _natives(member, "b"), _agreed(member)
    base = quoted(f"{prefix}/stored")
    return f"""
        SELECT i._native_id, i._cid, p.status AS _status, i._version, i._raw_hash, i._mapping, false AS _open,
               coalesce(b._slots, '') AS _slots, b._before, b._written,
               coalesce(b._disputed, '') AS _disputed, b._synced, i._unseen, {natives}{agreed}
        FROM {quoted(f"{prefix}/parked")} AS p
        JOIN {quoted(f"{prefix}/image")} AS i ON i._native_id = p._native_id
        LEFT JOIN {base} AS b ON b._native_id = p._native_id
        WHERE b._native_id IS NULL OR b._status <> p.status OR b._raw_hash <> i._raw_hash OR b._mapping <> i._mapping
        UNION ALL
        SELECT b._native_id, b._cid, 'gone', b._version, b._raw_hash, b._mapping, false, b._slots, b._before,
               b._written, b._disputed, b._synced, b._unseen,
               {stored}{agreed}
        FROM {base} AS b JOIN {quoted(f"{prefix}/gone")} AS g ON g._native_id = b._native_id
    """


def _canonical_rows(run: RunContext, plan: Plan) -> str:
    names = ", ".join(
        f"WHEN {order} THEN {text(member.connection)}" for order, member in enumerate(plan.members)
    ).replace(", WHEN", " WHEN")
    names += f" WHEN {DECIDED} THEN {text(PERSON)}"
    # what could not be compared with a member in this run has to be looked at again though nothing comes
    unseen = " UNION ALL ".join(
        f"SELECT _cid FROM {quoted(f'{prefix_of(plan, member)}/held')} WHERE reason IN ('unknown', 'in_flight', 'returning')"
        for member in plan.members
    )
    columns = []
    for field in plan.fields:
        columns.append(f"g.{quoted(field.name)}")
        source = f"g.{quoted(f'from.{field.name}')}"
        told = (
            "NULL"
            if field.owner == "derived"
            else f"coalesce(CASE {source} {names} END, c.{quoted(f'from.{field.name}')})"
        )
        columns.append(f"{told} AS {quoted(f'from.{field.name}')}")
        if field.owner == "newest":
            columns.append(f"g.{quoted(f'at.{field.name}')}")
    return (
        f"SELECT g._cid, {text(run.run_id)} AS _run, g._cid IN ({unseen}) AS _open, {text(plan.behaviour)} AS _plan, "
        f"NOT g._exists AS _ceased, {_still_lost(run, plan)} AS _lost, "
        f"{', '.join(columns)} FROM {quoted(f'{plan.name}/golden')} AS g "
        f"LEFT JOIN {quoted(f'canonical:{plan.name}')} AS c ON c._cid = g._cid WHERE g._exists OR c._cid IS NOT NULL"
    )


def _before_rows(run: RunContext, plan: Plan, member: Member) -> str:
    """Give the native fields of records as they were before this run writes them, for a rollback."""
    prefix = prefix_of(plan, member)
    natives = ", ".join(f"{quoted(name)} := i.{quoted(f'native.{name}')}" for name in member.natives)
    return f"""
        SELECT w._cid, w._native_id, w.operation, w.part, {text(run.run_id)} AS run,
               CAST(to_json(struct_pack({natives})) AS VARCHAR) AS natives
        FROM {quoted(f"{prefix}/intents")} AS w JOIN {quoted(f"{prefix}/image")} AS i ON i._native_id = w._native_id
        WHERE w.part = ''
    """


def _still_lost(run: RunContext, plan: Plan) -> str:
    """Give the fields that a new type could not hold and that nobody has told since."""
    if not run.state.scalar(f"SELECT count(*) FROM {quoted(f'canonical:{plan.name}')} WHERE _lost IS NOT NULL"):
        return "CAST(NULL AS VARCHAR)"
    fields = [field.name for field in plan.fields if field.owner != "derived"]
    left = ", ".join(
        f"CASE WHEN contains(c._lost, {text(f',{name},')}) AND g.{quoted(f'from.{name}')} = -1 THEN {text(f'{name},')} END"
        for name in fields
    )
    return f"nullif(concat(',', {left}), ',')"


def _outcome_rows(run: RunContext, plan: Plan, member: Member) -> str:
    names = "".join(f" WHEN {order} THEN {text(m.connection)}" for order, m in enumerate(plan.members))
    names += f" WHEN {DECIDED} THEN {text(PERSON)} WHEN {SOURCE} THEN {text(RULE)}"
    owners = "".join(f" WHEN {text(f.name)} THEN {text(f.owner)}" for f in plan.fields)
    return f"""
        SELECT {text(run.run_id)} AS run, {text(member.connection)} AS connection, _cid, _native_id, slot, outcome,
               CASE source{names} END AS source, want, now, agreed, CASE slot{owners} END AS rule,
               {text(member.mapping)} AS mapping
        FROM {quoted(f"{prefix_of(plan, member)}/compare")}
    """


def _intents(run: RunContext) -> Iterator[NewIntent]:
    for plan in run.plans:
        for member in plan.members:
            for one in candidates(run, plan, member):
                payload = sealed_payload(one.payload, one.wants)
                yield NewIntent(
                    sync=one.sync,
                    object=one.object,
                    connection=one.connection,
                    resource=one.resource,
                    operation=one.operation,  # type: ignore[arg-type]
                    canonical_id=one.canonical_id,
                    payload=payload,
                    part_key=one.part,
                    native_id=one.native_id,
                    references=references(one.object, one.connection, one.canonical_id, one.part, payload),
                    correlation_id=one.correlation_id,
                )


def references(
    object_: str, connection: str, canonical_id: str, part: str, payload: dict[str, object]
) -> tuple[Reference, ...]:
    """Say what an intent waits for: records that its payload refers to, and for a part the record itself."""
    natives = payload["natives"]
    assert isinstance(natives, dict)  # made by `sealed_payload`
    found = [
        Reference(value["$ref"][0], value["$ref"][2], connection)
        for value in natives.values()
        if isinstance(value, dict) and "$ref" in value
    ]
    if part:
        found.append(Reference(object_, canonical_id, connection))
    return tuple(found)


def _settled(run: RunContext) -> Iterator[LedgerMember]:
    """Members with open work that were compared and need nothing now."""
    for plan in run.plans:
        if plan.name not in run.touched:
            continue
        for member in plan.members:
            prefix = prefix_of(plan, member)
            rows = run.state.rows(
                f"""
                SELECT u._cid, u.part FROM {quoted(f"{prefix}/units")} AS u
                JOIN {quoted(f"{plan.name}/open")} AS o ON o._cid = u._cid
                ANTI JOIN {quoted(f"{prefix}/held")} AS h ON h._cid = u._cid AND h.part = u.part
                ANTI JOIN {quoted(f"{prefix}/intents")} AS i ON i._cid = u._cid AND i.part = u.part
                """
            )
            for cid, part in rows:
                yield LedgerMember(member.connection, cid, part)
