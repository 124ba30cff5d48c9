"""Deliver: the outbox to the systems.

In: sealed intents. Out: acks and failures in the ledger. Invariants: ``sending`` is committed before a request goes
out, so that a crash from there on is *ambiguous*; an ambiguous intent is resolved by its write contract and by nothing
else; order per record is the ledger's; an outage pauses a connection and uses up no attempts.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from syncline_runtime.connectors import ConnectionHandle, Row
from syncline_runtime.errors import ReleaseError, RequestFailed
from syncline_runtime.ledger import Claim, Failure, Intent, Lease, NewException, Reference
from syncline_runtime.ledger.states import Outcome
from syncline_runtime.plan import Plan
from syncline_runtime.stages.context import RunContext
from syncline_runtime.stages.requests import addressed, marker_of, natives_of, parent_of, sought, written_parent
from syncline_runtime.stages.weight import weighed
from syncline_runtime.state import quoted, text
from syncline_runtime.system import Resource, Write

SEND_SECONDS = 20  # longest time until an answer; a request that was cut off is over then, too
CLAIM_MARGIN = 30_000_000  # microseconds by which a claim outlives its request
PATIENCE = 30.0  # seconds that a run waits for retries that are due soon
OUTAGE = 3  # failures in a row that nobody but the system or the way to it can be the cause of
SYSTEMIC = ("transport", "authentication", "rate_limit")
FAILING = (*SYSTEMIC, "vendor")  # one such failure may be the record's fault, those of several records in a row are not
MOST_SENDS = 10  # times the attempts: a record that fails while nothing else is sent is given up at last
FIRST_WAIT, LONGEST_WAIT = 0.5, 300.0


@dataclass
class Delivered:
    """What came of a delivery, per connection."""

    acked: dict[str, int] = field(default_factory=dict)
    failed: dict[str, int] = field(default_factory=dict)
    paused: dict[str, RequestFailed] = field(default_factory=dict)
    left: dict[str, int] = field(default_factory=dict)  # neither: a later run goes on with them


async def deliver(run: RunContext, lease: Lease) -> Delivered:
    """Send what the outbox holds until nothing more can be sent now."""
    done = Delivered()
    workers = [_Worker(run, lease, done, name, handle) for name, handle in sorted(run.connections.items())]
    await asyncio.gather(*(worker.work() for worker in workers))
    covered = {plan.name for plan in run.plans}
    done.left = dict(Counter(one.connection for one in run.ledger.intents.unfinished() if one.sync in covered))
    return done


class _Worker:
    """The deliveries of one connection."""

    def __init__(self, run: RunContext, lease: Lease, done: Delivered, name: str, handle: ConnectionHandle) -> None:
        self._run, self._lease, self._done = run, lease, done
        self._name, self._handle = name, handle
        self._outbox = run.ledger.outbox
        self._plans = {plan.name: plan for plan in run.release.plans.values()}
        self._in_a_row = 0
        self._failing: set[int] = set()  # records whose writes failed since the system last did one
        self._works = False  # it has done a write in this run
        self._touched: dict[str, asyncio.Lock] = {}
        limit = handle.system.limit
        self._width = limit.concurrency if limit else 4

    async def work(self) -> None:
        clock = self._run.around.clock
        give_up = clock.monotonic() + PATIENCE
        while self._name not in self._done.paused:
            self._run.keep_lease()
            claims = self._claim()
            if claims:
                await asyncio.gather(*(self._one(claim) for claim in claims))
                continue
            wait = self._next_due()
            if wait is None or clock.monotonic() + wait > give_up:
                return
            await clock.sleep(wait)

    def _claim(self) -> list[Claim]:
        ttl = SEND_SECONDS * 1_000_000 + CLAIM_MARGIN
        claims = self._outbox.claim_ambiguous(self._lease, self._run.run_id, self._name, self._width, ttl)
        if claims:
            return claims
        return self._outbox.claim(self._lease, self._run.run_id, self._name, self._width, ttl, self._known_ids)

    def _known_ids(self, wanted: Any) -> dict[Reference, str]:
        """Native ids of references, from the links of the state."""
        by_id = {(one.object, one.canonical_id): one for one in wanted}
        ids = ", ".join(text(cid) for _, cid in by_id) or "''"
        rows = self._run.state.rows(
            f"SELECT object, canonical_id, native_id FROM {quoted('links:all')} WHERE state = 'live' "
            f"AND connection = {text(self._name)} AND canonical_id IN ({ids})"
        )
        return {by_id[o, cid]: native for o, cid, native in rows if (o, cid) in by_id}

    def _is_linked(self, intent: Intent) -> bool:
        wanted = Reference(intent.object, intent.canonical_id, self._name)
        return bool(self._known_ids([wanted]))

    def _is_late(self, intent: Intent) -> bool:
        """Whether it writes a late reference of a record, rather than the record or one of its children."""
        members = self._plans[intent.sync].members
        slots = (one.slot for member in members if member.connection == self._name for one in member.late)
        return bool(intent.part_key) and intent.part_key in slots

    def _next_due(self) -> float | None:
        """Seconds until the next intent of this connection may be sent again."""
        now = self._run.now()
        covered = {plan.name for plan in self._run.plans}
        due = [
            one.next_at
            for one in self._run.ledger.intents.unfinished()
            if one.connection == self._name and one.sync in covered and one.state in ("retryable", "ambiguous")
        ]
        return max(0.05, (min(due) - now) / 1e6) if due else None

    async def _one(self, claim: Claim) -> None:
        if self._name in self._done.paused:
            self._outbox.release(self._lease, claim)
            return
        if claim.intent.sync not in self._plans:
            self._fail(claim, Failure("dead", "mapping", message="the release no longer has this sync"), "")
            return
        resource = self._handle.system.resource(claim.intent.resource)
        contract = {"create": resource.create, "update": resource.update, "delete": resource.delete}.get(
            claim.intent.operation
        )
        if contract is None:
            self._fail(claim, Failure("dead", "mapping", message="the system describes no such write"), "")
            return
        if self._is_late(claim.intent):
            claim = addressed(claim)
        async with self._alone(claim, resource):
            if claim.intent.operation == "create" and not claim.intent.part_key and self._is_linked(claim.intent):
                self._outbox.supersede(self._lease, claim)  # found there by its identity meanwhile
                return
            if claim.intent.state == "ambiguous" and not await self._resolve(claim, resource, contract):
                return
            await self._send(claim, resource, contract)

    def _alone(self, claim: Claim, resource: Resource) -> asyncio.Lock:
        """Let one request at a time touch a record and what belongs to it: some systems save both as they read them."""
        touched = written_parent(claim, resource) or claim.intent.native_id or str(claim.intent.id)
        return self._touched.setdefault(touched, asyncio.Lock())

    async def _send(self, claim: Claim, resource: Resource, contract: Write, found: Row | None = None) -> None:
        """Send an intent; with ``found``, the record it created before it was cut off, only what follows a create."""
        intent = claim.intent
        natives = dict((claim.sent or {}).get("natives") or natives_of(claim, resource))
        deadline = self._run.now() + SEND_SECONDS * 1_000_000
        resolved = None if claim.sent else {"natives": natives, "wants": claim.payload.get("wants", {})}
        if resolved and self._is_late(intent):
            resolved["native_id"] = intent.native_id  # for `addressed`, should it be sent again
        sent = self._outbox.sending(self._lease, claim, resolved, deadline)
        try:
            written = await self._handle.write(
                resource.name,
                contract,
                native_id=found.native_id if found else intent.native_id,
                natives=natives,
                key=intent.key,
                marker=marker_of(intent),
                version=self._version(intent) if contract.precondition_header else None,
                parent=parent_of(claim) if resource.parent else None,
                image=self._image(intent) if _needs_image(resource, contract) else None,
                seconds=SEND_SECONDS - 5,
            )
        except RequestFailed as error:
            if intent.operation == "delete" and error.category == "not_found":
                self._acknowledge(sent, intent.native_id, None)
                return
            if contract.precondition_header and error.status in (409, 412):
                self._outbox.supersede(self._lease, sent)  # the record moved on: the next run plans from what it is
                return
            self._failed(sent, error)
            return
        except ReleaseError as error:  # this one cannot be written as described; the others can
            self._fail(sent, Failure("dead", "mapping", message=error.message), "")
            return
        self._in_a_row, self._works = 0, True
        self._failing.clear()
        # What was found tells little of what was sent: the next decision looks at all of it again.
        unfinished = written.unfinished is not None or found is not None
        self._acknowledge(sent, written.native_id, written.row or found, unfinished=unfinished)

    def _acknowledge(self, claim: Claim, native_id: str | None, row: Row | None, *, unfinished: bool = False) -> None:
        if claim.intent.run != self._run.run_id:
            self._run.late.add((self._name, claim.intent.canonical_id))
        returned: dict[str, Any] = {"unfinished": unfinished}
        if row is not None:
            returned |= {"natives": dict(row.natives), "raw_hash": row.raw_hash, "version": row.version}
        self._outbox.acknowledge(self._lease, claim, native_id, row.version if row else None, returned)
        self._done.acked[self._name] = self._done.acked.get(self._name, 0) + 1
        self._run.progress("deliver", f"{self._name}: {self._done.acked[self._name]} acknowledged")

    async def _resolve(self, claim: Claim, resource: Resource, contract: Write) -> bool:
        """Find out what became of an ambiguous intent; True if it is right to send (again)."""
        intent = claim.intent
        if intent.operation == "delete" or contract.replaces:
            return True  # the same once more changes nothing further
        if intent.operation == "update":
            return await self._look_before_again(claim, resource)
        if contract.find is not None:
            return await self._look(claim, resource, contract)
        if contract.external_id or (contract.idempotency_header and self._key_is_kept(intent, contract)):
            return True
        message = "nobody knows whether the record was created, and the system offers no way to find out"
        self._fail(claim, Failure("dead", "conflict", message=message), "")
        return False

    async def _look_before_again(self, claim: Claim, resource: Resource) -> bool:
        """Send an update again only where the record is as it was before; somebody may have edited it since."""
        sent: Mapping[str, Any] = (claim.sent or {}).get("natives") or {}
        if claim.intent.native_id is None or resource.get is None:
            self._outbox.supersede(self._lease, claim)
            return False
        try:
            row = await self._handle.get(resource.name, claim.intent.native_id, parent=sent.get(resource.parent or ""))
        except RequestFailed as error:
            self._note_outage(claim, error)
            self._outbox.release(self._lease, claim, self._run.now() + int(FIRST_WAIT * 1_000_000))
            return False
        if row is not None and all(row.natives.get(name, value) == value for name, value in sent.items()):
            self._acknowledge(claim, claim.intent.native_id, row)
            return False
        before = self._image(claim.intent)
        if (
            row is not None
            and before
            and all(row.natives.get(name) == before.get(name) for name in sent if name in before)
        ):
            return True
        self._outbox.supersede(self._lease, claim)  # the next run decides from what the record is now
        return False

    def _version(self, intent: Intent) -> str | None:
        """Give the version of the record that the update was decided on."""
        if intent.native_id is None:
            return None
        table = quoted(f"base:{intent.sync}/{intent.connection}")
        rows = self._run.state.rows(f"SELECT _version FROM {table} WHERE _native_id = {text(intent.native_id)}")
        return rows[0][0] if rows else None

    def _key_is_kept(self, intent: Intent, contract: Write) -> bool:
        first = intent.first_sent_at or self._run.now()
        return contract.idempotency_keeps is None or self._run.now() - first < contract.idempotency_keeps * 1_000_000

    async def _look(self, claim: Claim, resource: Resource, contract: Write) -> bool:
        """Read back by marker; absence counts only once a write must be visible."""
        now = self._run.now()
        try:
            value, parent = sought(claim, resource, contract), written_parent(claim, resource)
            found = await self._handle.find(resource.name, contract, value, parent=parent)
        except RequestFailed as error:
            self._note_outage(claim, error)
            self._outbox.release(self._lease, claim, now + int(FIRST_WAIT * 1_000_000))
            return False
        if len(found.rows) == 1:
            await self._send(claim, resource, contract, found.rows[0])
            return False
        if found.rows:
            message = f"{len(found.rows)} records carry the marker of one: a person decides which stays"
            self._fail(claim, Failure("dead", "conflict", message=message), "duplicate")
            return False
        if not found.conclusive:
            self._fail(claim, Failure("dead", "conflict", message="the search for the marker proves nothing"), "")
            return False
        proved = self._absence_counts_from(claim.intent)
        if now < proved:
            self._outbox.release(self._lease, claim, proved)
            return False
        return True  # certainly absent: it may be sent like a retry

    def _absence_counts_from(self, intent: Intent) -> int:
        """When the last request is over and what it wrote must be visible."""
        attempts = self._run.ledger.intents.attempts(intent.id)
        ends = (
            one.ended_at if one.status and one.ended_at else one.started_at + SEND_SECONDS * 1_000_000
            for one in attempts
        )
        over = max(ends, default=self._run.now())
        return over + self._handle.system.visible_after * 1_000_000

    def _failed(self, claim: Claim, error: RequestFailed) -> None:
        intent, plan = claim.intent, self._plans[claim.intent.sync]
        self._note_outage(claim, error)
        certain = error.category in SYSTEMIC and not error.ambiguous
        failure = Failure(
            "retryable",
            error.category,
            vendor_code=error.vendor_code,
            status=error.status,
            message=error.message,
            uses_attempt=not certain and (self._works or error.category not in FAILING),
        )
        wait = error.retry_after if error.retry_after is not None else self._backoff(intent.attempts)
        again = replace(failure, retry_at=self._run.now() + int(wait * 1e6))
        over = not certain and self._is_over(intent, plan)
        if error.ambiguous and intent.attempts <= plan.attempts and not over:
            self._outbox.fail(self._lease, claim, replace(again, outcome="ambiguous"))
        elif error.retry and not error.ambiguous and (certain or (intent.attempts < plan.attempts and not over)):
            self._outbox.fail(self._lease, claim, again)
        else:
            ended: Outcome = "dead" if error.retry or error.ambiguous else "rejected"
            category = "conflict" if error.ambiguous else failure.category  # nobody knows whether it was done
            self._fail(claim, replace(failure, outcome=ended, category=category), "", error)

    def _backoff(self, attempt: int) -> float:
        """Seconds before attempt ``attempt + 1``: doubling with full jitter (as AWS describes it), bounded."""
        return self._run.around.random.uniform(FIRST_WAIT / 2, min(LONGEST_WAIT, FIRST_WAIT * 2.0**attempt))

    def _is_over(self, intent: Intent, plan: Plan) -> bool:
        """Whether a write was tried long enough; the time of an outage does not count."""
        age = self._run.now() - (intent.first_sent_at or self._run.now())
        tried = self._works or intent.sends >= MOST_SENDS * plan.attempts
        return tried and age >= plan.within * 1_000_000 and self._name not in self._done.paused

    def _note_outage(self, claim: Claim, error: RequestFailed) -> None:
        self._in_a_row = self._in_a_row + 1 if error.category in SYSTEMIC else 0
        if error.category in FAILING:
            self._failing.add(claim.intent.id)
        if max(self._in_a_row, len(self._failing)) >= OUTAGE or error.category == "authentication":
            self._done.paused.setdefault(self._name, error)

    def _fail(self, claim: Claim, failure: Failure, pattern: str, error: RequestFailed | None = None) -> None:
        """End an intent that cannot be delivered, and put it before a person."""
        intent = claim.intent
        self._outbox.fail(self._lease, claim, failure)
        self._done.failed[self._name] = self._done.failed.get(self._name, 0) + 1
        exception = NewException(
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
        plan = self._plans.get(intent.sync)
        self._run.ledger.exceptions.add(
            self._lease, self._run.run_id, [weighed(plan, exception) if plan else exception]
        )

    def _image(self, intent: Intent) -> Mapping[str, str | None]:
        """Give the record as last seen, for contracts that send all of it."""
        plan = self._plans[intent.sync]
        member = plan.member(intent.connection)
        if intent.native_id is None or member.resource != intent.resource:
            return {}
        listed = ", ".join(quoted(f"native.{name}") for name in member.natives)
        rows = self._run.state.rows(
            f"SELECT {listed} FROM {quoted(f'base:{plan.name}/{member.connection}')} WHERE _native_id = {text(intent.native_id)}"
        )
        return dict(zip(member.natives, rows[0], strict=True)) if rows else {}


def _needs_image(resource: Resource, contract: Write) -> bool:
    of_parent = resource.parent is not None and contract.request.method == "DELETE"
    return of_parent or contract.sends == "all" or contract.request.body is not None or bool(resource.transitions)
