"""Claiming: which intents of a connection may be sent now, with all that sending them needs.

In: a write transaction, the lease of the run that delivers. Out: claims under one token. Invariants: within a record and
connection a later intent waits for an earlier open one; an intent with a reference that nobody knows waits for the ack
that makes it known; what a lease does not cover is not claimed under it. A helper claims what its own run has sealed: it knows
the links of that time.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import astuple
from typing import Any

from sqlalchemy import bindparam, case, exists, func, literal_column, select

from syncline_runtime.ledger.database import Prepared, Transaction, given
from syncline_runtime.ledger.facts import Claim, Intent, Lease, Reference
from syncline_runtime.ledger.intents import COLUMNS, read_intent
from syncline_runtime.ledger.leases import HELPING, OF_HELPED, is_helper
from syncline_runtime.ledger.register import native_ids
from syncline_runtime.ledger.schema import intent, intent_reference, lease, payload, standing_in
from syncline_runtime.ledger.states import OPEN, IntentState

EVERY_RUN = "*"
Resolve = Callable[[Sequence[Reference]], Mapping[Reference, str]]

_HERE = intent.c.realm_id == bindparam("realm")
_earlier = intent.alias("earlier")
_BLOCKED = exists().where(
    _earlier.c.realm_id == intent.c.realm_id,
    _earlier.c.canonical_id == intent.c.canonical_id,
    _earlier.c.connection == intent.c.connection,
    _earlier.c.id < intent.c.id,
    standing_in(_earlier, OPEN),
)


# a lease covers syncs: a run of one sends nothing of another; who helps to deliver them has a scope of its own
COVERED = select(
    case(
        (lease.c.scope.startswith(HELPING), func.substr(lease.c.scope, OF_HELPED)),
        else_=lease.c.scope,
    )
).where(lease.c.realm_id == bindparam("realm"), lease.c.token == bindparam("held"))

_MEANT = (literal_column(f"'{EVERY_RUN}'") == bindparam("only")) | (intent.c.run_id == bindparam("only"))


def meant(held: Lease, run: str) -> str:
    """Say whose intents may be claimed: those of every run, or of the one that is helped."""
    return run if is_helper(held) else EVERY_RUN


def _free(state: IntentState) -> Prepared:
    """Give the first intents of a connection in a state that nobody has claimed and nothing blocks."""
    return Prepared(
        lambda: (
            select(*COLUMNS)
            .where(
                _HERE,
                intent.c.connection == bindparam("of"),
                standing_in(intent, OPEN),
                standing_in(intent, (state,)),
                intent.c.sync.in_(COVERED),
                _MEANT,
                intent.c.next_at <= bindparam("now"),
                (intent.c.claim_token == 0) | (intent.c.claim_deadline < bindparam("now")),
                ~_BLOCKED,
            )
            .order_by(intent.c.id)
            .limit(bindparam("most"))
            .with_for_update(skip_locked=True)
        )
    )


NEXT_DUE = Prepared(
    lambda: select(func.min(intent.c.next_at)).where(
        _HERE,
        intent.c.connection == bindparam("of"),
        standing_in(intent, OPEN),
        standing_in(intent, ("retryable", "ambiguous")),
        intent.c.sync.in_(COVERED),
        intent.c.claim_token == 0,
        _MEANT,
    )
)
_CLAIMABLE: tuple[IntentState, ...] = ("retryable", "pending", "ambiguous")
_FREE = {state: _free(state) for state in _CLAIMABLE}
_BODIES = select(payload.c.subject, payload.c.kind, payload.c.body).where(
    payload.c.realm_id == bindparam("realm"),
    payload.c.kind.in_(["intent", "sent"]),
    payload.c.subject.in_(bindparam("ids", expanding=True)),
)
_REFERENCES = select(
    intent_reference.c.intent_id,
    intent_reference.c.object,
    intent_reference.c.canonical_id,
    intent_reference.c.connection,
).where(
    intent_reference.c.realm_id == bindparam("realm"),
    intent_reference.c.intent_id.in_(bindparam("ids", expanding=True)),
)
_CLAIM = Prepared(
    lambda: (
        intent.update()
        .where(_HERE, intent.c.id == bindparam("of"))
        .values(given("claim_token", "claim_deadline", "claim_lease"))
    )
)
_WAIT = Prepared(
    lambda: intent.update().where(_HERE, intent.c.id == bindparam("of")).values(state="waiting", claim_token=0)
)


class Batch:
    """The claims of one call: one token, one deadline."""

    def __init__(self, change: Transaction, held: Lease, run: str, connection: str, ttl: int, resolve: Resolve) -> None:
        self._change, self._held, self._run, self._connection, self._resolve = change, held, run, connection, resolve
        self._token, self._deadline = change.bump("claim"), change.now + ttl
        self.more = True

    def take(self, state: IntentState, most: int) -> list[Claim]:
        """Claim the first free intents in a state; those with unknown references wait instead."""
        rows = self._change.rows(
            _FREE[state], of=self._connection, now=self._change.now, most=most, held=self._held.token,
            only=meant(self._held, self._run),
        )  # fmt: skip
        self.more = len(rows) == most
        found = [read_intent(row) for row in rows]
        bodies = self._bodies(found)
        references = self._references([one for one in found if (one.id, "sent") not in bodies])
        known = self._known(sorted({one for each in references.values() for one in each}, key=astuple))
        waiting = {number for number, each in references.items() if not all(one in known for one in each)}
        self._change.many(_WAIT, ({"of": number} for number in sorted(waiting)))
        taken = [one for one in found if one.id not in waiting]
        self._change.many(_CLAIM, (self._claimed(one) for one in taken))
        return [self._claim(one, bodies, {each: known[each] for each in references.get(one.id, ())}) for one in taken]

    def _claimed(self, one: Intent) -> dict[str, Any]:
        return {
            "of": one.id, "to_claim_token": self._token, "to_claim_lease": self._held.token,
            "to_claim_deadline": self._deadline,
        }  # fmt: skip

    def _claim(self, one: Intent, bodies: Mapping[tuple[int, str], Any], known: Mapping[Reference, str]) -> Claim:
        body, sent = bodies.get((one.id, "intent"), {}), bodies.get((one.id, "sent"))
        return Claim(one, body, sent, known, self._token, self._deadline, self._run)

    def _bodies(self, found: Sequence[Intent]) -> dict[tuple[int, str], Any]:
        rows = self._change.among(_BODIES, "ids", [one.id for one in found])
        return {(row[0], row[1]): json.loads(row[2]) for row in rows}

    def _references(self, found: Sequence[Intent]) -> dict[int, list[Reference]]:
        each: dict[int, list[Reference]] = {}
        for number, *target in self._change.among(_REFERENCES, "ids", [one.id for one in found]):
            each.setdefault(number, []).append(Reference(*target))
        return each

    def _known(self, wanted: Sequence[Reference]) -> dict[Reference, str]:
        known = native_ids(self._change, wanted) if wanted else {}
        missing = [one for one in wanted if one not in known]
        return {**(self._resolve(missing) if missing else {}), **known}
