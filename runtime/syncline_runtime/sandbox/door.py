"""Who is let in to a stand-in: every way of authentication that a description can name.

In: requests. Out: nothing, or a ``FaultError``; sessions and tokens. Every secret of a stand-in is the same word; an
assertion is looked at and its signature is not, since a stand-in has nobody's public key.
"""

from __future__ import annotations

import base64
import hmac
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from urllib.parse import parse_qs, unquote_plus

from syncline_runtime.authentication import Grant, Signature
from syncline_runtime.connectors import jsontext
from syncline_runtime.connectors.origin import STAND_IN_SECRET
from syncline_runtime.connectors.signing import body_parts, key_bytes, signed_headers
from syncline_runtime.connectors.templates import fill_text, placeholders, wrapped, write_path
from syncline_runtime.connectors.tokens import grant_type, token_headers
from syncline_runtime.sandbox.inverse import match
from syncline_runtime.sandbox.routes import Asked, Call
from syncline_runtime.sandbox.store import FaultError
from syncline_runtime.system import System

_TOKEN_SECONDS: Final = 3600
_CLOCKS_DIFFER: Final = timedelta(minutes=5)
Answer = tuple[int, Any]


class Door:
    """Lets in who knows the word; remembers the tokens that it gave."""

    def __init__(self, system: System, now: Callable[[], datetime]) -> None:
        self.system, self._now = system, now
        self._good_until: dict[str, datetime] = {}
        self._unspent: set[str] = set()
        self._given = 0

    def check(self, call: Call) -> None:
        """Refuse a request that does not prove who makes it."""
        if not self._fits(call):
            raise FaultError("authentication", "unauthenticated", f"every secret of a stand-in is {STAND_IN_SECRET!r}")

    def forget(self) -> None:
        """Let no token given so far be good any more."""
        self._good_until.clear()

    def _fits(self, call: Call) -> bool:
        auth = self.system.auth
        given = call.headers.get((auth.header or "Authorization").lower(), "")
        match auth.kind:
            case "none":
                return True
            case "bearer":
                return given == token_headers(auth, STAND_IN_SECRET)[auth.header or "Authorization"]
            case "basic":
                return given in {_basic(STAND_IN_SECRET, password) for password in (STAND_IN_SECRET, "")}
            case "api_key":
                return STAND_IN_SECRET in (given, *(call.query.get(auth.query, []) if auth.query else ()))
            case "oauth2":
                return self._good_until.get(given.removeprefix(auth.scheme).strip(), self._now()) > self._now()
            case "signed":
                return auth.signature is not None and self._is_signed(auth.signature, call)
        return given == fill_text(auth.session, self._session_values())

    def log_in(self, asked: Asked) -> Any:
        """Open a session."""
        given = [text for name, text in asked.found.items() if name in ("username", "password")]
        if any(text != STAND_IN_SECRET for text in given):
            raise FaultError("authentication", "unauthenticated", f"every secret of a stand-in is {STAND_IN_SECRET!r}")
        return self._session_values()["result"]

    def _session_values(self) -> dict[str, Any]:
        """Make up a login's result that holds what the session template reads from it."""
        paths = [name.partition(".")[2] for name in placeholders(self.system.auth.session) if name.startswith("result")]
        shape: dict[str, Any] = {}
        for path in paths:
            write_path(shape, path, STAND_IN_SECRET)
        result: Any = wrapped("result", shape)["result"] if paths != [""] else STAND_IN_SECRET
        return {"username": STAND_IN_SECRET, "password": STAND_IN_SECRET, "result": result}

    def give_token(self, call: Call) -> Answer:
        """Give an access token for what the grant asks, and where it rotates a refresh token (RFC 6749)."""
        grant = self.system.auth.grant
        form = {name: values[0] for name, values in parse_qs(call.content.decode(), keep_blank_values=True).items()}
        if grant is None or not _is_client(grant, form, call.headers.get("authorization", "")):
            return 401, {"error": "invalid_client"}
        if form.get("grant_type") != grant_type(grant):
            return 400, {"error": "unsupported_grant_type"}
        if not self._is_granted(grant, form):
            return 400, {"error": "invalid_grant"}
        self._given += 1
        lifetime = grant.lifetime or _TOKEN_SECONDS
        token = f"access-{self._given}"
        self._good_until[token] = self._now() + timedelta(seconds=lifetime)
        answer: dict[str, Any] = {"access_token": token, "token_type": "Bearer", "expires_in": lifetime}
        if grant.scopes:
            answer["scope"] = form.get("scope", "")
        if grant.rotates:
            answer["refresh_token"] = f"refresh-{self._given}"
            self._unspent.add(answer["refresh_token"])
        return 200, answer

    def _is_granted(self, grant: Grant, form: Mapping[str, str]) -> bool:
        if grant.kind == "refresh_token":
            given = form.get("refresh_token", "")
            if given in self._unspent and grant.rotates:
                self._unspent.remove(given)
                return True
            return given == STAND_IN_SECRET
        return grant.kind != "jwt_bearer" or self._is_stated(form.get("assertion", ""))

    def _is_stated(self, assertion: str) -> bool:
        """Tell whether an assertion is one, and of now."""
        try:
            middle = assertion.split(".")[1]
            claims = jsontext.parse(base64.urlsafe_b64decode(middle + "=" * (-len(middle) % 4)))
            made, until = (datetime.fromtimestamp(int(claims[name]), UTC) for name in ("iat", "exp"))
        except (IndexError, ValueError, KeyError, TypeError):
            return False
        return made - _CLOCKS_DIFFER <= self._now() < until

    def _is_signed(self, signature: Signature, call: Call) -> bool:
        """Sign the request again with what its own headers name, and compare."""
        found: dict[str, Any] = {}
        for name, template in signature.headers.items():
            found |= match(template, call.headers.get(name.lower(), "")) or {}
        path, _, query = call.target.partition("?")
        known = {
            "nonce": "", "timestamp": "", "key_id": "", "account": STAND_IN_SECRET, **found,
            "method": call.method, "host": call.headers.get("host", ""), "path": path, "query": query,
            **body_parts(call.content),
        }  # fmt: skip
        known.pop("signature", None)
        wanted = signed_headers(signature, key_bytes(signature, STAND_IN_SECRET, self.system.name), known)
        given = {name: call.headers.get(name.lower(), "") for name in wanted}
        fits = all(hmac.compare_digest(given[name].encode(), text.encode()) for name, text in wanted.items())
        return fits and self._is_recent(signature, str(known["timestamp"]))

    def _is_recent(self, signature: Signature, text: str) -> bool:
        if not text:
            return True
        try:
            if signature.timestamp == "iso":
                moment = datetime.fromisoformat(text)
            else:
                moment = datetime.fromtimestamp(int(text) / (1000 if signature.timestamp == "epoch_ms" else 1), UTC)
        except (ValueError, OverflowError, OSError):
            return False
        return abs(moment - self._now()) <= _CLOCKS_DIFFER


def _is_client(grant: Grant, form: Mapping[str, str], header: str) -> bool:
    if grant.client == "basic":
        scheme, _, pair = header.partition(" ")
        decoded = base64.b64decode(pair).decode() if scheme == "Basic" else ""
        return unquote_plus(decoded) == f"{STAND_IN_SECRET}:{STAND_IN_SECRET}"
    if grant.client == "body":
        return form.get("client_id") == form.get("client_secret") == STAND_IN_SECRET
    return grant.kind == "jwt_bearer" or form.get("client_id") == STAND_IN_SECRET


def _basic(username: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{username}:{password}".encode()).decode()
