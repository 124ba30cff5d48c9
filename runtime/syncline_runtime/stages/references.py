"""References that are not known yet: what closes a cycle of objects, and what a member lacks so far.

In: values and writes that refer to other records. Out: values of *late* references once all records of the run are
linked; writes without late references, each of which is an update of its own (part SLOT) behind them; ``waiting``.
A late reference of which nothing is known is no fault of its record: the record goes on, the field keeps what was agreed
and is looked at again, and the exception says so.
"""

from __future__ import annotations

import json

from syncline_runtime.plan import LateReference, Member, Plan
from syncline_runtime.stages.context import RunContext, prefix_of
from syncline_runtime.stages.normalise import bind_parts, report_faults, run_value_steps
from syncline_runtime.state import quoted, text

# a symbolic reference in a payload: object, resource, canonical id
REFERENCE = r'"\$ref":\["([^"]+)","[^"]*","([0-9a-f]+)"\]'
LEVELS = 64  # of records that each wait for the one above; what is deeper is finished by a second update


def resolve_late(run: RunContext, plan: Plan) -> None:
    """Look again at late references of this run's rows, all of which have their canonical ids by now."""
    for member in plan.members:
        late = [one.slot for one in member.late if one.reads]
        if not late or plan.name in run.idle:
            continue
        for number in range(run.parts[prefix_of(plan, member)]):
            _resolve_part(run, plan, member, number, late)


def _resolve_part(run: RunContext, plan: Plan, member: Member, number: int, late: list[str]) -> None:
    prefix, state = prefix_of(plan, member), run.state
    values, image = quoted(f"{prefix}/values#{number}"), quoted(f"{prefix}/image#{number}")
    unknown = " OR ".join(quoted(f"late.{slot}") for slot in late)
    if not state.scalar(f"SELECT count(*) FROM {values} WHERE {unknown}"):
        return
    state.bind(
        f"{prefix}/image",
        f"SELECT * FROM {image} WHERE _native_id IN (SELECT _native_id FROM {values} WHERE {unknown})",
    )
    run_value_steps(run, member)
    step, faults = member.step("values"), member.step("faults")
    assert step is not None  # every member normalises
    assert faults is not None
    state.make(f"{prefix}/again#", step.sql)
    told = ", ".join(f"{quoted(name)} = a.{quoted(name)}" for slot in late for name in (slot, f"late.{slot}"))
    state.execute(
        f"UPDATE {values} AS v SET {told} FROM {quoted(f'{prefix}/again#')} AS a WHERE a._native_id = v._native_id"
    )
    state.bind(f"{prefix}/values", f"SELECT * FROM {values}")
    state.make(f"{prefix}/faults#{number}", faults.sql)
    report_faults(run, plan, member, number, waiting=True)
    bind_parts(run, prefix)


def postpone(run: RunContext, plan: Plan, member: Member) -> None:
    """Take late references to what the member lacks out of writes: each is an update of its own, so that nothing waits.

    Records that only wait for others of their object, none of which waits for them, keep theirs and go after those.
    """
    prefix = prefix_of(plan, member)
    if not run.state.scalar(f"SELECT count(*) FROM {quoted(f'{prefix}/late')}"):
        return
    _find_ready(run, plan, member)
    for one in member.late:
        if one.native:
            _postpone(run, plan, member, one)
    _find_late(run, prefix, member)


def _find_ready(run: RunContext, plan: Plan, member: Member) -> None:
    """Find ``ready``: creates that can wait for the records of their own object that they refer to, level by level."""
    prefix, state = prefix_of(plan, member), run.state
    edges, ready, able = (quoted(f"{prefix}/{role}") for role in ("edges", "ready", "able"))
    state.make(
        f"{prefix}/edges",
        f"SELECT r._cid, r.target FROM {quoted(f'{prefix}/late')} AS r "
        f"ANTI JOIN links AS l ON l.object = r.object AND l.canonical_id = r.target "
        f"AND l.connection = {text(member.connection)} AND l.state = 'live' WHERE r.object = {text(plan.object)}",
    )
    state.make(
        f"{prefix}/able",
        f"""
        SELECT w._cid FROM {quoted(f"{prefix}/writes")} AS w
        ANTI JOIN {quoted(f"{prefix}/waiting")} AS o ON o._cid = w._cid AND o.part = ''
        ANTI JOIN refused AS f ON f.canonical_id = w._cid AND f.connection = {text(member.connection)}
        WHERE w.operation = 'create' AND w.part = '' AND w.missing = '' AND w.unfit = ''
        """,
    )
    state.make(f"{prefix}/ready", f"SELECT a._cid FROM {able} AS a ANTI JOIN {edges} AS e ON e._cid = a._cid")
    for _ in range(LEVELS):
        before = state.scalar(f"SELECT count(*) FROM {ready}")
        unready = f"SELECT e._cid FROM {edges} AS e ANTI JOIN {ready} AS r ON r._cid = e.target"
        state.execute(
            f"INSERT INTO {ready} SELECT a._cid FROM {able} AS a ANTI JOIN {ready} AS r ON r._cid = a._cid "
            f"ANTI JOIN ({unready}) AS u ON u._cid = a._cid"
        )
        if state.scalar(f"SELECT count(*) FROM {ready}") == before:
            return


