"""Deliver: the outbox to the systems.

In: sealed intents. Out: acks and failures in the ledger. Invariants: ``sending`` is committed before a request goes
out, so that a crash from there on is *ambiguous*; an ambiguous intent is resolved by its write contract and by nothing
else (``ambiguous``); order per record is the ledger's; an outage pauses a connection and uses up no attempts (``breaker``).
"""

# names and texts reach these statements through `quoted` and `text` only

from __future__ import annotations

import asyncio
from collections import Counter, deque
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from syncline_runtime.connectors import ConnectionHandle
from syncline_runtime.errors import ReleaseError, RequestFailed
from syncline_runtime.ledger import Claim, Failure, Intent, Lease, Reference
from syncline_runtime.ledger.states import Outcome
from syncline_runtime.plan import Plan
from syncline_runtime.stages.ambiguous import SEND_SECONDS, Again, Resolver
from syncline_runtime.stages.breaker import FAILING, SYSTEMIC, Breaker
from syncline_runtime.stages.context import RunContext
from syncline_runtime.stages.delivered import Delivered, Endings
from syncline_runtime.stages.journal import Journal
from syncline_runtime.stages.requests import addressed, marker_of, natives_of, parent_of, written_parent
from syncline_runtime.state import quoted, text
from syncline_runtime.system import Resource, Write

CLAIM_MARGIN = 30_000_000  # microseconds by which a claim outlives its request
PATIENCE = 30.0  # seconds since its last success that a run waits for a system or for retries that are due soon
MOST_SENDS = 10  # times the attempts: a record that fails while nothing else is sent is given up at last
FIRST_WAIT, LONGEST_WAIT = 0.5, 300.0
USUAL_WIDTH = 4  # writes under way at once where the system description sets no limit


async def deliver(run: RunContext, lease: Lease) -> Delivered:
    """Send what the outbox holds until nothing more can be sent now."""
    done, journal = Delivered(), Journal(run.ledger, lease)
    workers = [_Worker(run, lease, done, journal, name, handle) for name, handle in sorted(run.connections.items())]
    await asyncio.gather(*(worker.work() for worker in workers))
    covered = {plan.name for plan in run.plans}
    done.left = dict(Counter(one.connection for one in run.ledger.intents.unfinished() if one.sync in covered))
    return done


