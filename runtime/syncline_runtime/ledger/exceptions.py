"""The exception queue: records that cannot go on, one row per cause for as long as it stands.

In: what runs met (``NewException``) and what people decide. Out: ``ExceptionRecord``.
Invariant: while an exception stands, meeting it again raises its count and ``last_seen``; it never makes a second row.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

from sqlalchemy import and_, bindparam, case, exists, select

from syncline_runtime.encoding import dumps
from syncline_runtime.errors import UsageError
from syncline_runtime.ledger.cases import ExceptionRecord, NewException
from syncline_runtime.ledger.database import Database, Prepared, Transaction, given
from syncline_runtime.ledger.facts import Lease
from syncline_runtime.ledger.schema import exception, exception_case, payload, standing_in
from syncline_runtime.ledger.states import ASKING, STANDING, ExceptionState

_CHUNK = 500
_COLUMNS = (
    exception.c.id, exception.c.sync, exception.c.object, exception.c.connection, exception.c.resource,
    exception.c.native_id, exception.c.canonical_id, exception.c.field, exception.c.rule, exception.c.code,
    exception.c.category, exception.c.pattern, exception.c.severity, exception.c.side, exception.c.state,
    exception.c.owner, exception.c.correlation_id, exception.c.message, exception.c.first_run, exception.c.last_run,
    exception.c.first_seen, exception.c.last_seen, exception.c.count, exception_case.c.assignee,
    exception_case.c.waived_until,
)  # fmt: skip
_FILTERS = ("sync", "object", "connection", "resource", "canonical_id", "native_id", "code", "category", "owner",
            "correlation_id", "severity", "pattern", "rule", "field", "assignee")  # fmt: skip
_IDENTITY = ("native_id", "canonical_id", "sync", "connection", "resource", "field", "rule", "code")
_HERE = exception.c.realm_id == bindparam("realm")
_CASE = and_(exception_case.c.realm_id == exception.c.realm_id, exception_case.c.exception_id == exception.c.id)
_STANDS = standing_in(exception, STANDING)
_BY_NATIVE_ID = select(exception.c.id, *(exception.c[name] for name in _IDENTITY)).where(
    _HERE, _STANDS, exception.c.native_id.in_(bindparam("ids", expanding=True))
)
_SELECT = select(*_COLUMNS).outerjoin(exception_case, _CASE).where(_HERE)
_BY_ID = _SELECT.where(exception.c.id.in_(bindparam("ids", expanding=True))).order_by(exception.c.id)
_ADD = Prepared(lambda: exception.insert())
_AGAIN = Prepared(
    lambda: (
        exception.update()
        .where(_HERE, exception.c.id == bindparam("of"))
        .values(
            count=exception.c.count + 1,
            state=case((exception.c.state == "retried", bindparam("again")), else_=exception.c.state),
            **given("last_run", "last_seen", "message", "correlation_id", "category", "severity", "pattern", "side"),
        )
    )
)
_MOVE = Prepared(
    lambda: (
        exception.update()
        .where(_HERE, exception.c.id == bindparam("of"), _STANDS)
        .values(**given("state", "closed_run"))
    )
)
_END_WAIVERS = Prepared(
    lambda: (
        exception.update()
        .where(
            _HERE,
            _STANDS,
            standing_in(exception, ("waived",)),
            exists().where(_CASE, exception_case.c.waived_until <= bindparam("now")),
        )
        .values(state="open")
    )
)
_DROP_VALUES = Prepared(
    lambda: payload.delete().where(
        payload.c.realm_id == bindparam("realm"), payload.c.kind == "exception", payload.c.subject == bindparam("of")
    )
)
_ADD_VALUES = Prepared(lambda: payload.insert())
_VALUES = Prepared(
    lambda: select(payload.c.body).where(
        payload.c.realm_id == bindparam("realm"), payload.c.kind == "exception", payload.c.subject == bindparam("of")
    )
)


class Exceptions:
    """The exceptions of a realm."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def find(self, states: Sequence[ExceptionState] = ASKING, most: int = 10_000, **by: str) -> list[ExceptionRecord]:
        """Exceptions in some states whose columns equal ``by`` (sync, connection, code, owner, …), newest first."""
        unknown = sorted(set(by) - set(_FILTERS))
        if unknown:
            raise UsageError(f"exceptions have no {unknown[0]!r}", mend=f"filter by {', '.join(_FILTERS)}")
        wanted: list[Any] = [standing_in(exception, tuple(states)), *(_column(name) == by[name] for name in by)]
        if set(states) <= set(STANDING):
            wanted.append(_STANDS)  # lets the index of the few that stand serve
        statement = _SELECT.where(*wanted).order_by(exception.c.last_seen.desc(), exception.c.id).limit(most)
        with self._database.read() as look:
            rows = look.connection.execute(statement, {"realm": look.realm_id})
            return [_read(row) for row in rows]

    def get(self, ids: Sequence[int]) -> list[ExceptionRecord]:
        """Give the exceptions with these ids, whatever their state."""
        with self._database.read() as look:
            return [_read(row) for row in look.among(_BY_ID, "ids", list(ids))]

    def groups(self, *columns: str, states: Sequence[ExceptionState] = ASKING) -> Counter[tuple[str, ...]]:
        """How many exceptions there are per combination of columns, such as ``groups("code", "connection")``."""
        return Counter(tuple(getattr(one, name) for name in columns) for one in self.find(states, most=1_000_000))

    def values(self, of: int) -> Mapping[str, Any] | None:
        """Give the field values of an exception, None if it has none or they were erased."""
        with self._database.read() as look:
            row = look.row(_VALUES, of=of)
        return json.loads(row[0]) if row else None

    def add(self, held: Lease, run: str, met: Iterable[NewException]) -> int:
        """Record what delivery met, after the seal; returns how many exceptions that are."""
        with self._database.write(held) as change:
            return record(change, run, met)

    def move(self, held: Lease, ids: Iterable[int], state: ExceptionState) -> int:
        """Put standing exceptions into another state and return how many there were."""
        with self._database.write(held) as change:
            return sum(change.run(_MOVE, of=one, to_state=state, to_closed_run=None) for one in ids)

    def end_waivers(self, held: Lease) -> int:
        """Open exceptions again whose waiver is over; returns how many."""
        with self._database.write(held) as change:
            return change.run(_END_WAIVERS, now=change.now)


