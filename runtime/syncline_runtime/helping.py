"""Helping: a second process delivers what a run has sealed, while that run delivers too, or after it.

In: a release, a binding, where the ledger is. Out: ``Delivered``. Invariants: nothing is planned, sealed or confirmed
here; a helper stops when the next run begins, which waits for what is under way and fences who does not end; each intent is
sent by one worker, by its claim. What the links and images of the state say is folded anew, in a folder of the helper's
own: the state of a run under way belongs to that run.
"""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

from syncline_runtime.binding import Binding
from syncline_runtime.connectors import ConnectionHandle, open_connection
from syncline_runtime.encoding import digest
from syncline_runtime.errors import StateError
from syncline_runtime.fold import fold
from syncline_runtime.ledger import FILE, SEGMENTS, Lease, Ledger, Realm, Run, open_ledger
from syncline_runtime.ledger.holder import this_process
from syncline_runtime.options import Options
from syncline_runtime.plan import Release
from syncline_runtime.run import binding_of, chosen
from syncline_runtime.segments import SegmentStore
from syncline_runtime.stages.context import RunContext
from syncline_runtime.stages.deliver import deliver
from syncline_runtime.stages.delivered import Delivered
from syncline_runtime.state import State
from syncline_runtime.stopping import stoppable

HELPER_TTL = 60_000_000  # microseconds
LOOKED_AT = 200  # runs, of which the last one of our syncs is looked for
LOOK_EVERY = 500_000  # microseconds between two looks at who plans


def help_deliver(release: Release, environment: str | Binding | None, options: Options) -> Delivered:
    """Send what the last run of these syncs has sealed, until nothing more can be sent now or the next run begins.

    Raises StateError where nothing has run yet, or the last run was of another release or binding.
    """
    return asyncio.run(_help(release, binding_of(release, environment), options))


async def _help(release: Release, binding: Binding, options: Options) -> Delivered:
    async with AsyncExitStack() as stack:
        realm = Realm(binding.project, binding.environment)
        location = options.ledger or options.state / FILE
        ledger = stack.enter_context(open_ledger(location, realm, options.around.clock.now))
        plans = chosen(release, options.syncs)
        names = [plan.name for plan in plans]
        lease = ledger.leases.help(names, this_process(), HELPER_TTL)
        stack.callback(ledger.leases.release, lease)
        helped = _last_run(ledger, names, release, binding)
        if not _is_ready(ledger, names, helped):
            return Delivered()
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="syncline-helper-")))
        state = State(folder, SegmentStore(options.state / SEGMENTS))
        stack.callback(state.close)
        fold(state, release, ledger.register.segments())
        run = RunContext(
            release=release, binding=binding, plans=plans, realm=str(realm), run_id=helped.id,
            started_at=helped.started_at, state=state, store=state.store, ledger=ledger, around=options.around,
            progress=options.progress,
        )  # fmt: skip
        run.keep_lease = _Keeper(run, lease, names).keep
        connections = {member.connection for plan in plans for member in plan.members}
        for name in sorted(connections):
            run.connections[name] = await stack.enter_async_context(_proved(run, name))
        with stoppable(run, options.within):
            return await deliver(run, lease)


@asynccontextmanager
async def _proved(run: RunContext, name: str) -> AsyncIterator[ConnectionHandle]:
    bound = run.binding.connection(name)
    async with open_connection(run.release.system_of(name), bound, run.around, run.ledger.buckets) as handle:
        if bound.account or bound.environment:
            await handle.prove()
        yield handle


def _last_run(ledger: Ledger, names: Sequence[str], release: Release, binding: Binding) -> Run:
    """Find the run that is helped; its release and binding must be ours, or what it sealed would be sent elsewhere."""
    last = next((one for one in ledger.runs.last(LOOKED_AT) if set(one.syncs) & set(names)), None)
    if last is None:
        raise StateError("nothing has run yet", mend="run once with `syncline run`", code="SYN6008")
    if (last.release_hash, last.binding_hash) != (release.hash, digest(binding)):
        raise StateError(
            "the last run was of another release, or under another binding",
            place=last.id,
            mend="help with the release that is run, or run this one first",
            code="SYN6017",
        )
    return last


def _is_ready(ledger: Ledger, names: Sequence[str], helped: Run) -> bool:
    """Tell whether a run has sealed what it decided, and nobody has begun to plan since."""
    planners = [one for one in ledger.leases.current() if set(one.scopes) & set(names)]
    return helped.sealed_at is not None and all(one.acquired_at <= helped.started_at for one in planners)


class _Keeper:
    """Keeps the lease of a helper alive, and ends its work when somebody else begins to plan."""

    def __init__(self, run: RunContext, lease: Lease, names: Sequence[str]) -> None:
        self._run, self._lease, self._names = run, lease, names
        self._planner, self._looked = run.ledger.leases.planner(names), 0
        self._due = run.now() + HELPER_TTL // 3

    def keep(self) -> None:
        """Look now and then who plans, and renew the lease where that is due."""
        now = self._run.now()
        if now < self._looked + LOOK_EVERY:
            return
        self._looked = now
        if self._run.ledger.leases.planner(self._names) - self._planner:
            self._run.stopping.set()
        if now >= self._due:
            self._run.ledger.leases.renew(self._lease, HELPER_TTL)
            self._due = now + HELPER_TTL // 3