class _Worker:
    """The deliveries of one connection."""

    def __init__(
        self, run: RunContext, lease: Lease, done: Delivered, journal: Journal, name: str, handle: ConnectionHandle
    ) -> None:
        self._run, self._lease, self._done = run, lease, done
        self._name, self._handle = name, handle
        self._clock, self._outbox = run.around.clock, run.ledger.outbox
        self._plans = {plan.name: plan for plan in run.release.plans.values()}
        limit = handle.system.limit
        self._breaker = Breaker(self._clock, limit.concurrency if limit else USUAL_WIDTH)
        self._endings = Endings(run, lease, journal, done, name)
        self._resolver = Resolver(run, handle, self._endings, self._breaker, self._image)
        self._claimed: deque[Claim] = deque()
        self._dry = False  # the outbox had no more when it was asked last, and nothing has ended since
        self._waits_until = 0.0
        self._touched: dict[str, asyncio.Lock] = {}

    async def work(self) -> None:
        """Keep as many writes under way as the system bears, until nothing more can be sent now."""
        under_way: set[asyncio.Task[None]] = set()
        self._waits_until = self._clock.monotonic() + PATIENCE
        try:
            while True:
                self._run.keep_lease()
                while len(under_way) < self._breaker.width and (claim := self._next()) is not None:
                    under_way.add(asyncio.create_task(self._one(claim)))
                if under_way:
                    ended, under_way = await asyncio.wait(under_way, return_when=asyncio.FIRST_COMPLETED)
                    for error in [
                        task.exception() for task in ended
                    ]:  # of all, so that asyncio tells of none by itself
                        if error:
                            raise error
                    self._dry = False
                elif not await self._waited():
                    return
        finally:
            await asyncio.gather(*under_way, return_exceptions=True)
            for claim in self._claimed:
                await self._endings.release(claim)

    async def _waited(self) -> bool:
        """Wait until there may be something to send; False if that takes longer than the run waits."""
        wait = self._breaker.rests_for if self._breaker.is_open else self._next_due()
        if self._run.stopping.is_set() or wait is None:
            return False
        if self._breaker.is_final or self._clock.monotonic() + wait > self._waits_until:
            if self._breaker.last_error:
                self._done.paused.setdefault(self._name, self._breaker.last_error)
            return False
        await self._clock.sleep(wait)
        self._dry = False
        return True

    def _next(self) -> Claim | None:
        """Give what is to be sent next."""
        if self._run.stopping.is_set():
            return None
        if not self._claimed and not self._dry:
            self._claimed.extend(self._claim(2 * self._breaker.width))
            self._dry = not self._claimed
        return self._claimed.popleft() if self._claimed else None

    def _claim(self, most: int) -> list[Claim]:
        ttl = SEND_SECONDS * 1_000_000 + CLAIM_MARGIN
        claims = self._outbox.claim_ambiguous(self._lease, self._run.run_id, self._name, most, ttl)
        if claims:
            return claims
        return self._outbox.claim(self._lease, self._run.run_id, self._name, most, ttl, self._known_ids)

    def _next_due(self) -> float | None:
        """Seconds until the next intent of this connection may be sent again."""
        due = self._outbox.next_due(self._lease, self._name)
        return None if due is None else max(0.05, (due - self._run.now()) / 1e6)

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
        wanted = Reference(intent.object, intent.canonical_id, intent.connection)
        return bool(self._known_ids([wanted]))

    def _is_late(self, intent: Intent) -> bool:
        """Whether it writes a late reference of a record, rather than the record or one of its children."""
        members = self._plans[intent.sync].members
        slots = (one.slot for member in members if member.connection == self._name for one in member.late)
        return bool(intent.part_key) and intent.part_key in slots

    async def _one(self, claim: Claim) -> None:
        if claim.intent.sync not in self._plans:
            await self._endings.give_up(
                claim, Failure("dead", "mapping", message="the release no longer has this sync")
            )
            return
        resource = self._handle.system.resource(claim.intent.resource)
        contracts = {"create": resource.create, "update": resource.update, "delete": resource.delete}
        contract = contracts.get(claim.intent.operation)
        if contract is None:
            await self._endings.give_up(claim, Failure("dead", "mapping", message="the system describes no such write"))
            return
        if self._is_late(claim.intent):
            claim = addressed(claim)
        async with self._alone(claim, resource):
            if claim.intent.operation == "create" and not claim.intent.part_key and self._is_linked(claim.intent):
                await self._endings.supersede(claim)  # found there by its identity meanwhile
                return
            again: Again | None = Again()
            if claim.intent.state == "ambiguous":
                again = await self._resolver.resolve(claim, resource, contract)
            if again is not None:
                await self._send(claim, resource, contract, again)

    def _alone(self, claim: Claim, resource: Resource) -> asyncio.Lock:
        """Let one request at a time touch a record and what belongs to it: some systems save both as they read them."""
        touched = written_parent(claim, resource) or claim.intent.native_id or str(claim.intent.id)
        return self._touched.setdefault(touched, asyncio.Lock())

    async def _send(self, claim: Claim, resource: Resource, contract: Write, again: Again) -> None:
        """Send an intent; where its create was done before it was cut off, only what follows a create."""
        intent, found = claim.intent, again.found
        natives = dict((claim.sent or {}).get("natives") or natives_of(claim, resource))
        resolved = None if claim.sent else {"natives": natives, "wants": claim.payload.get("wants", {})}
        if resolved and self._is_late(intent):
            resolved["native_id"] = intent.native_id  # for `addressed`, should it be sent again
        sent = await self._endings.sending(claim, resolved, self._run.now() + SEND_SECONDS * 1_000_000)
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
            await self._refused(sent, contract, error)
            return
        except ReleaseError as error:  # this one cannot be written as described; the others can
            await self._endings.give_up(sent, Failure("dead", "mapping", message=error.message))
            return
        self._worked()
        # What was found tells little of what was sent: the next decision looks at all of it again.
        unfinished = written.unfinished is not None or found is not None
        await self._endings.acknowledge(sent, written.native_id, written.row or found, unfinished=unfinished)

    def _worked(self) -> None:
        self._breaker.worked()
        self._waits_until = self._clock.monotonic() + PATIENCE

    async def _refused(self, sent: Claim, contract: Write, error: RequestFailed) -> None:
        if sent.intent.operation == "delete" and error.category == "not_found":
            await self._endings.acknowledge(sent, sent.intent.native_id, None)
        elif contract.precondition_header and error.status in (409, 412):
            await self._endings.supersede(sent)  # the record moved on: the next run plans from what it is
        else:
            await self._failed(sent, error)

    async def _failed(self, claim: Claim, error: RequestFailed) -> None:
        intent, plan = claim.intent, self._plans[claim.intent.sync]
        works = self._breaker.has_worked
        self._breaker.failed(intent.id, error)
        certain = error.category in SYSTEMIC and not error.ambiguous
        failure = Failure(
            "retryable",
            error.category,
            vendor_code=error.vendor_code,
            status=error.status,
            message=error.message,
            uses_attempt=not certain and (works or error.category not in FAILING),
        )
        wait = error.retry_after if error.retry_after is not None else self._backoff(intent.attempts)
        again = replace(failure, retry_at=self._run.now() + int(wait * 1e6))
        over = not certain and self._is_over(intent, plan)
        if error.ambiguous and intent.attempts <= plan.attempts and not over:
            await self._endings.retry(claim, replace(again, outcome="ambiguous"))
        elif error.retry and not error.ambiguous and (certain or (intent.attempts < plan.attempts and not over)):
            await self._endings.retry(claim, again)
        else:
            ended: Outcome = "dead" if error.retry or error.ambiguous else "rejected"
            category = "conflict" if error.ambiguous else failure.category  # nobody knows whether it was done
            await self._endings.give_up(claim, replace(failure, outcome=ended, category=category), "", error)

    def _backoff(self, attempt: int) -> float:
        """Seconds before attempt ``attempt + 1``: doubling with full jitter (as AWS describes it), bounded."""
        return self._run.around.random.uniform(FIRST_WAIT / 2, min(LONGEST_WAIT, FIRST_WAIT * 2.0**attempt))

    def _is_over(self, intent: Intent, plan: Plan) -> bool:
        """Whether a write was tried long enough; the time of an outage does not count."""
        age = self._run.now() - (intent.first_sent_at or self._run.now())
        tried = self._breaker.has_worked or intent.sends >= MOST_SENDS * plan.attempts
        return tried and age >= plan.within * 1_000_000 and not self._breaker.is_open

    def _version(self, intent: Intent) -> str | None:
        """Give the version of the record that the update was decided on."""
        if intent.native_id is None:
            return None
        table = quoted(f"base:{intent.sync}/{intent.connection}")
        rows = self._run.state.rows(f"SELECT _version FROM {table} WHERE _native_id = {text(intent.native_id)}")
        return rows[0][0] if rows else None

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
