"""Going on with a read that an outage or a crash has cut off.

In: files of lines that were landed, and how far the walk through the list had come. Out: the same, as long as they still tell
what the system shows. Invariants: a file counts only once it is durable and named in ``walk.json``, which is replaced in one
step; what was kept is used by the very same read only (system, fields, mark), within an hour, and never after a write to
the resource was acknowledged: rows from before it would look like edits. What is kept is no part of the state.
"""

from __future__ import annotations

import dataclasses
import json
import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from syncline_runtime.connectors import Walked
from syncline_runtime.frozen import dataclass
from syncline_runtime.segments import make_durable

KEPT_FOR: Final = 3_600_000_000  # microseconds


@dataclass(frozen=True)
class KeptFile:
    """One file of lines: name below the folder, number of rows, whether some fields are not told."""

    name: str
    rows: int
    partial: bool


@dataclass(frozen=True)
class KeptRead:
    """What was read: whose it is, when it began (microseconds, ledger sequence, the system's clock), how far it came."""

    key: str
    began: int
    sequence: int
    read_at: str | None
    walked: Walked
    files: tuple[KeptFile, ...]


class Keeping:
    """The folder in which one read is kept."""

    def __init__(self, folder: Path, key: str) -> None:
        self.folder, self.key = folder, key

    def found(self, now: int) -> KeptRead | None:
        """Give what is kept of this very read; anything else is removed."""
        try:
            told = json.loads((self.folder / "walk.json").read_bytes())
            kept = KeptRead(
                told["key"],
                told["began"],
                told["sequence"],
                told["read_at"],
                Walked(**told["walked"]),
                tuple(KeptFile(**file) for file in told["files"]),
            )
        except (OSError, ValueError, KeyError, TypeError):
            kept = None
        if kept is None or kept.key != self.key or not 0 <= now - kept.began <= KEPT_FOR:
            self.remove()
            return None
        return kept

    def path(self, number: int) -> Path:
        """Give the place of a file."""
        self.folder.mkdir(parents=True, exist_ok=True)
        return self.folder / f"{number:06d}.jsonl"

    def keep(self, kept: KeptRead) -> None:
        """Note how far the read has come; the last of its files is made durable first."""
        if kept.files:
            make_durable(self.folder / kept.files[-1].name)
        written = self.folder / "walk.json.writing"
        written.write_text(json.dumps(_told(kept)))
        make_durable(written)
        os.replace(written, self.folder / "walk.json")
        make_durable(self.folder)

    def remove(self) -> None:
        """Forget what is kept."""
        shutil.rmtree(self.folder, ignore_errors=True)


def _told(kept: KeptRead) -> Mapping[str, Any]:
    return dataclasses.asdict(kept)
