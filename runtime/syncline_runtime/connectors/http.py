"""One HTTP client per connection: requests out, checked answers in.

In: request templates and their values. Out: ``Answer`` with a parsed JSON body, or a ``RequestFailed``.
Invariants: nothing is sent to another origin than the binding's, by path, redirect or link; TLS is always verified;
every request waits for the credential's pace; reads are retried a bounded number of times, writes never (the outbox
knows what a second write would do); no error or log line holds a secret, a header, an address with values or a body.
"""

from __future__ import annotations

import asyncio
import itertools
import logging
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlencode

import httpx
from tenacity import AsyncRetrying, RetryCallState, retry_if_exception

from syncline_runtime.clock import Clock
from syncline_runtime.connectors import failures, jsontext, wire
from syncline_runtime.connectors.auth import Credentials
from syncline_runtime.connectors.failures import Asked
from syncline_runtime.connectors.origin import Origin
from syncline_runtime.connectors.pace import Pace
from syncline_runtime.connectors.surroundings import Random, Transport
from syncline_runtime.connectors.templates import ABSENT, fill, fill_path, fill_query, fill_text
from syncline_runtime.errors import ReleaseError, RequestFailed
from syncline_runtime.system import Request, System

CONNECT_SECONDS: Final = 10.0
ANSWER_SECONDS: Final = 30.0
LARGEST_ANSWER: Final = 64 * 1024 * 1024  # bytes, unpacked
READ_ATTEMPTS: Final = 4
READ_PATIENCE: Final = 60.0  # seconds a read waits at most because a system asks it to
_BACKOFF_FIRST, _BACKOFF_LONGEST = 0.5, 8.0

# Both would log addresses, whose queries hold values, and one of them headers.
logging.getLogger("httpx").setLevel(logging.WARNING)
logging.getLogger("httpcore").setLevel(logging.WARNING)


@dataclass(frozen=True)
class Answer:
    """A good answer; ``body`` is ABSENT when it was empty, ``url`` the address that links are relative to."""

    status: int
    headers: Mapping[str, str]
    body: Any
    url: str


