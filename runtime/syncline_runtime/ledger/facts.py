"""What goes into the ledger and comes out of it, as frozen dataclasses.

Times are microseconds since 1970 in UTC. No dataclass but ``NewIntent``, ``Claim`` and ``Ack`` carries
field values, and those keep them in ``payload``, ``sent`` and ``returned`` only. What waits for people is in ``cases``.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal

from syncline_runtime.frozen import dataclass
from syncline_runtime.ledger.cases import NewException
from syncline_runtime.ledger.states import (
    DecisionState,
    IntentState,
    Operation,
    Origin,
    Outcome,
    RunStatus,
)
from syncline_runtime.segments import Segment


@dataclass(frozen=True)
class Realm:
    """Whose facts these are: one project in one environment, and a tenant where there are several."""

    project: str
    environment: str
    tenant: str = ""

    def __str__(self) -> str:
        return "/".join(part for part in (self.project, self.environment, self.tenant) if part)


@dataclass(frozen=True)
class Lease:
    """The right to plan and deliver some scopes. ``token`` rises with each acquisition and fences older holders."""

    scopes: tuple[str, ...]
    holder: str
    token: int
    acquired_at: int
    expires_at: int


@dataclass(frozen=True)
class Run:
    """One run of a release. ``id`` sorts by time; ``summary`` holds no field values."""

    id: str
    release_hash: str
    binding_hash: str
    syncs: tuple[str, ...]
    started_at: int
    sealed_at: int | None = None
    closed_at: int | None = None
    status: RunStatus = "running"
    exit_code: int | None = None
    summary: Mapping[str, Any] = dataclasses.field(default_factory=dict)


@dataclass(frozen=True)
class Cursor:
    """How far a resource has been read for a sync."""

    connection: str
    resource: str
    sync: str
    value: str


@dataclass(frozen=True)
class Count:
    """One term of a conservation equation, or an extra figure.

    ``subject`` is ``connection.resource`` for ``in`` and the connection for ``across`` and ``out``;
    ``detail`` the rule or reason that splits a term.
    """

    sync: str
    equation: Literal["in", "across", "out"]
    subject: str
    name: str
    value: int
    detail: str = ""


@dataclass(frozen=True)
class Reference:
    """The native id that a canonical record has, or will have, on a connection."""

    object: str
    canonical_id: str
    connection: str


@dataclass(frozen=True)
class Member:
    """One record as one connection holds it; ``part_key`` names a part of it, '' the record itself."""

    connection: str
    canonical_id: str
    part_key: str = ""


@dataclass(frozen=True)
class NewIntent:
    """A write that a seal decides on. The order of intents in a seal is the order per record."""

    sync: str
    object: str
    connection: str
    resource: str
    operation: Operation
    canonical_id: str
    payload: Mapping[str, Any]  # JSON values, no floats
    part_key: str = ""
    native_id: str | None = None
    origin: Origin = "merge"
    references: tuple[Reference, ...] = ()
    correlation_id: str = ""


@dataclass(frozen=True)
class Intent:
    """A write as the ledger holds it.

    ``id`` is its position: lower goes first within a record and connection. ``attempts`` are the requests that count
    towards the limit, ``sends`` all requests. While it is ``sending``, its request is over at ``claim_deadline``; later
    the start of its last attempt says when it was sent.
    """

    id: int
    run: str
    sync: str
    object: str
    connection: str
    resource: str
    operation: Operation
    canonical_id: str
    part_key: str
    native_id: str | None
    n: int
    key: str
    origin: Origin
    state: IntentState
    attempts: int
    sends: int
    next_at: int
    first_sent_at: int | None
    claim_deadline: int
    correlation_id: str
    category: str | None
    vendor_code: str | None
    created_at: int
    updated_at: int

    @property
    def planned_again(self) -> bool:
        """Whether the next run supersedes it: never sent, or an update that was certainly not done."""
        never_sent = self.state in ("pending", "waiting") and self.first_sent_at is None
        return never_sent or (self.state == "retryable" and self.operation == "update")

    @property
    def member(self) -> Member:
        """The record and connection that this intent writes."""
        return Member(self.connection, self.canonical_id, self.part_key)


@dataclass(frozen=True)
class Claim:
    """The right of one worker to send one intent until ``deadline``.

    ``payload`` is what was sealed, ``sent`` what an earlier attempt sent (send the same again: keys demand it),
    ``references`` the native ids that its references resolved to.
    """

    intent: Intent
    payload: Mapping[str, Any]
    sent: Mapping[str, Any] | None
    references: Mapping[Reference, str]
    token: int
    deadline: int
    run: str


@dataclass(frozen=True)
class Failure:
    """How an attempt failed. ``message`` holds no field values; ``retry_at`` belongs to ``retryable``."""

    outcome: Outcome
    category: str
    vendor_code: str | None = None
    status: int | None = None
    message: str = ""
    retry_at: int = 0
    uses_attempt: bool = True  # an outage does not


@dataclass(frozen=True)
class Attempt:
    """One request of an intent."""

    intent: int
    no: int
    started_at: int
    ended_at: int | None
    outcome: str | None
    status: int | None
    category: str | None
    vendor_code: str | None
    message: str


@dataclass(frozen=True)
class Ack:
    """What the far end confirmed. ``payload`` is what was sent, ``returned`` the record as it came back."""

    seq: int
    intent: int
    sync: str
    object: str
    connection: str
    resource: str
    operation: Operation
    canonical_id: str
    part_key: str
    native_id: str | None
    version: str | None
    at: int
    confirmed_run: str | None
    payload: Mapping[str, Any]
    returned: Mapping[str, Any] | None


@dataclass(frozen=True)
class Seal:
    """Everything a run decided, for one transaction.

    ``settled`` are members that the run compared and found to need nothing: their refused or superseded intents
    are no open work any longer.
    """

    run: str
    segments: Sequence[Segment] = ()
    intents: Iterable[NewIntent] = ()
    exceptions: Iterable[NewException] = ()
    resolved_exceptions: Iterable[int] = ()
    superseded_exceptions: Iterable[int] = ()
    ended_decisions: Mapping[int, DecisionState] = dataclasses.field(default_factory=dict)
    settled: Iterable[Member] = ()
    counts: Sequence[Count] = ()
    cursors: Sequence[Cursor] = ()


@dataclass(frozen=True)
class Sealed:
    """What a seal left behind: the ledger sequence after it and how much it wrote."""

    seq: int
    intents: int
    exceptions: int


@dataclass(frozen=True)
class Recovered:
    """What an interrupted run left and what became of it."""

    ambiguous: int
    superseded: int


@dataclass(frozen=True)
class Refusal:
    """The last refusal of a member: ``fingerprint`` is keyed, equal only for equal payloads of this ledger."""

    member: Member
    state: IntentState
    fingerprint: str
    category: str | None
    vendor_code: str | None


@dataclass(frozen=True)
class Backlog:
    """How many intents of a connection stand in an open state, and since when."""

    connection: str
    state: IntentState
    intents: int
    oldest: int
