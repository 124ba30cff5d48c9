"""What waits for people, and what they decided: exceptions, notes, approvals and decisions, as frozen dataclasses.

Times are microseconds since 1970 in UTC. Field values stand in ``values`` only.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from syncline_runtime.ledger.states import DecisionState, ExceptionState

_IDENTITY = ("native_id", "canonical_id", "sync", "connection", "resource", "field", "rule", "code")


class _Met:
    """What a run met at some place of some record."""

    @property
    def identity(self) -> tuple[str, ...]:
        """What makes two sightings the same exception."""
        return tuple(getattr(self, name) for name in _IDENTITY)


@dataclass(frozen=True)
class NewException(_Met):
    """A record that cannot go on, as a run met it. ``message`` holds no values; ``values`` does."""

    sync: str
    object: str
    connection: str
    resource: str
    rule: str
    code: str
    category: str
    message: str
    native_id: str = ""
    canonical_id: str = ""
    field: str = ""
    pattern: str = ""
    severity: str = "error"
    side: str = ""
    owner: str = ""
    correlation_id: str = ""
    values: Mapping[str, Any] | None = None
    waits_for: tuple[str, str] | None = None  # (object, native or canonical id) of the record that must come first


@dataclass(frozen=True)
class ExceptionRecord(_Met):
    """An exception as the ledger holds it."""

    id: int
    sync: str
    object: str
    connection: str
    resource: str
    native_id: str
    canonical_id: str
    field: str
    rule: str
    code: str
    category: str
    pattern: str
    severity: str
    side: str
    state: ExceptionState
    owner: str
    correlation_id: str
    message: str
    first_run: str
    last_run: str
    first_seen: int
    last_seen: int
    count: int
    assignee: str = ""
    waived_until: int | None = None

    @property
    def fault(self) -> tuple[str, ...]:
        """What the exceptions of one group share: the same fault, on many records."""
        return (self.sync, self.connection, self.resource, self.field, self.rule, self.code)


@dataclass(frozen=True)
class Note:
    """What a person did about an exception, when, and the words that go with it."""

    id: int
    exception: int
    action: str
    by: str
    at: int
    text: str


@dataclass(frozen=True)
class Approval:
    """A person's consent to one change set."""

    change_set: str
    by: str
    reason: str
    at: int
    used_run: str | None = None


@dataclass(frozen=True)
class Decision:
    """A person's choice for one field (or record) under review; ``values`` stand in the payload table."""

    id: int
    object: str
    canonical_id: str
    field: str
    choice: str
    by: str
    at: int
    exception: int | None
    values: Mapping[str, Any] | None
    state: DecisionState = "standing"
