"""Match: native ids to canonical ids, by links and identity rules.

In: valid rows of every member. Out: canonical ids on them, ``new_links``, and the *in* counts: every row read is in
exactly one class. What cannot be decided waits in ``parked``.
"""

from __future__ import annotations

from collections.abc import Sequence

from syncline_runtime.ledger import NewException
from syncline_runtime.plan import Member, Plan, Step
from syncline_runtime.stages.apart import keep_apart
from syncline_runtime.stages.clusters import follow_pairs
from syncline_runtime.stages.context import RunContext, prefix_of
from syncline_runtime.stages.crowds import report_crowds
from syncline_runtime.stages.doubles import DOUBLE, set_known_doubles_aside, set_new_doubles_aside
from syncline_runtime.stages.leaving import set_left_aside
from syncline_runtime.stages.returns import bind_live_links, take_back
from syncline_runtime.stages.told_merges import link_told, set_told_aside
from syncline_runtime.state import LINK_COLUMNS, quoted, text

UNCLEAR = {
    "ambiguous": ("SYN5007", "is this too"),
    "likely": ("SYN5017", "may be the same record"),
    "parted": ("SYN5017", "looks like this again, which a person has parted from it"),
}
OF_ALL = ("faces", "met", "taken")
"""Relations over all that is known, of which few rows are of interest: they are never made."""
SHOWN = 3
"""Of the records that one may be, those that are named."""


def match(run: RunContext, plan: Plan) -> None:
    """Give the unlinked rows of a sync their canonical ids."""
    run.state.bind(f"{plan.name}/canonical", f"SELECT * FROM {quoted(f'canonical:{plan.name}')}")
    if plan.name in run.idle:
        for member in plan.members:
            _count(run, plan, member)
        return
    set_known_doubles_aside(run, plan)
    set_left_aside(run, plan)
    set_told_aside(run, plan)
    pool, returned, *rest = plan.match
    run.state.make(pool.output, pool.sql)
    if run.state.scalar(f"SELECT count(*) FROM {quoted(pool.output)}"):
        take_back(run, plan, returned)
        _make_all(run, plan, rest)
        report_crowds(run, plan)
        keep_apart(run, plan)
        _link(run, plan)
        set_new_doubles_aside(run, plan)
        link_told(run, plan)
        _park_undecided(run, plan)
        _report_unclear(run, plan)
    for member in plan.members:
        _count(run, plan, member)
    _bind_keys(run, plan, [m for m in plan.members if run.parts.get(prefix_of(plan, m))])


def _make_all(run: RunContext, plan: Plan, steps: Sequence[Step]) -> None:
    """Make what the rules need, in their order. Of what is known, where nothing is, no statement is planned twice."""
    known = f"{plan.name}/canonical"
    nothing = set() if run.state.scalar(f"SELECT count(*) FROM {quoted(known)}") else {known}
    for step in steps:
        if nothing.issuperset(step.inputs):
            nothing.add(step.output)
            run.state.make(step.output, f"SELECT * FROM ({step.sql}) LIMIT 0")
        elif step.output.startswith(tuple(f"{plan.name}/{role}/" for role in OF_ALL)):
            run.state.bind(step.output, step.sql)
        else:
            run.state.make(step.output, step.sql)
        if step.output.startswith(f"{plan.name}/pairs/"):
            follow_pairs(run.state, step.output, step.output.replace("/pairs/", "/clusters/"))


def bind_links(run: RunContext) -> None:
    """``links``: those of the state and of this run; ``run``: this run's constants."""
    run.state.empty("new_links", LINK_COLUMNS)
    bind_live_links(run)
    run.state.fill(
        "run",
        {"realm": "VARCHAR", "run": "VARCHAR", "started_at": "TIMESTAMPTZ"},
        [],
    )
    run.state.execute(
        f"INSERT INTO temp.run VALUES ({text(run.realm)}, {text(run.run_id)}, make_timestamptz({run.started_at}))"
    )
    for plan in run.release.plans.values():
        _bind_keys(run, plan, ())


