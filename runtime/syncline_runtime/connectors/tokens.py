"""Access tokens by OAuth 2.0: client credentials, refresh tokens, assertions (RFC 6749, RFC 7523).

In: the grant of a system description and the binding's secrets. Out: tickets with the token's header. Invariants: client
secrets, refresh tokens and assertions are sent to the token origin only; a token that rotates is looked at and changed by
one process at a time, and the next one is kept before it is used; no token enters an error.
"""

from __future__ import annotations

import base64
import math
import re
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import quote_plus, urlencode

from syncline_runtime import authentication
from syncline_runtime.authentication import Auth
from syncline_runtime.clock import Clock
from syncline_runtime.connectors import failures, jsontext
from syncline_runtime.connectors.access import Ticket
from syncline_runtime.connectors.assertion import assertion_of
from syncline_runtime.connectors.auth import Credentials
from syncline_runtime.connectors.channel import Channel
from syncline_runtime.connectors.failures import Asked
from syncline_runtime.connectors.kept import Grant, KeptGrant
from syncline_runtime.connectors.templates import ABSENT, fill, fill_path, fill_query, read_path
from syncline_runtime.errors import ReleaseError, RequestFailed
from syncline_runtime.system import System

_GRANTS: Final = {"jwt_bearer": "urn:ietf:params:oauth:grant-type:jwt-bearer"}
_SPARE_MOST: Final = 60.0  # seconds before its end at which a token counts as run out: a request takes its time
_SPARE_SHARE: Final = 0.1
_NOTICEABLE: Final = 5.0  # seconds by which a clock must differ to be why an assertion is refused
_FORM: Final = "application/x-www-form-urlencoded"
_CODE: Final = re.compile("[a-z_]{1,40}")  # anything else may be what we sent
_REFUSED: Final = {"invalid_scope": "permission", "access_denied": "permission", "unauthorized_client": "permission"}


