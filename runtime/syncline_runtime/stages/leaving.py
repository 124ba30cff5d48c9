"""Leaving: records that a member need not hold any more and lets go (``on_leave: unlink``), and those that come back.

In: ``S/m/leavers`` (records whose condition is certainly not met), ``S/m/comers`` (records that the member should hold), links.
Out: links that end as *left*, base rows that keep what was agreed; where the condition is met again, the same link anew,
one generation later. Invariants: a record that was let go is neither read nor written, no rule links it meanwhile, and no
other is created in its place.
"""

from __future__ import annotations

from syncline_runtime.packing import base_rows_of
from syncline_runtime.plan import Member, Plan
from syncline_runtime.stages.context import RunContext, prefix_of
from syncline_runtime.stages.doubles import set_aside
from syncline_runtime.stages.returns import hide_ended_links
from syncline_runtime.state import LINK_COLUMNS, quoted, text

LEFT = "left"
KEPT = "kept"  # the state of links of what was deleted, where a person wants nothing made in its place
SOURCE = -3  # the source of a value that ``on_leave`` sets
RULE = "on_leave"  # how that source is told


def set_left_aside(run: RunContext, plan: Plan) -> None:
    """Take rows of records that were let go out of what is matched."""
    for member in _unlinking(plan):
        prefix = prefix_of(plan, member)
        unlinked = f"SELECT _native_id FROM {quoted(f'{prefix}/values')} WHERE _cid IS NULL"
        left = f"SELECT native_id AS _native_id FROM ({_left(plan, member)})"
        if run.state.scalar(f"SELECT count(*) FROM ({left})"):
            set_aside(
                run, plan, member, f"SELECT _native_id FROM ({left}) SEMI JOIN ({unlinked}) USING (_native_id)", LEFT
            )


def skip_leavers(run: RunContext, plan: Plan, member: Member) -> None:
    """Compare nothing of what the member lets go."""
    if member.on_leave == "unlink":
        prefix = prefix_of(plan, member)
        leavers = f"SELECT _cid FROM {quoted(f'{prefix}/leavers')}"
        run.state.execute(f"DELETE FROM {quoted(f'{prefix}/compare')} WHERE _cid IN ({leavers})")


def let_go(run: RunContext, plan: Plan, member: Member) -> None:
    """End the links of records that the member need not hold any more; they are counted as held: *left*."""
    if member.on_leave != "unlink":
        return
    prefix = prefix_of(plan, member)
    leavers = quoted(f"{prefix}/leavers")
    if not run.state.scalar(f"SELECT count(*) FROM {leavers}"):
        return
    run.state.execute(
        f"INSERT INTO {quoted(f'{prefix}/held')} SELECT u._cid, u.part, {text(LEFT)}, '' "
        f"FROM {quoted(f'{prefix}/units')} AS u SEMI JOIN {leavers} AS l ON l._cid = u._cid"
    )
    mine = (
        f"state = 'live' AND object = {text(plan.object)} AND connection = {text(member.connection)} "
        f"AND canonical_id IN (SELECT _cid FROM {leavers})"
    )
    told = {"how": RULE, "rule": "need not be held any more", "run": run.run_id, "state": LEFT}
    sets = ", ".join(f"{name} = {text(value)}" for name, value in told.items())
    known = ", ".join(
        text(told[name]) if name in told else f"k.{quoted(name)}" for name in LINK_COLUMNS if name != "at"
    )
    run.state.execute(
        f"INSERT INTO new_links SELECT {known}, {run.started_at} FROM {quoted('links:all')} AS k WHERE {mine}"
    )
    run.state.execute(f"UPDATE new_links SET {sets} WHERE {mine}")
    hide_ended_links(run)


def left_rows(plan: Plan, member: Member) -> str:
    """Give the base rows of records that this run lets go, linked to nothing: as they are, but nothing new is agreed with them.

    Whoever was new to its record and had to go at once is new to it when it comes back, and empties nothing of it.
    """
    prefix = prefix_of(plan, member)
    following, stored = quoted(f"{prefix}/next"), quoted(f"{prefix}/stored")
    rows = f"SELECT * FROM {following} UNION ALL BY NAME SELECT s.* FROM {stored} AS s ANTI JOIN {following} USING (_native_id)"
    return (
        f"SELECT r.* REPLACE (CAST(NULL AS VARCHAR) AS _cid, {text(LEFT)} AS _status, false AS _open, "
        f"coalesce(b._slots, '') AS _slots) FROM ({rows}) AS r LEFT JOIN {stored} AS b ON b._native_id = r._native_id "
        f"WHERE r._native_id IN (SELECT _native_id FROM {quoted(f'{prefix}/leavers')})"
    )


