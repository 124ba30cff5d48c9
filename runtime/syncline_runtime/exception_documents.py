"""Exceptions as JSON values: one, and a group of the same fault on many records.

In: exceptions as the ledger holds them. Out: documents. They hold no field values: ``exception_queue`` adds those, masked.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

from syncline_runtime.ledger import ExceptionRecord
from syncline_runtime.report import moment

NAMES = (
    "id", "code", "category", "pattern", "severity", "side", "state", "sync", "object", "connection", "resource",
    "native_id", "canonical_id", "field", "rule", "message", "owner", "assignee", "correlation_id", "count",
    "first_run", "last_run",
)  # fmt: skip
SHARED = (
    "code", "category", "pattern", "severity", "side", "sync", "object", "connection", "resource", "field", "rule",
    "message", "owner",
)  # fmt: skip
SEVERITIES = ("critical", "error", "warning")


def exception_document(one: ExceptionRecord) -> dict[str, Any]:
    """Say what is known of an exception, without values."""
    told = {name: getattr(one, name) for name in NAMES}
    times = {"first_seen": moment(one.first_seen), "last_seen": moment(one.last_seen)}
    return told | times | {"waived_until": moment(one.waived_until) or None}


def grouped(found: Iterable[ExceptionRecord]) -> list[list[ExceptionRecord]]:
    """Put the same fault on many records together, the weightiest first."""
    groups: dict[tuple[str, ...], list[ExceptionRecord]] = {}
    for one in sorted(found, key=lambda one: one.id):
        groups.setdefault(one.fault, []).append(one)
    return sorted(groups.values(), key=_weight)


def _weight(group: Sequence[ExceptionRecord]) -> tuple[int, int, int]:
    worst = min(SEVERITIES.index(one.severity) if one.severity in SEVERITIES else 1 for one in group)
    return worst, -len(group), group[0].id


def group_document(group: Sequence[ExceptionRecord]) -> dict[str, Any]:
    """Say what the exceptions of a group share, and how many there are."""
    last = max(group, key=lambda one: one.last_seen)
    told = {name: getattr(last, name) for name in SHARED}
    return told | {
        "records": len(group),
        "ids": [one.id for one in group],
        "states": dict(sorted(Counter(one.state for one in group).items())),
        "count": sum(one.count for one in group),
        "first_seen": moment(min(one.first_seen for one in group)),
        "last_seen": moment(last.last_seen),
    }
