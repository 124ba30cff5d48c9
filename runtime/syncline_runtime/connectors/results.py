"""What connectors hand to the stages: pages of rows, what a search found, what a write did, what was proved."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Union

from syncline_runtime.connectors.lines import Lines
from syncline_runtime.connectors.recordtypes import UNTOLD
from syncline_runtime.errors import RequestFailed

Natives = Mapping[str, str | None]
Read = Union["Page", Lines, "ParquetFile"]


@dataclass(frozen=True)
class Row:
    """One record as read: native text per field, absent fields left out.

    ``gone`` says that the system itself marks the record as deleted; ``raw_hash`` tells other natives.
    """

    native_id: str
    natives: Natives
    version: str | None = None
    gone: bool = False
    raw_hash: str = ""
    place: str = ""  # files: path below the folder, and line or position


@dataclass(frozen=True)
class Page:
    """One page of a read. ``newest`` is the greatest cursor value in it, as ``cursors.newest`` writes it."""

    rows: tuple[Row, ...]
    requests: int = 1
    newest: str | None = None
    read_at: str | None = None  # when it was read, by the system's own clock, as a mark
    source: str = ""  # files: the path that the rows are from, below the folder


@dataclass(frozen=True)
class ParquetFile:
    """A Parquet file to be read by the engine; columns are named as the wire paths of the native fields."""

    path: Path
    source: str


@dataclass(frozen=True)
class Found:
    """What a search by marker found. No rows prove absence only if ``conclusive``."""

    rows: tuple[Row, ...]
    conclusive: bool


@dataclass(frozen=True)
class Written:
    """What a write did; ``row`` is the record as the system returned it, where it returns one.

    ``unfinished`` is the failure of a later step: the record was written, and is not yet all that it should be.
    """

    native_id: str | None
    row: Row | None
    status: int
    unfinished: RequestFailed | None = None


@dataclass(frozen=True)
class Proof:
    """Which account and environment a system says it is; None where its description has no probe."""

    account: str | None
    environment: str | None


def raw_hash(natives: Natives) -> str:
    """Hash natives so that equal rows have equal hashes, whatever the order of their fields; ``landing`` does the same.

    MD5: it tells whether a record reads otherwise than before, and nothing is trusted for it. SHA-256 takes the engine
    nine times as long, which is half of what landing a small record takes. ``UNTOLD`` stands before each field, and
    twice where a value holds it, as only those can that are looked at one by one: lengths take the engine half as long again.
    """
    told = (
        f"{UNTOLD}{name}~" if value is None else f"{UNTOLD}{name}={value.replace(UNTOLD, UNTOLD * 2)}"
        for name, value in sorted(natives.items())
    )
    return hashlib.md5("".join(told).encode(), usedforsecurity=False).hexdigest()
