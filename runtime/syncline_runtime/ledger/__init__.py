"""The ledger: the only place that opens the database of small facts.

In: a path or database URL, a realm and a clock. Out: ``Ledger``, whose subjects (runs, leases, register, intents,
outbox, exceptions, casework, decisions) take and give the frozen dataclasses of ``facts``.
Invariants: nothing is recorded by halves; every write of a run proves its lease; field values stand in one table.
"""

from syncline_runtime.ledger.cases import Approval, Decision, ExceptionRecord, NewException, Note
from syncline_runtime.ledger.erasures import Erasure, Tombstone
from syncline_runtime.ledger.facts import (
    Ack,
    Attempt,
    Backlog,
    Claim,
    Count,
    Cursor,
    Failure,
    Intent,
    Lease,
    Member,
    NewIntent,
    Realm,
    Recovered,
    Reference,
    Refusal,
    Run,
    Seal,
    Sealed,
)
from syncline_runtime.ledger.open import FILE, SEGMENTS, Ledger, open_ledger
from syncline_runtime.segments import Segment

__all__ = [
    "FILE",
    "SEGMENTS",
    "Ack",
    "Approval",
    "Attempt",
    "Backlog",
    "Claim",
    "Count",
    "Cursor",
    "Decision",
    "Erasure",
    "ExceptionRecord",
    "Failure",
    "Intent",
    "Lease",
    "Ledger",
    "Member",
    "NewException",
    "NewIntent",
    "Note",
    "Realm",
    "Recovered",
    "Reference",
    "Refusal",
    "Run",
    "Seal",
    "Sealed",
    "Segment",
    "Tombstone",
    "open_ledger",
]
