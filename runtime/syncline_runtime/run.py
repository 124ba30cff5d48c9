"""The runtime's pipeline: ``run_release`` reads like the stages, ``plan_release`` is the same up to the seal.

In: a release, a binding, a state folder. Out: ``RunResult``. All syncs of a run are planned together and sealed once;
delivery follows the seal. Hence ``plan`` lists exactly the writes that ``run`` then makes.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

from syncline_runtime import change_sets
from syncline_runtime.binding import Binding
from syncline_runtime.connectors import open_connection
from syncline_runtime.encoding import digest
from syncline_runtime.errors import SynclineError, UsageError
from syncline_runtime.fold import fold
from syncline_runtime.ledger import FILE, SEGMENTS, ExceptionRecord, Intent, Lease, Realm, Refusal, open_ledger
from syncline_runtime.ledger.holder import this_process
from syncline_runtime.ledger.states import ExceptionState
from syncline_runtime.moves import former_places, moves_of
from syncline_runtime.options import Options
from syncline_runtime.plan import Plan, Release
from syncline_runtime.result import ChangeSet, RunResult, as_dict, change_set_id, exit_code_of, summary_of, told_intent
from syncline_runtime.segments import SegmentStore
from syncline_runtime.stages.absence import gone_of
from syncline_runtime.stages.confirm import confirm
from syncline_runtime.stages.context import Reading, RunContext
from syncline_runtime.stages.decisions import bind_decisions
from syncline_runtime.stages.deliver import LOOK_AGAIN, deliver
from syncline_runtime.stages.delivered import Delivered
from syncline_runtime.stages.diff import (
    ANY_PAYLOAD,
    bind_standing,
    candidates,
    conclude,
    diff,
    outcomes,
    told_merges,
)
from syncline_runtime.stages.extract import extract
from syncline_runtime.stages.guard import guard
from syncline_runtime.stages.match import bind_links, match
from syncline_runtime.stages.merge import bind_current, merge
from syncline_runtime.stages.normalise import normalise
from syncline_runtime.stages.references import resolve_late
from syncline_runtime.stages.replay import bind_replayed, replayed_ids
from syncline_runtime.stages.seal import seal
from syncline_runtime.stages.told_merges import follow_told_merges, keep_told_merges, lift
from syncline_runtime.stages.weight import weighed
from syncline_runtime.state import State
from syncline_runtime.stopping import stoppable, unless_stopped
from syncline_runtime.tombstones import Erased
from syncline_runtime.upkeep.check import check
from syncline_runtime.upkeep.compaction import compact_now_and_then
from syncline_runtime.upkeep.strays import finish_erasures

LEASE_TTL = 600_000_000  # microseconds
HELPERS_PATIENCE = 60.0  # seconds: longer than a write may take
PREVIEW = "preview"
LEFT_TO_PEOPLE: tuple[ExceptionState, ...] = ("open", "assigned", "waiting", "waived")  # not yet decided anew


Decide = Callable[[RunContext], Coroutine[Any, Any, RunResult]]
Seal = Callable[[RunContext, Lease], int]


def run_release(release: Release, environment: str | Binding | None, options: Options) -> RunResult:
    """Run the syncs of a release once, in an environment by name (None: the only one) or under a binding.

    Raises SynclineError (see ``errors``) when the run cannot be made; what fails for single records, or because one
    system cannot be reached, is in the result.
    """
    return asyncio.run(make_run(release, binding_of(release, environment), options))


def plan_release(release: Release, environment: str | Binding | None, options: Options) -> RunResult:
    """Do everything that a run does before its seal; the ledger is told nothing, what is planned is kept beside the state."""
    return asyncio.run(make_plan(release, binding_of(release, environment), options))


def binding_of(release: Release, environment: str | Binding | None) -> Binding:
    """Give the binding of an environment, None: of the only one."""
    return environment if isinstance(environment, Binding) else release.binding(environment)


async def make_run(
    release: Release, binding: Binding, options: Options, decide: Decide | None = None, seal: Seal = seal
) -> RunResult:
    """See ``run_release``; ``decide`` and ``seal`` say what is written where that is not what the syncs demand."""
    plans = chosen(release, options.syncs)
    async with _opened(release, binding, options, plans) as run:
        ledger = run.ledger
        names = [name for plan in plans for name in (plan.name, *plan.moved_from)]
        lease = ledger.leases.acquire(names, this_process(), LEASE_TTL, beside_helpers=True)
        try:
            await _alone(run, names)
            with stoppable(run, options.within):
                result = await _under_lease(run, lease, options, decide or decide_writes, seal)
            compact_now_and_then(run.state, ledger, lease, run.now())
            return result
        finally:
            ledger.leases.release(lease)


async def _under_lease(run: RunContext, lease: Lease, options: Options, decide: Decide, seal: Seal) -> RunResult:
    """Make a run, from its beginning in the ledger to its close."""
    ledger, names = run.ledger, [plan.name for plan in run.plans]
    try:
        if moves := moves_of(run.release):
            ledger.moves.follow(lease, moves)
        begun = ledger.runs.begin(lease, run.release.hash, digest(run.binding), names)
        run.run_id, run.started_at = begun.id, begun.started_at
        run.keep_lease = _Keeper(run, lease).renew
        for name, proof in run.proofs.items():
            ledger.register.prove(lease, name, proof.account or "", proof.environment or "")
        ledger.exceptions.end_waivers(lease)
        recovered, earlier = await _recover(run, lease, begun)
        result = await unless_stopped(run, decide(run))
        result.recovered, result.earlier = recovered, earlier
        _approved(run, lease, result, options)
        keep_told_merges(run, lease)
        seal(run, lease)
        lift(run)
        fold(run.state, run.release, ledger.register.segments())
        result.delivered = await deliver(run, lease)
        run.progress("confirm", "acknowledgements")
        await confirm(run, lease)
        result.outcomes += run.altered
        result.stopped = run.stopping.is_set()
        result.exit_code = exit_code_of(result)
        ledger.runs.close(lease, begun.id, "done", result.exit_code, summary_of(result))
        return result
    except SynclineError as error:
        if run.run_id:
            ledger.runs.close(lease, run.run_id, "failed", error.exit_code, {"code": error.error_code})
        raise


async def _alone(run: RunContext, names: Sequence[str]) -> None:
    """Let those who deliver what an earlier run has sealed end what they have under way; fence who does not."""
    patience = run.around.clock.monotonic() + HELPERS_PATIENCE
    run.ledger.leases.sweep(names)
    while helpers := run.ledger.leases.helpers(names):
        if run.around.clock.monotonic() > patience:
            run.ledger.leases.fence(helpers)
            return
        await run.around.clock.sleep(LOOK_AGAIN)


class _Keeper:
    """Keeps a lease alive through a long delivery."""

    def __init__(self, run: RunContext, lease: Lease) -> None:
        self._run, self._lease, self._due = run, lease, run.now() + LEASE_TTL // 3

    def renew(self) -> None:
        """Renew the lease if a third of its time has passed."""
        if self._run.now() >= self._due:
            self._run.ledger.leases.renew(self._lease, LEASE_TTL)
            self._due = self._run.now() + LEASE_TTL // 3


async def make_plan(release: Release, binding: Binding, options: Options, decide: Decide | None = None) -> RunResult:
    """See ``plan_release``."""
    plans = chosen(release, options.syncs)
    async with _opened(release, binding, options, plans) as run:
        run.run_id, run.started_at = PREVIEW, run.now()
        result = await (decide or decide_writes)(run)
        pending = result.changes.writes or result.under_way or result.findings
        result.exit_code = 3 if pending else exit_code_of(result)
        if not options.offline:
            change_sets.keep(options.state, result.changes)
        return result


async def _recover(run: RunContext, lease: Lease, begun: Any) -> tuple[int, Delivered]:
    """Finish what an interrupted run left: resolve what is ambiguous, put acks into the base."""
    bind_links(run)
    left = run.ledger.intents.recover(lease, begun)
    names = {plan.name for plan in run.plans}
    unfinished = run.ledger.intents.unfinished()
    waiting = [one for one in unfinished if one.sync in names and one.state in ("ambiguous", "retryable")]
    earlier = Delivered()
    if waiting:
        run.progress("recover", f"{len(waiting)} writes of an earlier run")
        earlier = await deliver(run, lease)
    await confirm(run, lease, recovering=True)
    return left.ambiguous + left.superseded, earlier


async def decide_writes(run: RunContext) -> RunResult:
    """Extract, normalise, match, merge, diff and guard: everything that comes before the seal."""
    under_way = await decide(run, extract)
    writes = tuple(
        one for plan in run.plans for member in plan.members for one in candidates(run, plan, member, before=True)
    )
    gone = _gone(run)
    return RunResult(
        run_id=run.run_id,
        changes=ChangeSet(change_set_id(writes, gone), writes, gone),
        counts=[as_dict(one) for one in run.counts],
        outcomes=[*told_merges(run), *(one for plan in run.plans for one in outcomes(run, plan))],
        exceptions=_unwaived(run),
        unread={f"{c}.{r}": str(reading.error) for (c, r), reading in sorted(run.readings.items()) if reading.error},
        findings=guard(run),
        under_way=[told_intent(one) for one in under_way],
    )


async def decide(run: RunContext, read: Callable[[RunContext], Coroutine[Any, Any, None]]) -> list[Intent]:
    """Make the relations of every stage from ``read`` to the diff; gives the writes of earlier runs that are under way."""
    bind_links(run)
    await read(run)
    if follow_told_merges(run):
        bind_links(run)
    for plan in run.plans:
        run.progress("normalise", plan.name)
        normalise(run, plan)
        match(run, plan)
    for plan in run.plans:
        resolve_late(run, plan)
    under_way, open_ids = _standing(run)
    for plan in run.others:
        bind_current(run, plan)  # derived fields may sum over records of syncs that are not in this run
    for plan in run.deciding:
        run.progress("merge", plan.name)
        merge(run, plan, open_ids.get(plan.object, []))
    for plan in run.plans:
        run.progress("diff", plan.name)
        diff(run, plan)
    for plan in run.plans:
        conclude(run, plan)
    run.exceptions = [weighed(run.release.plans[one.sync], one) for one in run.exceptions]
    return under_way


def _standing(run: RunContext) -> tuple[list[Intent], dict[str, list[str]]]:
    """Say what earlier runs left: intents under way, and per object the canonical ids to look at again.

    A preview takes what a run would plan again as that run does, so that it shows the same writes.
    """
    under_way: list[Intent] = []
    open_ids: dict[str, list[str]] = {}
    names = {plan.name for plan in run.plans}
    for intent in run.ledger.intents.unfinished():
        if run.run_id == PREVIEW and intent.sync in names and intent.planned_again:
            open_ids.setdefault(intent.object, []).append(intent.canonical_id)
        else:
            under_way.append(intent)
    bind_decisions(run)
    for object_, cid in (*run.ledger.intents.open_work(), *((d.object, d.canonical_id) for d in run.decisions)):
        open_ids.setdefault(object_, []).append(cid)
    for object_, cid in replayed_ids(run):
        open_ids.setdefault(object_, []).append(cid)
    refused = [
        (
            member.connection,
            member.canonical_id,
            member.part_key,
            ANY_PAYLOAD if _unknown_fate(refusal) else refusal.fingerprint,
        )
        for member, refusal in run.ledger.intents.last_refusals().items()
    ]
    refused += [
        (one.connection, one.canonical_id, "", ANY_PAYLOAD)
        for one in run.ledger.exceptions.find(LEFT_TO_PEOPLE, code="SYN5403")
    ]
    edited = run.ledger.exceptions.find(LEFT_TO_PEOPLE, code="SYN5010")
    bind_standing(run, _records(under_way), refused, _records(edited))
    return under_way, open_ids


def _records(ones: Iterable[Intent | ExceptionRecord]) -> list[tuple[str, str]]:
    return [(one.connection, one.canonical_id) for one in ones]


def _unknown_fate(refusal: Refusal) -> bool:
    """Whether a write was given up without knowing if it was done: another payload would double it just the same."""
    return refusal.state == "dead" and refusal.category == "conflict"


@asynccontextmanager
async def _opened(
    release: Release, binding: Binding, options: Options, plans: tuple[Plan, ...]
) -> AsyncIterator[RunContext]:
    """Everything a run needs, open until the block ends."""
    realm = Realm(binding.project, binding.environment)
    options.state.mkdir(parents=True, exist_ok=True)
    store = SegmentStore(options.state / SEGMENTS)
    async with AsyncExitStack() as stack:
        ledger = stack.enter_context(
            open_ledger(options.ledger or options.state / FILE, realm, options.around.clock.now)
        )
        finish_erasures(options.state, store, ledger, release)
        state = State(options.state, store, threads=options.around.threads, parsed=options.around.parsed)
        stack.callback(state.close)
        check(state, ledger)
        fold(state, release, ledger.register.segments())
        run = RunContext(
            release=release,
            binding=binding,
            plans=plans,
            realm=str(realm),
            run_id="",
            started_at=0,
            state=state,
            store=store,
            ledger=ledger,
            erased=Erased.of(state, ledger, former_places(release)),
            around=options.around,
            progress=options.progress,
            whole=options.whole,
        )
        bind_replayed(run, options.replay)
        if not options.offline:
            await _connect(run, stack)
        yield run


async def _connect(run: RunContext, stack: AsyncExitStack) -> None:
    """Open every connection of the run; one that cannot be used makes its members unknown."""
    names = sorted({(member.connection, member.resource) for plan in run.plans for member in plan.members})
    for name in sorted({connection for connection, _ in names}):
        bound = run.binding.connection(name)
        handle = await stack.enter_async_context(
            open_connection(run.release.system_of(name), bound, run.around, run.ledger.buckets)
        )
        try:
            if bound.account or bound.environment:
                run.proofs[name] = await handle.prove()
        except SynclineError as error:
            if error.exit_code != 4:
                raise
            for connection, resource in names:
                if connection == name:
                    run.readings[connection, resource] = Reading(0, complete=False, mark=None, error=error)
            continue
        run.connections[name] = handle


def chosen(release: Release, names: tuple[str, ...]) -> tuple[Plan, ...]:
    """Give the plans of these syncs, or of all, the referred-to first; UsageError for what the release lacks."""
    unknown = [name for name in names if name not in release.plans]
    if unknown:
        raise UsageError(
            f"the release has no sync {unknown[0]!r}",
            place=str(release.folder),
            mend=f"it has: {', '.join(release.index.order)}",
        )
    return tuple(plan for plan in release.in_order if not names or plan.name in names)


def _approved(run: RunContext, lease: Lease, result: RunResult, options: Options) -> None:
    """Let a run pass whose guards did not trip, or whose change set somebody has approved."""
    changes, approved = result.changes, options.approve
    meant = approved is not None and change_sets.is_meant(approved, changes.id)
    if approved is not None and meant:
        run.ledger.decisions.approve(changes.id, os.environ.get("USER", "unknown"))
        run.ledger.decisions.use(lease, changes.id, run.run_id)
    elif approved is not None:
        raise change_sets.another(options, changes)
    elif result.findings:
        raise change_sets.refused(options, changes, result.findings)


def _gone(run: RunContext) -> tuple[tuple[str, ...], ...]:
    """List what is taken for deleted, or for merged: approving one change set must not approve another."""
    merged = [(one.sync, one.connection, one.gone, one.into) for one in run.merges]
    members = ((plan, member) for plan in run.plans for member in plan.members)
    gone = [(plan.name, member.connection, one) for plan, member in members for one in gone_of(run, plan, member)]
    return tuple(sorted([*gone, *merged]))


def _unwaived(run: RunContext) -> list[dict[str, Any]]:
    """Give what the run met, but for what somebody has accepted as it is."""
    waived = {one.identity for one in run.ledger.exceptions.find(("waived",))} if run.exceptions else set()
    return [as_dict(one) for one in run.exceptions if one.identity not in waived]
