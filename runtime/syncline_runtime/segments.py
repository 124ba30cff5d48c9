"""The store of segments: immutable Parquet files that hold the set-sized facts.

In: a file that somebody wrote at the place ``writing`` gave. Out: ``Segment``, ready for the ledger's register.
Invariants: a file with a final name is complete and durable (fsync, rename, fsync of the folder) and never changes; a
file is part of the state only once the ledger has registered it; files without a register entry are left alone.
This module neither reads Parquet nor opens a database.
"""

from __future__ import annotations

import dataclasses
import errno
import hashlib
import os
import secrets
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal
from urllib.parse import quote

from syncline_runtime.errors import StateError

SegmentKind = Literal["landed", "base", "canonical", "links", "outcomes", "before"]
SCHEMA_VERSION = 1
_WRITING = ".writing"
_BLOCK = 1 << 20


@dataclass(frozen=True)
class Segment:
    """One immutable file. ``path`` is relative to the store; ``seq`` is the ledger's, 0 until registered."""

    kind: SegmentKind
    subject: str
    run: str
    path: str
    sha256: str
    rows: int
    bytes: int
    schema_version: int = SCHEMA_VERSION
    seq: int = 0

    def at(self, seq: int) -> Segment:
        """Give the segment as the register holds it under a sequence."""
        return dataclasses.replace(self, seq=seq)


@dataclass(frozen=True)
class Draft:
    """A segment being written: fill ``path``, then ``publish``."""

    kind: SegmentKind
    subject: str
    run: str
    path: Path


class SegmentStore:
    """Segments below one folder: ``KIND/SUBJECT/RUN-CHANCE.parquet``."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def writing(self, kind: SegmentKind, subject: str, run: str) -> Draft:
        """Give a place to write a new segment to; a draft that is never published is only litter."""
        folder = self.root / _WRITING
        with _told(folder):
            folder.mkdir(parents=True, exist_ok=True)
        return Draft(kind, subject, run, folder / f"{_safe(run)}-{secrets.token_hex(6)}.parquet")

    def publish(self, draft: Draft, rows: int, schema_version: int = SCHEMA_VERSION) -> Segment:
        """Make a written draft durable under its final name.

        Raises StateError (SYN6004, SYN6003) when the disk is full or the folder cannot be written.
        """
        with _told(draft.path):
            make_durable(draft.path)
            size, sha = draft.path.stat().st_size, _sha256(draft.path)
            path = "/".join((draft.kind, *map(_safe, draft.subject.split("/")), draft.path.name))
            target = self.root / path
            created = _missing_parents(target.parent, self.root)
            target.parent.mkdir(parents=True, exist_ok=True)
            os.replace(draft.path, target)
            for folder in (target.parent, *created):
                make_durable(folder)
        return Segment(draft.kind, draft.subject, draft.run, path, sha, rows, size, schema_version)

    def discard(self, draft: Draft) -> None:
        """Remove a draft that will not be published."""
        draft.path.unlink(missing_ok=True)

    def locate(self, segment: Segment) -> Path:
        """Give the file of a segment."""
        return self.root / segment.path

    def verify(self, segment: Segment, thorough: bool = True) -> Path:
        """Return the file of a registered segment, or raise StateError if it is not the one that was registered.

        Always looks at presence and size; ``thorough`` reads the file and compares its SHA-256.
        """
        path = self.locate(segment)
        try:
            size = path.stat().st_size
        except OSError:
            raise _damaged("SYN6010", path, "the segment is missing") from None
        if size != segment.bytes:
            raise _damaged("SYN6011", path, f"the segment has {size} bytes where {segment.bytes} were written")
        if thorough and _sha256(path) != segment.sha256:
            raise _damaged("SYN6011", path, "the content of the segment is not what was written")
        return path

    def orphans(self, registered: Iterable[Segment]) -> list[Path]:
        """Files below the store that no register entry names, sorted; unpublished drafts among them."""
        if not self.root.is_dir():
            return []
        known = {self.root / segment.path for segment in registered}
        return sorted(path for path in self.root.rglob("*.parquet") if path not in known)

    def published(self) -> Iterator[Path]:
        """Files below the store that have their final names, registered or not."""
        return (path for path in self.root.rglob("*.parquet") if path.parent.name != _WRITING)

    def clear_drafts(self) -> int:
        """Remove drafts that were never published; returns how many. Nobody else may be writing."""
        drafts = list((self.root / _WRITING).glob("*.parquet"))
        for path in drafts:
            path.unlink(missing_ok=True)
        return len(drafts)


def run_of(path: Path) -> str:
    """Give the run that wrote a file of the store."""
    return path.name.partition("-")[0]


def _safe(name: str) -> str:
    """Give a file name for any subject: no separator, no leading dot, and different names stay different."""
    quoted = quote(name, safe="-_. ")
    return "%2E" + quoted[1:] if quoted.startswith(".") else quoted or "%"


def _missing_parents(folder: Path, root: Path) -> list[Path]:
    """Give the folders whose entries ``mkdir`` will change, so that they are synced as well."""
    changed = []
    while not folder.exists():
        folder = folder.parent
        changed.append(folder)
        if folder == root.parent:
            break
    return changed


def make_durable(path: Path) -> None:
    """Let what was written to a file, or the names in a folder, outlast a loss of power."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _damaged(code: str, path: Path, message: str) -> StateError:
    return StateError(
        message,
        place=str(path),
        mend="restore this file from a backup of the state folder; nothing is sent until it is back",
        code=code,
    )


@contextmanager
def _told(path: Path) -> Iterator[None]:
    """Turn an OSError of the block into a StateError about ``path``."""
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
            raise StateError(
                "the disk is full: the segment could not be written",
                place=str(path),
                mend="free space and run again; what was registered before is complete",
                code="SYN6004",
            ) from None
        raise StateError(
            f"the segment could not be written ({error.strerror})",
            place=str(path),
            mend="make the state folder writable for the user that runs syncline",
            code="SYN6003",
        ) from None
