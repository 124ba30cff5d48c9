"""The transform beside libraries that do parts of it, and beside a plain loop, in one run.

    .venv/bin/python tests/benchmarks/transform_peers.py --peers FOLDER [--records 1000000] [--loop 100000] [--repeats 3]

The case is that of ``transform.py``, phase *changed*: the CRM is read whole, 1 % of its customers differ from what is
stored, 0.1 % are new, 0.1 % gone. Everybody reads the same Parquet files, in a process of its own, with one thread where
it can be told so. polars, datacompy, dlt and drt-core are installed from the package index into an environment each in
FOLDER, once. The loop takes fewer records and is scaled up, beside nothing but itself. What fails is a difference in what
is found: whoever writes must write the same as ours, whoever compares must find the same as SQL does.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.case import REALM, prepare
from benchmarks.compile_peers import installed
from benchmarks.contenders import STAGES as WHOLE
from benchmarks.peer_results import Results
from support import postgres
from syncline_compiler.functions.codes import COUNTRIES, CURRENCIES

HERE = Path(__file__).parent
PHASE = "changed"
STAGES = (*WHOLE, "fold")
ONE_THREAD = {"POLARS_MAX_THREADS": "1"}  # others have no say in it, or one thread anyway


@dataclass(frozen=True)
class Options:
    """What is to be measured."""

    records: int
    loop: int
    repeats: int
    peers: Path | None


@dataclass(frozen=True)
class Peer:
    """A peer: which of our stages hold the work that it does, how to look at what it found, and what it does not do."""

    name: str
    instead_of: tuple[str, ...]
    check: Callable[[Results, str, Path], Iterator[str]]
    without: str


PEERS = (
    Peer(
        "polars", WHOLE, Results.of_whole,
        "this phase alone; no reason for what is left out, nothing on who won, stores nothing; lands nothing, scans Parquet",
    ),
    Peer(
        "datacompy", ("land", "normalise", "diff"), Results.of_comparison,
        "no mapping, match or merge: native texts of one system, as they are and as they were",
    ),
    Peer(
        "drt", ("land", "normalise", "diff"), Results.of_comparison,
        "the same; compares only in a database, here PostgreSQL, which has the rows already and whose memory is not counted",
    ),
    Peer("dlt", ("fold",), Results.of_fold, "no mapping, match, merge or diff: rows in the place of those with their key"),
)  # fmt: skip
LOOP = Peer("loop", WHOLE, Results.of_whole, "as polars; lands all rows as dicts; of fewer records, scaled up")


@dataclass(frozen=True)
class Cost:
    """Median seconds of every stage, and by how much memory grew."""

    cpu: Mapping[str, float]
    wall: Mapping[str, float]
    peak_mb: int
    installed: str = ""

    def times(self, factor: float) -> Cost:
        cpu, wall = ({stage: seconds * factor for stage, seconds in one.items()} for one in (self.cpu, self.wall))
        return Cost(cpu, wall, round(self.peak_mb * factor), self.installed)

    def with_stages(self, more: Cost) -> Cost:
        return replace(self, cpu={**self.cpu, **more.cpu}, wall={**self.wall, **more.wall})


class Failed(Exception):
    """A process ended without figures."""


class Bench:
    """A case, what was found in it, and how what others found differs."""

    def __init__(self, folder: Path, options: Options, records: int) -> None:
        _say(f"generating {records:,} customers")
        folder.mkdir()
        self.case = prepare(folder, records, threads=1)
        self.options = options
        self.differing: list[str] = []

    def ours(self) -> Cost:
        found = self._child("ours")
        self.results = Results(self.case, found["intents"], found["agreed"])
        return _cost(found)

    def by_hand(self) -> Cost:
        return _cost(self._child("by hand"))

    def fold(self) -> Cost:
        """Fold what ours came to: after this the state is not that of the case any more."""
        out = self._out("fold")
        return _cost(
            self._run("fold", sys.executable, HERE / "folding.py", self.case.dump(), out, self.options.repeats)
        )

    def peer(self, peer: Peer, **more: Any) -> Cost | None:
        """Run a peer and look at what it found; None where it cannot be installed, or fails."""
        folder = self.options.peers
        programs = Path(sys.executable).parent if peer is LOOP else folder and installed(folder, peer.name)
        if programs is None:
            return None
        out = self._out("fold" if peer.check == Results.of_fold else peer.name)
        job = {
            "files": str(self.case.files), "out": str(out), "realm": REALM, "repeats": self.options.repeats,
            "countries": COUNTRIES, "currencies": CURRENCIES, "more": more,
        }  # fmt: skip
        try:
            found = self._run(peer.name, programs / "python", HERE / "peers" / f"by_{peer.name}.py", json.dumps(job))
        except Failed as error:  # one peer's failure costs no other's figures
            self.differing.append(str(error))
            return None
        self.differing += peer.check(self.results, peer.name, out)
        return _cost(found)

    def drt(self, peer: Peer) -> Cost | None:
        """The same, with a PostgreSQL server that has the rows."""
        if postgres.found() is None:
            _say("drt is left out, for PostgreSQL is not installed (Debian: postgresql)")
            return None
        columns = self.results.write_tables(self._out("drt"))
        with postgres.running() as server:
            return self.peer(peer, port=server.port, fields=columns)

    def _child(self, name: str) -> dict[str, Any]:
        return self._run(name, sys.executable, HERE / "child.py", self.case.dump(), name, PHASE, self.options.repeats)

    def _out(self, name: str) -> Path:
        folder = self.case.files / name
        folder.mkdir(exist_ok=True)
        return folder

    def _run(self, name: str, *command: object) -> dict[str, Any]:
        _say(f"{self.case.records:,} customers: {name}")
        ran = subprocess.run(
            [*map(str, command)], capture_output=True, text=True, check=False, env=os.environ | ONE_THREAD
        )
        if ran.returncode:
            raise Failed(f"{name} failed:\n{ran.stderr[-5000:]}")
        told: dict[str, Any] = json.loads(ran.stdout.splitlines()[-1])
        return told


def main() -> None:
    options = _options()
    with tempfile.TemporaryDirectory(prefix="syncline-bench-") as name:
        whole = Bench(Path(name) / "whole", options, options.records)
        ours, by_hand = whole.ours(), whole.by_hand()
        ours = ours.with_stages(whole.fold())
        found = {peer: cost for peer in PEERS if (cost := (whole.drt if peer.name == "drt" else whole.peer)(peer))}
        few = Bench(Path(name) / "few", options, options.loop)
        few.ours()
        if cost := few.peer(LOOP):
            found[LOOP] = cost.times(options.records / options.loop)
    print("\n".join(_table(options, ours, by_hand, found)))
    for difference in (differing := whole.differing + few.differing):
        _say(f"DIFFERENT: {difference}")
    sys.exit(1 if differing else 0)


def _options() -> Options:
    parser = argparse.ArgumentParser(description="Measure the transform beside libraries that do parts of it.")
    parser.add_argument("--peers", metavar="FOLDER", help="where they are installed, each in an environment of its own")
    parser.add_argument("--records", type=int, default=1_000_000)
    parser.add_argument("--loop", type=int, help="records of the plain loop; by default a tenth, at most 100,000")
    parser.add_argument("--repeats", type=int, default=3, help="runs per process, of which the median counts")
    given = parser.parse_args()
    folder = Path(given.peers).resolve() if given.peers else None
    return Options(given.records, given.loop or min(100_000, given.records // 10), given.repeats, folder)


def _cost(found: Mapping[str, Any]) -> Cost:
    runs = found["runs"]
    cpu, wall = ({stage: median(run[stage][clock] for run in runs) for stage in runs[0]} for clock in (0, 1))
    return Cost(cpu, wall, found["peak_mb"], found.get("installed", ""))


def _table(options: Options, ours: Cost, by_hand: Cost, found: Mapping[Peer, Cost]) -> Iterator[str]:
    yield f"{options.records:,} customers of 20 fields, 1 % changed: CPU seconds, wall seconds of all; memory: growth in MB"
    yield ""
    heads = (*STAGES, "total", "wall", "ours / it", "wall", "memory")
    yield f"{'':12}" + "".join(f"{head:>10}" for head in heads)
    for name, cost in (("ours", ours), ("by hand", by_hand)):
        instead = STAGES if name == "ours" else WHOLE
        yield _line(name, cost, ours, instead)
    for peer, cost in found.items():
        yield _line(peer.name, cost, ours, peer.instead_of)
    yield ""
    for peer, cost in found.items():
        yield f"{peer.name} ({cost.installed}), instead of {', '.join(peer.instead_of)}: {peer.without}"


def _line(name: str, cost: Cost, ours: Cost, instead_of: Sequence[str]) -> str:
    stages = "".join(f"{cost.cpu[stage]:>10.2f}" if stage in cost.cpu else " " * 10 for stage in STAGES)
    cpu, wall = (sum(clock.values()) for clock in (cost.cpu, cost.wall))
    own_cpu, own_wall = (sum(clock[stage] for stage in instead_of) for clock in (ours.cpu, ours.wall))
    ratios = f"{own_cpu / cpu:>10.2f}{own_wall / wall:>10.2f}" if name != "ours" else " " * 20
    return f"{name:12}{stages}{cpu:>10.2f}{wall:>10.2f}{ratios}{cost.peak_mb:>10}"


def _say(what: str) -> None:
    print(what, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
