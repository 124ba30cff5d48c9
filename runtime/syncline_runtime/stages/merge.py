"""Merge: what has to be decided, and one winner per canonical id and field.

In: values of members, open work, changed children. Out: ``dirty``, each member's ``side``, ``golden``.
Only records on which something changed or is open are looked at; of their other members the stored images are used.
"""

from __future__ import annotations

from collections.abc import Sequence

from syncline_runtime.ledger import NewException
from syncline_runtime.packing import base_rows_of
from syncline_runtime.plan import Member, Plan, Step
from syncline_runtime.stages.context import RunContext, prefix_of
from syncline_runtime.stages.decisions import apply_decisions
from syncline_runtime.stages.deletion import follow_deletions
from syncline_runtime.stages.leaving import take_back
from syncline_runtime.stages.normalise import normalise_rows, stored_image, wake
from syncline_runtime.stages.returns import look_up_links
from syncline_runtime.state import quoted, text


def merge(run: RunContext, plan: Plan, open_ids: Sequence[str]) -> None:
    """Decide the winners of every dirty record of a sync. ``open_ids`` are canonical ids with open work."""
    state = run.state
    state.fill(f"{plan.name}/open", {"_cid": "VARCHAR"}, [(cid,) for cid in open_ids])
    dirty = " UNION ".join(_dirty(run, plan))
    if run.only:
        dirty = f"SELECT _cid FROM ({dirty}) SEMI JOIN (SELECT _cid FROM considered WHERE object = {text(plan.object)}) USING (_cid)"
    state.make(f"{plan.name}/dirty", dirty)
    if state.scalar(f"SELECT count(*) FROM {quoted(f'{plan.name}/dirty')}"):
        run.touched.add(plan.name)
        _tell_lost(run, plan)
        wake(run, plan)
        last = next(n for n, step in enumerate(plan.merge, 1) if step.output == f"{plan.name}/winner")
        _decide(run, plan, last)
        if take_back(run, plan):  # what was let go is compared again, and may say what its member decides
            _decide(run, plan, last)
    bind_current(run, plan)


def _decide(run: RunContext, plan: Plan, last: int) -> None:
    """Make winners and golden records; ``last``: how many steps come to the winners."""
    _find_winners(run, plan, plan.merge[:last])
    if plan.name in plan.aggregate_refs and _add_own_parents(run, plan):
        _find_winners(run, plan, plan.merge[:last])
    apply_decisions(run, plan)
    follow_deletions(run, plan)
    bind_current(run, plan, "winner")
    for step in plan.merge[last:]:
        # what only carries the winners on need not be made
        keep = run.state.make if any(field.owner == "derived" for field in plan.fields) else run.state.bind
        keep(step.output, step.sql)


def _find_winners(run: RunContext, plan: Plan, steps: Sequence[Step]) -> None:
    dirty = f"SELECT _cid FROM {quoted(f'{plan.name}/dirty')}"
    look_up_links(run, "canonical_id", dirty)
    run.state.make(
        f"{plan.name}/links",
        "SELECT canonical_id, connection, native_id, state FROM few_links "
        f"WHERE object = {text(plan.object)} AND canonical_id IN ({dirty})",
    )
    for member in plan.members:
        prefix = prefix_of(plan, member)
        _fetch_stored(run, member, prefix, dirty)
        run.state.bind(
            f"{prefix}/base",
            f"SELECT *, _mapping <> {text(member.mapping)} AS _remapped FROM {quoted(f'{prefix}/stored')} "
            f"WHERE _status <> 'gone' AND _cid IN ({dirty})",
        )
        _add_stored(run, plan, member)
    asked = f"SELECT _cid FROM {quoted(f'{plan.name}/asked')}"
    run.state.empty(f"{plan.name}/asked", {"_cid": "VARCHAR"})
    known = f"SELECT * FROM {quoted(f'canonical:{plan.name}')} WHERE _cid IN ({asked})"
    run.state.bind(f"{plan.name}/canonical", known)
    for step in steps:
        run.state.make(step.output, step.sql)


def _fetch_stored(run: RunContext, member: Member, prefix: str, dirty: str) -> None:
    """Add to ``stored`` the base rows of dirty records that are not in it; most are, since they changed here."""
    stored = quoted(f"{prefix}/stored")
    rows = base_rows_of(member, prefix, "_cid", dirty)
    known = f"SELECT _native_id FROM {stored}"
    run.state.execute(f"INSERT INTO {stored} SELECT * FROM ({rows}) WHERE _native_id NOT IN ({known})")


def _add_own_parents(run: RunContext, plan: Plan) -> bool:
    """Add records that sum over changed records of their own object, now or before; tell whether there are any."""
    dirty, winner = quoted(f"{plan.name}/dirty"), quoted(f"{plan.name}/winner")
    before = f"{quoted(f'canonical:{plan.name}')} AS c SEMI JOIN {winner} AS w ON w._cid = c._cid"
    parents = " UNION ".join(
        f"SELECT {quoted(ref)} AS _cid FROM {winner} UNION SELECT c.{quoted(ref)} FROM {before}"
        for ref in plan.aggregate_refs[plan.name]
    )
    known = run.state.scalar(f"SELECT count(*) FROM {dirty}")
    run.state.execute(
        f"INSERT INTO {dirty} SELECT _cid FROM ({parents}) AS p ANTI JOIN {dirty} AS d ON d._cid = p._cid "
        "WHERE p._cid IS NOT NULL"
    )
    return bool(run.state.scalar(f"SELECT count(*) FROM {dirty}") > known)


