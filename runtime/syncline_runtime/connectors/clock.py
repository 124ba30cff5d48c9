"""Time as the connectors see it: injected, so that tests decide what time it is and never wait."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """Where time and waiting come from."""

    def now(self) -> datetime:
        """Give the wall clock, in UTC."""
        ...

    def monotonic(self) -> float:
        """Seconds that only rise."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Wait without holding up others."""
        ...


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        """Give the wall clock, in UTC."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """Seconds that only rise."""
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        """Wait without holding up others."""
        await asyncio.sleep(seconds)
