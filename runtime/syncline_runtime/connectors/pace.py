"""How fast one credential may be used: a token bucket, a number of requests at once, and pauses a system asks for.

In: a limit, a clock, and the bucket that processes share (``Shared``: the ledger's). Out: ``slot``, held around each request.
Invariants: connections of one process that use the same credential at the same origin share one pace, whatever resource or
sync they work for; processes share the bucket, from which each takes enough for a moment; the share that is kept for
people is never used; what a system tells of requests left slows the pace before it has to refuse.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Protocol
from weakref import WeakKeyDictionary

from syncline_runtime.clock import Clock
from syncline_runtime.connectors.limits import Told
from syncline_runtime.errors import SystemRests
from syncline_runtime.system import Limit

UNLIMITED_CONCURRENCY = 8
MOMENT = 0.5  # seconds for which a process takes tokens of a bucket that others use too
SHORT_REST = 2.0  # seconds
LONGEST_PAUSE = 60.0  # seconds after which a system that has nothing left for us is asked again
_NO_LIMIT = Limit(1_000_000, 1)


class Granted(Protocol):
    """Requests that may be made now, or seconds until it is worth to ask again, and those without writes."""

    @property
    def tokens(self) -> float: ...  # noqa: D102
    @property
    def wait(self) -> float: ...  # noqa: D102
    @property
    def rests(self) -> float: ...  # noqa: D102


class Shared(Protocol):
    """The buckets that all processes use; each call may wait for a disk or a server."""

    def take(self, of: str, capacity: float, rate: float, most: float, *, writes: bool) -> Granted:
        """Take up to ``most`` tokens of a bucket that holds ``capacity`` and fills with ``rate`` a second."""
        ...

    def pause(self, of: str, seconds: float) -> None:
        """Let nobody make a request for so long."""
        ...

    def rest(self, of: str, seconds: float | None) -> None:
        """Let a system rest that fails; None: it is back."""
        ...


class Pace:
    """The pace of one credential; its bucket starts full, refills evenly, and may be paused."""

    def __init__(self, limit: Limit | None, clock: Clock, credential: str = "", shared: Shared | None = None) -> None:
        self._limit, self._clock, self._credential, self._shared = limit, clock, credential, shared
        allowed = limit or _NO_LIMIT
        self._capacity = max(1.0, allowed.requests * (100 - allowed.kept) / 100)
        self._rate = allowed.requests * (100 - allowed.kept) / 100 / allowed.per
        self._tokens = 0.0 if shared else self._capacity
        self._filled_at = clock.monotonic()
        self._paused_until = self._filled_at
        self.concurrency = limit.concurrency if limit else UNLIMITED_CONCURRENCY
        self._free = asyncio.Semaphore(self.concurrency)
        self._asking = asyncio.Lock()

    @contextlib.asynccontextmanager
    async def slot(self, *, writes: bool = False) -> AsyncIterator[None]:
        """Wait until one more request is allowed, and count it as under way until the block ends.

        Raises SystemRests for a write while the system rests, since another process found that it fails.
        """
        async with self._free:
            while (wait := await self._take(writes=writes)) > 0:
                await self._clock.sleep(wait)
            yield

    def pause(self, seconds: float) -> None:
        """Let nobody in this process start a request for that long; a longer pause that stands already is kept."""
        self._paused_until = max(self._paused_until, self._clock.monotonic() + seconds)

    async def pause_all(self, seconds: float) -> None:
        """``pause`` in every process."""
        self.pause(seconds)
        if self._shared is not None:
            await asyncio.to_thread(self._shared.pause, self._credential, seconds)

    async def rest(self, seconds: float | None) -> None:
        """Tell the other processes that the system fails, and rests for so long; None: that it is back."""
        if self._shared is not None:
            self._tokens = 0.0  # who looks first whether it is back is decided where all see it
            await asyncio.to_thread(self._shared.rest, self._credential, seconds)

    def told(self, told: Told) -> None:
        """Slow down by what the system says is left, of which a share is kept for people."""
        if self._limit is None or told.left is None:
            return
        left = told.left - (told.total or 0) * self._limit.kept / 100
        if left < 1:
            # Where nobody says until when, the system will; but people's share is not for asking again and again.
            unknown = float(self._limit.per) if self._limit.kept else 1 / self._rate
            self.pause(min(LONGEST_PAUSE, unknown if told.reset is None else told.reset))
        elif told.reset:
            # as many as are left, evenly until there are new ones; never faster than the limit
            self._tokens = min(self._tokens, left)
            if left / told.reset < self._rate:
                self.pause(1 / (left / told.reset) - 1 / self._rate)

    async def _take(self, *, writes: bool) -> float:
        """Take a token; 0 if there was one, else the seconds until the next try."""
        if (wait := self._paused_until - self._clock.monotonic()) > 0:
            return wait
        if self._limit is None and self._shared is None:
            return 0.0
        if self._shared is None:
            return self._take_alone()
        return await self._take_shared(self._shared, writes=writes)

    def _take_alone(self) -> float:
        now = self._clock.monotonic()
        self._tokens = min(self._capacity, self._tokens + (now - self._filled_at) * self._rate)
        self._filled_at = now
        if self._tokens >= 1 - 1e-9:
            self._tokens -= 1
            return 0.0
        return (1 - self._tokens) / self._rate

    async def _take_shared(self, shared: Shared, *, writes: bool) -> float:
        async with self._asking:
            if self._tokens < 1 or self._clock.monotonic() > self._filled_at + MOMENT:
                most = self._rate * MOMENT
                granted = await asyncio.to_thread(
                    shared.take, self._credential, self._capacity, self._rate, most, writes=writes
                )
                if writes and granted.rests > 0:
                    return _short(granted.rests)
                if granted.tokens < 1:
                    return granted.wait
                self._tokens, self._filled_at = granted.tokens, self._clock.monotonic()
            self._tokens -= 1
            return 0.0


def _short(rests: float) -> float:
    """Give a rest that is waited for; a longer one is a failure, so that nothing is held up by it."""
    if rests <= SHORT_REST:
        return rests
    raise SystemRests(
        "the system rests: another process has found that it fails",
        category="transport",
        retry=True,
        retry_after=rests,
    )


_paces: WeakKeyDictionary[asyncio.AbstractEventLoop, dict[object, Pace]] = WeakKeyDictionary()


def shared_pace(credential: str, limit: Limit | None, clock: Clock, shared: Shared | None) -> Pace:
    """Find the pace of this credential in the running event loop; the first caller's limit holds."""
    paces = _paces.setdefault(asyncio.get_running_loop(), {})
    return paces.setdefault(credential, Pace(limit, clock, credential, shared))
