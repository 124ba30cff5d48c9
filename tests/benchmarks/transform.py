"""From landed Parquet to intents: land, normalise, match, merge and diff beside SQL written by hand for the same case.

    .venv/bin/python tests/benchmarks/transform.py [--records 1000000] [--phases changed,no-op,first,delta] [--members 3] [--json]

1,000,000 customers of 20 fields between a CRM and an ERP, or a shop besides (then nothing is written by hand). Every
contender runs in a process of its own, so that its peak memory is its own; with one engine thread CPU seconds are
compared, with two threads wall seconds. All figures of one table come from one run on the same data, hence ratios:
nothing here fails because a machine is slow. What does fail is a difference in what is found: the writes of *ours* and
*by hand* are compared row by row both ways, the base rows that they would store by a digest. Everything is kept in a
temporary folder; progress goes to stderr.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median
from typing import Any

import duckdb

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.case import PHASES, Case, prepare
from benchmarks.contenders import CONTENDERS, STAGES
from benchmarks.report import Measured, as_json, table

ABSENT = {("first", "slim")}  # nothing is stored yet that rows could be joined with
ABSENT |= {("delta", name) for name in CONTENDERS if name != "ours"}  # they take what is not shown for deleted


@dataclass(frozen=True)
class Options:
    """What is to be measured."""

    records: int
    phases: tuple[str, ...]
    repeats: int
    threads: tuple[int, ...]
    members: int
    json: bool


def main() -> None:
    options = _options()
    with tempfile.TemporaryDirectory(prefix="syncline-bench-") as folder:
        _say(f"generating {options.records:,} customers")
        case = prepare(Path(folder), options.records, threads=1, members=options.members)
        measured, differing = [], []
        for phase in options.phases:
            absent = {name for at, name in ABSENT if at == phase} | ({"by hand"} if options.members > 2 else set())
            found = {name: _measure(case, name, phase, options) for name in CONTENDERS if name not in absent}
            measured += [one for each in found.values() for one in each]
            if "by hand" in found:
                differing += _differences(phase, found["ours"][0], found["by hand"][0])
    print(as_json(options.records, measured, differing) if options.json else table(options.records, measured))
    for difference in differing:
        _say(f"DIFFERENT: {difference}")
    sys.exit(1 if differing else 0)


def _options() -> Options:
    parser = argparse.ArgumentParser(description="Measure the transform against hand-written SQL.")
    parser.add_argument("--records", type=int, default=1_000_000)
    parser.add_argument("--phases", default="changed,no-op,first", help=f"of {', '.join(PHASES)}")
    parser.add_argument("--repeats", type=int, default=3, help="runs per process, of which the median counts")
    parser.add_argument("--threads", default="1,2", help="numbers of engine threads")
    parser.add_argument("--members", type=int, default=2, choices=(2, 3))
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    phases = tuple(given.phases.split(","))
    unknown = [phase for phase in phases if phase not in PHASES]
    if unknown:
        parser.error(f"no phase {unknown[0]!r}; there are {', '.join(PHASES)}")
    threads = tuple(int(number) for number in given.threads.split(","))
    return Options(given.records, phases, given.repeats, threads, given.members, given.json)


def _measure(case: Case, name: str, phase: str, options: Options) -> list[Measured]:
    """One contender in one phase, for every number of threads."""
    made = []
    for threads in options.threads:
        _say(f"{phase}: {name}, {threads} thread{'s' if threads > 1 else ''}")
        found = _child(replace(case, threads=threads), name, phase, options.repeats)
        runs = found["runs"]
        clock = 0 if threads == 1 else 1  # CPU seconds of one thread, wall seconds of several
        stages = {
            stage: median(run[stage][clock] for run in runs if stage in run) for stage in STAGES if stage in runs[0]
        }
        made.append(Measured(name, phase, threads, stages, found["peak_mb"], found["intents"], found["agreed"]))
    return made


def _child(case: Case, name: str, phase: str, repeats: int) -> dict[str, Any]:
    program = str(Path(__file__).with_name("child.py"))
    ran = subprocess.run(
        [sys.executable, program, case.dump(), name, phase, str(repeats)], capture_output=True, text=True, check=False
    )
    if ran.returncode:
        raise SystemExit(f"{name} failed in phase {phase}:\n{ran.stderr}")
    found: dict[str, Any] = json.loads(ran.stdout)
    return found


def _differences(phase: str, ours: Measured, by_hand: Measured) -> list[str]:
    """How the two results differ; nothing if they are row-identical. No relation at all means that nothing is written."""
    found = []
    connection = duckdb.connect()
    rows = [f"SELECT * FROM read_parquet('{one.intents}')" if one.intents else None for one in (by_hand, ours)]
    hand, own = rows[0], rows[1] or f"{rows[0]} LIMIT 0"
    for left, right, what in ((hand, own, "only by hand"), (own, hand, "only ours")):
        (count,) = connection.execute(f"SELECT count(*) FROM (({left}) EXCEPT ALL ({right}))").fetchall()[0]
        if count:
            found.append(f"{phase}: {count} writes {what}")
    if (ours.agreed or "0:") != by_hand.agreed:
        found.append(f"{phase}: the base rows differ ({ours.agreed} and {by_hand.agreed})")
    _say(f"{phase}: {'the results differ' if found else 'row-identical'}")
    return found


def _say(what: str) -> None:
    print(what, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