class HttpClient:
    """The client of one connection; made by ``connection.open_connection`` and closed by it."""

    def __init__(
        self,
        system: System,
        origin: Origin,
        credentials: Credentials,
        *,
        pace: Pace,
        clock: Clock,
        random: Random,
        transport: Transport | None = None,
    ) -> None:
        self.system, self.origin, self.clock, self.pace = system, origin, clock, pace
        self._credentials, self._random = credentials, random
        self._session: str | None = None
        self._login = asyncio.Lock()
        self._calls = itertools.count(1)
        self.looked_up: dict[tuple[str, str, str], Any] = {}  # resource, field, value → what the system has for it
        self._client = _client(origin, pace.concurrency, transport)

    def __repr__(self) -> str:
        return f"HttpClient({self.system.name!r})"

    async def close(self) -> None:
        """Close all sockets."""
        await self._client.aclose()

    async def read(self, request: Request, values: Mapping[str, Any], place: str, link: str | None = None) -> Answer:
        """Send a harmless request, again after failures that may pass; ``link`` takes the place of path and query."""
        retrying = AsyncRetrying(
            stop=_enough, wait=self._wait, retry=retry_if_exception(_may_pass), sleep=self.clock.sleep, reraise=True
        )
        return await retrying(self._send, request, values, Asked(place, writes=False, rpc=bool(request.rpc)), link)

    async def write(
        self,
        request: Request,
        values: Mapping[str, Any],
        place: str,
        *,
        body: Any = ABSENT,
        headers: Mapping[str, str] | None = None,
        seconds: float | None = None,
    ) -> Answer:
        """Send a write once; ``seconds`` is the longest time until the answer must be there."""
        asked = Asked(place, writes=True, rpc=bool(request.rpc))
        try:
            async with asyncio.timeout(seconds):
                return await self._send(request, values, asked, None, body, headers)
        except TimeoutError:
            raise failures.not_reached(asked, f"none within {seconds:g} s", ambiguous=asked.sent) from None

    async def _send(
        self,
        request: Request,
        values: Mapping[str, Any],
        asked: Asked,
        link: str | None = None,
        body: Any = ABSENT,
        extra: Mapping[str, str] | None = None,
    ) -> Answer:
        renewed = False
        while True:
            session = await self._session_header(asked)
            prepared = self._prepare(request, values, link, body, {**(extra or {}), **session})
            try:
                return self._checked(asked, *await self._exchange(prepared, asked))
            except RequestFailed as error:
                if renewed or not session or error.category != "authentication":
                    raise
            renewed = True  # sessions end; a refused one did nothing, so sending once more is harmless
            self._session = None

    def _prepare(
        self, request: Request, values: Mapping[str, Any], link: str | None, body: Any, extra: Mapping[str, str]
    ) -> httpx.Request:
        known = {**values, "account": self._credentials.account}
        url = link or self._address(request, known)
        content, content_type = self._content(request, known, body)
        headers = {"Accept": "application/json"} | self._credentials.headers()
        for name, template in {**self.system.headers, **request.headers}.items():
            if (text := fill_text(template, known)) is not None:
                headers[name] = text
        headers |= extra
        if content_type:
            headers["Content-Type"] = content_type
        _refuse_broken_headers(headers)
        prepared = self._client.build_request(request.method, url, headers=headers, content=content)
        self.origin.check(str(prepared.url))
        return prepared

    def _address(self, request: Request, values: Mapping[str, Any]) -> str:
        query = fill_query(request.query, values) + self._credentials.query()
        path = fill_path(request.path, values)
        joint = "&" if "?" in path else "?"
        return self.origin.join(path) + (joint + urlencode(query) if query else "")

    def _content(self, request: Request, values: Mapping[str, Any], body: Any) -> tuple[bytes | None, str | None]:
        if body is ABSENT and request.body is not None:
            body = fill(request.body, values)
        if request.rpc:
            call = {"id": next(self._calls), "method": request.rpc, "params": [] if body is ABSENT else body}
            return jsontext.render(call).encode(), "application/json"
        if body is ABSENT:
            return None, None
        if request.encoding == "form":
            return wire.form(body).encode(), "application/x-www-form-urlencoded"
        return jsontext.render(body).encode(), "application/json"

    async def _exchange(self, prepared: httpx.Request, asked: Asked) -> tuple[httpx.Response, bytes]:
        async with self.pace.slot():
            asked.sent = True
            try:
                response = await self._client.send(prepared, stream=True)
                try:
                    return response, await _content_of(response, asked)
                finally:
                    await response.aclose()
            except (httpx.ConnectError, httpx.ConnectTimeout, httpx.ProxyError) as error:
                # Only kinds of errors are named from here on: their texts may hold addresses with values.
                raise failures.not_reached(asked, _connect_words(error), ambiguous=False) from None
            except httpx.TimeoutException:
                raise failures.not_reached(asked, f"none within {ANSWER_SECONDS:g} s", ambiguous=True) from None
            except httpx.DecodingError:
                raise failures.bad_answer(asked, "the answer cannot be unpacked") from None
            except httpx.TransportError as error:
                words = f"the connection broke ({type(error).__name__})"
                raise failures.not_reached(asked, words, ambiguous=True) from None

    def _checked(self, asked: Asked, response: httpx.Response, content: bytes) -> Answer:
        kind = response.headers.get("content-type", "").partition(";")[0].strip().lower()
        body: Any = ABSENT
        problem = ""
        if content.strip() and response.status_code != 204:
            body, problem = _parsed(kind, content)
        error = failures.refusal(self.system, asked, response.status_code, response.headers, body, self.clock.now())
        if error:
            if error.category == "rate_limit":
                self.pace.pause(min(error.retry_after or 1.0, READ_PATIENCE))
            raise error
        if problem:
            raise failures.bad_answer(asked, problem, status=response.status_code)
        if asked.rpc and isinstance(body, Mapping) and "result" in body:
            body = body["result"]
        return Answer(response.status_code, response.headers, body, str(response.url))

    async def _session_header(self, asked: Asked) -> dict[str, str]:
        auth = self.system.auth
        if auth.kind != "session":
            return {}
        async with self._login:
            if self._session is None:
                self._session = await self._log_in(Asked(f"{asked.place.partition('.')[0]}.login", writes=False))
        return {auth.header or "Authorization": self._session}

    async def _log_in(self, asked: Asked) -> str:
        auth = self.system.auth
        if auth.login is None:
            raise ReleaseError("the system description has session authentication and no login", place=asked.place)
        values = self._credentials.login_values()
        asked = Asked(asked.place, writes=False, rpc=bool(auth.login.rpc))
        prepared = self._prepare(auth.login, values, None, ABSENT, {})
        answer = self._checked(asked, *await self._exchange(prepared, asked))
        header = fill_text(auth.session, {**values, "result": answer.body})
        if not header or not answer.body:
            raise RequestFailed("the system refused the login", category="authentication", place=asked.place)
        return header

    def _wait(self, state: RetryCallState) -> float:
        error = state.outcome.exception() if state.outcome else None
        if isinstance(error, RequestFailed) and error.retry_after is not None:
            return error.retry_after
        longest = min(_BACKOFF_LONGEST, _BACKOFF_FIRST * 2.0 ** (state.attempt_number - 1))
        return self._random.uniform(longest / 2, longest)


