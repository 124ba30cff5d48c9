"""Engines for the two databases, and the making of a new SQLite file.

In: a path or URL. Out: a SQLAlchemy engine with the settings that durability needs (WAL, synchronous=FULL, foreign
keys, BEGIN IMMEDIATE for writers).
Invariant: a new file gets its name only when it is complete, so a file without content is always damage.
"""

from __future__ import annotations

import os
import secrets
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError, NoSuchModuleError

from syncline_runtime.errors import StateError
from syncline_runtime.ledger.failures import told

_OLDEST_SQLITE = (3, 35, 0)  # RETURNING
_SETTINGS = (
    "journal_mode=WAL",
    "synchronous=FULL",
    "foreign_keys=ON",
    "cache_size=-65536",  # KiB: the indexes of a large seal stay in memory
    "journal_size_limit=67108864",
)


def parsed(location: str) -> URL:
    """Read a database URL; StateError (SYN6003) if it is none."""
    try:
        return make_url(location)
    except ArgumentError:
        raise StateError("the ledger's URL is not one", mend="write postgresql+psycopg://…", code="SYN6003") from None


def server_engine(url: URL) -> Engine:
    """Give an engine for a database server; StateError (SYN6003) if its driver is not installed."""
    try:
        return create_engine(url, hide_parameters=True, isolation_level="READ COMMITTED")
    except (NoSuchModuleError, ModuleNotFoundError) as error:
        raise told(error, url.render_as_string(hide_password=True)) from None


def file_engine(path: Path, patience: int) -> Engine:
    """Give an engine for a SQLite file; ``patience`` is the wait for locks in microseconds."""
    if sqlite3.sqlite_version_info < _OLDEST_SQLITE:
        raise StateError(
            f"SQLite {sqlite3.sqlite_version} is too old",
            place=str(path),
            mend="use a Python that is built with SQLite 3.35 or newer",
            code="SYN6003",
        )
    engine = create_engine(
        URL.create("sqlite", database=str(path)),
        paramstyle="named",
        hide_parameters=True,
        connect_args={"timeout": patience / 1_000_000, "check_same_thread": False},
    )
    event.listen(engine, "connect", _settle)
    event.listen(engine, "begin", _begin)
    return engine


@contextmanager
def new_file(path: Path) -> Iterator[Path]:
    """Give a draft beside ``path`` to fill; at the end it gets the name, unless another process was faster."""
    draft = path.with_name(f"{path.name}.new-{secrets.token_hex(6)}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        os.close(os.open(draft, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))  # it will hold personal data
        yield draft
        _name(draft, path)
    except OSError as error:
        raise StateError(
            f"the ledger cannot be made ({error.strerror})",
            place=str(path),
            mend="make the state folder writable for the user that runs syncline, on a disk with free space",
            code="SYN6003",
        ) from None
    finally:
        for suffix in ("", "-wal", "-shm"):
            with suppress(OSError):
                draft.with_name(draft.name + suffix).unlink()


def _name(draft: Path, path: Path) -> None:
    try:
        os.link(draft, path)
    except FileExistsError:
        return  # the other process's ledger is as good
    except OSError:  # a file system without hard links
        draft.rename(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _settle(connection: sqlite3.Connection, _record: Any) -> None:
    connection.isolation_level = None  # SQLAlchemy says BEGIN, the driver must not
    for setting in _SETTINGS:
        connection.execute(f"PRAGMA {setting}").fetchall()


def _begin(connection: Connection) -> None:
    writes = connection.get_execution_options().get("writes", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
