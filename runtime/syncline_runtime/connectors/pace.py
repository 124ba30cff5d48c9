"""How fast one credential may be used: a token bucket, a number of requests at once, and pauses a system asks for.

In: a limit and a clock. Out: ``slot``, held around each request. Invariant: connections of one process that use the
same credential at the same origin share one pace, whatever resource or sync they work for.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from weakref import WeakKeyDictionary

from syncline_runtime.clock import Clock
from syncline_runtime.system import Limit

UNLIMITED_CONCURRENCY = 8


class Pace:
    """The token bucket of one credential; starts full, refills evenly, and may be paused."""

    def __init__(self, limit: Limit | None, clock: Clock) -> None:
        self._limit, self._clock = limit, clock
        self._tokens = float(limit.requests) if limit else 0.0
        self._filled_at = clock.monotonic()
        self._paused_until = self._filled_at
        self.concurrency = limit.concurrency if limit else UNLIMITED_CONCURRENCY
        self._free = asyncio.Semaphore(self.concurrency)

    @contextlib.asynccontextmanager
    async def slot(self) -> AsyncIterator[None]:
        """Wait until one more request is allowed, and count it as under way until the block ends."""
        async with self._free:
            while (wait := self._take()) > 0:
                await self._clock.sleep(wait)
            yield

    def pause(self, seconds: float) -> None:
        """Let nobody start a request for that long; a longer pause that stands already is kept."""
        self._paused_until = max(self._paused_until, self._clock.monotonic() + seconds)

    def _take(self) -> float:
        """Take a token; 0 if there was one, else the seconds until the next try."""
        now = self._clock.monotonic()
        if now < self._paused_until:
            return self._paused_until - now
        if self._limit is None:
            return 0.0
        rate = self._limit.requests / self._limit.per
        self._tokens = min(float(self._limit.requests), self._tokens + (now - self._filled_at) * rate)
        self._filled_at = now
        if self._tokens >= 1 - 1e-9:
            self._tokens -= 1
            return 0.0
        return (1 - self._tokens) / rate


_paces: WeakKeyDictionary[asyncio.AbstractEventLoop, dict[object, Pace]] = WeakKeyDictionary()


def shared_pace(credential: object, limit: Limit | None, clock: Clock) -> Pace:
    """Find the pace of this credential in the running event loop; the first caller's limit holds."""
    paces = _paces.setdefault(asyncio.get_running_loop(), {})
    return paces.setdefault(credential, Pace(limit, clock))