def _client(origin: Origin, concurrency: int, transport: Transport | None) -> httpx.AsyncClient:
    # Reading the certificate store takes longer than a request on loopback: plain http gets an empty one.
    context = httpx.create_ssl_context() if origin.scheme == "https" else ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    return httpx.AsyncClient(
        verify=context,
        transport=transport,
        follow_redirects=False,
        trust_env=not origin.loopback,
        timeout=httpx.Timeout(ANSWER_SECONDS, connect=CONNECT_SECONDS, pool=None),
        limits=httpx.Limits(max_connections=concurrency, keepalive_expiry=2.0),
        headers={"User-Agent": "syncline"},
    )


async def _content_of(response: httpx.Response, asked: Asked) -> bytes:
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


def _parsed(kind: str, content: bytes) -> tuple[Any, str]:
    """Parse a body; ABSENT and what is wrong with it when it is not JSON.

    A body that is a whole JSON object or list is taken whatever type it claims: some systems label their answers
    wrongly at times, such as those they repeat for an idempotency key.
    """
    named_json = not kind or kind in ("application/json", "text/json") or kind.endswith("+json")
    try:
        body = jsontext.parse(content)
    except jsontext.NotJsonError as error:
        problem = str(error)
    else:
        if named_json or isinstance(body, (dict, list)):
            return body, ""
        problem = "a single value"
    page = " page" if kind == "text/html" else ""
    if not named_json:
        problem = f"a {kind}{page} where JSON is expected"
    return ABSENT, f"the answer is {problem}"


def _refuse_broken_headers(headers: Mapping[str, str]) -> None:
    for name, text in headers.items():
        if not text.isascii() or any(character in text for character in "\r\n\0"):
            raise ReleaseError(
                f"the text for header {name} holds characters that a header cannot carry",
                mend="check the credential or the template behind it",
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


def _may_pass(error: BaseException) -> bool:
    return isinstance(error, RequestFailed) and error.retry


def _enough(state: RetryCallState) -> bool:
    error = state.outcome.exception() if state.outcome else None
    asked = error.retry_after if isinstance(error, RequestFailed) else None
    return state.attempt_number >= READ_ATTEMPTS or (asked or 0.0) > READ_PATIENCE
