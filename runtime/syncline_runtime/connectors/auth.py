"""Secrets at the moment of use, and how they stand in requests.

In: the system's way of authentication and the binding's references. Out: headers and query parameters.
Invariant: secrets live in this object only, and its repr shows none.
"""

from __future__ import annotations

import base64
import html
import json
from collections.abc import Iterable, Iterator
from typing import Any
from urllib.parse import quote, quote_plus

from syncline_runtime.authentication import Auth, secrets_of
from syncline_runtime.binding import Connection, secret
from syncline_runtime.connectors.origin import STAND_IN_SECRET
from syncline_runtime.connectors.templates import ABSENT
from syncline_runtime.errors import ReleaseError

_ALSO = {"basic": ("token",), "api_key": ("token",)}
"""What may stand in the place of what is usually needed."""
_NO_SECRETS = frozenset({"username", "client_id", "key_id"})
_LONG_ENOUGH = 6  # characters: what is shorter is part of too many words
_HIDDEN = "•••"
_IF_GIVEN = frozenset({"key_id"})


class Credentials:
    """The secrets of one connection, read once."""

    def __init__(self, auth: Auth, connection: Connection) -> None:
        self._auth = auth
        self.account = STAND_IN_SECRET if connection.stand_in else connection.account
        self._secrets = _read_secrets(auth, connection)

    def __repr__(self) -> str:
        return f"Credentials({self._auth.kind!r})"

    def headers(self) -> dict[str, str]:
        """Give the headers that authenticate a request; none for those that must be asked for first."""
        auth, secrets = self._auth, self._secrets
        if auth.kind == "bearer":
            return {auth.header or "Authorization": f"{auth.scheme} {secrets['token']}".strip()}
        if auth.kind == "basic":
            pair = f"{secrets.get('username', secrets.get('token'))}:{secrets.get('password', '')}"
            return {"Authorization": "Basic " + base64.b64encode(pair.encode()).decode()}
        if auth.kind == "api_key" and auth.header:
            return {auth.header: self._key()}
        return {}

    def query(self) -> list[tuple[str, str]]:
        """Give the query parameters that authenticate a request."""
        return [(self._auth.query, self._key())] if self._auth.kind == "api_key" and self._auth.query else []

    def login_values(self) -> dict[str, str]:
        """Give what a login template may name."""
        return dict(self._secrets)

    def secret(self, name: str) -> str:
        """Give one secret that this way of authentication needs."""
        return self._secrets[name]

    def known(self, name: str) -> Any:
        """Give a member of the credential as templates name it; ABSENT if the binding has none."""
        return self._secrets.get(name, ABSENT)

    def hidden(self, text: str, more: Iterable[str] = ()) -> str:
        """Take our secrets out of a text that a system wrote: some repeat what they were sent."""
        known = {value for name, value in self._secrets.items() if name not in _NO_SECRETS and value != STAND_IN_SECRET}
        told = [*known, *more, *(value.rpartition(" ")[2] for value in self.headers().values() if known)]
        for one in sorted(
            {shape for value in told if len(value) >= _LONG_ENOUGH for shape in _shapes(value)}, key=len, reverse=True
        ):
            text = text.replace(one, _HIDDEN)
        return text

    def _key(self) -> str:
        return self._secrets.get("key") or self._secrets["token"]


def _shapes(value: str) -> Iterator[str]:
    """Give a secret as it may be written within other texts, and its first half: messages are cut."""
    for text in (value, value[: max(len(value) // 2, _LONG_ENOUGH)]):
        yield from (
            text,
            quote(text, safe=""),
            quote_plus(text),
            quote(text),
            json.dumps(text)[1:-1],
            html.escape(text),
        )


def _read_secrets(auth: Auth, connection: Connection) -> dict[str, str]:
    needed = secrets_of(auth)
    if connection.stand_in:
        return dict.fromkeys((*needed, "key_id"), STAND_IN_SECRET) if needed else {}
    for names in (needed, _ALSO.get(auth.kind, needed)):
        if all(name in connection.credential for name in names):
            read = dict.fromkeys((*names, *(_IF_GIVEN & connection.credential.keys() if names else ())))
            return {name: secret(connection.credential[name], connection.name) for name in read}
    wanted_words = " or ".join(" and ".join(names) for names in (needed, _ALSO.get(auth.kind)) if names)
    raise ReleaseError(
        f"the connection has no {wanted_words}, which {auth.kind} authentication needs",
        place=connection.name,
        mend=f"add credential: {{{needed[0]}: env:NAME}} to this connection in syncline.yaml and compile again",
        code="SYN8010",
    )
