"""Runs: begun under a lease, sealed once, closed with their counts.

In: the lease and the hashes of what is run. Out: ``Run``.
Invariants: at most one run per sync is under way; a run that ended without being closed is closed as failed by the
next one; the ``out`` equation holds at the close, counted from queries of their own.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import bindparam, func, select

from syncline_runtime.encoding import dumps
from syncline_runtime.errors import InternalError
from syncline_runtime.ledger import equations
from syncline_runtime.ledger.database import Database, Prepared, Row, Transaction, given
from syncline_runtime.ledger.facts import Count, Lease, Run
from syncline_runtime.ledger.ids import new_id
from syncline_runtime.ledger.leases import HELPERS
from syncline_runtime.ledger.schema import count, intent, run, standing_in
from syncline_runtime.ledger.states import CLOSED, OPEN, RunStatus

_COLUMNS = (
    run.c.id, run.c.release_hash, run.c.binding_hash, run.c.syncs, run.c.started_at,
    run.c.sealed_at, run.c.closed_at, run.c.status, run.c.exit_code, run.c.summary,
)  # fmt: skip
_HERE = run.c.realm_id == bindparam("realm")
_IS_UNDER_WAY = standing_in(run, ("running", "sealed"), "status")
_LAST = Prepared(lambda: select(*_COLUMNS).where(_HERE).order_by(run.c.id.desc()).limit(bindparam("most")))
_ONE = Prepared(lambda: select(*_COLUMNS).where(_HERE, run.c.id == bindparam("of")))
_UNDER_WAY = Prepared(lambda: select(run.c.id, run.c.syncs).where(_HERE, _IS_UNDER_WAY))
_BEGIN = Prepared(lambda: run.insert())
_CLOSE = Prepared(
    lambda: (
        run.update()
        .where(_HERE, run.c.id == bindparam("of"), _IS_UNDER_WAY)
        .values(given("status", "exit_code", "closed_at", "summary"))
    )
)
_COUNTS = Prepared(
    lambda: (
        select(count.c.sync, count.c.equation, count.c.subject, count.c.name, count.c.value, count.c.detail)
        .where(count.c.realm_id == bindparam("realm"), count.c.run_id == bindparam("of"))
        .order_by(count.c.sync, count.c.equation, count.c.subject, count.c.name, count.c.detail)
    )
)
_KNOWN = select(run.c.id, run.c.closed_at).where(run.c.id.in_(bindparam("ids", expanding=True)))
_ADD_COUNT = Prepared(lambda: count.insert())


def _tally(*where: Any) -> Prepared:
    groups = (intent.c.sync, intent.c.connection, intent.c.state)
    return Prepared(
        lambda: select(*groups, func.count()).where(intent.c.realm_id == bindparam("realm"), *where).group_by(*groups)
    )


_OPEN_NOW = _tally(standing_in(intent, OPEN))
_NEW = _tally(intent.c.run_id == bindparam("of"))
_CLOSED_IN = _tally(intent.c.closed_run == bindparam("of"), intent.c.closed_run.is_not(None))


class Runs:
    """The runs of a realm."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def begin(self, held: Lease, release_hash: str, binding_hash: str, syncs: Sequence[str]) -> Run:
        """Record that a run starts, and what was open before it; closes what an interrupted run left."""
        with self._database.write(held) as change:
            (last, *_), *_ = change.rows(_LAST, most=1) or [("",)]
            begun = Run(new_id(change.now, last), release_hash, binding_hash, tuple(syncs), change.now)
            for other, its_syncs in change.rows(_UNDER_WAY):
                if set(json.loads(its_syncs)) & set(syncs):
                    _close(change, other, "failed", None, {"interrupted": True})
            change.run(
                _BEGIN, id=begun.id, release_hash=release_hash, binding_hash=binding_hash,
                syncs=dumps(begun.syncs).decode(), started_at=change.now, status="running", summary="{}",
            )  # fmt: skip
            add_counts(change, begun.id, _out(change.rows(_OPEN_NOW), begun.syncs, "open_before"))
        return begun

    def close(self, held: Lease, of: str, status: RunStatus, exit_code: int, summary: Mapping[str, Any]) -> None:
        """Record how a run ended and its ``out`` counts.

        Raises InternalError when open before + new differs from what was closed + open after, or if the run is
        not under way.
        """
        with self._database.write(held) as change:
            change.rows(HELPERS)  # what they write beside us comes before the counts, or after
            found = change.row(_ONE, of=of)
            syncs = _run(found).syncs if found else ()
            new = _out(change.rows(_NEW, of=of), syncs, "new")
            closed = _closed(change.rows(_CLOSED_IN, of=of), syncs)
            after = _out(change.rows(_OPEN_NOW), syncs, "open_after")
            before = [one for one in _counts(change, of) if one.equation == "out"]
            equations.check_out([*before, *new, *closed, *after])
            add_counts(change, of, [*new, *closed, *after])
            if not _close(change, of, status, exit_code, summary):
                raise InternalError(f"run {of} is not under way", place=self._database.place)

    def last(self, most: int = 10) -> list[Run]:
        """Give the newest runs, newest first."""
        with self._database.read() as look:
            return [_run(row) for row in look.rows(_LAST, most=most)]

    def get(self, of: str) -> Run | None:
        """Give the run of that id."""
        with self._database.read() as look:
            row = look.row(_ONE, of=of)
        return None if row is None else _run(row)

    def known(self, ids: Iterable[str]) -> dict[str, bool]:
        """Say which of these runs any realm of this ledger knows, and whether they have ended."""
        with self._database.read() as look:
            return {row[0]: row[1] is not None for row in look.among(_KNOWN, "ids", sorted(set(ids)))}

    def counts(self, of: str) -> list[Count]:
        """All counts of a run, sorted."""
        with self._database.read() as look:
            return _counts(look, of)


def add_counts(change: Transaction, of: str, counts: Sequence[Count]) -> None:
    """Record counts of a run; terms with the same name are added up."""
    terms: Counter[tuple[str, str, str, str, str]] = Counter()
    for one in counts:
        terms[one.sync, one.equation, one.subject, one.name, one.detail] += one.value
    change.many(
        _ADD_COUNT,
        (
            {
                "run_id": of, "sync": sync, "equation": equation, "subject": subject,
                "name": name, "detail": detail, "value": value,
            }
            for (sync, equation, subject, name, detail), value in terms.items()
        ),
    )  # fmt: skip


def _counts(look: Transaction, of: str) -> list[Count]:
    return [Count(*row) for row in look.rows(_COUNTS, of=of)]


def _close(change: Transaction, of: str, status: str, exit_code: int | None, summary: Mapping[str, Any]) -> int:
    told = dumps(summary).decode()
    return change.run(_CLOSE, of=of, to_status=status, to_exit_code=exit_code, to_closed_at=change.now, to_summary=told)


def _run(row: Row) -> Run:
    of, release_hash, binding_hash, syncs, *times, summary = row
    return Run(*(of, release_hash, binding_hash, tuple(json.loads(syncs)), *times, json.loads(summary)))


def _out(rows: Sequence[Row], syncs: Sequence[str], name: str) -> list[Count]:
    """One count per sync and connection, whatever the state of its intents."""
    return [Count(sync, "out", connection, name, number) for sync, connection, _, number in rows if sync in syncs]


def _closed(rows: Sequence[Row], syncs: Sequence[str]) -> list[Count]:
    """One count per sync, connection and closed state; an open intent with a closing run is left to the check."""
    return [
        Count(sync, "out", connection, state, number)
        for sync, connection, state, number in rows
        if sync in syncs and state in CLOSED
    ]
