"""The first format of the ledger."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Make all tables."""
    op.create_table(
        "meta",
        sa.Column("id", sa.Integer, autoincrement=False),
        sa.Column("format", sa.Integer, nullable=False),
        _text("program"),
        _whole("created_at"),
        _text("fingerprint_key"),
        sa.PrimaryKeyConstraint("id", name="pk_meta"),
    )
    op.create_table(
        "realm",
        sa.Column("id", sa.Integer),
        _text("project"),
        _text("environment"),
        _text("tenant", "''"),
        sa.PrimaryKeyConstraint("id", name="pk_realm"),
    )
    _index("uq_realm_name", "realm", ["project", "environment", "tenant"])
    _runs()
    _intents()
    _people()


def _runs() -> None:
    """Make what a run is recorded in."""
    _table(
        "counter",
        _key("name"),
        _whole("value"),
    )
    _table(
        "run",
        _key("id"),
        _text("release_hash"),
        _text("binding_hash"),
        _text("syncs"),
        _whole("started_at"),
        sa.Column("sealed_at", sa.BigInteger),
        sa.Column("closed_at", sa.BigInteger),
        _text("status"),
        sa.Column("exit_code", sa.BigInteger),
        _text("summary", "'{}'"),
    )
    _table(
        "lease",
        _key("scope"),
        _text("holder"),
        _whole("token"),
        _whole("acquired_at"),
        _whole("expires_at"),
    )
    _index("ix_lease_token", "lease", ["realm_id", "token"])
    _table(
        "connection",
        _key("name"),
        _text("account"),
        _text("environment"),
        _whole("proven_at"),
    )
    _table(
        "cursor",
        _key("connection"),
        _key("resource"),
        _key("sync"),
        _text("value"),
        _text("run_id"),
        _belongs("cursor", "run_id", "run"),
    )
    _table(
        "segment",
        _key("seq", sa.BigInteger),
        _text("run_id"),
        _text("kind"),
        _text("subject"),
        _text("path"),
        _text("sha256"),
        _whole("rows"),
        _whole("bytes"),
        _whole("schema_version"),
        _belongs("segment", "run_id", "run"),
    )
    _index("uq_segment_path", "segment", ["realm_id", "path"])
    _table(
        "count",
        _key("run_id"),
        _key("sync"),
        _key("equation"),
        _key("subject"),
        _key("name"),
        _key("detail"),
        _whole("value"),
        _belongs("count", "run_id", "run"),
    )


def _intents() -> None:
    """Make what writes are recorded in."""
    _table(
        "intent",
        _key("id", sa.BigInteger),
        _text("run_id"),
        _text("sync"),
        _text("object"),
        _text("connection"),
        _text("resource"),
        _text("operation"),
        _text("canonical_id"),
        _text("part_key", "''"),
        sa.Column("native_id", sa.Text),
        _whole("n"),
        _text("key"),
        _text("fingerprint"),
        _text("origin"),
        _text("state"),
        _whole("attempts", "0"),
        _whole("sends", "0"),
        _whole("next_at", "0"),
        sa.Column("first_sent_at", sa.BigInteger),
        _whole("claim_token", "0"),
        _whole("claim_deadline", "0"),
        _whole("claim_lease", "0"),
        _text("correlation_id", "''"),
        sa.Column("category", sa.Text),
        sa.Column("vendor_code", sa.Text),
        sa.Column("closed_run", sa.Text),
        sa.Column("settled_run", sa.Text),
        _whole("created_at"),
        _whole("updated_at"),
        _belongs("intent", "run_id", "run"),
    )
    _index("ix_intent_closed_run", "intent", ["realm_id", "closed_run"], where="closed_run IS NOT NULL")
    _index("ix_intent_correlation", "intent", ["realm_id", "correlation_id"])
    _index(
        "ix_intent_open",
        "intent",
        ["realm_id", "connection", "state", "id"],
        where="state IN ('pending', 'waiting', 'sending', 'retryable', 'ambiguous')",
    )
    _index("ix_intent_run", "intent", ["realm_id", "run_id"])
    _index(
        "ix_intent_unsettled",
        "intent",
        ["realm_id", "state", "canonical_id"],
        where="state IN ('rejected', 'dead', 'superseded') AND settled_run IS NULL",
    )
    _index("uq_intent_member", "intent", ["realm_id", "canonical_id", "connection", "part_key", "n"])
    _table(
        "intent_reference",
        _key("intent_id", sa.BigInteger),
        _key("object"),
        _key("canonical_id"),
        _key("connection"),
        _belongs("intent_reference", "intent_id", "intent"),
    )
    _index("ix_intent_reference_target", "intent_reference", ["realm_id", "canonical_id", "connection", "object"])
    _table(
        "payload",
        _key("kind"),
        _key("subject", sa.BigInteger),
        _text("object"),
        _text("canonical_id"),
        _text("body"),
    )
    _table(
        "attempt",
        _key("intent_id", sa.BigInteger),
        _key("no", sa.BigInteger),
        _whole("started_at"),
        sa.Column("ended_at", sa.BigInteger),
        sa.Column("outcome", sa.Text),
        sa.Column("status", sa.BigInteger),
        sa.Column("category", sa.Text),
        sa.Column("vendor_code", sa.Text),
        _text("message", "''"),
        _belongs("attempt", "intent_id", "intent"),
    )
    _table(
        "ack",
        _key("seq", sa.BigInteger),
        _whole("intent_id"),
        sa.Column("native_id", sa.Text),
        sa.Column("version", sa.Text),
        _whole("at"),
        sa.Column("confirmed_run", sa.Text),
        _belongs("ack", "intent_id", "intent"),
    )
    _index("ix_ack_unconfirmed", "ack", ["realm_id", "seq"], where="confirmed_run IS NULL")
    _index("uq_ack_intent", "ack", ["realm_id", "intent_id"])


