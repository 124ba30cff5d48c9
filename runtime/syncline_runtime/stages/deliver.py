"""Deliver: the outbox to the systems.

In: sealed intents. Out: acks and failures in the ledger. Invariants: ``sending`` is committed before a request goes
out, so that a crash from there on is *ambiguous*; an ambiguous intent is resolved by its write contract and by nothing
else (``ambiguous``); order per record is the ledger's; an outage pauses a connection and uses up no attempts
(``breaker``). What goes out in one request is a *lot* (``lots``), of one write or of many, each with an end of its own.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from syncline_runtime.connectors import ConnectionHandle, MergedAwayError, Outcome, Row, Sending, Written
from syncline_runtime.errors import ClaimLost, ReleaseError, RequestFailed, SystemRests
from syncline_runtime.ledger import Claim, Failure, Intent, Lease
from syncline_runtime.ledger.states import Outcome as Ended
from syncline_runtime.plan import Plan
from syncline_runtime.stages.ambiguous import SEND_SECONDS, Again, Resolver
from syncline_runtime.stages.breaker import FAILING, SYSTEMIC, Breaker
from syncline_runtime.stages.context import RunContext
from syncline_runtime.stages.delivered import Delivered, Endings
from syncline_runtime.stages.journal import Journal
from syncline_runtime.stages.known import Known
from syncline_runtime.stages.lots import Lots, batch_of, contract_of, named_in, touched_by
from syncline_runtime.stages.requests import addressed, marker_of, natives_of, parent_of
from syncline_runtime.system import Resource, Write

CLAIM_MARGIN = 30_000_000  # microseconds by which a claim outlives its request
PATIENCE = 30.0  # seconds since its last success that a run waits for a system or for retries that are due soon
MOST_SENDS = 10  # times the attempts: a record that fails while nothing else is sent is given up at last
FIRST_WAIT, LONGEST_WAIT = 0.5, 300.0
USUAL_WIDTH = 4  # requests under way at once where the system description sets no limit
LOOK_AGAIN = 0.2  # seconds until a look at what others have under way
AT_THE_DOOR = ("authentication", "permission")  # before anybody looks at a key: what was sent before may be done
OF_ONE_ROW = ("validation", "mapping", "conflict", "not_found")  # may refuse a whole lot because of one of its rows

T = TypeVar("T")


async def deliver(run: RunContext, lease: Lease) -> Delivered:
    """Send what the outbox holds until nothing more can be sent now."""
    done, journal = Delivered(), Journal(run.ledger, lease)
    workers = [_Worker(run, lease, done, journal, name, handle) for name, handle in sorted(run.connections.items())]
    await _together([asyncio.create_task(worker.work()) for worker in workers])
    covered = {plan.name for plan in run.plans}
    done.left = dict(Counter(one.connection for one in run.ledger.intents.unfinished() if one.sync in covered))
    return done


@dataclass(frozen=True)
class _Ready:
    """A claim that is to be sent, and what is known of the request before."""

    claim: Claim
    natives: dict[str, Any]
    again: Again

    @property
    def found(self) -> Row | None:
        """The record that a create has made already."""
        return self.again.found


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
        self._known = Known(run, name)
        self._resolver = Resolver(run, handle, self._endings, self._breaker, self._known.image)
        self._lots = Lots(handle.system)
        self._dry = False  # the outbox had no more when it was asked last, and nothing has ended since
        self._waits_until = 0.0
        self._touched: dict[str, asyncio.Lock] = {}
        self._under_way: set[asyncio.Task[None]] = set()

    async def work(self) -> None:
        """Keep as many requests under way as the system bears, until nothing more can be sent now."""
        self._waits_until = self._clock.monotonic() + PATIENCE
        try:
            while True:
                self._run.keep_lease()
                while len(self._under_way) < self._breaker.width and (lot := self._next()):
                    self._under_way.add(asyncio.create_task(self._deliver(lot)))
                if self._under_way:
                    ended, self._under_way = await asyncio.wait(self._under_way, return_when=asyncio.FIRST_COMPLETED)
                    # of all, so that asyncio tells of none by itself
                    for error in [task.exception() for task in ended]:
                        if error:
                            raise error
                    self._dry = False
                elif not await self._waited():
                    return
        finally:
            await asyncio.gather(*self._under_way, return_exceptions=True)
            await _all(*(self._endings.release(claim) for claim in [*self._lots.clear(), *self._resolver.postponed]))

    async def _waited(self) -> bool:
        """Wait until there may be something to send; False if that takes longer than the run waits."""
        wait = self._breaker.rests_for if self._breaker.is_open else self._next_due()
        if self._run.stopping.is_set() or wait is None or self._resolver.postponed:
            return False
        if self._breaker.is_final or self._clock.monotonic() + wait > self._waits_until:
            if self._breaker.last_error:
                self._done.paused.setdefault(self._name, self._breaker.last_error)
            return False
        await self._clock.sleep(wait)
        self._dry = False
        return True

    def _next(self) -> list[Claim]:
        """Give what is to be sent next; nothing if there is none now."""
        if self._run.stopping.is_set():
            return []
        if not self._lots and not self._dry:
            self._lots.add(self._claim(2 * self._breaker.width * self._lots.largest))
            self._dry = not self._lots
        return self._lots.next() if self._lots else []

    def _claim(self, most: int) -> list[Claim]:
        ttl = SEND_SECONDS * 1_000_000 + CLAIM_MARGIN
        claims = self._outbox.claim_ambiguous(self._lease, self._run.run_id, self._name, most, ttl)
        if not claims:
            claims = self._outbox.claim(self._lease, self._run.run_id, self._name, most, ttl, self._known.ids)
        return [addressed(claim) if self._is_late(claim.intent) else claim for claim in claims]

    def _next_due(self) -> float | None:
        """Seconds until there may be something to send again; others may leave it to us, or make it known by an ack."""
        due = self._outbox.next_due(self._lease, self._run.run_id, self._name)
        if self._outbox.elsewhere(self._lease, self._name):
            self._run.ledger.leases.sweep([plan.name for plan in self._run.plans])
            return LOOK_AGAIN
        return None if due is None else max(0.05, (due - self._run.now()) / 1e6)

    def _is_late(self, intent: Intent) -> bool:
        """Whether it writes a late reference of a record, rather than the record or one of its children."""
        plan = self._plans.get(intent.sync)
        members = plan.members if plan else ()
        slots = (one.slot for member in members if member.connection == self._name for one in member.late)
        return bool(intent.part_key) and intent.part_key in slots

    async def _deliver(self, lot: Sequence[Claim]) -> None:
        intent = lot[0].intent
        resource, contract = self._handle.system.resource(intent.resource), contract_of(self._handle.system, intent)
        if contract is None:
            await _all(*(self._endings.give_up(one, _undone("the system describes no such write")) for one in lot))
            return
        async with AsyncExitStack() as alone:
            # One request at a time touches a record and what belongs to it: some systems save both as they read them.
            for touched in sorted({touched_by(claim, resource) for claim in lot}):
                await alone.enter_async_context(self._touched.setdefault(touched, asyncio.Lock()))
            linked = self._known.linked([claim.intent for claim in lot])
            ready = await _all(*(self._ready(claim, resource, contract, linked) for claim in lot))
            if chosen := [one for one in ready if one is not None]:
                await self._send(chosen, resource, contract)

    async def _ready(self, claim: Claim, resource: Resource, contract: Write, linked: frozenset[int]) -> _Ready | None:
        """Find out whether a claim is to be sent; else it has ended, or waits."""
        if claim.intent.sync not in self._plans:
            await self._endings.give_up(claim, _undone("the release no longer has this sync"))
            return None
        if claim.intent.id in linked:
            await self._endings.supersede(claim)  # found there by its identity meanwhile
            return None
        again: Again | None = Again()
        if claim.intent.state == "ambiguous":
            again = await self._resolver.resolve(claim, resource, contract)
        if again is None or (again.sure and again.found is None and self._resolver.postpones(claim)):
            return None
        natives = dict((claim.sent or {}).get("natives") or natives_of(claim, resource))
        return _Ready(claim, natives, again)

    async def _send(self, lot: Sequence[_Ready], resource: Resource, contract: Write) -> None:
        """Send a lot; where a create was done before it was cut off, only what follows a create."""
        deadline = self._run.now() + SEND_SECONDS * 1_000_000
        begun = await _all(*(self._endings.sending(one.claim, self._resolved(one), deadline) for one in lot))
        lot = [one for one, claim in zip(lot, begun, strict=True) if claim is not None]
        claims = [claim for claim in begun if claim is not None]
        if not claims:
            return
        needs_version, needs_image = _needs_version(contract), _needs_image(resource, contract)
        rows = [self._sending(one, resource, version=needs_version, image=needs_image) for one in lot]
        outcomes = await self._asked(resource, contract, lot[0], rows)
        alone = len(self._under_way) == 1
        own = {claim.intent.id for claim in claims if self._breaker.blames(claim.intent.id, alone=alone)}
        await self._note(claims, outcomes)
        ends = zip(claims, lot, outcomes, strict=True)
        await _all(*(self._ended(claim, contract, one, what, claim.intent.id in own) for claim, one, what in ends))

    async def _asked(
        self, resource: Resource, contract: Write, first: _Ready, rows: Sequence[Sending]
    ) -> list[Outcome]:
        """Make the request; give what became of each row."""
        if first.found is None and batch_of(self._handle.system, first.claim):
            return await self._handle.write_together(resource.name, contract, rows)
        try:
            return [await self._handle.write(resource.name, contract, **vars(rows[0]))]
        except (RequestFailed, ReleaseError) as error:
            return [error]

    def _resolved(self, one: _Ready) -> dict[str, Any] | None:
        """Give what a claim is sent with, where the ledger does not know it yet: most are sent as they were sealed."""
        if one.claim.sent:
            return None
        resolved: dict[str, Any] = {"natives": one.natives, "wants": one.claim.payload.get("wants", {})}
        if batch_of(self._handle.system, one.claim):
            resolved["together"] = True  # keys hold for what is sent the same way
        if self._is_late(one.claim.intent):
            resolved["native_id"] = one.claim.intent.native_id  # for `addressed`, should it be sent again
        return None if resolved == one.claim.payload else resolved

    def _sending(self, one: _Ready, resource: Resource, *, version: bool, image: bool) -> Sending:
        intent = one.claim.intent
        return Sending(
            native_id=one.found.native_id if one.found else intent.native_id,
            natives=one.natives,
            key=intent.key,
            marker=marker_of(intent),
            version=self._known.version(intent) if version else None,
            parent=parent_of(one.claim) if resource.parent else None,
            image=self._known.image(intent) if image else {},
            seconds=SEND_SECONDS - 5,
        )

    async def _note(self, claims: Sequence[Claim], outcomes: Sequence[Outcome]) -> None:
        """Tell the breaker how a request went: well, if any of its rows did; and all others, if that changed its mind."""
        before = self._breaker.open_until
        worked = any(isinstance(one, Written) for one in outcomes)
        if worked:
            self._breaker.worked()
            self._waits_until = self._clock.monotonic() + PATIENCE
        failed = [(c.intent.id, one) for c, one in zip(claims, outcomes, strict=True) if isinstance(one, RequestFailed)]
        for record, error in failed:
            if not worked or error.category in SYSTEMIC:
                self._breaker.failed(record, error)
                break
        told = isinstance(self._breaker.last_error, SystemRests)  # what others say is not said again, and for longer
        if self._breaker.open_until != before and not self._breaker.is_final and not told:
            await self._handle.rest(self._breaker.rests_for if self._breaker.is_open else None)

    async def _ended(self, claim: Claim, contract: Write, one: _Ready, outcome: Outcome, own: bool) -> None:
        """Record what became of one row; ``own``: a failure is the record's and not the system's."""
        intent = claim.intent
        if isinstance(outcome, Written):
            # What was found tells little of what was sent: the next decision looks at all of it again.
            unfinished = outcome.unfinished is not None or one.found is not None
            await self._endings.acknowledge(claim, outcome.native_id, outcome.row or one.found, unfinished=unfinished)
        elif isinstance(outcome, MergedAwayError):
            await self._endings.merged_away(claim, outcome.into)
        elif not isinstance(outcome, RequestFailed):  # this one cannot be written as described; the others can
            await self._endings.give_up(claim, _undone(outcome.message))
        elif outcome.together > 1 and outcome.category in OF_ONE_ROW and not outcome.ambiguous:
            self._lots.halve(intent, outcome.together)
            await self._endings.retry(claim, replace(_failure(outcome, uses_attempt=False), retry_at=self._run.now()))
        elif intent.operation == "delete" and outcome.category == "not_found":
            await self._endings.acknowledge(claim, intent.native_id, None)
        elif _needs_version(contract) and outcome.status in (409, 412):
            await self._endings.supersede(claim)  # the record moved on: the next run plans from what it is
        else:
            await self._failed(claim, outcome, own=own, sure=one.again.sure)

    async def _failed(self, claim: Claim, error: RequestFailed, *, own: bool, sure: bool) -> None:
        intent, plan = claim.intent, self._plans[claim.intent.sync]
        certain = error.category in SYSTEMIC and not error.ambiguous
        unknown = error.ambiguous or (not sure and (error.retry or error.category in AT_THE_DOOR))
        failure = _failure(error, uses_attempt=not certain and (own or error.category not in FAILING))
        wait = error.retry_after if error.retry_after is not None else self._backoff(intent.attempts)
        again = replace(failure, retry_at=self._run.now() + int(wait * 1e6))
        over = not certain and self._is_over(intent, plan)
        if unknown and intent.attempts <= plan.attempts and not over:
            await self._endings.retry(claim, replace(again, outcome="ambiguous"))
        elif error.retry and not unknown and (certain or (intent.attempts < plan.attempts and not over)):
            await self._endings.retry(claim, again)
        else:
            ended: Ended = "dead" if error.retry or unknown else "rejected"
            category = "conflict" if unknown else failure.category  # nobody knows whether it was done
            await self._endings.give_up(claim, replace(failure, outcome=ended, category=category), "", error)

    def _backoff(self, attempt: int) -> float:
        """Seconds before attempt ``attempt + 1``: doubling with full jitter (as AWS describes it), bounded."""
        return self._run.around.random.uniform(FIRST_WAIT / 2, min(LONGEST_WAIT, FIRST_WAIT * 2.0**attempt))

    def _is_over(self, intent: Intent, plan: Plan) -> bool:
        """Whether a write was tried long enough; the time of an outage does not count."""
        age = self._run.now() - (intent.first_sent_at or self._run.now())
        tried = self._breaker.has_worked or intent.sends >= MOST_SENDS * plan.attempts
        return tried and age >= plan.within * 1_000_000 and not self._breaker.is_open


async def _together(workers: Sequence[asyncio.Task[None]]) -> None:
    """Wait for workers; all have ended when one fails, so that of several only the first is told."""
    try:
        await asyncio.gather(*workers)
    finally:
        for worker in workers:
            worker.cancel()
        await asyncio.gather(*workers, return_exceptions=True)


async def _all(*steps: Awaitable[T]) -> list[T | None]:
    """Wait for steps of one lot, which commit together; all have ended when one fails.

    None for a claim that another worker has taken over: it finds out what became of the write.
    """
    if len(steps) == 1:  # most lots: a task for it would be a tenth of all that a write takes here
        try:
            return [await steps[0]]
        except ClaimLost:
            return [None]
    done = await asyncio.gather(*steps, return_exceptions=True)
    for one in done:
        if isinstance(one, BaseException) and not isinstance(one, ClaimLost):
            raise one
    return [None if isinstance(one, BaseException) else one for one in done]


def _undone(why: str) -> Failure:
    return Failure("dead", "mapping", message=why)


def _failure(error: RequestFailed, *, uses_attempt: bool) -> Failure:
    return Failure(
        "retryable", error.category, error.vendor_code, error.status, error.message, uses_attempt=uses_attempt
    )


def _needs_version(contract: Write) -> bool:
    return bool(contract.precondition_header) or "version" in named_in(contract)


def _needs_image(resource: Resource, contract: Write) -> bool:
    of_parent = resource.parent is not None and contract.request.method == "DELETE"
    templates = contract.request.body is not None or bool({"field", "parent"} & named_in(contract))
    return of_parent or contract.sends == "all" or templates or bool(resource.transitions)
