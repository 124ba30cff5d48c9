"""Grants that change with use, kept where their reference says: in a file, or in a keyring.

In: the reference of a refresh token. Out: the grant as it is now. Invariants: one process at a time looks and changes;
a new token is on disk before it is used; the file is readable by its owner only. What the operator put there first is
the bare refresh token; what we write is JSON with the access token beside it, so that the next run need not ask.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import tempfile
from collections.abc import AsyncIterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Final

from syncline_runtime.binding import secret, to_keyring
from syncline_runtime.clock import Clock
from syncline_runtime.errors import ReleaseError, SystemFailure

_LOOK_AGAIN: Final = 0.05  # seconds
_PATIENCE: Final = 60.0  # seconds: longer than whoever holds it may take to ask
WRITABLE: Final = ("file:", "keyring:")


@dataclass(frozen=True)
class Grant:
    """A refresh token, and the access token it gave last; ``made`` and ``until`` are in seconds since 1970."""

    refresh_token: str = field(repr=False)
    access_token: str = field(default="", repr=False)
    made: int = 0
    until: int | None = None
    scopes: str = ""


class KeptGrant:
    """The grant behind one reference."""

    def __init__(self, reference: str, place: str) -> None:
        self._reference, self._place = reference, place
        self.writable = reference.startswith(WRITABLE)

    def read(self) -> Grant:
        """Read the grant as it is now; ReleaseError if there is none."""
        text = secret(self._reference, self._place)
        if not text.startswith("{"):
            return Grant(text)
        try:
            return Grant(**json.loads(text))
        except (ValueError, TypeError):
            raise ReleaseError(
                "what is kept of this grant is damaged",
                place=self._place,
                mend="authorise syncline anew, and write the refresh token there",
                code="SYN8010",
            ) from None

    def write(self, grant: Grant) -> None:
        """Keep a grant; it is durable when this returns."""
        kind, _, name = self._reference.partition(":")
        text = json.dumps(asdict(grant))
        if kind == "keyring":
            to_keyring(name, text, self._place)
            return
        try:
            _replace(Path(name), text)
        except OSError as error:
            raise ReleaseError(
                f"the new token cannot be written to {name} ({error.strerror})",
                place=self._place,
                mend="let this user write to the file's folder, then authorise syncline anew",
                code="SYN8010",
            ) from None

    @contextlib.asynccontextmanager
    async def alone(self, clock: Clock) -> AsyncIterator[None]:
        """Wait until no other process or connection looks at this grant, and keep them away until the block ends."""
        handle = os.open(_lock_path(self._reference), os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        try:
            waited = 0.0
            while not _locked(handle):
                if waited > _PATIENCE:
                    raise SystemFailure(
                        "another process has held this connection's token for too long", place=self._place
                    )
                await clock.sleep(_LOOK_AGAIN)
                waited += _LOOK_AGAIN
            yield
        finally:
            os.close(handle)


def _locked(handle: int) -> bool:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _lock_path(reference: str) -> Path:
    """Place the lock beside the file, so that all who see the file see it; a keyring is this machine's own."""
    kind, _, name = reference.partition(":")
    if kind == "file":
        path = Path(name).resolve()
        return path.with_name(f"{path.name}.lock")
    name = hashlib.sha256(reference.encode()).hexdigest()[:16]
    return Path(tempfile.gettempdir()) / f"syncline-{os.getuid()}-{name}.lock"


def _replace(path: Path, text: str) -> None:
    path = path.resolve()  # a link goes on pointing to where it did
    handle, partial = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")  # readable by its owner only
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        os.replace(partial, path)
    except BaseException:
        Path(partial).unlink(missing_ok=True)
        raise
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
