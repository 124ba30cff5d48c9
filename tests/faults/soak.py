"""A long time with faults: one real process per run, against stand-ins behind a proxy that does harm.

    PYTHONPATH=tests python -m faults.soak --minutes 30

People work in both systems all the time; runs are killed, told to stop, and overlap. Then faults end, all comes to rest, and
what must hold is counted in the systems.
"""

from __future__ import annotations

import argparse
import os
import random
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from end_to_end.stage import clean_environment, program
from faults import proxy
from faults.kit import invariants
from faults.kit.chance import Chance
from faults.kit.far import FarSide
from faults.kit.people import People
from faults.kit.specs import KEYED, releases
from faults.kit.story import Ended
from faults.proxy import Fate, Proxy
from syncline_runtime.plan import Release
from syncline_runtime.sandbox import serve
from syncline_runtime.upkeep.session import Place

AT_ONCE: Final = 12
"""Seeds whose people work."""
FATES: Final[dict[Fate, int]] = {
    "break": 3, "break after": 4, "busy": 3, "fail": 2, "fail after": 3, "cut": 3, "trickle": 2, "hold": 1, "swallow": 1,
}  # fmt: skip
_APPROVE: Final = re.compile(r"run --approve (\w+)")
SHARE: Final = 0.12
SETTLING: Final = 65.0
"""Seconds after which nothing is on its way any more and everything written is shown."""
EXPECTED: Final = (0, 1, 3, 4, 5, -signal.SIGKILL, -signal.SIGTERM)
"""Exit codes that say what they mean; anything else is a mistake of ours."""


class _Now:
    """The machine's clock, as a far side asks for it."""

    @property
    def at(self) -> int:
        return time.time_ns() // 1000

    def moment(self) -> datetime:
        return datetime.now(UTC)


@dataclass
class _Told:
    """Takes what is told."""

    lines: list[str] = field(default_factory=list)

    def tell(self, words: str) -> None:
        self.lines.append(words)


class Soak:
    """The systems, the people and the state of one long time; has what ``invariants`` looks at."""

    def __init__(self, release: Release, folder: Path, seed: int) -> None:
        self.release, self.folder, self.pipeline = release, folder, KEYED
        self.random, self.whole, self.seen = random.Random(seed), 0, 0
        self.sandbox = serve(release.systems, seeds={})
        self.far = {name: FarSide(system, _Now()) for name, system in release.systems.items()}  # type: ignore[arg-type]
        for name, far in self.far.items():
            stand_in, of_mine = self.sandbox.stand_ins[name], far.stand_in
            assert stand_in.stores.keys() == of_mine.stores.keys()
            far.stand_in = stand_in
            far.store.touched = far.touched
        self.people = [People(number, Chance(seed), self.far, KEYED) for number in range(1, AT_ONCE + 1)]
        self.place = Place(release, release.binding("t"), folder / "state")
        self.ended, self.way = Ended(tuple(range(1, AT_ONCE + 1))), _Told()
        self.codes: Counter[str] = Counter()
        self.fates: Counter[Fate] = Counter()
        self.proxy = Proxy(self.sandbox.url)

    def violated(self, what: str) -> None:
        """Note that something does not hold."""
        print(f"VIOLATION {what}", flush=True)
        self.ended.violations.append(what)

    def choose(self, method: str, path: str, before: int) -> Fate:
        """Decide over a request."""
        if self.random.random() > SHARE:
            return "pass"
        fate = self.random.choices(list(FATES), list(FATES.values()))[0]
        self.fates[fate] += 1
        return fate

    def begin(self, *more: str) -> subprocess.Popen[str]:
        """Start a run."""
        words = [
            program(),
            "run",
            "--release",
            str(self.release.folder),
            "--env",
            "t",
            "--state",
            str(self.place.folder),
            *more,
        ]
        environment = {**clean_environment(), "SYNCLINE_SANDBOX_URL": self.proxy.url}
        self.ended.runs += 1
        return subprocess.Popen(
            words, env=environment, text=True, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, cwd=self.folder
        )

    def end(self, run: subprocess.Popen[str]) -> int:
        """Wait for a run; what a guard has stopped is approved: what was deleted here was deleted by people."""
        _, told = run.communicate(timeout=600)
        self.codes[str(run.returncode)] += 1
        if run.returncode not in EXPECTED:
            self.violated(f"a run ended with {run.returncode}: {told[-2000:]}")
        if asked := _APPROVE.findall(told):
            return self.end(self.begin("--approve", asked[-1]))
        return run.returncode

    def troubled(self) -> None:
        """Let people work, and run: to the end, killed, told to stop, or beside another run."""
        for people in self.people:
            if self.random.random() < 0.4:
                people.work(self.whole, self.seen)
        began, runs = _Now().at, [self.begin()]
        match self.random.choices(["", "kill", "stop", "overlap"], [6, 2, 1, 1])[0]:
            case "kill":
                self._soon(runs[0], signal.SIGKILL)
            case "stop":
                self._soon(runs[0], signal.SIGTERM)
            case "overlap":
                time.sleep(self.random.uniform(0, 1))
                runs.append(self.begin())
        codes = [self.end(one) for one in runs]
        if codes[0] in (0, 1):
            self.whole, self.seen = self.whole + 1, began

    def _soon(self, run: subprocess.Popen[str], which: signal.Signals) -> None:
        time.sleep(self.random.uniform(0.3, 4))
        if run.poll() is None:
            os.kill(run.pid, which)

    def settle(self) -> None:
        """Let everything come to rest, without faults."""
        self.proxy.arm(proxy.passing)
        for _ in range(8):
            time.sleep(SETTLING)
            before = len(self.sandbox.log)
            if self.end(self.begin()) in (0, 1) and len(self.sandbox.log) == before:
                return
        self.violated("I4 no rest: runs go on writing")


def soak(minutes: float, seed: int, tell: Callable[[str], None] = print) -> Soak:
    """Do it all; what does not hold is in ``ended``."""
    with tempfile.TemporaryDirectory(prefix="syncline-soak-") as folder:
        (_, release), *_ = releases(Path(folder))
        one = Soak(release, Path(folder), seed)
        one.proxy.start()
        one.proxy.arm(one.choose, reads=True)
        end = time.monotonic() + minutes * 60
        while time.monotonic() < end:
            one.troubled()
        one.settle()
        if len(one.sandbox.log) <= one.ended.runs / 4:
            one.violated("hardly anything was written: nothing is shown by this")
        invariants.check(one)  # type: ignore[arg-type]
        one.proxy.stop()
        one.sandbox.close()
    things = sum(len(people.things) for people in one.people)
    tell(
        f"{minutes:g} minutes, seed {seed}: {one.ended.runs} runs, {things} records, {len(one.sandbox.log)} writes done"
    )
    tell(f"faults: {dict(one.fates)}; exit codes: {dict(one.codes)}")
    tell(f"{len(one.ended.violations)} violations; {one.ended.waiting} records wait for a person")
    return one


def main() -> int:
    """Soak."""
    parser = argparse.ArgumentParser(prog="python -m faults.soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=30)
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    return 1 if soak(asked.minutes, asked.seed).ended.violations else 0


if __name__ == "__main__":
    sys.exit(main())
