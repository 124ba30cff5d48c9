"""The one place a connection may talk to.

In: a binding's connection. Out: ``Origin``, which joins paths and refuses every address elsewhere.
Invariant: plain http leaves this machine never; a stand-in is always on this machine.
"""

from __future__ import annotations

import ipaddress
import json
import os
import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final
from urllib.parse import SplitResult, urljoin, urlsplit

from syncline_runtime.binding import REFERENCES, Connection, secret
from syncline_runtime.errors import ReleaseError, RequestFailed
from syncline_runtime.origins import lies_within
from syncline_runtime.system import System

SANDBOX_VARIABLE: Final = "SYNCLINE_SANDBOX_URL"
SANDBOX_NOTE: Final = Path(".syncline") / "sandbox.json"  # written by the sandbox while it runs
SANDBOX_DEFAULT: Final = "http://127.0.0.1:8787"
STAND_IN_SECRET: Final = "sandbox"
_PORTS: Final = {"http": 80, "https": 443}
_MISREAD: Final = re.compile(r"[\\\x00-\x1f\x7f]|^\s|\s$")  # what programs read in different ways, or leave out
_NUMERIC: Final = re.compile(r"(?:.*\.)?(?:0[xX][0-9a-fA-F]*|[0-9]+)\.?")


@dataclass(frozen=True)
class Origin:
    """Scheme, host and port that requests must keep, and the path below which they lie."""

    place: str
    scheme: str
    host: str
    port: int
    base: str
    loopback: bool

    def join(self, path: str) -> str:
        """Make the address of a path of the system description."""
        if not path.startswith("/"):
            raise ReleaseError(f"the request path {path.partition('?')[0]!r} does not start with /", place=self.place)
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{host}:{self.port}{self.base}{path}"

    def follow(self, link: str, base: str) -> str:
        """Make the address of a link found in an answer from ``base``; RequestFailed if it leads elsewhere."""
        if _MISREAD.search(link):
            raise self.elsewhere()
        try:
            address = urljoin(base, link)
        except ValueError:
            raise self.elsewhere() from None
        self.check(address)
        return address

    def check(self, address: str) -> None:
        """Refuse an address at another origin."""
        try:
            parts = urlsplit(address)
            same = (parts.scheme, parts.hostname, _port(parts)) == (self.scheme, self.host, self.port)
        except ValueError:
            same = False
        if not same or parts.username is not None:
            raise self.elsewhere()

    def elsewhere(self) -> RequestFailed:
        """Make the failure of an address at another origin."""
        return RequestFailed(
            "an address leads to another origin than the connection's; nothing was sent there",
            category="vendor",
            place=self.place,
            mend=f"only {self.scheme}://{self.host}:{self.port} is allowed; check the origin in the binding",
        )


def origin_of(connection: Connection) -> Origin:
    """Find the origin of a connection; a stand-in's is where `syncline sandbox` runs."""
    if connection.stand_in:
        origin = parse_origin(f"{sandbox_url()}/{connection.system}", connection.name)
        if not origin.loopback:
            raise ReleaseError(
                "stand-ins are served on this machine only, and the sandbox's address is elsewhere",
                place=connection.name,
                mend=f"set {SANDBOX_VARIABLE} to an address on 127.0.0.1",
            )
        return origin
    return parse_origin(origin_text(connection), connection.name)


def refuse_elsewhere(origin: Origin, system: System, connection: Connection) -> None:
    """Refuse an origin that the system description does not name: a reference may lead anywhere."""
    allowed = system.origins_of(connection.environment)
    if allowed and not connection.stand_in and not lies_within(origin.join("/"), allowed):
        raise _elsewhere(origin, system, "origin", connection.name)


def _elsewhere(origin: Origin, system: System, key: str, place: str) -> ReleaseError:
    return ReleaseError(
        f"{origin.scheme}://{origin.host}:{origin.port} is none of the origins of system {system.name!r}",
        place=place,
        mend=f"correct the {key} of this connection, or add it to `origins` in the system description",
    )


def token_origin(origin: Origin, system: System, connection: Connection) -> Origin:
    """Find where access tokens are given out: the connection's origin, or one that the system description names."""
    if not connection.token_origin or connection.stand_in:
        return origin
    reference = connection.token_origin
    text = secret(reference, connection.name) if reference.startswith(REFERENCES) else reference
    found = parse_origin(text, connection.name)
    allowed = (*system.origins_of(connection.environment), replace(origin, base="").join("/"))
    if not lies_within(found.join("/"), allowed):
        raise _elsewhere(found, system, "token_origin", connection.name)
    return found


def origin_text(connection: Connection) -> str:
    """Read the origin as written, or from the reference that stands for it."""
    text = connection.origin
    return secret(text, connection.name) if text.startswith(REFERENCES) else text


def parse_origin(text: str, place: str) -> Origin:
    """Take an origin apart; ReleaseError if it is none, or plain http to another machine."""
    try:
        parts = urlsplit(text)
        host, port = parts.hostname, _port(parts)
    except ValueError:
        host, port = None, 0
    if (
        not host
        or _is_misspelt(host)
        or parts.scheme not in _PORTS
        or parts.query
        or parts.fragment
        or parts.username is not None
    ):
        raise ReleaseError(
            "the origin is not an address like https://host/path",
            place=place,
            mend="correct the origin of this connection in syncline.yaml and compile again",
        )
    loopback = is_loopback(host)
    if parts.scheme == "http" and not loopback:
        raise ReleaseError(
            "the origin is plain http to another machine, which would show the credential on the way",
            place=place,
            mend="use an https:// origin",
        )
    return Origin(place, parts.scheme, host, port, parts.path.rstrip("/"), loopback)


def sandbox_url() -> str:
    """Find the running sandbox: environment variable, else the note it keeps, else its usual address."""
    if given := os.environ.get(SANDBOX_VARIABLE):
        return given.rstrip("/")
    try:
        note = json.loads(SANDBOX_NOTE.read_text(encoding="utf-8"))
        return str(note["url"]).rstrip("/")
    except (OSError, ValueError, KeyError, TypeError):
        return SANDBOX_DEFAULT


def _port(parts: SplitResult) -> int:
    return parts.port or _PORTS.get(parts.scheme, 0)


def _is_misspelt(host: str) -> bool:
    """Tell a number that some programs take for an address: only four decimal ones are one for all."""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return _NUMERIC.fullmatch(host) is not None
    return False


def is_loopback(host: str) -> bool:
    """Whether a host is plainly this machine; an IPv4 address within one of IPv6 is not plain, whatever Python says of it."""
    if host == "localhost":
        return True
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return False
    return address.is_loopback and getattr(address, "ipv4_mapped", None) is None
