"""Classify: what each row read is before it is normalised, and what is stored of the few that tell something.

In: landed rows, stored base. Out, per member: ``compared`` (one row per row read, and one per record that a whole read
did not show), ``stored`` (the base rows of all that is not as stored, waits or is absent), ``class`` (one row per row
read that is not as stored). Rows as stored are told by (native id, hash) alone and never looked at again.
"""

from __future__ import annotations

from syncline_runtime.packing import base_rows, few, near, stored_table
from syncline_runtime.plan import Member, Plan
from syncline_runtime.stages.context import RunContext, keys_of, landed_of, prefix_of
from syncline_runtime.stages.replay import of_replayed
from syncline_runtime.state import quoted, text

PARKED = ("rejected", "review", "unmatched")
GONE = "gone"


def classify(run: RunContext, plan: Plan, member: Member) -> None:
    """Make ``compared``, ``stored`` and ``class`` of a member."""
    prefix = prefix_of(plan, member)
    _find_older(run, prefix, member)
    run.state.make(f"{prefix}/compared", _compared(run, prefix, member))
    _fetch_stored(run, prefix, member)
    run.state.make(f"{prefix}/class", _class(run, prefix, member))


def _find_older(run: RunContext, prefix: str, member: Member) -> None:
    """Make ``older``: rows of records of which the same read tells something later."""
    landed, current = quoted(landed_of(member)), f"SELECT * FROM {quoted(landed_of(member))} AS l"
    # whether there are any costs half of finding which
    if not run.state.scalar(f"SELECT count(*) - count(DISTINCT _native_id) FROM {landed}"):
        run.state.bind(f"{prefix}/older", f"SELECT _seq, _native_id FROM {landed} WHERE false")
        run.state.bind(f"{prefix}/current", current)
        return
    last = f"{prefix}/last"
    run.state.make(last, f"SELECT _native_id, max(_seq) AS _seq FROM {landed} GROUP BY 1 HAVING count(*) > 1")
    run.state.bind(
        f"{prefix}/older",
        f"SELECT l._seq, l._native_id FROM {landed} AS l JOIN {quoted(last)} AS d "
        f"ON d._native_id = l._native_id AND d._seq > l._seq",
    )
    run.state.bind(f"{prefix}/current", f"{current} ANTI JOIN {quoted(f'{prefix}/older')} AS o ON o._seq = l._seq")


def _compared(run: RunContext, prefix: str, member: Member) -> str:
    """Give ``how`` of each record: *same*, *same:STATUS*, *told* or *absent*; ids only where it is not the same.

    Hashes of the landed row's SHA-256 are compared, of one record each: nothing is lost by their being shorter.
    """
    reading = run.reading(member)
    # only a read that showed every live record, or its id, tells that one is absent, and never an empty or failed one
    shown = (reading.complete and reading.rows) or reading.keys
    join = "FULL" if shown and reading.error is None else "LEFT"
    ids = f"SELECT _native_id FROM {quoted(keys_of(landed_of(member)))}"
    unshown = f"AND b._native_id NOT IN ({ids})" if reading.keys else ""
    stored = quoted(stored_table(prefix))
    if join == "LEFT":
        read = f"SELECT _native_id FROM {quoted(f'{prefix}/current')}"
        rows = near(stored_table(prefix), "_native_id", read)
        stored = few(stored_table(prefix), rows, "rowid, _native_id, _status, _mapping, _raw_hash")
    settled = f"_mapping = {text(member.mapping)} AND _status NOT IN ({', '.join(map(text, (*PARKED, GONE)))})"
    return f"""
        SELECT CASE WHEN how NOT LIKE 'same%' THEN _seq END AS _seq,
               CASE WHEN how NOT LIKE 'same%' THEN _native_id END AS _native_id,
               CASE WHEN how NOT LIKE 'same%' THEN _row END AS _row, how
        FROM (
            SELECT l._seq, coalesce(l._native_id, b._native_id) AS _native_id, b._row, CASE
                WHEN l._native_id IS NULL THEN 'absent'
                WHEN l.hash = b.hash THEN CASE b._status WHEN 'linked' THEN 'same' ELSE 'same:' || b._status END
                ELSE 'told' END AS how
            FROM (SELECT _seq, _native_id, CASE WHEN _op <> 'delete' THEN hash(_raw_hash) END AS hash
                  FROM {quoted(f"{prefix}/current")}) AS l
            {join} JOIN (SELECT rowid AS _row, _native_id, _status, CASE WHEN {settled} THEN hash(_raw_hash) END AS hash
                         FROM {stored}) AS b ON b._native_id = l._native_id
            WHERE l._native_id IS NOT NULL OR (b._status <> {text(GONE)} {unshown})
        )
    """


def _fetch_stored(run: RunContext, prefix: str, member: Member) -> None:
    """Make ``stored``: base rows of what is not as stored or is tried again. Nearly all others are never read whole."""
    told = f"SELECT _row FROM {quoted(f'{prefix}/compared')} WHERE _row IS NOT NULL"
    again = f"SELECT rowid FROM {quoted(stored_table(prefix))} AS b WHERE {again_of(run, member)}"
    run.state.make(f"{prefix}/stored", base_rows(member, prefix, f"{told} UNION ALL {again}"))


def again_of(run: RunContext, member: Member) -> str:
    """Give the condition on base rows that are tried again though nothing came: parked, or left out by another mapping."""
    outside = f"_mapping <> {text(member.mapping)}"
    if run.replayed:
        outside += f" OR {of_replayed(member)}"
    return f"b._status IN ({', '.join(map(text, PARKED))}) OR (b._status IN ('filtered', 'left_scope') AND ({outside}))"


def _class(run: RunContext, prefix: str, member: Member) -> str:
    """Give one row per row read that is not as stored, with what it is.

    *Late* is a version older than the stored one, or the image before our own write while that may not be visible yet.
    """
    visible_after = run.release.system_of(member.connection).visible_after * 1_000_000
    return f"""
        SELECT _seq, _native_id, 'duplicate' AS class FROM {quoted(f"{prefix}/older")}
        UNION ALL
        SELECT l._seq, l._native_id, CASE
            WHEN l._op = 'delete' THEN 'tombstone'
            WHEN l._raw_hash = b._before AND b._raw_hash <> b._before
                 AND {run.started_at} < b._written + {visible_after} THEN 'late'
            WHEN b._version IS NOT NULL AND l._version IS NOT NULL AND l._raw_hash <> b._raw_hash AND b._status <> {text(GONE)}
                 AND {_clock("l._version")} < {_clock("b._version")} THEN 'late'
            ELSE 'changed' END AS class
        FROM {quoted(landed_of(member))} AS l
        JOIN {quoted(f"{prefix}/compared")} AS c ON c._seq = l._seq
        LEFT JOIN {quoted(f"{prefix}/stored")} AS b ON b._native_id = l._native_id
    """


def _clock(value: str) -> str:
    """Give a version as something that orders: a number or an instant."""
    return f"coalesce(epoch_us(TRY_CAST({value} AS TIMESTAMPTZ)), TRY_CAST({value} AS BIGINT))"
