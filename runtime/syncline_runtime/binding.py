"""What an environment adds to a release: where systems are, who they must prove to be, where secrets lie.

In: ``bindings/ENV.json`` beside ``release.json``. Out: ``Binding``. Secrets are references only
(``env:NAME``, ``file:PATH``, ``keyring:SERVICE/NAME``, those of ``secret_stores``); ``secret`` reads one at the moment of use.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import field as member
from pathlib import Path
from typing import Any

from syncline_runtime.errors import ReleaseError
from syncline_runtime.frozen import dataclass
from syncline_runtime.secret_stores import STORES, from_store

BINDING_FORMAT = 1
REFERENCES = tuple(f"{kind}:" for kind in ("env", "file", "keyring", *STORES))
"""How references begin; whatever else stands in their place is what it is."""


@dataclass(frozen=True)
class Connection:
    """One connection of a project in one environment."""

    name: str
    system: str
    origin: str = ""  # https://host[:port][/path], a folder for files, or a reference
    credential: Mapping[str, str] = member(default_factory=dict)  # what ``authentication.secrets_of`` names → reference
    account: str | None = None
    environment: str | None = None
    requests: int | None = None
    per: int | None = None  # seconds
    token_origin: str = ""  # where access tokens are given out, if not at the origin; or a reference
    stand_in: bool = False  # served by `syncline sandbox`, on loopback


@dataclass(frozen=True)
class Binding:
    """All connections of a project in one environment."""

    project: str
    environment: str
    connections: tuple[Connection, ...]
    format_version: int = BINDING_FORMAT

    def connection(self, name: str) -> Connection:
        """Give the connection of that name; ReleaseError if the environment has none."""
        for candidate in self.connections:
            if candidate.name == name:
                return candidate
        raise ReleaseError(
            f"environment {self.environment!r} says nothing about connection {name!r}",
            place=f"bindings/{self.environment}.json",
            mend=f"add {name!r} under environments.{self.environment} in syncline.yaml and compile again",
        )


def secret(reference: str, place: str) -> str:
    """Read the secret behind a reference, without its trailing newline; ReleaseError says what is missing."""
    kind, _, name = reference.partition(":")
    if kind == "env":
        value = os.environ.get(name)
        if not value:
            raise ReleaseError(
                f"environment variable {name} is not set",
                place=place,
                mend=f"set {name} for the process that runs syncline",
                code="SYN8010",
            )
        return value
    if kind == "file":
        try:
            return Path(name).read_text(encoding="utf-8").rstrip("\r\n")
        except OSError as error:
            raise ReleaseError(
                f"the secret file {name} cannot be read ({error.strerror})",
                place=place,
                mend="write the secret there, readable by this user only",
                code="SYN8010",
            ) from None
    if kind == "keyring":
        return _from_keyring(name, place)
    if kind in STORES:
        return from_store(kind, name, place)
    raise ReleaseError(
        f"secrets of kind {kind!r} are not supported here",
        place=place,
        mend="use env:NAME, file:PATH or keyring:SERVICE/NAME",
        code="SYN8010",
    )


def to_keyring(name: str, text: str, place: str) -> None:
    """Store a secret in the keyring, in the place of what is there."""
    service, _, user = name.partition("/")
    _keyring(place).set_password(service, user, text)


def _from_keyring(name: str, place: str) -> str:
    service, _, user = name.partition("/")
    value = _keyring(place).get_password(service, user)
    if not value:
        raise ReleaseError(
            f"the keyring has no secret {name!r}",
            place=place,
            mend=f"store it with `keyring set {service} {user}`",
            code="SYN8010",
        )
    return str(value)


def _keyring(place: str) -> Any:
    try:
        import keyring  # an optional extra
    except ImportError:
        raise ReleaseError(
            "secrets in a keyring need a library that is not installed here",
            place=place,
            mend="pip install 'syncline[keyring]', or use env:NAME or file:PATH",
            code="SYN8010",
        ) from None
    return keyring
