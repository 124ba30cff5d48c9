"""Crashes: a process that ends at a durable step, and a disk that refuses one.

Durable steps are a commit of the ledger or of the engine's file, a segment that gets its name, a file that is removed, and
a request. At the chosen step the state folder is copied as it lies there, open files and all, which is what a killed
process leaves; then the run is unwound, and what unwinding wrote is thrown away.
"""

from __future__ import annotations

import errno
import gc
import os
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
import pytest

from syncline_runtime import segments
from syncline_runtime.ledger import holder
from syncline_runtime.ledger.database import Database
from syncline_runtime.segments import SegmentStore
from syncline_runtime.state import State


class Killed(SystemExit):
    """The process has been killed: of this kind, so that nothing in it goes on."""


@dataclass
class Crashes:
    """The durable steps of runs on one state folder, counted."""

    state: Path
    at: int = 0  # step at which the process is killed; 0: never
    full_at: int = 0  # step at which the disk refuses; 0: never
    number: int = 0
    dead: bool = False
    life: int = 0  # number of the process
    steps: list[str] = field(default_factory=list)

    def arm(self, at: int = 0, full_at: int = 0) -> None:
        """Count from zero, for the next run."""
        self.at, self.full_at, self.number, self.dead = at, full_at, 0, False
        self.steps = []
        self.life += 1

    @property
    def left(self) -> Path:
        """Where lies what a killed process left."""
        return self.state.with_name(f"{self.state.name}.left")

    def point(self, step: str) -> None:
        """Pass a durable step."""
        if self.dead:
            return
        self.number += 1
        self.steps.append(step)
        if self.number == self.at:
            self.dead = True
            shutil.rmtree(self.left, ignore_errors=True)
            shutil.copytree(self.state, self.left, ignore=shutil.ignore_patterns("*-shm"))
            raise Killed(9)

    def refuses(self) -> bool:
        """Tell whether the disk is full at this step, from which on it is."""
        return 0 < self.full_at <= self.number

    def end(self) -> None:
        """Put what the killed process left in the place of the state."""
        if self.dead:
            gc.collect()  # nothing of the dead process is left that could still say something
            shutil.rmtree(self.state)
            self.left.rename(self.state)
        self.arm()


@contextmanager
def counted(crashes: Crashes, patch: pytest.MonkeyPatch, *, alone: bool = False) -> Iterator[None]:
    """Count durable steps of runs until the block ends; ``alone``: in a process that really ends."""
    _count_commits(crashes, patch)
    _count_segments(crashes, patch)
    _count_folds(crashes, patch)
    _count_removals(crashes, patch)

    started = holder._started
    if not alone:  # each run is a process of its own, which is gone when the next one begins
        patch.setattr(holder, "_started", lambda pid: f"{started(pid)}*{crashes.life}")
    yield


def _count_commits(crashes: Crashes, patch: pytest.MonkeyPatch) -> None:
    inner = Database.write

    @contextmanager
    def write(self: Database, held: Any = None) -> Iterator[Any]:
        outermost = self._current is None
        if crashes.dead:
            raise Killed(9)  # a database elsewhere is not put back with the state
        with inner(self, held) as change:
            yield change
            if outermost:
                crashes.point("before a commit of the ledger")
                if crashes.refuses():
                    of = sqlite3 if self._engine.dialect.name == "sqlite" else psycopg
                    raise of.OperationalError("database or disk is full")
        if outermost:
            crashes.point("after a commit of the ledger")

    patch.setattr(Database, "write", write)


def _count_segments(crashes: Crashes, patch: pytest.MonkeyPatch) -> None:
    publish, durable = SegmentStore.publish, segments.make_durable

    def counting(self: SegmentStore, *args: Any, **more: Any) -> Any:
        crashes.point("before a segment has its name")
        made = publish(self, *args, **more)
        crashes.point("after a segment has its name")
        return made

    def refusing(path: Path) -> None:
        if crashes.refuses():
            code = (errno.ENOSPC, errno.EIO, errno.EROFS)[crashes.full_at % 3]
            raise OSError(code, os.strerror(code))
        durable(path)

    patch.setattr(SegmentStore, "publish", counting)
    patch.setattr(segments, "make_durable", refusing)


def _count_folds(crashes: Crashes, patch: pytest.MonkeyPatch) -> None:
    execute = State.execute

    def counting(self: State, sql: str, parameters: Any = None) -> None:
        commits = sql == "COMMIT"
        if commits:
            crashes.point("before a commit of the fold")
        execute(self, sql, parameters)
        if commits:
            crashes.point("after a commit of the fold")

    patch.setattr(State, "execute", counting)


def _count_removals(crashes: Crashes, patch: pytest.MonkeyPatch) -> None:
    unlink = Path.unlink

    def counting(self: Path, *args: Any, **more: Any) -> None:
        unlink(self, *args, **more)
        if self.suffix == ".parquet":
            crashes.point("after a segment is removed")

    patch.setattr(Path, "unlink", counting)
