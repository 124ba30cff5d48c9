"""Time that tests decide."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from math import ceil

START = datetime(2026, 1, 1, tzinfo=UTC)
TICK = 1_000  # microseconds that asking for the time takes


@dataclass
class TestClock:
    """A clock that moves when someone sleeps, by a tick when someone looks at it, and never by itself."""

    __test__ = False
    at: int = 0  # microseconds since the start
    slept: list[float] = field(default_factory=list)

    def now(self) -> int:
        self.at += TICK
        return int(START.timestamp()) * 1_000_000 + self.at

    def moment(self) -> datetime:
        """Now, as the stand-ins want it."""
        self.at += TICK
        return START + timedelta(microseconds=self.at)

    def monotonic(self) -> float:
        return self.at / 1e6

    async def sleep(self, seconds: float) -> None:
        until = self.at + ceil(seconds * 1e6)
        self.slept.append(seconds)
        await asyncio.sleep(0)
        self.at = max(self.at, until)  # those who sleep at the same time sleep together

    def let_pass(self, seconds: float) -> None:
        """Go on by so much."""
        self.at += int(seconds * 1e6)
