"""Bounds on time that hold on a slow or busy machine too: they are told in the time of a fixed piece of work."""

from __future__ import annotations

import gc
import time
from collections.abc import Iterator
from contextlib import contextmanager

QUIET = 0.08
"""CPU seconds that the fixed piece of work takes on a quiet machine of the kind that the bars speak of."""


def slowness() -> float:
    """How many times longer this machine takes at this moment than a quiet one; never under 1."""
    start = time.process_time()
    kept: dict[str, int] = {}
    for number in range(200_000):
        kept[str(number)] = number
    return max(1.0, (time.process_time() - start) / QUIET)


@contextmanager
def soon(seconds: float) -> Iterator[None]:
    """What is done within takes no more CPU seconds than this would be on a quiet machine.

    As in the commands, nothing is collected meanwhile: a test's process holds the objects of thousands of other tests.
    """
    collects = gc.isenabled()
    gc.disable()
    try:
        start = time.process_time()
        yield
        took = time.process_time() - start
        assert took <= seconds or took <= seconds * max(slowness(), slowness()), f"{took:.2f} s"
    finally:
        if collects:
            gc.enable()
