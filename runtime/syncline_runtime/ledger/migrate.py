"""Bring a fresh or older ledger to this program's format.

The only module that imports Alembic, and itself imported only when a migration is due: a start with nothing to do
must not pay for it. Invariant: the tables of one migration and the format that they mean are one transaction.
"""

from __future__ import annotations

import logging
from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection

from syncline_runtime.ledger.statistics import tell_planner

MIGRATIONS = Path(__file__).parent / "migrations"


def upgrade(connection: Connection) -> None:
    """Run all migrations that ``connection``'s database lacks, within its transaction."""
    logging.getLogger("alembic").setLevel(logging.WARNING)
    command.upgrade(configuration(connection), "head")
    tell_planner(connection)


def configuration(connection: Connection) -> Config:
    """Alembic's settings for an open connection; there is no alembic.ini."""
    settings = Config()
    settings.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    settings.attributes["connection"] = connection
    return settings
