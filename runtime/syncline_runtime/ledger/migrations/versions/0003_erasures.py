"""Who was erased, as keyed digests, and whether the files have followed."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "erasure",
        sa.Column("realm_id", sa.Integer, autoincrement=False, nullable=False),
        sa.Column("id", sa.BigInteger, autoincrement=False, nullable=False),
        sa.Column("object", sa.Text, nullable=False),
        sa.Column("by", sa.Text, nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("finished_at", sa.BigInteger),
        sa.ForeignKeyConstraint(["realm_id"], ["realm.id"], name="fk_erasure_realm_id"),
        sa.PrimaryKeyConstraint("realm_id", "id", name="pk_erasure"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "erased",
        sa.Column("realm_id", sa.Integer, autoincrement=False, nullable=False),
        sa.Column("connection", sa.Text, nullable=False),
        sa.Column("resource", sa.Text, nullable=False),
        sa.Column("digest", sa.Text, nullable=False),
        sa.Column("erasure_id", sa.BigInteger, nullable=False),
        sa.ForeignKeyConstraint(["realm_id"], ["realm.id"], name="fk_erased_realm_id"),
        sa.ForeignKeyConstraint(
            ["realm_id", "erasure_id"], ["erasure.realm_id", "erasure.id"], name="fk_erased_realm_id_erasure_id"
        ),
        sa.PrimaryKeyConstraint("realm_id", "connection", "resource", "digest", name="pk_erased"),
        sqlite_with_rowid=False,
    )
