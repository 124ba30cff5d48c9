"""What compiling a large project costs: ``python tests/benchmarks/compile_cost.py [MAPPINGS]``.

Prints seconds and memory of the whole commands, and CPU milliseconds per mapping of reading and checking, of lowering,
and of lowering and emitting together.
"""

from __future__ import annotations

import gc
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.large_project import write_large_project
from syncline_compiler.emit.plan import emit
from syncline_compiler.passes.lower import lower
from syncline_compiler.pipeline import check_project

T = TypeVar("T")


def whole(command: str, *words: str) -> None:
    """Print wall seconds, CPU seconds and peak memory of a command, interpreter start included."""
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    subprocess.run([str(Path(sys.executable).parent / "syncline"), command, *words], check=True, capture_output=True)
    wall, after = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    print(f"syncline {command:<10}{wall:7.2f} s wall{cpu:7.2f} s CPU{after.ru_maxrss // 1024:6d} MB")


def timed(what: str, mappings: int, work: Callable[[], T]) -> T:
    """Print the CPU milliseconds per mapping that some work takes."""
    start = time.process_time()
    done = work()
    print(f"{what:<24}{(time.process_time() - start) * 1000 / mappings:8.2f} ms per mapping")
    return done


def main() -> None:
    """Measure."""
    mappings = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "project"
        write_large_project(folder, mappings)
        whole("check", "--project", str(folder))
        whole("compile", "--project", str(folder), "--out", str(Path(name) / "release"))
        gc.disable()
        checked = timed("read, resolve, check", mappings, lambda: check_project(folder))
        project = checked.project
        if project is None:
            sys.exit("\n".join(map(str, list(checked.diagnostics)[:3])))
        timed("lower", mappings, lambda: sum(1 for _ in lower(project).syncs))
        timed("lower and emit", mappings, lambda: sum(len(content) for _, content in emit(project, lower(project))))


if __name__ == "__main__":
    main()
