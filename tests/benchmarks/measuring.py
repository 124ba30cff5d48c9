"""CPU seconds, wall seconds and memory of this process; needs nothing but Python, so that peers can measure themselves by it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

Times = dict[str, tuple[float, float]]  # stage → CPU seconds, wall seconds


class Stopwatch:
    """CPU and wall seconds of named stages; ``cpu`` counts where others work for this process."""

    def __init__(self, cpu: Callable[[], float] = time.process_time) -> None:
        self.times: Times = {}
        self._cpu = cpu

    @contextmanager
    def __call__(self, stage: str) -> Iterator[None]:
        cpu, wall = self._cpu(), time.perf_counter()
        yield
        self.times[stage] = (self._cpu() - cpu, time.perf_counter() - wall)


def forget_peak() -> int:
    """Let the peak count from here; returns what is in use now."""
    try:
        Path("/proc/self/clear_refs").write_text("5", encoding="utf-8")
    except OSError:
        return 0
    return _status("VmRSS")


def peak() -> int:
    """Give the most that was in use since, in MB; 0 where the system does not tell."""
    return _status("VmHWM")


def _status(name: str) -> int:
    try:
        lines = Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) // 1024 for line in lines if line.startswith(name)), 0)
