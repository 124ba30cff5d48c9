"""Deletion: what it means for a record, and for the others that hold it, that a member has deleted it.

In: links, base, the winners. Out: ``S/lost`` (per dirty record and member whether all that its links lead to is lost), winners that end or
that show what the sync sets, ``S/m/follows``: what a member deletes after another. Invariants: only a record that is known
to be gone counts as deleted; one that somebody edited since is not deleted after it, a person decides.
"""

from __future__ import annotations

from syncline_runtime.plan import Member, Plan
from syncline_runtime.stages.context import RunContext, prefix_of
from syncline_runtime.state import quoted, text

DELETION = "*"  # in the place of a field: a decision about the record, to delete it wherever it is
EDITED = ("restore", "overwrite", "review", "first_link", "accepted")  # outcomes of a slot whose member has changed it


def follow_deletions(run: RunContext, plan: Plan) -> None:
    """Let records end that were deleted wherever they were, or where the sync deletes after it; set what it sets."""
    state = run.state
    lost = [member for member in plan.members if _lost_any(run, plan, member)]
    _bind_condemned(run, plan)
    links = (_lost_links(plan, member, lost=member in lost) for member in plan.members)
    state.bind(
        f"{plan.name}/lost",
        f"SELECT _cid, connection, policy, bool_and(lost) AS lost FROM ({' UNION ALL '.join(links)}) GROUP BY ALL",
    )
    winner = quoted(f"{plan.name}/winner")
    state.execute(f"UPDATE {winner} SET _exists = false WHERE _cid IN ({_condemned(plan)})")
    if not lost:
        return
    state.execute(
        f"UPDATE {winner} SET _exists = false WHERE _cid IN (SELECT _cid FROM {quoted(f'{plan.name}/lost')} "
        "GROUP BY _cid HAVING bool_and(lost) OR bool_or(lost AND policy = 'delete'))"
    )
    for order, member in enumerate(plan.members):
        if member.sets and member in lost:
            columns = {one.name: one.sql_type for one in plan.fields}
            sets = ", ".join(
                f"{quoted(name)} = CAST({text(value)} AS {columns[name]}), {quoted(f'from.{name}')} = {order}, "
                f"{quoted(f'frozen.{name}')} = false"
                for name, value in member.sets.items()
            )
            state.execute(f"UPDATE {winner} SET {sets} WHERE _cid IN ({_lost_in(plan, member)})")


def find_followers(run: RunContext, plan: Plan, member: Member) -> None:
    """``follows``: records that the member holds and another has deleted for all; ``edited``: not without a person."""
    prefix = prefix_of(plan, member)
    deleting = [other for other in plan.members if other.when_deleted == "delete" and other is not member]
    able = run.release.system_of(member.connection).resource(member.resource).delete is not None
    condemned = run.state.scalar(f"SELECT count(*) FROM ({_condemned(plan)})")
    if not (deleting or condemned) or not able:
        run.state.empty(f"{prefix}/follows", {"_cid": "VARCHAR", "_native_id": "VARCHAR", "edited": "BOOLEAN"})
        return
    outcomes = ", ".join(map(text, EDITED))
    # an edit of a field's owner is agreed at once: that a person was asked is what tells of it later
    waiting = f"SELECT canonical_id FROM edited_since WHERE connection = {text(member.connection)}"
    run.state.make(
        f"{prefix}/follows",
        f"""
        SELECT s._cid, s._native_id,
               s._cid IN (SELECT _cid FROM {quoted(f"{prefix}/compare")} WHERE outcome IN ({outcomes}) UNION {waiting})
                 AND s._cid NOT IN ({_condemned(plan)}) AS edited
        FROM {quoted(f"{prefix}/side")} AS s
        WHERE s._holds AND s._known AND s._cid IN ({" UNION ".join([_condemned(plan), *(_lost_in(plan, m) for m in deleting)])})
        """,
    )


def conclude_deletions(run: RunContext, plan: Plan) -> None:
    """Let decisions to delete end once nobody has the record who could delete it."""
    decided = {one.canonical_id: one.id for one in run.decisions if (one.object, one.field) == (plan.object, DELETION)}
    if not decided or plan.name not in run.touched:
        return
    able = [m for m in plan.members if run.release.system_of(m.connection).resource(m.resource).delete is not None]
    there = " UNION ".join(
        f"SELECT s._cid FROM {quoted(f'{prefix_of(plan, member)}/side')} AS s WHERE s._holds "
        f"AND s._cid NOT IN ({_lost_in(plan, member)})"
        for member in able
    )
    over = f"SELECT _cid FROM ({_condemned(plan)}) SEMI JOIN {quoted(f'{plan.name}/golden')} USING (_cid)"
    rows = run.state.rows(f"{over} WHERE _cid NOT IN ({there})" if able else over)
    run.ended_decisions.update((decided[cid], "done") for (cid,) in rows)


def _bind_condemned(run: RunContext, plan: Plan) -> None:
    """``S/condemned``: records that a person has decided to delete wherever they are."""
    cids = {one.canonical_id for one in run.decisions if (one.object, one.field) == (plan.object, DELETION)}
    run.state.fill(f"{plan.name}/condemned", {"_cid": "VARCHAR"}, [(cid,) for cid in sorted(cids)])


def _condemned(plan: Plan) -> str:
    return f"SELECT _cid FROM {quoted(f'{plan.name}/condemned')}"


def hold_edited(run: RunContext, plan: Plan, member: Member) -> None:
    """Hold what would be deleted after another if nobody had edited it since."""
    prefix = prefix_of(plan, member)
    held = quoted(f"{prefix}/held")
    run.state.execute(
        f"INSERT INTO {held} SELECT f._cid, '', 'deleted', '' FROM {quoted(f'{prefix}/follows')} AS f "
        f"ANTI JOIN {held} AS h ON h._cid = f._cid AND h.part = '' WHERE f.edited"
    )


def _lost_in(plan: Plan, member: Member) -> str:
    return f"SELECT _cid FROM {quoted(f'{plan.name}/lost')} WHERE lost AND connection = {text(member.connection)}"


def _lost_any(run: RunContext, plan: Plan, member: Member) -> bool:
    """Whether the member has deleted anything, ever, that its sync does not keep all the same."""
    prefix = prefix_of(plan, member)
    gone = f"SELECT count(*) FROM {quoted(f'base:{prefix}')} WHERE _status = 'gone'"
    now = f"SELECT count(*) FROM {quoted(f'{prefix}/gone')}"
    return member.when_deleted != "keep" and bool(run.state.scalar(f"SELECT ({gone}) + ({now})"))


def _lost_links(plan: Plan, member: Member, *, lost: bool) -> str:
    """Give the links of dirty records to a member, and whether what they lead to is lost."""
    prefix = prefix_of(plan, member)
    return f"""
        SELECT l.canonical_id AS _cid, l.connection, {text(member.when_deleted)} AS policy,
               {lost} AND v._cid IS NULL AND (l.state = 'reused' OR b._status = 'gone' OR g._native_id IS NOT NULL) AS lost
        FROM {quoted(f"{plan.name}/links")} AS l
        LEFT JOIN {quoted(f"{prefix}/stored")} AS b ON b._native_id = l.native_id
        LEFT JOIN {quoted(f"{prefix}/gone")} AS g ON g._native_id = l.native_id
        LEFT JOIN {quoted(f"{prefix}/values")} AS v ON v._native_id = l.native_id
        WHERE l.connection = {text(member.connection)}
    """
