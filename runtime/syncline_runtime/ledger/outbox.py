"""The outbox: which intents may be sent now, and what became of those that were.

In: the lease of the run that delivers, claims, answers. Out: ``Claim``; attempts, acks and states in the ledger.
Invariants: ``sending`` with the resolved payload is committed before the request goes out; within a record and
connection a later intent waits for an earlier open one; a change with an outdated lease or claim changes nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from sqlalchemy import bindparam, select

from syncline_runtime.errors import ClaimLost, InternalError
from syncline_runtime.ledger.bodies import canonical
from syncline_runtime.ledger.claiming import COVERED, NEXT_DUE, Batch, Resolve, meant
from syncline_runtime.ledger.database import Database, Prepared, Transaction, given
from syncline_runtime.ledger.facts import Claim, Failure, Intent, Lease
from syncline_runtime.ledger.intents import LOST
from syncline_runtime.ledger.schema import ack, attempt, intent, intent_reference, payload, standing_in
from syncline_runtime.ledger.states import CLOSED, OPEN, Outcome, predecessors

_HERE = intent.c.realm_id == bindparam("realm")
_WAKE = Prepared(
    lambda: (
        intent.update()
        .where(
            _HERE,
            standing_in(intent, ("waiting",)),
            intent.c.id.in_(
                select(intent_reference.c.intent_id).where(
                    intent_reference.c.realm_id == bindparam("realm"),
                    intent_reference.c.canonical_id == bindparam("of_record"),
                    intent_reference.c.connection == bindparam("of_connection"),
                    intent_reference.c.object == bindparam("of_object"),
                )
            ),
        )
        .values(state="pending")
    )
)
_MINE = (
    _HERE,
    intent.c.id == bindparam("of"),
    intent.c.claim_token == bindparam("token"),
    intent.c.claim_lease == bindparam("lease"),
)
_LET_GO = Prepared(
    lambda: (
        intent.update()
        .where(*_MINE, standing_in(intent, ("pending", "retryable", "ambiguous")))
        .values(claim_token=0, **given("next_at"))
    )
)
_SEND = Prepared(
    lambda: (
        intent.update()
        .where(*_MINE, standing_in(intent, predecessors("sending")))
        .values(
            state="sending",
            attempts=intent.c.attempts + 1,
            sends=intent.c.sends + 1,
            **given("first_sent_at", "claim_deadline", "updated_at"),
        )
    )
)
_ACKED = Prepared(
    lambda: (
        intent.update()
        .where(*_MINE, standing_in(intent, predecessors("acked")))
        .values(
            state="acked",
            claim_token=0,
            category=None,
            vendor_code=None,
            **given("native_id", "closed_run", "updated_at"),
        )
    )
)
_OUTCOMES: tuple[Outcome, ...] = ("retryable", "rejected", "ambiguous", "dead")


def _failed(outcome: Outcome) -> Prepared:
    """Move a claimed intent into the state of that name."""
    return Prepared(
        lambda: (
            intent.update()
            .where(*_MINE, standing_in(intent, predecessors(outcome)))
            .values(
                state=outcome,
                claim_token=0,
                attempts=intent.c.attempts - bindparam("unused"),
                **given("next_at", "category", "vendor_code", "closed_run", "updated_at"),
            )
        )
    )


_FAILED = {outcome: _failed(outcome) for outcome in _OUTCOMES}
_SUPERSEDE = Prepared(
    lambda: (
        intent.update()
        .where(*_MINE, standing_in(intent, predecessors("superseded")))
        .values(state="superseded", claim_token=0, **given("closed_run", "updated_at"))
    )
)
_ELSEWHERE = (
    _HERE,
    intent.c.connection == bindparam("of"),
    intent.c.sync.in_(COVERED),
    intent.c.claim_lease != bindparam("held"),
    standing_in(intent, OPEN),
)
_IS_ELSEWHERE = Prepared(lambda: select(intent.c.id).where(*_ELSEWHERE, intent.c.claim_token != 0, ~LOST).limit(1))
_LOST_THERE = Prepared(
    lambda: (
        intent.update()
        .where(*_ELSEWHERE, standing_in(intent, ("sending",)), LOST)
        .values(state="ambiguous", **given("updated_at"))
    )
)
_LEFT_THERE = Prepared(
    lambda: (
        intent.update()
        .where(*_ELSEWHERE, standing_in(intent, ("pending", "retryable", "ambiguous")), intent.c.claim_token != 0, LOST)
        .values(claim_token=0)
    )
)
_WAITING = Prepared(
    lambda: select(intent.c.id).where(
        _HERE,
        intent.c.connection == bindparam("of"),
        intent.c.sync.in_(COVERED),
        standing_in(intent, OPEN),
        standing_in(intent, ("waiting",)),
    )
)
_LOOK_AGAIN = Prepared(
    lambda: (
        intent.update()
        .where(_HERE, intent.c.id == bindparam("of"), standing_in(intent, ("waiting",)))
        .values(state="pending")
    )
)
_BEGIN_ATTEMPT = Prepared(lambda: attempt.insert())
_END_ATTEMPT = Prepared(
    lambda: (
        attempt.update()
        .where(
            attempt.c.realm_id == bindparam("realm"),
            attempt.c.intent_id == bindparam("of"),
            attempt.c.ended_at.is_(None),
        )
        .values(given("ended_at", "outcome", "status", "category", "vendor_code", "message"))
    )
)
_DROP_PAYLOAD = Prepared(
    lambda: payload.delete().where(
        payload.c.realm_id == bindparam("realm"),
        payload.c.kind == bindparam("of_kind"),
        payload.c.subject == bindparam("of"),
    )
)
_ADD_PAYLOAD = Prepared(lambda: payload.insert())
_ADD_ACK = Prepared(lambda: ack.insert())


class Outbox:
    """The deliveries of a realm."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def claim(
        self, held: Lease, run: str, connection: str, most: int, ttl: int, resolve: Resolve = lambda _: {}
    ) -> list[Claim]:
        """Take up to ``most`` intents of a connection that can be sent now, retries first, for ``ttl`` microseconds.

        References are looked up among unconfirmed acks, then by ``resolve`` (the state's links); an intent with an
        unknown one waits until an ack makes it known.
        """
        with self._database.write(held) as change:
            batch = Batch(change, held, run, connection, ttl, resolve)
            claims = batch.take("retryable", most)
            batch.more = True
            while len(claims) < most and batch.more:
                claims += batch.take("pending", most - len(claims))
        return claims

    def claim_ambiguous(self, held: Lease, run: str, connection: str, most: int, ttl: int) -> list[Claim]:
        """Take intents of which nobody knows whether the far end did them.

        Each ends with ``acknowledge`` (found there), ``fail`` as retryable (certainly absent) or dead, ``sending``
        (the same key again) or ``release`` (not known yet).
        """
        with self._database.write(held) as change:
            return Batch(change, held, run, connection, ttl, lambda _: {}).take("ambiguous", most)

    def next_due(self, held: Lease, run: str, connection: str) -> int | None:
        """When the first of the connection's intents that wait for another try is due; None if none waits."""
        with self._database.read() as look:
            row = look.row(NEXT_DUE, of=connection, held=held.token, only=meant(held, run))
        return None if row is None or row[0] is None else int(row[0])

    def elsewhere(self, held: Lease, connection: str) -> bool:
        """Whether others have something of the connection under way; what they let fall can be claimed from now on.

        What waits for an ack is looked at anew: theirs may have come while nobody looked.
        """
        with self._database.write(held) as change:
            values = {"of": connection, "held": held.token, "now": change.now}
            there = change.row(_IS_ELSEWHERE, **values) is not None
            fell = change.run(_LOST_THERE, **values, to_updated_at=change.now) + change.run(_LEFT_THERE, **values)
            if there or fell:
                waiting = change.rows(_WAITING, of=connection, held=held.token)
                change.many(_LOOK_AGAIN, ({"of": row[0]} for row in waiting))
        return there or fell > 0

    def release(self, held: Lease, claim: Claim, next_at: int = 0) -> None:
        """Give an intent back as it is, to be claimed again from ``next_at`` on; no attempt is used."""
        with self._database.write(held) as change:
            changed = change.run(_LET_GO, of=claim.intent.id, token=claim.token, lease=held.token, to_next_at=next_at)
            self._must(changed, claim)

    def sending(self, held: Lease, claim: Claim, resolved: Mapping[str, Any] | None, deadline: int) -> Claim:
        """Record that a request goes out now; the request must be over by ``deadline``.

        ``resolved`` is the payload with native ids in place of references, or None if it is the sealed one (or the one
        that was sent before).
        """
        one = claim.intent
        if one.state not in predecessors("sending"):
            raise InternalError(f"intent {one.id} is {one.state} and cannot be sent", place=self._database.place)
        with self._database.write(held) as change:
            first = one.first_sent_at if one.first_sent_at is not None else change.now
            changed = change.run(
                _SEND, of=one.id, token=claim.token, lease=held.token,
                to_first_sent_at=first, to_claim_deadline=deadline,
                to_updated_at=change.now,
            )  # fmt: skip
            self._must(changed, claim)
            change.run(_BEGIN_ATTEMPT, intent_id=one.id, no=one.sends + 1, started_at=change.now, message="")
            if resolved is not None and resolved != claim.sent:
                _keep(change, one, "sent", resolved)
            sent = replace(
                one, state="sending", attempts=one.attempts + 1, sends=one.sends + 1, first_sent_at=first,
                claim_deadline=deadline, updated_at=change.now,
            )  # fmt: skip
        return replace(claim, intent=sent, sent=resolved if resolved is not None else claim.sent, deadline=deadline)

    def acknowledge(
        self,
        held: Lease,
        claim: Claim,
        native_id: str | None = None,
        version: str | None = None,
        returned: Mapping[str, Any] | None = None,
    ) -> int:
        """Record that the far end holds what was sent, and what it returned; returns the sequence of the ack.

        Intents that waited for the native id of a created record can be claimed from now on.
        """
        one = claim.intent
        known = native_id if native_id is not None else one.native_id
        with self._database.write(held) as change:
            changed = change.run(
                _ACKED, of=one.id, token=claim.token, lease=held.token, to_native_id=known, to_closed_run=claim.run,
                to_updated_at=change.now,
            )  # fmt: skip
            self._must(changed, claim)
            seq = change.bump("seq")
            change.run(_ADD_ACK, seq=seq, intent_id=one.id, native_id=known, version=version, at=change.now)
            _end_attempt(change, one, Failure("retryable", ""), "acked")
            if returned is not None:
                _keep(change, one, "returned", returned)
            if one.operation in ("create", "link") and known is not None and not one.part_key:
                change.run(_WAKE, of_record=one.canonical_id, of_connection=one.connection, of_object=one.object)
        return seq

    def fail(self, held: Lease, claim: Claim, failure: Failure) -> None:
        """Record how an attempt failed, or what became of an ambiguous intent."""
        one = claim.intent
        closed = claim.run if failure.outcome in CLOSED else None
        with self._database.write(held) as change:
            changed = change.run(
                _FAILED[failure.outcome], of=one.id, token=claim.token, lease=held.token,
                unused=0 if failure.uses_attempt else 1,
                to_next_at=failure.retry_at, to_category=failure.category, to_vendor_code=failure.vendor_code,
                to_closed_run=closed, to_updated_at=change.now,
            )  # fmt: skip
            self._must(changed, claim)
            _end_attempt(change, one, failure, failure.outcome)

    def supersede(self, held: Lease, claim: Claim) -> None:
        """End an intent because the record is another by now: a later run plans it again from what it is."""
        one = claim.intent
        with self._database.write(held) as change:
            changed = change.run(
                _SUPERSEDE, of=one.id, token=claim.token, lease=held.token, to_closed_run=claim.run,
                to_updated_at=change.now,
            )  # fmt: skip
            self._must(changed, claim)
            _end_attempt(change, one, Failure("retryable", "conflict"), "superseded")

    def _must(self, changed: int, claim: Claim) -> None:
        if not changed:
            raise ClaimLost(
                f"the claim on intent {claim.intent.id} is no longer ours",
                place=self._database.place,
                mend="nothing was recorded; the run that took the intent over finds out what became of it",
            )


def _keep(change: Transaction, one: Intent, kind: str, body: Mapping[str, Any]) -> None:
    """Store a payload of an intent; ``sent`` takes the place of what an earlier attempt sent."""
    if kind == "sent" and one.sends:
        change.run(_DROP_PAYLOAD, of_kind=kind, of=one.id)
    change.run(
        _ADD_PAYLOAD, kind=kind, subject=one.id, object=one.object, canonical_id=one.canonical_id,
        body=canonical(body).decode(),
    )  # fmt: skip


def _end_attempt(change: Transaction, one: Intent, failure: Failure, outcome: str) -> None:
    change.run(
        _END_ATTEMPT, of=one.id, to_ended_at=change.now, to_outcome=outcome, to_status=failure.status,
        to_category=failure.category or None, to_vendor_code=failure.vendor_code, to_message=failure.message,
    )  # fmt: skip
