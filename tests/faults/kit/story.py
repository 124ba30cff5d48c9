"""The story of one world: rounds of work and runs under trouble, then rest, then what must hold.

In: the seeds that play in the world. Out: a list of violations, the tale, and how often each fault was drawn. Equal seeds
give equal stories: time, chance, transport and threads are all ours.
"""

from __future__ import annotations

import asyncio
import logging
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import partial
from pathlib import Path
from random import Random
from typing import Any, Final

import pytest

from faults.kit import invariants
from faults.kit.chance import Chance
from faults.kit.crashes import Crashes, Killed, counted
from faults.kit.far import URL, FarSide
from faults.kit.patience import WorldClock
from faults.kit.people import People
from faults.kit.specs import Pipeline
from faults.kit.way import Trouble, Way
from support.postgres import url_of_new_ledger
from syncline_runtime import Options, plan_release, run_release
from syncline_runtime import run as running
from syncline_runtime.connectors import Surroundings
from syncline_runtime.errors import ApprovalNeeded, InternalError, SynclineError
from syncline_runtime.ledger import FILE, open_ledger
from syncline_runtime.plan import Release
from syncline_runtime.result import RunResult
from syncline_runtime.run import LEASE_TTL
from syncline_runtime.stages.context import RunContext
from syncline_runtime.stopping import stoppable
from syncline_runtime.upkeep.session import Place

ROUNDS: Final = 4
MOST_SETTLING: Final = 6
PAUSES: Final = {1: 3, 10: 2, 45: 3, 600: 2, 7_200: 2, 110_000: 2}  # seconds between two runs → weight
PARSED: Final[dict[str, Any]] = {}  # statements that the engine has parsed
SKEWS: Final = {0: 4, 3_600: 1, -3_600: 1}


@dataclass
class Ended:
    """How a story went."""

    seeds: tuple[int, ...]
    violations: list[str] = field(default_factory=list)
    waiting: int = 0  # records that wait for a person
    drawn: Counter[tuple[str, str]] = field(default_factory=Counter)
    tale: list[str] = field(default_factory=list)
    runs: int = 0


class World:
    """Systems, people and a state folder, and the trouble between them."""

    def __init__(self, pipeline: Pipeline, release: Release, folder: Path, seeds: Sequence[int]) -> None:
        self.pipeline, self.release, self.folder, self.seeds = pipeline, release, folder, tuple(seeds)
        self.chance = Chance(f"world of {self.seeds[0]}")
        self.clock = WorldClock()
        self.far = {
            name: FarSide(system, self.clock, timedelta(seconds=self._skew(name)))
            for name, system in release.systems.items()
        }
        self.crashes = Crashes(folder / "state")
        self.way = Way(self.far, self.clock, self.chance, self.crashes)
        self.people = [People(seed, self.chance, self.far, pipeline) for seed in self.seeds]
        around = Surroundings(self.clock, self.chance.of("jitter"), self.way.to, threads=1, parsed=PARSED)
        self.options = Options(folder / "state", url_of_new_ledger(), around=around)
        self.way.known = self._known
        self.running: list[RunContext] = []
        self.stopped = False  # a guard stopped the last run
        self.whole = 0  # runs that read everything and were not killed
        self.seen = 0  # when the last of them began
        for far in self.far.values():
            if far.ahead:
                self.way.met("between runs", "clock apart")
        self.ended = Ended(self.seeds, tale=self.way.tale, drawn=self.way.drawn)

    @property
    def place(self) -> Place:
        """Whose state it is and where it lies."""
        binding = self.release.binding("t")
        return Place(self.release, binding, self.options.state, self.options.ledger, replace(self.options.around))

    def work(self) -> None:
        """Let all people work."""
        for people in self.people:
            for words in people.work(self.whole, self.seen):
                self.way.tell(f"people: {words}")

    def run(self, **options: Any) -> RunResult | None:
        """Run once; None if the run could not be made or was killed."""
        self.ended.runs += 1
        self.way.tell(f"run {self.ended.runs}")
        return self._tried(lambda: run_release(self.release, "t", replace(self.options, **options)))

    def run_with_consent(self) -> RunResult | None:
        """Run, and let somebody approve what a guard has stopped: what was deleted here was deleted by people."""
        result = self.run()
        if result is None and self.stopped:
            planned = self.plan()
            result = self.run(approve=planned.changes.id) if planned else None
        return result

    def plan(self) -> RunResult | None:
        """Plan once."""
        self.way.tell("plan")
        return self._tried(lambda: plan_release(self.release, "t", self.options))

    def _tried(self, do: Callable[[], RunResult]) -> RunResult | None:
        began = self.clock.at
        try:
            result = do()
        except Killed:
            self.way.tell(f"killed {self.crashes.steps[-1]} (step {self.crashes.number})")
            return None
        except SynclineError as error:
            self.stopped = isinstance(error, ApprovalNeeded)
            self.way.tell(f"ended: {type(error).__name__} {error.error_code} {error.message}")
            if isinstance(error, InternalError):
                self.violated(f"I3 the runtime's own bug: {error}")
            return None
        except Exception as error:
            self.violated(f"the run broke: {type(error).__name__} {error}")
            return None
        told = f"exit {result.exit_code}, {len(result.changes.writes)} planned, acked {result.delivered.acked}"
        if result.run_id != "preview" and not result.unread:
            self.whole, self.seen = self.whole + 1, began
        self.way.tell(f"{told}, left {result.delivered.left}, unread {sorted(result.unread)}")
        return result

    def _known(self, key: str) -> bool:
        return any(one.key == key and one.since < self.whole for people in self.people for one in people.things)

    def violated(self, what: str) -> None:
        """Note that something does not hold."""
        self.way.tell(f"VIOLATION {what}")
        self.ended.violations.append(what)

    def let_pass(self, seconds: float) -> None:
        """Let time pass: late requests arrive, and keys are forgotten."""
        if seconds >= 86_400:
            for far in self.far.values():
                far.forget_keys()
            self.way.met("between runs", "keys expired")
        self.clock.let_pass(seconds)
        self.way.arrive(self.clock.at)
        self.way.tell(f"{seconds} s pass")

    def _skew(self, name: str) -> int:
        return self.chance.of("skew", name).choices(list(SKEWS), list(SKEWS.values()))[0]


