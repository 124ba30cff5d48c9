"""A way to an origin: one connection of httpcore's, which carries one request at a time.

In: requests, and how a connection is made. Out: answers. Invariant: a connection that broke, that lay still too long, or that the far
side has closed or written to meanwhile is replaced before anything is sent by it. A client for all purposes asks for each of many small
requests what stays the same for all of one origin (cookies, redirects, proxies, pools): more than half of their cost.
"""

from __future__ import annotations

from collections.abc import AsyncIterable, AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from typing import Final

import httpcore
import httpx

KEPT_SECONDS: Final = 2.0  # a connection that lies still longer may be closed by the far side just when it is used


class Way(httpx.AsyncBaseTransport):
    """One connection at a time to one origin, opened when there is something to send."""

    def __init__(self, make: Callable[[], httpcore.AsyncHTTPConnection]) -> None:
        self._make = make
        self._connection: httpcore.AsyncHTTPConnection | None = None

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request with its content; that of the answer is yet to be read."""
        connection = await self._ready()
        url = request.url
        asked = httpcore.Request(
            request.method,
            httpcore.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path),
            headers=request.headers.raw,
            content=request.stream,
            extensions=request.extensions,
        )
        with _told_as_httpx_does():
            answer = await connection.handle_async_request(asked)
        assert isinstance(answer.stream, AsyncIterable)
        return httpx.Response(answer.status, headers=answer.headers, stream=_Content(answer))

    async def aclose(self) -> None:
        """Close the connection."""
        if self._connection is not None:
            await self._connection.aclose()
            self._connection = None

    async def _ready(self) -> httpcore.AsyncHTTPConnection:
        connection = self._connection
        if connection is not None and (not connection.is_available() or connection.has_expired()):
            await self.aclose()
        if self._connection is None:
            self._connection = self._make()
        return self._connection


class _Content(httpx.AsyncByteStream):
    """The content of an answer; closing it makes its way free."""

    def __init__(self, answer: httpcore.Response) -> None:
        self._answer = answer

    async def __aiter__(self) -> AsyncIterator[bytes]:
        with _told_as_httpx_does():
            async for part in self._answer.aiter_stream():
                yield part

    async def aclose(self) -> None:
        """End the request."""
        with _told_as_httpx_does():
            await self._answer.aclose()


@contextmanager
def _told_as_httpx_does() -> Iterator[None]:
    """Raise what httpcore raises under httpx's names, which are the same."""
    try:
        yield
    except (httpcore.TimeoutException, httpcore.NetworkError, httpcore.ProtocolError) as error:
        raise getattr(httpx, type(error).__name__, httpx.TransportError)(str(error)) from None
