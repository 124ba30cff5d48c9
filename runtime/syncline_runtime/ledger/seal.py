"""The seal: everything that a run decided becomes true in one transaction.

In: ``Seal``. Out: ``Sealed``; segments, intents with their payloads and references, exceptions, counts and cursors
stand in the ledger, or nothing does.
Invariants: the equations ``in`` and ``across`` hold; no record and member has two open intents; an intent's key never
occurs twice.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any

from sqlalchemy import bindparam, func, literal_column, select

from syncline_runtime.errors import InternalError
from syncline_runtime.ledger import decisions, equations, exceptions
from syncline_runtime.ledger.bodies import IntentKeys, canonical, fingerprint
from syncline_runtime.ledger.database import Database, Prepared, Transaction, given
from syncline_runtime.ledger.facts import Lease, Member, NewIntent, Seal, Sealed
from syncline_runtime.ledger.register import add_segments, move_cursors
from syncline_runtime.ledger.runs import add_counts
from syncline_runtime.ledger.schema import intent, intent_reference, payload, run, standing_in
from syncline_runtime.ledger.states import OPEN, UNSETTLED

_Place = tuple[str, str, str]  # connection, canonical id, part key
_CHUNK = 5_000
_ADD_INTENT = Prepared(  # the other columns have their defaults: every value bound is time for large seals
    lambda: intent.insert().values(
        realm_id=bindparam("realm"),
        state=literal_column("'pending'"),
        created_at=bindparam("now"),
        updated_at=bindparam("now"),
        **given(
            *("id", "run_id", "sync", "object", "connection", "resource", "operation", "canonical_id", "part_key"),
            *("native_id", "n", "key", "fingerprint", "origin", "correlation_id"),
        ),
    )
)
_ADD_PAYLOAD = Prepared(lambda: payload.insert())
_ADD_REFERENCE = Prepared(lambda: intent_reference.insert())
_SEALED = Prepared(
    lambda: (
        run.update()
        .where(
            run.c.realm_id == bindparam("realm"), run.c.id == bindparam("of"), standing_in(run, ("running",), "status")
        )
        .values(given("status", "sealed_at"))
    )
)
_ANY = Prepared(lambda: select(intent.c.id).where(intent.c.realm_id == bindparam("realm")).limit(1))
_HERE = (intent.c.realm_id == bindparam("realm"), intent.c.canonical_id.in_(bindparam("ids", expanding=True)))
_LAST_N = (
    select(intent.c.connection, intent.c.canonical_id, intent.c.part_key, func.max(intent.c.n))
    .where(*_HERE)
    .group_by(intent.c.connection, intent.c.canonical_id, intent.c.part_key)
)
_OPEN = select(intent.c.connection, intent.c.canonical_id, intent.c.part_key, intent.c.id).where(
    *_HERE, standing_in(intent, OPEN)
)
_SETTLE = Prepared(
    lambda: (
        intent.update()
        .where(
            intent.c.realm_id == bindparam("realm"),
            intent.c.connection == bindparam("of_connection"),
            intent.c.canonical_id == bindparam("of_record"),
            intent.c.part_key == bindparam("of_part"),
            intent.c.settled_run.is_(None),
            standing_in(intent, UNSETTLED),
        )
        .values(given("settled_run"))
    )
)


def seal(database: Database, held: Lease, what: Seal) -> Sealed:
    """Record a run's decisions at once.

    Raises InternalError, and records nothing, when an equation does not hold, the run was sealed before, or an intent
    is asked for a record and member that has an open one.
    """
    equations.check_in(what.counts)
    with database.write(held) as change:
        if not change.run(_SEALED, of=what.run, to_status="sealed", to_sealed_at=change.now):
            raise InternalError(f"run {what.run} is not running, so it cannot be sealed", place=database.place)
        made = _Intents(database, change, what.run).add(what.intents)
        equations.check_across(what.counts, made.merged)
        _settle(change, what.run, what.settled)
        met = exceptions.record(change, what.run, what.exceptions)
        exceptions.close(change, what.run, what.resolved_exceptions)
        exceptions.close(change, what.run, what.superseded_exceptions, "superseded")
        decisions.end(change, what.run, what.ended_decisions)
        add_counts(change, what.run, what.counts)
        move_cursors(change, what.run, what.cursors)
        return Sealed(add_segments(change, what.run, what.segments), made.all, met)


@dataclass
class _Made:
    """How many intents were written: of origin ``merge`` per (sync, connection), and of any origin."""

    merged: Counter[tuple[str, str]]
    all: int = 0


class _Intents:
    """The writing of one seal's intents, chunk by chunk."""

    def __init__(self, database: Database, change: Transaction, run: str) -> None:
        self._change, self._place, self._secret = change, database.place, database.fingerprint_key
        self._keys = IntentKeys(database.realm)
        self._first = change.row(_ANY) is None  # nothing can collide: the usual case for the largest seals
        self._before = change.bump("intent", 0)
        self._same = {"realm": change.realm_id, "to_run_id": run, "now": change.now}

    def add(self, intents: Iterable[NewIntent]) -> _Made:
        made = _Made(Counter())
        source = iter(intents)
        while chunk := list(islice(source, _CHUNK)):
            self._add_chunk(chunk)
            made.merged.update((one.sync, one.connection) for one in chunk if one.origin == "merge")
            made.all += len(chunk)
        return made

    def _add_chunk(self, chunk: list[NewIntent]) -> None:
        members = [(one.connection, one.canonical_id, one.part_key) for one in chunk]
        if len(set(members)) < len(members):
            twice = next(member for member, times in Counter(members).items() if times > 1)
            raise self._refused(twice, "the same seal holds another one")
        counters = {} if self._first else self._counters(members)
        last = self._change.bump("intent", len(chunk))
        numbers = range(last - len(chunk) + 1, last + 1)
        bodies = [canonical(one.payload) for one in chunk]
        ns = [counters.get(member, 0) + 1 for member in members]
        self._change.many(_ADD_INTENT, map(self._row, numbers, chunk, ns, bodies))
        self._change.many(_ADD_PAYLOAD, map(self._payload, numbers, chunk, bodies))
        self._change.many(_ADD_REFERENCE, _references(numbers, chunk))

    def _counters(self, members: list[_Place]) -> dict[_Place, int]:
        """Give the highest n so far per member of the chunk; refuse what has an open intent.

        An intent of an earlier seal blocks the whole record on its connection, one of this seal only its own part.
        """
        wanted, records = set(members), {member[:2] for member in members}
        ids = sorted({member[1] for member in members})
        for *place, number in self._change.among(_OPEN, "ids", ids):
            member = (place[0], place[1], place[2])
            if member in wanted or (member[:2] in records and number <= self._before):
                raise self._refused(member, f"intent {number} is open")
        return {(row[0], row[1], row[2]): row[3] for row in self._change.among(_LAST_N, "ids", ids)}

    def _refused(self, member: _Place, why: str) -> InternalError:
        connection, record, part = member
        which = f"{record} part {part}" if part else record
        return InternalError(f"a new intent for {which} on {connection} although {why}", place=self._place)

    def _row(self, number: int, one: NewIntent, n: int, body: bytes) -> dict[str, Any]:
        return {
            **self._same, "to_id": number, "to_sync": one.sync, "to_object": one.object,
            "to_connection": one.connection, "to_resource": one.resource, "to_operation": one.operation,
            "to_canonical_id": one.canonical_id, "to_part_key": one.part_key, "to_native_id": one.native_id,
            "to_n": n, "to_key": self._keys.key(one, n), "to_fingerprint": fingerprint(self._secret, body),
            "to_origin": one.origin, "to_correlation_id": one.correlation_id,
        }  # fmt: skip

    def _payload(self, number: int, one: NewIntent, body: bytes) -> dict[str, Any]:
        return {
            "realm_id": self._change.realm_id, "kind": "intent", "subject": number, "object": one.object,
            "canonical_id": one.canonical_id, "body": body.decode(),
        }  # fmt: skip


def _references(numbers: Iterable[int], chunk: Iterable[NewIntent]) -> Iterator[dict[str, Any]]:
    for number, one in zip(numbers, chunk, strict=True):
        for reference in dict.fromkeys(one.references):
            yield {"intent_id": number, **vars(reference)}


def _settle(change: Transaction, run: str, members: Iterable[Member]) -> None:
    change.many(
        _SETTLE,
        (
            {
                "of_connection": one.connection, "of_record": one.canonical_id, "of_part": one.part_key,
                "to_settled_run": run,
            }
            for one in members
        ),
    )  # fmt: skip
