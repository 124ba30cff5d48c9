"""Returns: rows under the native id of a record that was deleted.

In: the pool of unlinked rows, links, what was agreed before. Out: rows that are the record again have its canonical id;
where a vendor has given the id to another, the old link ends as *reused* and the row is matched anew, one generation
later. Nothing of the old record is overwritten, and people are told. What cannot be told apart waits for a person.
"""

from __future__ import annotations

from syncline_runtime.ledger import NewException
from syncline_runtime.packing import LINKS, few, near, table_of
from syncline_runtime.plan import Member, Plan, Step
from syncline_runtime.stages.context import RunContext, prefix_of
from syncline_runtime.state import LINK_COLUMNS, quoted, text

LINK_KEY = ("object", "connection", "resource", "native_id", "generation")


def bind_live_links(run: RunContext) -> None:
    """``links``: live ones; of records whose id is another's by now, under an id that no row has.

    ``ids``: what native ids lead to, those of doubles too. ``few_links``: those that were looked up.
    """
    run.state.empty("near_links", LINK_COLUMNS)
    _bind(run, "")


def look_up_links(run: RunContext, column: str, ids: str) -> None:
    """Let ``few_links`` hold all links that have one of ``ids`` (a query) in a column, and few others."""
    table = table_of(LINKS)
    hidden = f"SELECT rowid FROM {quoted(table)} WHERE state = 'reused'"  # under ids that ``links`` alone gives them
    rows = few(table, f"{near(table, column, ids)} UNION ALL {hidden}", ", ".join(map(quoted, LINK_COLUMNS)))
    run.state.make("near_links", f"SELECT * FROM {rows}")


def _bind(run: RunContext, hiding: str) -> None:
    for name, known in (("links", quoted(LINKS)), ("few_links", "near_links")):
        run.state.bind(name, f"{_live(known, hiding)} UNION ALL {_live('new_links')}")
    doubles = (f"SELECT k.* FROM {quoted(table)} AS k WHERE k.state = 'double'" for table in (LINKS, "new_links"))
    run.state.bind("ids", f"SELECT * FROM links UNION ALL {' UNION ALL '.join(doubles)}")


def _live(table: str, hiding: str = "") -> str:
    return (
        f"SELECT k.* FROM {table} AS k {hiding} WHERE k.state = 'live' UNION ALL "
        f"SELECT k.* REPLACE (concat_ws(chr(31), k.native_id, k.generation) AS native_id) "
        f"FROM {table} AS k {hiding} WHERE k.state = 'reused'"
    )


def hide_ended_links(run: RunContext) -> None:
    """``links`` once links of the state have come to an end in this run."""
    on = " AND ".join(f"n.{name} = k.{name}" for name in LINK_KEY)
    _bind(run, f"ANTI JOIN new_links AS n ON {on}")


def take_back(run: RunContext, plan: Plan, returned: Step) -> None:
    """Decide of each row under the id of a deleted record whether that is back."""
    state = run.state
    state.make(f"{plan.name}/returning", " UNION ALL ".join(_returning(run, plan, member) for member in plan.members))
    if state.scalar(f"SELECT count(*) FROM {quoted(f'{plan.name}/returning')}"):
        state.make(returned.output, returned.sql)
        state.make(f"{plan.name}/returns", _verdicts(plan, returned))
        for member in plan.members:
            _take_back(run, plan, member)
            _give_up(run, plan, member)
            _doubt(run, plan, member)
        ends = f"SELECT connection, _native_id FROM {quoted(f'{plan.name}/returns')} WHERE verdict <> 'other'"
        state.execute(f"DELETE FROM {quoted(f'{plan.name}/pool')} WHERE (connection, _native_id) IN ({ends})")
    _count_generations(run, plan)


def _returning(run: RunContext, plan: Plan, member: Member) -> str:
    """Give rows whose native id has a link that does not count: _cid and generation of it, and whether all is as agreed.

    A system that shows deleted records never gives their ids away.
    """
    prefix = prefix_of(plan, member)
    agreed = [
        f"v.{quoted(slot.name)} IS NOT DISTINCT FROM b.{quoted(f'agreed.{slot.name}')}"
        for slot in member.slots
        if slot.reads
    ]
    kept = bool(run.release.system_of(member.connection).resource(member.resource).gone)
    return f"""
        SELECT {text(member.connection)} AS connection, v._native_id, k.canonical_id AS _cid, k.generation,
               {kept} OR ({" AND ".join(agreed) or "true"}) AS alike, {kept} AS kept
        FROM {quoted(f"{prefix}/values")} AS v
        JOIN links AS k ON k.object = {text(plan.object)} AND k.connection = {text(member.connection)}
          AND k.resource = {text(member.resource)} AND k.native_id = v._native_id
        LEFT JOIN {quoted(f"{prefix}/stored")} AS b ON b._native_id = v._native_id
        WHERE v._cid IS NULL
    """