def record(change: Transaction, run: str, met: Iterable[NewException]) -> int:
    """Record what a run met, once per identity; returns how many exceptions that are."""
    distinct: dict[tuple[str, ...], NewException] = {}
    for one in met:
        distinct.setdefault(one.identity, one)
    entries = iter(distinct.values())
    while chunk := list(islice(entries, _CHUNK)):
        _record_chunk(change, run, chunk)
    return len(distinct)


def close(change: Transaction, run: str, ids: Iterable[int], state: ExceptionState = "resolved") -> int:
    """Close exceptions whose cause a run found gone, or which no longer apply; returns how many stood."""
    return sum(change.run(_MOVE, of=one, to_state=state, to_closed_run=run) for one in ids)


def _column(name: str) -> Any:
    return exception_case.c.assignee if name == "assignee" else exception.c[name]


def _read(row: Sequence[Any]) -> ExceptionRecord:
    *known, assignee, until = row
    return ExceptionRecord(*(*known, assignee or "", until))


def _record_chunk(change: Transaction, run: str, chunk: list[NewException]) -> None:
    rows = change.among(_BY_NATIVE_ID, "ids", sorted({one.native_id for one in chunk}))
    known = {tuple(row[1:]): int(row[0]) for row in rows}
    fresh = [one for one in chunk if one.identity not in known]
    first = change.bump("exception", len(fresh)) - len(fresh) + 1 if fresh else 0
    ids = {**known, **{one.identity: first + place for place, one in enumerate(fresh)}}
    change.many(_ADD, (_row(one, ids[one.identity], run, change.now) for one in fresh))
    seen = [one for one in chunk if one.identity in known]
    change.many(_AGAIN, (_again(one, ids[one.identity], run, change.now) for one in seen))
    change.many(_DROP_VALUES, ({"of": ids[one.identity]} for one in seen))
    change.many(_ADD_VALUES, _bodies(chunk, ids))


def _row(one: NewException, number: int, run: str, now: int) -> dict[str, Any]:
    known = {name: value for name, value in vars(one).items() if name != "values"}
    sighting = {"first_run": run, "last_run": run, "first_seen": now, "last_seen": now, "count": 1}
    known.pop("waits_for")
    return {**known, **sighting, "id": number, "state": _begins(one), "closed_run": None}


def _begins(one: NewException) -> ExceptionState:
    return "waiting" if one.waits_for else "open"


def _again(one: NewException, number: int, run: str, now: int) -> dict[str, Any]:
    return {
        "of": number, "to_last_run": run, "to_last_seen": now, "to_message": one.message,
        "to_correlation_id": one.correlation_id, "to_category": one.category, "to_severity": one.severity,
        "to_pattern": one.pattern, "to_side": one.side, "again": _begins(one),
    }  # fmt: skip


def _bodies(chunk: list[NewException], ids: Mapping[tuple[str, ...], int]) -> Iterator[dict[str, Any]]:
    for one in chunk:
        values = dict(one.values or {}) | ({"waits_for": list(one.waits_for)} if one.waits_for else {})
        if values:
            yield {
                "kind": "exception", "subject": ids[one.identity], "object": one.object,
                "canonical_id": one.canonical_id, "body": dumps(values).decode(),
            }  # fmt: skip
