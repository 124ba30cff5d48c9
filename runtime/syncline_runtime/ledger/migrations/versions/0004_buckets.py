"""How much each credential may still do, and until when its system rests."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "bucket",
        sa.Column("realm_id", sa.Integer, autoincrement=False, nullable=False),
        sa.Column("credential", sa.Text, nullable=False),
        sa.Column("tokens", sa.BigInteger, nullable=False),
        sa.Column("filled_at", sa.BigInteger, nullable=False),
        sa.Column("paused_until", sa.BigInteger, nullable=False),
        sa.Column("rests_until", sa.BigInteger, nullable=False),
        sa.Column("probed_until", sa.BigInteger, nullable=False),
        sa.ForeignKeyConstraint(["realm_id"], ["realm.id"], name="fk_bucket_realm_id"),
        sa.PrimaryKeyConstraint("realm_id", "credential", name="pk_bucket"),
        sqlite_with_rowid=False,
    )