def _verdicts(plan: Plan, returned: Step) -> str:
    """*back*, *other*, or *doubt* where nothing tells."""
    return f"""
        SELECT r.connection, r._native_id, r._cid, r.generation,
               CASE WHEN r.kept OR s.same THEN 'back' WHEN s.other THEN 'other' WHEN r.alike THEN 'back' ELSE 'doubt' END
                 AS verdict
        FROM {quoted(f"{plan.name}/returning")} AS r
        LEFT JOIN {quoted(returned.output)} AS s ON s.connection = r.connection AND s._native_id = r._native_id
    """


def _of(plan: Plan, member: Member, verdict: str) -> str:
    return (
        f"SELECT _native_id, _cid, generation FROM {quoted(f'{plan.name}/returns')} "
        f"WHERE connection = {text(member.connection)} AND verdict = {text(verdict)}"
    )


def _take_back(run: RunContext, plan: Plan, member: Member) -> None:
    prefix = prefix_of(plan, member)
    for number in range(run.parts[prefix]):
        for role in ("values", "image"):
            run.state.execute(
                f"UPDATE {quoted(f'{prefix}/{role}#{number}')} AS t SET _cid = r._cid "
                f"FROM ({_of(plan, member, 'back')}) AS r WHERE r._native_id = t._native_id"
            )


def _give_up(run: RunContext, plan: Plan, member: Member) -> None:
    """End the links of records whose native ids are others' by now."""
    found = run.state.rows(f"{_of(plan, member, 'other')} ORDER BY 1")
    if not found:
        return
    run.state.execute(
        f"""
        INSERT INTO new_links
        SELECT {text(plan.object)}, {text(member.connection)}, {text(member.resource)}, _native_id, _cid, 'reused',
               'other identity', {text(run.run_id)}, 'reused', generation, '', {run.started_at} FROM ({_of(plan, member, "other")})
        """
    )
    hide_ended_links(run)
    run.exceptions += [told_reuse(run, plan, member, native_id, cid) for native_id, cid, _ in found]


def _doubt(run: RunContext, plan: Plan, member: Member) -> None:
    """Set rows aside of which nothing tells whether they are the record that was deleted."""
    prefix = prefix_of(plan, member)
    doubted = _of(plan, member, "doubt")
    says = "it was deleted and is back, changed: nothing tells whether it is the same record"
    found = run.state.rows(f"{doubted} ORDER BY 1")
    run.exceptions += [_told(run, plan, member, "SYN5014", says, native_id, cid) for native_id, cid, _ in found]
    run.state.execute(
        f"INSERT INTO {quoted(f'{prefix}/parked#0')} "
        f"SELECT _native_id, CAST(NULL AS VARCHAR), 'review', 'SYN5014' FROM ({doubted})"
    )
    for number in range(run.parts[prefix]):
        run.state.execute(
            f"DELETE FROM {quoted(f'{prefix}/values#{number}')} WHERE _native_id IN (SELECT _native_id FROM ({doubted}))"
        )


def _count_generations(run: RunContext, plan: Plan) -> None:
    """Put rows whose native ids other records had before into the generation after those."""
    ended = " UNION ALL ".join(
        f"SELECT connection, native_id, generation FROM {quoted(table)} "
        f"WHERE state <> 'live' AND object = {text(plan.object)}"
        for table in ("links:all", "new_links")
    )
    if run.state.scalar(f"SELECT count(*) FROM ({ended})"):
        run.state.execute(
            f"""
            UPDATE {quoted(f"{plan.name}/pool")} AS p SET _generation = CAST(g.next AS VARCHAR)
            FROM (SELECT connection, native_id, max(generation) + 1 AS next FROM ({ended}) GROUP BY 1, 2) AS g
            WHERE g.connection = p.connection AND g.native_id = p._native_id
            """
        )


def told_reuse(run: RunContext, plan: Plan, member: Member, native_id: str, cid: str) -> NewException:
    """Say that a deleted record's native id is another's by now; ``cid`` is the deleted one's."""
    says = f"{member.connection} has given its id to another record: a person decides what becomes of it elsewhere"
    return _told(run, plan, member, "SYN5013", says, native_id, cid)


def _told(run: RunContext, plan: Plan, member: Member, code: str, says: str, native_id: str, cid: str) -> NewException:
    return NewException(
        sync=plan.name,
        object=plan.object,
        connection=member.connection,
        resource=member.resource,
        rule="native id",
        code=code,
        category="conflict",
        message=says,
        native_id=native_id,
        canonical_id=cid,
        pattern="mismatched",
        severity="warning",
        side="source",
        correlation_id=f"{run.run_id}-{cid[:8]}",
    )
