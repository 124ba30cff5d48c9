"""Seed tables for systems that are databases.

In: a system of protocol ``sql`` and a path. Out: an SQLite database with one table per resource, whatever database the
system stands for: a schema is part of the table's name.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

from syncline_runtime.connectors.wire import flatten
from syncline_runtime.system import Resource, System


def write_tables(system: System, seeds: Mapping[str, Any], path: Path) -> None:
    """Write the seed records of each resource to its table."""
    with closing(sqlite3.connect(path)) as database, database:
        for resource in system.resources:
            if resource.list and resource.list.table:
                _write(database, system, resource, resource.list.table, seeds.get(resource.name, ()))


def _write(database: sqlite3.Connection, system: System, resource: Resource, table: str, seeds: Any) -> None:
    columns = list(dict.fromkeys(field.at for field in resource.fields))
    database.execute(f"CREATE TABLE {_quoted(table)} ({', '.join(map(_quoted, columns))})")
    names = {field.at: field.name for field in resource.fields}
    rows = [flatten(resource, row, system) for row in seeds]
    database.executemany(
        f"INSERT INTO {_quoted(table)} VALUES ({', '.join('?' * len(columns))})",  # noqa: S608
        [[row.get(names[column]) for column in columns] for row in rows],
    )


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
