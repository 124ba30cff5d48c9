"""Intents as planning sees them: what is unfinished, what an interrupted run left, what is still to be settled.

In: the lease of the run that asks. Out: intents, members and refusals.
Invariant: what may have reached the far end is never planned or sent again before somebody has looked.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy import and_, bindparam, exists, func, or_, select

from syncline_runtime.ledger.bodies import canonical, fingerprint
from syncline_runtime.ledger.database import Database, Prepared, Row, given
from syncline_runtime.ledger.facts import Attempt, Backlog, Intent, Lease, Member, Recovered, Refusal, Run
from syncline_runtime.ledger.schema import ack, attempt, exception, intent, lease, payload, standing_in
from syncline_runtime.ledger.states import ASKING, CLOSED, OPEN, REFUSED, STANDING, UNSETTLED

COLUMNS = (
    intent.c.id, intent.c.run_id, intent.c.sync, intent.c.object, intent.c.connection, intent.c.resource,
    intent.c.operation, intent.c.canonical_id, intent.c.part_key, intent.c.native_id, intent.c.n, intent.c.key,
    intent.c.origin, intent.c.state, intent.c.attempts, intent.c.sends, intent.c.next_at, intent.c.first_sent_at,
    intent.c.claim_deadline, intent.c.correlation_id, intent.c.category, intent.c.vendor_code, intent.c.created_at,
    intent.c.updated_at,
)  # fmt: skip
_HERE = intent.c.realm_id == bindparam("realm")
_UNFINISHED = Prepared(lambda: select(*COLUMNS).where(_HERE, standing_in(intent, OPEN)).order_by(intent.c.id))
_BACKLOG = Prepared(
    lambda: (
        select(intent.c.connection, intent.c.state, func.count(), func.min(intent.c.created_at))
        .where(_HERE, standing_in(intent, OPEN))
        .group_by(intent.c.connection, intent.c.state)
        .order_by(intent.c.connection, intent.c.state)
    )
)
_OF_RECORD = Prepared(
    lambda: select(*COLUMNS).where(_HERE, intent.c.canonical_id == bindparam("of")).order_by(intent.c.id)
)
_CORRELATED = Prepared(
    lambda: select(*COLUMNS).where(_HERE, intent.c.correlation_id == bindparam("of")).order_by(intent.c.id)
)
_OF_RUN = Prepared(lambda: select(*COLUMNS).where(_HERE, intent.c.run_id == bindparam("of")).order_by(intent.c.id))
_PAYLOAD = Prepared(
    lambda: select(payload.c.body).where(
        payload.c.realm_id == bindparam("realm"),
        payload.c.kind == bindparam("of"),
        payload.c.subject == bindparam("id"),
    )
)
_UNTOLD = select(ack.c.intent_id).where(ack.c.realm_id == bindparam("realm"), ack.c.confirmed_run.is_(None))
_ENDED_BEFORE = select(intent.c.id).where(
    _HERE, intent.c.run_id < bindparam("before"), standing_in(intent, CLOSED), intent.c.id.not_in(_UNTOLD)
)
_FORGET = Prepared(
    lambda: payload.delete().where(
        payload.c.realm_id == bindparam("realm"),
        standing_in(payload, ("intent", "sent", "returned"), "kind"),
        payload.c.subject.in_(_ENDED_BEFORE),
    )
)
_ATTEMPTS = Prepared(
    lambda: select(
        attempt.c.intent_id, attempt.c.no, attempt.c.started_at, attempt.c.ended_at, attempt.c.outcome,
        attempt.c.status, attempt.c.category, attempt.c.vendor_code, attempt.c.message,
    )
    .where(attempt.c.realm_id == bindparam("realm"), attempt.c.intent_id == bindparam("of"))
    .order_by(attempt.c.no)
)  # fmt: skip

_later = intent.alias("later")
_SAME_MEMBER = and_(
    _later.c.realm_id == intent.c.realm_id,
    _later.c.canonical_id == intent.c.canonical_id,
    _later.c.connection == intent.c.connection,
    _later.c.part_key == intent.c.part_key,
    _later.c.n > intent.c.n,
)
_OPEN_WORK = Prepared(
    lambda: (
        select(intent.c.object, intent.c.canonical_id)
        .where(_HERE, standing_in(intent, UNSETTLED), intent.c.settled_run.is_(None), ~exists().where(_SAME_MEMBER))
        .union(
            select(exception.c.object, exception.c.canonical_id).where(
                exception.c.realm_id == bindparam("realm"),
                standing_in(exception, STANDING),
                standing_in(exception, ASKING),
                exception.c.canonical_id != "",
            )
        )
    )
)
_REFUSALS = Prepared(
    lambda: select(
        intent.c.connection, intent.c.canonical_id, intent.c.part_key, intent.c.state, intent.c.fingerprint,
        intent.c.category, intent.c.vendor_code,
    ).where(
        _HERE,
        standing_in(intent, UNSETTLED),
        standing_in(intent, REFUSED),
        intent.c.settled_run.is_(None),
        ~exists().where(_SAME_MEMBER, standing_in(_later, ("acked", "waived", *REFUSED))),
    )
)  # fmt: skip

_LIVE = select(lease.c.token).where(lease.c.realm_id == bindparam("realm"), lease.c.expires_at > bindparam("now"))
LOST = or_(intent.c.claim_deadline < bindparam("now"), intent.c.claim_lease.not_in(_LIVE))
_OF_SYNC = (_HERE, intent.c.sync == bindparam("of_sync"), standing_in(intent, OPEN))
_TO_AMBIGUOUS = Prepared(
    lambda: (
        intent.update()
        .where(*_OF_SYNC, standing_in(intent, ("sending",)), LOST)
        .values(state="ambiguous", **given("updated_at"))
    )
)
_TO_SUPERSEDED = Prepared(
    lambda: (
        intent.update()
        .where(
            *_OF_SYNC,
            or_(
                and_(standing_in(intent, ("pending", "waiting")), intent.c.first_sent_at.is_(None)),
                # an update that was certainly not done: planned again, so that no old value goes over a newer one
                and_(standing_in(intent, ("retryable",)), intent.c.operation == "update"),
            ),
            intent.c.run_id != bindparam("run"),
            or_(intent.c.claim_token == 0, LOST),
        )
        .values(state="superseded", claim_token=0, **given("closed_run", "updated_at"))
    )
)
_FREE = Prepared(
    lambda: (
        intent.update()
        .where(
            *_OF_SYNC,
            intent.c.claim_token != 0,
            LOST,
            standing_in(intent, ("pending", "waiting", "retryable", "ambiguous")),
        )
        .values(claim_token=0)
    )
)
_WAIVE = Prepared(
    lambda: (
        intent.update()
        .where(
            _HERE,
            intent.c.id == bindparam("of"),
            standing_in(intent, ("pending", "waiting", "retryable", "ambiguous", *REFUSED)),
        )
        .values(state="waived", claim_token=0, **given("closed_run", "updated_at"))
    )
)


class Intents:
    """The intents of a realm."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def unfinished(self) -> list[Intent]:
        """All open intents, in order: nothing new is planned for these records and connections."""
        return self._select(_UNFINISHED)

    def backlog(self) -> list[Backlog]:
        """How many intents are open per connection and state, and since when."""
        with self._database.read() as look:
            return [Backlog(*row) for row in look.rows(_BACKLOG)]

    def of_record(self, canonical_id: str) -> list[Intent]:
        """Every intent that a canonical record ever had, oldest first."""
        return self._select(_OF_RECORD, of=canonical_id)

    def correlated(self, correlation_id: str) -> list[Intent]:
        """Every intent with a correlation id, oldest first."""
        return self._select(_CORRELATED, of=correlation_id)

    def of_run(self, run: str) -> list[Intent]:
        """Every intent that a run sealed, in order."""
        return self._select(_OF_RUN, of=run)

    def attempts(self, of: int) -> list[Attempt]:
        """Give the requests of an intent, oldest first."""
        with self._database.read() as look:
            return [Attempt(*row) for row in look.rows(_ATTEMPTS, of=of)]

    def payload(self, of: int, kind: str = "intent") -> Mapping[str, Any] | None:
        """Field values of an intent: as sealed (``intent``), as last ``sent``, or as ``returned``."""
        with self._database.read() as look:
            row = look.row(_PAYLOAD, of=kind, id=of)
        return json.loads(row[0]) if row else None

    def written(self, of: int) -> Mapping[str, Any] | None:
        """Field values as last sent, or else as sealed; None of what is past its retention."""
        return self.payload(of, "sent") or self.payload(of)

    def forget(self, held: Lease, before: str) -> int:
        """Let the field values of writes go that ended, of runs before one; returns how many bodies went.

        What is known of the writes besides stays. An ack of which no base tells yet keeps its write's.
        """
        with self._database.write(held) as change:
            return change.run(_FORGET, before=before)

    def recover(self, held: Lease, run: Run) -> Recovered:
        """Take over what interrupted runs of the run's syncs left.

        A request that may have been sent (``sending``, its claim over or its holder gone) becomes ambiguous. It may
        still be under way: absence at the far end proves nothing before the time that requests are given is over
        since the start of its last attempt. What was never attempted is superseded, since this run plans it again from
        the present truth.
        """
        ambiguous = superseded = 0
        with self._database.write(held) as change:
            now = change.now
            for sync in run.syncs:
                values = {"of_sync": sync, "now": now, "to_updated_at": now}
                ambiguous += change.run(_TO_AMBIGUOUS, **values)
                superseded += change.run(_TO_SUPERSEDED, **values, run=run.id, to_closed_run=run.id)
                change.run(_FREE, of_sync=sync, now=now)
        return Recovered(ambiguous, superseded)

    def waive(self, held: Lease, ids: Iterable[int], run: str | None = None) -> int:
        """End intents that nobody shall send (again), by a person's decision; returns how many."""
        with self._database.write(held) as change:
            values = {"to_closed_run": run, "to_updated_at": change.now}
            return sum(change.run(_WAIVE, of=one, **values) for one in ids)

    def open_work(self) -> list[tuple[str, str]]:
        """(object, canonical id) whose last intent on some member was refused or superseded, or with an open exception.

        A run looks at these even if nothing about them changed; ``Seal.settled`` takes them off.
        """
        with self._database.read() as look:
            return [(row[0], row[1]) for row in look.rows(_OPEN_WORK)]

    def last_refusals(self) -> dict[Member, Refusal]:
        """Give the last refusal per member that nothing accepted since: the same payload is held, not sent again."""
        with self._database.read() as look:
            rows = look.rows(_REFUSALS)
        return {Member(*row[:3]): Refusal(Member(*row[:3]), *row[3:]) for row in rows}

    def fingerprint(self, values: Mapping[str, Any]) -> str:
        """Give the fingerprint that an intent with this payload has."""
        return fingerprint(self._database.fingerprint_key, canonical(values))

    def _select(self, statement: Prepared, **values: Any) -> list[Intent]:
        with self._database.read() as look:
            return [read_intent(row) for row in look.rows(statement, **values)]


def read_intent(row: Row) -> Intent:
    """Give an intent from the values of ``COLUMNS``."""
    return Intent(*row)
