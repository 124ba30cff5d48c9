"""Tombstones: how rows of people who were erased are recognised without keeping anything about them.

In: the key beside the state, the ledger's tombstones. Out: rows of a read that are not taken in. A tombstone is
HMAC-SHA-256 of (connection, resource, native id): without the key it says nothing, and the key does not lie in the ledger.
Invariant: where there are tombstones and the key is missing or another, nothing is read: the erased would come back.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from syncline_runtime.errors import StateError
from syncline_runtime.ledger import Ledger, Tombstone
from syncline_runtime.ledger.erasures import CHECK
from syncline_runtime.state import State, quoted, text

FILE = "erasure.key"  # below the state folder
_BLOCK, _SEPARATOR = 64, "\x1f"


@dataclass(frozen=True)
class Key:
    """The key of a state's tombstones."""

    secret: bytes

    def tombstone(self, connection: str, resource: str, native_id: str) -> Tombstone:
        """Give the tombstone of one row."""
        named = _SEPARATOR.join((connection, resource, native_id)).encode()
        return Tombstone(connection, resource, hmac.new(self.secret, named, hashlib.sha256).hexdigest())

    @property
    def check(self) -> Tombstone:
        """What the ledger keeps to recognise the key."""
        return self.tombstone(CHECK, "", "")

    def query(self, relation: str, connection: str, resource: str) -> str:
        """Give a query of the digests of a relation's native ids: the same that ``tombstone`` gives."""
        secret = self.secret.ljust(_BLOCK, b"\0")
        inner, outer = (bytes(byte ^ pad for byte in secret).hex() for pad in (0x36, 0x5C))
        begun = text(_SEPARATOR.join((connection, resource, "")))
        message = f"unhex({text(inner)}) || encode({begun} || _native_id)"
        return f"SELECT _native_id, sha256(unhex({text(outer)}) || unhex(sha256({message}))) AS digest FROM {quoted(relation)}"


def key_of(folder: Path, tombstones: Iterable[Tombstone]) -> Key | None:
    """Read the key; None where nobody was ever erased. StateError (SYN6015) if it is missing or not the one."""
    known = set(tombstones)
    if not known:
        return None
    path = folder / FILE
    try:
        key = Key(bytes.fromhex(path.read_text(encoding="ascii").strip()))
    except (OSError, ValueError):
        raise _unusable(path, "the key of the tombstones is missing or cannot be read") from None
    if key.check not in known:
        raise _unusable(path, "this is not the key that the tombstones were made with")
    return key


def make_key(folder: Path) -> Key:
    """Give the key, made and on the disk if there was none."""
    path = folder / FILE
    if not path.exists():
        descriptor = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(secrets.token_hex(32) + "\n")
            file.flush()
            os.fsync(file.fileno())
    return Key(bytes.fromhex(path.read_text(encoding="ascii").strip()))


@dataclass
class Erased:
    """The tombstones as a run uses them; nothing, at no cost, where nobody was erased."""

    key: Key | None = None
    places: frozenset[tuple[str, str]] = frozenset()  # (connection, resource) with tombstones
    former: Mapping[tuple[str, str], Sequence[tuple[str, str]]] = field(default_factory=dict)  # their earlier names
    met: dict[tuple[str, str], int] = field(default_factory=dict)  # rows not taken in

    @classmethod
    def of(cls, state: State, ledger: Ledger, former: Mapping[tuple[str, str], Sequence[tuple[str, str]]]) -> Self:
        """Give the tombstones of a ledger, bound in the state as ``tombstones``."""
        known = ledger.erasures.tombstones()
        key = key_of(state.folder, known)
        if key is not None:
            state.fill("tombstones", {"digest": "VARCHAR"}, ((one.digest,) for one in known))
        return cls(key, frozenset((one.connection, one.resource) for one in known), former)

    def take_out(self, state: State, relation: str, connection: str, resource: str) -> None:
        """Take the rows of erased records out of what was read."""
        named = [(connection, resource), *self.former.get((connection, resource), ())]
        places = [place for place in named if place in self.places]
        if self.key is None or not places:
            return
        before = state.scalar(f"SELECT count(*) FROM {quoted(relation)}")
        digests = " UNION ALL ".join(self.key.query(relation, *place) for place in places)
        state.execute(
            f"DELETE FROM {quoted(relation)} WHERE _native_id IN "
            f"(SELECT d._native_id FROM ({digests}) AS d SEMI JOIN tombstones AS t ON t.digest = d.digest)"
        )
        self.met[connection, resource] = before - state.scalar(f"SELECT count(*) FROM {quoted(relation)}")


def _unusable(path: Path, message: str) -> StateError:
    return StateError(
        message,
        place=str(path),
        mend="restore it from a backup of the state folder; without it the records that were erased would come back",
        code="SYN6015",
    )
