"""What a run, or a plan, came to: writes, counts, outcomes, and the exit code that they mean."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from typing import Any

from syncline_runtime.connectors.jsontext import as_text, parse, render_plain
from syncline_runtime.encoding import digest
from syncline_runtime.ledger import Intent
from syncline_runtime.stages.delivered import Delivered
from syncline_runtime.stages.diff import Candidate
from syncline_runtime.stages.guard import Finding, Unclaimed


@dataclass(frozen=True)
class ChangeSet:
    """The writes a run would make; equal writes have equal ids."""

    id: str
    writes: tuple[Candidate, ...]
    gone: tuple[
        tuple[str, ...], ...
    ] = ()  # sync, connection, native id of what is taken for deleted; merged: into which


@dataclass
class RunResult:
    """What a run, or a plan, came to."""

    run_id: str
    changes: ChangeSet
    counts: list[dict[str, Any]]
    outcomes: list[dict[str, Any]]
    exceptions: list[dict[str, Any]]
    unread: dict[str, str]
    findings: list[Finding | Unclaimed]
    delivered: Delivered = field(default_factory=Delivered)
    earlier: Delivered = field(default_factory=Delivered)  # what came first of writes that earlier runs had left
    recovered: int = 0
    under_way: list[dict[str, Any]] = field(default_factory=list)  # writes of earlier runs whose fate is not known
    kept: list[dict[str, Any]] = field(default_factory=list)  # writes that a rollback leaves as they are, and why
    stopped: bool = False  # told to end before everything was delivered
    exit_code: int = 0

    @property
    def acked(self) -> int:
        """How many writes the systems acknowledged."""
        return sum(self.delivered.acked.values())


def exit_code_of(result: RunResult) -> int:
    """Say how a command ends that came to this."""
    if result.stopped and result.delivered.left:
        return 3
    if result.unread or result.delivered.paused:
        return 4
    if result.exceptions or sum(result.delivered.failed.values()) or sum(result.earlier.failed.values()):
        return 1
    return 4 if sum(result.delivered.left.values()) else 0  # a system did not take all: a later run goes on


def summary_of(result: RunResult) -> dict[str, Any]:
    """Say what the ledger keeps of a run."""
    return {
        "writes": len(result.changes.writes),
        "acknowledged": dict(result.delivered.acked),
        "failed": dict(result.delivered.failed),
        "earlier": {"acknowledged": dict(result.earlier.acked), "failed": dict(result.earlier.failed)},
        "exceptions": len(result.exceptions),
        "unread": sorted(result.unread),
        "unowned_edits": sum(1 for one in result.outcomes if one["outcome"] == "unowned_edit"),
    }


def change_set_id(writes: tuple[Candidate, ...], gone: tuple[tuple[str, ...], ...]) -> str:
    """Give the id of a change set: equal for equal writes and equal deletions."""
    listed = [
        [w.sync, w.connection, w.resource, w.operation, w.canonical_id, w.native_id or "", w.part, w.payload]
        for w in writes
    ]
    return digest([sorted(listed), [[*one] for one in gone]])


def replaced(one: Candidate) -> dict[str, str | None]:
    """Give the native fields that a write changes, as they were last read: none of a create, a part, or what was not read."""
    before: dict[str, str | None] = json.loads(one.before)
    written = json.loads(one.payload).items()
    return {name: before[name] for name, value in written if name in before and not is_as_written(before[name], value)}


def is_as_written(now: str | None, wrote: Any) -> bool:
    """Whether a system's text is what was written, however it spells numbers, truth and JSON."""
    if now is None or wrote is None:
        return now is None and wrote is None
    if isinstance(wrote, bool):
        return now.lower() == as_text(wrote)
    try:
        if isinstance(wrote, dict | list):
            return bool(json.loads(now) == json.loads(render_plain(parse(json.dumps(wrote)))))
        return now == str(wrote) or Decimal(now) == Decimal(str(wrote))
    except (InvalidOperation, ValueError):
        return False


def told_intent(one: Intent) -> dict[str, Any]:
    """Give an intent of an earlier run as a document."""
    names = (
        "sync",
        "connection",
        "resource",
        "operation",
        "canonical_id",
        "native_id",
        "state",
        "attempts",
        "correlation_id",
    )
    return {name: getattr(one, name) for name in names} | {"part": one.part_key}


def as_dict(one: Any) -> dict[str, Any]:
    """Give a fact as a document, without its values."""
    return {name: getattr(one, name) for name in one.__dataclass_fields__ if name != "values"}
