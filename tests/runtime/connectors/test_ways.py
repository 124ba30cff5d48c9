"""Connections to one origin, beside a far side that speaks and closes as a test says, byte by byte."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import httpcore
import httpx
import pytest

from syncline_runtime.connectors.ways import Way

GOOD = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"


class FarSide:
    """Answers each request of each connection by what is told next; an answer of None closes the connection."""

    def __init__(self, *answers: bytes | None, closing: bool = False) -> None:
        self.answers, self.closing = list(answers), closing
        self.came: list[bytes] = []
        self.connections = 0
        self.writers: list[asyncio.StreamWriter] = []

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self.writers.append(writer)
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                length = next(
                    (int(one[15:]) for one in head.split(b"\r\n") if one[:15].lower() == b"content-length:"), 0
                )
                self.came.append(head + await reader.readexactly(length))
                if (answer := self.answers.pop(0)) is None:
                    break
                writer.write(answer)
                if self.closing:
                    break
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        writer.close()


ASKED: dict[str, Any] = {}
"""Where the far side is, and how long it may be silent."""


def asked(method: str = "GET", content: bytes | None = None) -> httpx.Request:
    timeout = dict.fromkeys(("connect", "read", "write"), ASKED["silence"])
    return httpx.Request(
        method, f"http://127.0.0.1:{ASKED['port']}/x?y=1", content=content, extensions={"timeout": timeout}
    )


async def exchanged(way: Way, method: str = "GET", content: bytes | None = None) -> bytes:
    response = await way.handle_async_request(asked(method, content))
    try:
        assert isinstance(response.stream, httpx.AsyncByteStream)
        return b"".join([part async for part in response.stream])
    finally:
        await response.aclose()


def told(far: FarSide, story: Callable[[Way], Awaitable[Any]], *, silence: float = 5.0, kept: float = 5.0) -> Any:
    async def run() -> Any:
        server = await asyncio.start_server(far, "127.0.0.1", 0)
        origin = httpcore.Origin(b"http", b"127.0.0.1", server.sockets[0].getsockname()[1])
        way = Way(lambda: httpcore.AsyncHTTPConnection(origin, keepalive_expiry=kept))
        ASKED.update(port=origin.port, silence=silence)
        try:
            return await story(way)
        finally:
            await way.aclose()
            server.close()
            for writer in far.writers:
                writer.transport.abort()
            await asyncio.sleep(0.01)

    return asyncio.run(run())


async def twice(way: Way) -> list[bytes]:
    return [await exchanged(way), await exchanged(way)]


def test_one_connection_carries_many_requests() -> None:
    far = FarSide(GOOD, GOOD)
    assert told(far, twice) == [b"hi", b"hi"]
    assert far.connections == 1
    assert far.came[0].startswith(b"GET /x?y=1 HTTP/1.1\r\nHost: 127.0.0.1")


def test_a_body_goes_out_with_its_head() -> None:
    far = FarSide(GOOD)
    assert told(far, lambda way: exchanged(way, "POST", b'{"a":1}')) == b"hi"
    assert far.came[0].endswith(b'\r\n\r\n{"a":1}')


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nh\r\n1\r\ni\r\n0\r\n\r\n",
        b"HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n" + GOOD,
    ],
)
def test_other_ways_to_say_the_same(answer: bytes) -> None:
    far = FarSide(answer, GOOD)
    assert told(far, twice) == [b"hi", b"hi"]
    assert far.connections == 1


def test_content_may_end_with_the_connection() -> None:
    far = FarSide(b"HTTP/1.1 200 OK\r\n\r\nhi", b"HTTP/1.0 200 OK\r\n\r\nho", closing=True)
    assert told(far, twice) == [b"hi", b"ho"]
    assert far.connections == 2


def test_what_nobody_asked_for_is_no_answer_to_the_next_request() -> None:
    """It would be taken for that of another record."""

    async def story(way: Way) -> bytes:
        await exchanged(way)
        far.writers[0].write(GOOD.replace(b"hi", b"no"))
        await asyncio.sleep(0.05)
        return await exchanged(way)

    far = FarSide(GOOD, GOOD)
    assert told(far, story) == b"hi"
    assert far.connections == 2


def test_a_connection_that_was_closed_meanwhile_is_replaced() -> None:
    async def story(way: Way) -> bytes:
        await exchanged(way)
        far.writers[0].close()
        await far.writers[0].wait_closed()
        return await exchanged(way)  # the event loop may not have told us yet

    far = FarSide(GOOD, GOOD)
    assert told(far, story) == b"hi"
    assert far.connections == 2


def test_one_that_lay_still_for_long_is_replaced() -> None:
    far = FarSide(GOOD, GOOD)
    assert told(far, twice, kept=0.0) == [b"hi", b"hi"]
    assert far.connections == 2


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (None, httpx.RemoteProtocolError),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhi", httpx.RemoteProtocolError),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nh\r\n", httpx.RemoteProtocolError),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nhi", httpx.RemoteProtocolError),
        (b"SSH-2.0-OpenSSH\r\n\r\n", httpx.RemoteProtocolError),
        (b"HTTP/1.1 200 OK\r\nX: " + b"x" * 200_000, httpx.RemoteProtocolError),
    ],
)
def test_what_is_no_whole_answer_is_a_failure_and_ends_the_connection(answer: bytes | None, error: type) -> None:
    async def story(way: Way) -> bytes:
        with pytest.raises(error):
            await exchanged(way)
        far.closing = False
        return await exchanged(way)

    far = FarSide(answer, GOOD, closing=True)
    assert told(far, story) == b"hi"
    assert far.connections == 2


def test_silence_is_not_waited_for() -> None:
    async def story(way: Way) -> None:
        with pytest.raises(httpx.ReadTimeout):
            await exchanged(way)

    told(FarSide(b""), story, silence=0.05)


def test_large_content_comes_whole() -> None:
    content = bytes(range(256)) * 20_000
    far = FarSide(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(content) + content, GOOD)

    async def story(way: Way) -> bytes:
        response = await way.handle_async_request(asked())
        await asyncio.sleep(0.1)
        assert isinstance(response.stream, httpx.AsyncByteStream)
        found = b"".join([part async for part in response.stream])
        await response.aclose()
        assert await exchanged(way) == b"hi"
        return found

    assert told(far, story) == content
    assert far.connections == 1
