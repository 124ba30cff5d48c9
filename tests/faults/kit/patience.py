"""Time that runs out by the clock of the world: what waits for its turn, or for an answer, gives up when it would."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from contextvars import ContextVar

from support.clock import TestClock

_END: ContextVar[float | None] = ContextVar("end", default=None)  # microseconds of the clock


class WorldClock(TestClock):
    """A clock by which ``asyncio.timeout`` goes too."""

    __test__ = False

    @asynccontextmanager
    async def timeout(self, seconds: float | None) -> AsyncIterator[None]:
        """Take the place of ``asyncio.timeout``."""
        ends = [end for end in (_END.get(), None if seconds is None else self.at + seconds * 1e6) if end is not None]
        token = _END.set(min(ends, default=None))
        try:
            yield
        finally:
            _END.reset(token)

    async def sleep(self, seconds: float) -> None:
        """Sleep, but no longer than there is time."""
        end = _END.get()
        if end is not None and self.at + seconds * 1e6 > end:
            await super().sleep(max(0.0, (end - self.at) / 1e6))
            raise TimeoutError
        await super().sleep(seconds)
