"""Seed tables for systems that are databases.

In: a system of protocol ``sql`` and a path. Out: an SQLite database with one table per resource, whatever database the
system stands for: a schema is part of the table's name.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path

from syncline_runtime.sandbox.drops import Rows
from syncline_runtime.system import Resource, System


def write_tables(system: System, seeds: Mapping[str, Rows], path: Path) -> None:
    """Write the records of each resource, as natives, to its table."""
    with closing(sqlite3.connect(path)) as database, database:
        for resource in system.resources:
            if resource.list and resource.list.table:
                _write(database, resource, resource.list.table, seeds.get(resource.name, []))


def _write(database: sqlite3.Connection, resource: Resource, table: str, rows: Rows) -> None:
    columns = list(dict.fromkeys(field.at for field in resource.fields))
    database.execute(f"DROP TABLE IF EXISTS {_quoted(table)}")
    database.execute(f"CREATE TABLE {_quoted(table)} ({', '.join(map(_quoted, columns))})")
    names = {field.at: field.name for field in resource.fields}
    database.executemany(
        f"INSERT INTO {_quoted(table)} VALUES ({', '.join('?' * len(columns))})",  # noqa: S608
        [[row.get(names[column]) for column in columns] for row in rows],
    )


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
