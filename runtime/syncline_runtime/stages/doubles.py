"""Doubles: further records of a system that are the same as one it has already.

In: rows that match found to be doubles, links of earlier runs. Out: the rows set aside (*filtered*, as doubles), their
values neither merged nor written; their native ids stay known and lead to the record that speaks for them.
"""

from __future__ import annotations

from syncline_runtime.plan import Member, Plan
from syncline_runtime.stages.context import RunContext, prefix_of
from syncline_runtime.state import quoted, text

DOUBLE = "double"


def set_known_doubles_aside(run: RunContext, plan: Plan) -> None:
    """Take rows that an earlier run found to be doubles out of what is matched."""
    known = f"SELECT native_id, connection FROM {quoted('links:all')} WHERE state = {text(DOUBLE)} AND object = {text(plan.object)}"
    if run.state.scalar(f"SELECT count(*) FROM ({known})"):
        for member in plan.members:
            doubles = f"SELECT native_id AS _native_id FROM ({known}) WHERE connection = {text(member.connection)}"
            unlinked = f"SELECT _native_id FROM {quoted(f'{prefix_of(plan, member)}/values')} WHERE _cid IS NULL"
            set_aside(
                run, plan, member, f"SELECT _native_id FROM ({doubles}) SEMI JOIN ({unlinked}) USING (_native_id)"
            )


def set_new_doubles_aside(run: RunContext, plan: Plan) -> None:
    """Take rows that this run found to be doubles out of what is merged."""
    matched = quoted(f"{plan.name}/match")
    for member in plan.members:
        where = f"connection = {text(member.connection)} AND state = {text(DOUBLE)}"
        set_aside(run, plan, member, f"SELECT _native_id FROM {matched} WHERE {where}")


def set_aside(run: RunContext, plan: Plan, member: Member, doubles: str, status: str = DOUBLE) -> None:
    """Park rows, as doubles unless it is said what they are."""
    prefix, state = prefix_of(plan, member), run.state
    state.make(f"{prefix}/doubles", doubles)
    listed = f"SELECT _native_id FROM {quoted(f'{prefix}/doubles')}"
    state.execute(
        f"INSERT INTO {quoted(f'{prefix}/parked#0')} "
        f"SELECT _native_id, CAST(NULL AS VARCHAR), {text(status)}, {text(status)} FROM ({listed})"
    )
    for number in range(run.parts[prefix]):
        state.execute(f"DELETE FROM {quoted(f'{prefix}/values#{number}')} WHERE _native_id IN ({listed})")
