"""What proves who we are, request by request: secrets that stay, and tickets that run out.

In: secrets that stay, or a way to get a ticket (a login, a token). Out: headers. Invariants: of many requests that are
refused with one ticket, one gets the next for all; a ticket that was refused before it ever worked is not renewed, and
who refused to give one is not asked again: accounts are locked by that.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

import httpx

from syncline_runtime.clock import Clock
from syncline_runtime.errors import RequestFailed

Headers = Mapping[str, str]


@dataclass(frozen=True, eq=False)
class Ticket:
    """Headers that are good for a while. ``until`` is in seconds of ``Clock.monotonic``."""

    headers: Headers = field(repr=False)
    until: float = math.inf
    fresh: bool = True  # given out just now, and not kept from an earlier time


class Access:
    """Secrets that stay as they are."""

    def __init__(self, headers: Headers) -> None:
        self._headers = headers

    async def headers(self) -> Headers:
        """Give the headers of the next request."""
        return self._headers

    def sign(self, prepared: httpx.Request) -> None:
        """Add what proves who made this very request."""

    def accepted(self, used: Headers) -> None:
        """Take note that a request with these headers was let in."""

    def refused(self, used: Headers) -> bool:  # noqa: ARG002
        """Take note that a request with these headers was not let in; whether to try again with others."""
        return False


Fetch = Callable[[Ticket | None], Awaitable[Ticket]]
"""Gets a ticket; the one given, if any, is refused."""


class Renewed(Access):
    """Tickets, each used until it runs out or is refused."""

    def __init__(self, fetch: Fetch, clock: Clock) -> None:
        super().__init__({})
        self._fetch, self._clock = fetch, clock
        self._ticket: Ticket | None = None
        self._refused: Ticket | None = None
        self._worked = False
        self._failed: RequestFailed | None = None
        self._one = asyncio.Lock()

    async def headers(self) -> Headers:
        """Give the headers of the next request; raises what getting a ticket raises."""
        async with self._one:
            if self._failed is not None:
                raise self._failed
            if self._ticket is None or self._clock.monotonic() >= self._ticket.until:
                await self._renew()
            assert self._ticket is not None
            return self._ticket.headers

    async def _renew(self) -> None:
        try:
            self._ticket = await self._fetch(self._refused)
        except RequestFailed as error:
            if error.category in ("authentication", "permission"):
                self._failed = error
            raise
        self._worked = not self._ticket.fresh

    def accepted(self, used: Headers) -> None:
        """Take note that a request with these headers was let in."""
        if self._ticket is not None and used is self._ticket.headers:
            self._worked = True

    def refused(self, used: Headers) -> bool:
        """Take note that a request with these headers was not let in; whether to try again with others."""
        if self._ticket is not None and used is self._ticket.headers:
            if not self._worked:
                return False
            self._refused, self._ticket = self._ticket, None
        return True
