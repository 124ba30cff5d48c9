"""Tasting: records that the engine could not stand are found in processes of their own, and set aside.

In: a file of lines that ended, hung or exhausted the engine, or was being read when a run died. Out: the lines that it can stand,
and the others. Invariants: a process that dies takes nothing with it; what is being read is noted before, so that a run
that died by it is known to the next one; a few records are set aside, never most of a list.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Final

from syncline_runtime.connectors import jsontext
from syncline_runtime.connectors.templates import read_path
from syncline_runtime.encoding import digest
from syncline_runtime.errors import SystemFailure
from syncline_runtime.ledger import NewException
from syncline_runtime.stages.context import RunContext
from syncline_runtime.system import Resource

MEMORY: Final = 1024  # megabytes that a batch may take
SECONDS: Final = 60.0  # that it may take
MOST_APART: Final = 20  # records of one list

Stands = Callable[[Path], bool]


class Note:
    """Says that the records of a relation are being read; one that is found was left by a run that died."""

    def __init__(self, spool: Path, relation: str) -> None:
        self._path = spool / f"{digest([relation])[:20]}.tasting"

    @property
    def found(self) -> bool:
        """Whether the note is there."""
        return self._path.exists()

    def write(self) -> None:
        """Leave the note."""
        self._path.touch()

    def clear(self) -> None:
        """Take it away: all went well."""
        self._path.unlink(missing_ok=True)


def stands(statement: str, folder: Path) -> bool:
    """Try a statement over files of a folder in a process of its own, within bounds."""
    asked = json.dumps({"statement": statement, "folder": str(folder), "memory": MEMORY, "seconds": SECONDS})
    known = {name: os.environ[name] for name in ("PATH", "PYTHONPATH", "LD_LIBRARY_PATH") if name in os.environ}
    try:
        done = subprocess.run(
            [sys.executable, "-m", "syncline_runtime.taster"],
            input=asked.encode(), env=known, cwd=folder, timeout=SECONDS, check=False,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        return False
    return done.returncode == 0


def parted(path: Path, stands: Stands, place: str) -> list[bytes]:
    """Leave in a file the lines that the engine can stand, and give the others; SystemFailure if they are many."""
    lines = path.read_bytes().splitlines(keepends=True)
    trial = path.with_suffix(".trial")
    try:
        trial.write_bytes(b"")
        if not stands(trial):
            raise _too_many(place)
        apart = list(_apart(lines, trial, stands, place, [0]))
    finally:
        trial.unlink(missing_ok=True)
    known = set(apart)
    path.write_bytes(b"".join(line for line in lines if line not in known))
    return apart


def _apart(lines: Sequence[bytes], trial: Path, stands: Stands, place: str, found: list[int]) -> Iterator[bytes]:
    trial.write_bytes(b"".join(lines))
    if not lines or stands(trial):
        return
    if len(lines) > 1:
        middle = len(lines) // 2
        yield from _apart(lines[:middle], trial, stands, place, found)
        yield from _apart(lines[middle:], trial, stands, place, found)
        return
    found[0] += 1
    if found[0] > MOST_APART:
        raise _too_many(place)
    yield lines[0]


def native_id_of(resource: Resource, line: bytes) -> str:
    """Read the id of a record that is set aside."""
    found = read_path(jsontext.parse(line), resource.native(resource.id).at)
    return jsontext.as_text(found) if isinstance(found, str) else ""


def report_apart(run: RunContext, connection: str, resource: str, ids: Sequence[str]) -> None:
    """Put records that are set aside before people, once for each sync that reads them."""
    members = [(plan, one) for plan in run.plans for one in plan.members]
    readers = [plan for plan, one in members if (one.connection, one.resource) == (connection, resource)]
    for plan, native_id in ((plan, native_id) for plan in readers for native_id in ids):
        run.exceptions.append(
            NewException(
                sync=plan.name,
                object=plan.object,
                connection=connection,
                resource=resource,
                rule="landing",
                code="SYN5019",
                category="validation",
                message="the engine cannot stand the record: it was set aside",
                native_id=native_id,
                pattern="missing",
                side="source",
                correlation_id=f"{run.run_id}-apart",
            )
        )


def _too_many(place: str) -> SystemFailure:
    return SystemFailure(
        "the engine cannot stand what this list shows",
        place=place,
        mend="see what the list shows: a value of some hundred megabytes, or a shape that no record has; nothing of it was used",
        code="SYN6018",
    )
