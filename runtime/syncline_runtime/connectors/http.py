"""One HTTP client per connection: requests out, checked answers in.

In: request templates and their values. Out: ``Answer`` with a parsed JSON body, or a ``RequestFailed``.
Invariants: every request waits for the credential's pace; reads are retried a bounded number of times, writes never (the outbox
knows what a second write would do); no error or log line holds a secret, a header, an address with values or a body.
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlencode

import httpx
from tenacity import AsyncRetrying, RetryCallState, retry_if_exception

from syncline_runtime.clock import Clock
from syncline_runtime.connectors import failures, jsontext, wire
from syncline_runtime.connectors.access import Access, Renewed, Ticket
from syncline_runtime.connectors.auth import Credentials
from syncline_runtime.connectors.channel import Channel
from syncline_runtime.connectors.failures import Asked, Refused
from syncline_runtime.connectors.limits import told_by
from syncline_runtime.connectors.pace import Pace
from syncline_runtime.connectors.signing import Signing
from syncline_runtime.connectors.surroundings import Random
from syncline_runtime.connectors.templates import ABSENT, fill, fill_path, fill_query, fill_text
from syncline_runtime.connectors.tokens import Tokens
from syncline_runtime.errors import ReleaseError, RequestFailed
from syncline_runtime.request import Request
from syncline_runtime.system import System

READ_ATTEMPTS: Final = 4
READ_PATIENCE: Final = 60.0  # seconds a read waits at most because a system asks it to
_BACKOFF_FIRST, _BACKOFF_LONGEST = 0.5, 8.0

Parse = Callable[[bytes], Any]  # raises NotJsonError


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
        channel: Channel,
        credentials: Credentials,
        *,
        pace: Pace,
        random: Random,
        clock: Clock,
        tokens: Tokens | None = None,
    ) -> None:
        self.system, self.channel, self.origin, self.clock, self.pace = system, channel, channel.origin, clock, pace
        self._credentials, self._random = credentials, random
        self._calls = itertools.count(1)
        self.looked_up: dict[tuple[str, str, str], Any] = {}  # resource, field, value → what the system has for it
        self.latest: Mapping[str, str] = {}  # headers of the latest answer
        self.tokens = tokens
        self._access = self._way(tokens)

    def _way(self, tokens: Tokens | None) -> Access:
        auth = self.system.auth
        if tokens is not None:
            return Renewed(tokens.fetch, self.clock)
        if auth.signature is not None:
            return Signing(auth.signature, self._credentials, self.channel)
        return Renewed(self._log_in, self.clock) if auth.kind == "session" else Access(self._credentials.headers())

    def __repr__(self) -> str:
        return f"HttpClient({self.system.name!r})"

    async def read(
        self,
        request: Request,
        values: Mapping[str, Any],
        place: str,
        link: str | None = None,
        parse: Parse = jsontext.parse,
    ) -> Answer:
        """Send a harmless request, again after failures that may pass; ``link`` takes the place of path and query."""
        retrying = AsyncRetrying(
            stop=_enough, wait=self._wait, retry=retry_if_exception(_may_pass), sleep=self.clock.sleep, reraise=True
        )
        asked = Asked(place, writes=False, call=request.call)
        return await retrying(self._send, request, values, asked, link, parse=parse)

    async def write(
        self,
        request: Request,
        values: Mapping[str, Any],
        place: str,
        *,
        body: Any = ABSENT,
        headers: Mapping[str, str] | None = None,
        seconds: float | None = None,
        parts: bool = False,
    ) -> Answer:
        """Send a write once; ``seconds`` is the longest time until the answer must be there, ``parts`` see ``Asked``."""
        asked = Asked(place, writes=True, call=request.call, parts=parts)
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
        parse: Parse = jsontext.parse,
    ) -> Answer:
        renewed = False
        while True:
            access = await self._access.headers()
            prepared = self._prepare(request, values, link, body, {**(extra or {}), **access})
            try:
                answer = self._checked(asked, *await self._exchange(prepared, asked), parse)
            except RequestFailed as error:
                if error.category == "rate_limit":
                    await self.pace.pause_all(min(error.retry_after or 1.0, READ_PATIENCE))
                # A refused request did nothing, so sending it once more is harmless.
                if renewed or error.category != "authentication" or not self._access.refused(access):
                    raise
                renewed = True
            else:
                self._access.accepted(access)
                return answer

    def _prepare(
        self, request: Request, values: Mapping[str, Any], link: str | None, body: Any, extra: Mapping[str, str]
    ) -> httpx.Request:
        known = {**values, "account": self._credentials.account}
        url = link or self._address(request, known)
        content, content_type = self._content(request, known, body)
        headers = {"Accept": "application/json"}
        for name, template in {**self.system.headers, **request.headers}.items():
            if (text := fill_text(template, known)) is not None:
                headers[name] = text
        headers |= extra
        if content_type:
            headers["Content-Type"] = content_type
        prepared = self.channel.request(request.method, url, headers, content)
        self._access.sign(prepared)
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
        if request.graphql:
            asked = {"query": request.graphql, "variables": {} if body is ABSENT else body}
            return jsontext.render(asked).encode(), "application/json"
        if body is ABSENT:
            return None, None
        if request.encoding == "form":
            return wire.form(body).encode(), "application/x-www-form-urlencoded"
        return jsontext.render(body).encode(), "application/json"

    async def _exchange(self, prepared: httpx.Request, asked: Asked) -> tuple[httpx.Response, bytes]:
        async with self.pace.slot(writes=asked.writes):
            return await self.channel.exchange(prepared, asked)

    def _checked(self, asked: Asked, response: httpx.Response, content: bytes, parse: Parse = jsontext.parse) -> Answer:
        self.latest = response.headers
        if self.system.limit is not None and self.system.limit.left is not None:
            self.pace.told(told_by(self.system.limit, response.headers, self.channel.far_now()))
        kind = response.headers.get("content-type", "").partition(";")[0].strip().lower()
        body: Any = ABSENT
        problem = ""
        if content.strip() and response.status_code != 204:
            body, problem = _parsed(kind, content, parse)
        error = failures.refusal(self.system, asked, response.status_code, response.headers, body, self.clock.now())
        if error:
            self.hide(error)
            raise error
        if problem:
            raise failures.bad_answer(asked, problem, status=response.status_code)
        if asked.call and isinstance(body, Mapping) and failures.CALLS[asked.call].result in body:
            body = body[failures.CALLS[asked.call].result]
        return Answer(response.status_code, response.headers, body, str(response.url))

    def hide(self, error: Refused) -> None:
        """Take our secrets out of what the system says in words."""
        tokens = self.tokens.secrets() if self.tokens else ()
        if error.vendor_message:
            error.vendor_message = self._credentials.hidden(error.vendor_message, tokens)
        if error.vendor_code:
            error.vendor_code = self._credentials.hidden(error.vendor_code, tokens)

    async def _log_in(self, _refused: Ticket | None) -> Ticket:
        auth = self.system.auth
        place = f"{self.origin.place}.login"
        if auth.login is None:
            raise ReleaseError("the system description has session authentication and no login", place=place)
        values = self._credentials.login_values()
        asked = Asked(place, writes=False, call=auth.login.call)
        prepared = self._prepare(auth.login, values, None, ABSENT, {})
        answer = self._checked(asked, *await self._exchange(prepared, asked))
        header = fill_text(auth.session, {**values, "result": answer.body})
        if not header or not answer.body:
            raise RequestFailed("the system refused the login", category="authentication", place=place)
        return Ticket({auth.header or "Authorization": header})

    def _wait(self, state: RetryCallState) -> float:
        error = state.outcome.exception() if state.outcome else None
        if isinstance(error, RequestFailed) and error.retry_after is not None:
            return error.retry_after
        longest = min(_BACKOFF_LONGEST, _BACKOFF_FIRST * 2.0 ** (state.attempt_number - 1))
        return self._random.uniform(longest / 2, longest)


def _parsed(kind: str, content: bytes, parse: Parse) -> tuple[Any, str]:
    """Parse a body; ABSENT and what is wrong with it when it is not JSON.

    A body that is a whole JSON object or list is taken whatever type it claims: some systems label their answers
    wrongly at times, such as those they repeat for an idempotency key.
    """
    named_json = not kind or kind in ("application/json", "text/json") or kind.endswith("+json")
    try:
        body = parse(content)
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


def _may_pass(error: BaseException) -> bool:
    return isinstance(error, RequestFailed) and error.retry


def _enough(state: RetryCallState) -> bool:
    error = state.outcome.exception() if state.outcome else None
    asked = error.retry_after if isinstance(error, RequestFailed) else None
    return state.attempt_number >= READ_ATTEMPTS or (asked or 0.0) > READ_PATIENCE