def take_back(run: RunContext, plan: Plan) -> bool:
    """Link records again that were let go and should be held now; tell whether there are any."""
    return any([_take_back(run, plan, member) for member in _unlinking(plan) if run.reading(member).error is None])


def hold_comers(run: RunContext, plan: Plan, member: Member) -> None:
    """Create nothing in place of a record that was let go and could not be taken back yet, or that a person wants gone there."""
    held, writes = (quoted(f"{prefix_of(plan, member)}/{role}") for role in ("held", "writes"))
    created = f"SELECT _cid FROM {writes} WHERE operation = 'create' AND part = ''"
    if not run.state.scalar(f"SELECT count(*) FROM ({created})"):
        return
    kept = (
        f"SELECT canonical_id FROM {quoted('links:all')} WHERE state = {text(KEPT)} "
        f"AND object = {text(plan.object)} AND connection = {text(member.connection)}"
    )
    reasons = {KEPT: kept} | (
        {"returning": f"SELECT canonical_id FROM ({_left(plan, member)})"} if member.on_leave == "unlink" else {}
    )
    for reason, ended in reasons.items():
        run.state.execute(
            f"INSERT INTO {held} SELECT w._cid, '', {text(reason)}, '' FROM ({created}) AS w "
            f"ANTI JOIN {held} AS h ON h._cid = w._cid AND h.part = '' WHERE w._cid IN ({ended})"
        )


def _unlinking(plan: Plan) -> list[Member]:
    return [member for member in plan.members if member.on_leave == "unlink"]


def _left(plan: Plan, member: Member) -> str:
    """Give the last links of records that were let go and are still there, with the status of their base rows."""
    prefix = prefix_of(plan, member)
    return f"""
        SELECT k.*, b._status AS status
        FROM {quoted("links:all")} AS k
        JOIN {quoted(f"base:{prefix}")} AS b ON b._native_id = k.native_id AND b._status <> 'gone'
        ANTI JOIN {quoted("links:all")} AS n ON n.object = k.object AND n.connection = k.connection
          AND n.native_id = k.native_id AND n.generation > k.generation
        WHERE k.state = {text(LEFT)} AND k.object = {text(plan.object)} AND k.connection = {text(member.connection)}
          AND k.resource = {text(member.resource)} AND k.native_id NOT IN (SELECT _native_id FROM {quoted(f"{prefix}/gone")})
    """


def _take_back(run: RunContext, plan: Plan, member: Member) -> bool:
    prefix, state = prefix_of(plan, member), run.state
    back = f"{prefix}/back"
    state.make(
        back,
        f"""
        SELECT k.* FROM ({_left(plan, member)}) AS k
        SEMI JOIN {quoted(f"{prefix}/comers")} AS c ON c._cid = k.canonical_id
        ANTI JOIN links AS l ON l.object = k.object AND l.connection = k.connection AND l.canonical_id = k.canonical_id
        WHERE k.status = {text(LEFT)} AND k.native_id NOT IN (SELECT _native_id FROM {quoted(f"{prefix}/image")})
        QUALIFY row_number() OVER (PARTITION BY k.canonical_id ORDER BY k.native_id) = 1
        """,
    )
    if not state.scalar(f"SELECT count(*) FROM {quoted(back)}"):
        return False
    names = ", ".join(f"k.{quoted(name)}" for name in LINK_COLUMNS)
    state.execute(
        f"INSERT INTO new_links SELECT {names} FROM (SELECT * REPLACE ('returned' AS how, 'is to be held again' AS rule, "
        f"{text(run.run_id)} AS run, 'live' AS state, generation + 1 AS generation, {run.started_at} AS \"at\") "
        f"FROM {quoted(back)}) AS k"
    )
    stored = quoted(f"{prefix}/stored")
    ids = f"SELECT native_id FROM {quoted(back)}"
    state.execute(f"DELETE FROM {stored} WHERE _native_id IN ({ids})")
    state.execute(
        f"INSERT INTO {stored} SELECT b.* REPLACE (k.canonical_id AS _cid, 'linked' AS _status, true AS _open) "
        f"FROM ({base_rows_of(member, prefix, '_native_id', ids)}) AS b "
        f"JOIN {quoted(back)} AS k ON k.native_id = b._native_id"
    )
    return True
