"""What a peer is asked and what it answers: ``python by_….py JOB``, in the environment of the peer.

In: a job as JSON. Out, as the last line: seconds of every stage in every run, by how much memory grew, and what is installed.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any, TypeVar

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from benchmarks.measuring import Stopwatch, forget_peak, peak

Found = TypeVar("Found")


@dataclass(frozen=True)
class Job:
    """Where the rows are, where what was found goes, and what the mappings need to know."""

    files: str
    out: str
    realm: str
    repeats: int
    countries: Sequence[str]
    currencies: Sequence[str]
    more: dict[str, Any] = field(default_factory=dict)

    def file(self, name: str) -> Path:
        """A table of the case, as Parquet."""
        return Path(self.files) / f"{name}.parquet"

    def result(self, name: str) -> Path:
        return Path(self.out) / name


def given() -> Job:
    """The job of this process."""
    return Job(**json.loads(sys.argv[1]))


def measure(
    job: Job,
    packages: Sequence[str],
    once: Callable[[Job, Stopwatch], Found],
    keep: Callable[[Job, Found], None],
    cpu: Callable[[], float] = time.process_time,
) -> None:
    """Do the work as often as asked, put down what was found the last time, and tell what it took."""
    before, runs = forget_peak(), []
    for _ in range(job.repeats):
        watch = Stopwatch(cpu)
        found = once(job, watch)
        runs.append(watch.times)
    most = peak() - before
    keep(job, found)
    installed = ", ".join(f"{package} {version(package)}" for package in packages)
    print(json.dumps({"runs": runs, "peak_mb": most, "installed": installed}))
