"""What becomes of the intents of one connection: in the ledger, before people, and in the counts of a run.

In: claims and how they ended. Out: states, attempts, acks and exceptions in the ledger, through the journal; ``Delivered``.
Invariant: every claim ends in exactly one of these, or stays to be claimed again.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from syncline_runtime.connectors import Row
from syncline_runtime.errors import RequestFailed
from syncline_runtime.ledger import Claim, Failure, Intent, Lease, NewException
from syncline_runtime.stages.context import RunContext
from syncline_runtime.stages.journal import Journal
from syncline_runtime.stages.told_merges import MERGED
from syncline_runtime.stages.weight import weighed


@dataclass
class Delivered:
    """What came of a delivery, per connection."""

    acked: dict[str, int] = field(default_factory=dict)
    failed: dict[str, int] = field(default_factory=dict)
    paused: dict[str, RequestFailed] = field(default_factory=dict)
    left: dict[str, int] = field(default_factory=dict)  # neither: a later run goes on with them


class Endings:
    """How claims on the intents of one connection end."""

    def __init__(self, run: RunContext, lease: Lease, journal: Journal, done: Delivered, connection: str) -> None:
        self._run, self._lease, self._journal, self._done = run, lease, journal, done
        self._connection, self._outbox = connection, run.ledger.outbox

    async def sending(self, claim: Claim, resolved: dict[str, Any] | None, deadline: int) -> Claim:
        """Record that the request goes out now."""
        return await self._journal.write(lambda: self._outbox.sending(self._lease, claim, resolved, deadline))

    async def release(self, claim: Claim, next_at: int = 0) -> None:
        """Leave the intent as it is, to be claimed again from a time on."""
        await self._journal.write(lambda: self._outbox.release(self._lease, claim, next_at))

    async def supersede(self, claim: Claim) -> None:
        """Leave the record to the next run, which plans from what it is by then."""
        await self._journal.write(lambda: self._outbox.supersede(self._lease, claim))

    async def merged_away(self, claim: Claim, into: str) -> None:
        """Note that the record is part of another, which the next run follows and plans from."""
        intent = claim.intent
        told = {"native_id": intent.native_id, "into": into, "resource": intent.resource}

        def step() -> None:
            self._outbox.supersede(self._lease, claim)
            of, decisions = (intent.object, intent.canonical_id, MERGED), self._run.ledger.decisions
            if not any(
                (one.object, one.canonical_id, one.field, one.values) == (*of, told) for one in decisions.standing()
            ):
                decisions.decide(of, "told:merged", self._connection, values=told)

        await self._journal.write(step)

    async def retry(self, claim: Claim, failure: Failure) -> None:
        """Let the intent be tried again, or be found out about."""
        await self._journal.write(lambda: self._outbox.fail(self._lease, claim, failure))

    async def acknowledge(
        self, claim: Claim, native_id: str | None, row: Row | None, *, unfinished: bool = False
    ) -> None:
        """Record what the system holds now."""
        if claim.intent.run != self._run.run_id:
            self._run.late.add((self._connection, claim.intent.canonical_id))
        returned: dict[str, Any] = {"unfinished": unfinished}
        if row is not None:
            returned |= {"natives": dict(row.natives), "raw_hash": row.raw_hash, "version": row.version}
        version = row.version if row else None
        await self._journal.write(lambda: self._outbox.acknowledge(self._lease, claim, native_id, version, returned))
        acked = self._done.acked.get(self._connection, 0) + 1
        self._done.acked[self._connection] = acked
        self._run.progress("deliver", f"{self._connection}: {acked} acknowledged")

    async def give_up(
        self, claim: Claim, failure: Failure, pattern: str = "", error: RequestFailed | None = None
    ) -> None:
        """End an intent that cannot be delivered, and put it before a person."""
        plan = self._run.release.plans.get(claim.intent.sync)
        exception = _exception(claim.intent, failure, pattern, error)
        met = weighed(plan, exception) if plan else exception

        def step() -> None:
            self._outbox.fail(self._lease, claim, failure)
            self._run.ledger.exceptions.add(self._lease, self._run.run_id, [met])

        await self._journal.write(step)
        self._done.failed[self._connection] = self._done.failed.get(self._connection, 0) + 1


def _exception(intent: Intent, failure: Failure, pattern: str, error: RequestFailed | None) -> NewException:
    return NewException(
        sync=intent.sync,
        object=intent.object,
        connection=intent.connection,
        resource=intent.resource,
        rule=f"{intent.operation} {intent.part_key}".strip(),
        code="SYN5401" if failure.outcome == "rejected" else "SYN5402",
        category=failure.category,
        message=failure.message or "the system refused the write",
        native_id=intent.native_id or "",
        canonical_id=intent.canonical_id,
        field=intent.part_key,
        pattern=pattern or "missing",
        side="destination",
        correlation_id=intent.correlation_id,
        values={
            "vendor_code": failure.vendor_code,
            "status": failure.status,
            "said": getattr(error, "vendor_message", None),
        },
    )
