"""What people do about exceptions: who has them, notes, decisions that have ended."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Make the tables."""
    _table(
        "exception_case",
        _key("exception_id"),
        sa.Column("assignee", sa.Text, nullable=False, server_default=sa.text("''")),
        sa.Column("waived_until", sa.BigInteger),
        _belongs("exception_case", "exception_id", "exception"),
    )
    _table(
        "exception_note",
        _key("id"),
        sa.Column("exception_id", sa.BigInteger, nullable=False),
        sa.Column("action", sa.Text, nullable=False),
        sa.Column("by", sa.Text, nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        _belongs("exception_note", "exception_id", "exception"),
    )
    op.create_index("ix_exception_note_exception", "exception_note", ["realm_id", "exception_id"])
    _table(
        "decision_end",
        _key("decision_id"),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("run_id", sa.Text, nullable=False),
        _belongs("decision_end", "decision_id", "decision"),
        _belongs("decision_end", "run_id", "run"),
    )


def _table(name: str, key: sa.Column[Any], *parts: sa.Column[Any] | sa.ForeignKeyConstraint) -> None:
    op.create_table(
        name,
        sa.Column("realm_id", sa.Integer, autoincrement=False, nullable=False),
        key,
        *parts,
        sa.ForeignKeyConstraint(["realm_id"], ["realm.id"], name=f"fk_{name}_realm_id"),
        sa.PrimaryKeyConstraint("realm_id", key.name, name=f"pk_{name}"),
        sqlite_with_rowid=False,
    )


def _key(name: str) -> sa.Column[Any]:
    return sa.Column(name, sa.BigInteger, autoincrement=False, nullable=False)


def _belongs(name: str, column: str, table: str) -> sa.ForeignKeyConstraint:
    key = f"fk_{name}_realm_id_{column}"
    return sa.ForeignKeyConstraint(["realm_id", column], [f"{table}.realm_id", f"{table}.id"], name=key)
