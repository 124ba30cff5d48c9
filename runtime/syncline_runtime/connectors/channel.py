"""The sockets to one origin.

In: requests. Out: status, headers and whole content of an answer, or a ``RequestFailed``. Invariants: nothing is sent
to another origin, by path, redirect or link; TLS is always verified; an answer is bounded in size, packed or not, and
in time, however slowly it trickles; no error names an address, whose query may hold values.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import Final

import httpx

from syncline_runtime.clock import Clock
from syncline_runtime.connectors import failures
from syncline_runtime.connectors.address import ForbiddenAddressError, Network, way_to
from syncline_runtime.connectors.failures import Asked
from syncline_runtime.connectors.origin import Origin
from syncline_runtime.connectors.slots import Slots
from syncline_runtime.connectors.surroundings import Transport
from syncline_runtime.errors import ReleaseError

CONNECT_SECONDS: Final = 10.0
SILENCE_SECONDS: Final = 30.0
ANSWER_SECONDS: Final = 120.0
LARGEST_ANSWER: Final = 64 * 1024 * 1024  # bytes, unpacked
_PACKINGS: Final = frozenset({"", "identity", "gzip", "x-gzip", "deflate"})
_OURS: Final = frozenset({"host", "content-length", "transfer-encoding", "connection", "upgrade", "accept-encoding"})
_USUAL: Final = {"Accept": "*/*", "Accept-Encoding": "gzip, deflate", "User-Agent": "syncline"}
_EXTENSIONS: Final = {
    "timeout": {"connect": CONNECT_SECONDS, "read": SILENCE_SECONDS, "write": SILENCE_SECONDS, "pool": None}
}
_EXACT: Final = 2.0  # seconds: a Date header tells whole ones, and an answer takes its time


# It would log addresses, whose queries hold values, and headers.
logging.getLogger("httpcore").setLevel(logging.WARNING)


class Channel:
    """All that one connection sends to one origin; made and closed by ``connection.open_connection``."""

    def __init__(
        self,
        origin: Origin,
        clock: Clock,
        *,
        network: Network = "public",
        transport: Transport | None = None,
        remedy: str = "",
    ) -> None:
        """``remedy``: what to do where nobody is there, if that is known."""
        self.origin, self._remedy = origin, remedy
        self._clock = clock
        self._told: tuple[str, int] | None = None  # the latest Date header, and when it came by our clock
        self._way = transport or _slots(origin, network)
        self._cookies = httpx.Cookies()

    async def close(self) -> None:
        """Close all sockets."""
        await self._way.aclose()

    @property
    def skew(self) -> float | None:
        """Seconds by which the far clock is ahead of ours, 0.0 if that cannot be told from agreement; None: unknown."""
        if self._told is None:
            return None
        try:
            moment = parsedate_to_datetime(self._told[0])
        except (ValueError, OverflowError):
            return None
        ahead = moment.replace(tzinfo=moment.tzinfo or UTC).timestamp() + 0.5 - self._told[1] / 1e6
        return ahead if abs(ahead) > _EXACT else 0.0

    def far_now(self) -> int:
        """Now by the far clock as far as it is known, in microseconds since 1970."""
        return self._clock.now() + int((self.skew or 0.0) * 1e6)

    def request(self, method: str, url: str, headers: Mapping[str, str], content: bytes | None) -> httpx.Request:
        """Make a request to this origin; RequestFailed if the address is elsewhere."""
        _refuse_broken_headers(headers)
        try:
            prepared = httpx.Request(
                method, url, headers={**_usual_beside(headers), **headers}, content=content, extensions=_EXTENSIONS
            )
        except httpx.InvalidURL:  # its text quotes the address
            raise self.origin.elsewhere() from None
        self.origin.check(str(prepared.url))
        if self._cookies:
            self._cookies.set_cookie_header(prepared)
        return prepared

    async def exchange(self, prepared: httpx.Request, asked: Asked) -> tuple[httpx.Response, bytes]:
        """Send a request once and read its answer to the end."""
        asked.sent = True
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                response = await self._way.handle_async_request(prepared)
                response.request = prepared
                try:
                    content = await _content_of(response, asked)
                finally:
                    await response.aclose()
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.ProxyError) as error:
            # Only kinds of errors are named from here on: their texts may hold addresses with values.
            raise failures.not_reached(asked, _connect_words(error), ambiguous=False, mend=self._remedy) from None
        except ForbiddenAddressError as error:
            raise failures.forbidden(asked, str(error)) from None
        except httpx.TimeoutException:
            raise failures.not_reached(asked, f"none within {SILENCE_SECONDS:g} s", ambiguous=True) from None
        except TimeoutError:
            raise failures.not_reached(asked, f"not whole within {ANSWER_SECONDS:g} s", ambiguous=True) from None
        except httpx.DecodingError:
            raise failures.bad_answer(asked, "the answer cannot be unpacked") from None
        except httpx.TransportError as error:
            words = f"the connection broke ({type(error).__name__})"
            raise failures.not_reached(asked, words, ambiguous=True) from None
        if "set-cookie" in response.headers:
            self._cookies.extract_cookies(response)
        if date := response.headers.get("date"):
            self._told = (date, self._clock.now())
        return response, content


def _slots(origin: Origin, network: Network) -> Slots:
    # Reading the certificate store takes longer than a request on loopback.
    context = httpx.create_ssl_context() if origin.scheme == "https" else None
    if context is not None:
        context.set_alpn_protocols(["http/1.1"])
    return Slots(lambda: way_to(origin, network, context))


def _usual_beside(headers: Mapping[str, str]) -> dict[str, str]:
    """Give the headers of every request that these do not set."""
    names = {name.lower() for name in headers}
    return {name: text for name, text in _USUAL.items() if name.lower() not in names}


async def _content_of(response: httpx.Response, asked: Asked) -> bytes:
    # Each packing within a packing makes a thousand bytes of one, and others than these make more.
    packing = response.headers.get("content-encoding", "").strip().lower()
    if packing not in _PACKINGS:
        raise failures.bad_answer(asked, "the answer is packed in a way that was not asked for")
    assert isinstance(response.stream, httpx.AsyncByteStream)
    parts, size = [], 0
    async for part in response.aiter_bytes() if packing else response.stream:
        size += len(part)
        if size > LARGEST_ANSWER:
            raise failures.bad_answer(
                asked,
                f"the answer is larger than {LARGEST_ANSWER // 1024 // 1024} MB",
                status=response.status_code,
                mend="ask for smaller pages in the system description",
            )
        parts.append(part)
    return b"".join(parts)


def _refuse_broken_headers(headers: Mapping[str, str]) -> None:
    for name, text in headers.items():
        if not text.isascii() or any(character in text for character in "\r\n\0"):
            raise ReleaseError(
                f"the text for header {name} holds characters that a header cannot carry",
                mend="check the credential or the template behind it",
            )
        if name.lower() in _OURS:  # another Host is another system behind the same address
            raise ReleaseError(
                f"the header {name} is none that a system description may set",
                mend="take it out of the system description and compile again",
            )


def _connect_words(error: httpx.TransportError) -> str:
    text = str(error)
    if isinstance(error, httpx.ConnectTimeout):
        return f"no connection within {CONNECT_SECONDS:g} s"
    if "CERTIFICATE" in text.upper() or "SSL" in text.upper():
        return "its TLS certificate or protocol is not accepted"
    if "refused" in text or "All connection attempts failed" in text:
        return "the connection is refused"
    return "no connection can be made"
