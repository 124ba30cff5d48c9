"""Django settings of the example's CRM: its own settings, on SQLite and without request limits.

Runs inside the CRM's environment (see servers.py), never inside Syncline's.
"""

import os
from typing import Any

from crm.settings import *  # noqa: F403
from crm.settings import REST_FRAMEWORK as _REST_FRAMEWORK


class _NoMigrations(dict[str, None]):
    """Tells Django to build every table from the models (the migrations want PostgreSQL)."""

    def __contains__(self, key: object) -> bool:
        return True

    def __getitem__(self, key: str) -> None:
        return None


class _NoLimits(dict[str, None]):
    """Every throttle scope exists and none has a rate."""

    def __contains__(self, key: object) -> bool:
        return True

    def __getitem__(self, key: str) -> None:
        return None


MIGRATION_MODULES = _NoMigrations()
DATABASES: dict[str, Any] = {
    "default": {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": os.environ["SYNCLINE_CRM_DATABASE"],
        "OPTIONS": {
            "timeout": 30,
            "transaction_mode": "IMMEDIATE",
            "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=OFF",
        },
    }
}
REST_FRAMEWORK: dict[str, Any] = {
    **_REST_FRAMEWORK,
    "DEFAULT_THROTTLE_CLASSES": [],
    "DEFAULT_THROTTLE_RATES": _NoLimits(),
}
