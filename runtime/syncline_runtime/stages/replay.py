"""Replay: records of a window of runs are decided again, under today's plan, from what is known of them today.

In: the runs whose landed rows name the records. Out: ``replayed`` (connection, resource, native id), and the canonical ids
that merge looks at again. Invariant: nothing that was read then goes over what has been read since: a replay says *which*
records are looked at, their stored images say what they are.
"""

from __future__ import annotations

from syncline_runtime.moves import as_named_now
from syncline_runtime.plan import Member
from syncline_runtime.stages.context import RunContext
from syncline_runtime.state import quoted, text


def bind_replayed(run: RunContext, window: tuple[str, str] | None) -> None:
    """Make ``replayed`` of the landed segments of a window of runs, where there is one."""
    if window is None:
        return
    run.replayed = True
    run.state.empty("replayed", {"connection": "VARCHAR", "resource": "VARCHAR", "native_id": "VARCHAR"})
    for segment in as_named_now(run.release, run.ledger.register.segments()):
        if segment.kind != "landed" or segment.run < window[0]:
            continue
        path = run.store.locate(segment).resolve()
        own = "_run" if "_run" in run.state.columns_of(path) else text(segment.run)  # compacted ones say it per row
        connection, resource = segment.subject.split("/", 1)
        run.state.execute(
            f"INSERT INTO replayed SELECT DISTINCT {text(connection)}, {text(resource)}, _native_id "
            f"FROM read_parquet({text(str(path))}) WHERE {own} BETWEEN {text(window[0])} AND {text(window[1])}"
        )


def replayed_ids(run: RunContext) -> list[tuple[str, str]]:
    """Give (object, canonical id) of the records that are looked at again."""
    if not run.replayed:
        return []
    rows = run.state.rows(
        f"SELECT DISTINCT k.object, k.canonical_id FROM {quoted('links:all')} AS k JOIN replayed AS r "
        "ON r.connection = k.connection AND r.resource = k.resource AND r.native_id = k.native_id WHERE k.state = 'live'"
    )
    return [(object_, cid) for object_, cid in rows]


def of_replayed(member: Member) -> str:
    """Give the condition that a base row is one of them."""
    return (
        f"b._native_id IN (SELECT native_id FROM replayed WHERE connection = {text(member.connection)} "
        f"AND resource = {text(member.resource)})"
    )
