"""The indexes of the ledger.

Only migrations and tests import this: declaring a partial index loads SQLAlchemy's support of every database, which
a start with nothing to migrate shall not pay for. Invariant: the conditions are those of ``schema.standing_in``.
"""

from __future__ import annotations

from sqlalchemy import Index, Table, text

from syncline_runtime.ledger import schema
from syncline_runtime.ledger.states import OPEN, STANDING, UNSETTLED


def _index(name: str, table: Table, *columns: str, where: str | None = None) -> None:
    """Declare an index; one whose name begins with ``uq`` is unique."""
    condition = None if where is None else text(where)
    unique = name.startswith("uq_")
    Index(name, *(table.c[one] for one in columns), unique=unique, sqlite_where=condition, postgresql_where=condition)


_index("uq_realm_name", schema.realm, "project", "environment", "tenant")
_index("ix_lease_token", schema.lease, "realm_id", "token")
_index("uq_segment_path", schema.segment, "realm_id", "path")

_index("uq_intent_member", schema.intent, "realm_id", "canonical_id", "connection", "part_key", "n")
_index("ix_intent_run", schema.intent, "realm_id", "run_id")
_index("ix_intent_closed_run", schema.intent, "realm_id", "closed_run", where="closed_run IS NOT NULL")
_index("ix_intent_open", schema.intent, "realm_id", "connection", "state", "id", where=schema.where_in(OPEN))
_index(
    "ix_intent_unsettled",
    schema.intent,
    "realm_id",
    "state",
    "canonical_id",
    where=schema.where_in(UNSETTLED) + " AND settled_run IS NULL",
)
_index("ix_intent_correlation", schema.intent, "realm_id", "correlation_id")
_index("ix_intent_reference_target", schema.intent_reference, "realm_id", "canonical_id", "connection", "object")
_index("uq_ack_intent", schema.ack, "realm_id", "intent_id")
_index("ix_ack_unconfirmed", schema.ack, "realm_id", "seq", where="confirmed_run IS NULL")

_index(
    "uq_exception_standing",
    schema.exception,
    *("realm_id", "native_id", "canonical_id", "sync", "connection", "resource", "field", "rule", "code"),
    where=schema.where_in(STANDING),
)
_index("ix_exception_correlation", schema.exception, "realm_id", "correlation_id")
_index("ix_exception_note_exception", schema.exception_note, "realm_id", "exception_id")
_index("ix_decision_canonical", schema.decision, "realm_id", "canonical_id")

metadata = schema.metadata  # complete with the indexes