class Tokens:
    """The access tokens of one connection. ``granted`` are the scopes of the latest, None where nothing tells."""

    def __init__(
        self, described: System, credentials: Credentials, channel: Channel, clock: Clock, kept: KeptGrant | None
    ) -> None:
        if described.auth.grant is None:
            raise ReleaseError("the system description has no grant for its tokens", place=channel.origin.place)
        self._auth, self._grant = described.auth, described.auth.grant
        self._credentials, self._channel, self._clock, self._kept = credentials, channel, clock, kept
        self._latest: Grant | None = None
        self.granted: frozenset[str] | None = None

    async def fetch(self, refused: Ticket | None) -> Ticket:
        """Get a token other than the one that was refused."""
        if self._grant.kind != "refresh_token":
            return self._ticket(await self._ask({}, ""), fresh=True)
        if self._kept is None or not self._kept.writable:
            return await self._refreshed(self._latest or self._first())
        async with self._kept.alone(self._clock):
            grant = self._kept.read()
            if self._is_good(grant) and not (refused and refused.headers == self._headers(grant.access_token)):
                return self._ticket(grant, fresh=False)
            return await self._refreshed(grant)

    def _first(self) -> Grant:
        return Grant(self._credentials.secret("refresh_token"))

    async def _refreshed(self, grant: Grant) -> Ticket:
        new = await self._ask({"refresh_token": grant.refresh_token}, grant.refresh_token)
        self._latest = new
        if self._kept is not None:
            if self._kept.writable:
                self._kept.write(new)
            elif new.refresh_token != grant.refresh_token:
                raise ReleaseError(
                    "the system gave another refresh token, and where the first lies nothing can be written",
                    place=self._place,
                    mend="authorise anew, keep the token under file: or keyring:, and describe the grant with `rotates: true`",
                    code="SYN8010",
                )
        return self._ticket(new, fresh=True)

    async def _ask(self, form: Mapping[str, str], refresh: str) -> Grant:
        ahead = self._channel.skew or 0.0
        try:
            return await self._asked_once(form, refresh)
        except RequestFailed as error:
            # An assertion that is refused may have come from the future: by now the far clock is known.
            wrong_clock = abs((self._channel.skew or 0.0) - ahead) > _NOTICEABLE
            if error.category != "authentication" or self._grant.kind != "jwt_bearer" or not wrong_clock:
                raise
        return await self._asked_once(form, refresh)

    async def _asked_once(self, form: Mapping[str, str], refresh: str) -> Grant:
        known = self._known()
        members = {"grant_type": grant_type(self._grant), **form}
        if self._grant.scopes:
            members["scope"] = " ".join(self._grant.scopes)
        headers = {"Accept": "application/json", "Content-Type": _FORM}
        self._prove_client(members, headers)
        if self._grant.assertion is not None:
            now = self._channel.far_now()
            members["assertion"] = assertion_of(self._grant.assertion, self._credentials, known, now, self._place)
        request = self._grant.request
        members |= {name: jsontext.as_text(value) for name, value in fill(request.body or {}, known).items()}
        query = fill_query(request.query, known)
        url = self._channel.origin.join(fill_path(request.path, known)) + (f"?{urlencode(query)}" if query else "")
        asked = Asked(self._place, writes=False)
        prepared = self._channel.request(request.method, url, headers, urlencode(members).encode())
        response, content = await self._channel.exchange(prepared, asked)
        return self._granted(asked, response.status_code, response.headers, content, refresh)

    def _prove_client(self, members: dict[str, str], headers: dict[str, str]) -> None:
        client_id, client_secret = self._credentials.known("client_id"), self._credentials.known("client_secret")
        if self._grant.client == "basic" and client_secret is not ABSENT:
            pair = f"{quote_plus(client_id)}:{quote_plus(client_secret)}"  # RFC 6749 section 2.3.1
            headers["Authorization"] = "Basic " + base64.b64encode(pair.encode()).decode()
        elif client_id is not ABSENT:
            members["client_id"] = client_id
            if self._grant.client == "body" and client_secret is not ABSENT:
                members["client_secret"] = client_secret

    def _granted(self, asked: Asked, status: int, headers: Mapping[str, str], content: bytes, refresh: str) -> Grant:
        try:
            body = jsontext.parse(content)
        except jsontext.NotJsonError:
            body = ABSENT
        if status != 200:
            raise _refusal(asked, status, headers, body, self._clock.now())
        token = read_path(body, "access_token")
        if not isinstance(token, str) or not token or not token.isascii():
            raise failures.bad_answer(asked, "the answer holds no access token", status=status)
        made, lifetime = self._clock.now() // 1_000_000, _seconds(read_path(body, "expires_in"), self._grant.lifetime)
        renewed, scope = read_path(body, "refresh_token"), read_path(body, "scope")
        return Grant(
            refresh_token=renewed if isinstance(renewed, str) and renewed else refresh,
            access_token=str(token),
            made=made,
            until=None if lifetime is None else made + lifetime,
            scopes=scope if isinstance(scope, str) else " ".join(self._grant.scopes),
        )

    def _ticket(self, grant: Grant, *, fresh: bool) -> Ticket:
        self._latest = grant
        self.granted = frozenset(grant.scopes.replace(",", " ").split()) or None
        left = math.inf if grant.until is None else _spared(grant) - self._clock.now() / 1e6
        return Ticket(self._headers(grant.access_token), self._clock.monotonic() + left, fresh)

    def _is_good(self, grant: Grant) -> bool:
        """Tell whether a kept access token can be used; one from the future was kept by another clock."""
        now = self._clock.now() / 1e6
        return bool(grant.access_token) and grant.made <= now + 1 and (grant.until is None or now < _spared(grant))

    def _headers(self, token: str) -> dict[str, str]:
        return token_headers(self._auth, token)

    def _known(self) -> dict[str, Any]:
        names = ("client_id", "username")
        return {"account": self._credentials.account} | {name: self._credentials.known(name) for name in names}

    @property
    def _place(self) -> str:
        return f"{self._channel.origin.place}.token"

    @property
    def token(self) -> Any:
        """The access token in use, for a request that asks what it is worth; ABSENT before there is one."""
        return self._latest.access_token if self._latest else ABSENT

    def secrets(self) -> tuple[str, ...]:
        """Give what must not be told of the grant in use."""
        return (self._latest.access_token, self._latest.refresh_token) if self._latest else ()


def grant_type(grant: authentication.Grant) -> str:
    """Write the kind of a grant as the token endpoint knows it."""
    return _GRANTS.get(grant.kind, grant.kind)


def token_headers(auth: Auth, token: str) -> dict[str, str]:
    """Write the header that carries a token."""
    return {auth.header or "Authorization": f"{auth.scheme} {token}".strip()}


def _spared(grant: Grant) -> float:
    """Give the moment from which on a token counts as run out."""
    until = grant.until or 0
    return until - min(_SPARE_MOST, (until - grant.made) * _SPARE_SHARE)


def _seconds(told: Any, described: int | None) -> int | None:
    """Read a lifetime; some systems write it as text, some not at all."""
    return int(told) if isinstance(told, str) and told.isdecimal() and len(told) < 12 else described


def _refusal(asked: Asked, status: int, headers: Mapping[str, str], body: Any, now: int) -> RequestFailed:
    """Name why no token was given (RFC 6749 section 5.2)."""
    code = read_path(body, "error") if body is not ABSENT else ABSENT
    word = str(code) if isinstance(code, str) and _CODE.fullmatch(code) else ""
    passing = status == 429 or status >= 500 or word in ("temporarily_unavailable", "server_error")
    category = ("rate_limit" if status == 429 else "transport") if passing else _REFUSED.get(word, "authentication")
    mend = "try again later" if passing else "check client and credential of this connection"
    if word == "invalid_grant":
        mend = "authorise syncline anew, and store the new credential under its reference"
    return RequestFailed(
        f"no access token is given ({word or f'HTTP {status}'})",
        category=category,  # type: ignore[arg-type]
        place=asked.place,
        mend=mend,
        status=status,
        vendor_code=word or None,
        retry=passing,
        retry_after=failures.retry_after(headers.get("retry-after"), now),
    )
