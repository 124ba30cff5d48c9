"""The sockets to one origin.

In: requests. Out: status, headers and whole content of an answer, or a ``RequestFailed``. Invariants: nothing is sent
to another origin, by path, redirect or link; TLS is always verified; an answer is bounded in size, packed or not, and
in time, however slowly it trickles; no error names an address, whose query may hold values.
"""

from __future__ import annotations

import asyncio
import logging
import ssl
from collections.abc import Mapping
from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import Final

import httpx

from syncline_runtime.clock import Clock
from syncline_runtime.connectors import failures
from syncline_runtime.connectors.address import ForbiddenAddressError, Network, transport_to
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
_EXACT: Final = 2.0  # seconds: a Date header tells whole ones, and an answer takes its time


def _without_query(record: logging.LogRecord) -> bool:
    """Take the query out of addresses: it may hold values, and a key."""
    if isinstance(record.args, tuple):
        record.args = tuple(one.copy_with(query=None) if isinstance(one, httpx.URL) else one for one in record.args)
    return True


# Both would log addresses, whose queries hold values, and one of them headers.
logging.getLogger("httpx").addFilter(_without_query)
logging.getLogger("httpx").setLevel(logging.WARNING)
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
    ) -> None:
        self.origin = origin
        self._clock = clock
        self._told: tuple[str, int] | None = None  # the latest Date header, and when it came by our clock
        self._client = _client(origin, network, transport)

    async def close(self) -> None:
        """Close all sockets."""
        await self._client.aclose()

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
            prepared = self._client.build_request(method, url, headers=dict(headers), content=content)
        except httpx.InvalidURL:  # its text quotes the address
            raise self.origin.elsewhere() from None
        self.origin.check(str(prepared.url))
        return prepared

    async def exchange(self, prepared: httpx.Request, asked: Asked) -> tuple[httpx.Response, bytes]:
        """Send a request once and read its answer to the end."""
        asked.sent = True
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                response = await self._client.send(prepared, stream=True)
                try:
                    content = await _content_of(response, asked)
                finally:
                    await response.aclose()
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.ProxyError) as error:
            # Only kinds of errors are named from here on: their texts may hold addresses with values.
            raise failures.not_reached(asked, _connect_words(error), ambiguous=False) from None
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
        if date := response.headers.get("date"):
            self._told = (date, self._clock.now())
        return response, content


def _client(origin: Origin, network: Network, transport: Transport | None) -> httpx.AsyncClient:
    # Reading the certificate store takes longer than a request on loopback: plain http gets an empty one.
    context = httpx.create_ssl_context() if origin.scheme == "https" else ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    limits = httpx.Limits(max_connections=1, keepalive_expiry=2.0)
    return httpx.AsyncClient(
        transport=transport or Slots(lambda: transport_to(origin, network, context, limits)),
        follow_redirects=False,
        trust_env=False,
        timeout=httpx.Timeout(SILENCE_SECONDS, connect=CONNECT_SECONDS, pool=None),
        headers={"User-Agent": "syncline", "Accept-Encoding": "gzip, deflate"},
    )


async def _content_of(response: httpx.Response, asked: Asked) -> bytes:
    # Each packing within a packing makes a thousand bytes of one, and others than these make more.
    if response.headers.get("content-encoding", "").strip().lower() not in _PACKINGS:
        raise failures.bad_answer(asked, "the answer is packed in a way that was not asked for")
    parts, size = [], 0
    async for part in response.aiter_bytes():
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