def _dirty(run: RunContext, plan: Plan) -> list[str]:
    """Give queries of canonical ids to decide: changed, open, under another plan, or summed over what changed."""
    queries = [
        f"SELECT _cid FROM {quoted(f'{plan.name}/open')}",
        *_reopened(f"canonical:{plan.name}", "true", f"_plan <> {text(plan.behaviour)}"),
    ]
    for member in plan.members:
        prefix = prefix_of(plan, member)
        if plan.name not in run.idle:
            queries.append(f"SELECT _cid FROM {quoted(f'{prefix}/values')} WHERE _cid IS NOT NULL")
        queries.append(f"SELECT _cid FROM {quoted(f'{prefix}/gone')} WHERE _cid IS NOT NULL")
        queries += _reopened(f"base:{prefix}", "_status = 'linked'", f"_mapping <> {text(member.mapping)}")
    for child, refs in plan.aggregate_refs.items():
        if child not in run.touched:
            continue
        for ref in refs:
            queries.append(
                f"SELECT {quoted(ref)} AS _cid FROM {quoted(f'{child}/golden')} WHERE {quoted(ref)} IS NOT NULL"
            )
            queries.append(
                f"SELECT c.{quoted(ref)} FROM {quoted(f'canonical:{child}')} AS c "
                f"JOIN {quoted(f'{child}/golden')} AS g ON g._cid = c._cid WHERE c.{quoted(ref)} IS NOT NULL"
            )
    return queries


def _reopened(table: str, which: str, outdated: str) -> list[str]:
    """Give what is open and what another plan made: asked one by one, each is told by the bounds of what is stored."""
    return [f"SELECT _cid FROM {quoted(table)} WHERE {which} AND {why}" for why in ("_open", outdated)]


def _tell_lost(run: RunContext, plan: Plan) -> None:
    """Say which values were known and do not fit into the types that their fields have by now."""
    table = quoted(f"canonical:{plan.name}")
    if not run.state.scalar(f"SELECT count(*) FROM {table} WHERE _lost IS NOT NULL"):
        return
    for field in plan.fields:
        lost = run.state.scalar(f"SELECT count(*) FROM {table} WHERE contains(_lost, {text(f',{field.name},')})")
        if lost:
            run.exceptions.append(
                NewException(
                    sync=plan.name,
                    object=plan.object,
                    connection=field.owner,
                    resource="",
                    rule=field.sql_type,
                    code="SYN5015",
                    category="mapping",
                    message=f"{field.name} has another type now, into which {lost} values did not fit as they were",
                    field=field.name,
                    pattern="mismatched",
                    severity="warning",
                    side="spec",
                    owner=field.owner,
                )
            )


def _add_stored(run: RunContext, plan: Plan, member: Member) -> None:
    """Bring in the stored image of dirty records that the member did not show in this run."""
    prefix = prefix_of(plan, member)
    where = (
        f"b._cid IN (SELECT _cid FROM {quoted(f'{plan.name}/dirty')}) "
        f"AND b._native_id NOT IN (SELECT _native_id FROM {quoted(f'{prefix}/image')}) "
        f"AND b._native_id NOT IN (SELECT _native_id FROM {quoted(f'{prefix}/class')} WHERE class IN ('tombstone', 'late')) "
        f"AND b._native_id NOT IN (SELECT _native_id FROM {quoted(f'{prefix}/gone')})"
    )
    if run.reading(member).error is None:
        normalise_rows(run, plan, member, stored_image(plan, member, where))


def bind_current(run: RunContext, plan: Plan, decided: str = "golden") -> None:
    """Make ``current``: the canonical records as they are after this run's decisions.

    ``decided``: ``winner`` while derived fields, which may sum over records of their own object, are not known yet.
    """
    fields = ", ".join(f"c.{quoted(field.name)}" for field in plan.fields)
    stored = f"SELECT c._cid, {fields} FROM {quoted(f'canonical:{plan.name}')} AS c"
    lasting = " WHERE c._ceased IS DISTINCT FROM true"
    if plan.name in run.touched:
        made = ", ".join(
            f"CAST(NULL AS {field.sql_type})"
            if field.owner == "derived" and decided == "winner"
            else f"c.{quoted(field.name)}"
            for field in plan.fields
        )
        relation = quoted(f"{plan.name}/{decided}")
        stored += f" ANTI JOIN {relation} AS g ON g._cid = c._cid"
        lasting += f" UNION ALL SELECT c._cid, {made} FROM {relation} AS c WHERE c._exists"
    run.state.bind(f"{plan.name}/current", stored + lasting)
