"""What a run with nothing to do costs: ``python tests/benchmarks/idle_run.py [TIMES]``.

The three-member sync of the quickstart against its stand-ins on loopback, its state filled by a run before: the whole
process, HTTP included, beside a process that only imports the libraries it stands on. Best of several, in turns.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from syncline_compiler.pipeline import compile_project
from syncline_runtime import load_release
from syncline_runtime.sandbox import serve

QUICKSTART = Path(__file__).parents[2] / "examples" / "quickstart"
FLOOR = [sys.executable, "-c", "import click, duckdb, httpx, httpcore, sqlalchemy.dialects.sqlite"]


def seconds(command: list[str], environment: dict[str, str]) -> float:
    """Wall seconds of a whole process."""
    start = time.perf_counter()
    subprocess.run(command, env=environment, check=True, capture_output=True)
    return time.perf_counter() - start


def main() -> None:
    """Measure."""
    times = int(sys.argv[1]) if len(sys.argv) > 1 else 15
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for path, content in (compile_project(QUICKSTART).files or {}).items():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_bytes(content)
        with serve(load_release(folder).systems) as sandbox:
            environment = os.environ | {"SYNCLINE_SANDBOX_URL": sandbox.url}
            where = ["--release", str(folder), "--env", "sandbox", "--state", str(folder / "state")]
            syncline = str(Path(sys.executable).parent / "syncline")
            subprocess.run([syncline, "run", *where], env=environment, check=False, capture_output=True)
            idle = [syncline, "run", "invoice", *where]
            seconds(idle, environment)
            runs, floors = [], []
            for _ in range(times):
                runs.append(seconds(idle, environment))
                floors.append(seconds(FLOOR, environment))
    print(f"nothing to do, three members: {min(runs):.2f} s (median {sorted(runs)[times // 2]:.2f})")
    print(f"the libraries' imports alone: {min(floors):.2f} s (median {sorted(floors)[times // 2]:.2f})")
    print(f"ratio of the best: {min(runs) / min(floors):.2f}")


if __name__ == "__main__":
    main()