def _people() -> None:
    """Make what people look at and decide."""
    _table(
        "exception",
        _key("id", sa.BigInteger),
        _text("sync"),
        _text("object"),
        _text("connection"),
        _text("resource"),
        _text("native_id", "''"),
        _text("canonical_id", "''"),
        _text("field", "''"),
        _text("rule"),
        _text("code"),
        _text("category"),
        _text("pattern", "''"),
        _text("severity"),
        _text("side", "''"),
        _text("state"),
        _text("owner", "''"),
        _text("correlation_id", "''"),
        _text("message"),
        _text("first_run"),
        _text("last_run"),
        _whole("first_seen"),
        _whole("last_seen"),
        _whole("count"),
        sa.Column("closed_run", sa.Text),
        _belongs("exception", "first_run", "run"),
        _belongs("exception", "last_run", "run"),
    )
    _index("ix_exception_correlation", "exception", ["realm_id", "correlation_id"])
    _index(
        "uq_exception_standing",
        "exception",
        ["realm_id", "native_id", "canonical_id", "sync", "connection", "resource", "field", "rule", "code"],
        where="state IN ('open', 'assigned', 'waiting', 'retried', 'waived')",
    )
    _table(
        "approval",
        _key("change_set"),
        _text("by"),
        _text("reason"),
        _whole("at"),
        sa.Column("used_run", sa.Text),
    )
    _table(
        "decision",
        _key("id", sa.BigInteger),
        sa.Column("exception_id", sa.BigInteger),
        _text("object"),
        _text("canonical_id"),
        _text("field", "''"),
        _text("choice"),
        _text("by"),
        _whole("at"),
    )
    _index("ix_decision_canonical", "decision", ["realm_id", "canonical_id"])


def _table(name: str, *parts: sa.Column[Any] | sa.ForeignKeyConstraint) -> None:
    keys = [part.name for part in parts if isinstance(part, sa.Column) and part.info.get("key")]
    op.create_table(
        name,
        sa.Column("realm_id", sa.Integer, autoincrement=False, nullable=False),
        *parts,
        sa.ForeignKeyConstraint(["realm_id"], ["realm.id"], name=f"fk_{name}_realm_id"),
        sa.PrimaryKeyConstraint("realm_id", *keys, name=f"pk_{name}"),
        sqlite_with_rowid=False,
    )


def _key(name: str, kind: type[sa.Text] | type[sa.BigInteger] = sa.Text) -> sa.Column[Any]:
    return sa.Column(name, kind, autoincrement=False, nullable=False, info={"key": True})


def _text(name: str, default: str | None = None) -> sa.Column[Any]:
    return sa.Column(name, sa.Text, nullable=False, server_default=None if default is None else sa.text(default))


def _whole(name: str, default: str | None = None) -> sa.Column[Any]:
    return sa.Column(name, sa.BigInteger, nullable=False, server_default=None if default is None else sa.text(default))


def _belongs(name: str, column: str, table: str) -> sa.ForeignKeyConstraint:
    key = f"fk_{name}_realm_id_{column}"
    return sa.ForeignKeyConstraint(["realm_id", column], [f"{table}.realm_id", f"{table}.id"], name=key)


def _index(name: str, table: str, columns: list[str], where: str | None = None) -> None:
    condition = None if where is None else sa.text(where)
    unique = name.startswith("uq_")
    op.create_index(name, table, columns, unique=unique, sqlite_where=condition, postgresql_where=condition)