def tell(made: tuple[Pipeline, Release], folder: Path, seeds: Sequence[int]) -> Ended:
    """Tell the story of a world to its end."""
    folder.mkdir(parents=True)
    with pytest.MonkeyPatch.context() as patch:
        world = World(*made, folder, seeds)
        patch.setenv("SYNCLINE_SANDBOX_URL", URL)
        patch.setattr(asyncio, "to_thread", _at_once)
        patch.setattr(asyncio, "timeout", world.clock.timeout)
        patch.setattr(logging.getLogger("asyncio"), "disabled", True)  # a killed run's tasks end as they may
        patch.setattr(running, "stoppable", partial(_noted, world.running))
        patch.setattr(sys, "unraisablehook", _of_the_living)
        with counted(world.crashes, patch):
            for number in range(ROUNDS):
                _troubled(world, world.chance.of("round", number))
            _settled(world)
        return world.ended


def _of_the_living(unraisable: Any) -> None:
    """Tell of what could not be raised; what a killed run still tries, and must not, is nothing to tell."""
    if not isinstance(unraisable.exc_value, Killed):
        sys.__unraisablehook__(unraisable)


@contextmanager
def _noted(runs: list[RunContext], run: RunContext, within: float | None) -> Iterator[None]:
    """Note which run is going on, so that somebody can tell it to stop."""
    runs.append(run)
    with stoppable(run, within):
        yield


async def _at_once(work: Callable[..., Any], *args: Any, **more: Any) -> Any:
    """Do the work of a thread here and now, so that nothing depends on how threads are scheduled."""
    return work(*args, **more)


def _troubled(world: World, random: Random) -> None:
    """One round: people work, a run meets trouble, time passes."""
    world.work()
    way, crashes = world.way, world.crashes
    way.trouble = Trouble(
        writes=random.choice([0.1, 0.3, 0.6]),
        reads=random.choice([0.0, 0.05, 0.15]),
        odd=0.3,
        down=tuple(name for name in world.far if random.random() < 0.04),
    )
    way.trouble.at_request = _happens(world, random)
    match random.choices(["", "killed", "full"], [6, 3, 1])[0]:
        case "killed":
            crashes.arm(at=random.randint(1, 250))
        case "full":
            crashes.arm(full_at=random.randint(1, 120))
        case _:
            crashes.arm()
    before = crashes.at, crashes.full_at
    world.run()
    if crashes.dead:
        way.met("run", "killed")
    elif before[1] and crashes.number >= before[1]:
        way.met("run", "disk full")
    for _ in way.trouble.down:
        way.met("run", "system down")
    crashes.end()
    world.let_pass(random.choices(list(PAUSES), list(PAUSES.values()))[0])


def _happens(world: World, random: Random) -> dict[int, Callable[[], None]]:
    """Draw what happens at some request of a run: it stands still past its lease, or is told to stop."""
    number = world.way.requests + random.randint(1, 30)
    what = random.choices([None, _steal, _stop], [6, 2, 2])[0]
    return {} if what is None else {number: lambda: what(world)}


def _stop(world: World) -> None:
    """Tell the run to stop, as SIGTERM does."""
    world.way.met("run", "told to stop")
    world.running[-1].stopping.set()


def _steal(world: World) -> None:
    world.way.met("run", "lease lost")
    world.clock.let_pass(LEASE_TTL / 1e6 + 1)
    world.way.tell("the process stands still past its lease; another one takes it")
    with open_ledger(world.options.ledger or world.options.state / FILE, world.place.realm, world.clock.now) as ledger:
        lease = ledger.leases.acquire(list(world.release.plans), "elsewhere|x|1|1", LEASE_TTL)
        ledger.leases.release(lease)


def _settled(world: World) -> None:
    """Faults end; all comes to rest; then everything must hold."""
    world.way.trouble = Trouble()
    world.way.arrive()
    world.let_pass(200_000)
    for number in range(MOST_SETTLING):
        result = world.run_with_consent()
        world.let_pass(7_200)
        if number and result is not None and not (result.changes.writes or sum(result.delivered.left.values())):
            break
    else:
        world.violated("I4 no rest: runs go on writing")
    invariants.check_plan(world)
    invariants.check(world)
