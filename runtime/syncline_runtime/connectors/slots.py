"""One connection for each request that may be under way.

In: requests, and how a way to the origin is made. Out: answers. Invariants: a way carries one request at a time, and is free
again once its answer is read or given up; the one that was free last is taken first, so that connections stay warm. A pool
would look at all its connections whenever one comes or goes, which is most of the cost of many small requests.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable

import httpx

from syncline_runtime.connectors.surroundings import Transport


class Slots(httpx.AsyncBaseTransport):
    """As many ways to one origin as were ever needed at once."""

    def __init__(self, make: Callable[[], Transport]) -> None:
        self._make = make
        self._all: list[Transport] = []
        self._free: list[Transport] = []

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request by a free way, or by a new one."""
        way = self._free.pop() if self._free else self._another()
        try:
            response = await way.handle_async_request(request)
        except BaseException:
            self._free.append(way)  # what broke on it is thrown away by itself
            raise
        assert isinstance(response.stream, httpx.AsyncByteStream)
        response.stream = _Returning(response.stream, lambda: self._free.append(way))
        return response

    async def aclose(self) -> None:
        """Close all connections."""
        for way in self._all:
            await way.aclose()

    def _another(self) -> Transport:
        self._all.append(self._make())
        return self._all[-1]


class _Returning(httpx.AsyncByteStream):
    """The content of an answer; closing it frees its way, once."""

    def __init__(self, content: httpx.AsyncByteStream, free: Callable[[], None]) -> None:
        self._content, self._free = content, free
        self._closed = False

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self._content.__aiter__()

    async def aclose(self) -> None:
        try:
            await self._content.aclose()
        finally:
            if not self._closed:
                self._closed = True
                self._free()