def _bind_keys(run: RunContext, plan: Plan, members: Sequence[Member]) -> None:
    """``S/by/F``, where steps ask for it: by the records as they are known, and by this run's rows of these members."""
    start = f"{plan.name}/by/"
    steps = (step for each in run.release.plans.values() for member in each.members for step in member.steps)
    for relation in sorted({name for step in steps for name in step.inputs if name.startswith(start)}):
        field = relation.removeprefix(start)
        tables = [f"canonical:{plan.name}"]
        tables += [f"{prefix_of(plan, m)}/values" for m in members if any(s.name == field for s in m.slots)]
        known = " UNION ".join(f"SELECT {quoted(field)} AS key, _cid FROM {quoted(table)}" for table in tables)
        run.state.bind(
            relation,
            f"SELECT key, min(_cid) AS _cid FROM ({known}) WHERE key IS NOT NULL AND _cid IS NOT NULL "
            "GROUP BY key HAVING count(*) = 1",
        )


def _link(run: RunContext, plan: Plan) -> None:
    for member in plan.members:
        prefix = prefix_of(plan, member)
        decided = (
            f"(SELECT _native_id, _cid FROM {quoted(f'{plan.name}/match')} "
            f"WHERE connection = {text(member.connection)} AND _cid IS NOT NULL)"
        )
        for number in range(run.parts[prefix]):
            for role in ("values", "image"):
                table = quoted(f"{prefix}/{role}#{number}")
                run.state.execute(
                    f"UPDATE {table} AS t SET _cid = m._cid FROM {decided} AS m WHERE m._native_id = t._native_id"
                )
        run.state.execute(
            f"""
            INSERT INTO new_links
            SELECT {text(plan.object)}, m.connection, {text(member.resource)}, m._native_id, m._cid, m.how, m.rule,
                   {text(run.run_id)}, CASE m.state WHEN {text(DOUBLE)} THEN m.state ELSE 'live' END,
                   CAST(p._generation AS BIGINT), '', {run.started_at}
            FROM {quoted(f"{plan.name}/match")} AS m JOIN {quoted(f"{plan.name}/pool")} AS p
              ON p.connection = m.connection AND p._native_id = m._native_id
            WHERE m.connection = {text(member.connection)} AND m._cid IS NOT NULL
            """
        )


def _park_undecided(run: RunContext, plan: Plan) -> None:
    for member in plan.members:
        prefix = prefix_of(plan, member)
        undecided = (
            f"SELECT _native_id, state FROM {quoted(f'{plan.name}/match')} "
            f"WHERE connection = {text(member.connection)} AND _cid IS NULL"
        )
        run.state.execute(
            f"INSERT INTO {quoted(f'{prefix}/parked#0')} "
            f"SELECT _native_id, CAST(NULL AS VARCHAR), state, 'identity' FROM ({undecided})"
        )
        for number in range(run.parts[prefix]):
            run.state.execute(
                f"DELETE FROM {quoted(f'{prefix}/values#{number}')} WHERE _native_id IN "
                f"(SELECT _native_id FROM ({undecided}))"
            )


def _report_unclear(run: RunContext, plan: Plan) -> None:
    """Put before people what no rule could decide, and whom else it concerns."""
    for member in plan.members:
        prefix = prefix_of(plan, member)
        found = run.state.rows(
            f"""
            SELECT m._native_id, m.rule, m.how, i._correlation FROM {quoted(f"{plan.name}/match")} AS m
            JOIN {quoted(f"{prefix}/image")} AS i ON i._native_id = m._native_id
            WHERE m.connection = {text(member.connection)} AND m.state = 'review' ORDER BY 1
            """
        )
        others = _others(run, plan, member) if found else {}
        for native_id, rule, how, correlation in found:
            beside = others.get(native_id, "another")
            code, says = UNCLEAR[how]
            run.exceptions.append(
                NewException(
                    sync=plan.name,
                    object=plan.object,
                    connection=member.connection,
                    resource=member.resource,
                    rule=rule,
                    code=code,
                    category="conflict",
                    message=f"{beside} {says} ({rule}): a person decides which it is",
                    native_id=native_id,
                    pattern="duplicate",
                    side="source",
                    correlation_id=correlation or "",
                )
            )


