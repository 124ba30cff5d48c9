"""Secrets at the moment of use, and how they stand in requests.

In: the system's way of authentication and the binding's references. Out: headers and query parameters.
Invariant: secrets live in this object only, and its repr shows none.
"""

from __future__ import annotations

import base64

from syncline_runtime.binding import Connection, secret
from syncline_runtime.connectors.origin import STAND_IN_SECRET
from syncline_runtime.errors import ReleaseError
from syncline_runtime.system import Auth

_NEEDED = {
    "none": (),
    "bearer": (("token",),),
    "basic": (("username", "password"), ("token",)),
    "api_key": (("key",), ("token",)),
    "session": (("username", "password"),),
}


class Credentials:
    """The secrets of one connection, read once."""

    def __init__(self, auth: Auth, connection: Connection) -> None:
        self._auth = auth
        self.account = STAND_IN_SECRET if connection.stand_in else connection.account
        self._secrets = _read_secrets(auth, connection)

    def __repr__(self) -> str:
        return f"Credentials({self._auth.kind!r})"

    def headers(self) -> dict[str, str]:
        """Give the headers that authenticate a request; none for sessions, whose login comes first."""
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

    def _key(self) -> str:
        return self._secrets.get("key") or self._secrets["token"]


def _read_secrets(auth: Auth, connection: Connection) -> dict[str, str]:
    choices = _NEEDED[auth.kind]
    if connection.stand_in:
        return dict.fromkeys(choices[0], STAND_IN_SECRET) if choices else {}
    for names in choices:
        if all(name in connection.credential for name in names):
            return {name: secret(connection.credential[name], connection.name) for name in names}
    if not choices:
        return {}
    wanted = " or ".join(" and ".join(names) for names in choices)
    raise ReleaseError(
        f"the connection has no {wanted}, which {auth.kind} authentication needs",
        place=connection.name,
        mend=f"add credential: {{{choices[0][0]}: env:NAME}} to this connection in syncline.yaml and compile again",
        code="SYN8010",
    )
