"""Ambiguous writes: what became of a request of which nobody knows whether the system did it.

In: a claim on an ambiguous intent, its write contract. Out: the intent ended or left for later, or word to send.
Invariants: nothing but the write contract decides; absence counts only once a write must be visible; an update goes out
again only over what it was decided on.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from syncline_runtime.connectors import ConnectionHandle, MergedAwayError, Row
from syncline_runtime.errors import RequestFailed
from syncline_runtime.ledger import Claim, Failure, Intent
from syncline_runtime.stages.breaker import Breaker
from syncline_runtime.stages.context import RunContext
from syncline_runtime.stages.delivered import Endings
from syncline_runtime.stages.lots import batch_of, named_in
from syncline_runtime.stages.requests import sought, written_parent
from syncline_runtime.system import Resource, Write

SEND_SECONDS = 20  # longest time until an answer; a request that was cut off is over then, too
LOOK_AGAIN = 500_000  # microseconds until a look that failed is tried again
Image = Callable[[Intent], Mapping[str, str | None]]


@dataclass(frozen=True)
class Again:
    """It is right to send; ``found`` is the record that a create has made already: what follows a create is left.

    ``sure``: what was sent before was not done, or may be done twice. Else the system alone knows, by the key.
    """

    found: Row | None = None
    sure: bool = True


class Resolver:
    """Finds out, for one connection."""

    def __init__(
        self, run: RunContext, handle: ConnectionHandle, endings: Endings, breaker: Breaker, image: Image
    ) -> None:
        self._run, self._handle, self._endings, self._breaker, self._image = run, handle, endings, breaker, image
        self.postponed: list[Claim] = []  # until this run has read the system

    async def resolve(self, claim: Claim, resource: Resource, contract: Write) -> Again | None:
        """Find out what became of an intent; None if it has ended or waits."""
        intent = claim.intent
        if intent.operation == "delete" or contract.replaces:
            return Again()  # the same once more changes nothing further
        if intent.operation == "update":
            return await self._updated(claim, resource)
        if contract.find is not None:
            return await self._created(claim, resource, contract)
        if contract.external_id and self._finds_by_identity(intent) and self.postpones(claim):
            return None
        if contract.external_id or (self._goes_under_its_key(claim, contract) and self._key_is_kept(intent, contract)):
            return Again(sure=False)
        message = "nobody knows whether the record was created, and the system offers no way to find out"
        await self._endings.give_up(claim, Failure("dead", "conflict", message=message))
        return None

    def postpones(self, claim: Claim) -> bool:
        """Leave a create of an earlier run until this one has read the system.

        People may have made the record meanwhile, or edited what was created: then it is found by its identity.
        """
        intent = claim.intent
        reading = self._run.readings.get((intent.connection, intent.resource))
        unread = reading is None or reading.error is not None
        late = intent.operation == "create" and not intent.part_key and intent.run != self._run.run_id and unread
        if late:
            self.postponed.append(claim)
        return late

    def _finds_by_identity(self, intent: Intent) -> bool:
        """Whether a record that we have created is taken for the one it is, and never for another of its own."""
        plan = self._run.release.plans[intent.sync]
        return not intent.part_key and not plan.member(intent.connection).originates

    async def _updated(self, claim: Claim, resource: Resource) -> Again | None:
        """Send an update again only where the record is as it was before; somebody may have edited it since."""
        sent: Mapping[str, Any] = (claim.sent or claim.payload)["natives"]
        if claim.intent.native_id is None or resource.get is None:
            await self._endings.supersede(claim)
            return None
        try:
            row = await self._handle.get(resource.name, claim.intent.native_id, parent=sent.get(resource.parent or ""))
        except MergedAwayError as error:
            await self._endings.merged_away(claim, error.into)
            return None
        except RequestFailed as error:
            await self._look_later(claim, error)
            return None
        if row is not None and all(row.natives.get(name, value) == value for name, value in sent.items()):
            await self._endings.acknowledge(claim, claim.intent.native_id, row)
            return None
        before = self._image(claim.intent)
        known = [name for name in sent if name in before]
        if row is not None and before and all(row.natives.get(name) == before.get(name) for name in known):
            return Again()
        await self._endings.supersede(claim)  # the next run decides from what the record is now
        return None

    async def _created(self, claim: Claim, resource: Resource, contract: Write) -> Again | None:
        """Read back by marker."""
        now = self._run.now()
        try:
            value, parent = sought(claim, resource, contract), written_parent(claim, resource)
            found = await self._handle.find(resource.name, contract, value, parent=parent)
        except RequestFailed as error:
            await self._look_later(claim, error)
            return None
        if len(found.rows) == 1:
            return Again(found.rows[0])
        if found.rows:
            message = f"{len(found.rows)} records carry the marker of one: a person decides which stays"
            await self._endings.give_up(claim, Failure("dead", "conflict", message=message), "duplicate")
            return None
        if not found.conclusive:
            message = "the search for the marker proves nothing"
            await self._endings.give_up(claim, Failure("dead", "conflict", message=message))
            return None
        proved = self._absence_counts_from(claim.intent)
        if now < proved:
            await self._endings.release(claim, proved)
            return None
        return Again()  # certainly absent: it may be sent like a retry

    async def _look_later(self, claim: Claim, error: RequestFailed) -> None:
        self._breaker.failed(claim.intent.id, error)
        await self._endings.release(claim, self._run.now() + LOOK_AGAIN)

    def _goes_under_its_key(self, claim: Claim, contract: Write) -> bool:
        """Whether the system sees the same key the same way again: that of a request, or that of a row."""
        together = batch_of(self._handle.system, claim) is not None
        if together != bool((claim.sent or {}).get("together")):
            return False
        return "key" in named_in(contract) if together else bool(contract.idempotency_header)

    def _key_is_kept(self, intent: Intent, contract: Write) -> bool:
        first = intent.first_sent_at or self._run.now()
        return contract.idempotency_keeps is None or self._run.now() - first < contract.idempotency_keeps * 1_000_000

    def _absence_counts_from(self, intent: Intent) -> int:
        """When the last request is over and what it wrote must be visible."""
        attempts = self._run.ledger.intents.attempts(intent.id)
        ends = (
            one.ended_at if one.status and one.ended_at else one.started_at + SEND_SECONDS * 1_000_000
            for one in attempts
        )
        over = max(ends, default=self._run.now())
        return over + self._handle.system.visible_after * 1_000_000