def _postpone(run: RunContext, plan: Plan, member: Member, late: LateReference) -> None:
    prefix = prefix_of(plan, member)
    writes, slot = quoted(f"{prefix}/writes"), text(_path(late.slot))
    run.state.make(
        f"{prefix}/postponed",
        f"""
        SELECT w._cid FROM {writes} AS w
        ANTI JOIN links AS l ON l.object = {_of(late, 0)} AND l.canonical_id = {_of(late, 2)}
          AND l.connection = {text(member.connection)} AND l.state = 'live'
        ANTI JOIN {quoted(f"{prefix}/ready")} AS r ON r._cid = {_of(late, 2)} AND {_of(late, 0)} = {text(plan.object)}
        WHERE w.part = '' AND {_of(late, 2)} IS NOT NULL
        """,
    )
    whose = f"part = '' AND _cid IN (SELECT _cid FROM {quoted(f'{prefix}/postponed')})"
    run.state.execute(
        f"""
        INSERT INTO {writes}
        SELECT _cid, _native_id, 'update', {text(late.slot)}, resource, {_alone("payload", late.native)},
               {_alone("wants", late.slot)}, '', '' FROM {writes} WHERE {whose} AND json_exists(wants, {slot})
        """
    )
    run.state.execute(
        f"UPDATE {writes} SET payload = {_without('payload', late.native)}, wants = {_without('wants', late.slot)} "
        f"WHERE {whose}"
    )
    run.state.execute(f"DELETE FROM {writes} WHERE part = '' AND operation = 'update' AND payload = '{{}}'")


def _path(name: str) -> str:
    return "$." + json.dumps(name, ensure_ascii=False)  # the engine takes names as they are


def _of(late: LateReference, place: int) -> str:
    """Give the object (0) or canonical id (2) that a late reference in ``payload`` is to, as SQL."""
    path = f'{_path(late.native)}."$ref"[{place}]'
    return f"json_extract_string(payload, {text(path)})"


def _alone(column: str, name: str) -> str:
    return f"CAST(json_object({text(name)}, json_extract({column}, {text(_path(name))})) AS VARCHAR)"


def _without(column: str, name: str) -> str:
    return f"CAST(json_merge_patch({column}, {text(json.dumps({name: None}))}) AS VARCHAR)"


def find_waiting(run: RunContext, member: Member, prefix: str) -> None:
    """Make ``waiting``: writes that refer to a record which the member lacks and will not get in this run.

    Late references are left to ``hold_late``: what they refer to may be created by a sync that comes later.
    """
    _find_late(run, prefix, member)
    run.state.make(
        f"{prefix}/waiting",
        f"""
        SELECT r._cid, r.part, min(r.object) AS object, arg_min(r.target, r.object) AS target FROM (
            SELECT _cid, part, unnest(regexp_extract_all(payload, {text(REFERENCE)}, 1)) AS object,
                   unnest(regexp_extract_all(payload, {text(REFERENCE)}, 2)) AS target
            FROM {quoted(f"{prefix}/writes")} WHERE contains(payload, '"$ref"')) AS r
        ANTI JOIN {quoted(f"{prefix}/late")} AS t
          ON t._cid = r._cid AND t.part = r.part AND t.object = r.object AND t.target = r.target
        {_lacking(member)}
        GROUP BY 1, 2
        """,
    )


def awaited_by(run: RunContext, prefix: str) -> dict[str, tuple[str, str]]:
    """Give per record of a member one that it waits for: object and canonical id."""
    rows = run.state.rows(
        f"SELECT _cid, min((object, target)) FROM (SELECT _cid, object, target FROM {quoted(f'{prefix}/waiting')} "
        f"UNION ALL SELECT _cid, object, target FROM {quoted(f'{prefix}/late')}) GROUP BY 1"
    )
    return {cid: (found[0], found[1]) for cid, found in rows}


def hold_late(run: RunContext, member: Member, prefix: str) -> None:
    """Hold writes whose late references are to records that the member lacks after all."""
    if not any(one.native for one in member.late):
        return
    held, intents = quoted(f"{prefix}/held"), quoted(f"{prefix}/intents")
    run.state.execute(
        f"""
        INSERT INTO {held}
        SELECT r._cid, r.part, 'waiting', min(r.object) FROM {quoted(f"{prefix}/late")} AS r
        SEMI JOIN {intents} AS i ON i._cid = r._cid AND i.part = r.part
        {_lacking(member)}
        GROUP BY 1, 2
        """
    )
    run.state.execute(f"DELETE FROM {intents} AS i USING {held} AS h WHERE h._cid = i._cid AND h.part = i.part")


def _find_late(run: RunContext, prefix: str, member: Member) -> None:
    """Make ``late``: the late references in writes."""
    run.state.empty(f"{prefix}/late", {"_cid": "VARCHAR", "part": "VARCHAR", "object": "VARCHAR", "target": "VARCHAR"})
    for one in member.late:
        if one.native:
            run.state.execute(
                f"INSERT INTO {quoted(f'{prefix}/late')} "
                f"SELECT _cid, part, {_of(one, 0)}, {_of(one, 2)} FROM {quoted(f'{prefix}/writes')} "
                f"WHERE part IN ('', {text(one.slot)}) AND {_of(one, 2)} IS NOT NULL"
            )


def _lacking(member: Member) -> str:
    """Keep references ``r`` to records that the member lacks and will not get in this run."""
    connection = text(member.connection)
    return f"""
        ANTI JOIN links AS l ON l.object = r.object AND l.canonical_id = r.target AND l.connection = {connection}
          AND l.state = 'live'
        ANTI JOIN creating AS c ON c.object = r.object AND c._cid = r.target AND c.connection = {connection}
        ANTI JOIN in_flight AS f ON f.canonical_id = r.target AND f.connection = {connection}
    """
