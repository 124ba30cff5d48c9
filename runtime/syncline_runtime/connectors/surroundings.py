"""What a run takes from the world around it: time, chance, and the way to the network.

All of it is injected, so that a run under a seed can be made again as it was.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import httpx

from syncline_runtime.clock import SYSTEM_CLOCK, Clock

Transport = httpx.AsyncBaseTransport


class Random(Protocol):
    """Where jitter comes from: ``random.Random`` fits."""

    def uniform(self, a: float, b: float, /) -> float:
        """Give a number between two others."""
        ...


def _plain(_connection: str) -> Transport | None:
    return None


def _of_sandbox(_connection: str) -> Path | None:
    return None


@dataclass(frozen=True)
class Surroundings:
    """The machine's own, unless a caller says otherwise.

    ``transport`` gives the way of a connection (None: HTTP); ``kept`` the folder or database of a stand-in that has
    one (None: the running sandbox is asked for it). ``threads`` of the engine, and ``parsed``: statements that it has
    parsed before, are for who makes many small runs (None: as it sees fit, and nothing is remembered).
    """

    clock: Clock = SYSTEM_CLOCK
    random: Random = field(default_factory=random.Random)
    transport: Callable[[str], Transport | None] = _plain
    kept: Callable[[str], Path | None] = _of_sandbox
    threads: int | None = None
    parsed: dict[str, Any] | None = None
