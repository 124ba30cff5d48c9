"""Time, injected wherever it counts, so that tests decide what time it is and never wait."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from math import ceil
from typing import Protocol


class Clock(Protocol):
    """Where time and waiting come from."""

    def now(self) -> int:
        """Microseconds since 1970, UTC."""
        ...

    def monotonic(self) -> float:
        """Seconds that only rise."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Wait without holding up others."""
        ...


class SystemClock:
    """The machine's clock."""

    def now(self) -> int:
        """Microseconds since 1970, UTC."""
        return time.time_ns() // 1000

    def monotonic(self) -> float:
        """Seconds that only rise."""
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        """Wait without holding up others."""
        await asyncio.sleep(seconds)


@dataclass
class StillClock:
    """A clock that moves when somebody waits or lets time pass; a look at it takes a microsecond, to keep things in order."""

    at: int  # microseconds since 1970, UTC

    def now(self) -> int:
        """Microseconds since 1970, UTC."""
        self.at += 1
        return self.at

    def moment(self) -> datetime:
        """Now, in UTC."""
        return datetime.fromtimestamp(self.now() / 1e6, UTC)

    def monotonic(self) -> float:
        """Seconds that only rise."""
        return self.at / 1e6

    async def sleep(self, seconds: float) -> None:
        """Let others go on, and then be later; those who wait at the same time wait together."""
        until = self.at + ceil(seconds * 1e6)
        await asyncio.sleep(0)
        self.at = max(self.at, until)


SYSTEM_CLOCK = SystemClock()
