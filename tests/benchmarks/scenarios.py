"""What a run costs in a scenario, in one warm process: ``python tests/benchmarks/scenarios.py [TIMES]``.

The scenarios of the quickstart (three syncs, nine members) and one of the project that `syncline init` makes (one sync, two
members). CPU seconds of this process, best of several; checking is not counted, emitting is.
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

from syncline_compiler.pipeline import check_project
from syncline_compiler.project import create_project
from syncline_compiler.scenarios import run_scenarios

QUICKSTART = Path(__file__).parents[2] / "examples" / "quickstart"


def cost(root: Path, times: int) -> tuple[int, float]:
    """Runs that the scenarios of a project make, and the CPU seconds of one."""
    checked = check_project(root, waivers_end=False)
    best, runs = float("inf"), 0
    for _ in range(times):
        begun = time.process_time()
        runs = run_scenarios(checked).runs
        best = min(best, (time.process_time() - begun) / runs)
    return runs, best


def main() -> None:
    """Measure."""
    times = int(sys.argv[1]) if len(sys.argv) > 1 else 3
    with tempfile.TemporaryDirectory() as name:
        small = Path(name) / "small"
        create_project(small)
        for label, root in (("one sync, two members", small), ("three syncs, nine members", QUICKSTART)):
            runs, seconds = cost(root, times)
            print(
                f"{label}: {seconds * 1000:.0f} ms of CPU a run, {1 / seconds:.1f} runs a second and core ({runs} runs)"
            )


if __name__ == "__main__":
    main()