def _others(run: RunContext, plan: Plan, member: Member) -> dict[str, str]:
    """Say for each row in review who else is in its group: rows as CONNECTION ID, known records by canonical id."""
    said: dict[str, list[str]] = {}
    for step in plan.match:
        if not step.output.startswith(f"{plan.name}/groups/"):
            continue
        number = step.output.rsplit("/", 1)[1]
        rows, known = (
            next(name for name in step.inputs if "/crowds/" not in name and "/known/" not in name),
            f"{plan.name}/known/{number}",
        )
        for native_id, other in run.state.rows(
            f"""
            WITH rows AS (SELECT DISTINCT key, connection, _native_id FROM {quoted(rows)}),
                 mine AS (SELECT r.key, r._native_id FROM rows AS r JOIN {quoted(f"{plan.name}/match/{number}")} AS m
                            ON m.connection = r.connection AND m._native_id = r._native_id AND m.state = 'review'
                          WHERE r.connection = {text(member.connection)})
            SELECT w._native_id, concat_ws(' ', o.connection, o._native_id) FROM mine AS w JOIN rows AS o ON o.key = w.key
            WHERE o.connection <> {text(member.connection)} OR o._native_id <> w._native_id
            UNION
            SELECT w._native_id, k._cid FROM mine AS w JOIN {quoted(known)} AS k ON k.key = w.key ORDER BY ALL
            """
        ):
            said.setdefault(native_id, []).append(other)
    return {native_id: _listed(others) for native_id, others in said.items()}


def _listed(others: Sequence[str]) -> str:
    more = f" and {len(others) - SHOWN} more" if len(others) > SHOWN else ""
    return ", ".join(others[:SHOWN]) + more


def _count(run: RunContext, plan: Plan, member: Member) -> None:
    """Give the *in* equation of one member: each term from a relation of its own."""
    prefix = prefix_of(plan, member)
    subject = f"{member.connection}.{member.resource}"
    reading = run.reading(member)
    run.count(plan.name, "in", subject, "read", reading.rows)
    if erased := run.erased.met.get((member.connection, member.resource)):
        run.count(plan.name, "in", subject, "tombstone", erased, "erased")
    for kind, detail, value in run.state.rows(
        f"SELECT kind, detail, count(*) FROM ({_classes(prefix, idle=plan.name in run.idle)}) GROUP BY 1, 2"
    ):
        run.count(plan.name, "in", subject, kind, value, detail)


def _classes(prefix: str, *, idle: bool) -> str:
    """One row per row read: its term of the equation and what splits it."""
    before = f"""
        SELECT CASE how WHEN 'same' THEN 'matched' WHEN 'same:left_scope' THEN 'left_scope' ELSE 'filtered' END AS kind,
               'unchanged' AS detail
        FROM {quoted(f"{prefix}/compared")} WHERE how LIKE 'same%'
        UNION ALL
        SELECT class, '' FROM {quoted(f"{prefix}/class")} WHERE class <> 'changed'
    """
    if idle:
        return before
    return f"""
        {before}
        UNION ALL
        SELECT CASE WHEN p.status IN ('unmatched', 'double', 'left') THEN 'filtered' ELSE p.status END,
               CASE p.status WHEN 'unmatched' THEN 'unmatched' ELSE p.detail END
        FROM {quoted(f"{prefix}/class")} AS c JOIN {quoted(f"{prefix}/parked")} AS p ON p._native_id = c._native_id
        WHERE c.class = 'changed'
        UNION ALL
        SELECT 'matched', 'changed'
        FROM {quoted(f"{prefix}/class")} AS c JOIN {quoted(f"{prefix}/values")} AS v ON v._native_id = c._native_id
        WHERE c.class = 'changed'
    """
