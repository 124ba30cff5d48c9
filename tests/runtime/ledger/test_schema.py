from __future__ import annotations

import re
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy.sql import Select

from runtime.ledger.bench import Bench
from syncline_runtime.ledger import (
    buckets,
    casework,
    claiming,
    decisions,
    exceptions,
    indexes,
    intents,
    outbox,
    register,
    runs,
    schema,
    seal,
)
from syncline_runtime.ledger.database import Prepared
from syncline_runtime.ledger.migrate import configuration


def test_migrations_make_exactly_the_schema(bench: Bench) -> None:
    with bench.ledger._database.read() as look:
        assert compare_metadata(MigrationContext.configure(look.connection), indexes.metadata) == []


def test_migrations_make_exactly_the_file(in_file: Bench) -> None:
    fresh = sa.create_engine("sqlite://")
    indexes.metadata.create_all(fresh)
    with closing(sqlite3.connect(in_file.path)) as migrated:
        assert _definitions(fresh.raw_connection().driver_connection) == _definitions(migrated)
    fresh.dispose()


def test_the_newest_migration_is_the_format_of_the_program(bench: Bench) -> None:
    with bench.ledger._database.read() as look:
        script = ScriptDirectory.from_config(configuration(look.connection))
        assert int(script.get_current_head() or 0) == schema.FORMAT
        assert look.connection.execute(sa.select(schema.meta.c.format)).scalar_one() == schema.FORMAT


def test_every_row_belongs_to_a_realm() -> None:
    for table in schema.metadata.sorted_tables:
        if table.name not in ("meta", "realm"):
            assert next(iter(table.primary_key.columns)).name == "realm_id", table.name


def test_a_start_without_migration_does_not_import_alembic(in_file: Bench) -> None:
    in_file.ledger.close()
    script = (
        "import sys; from pathlib import Path; from syncline_runtime.ledger import open_ledger, Realm\n"
        f"open_ledger(Path({str(in_file.path)!r}), Realm('quickstart', 'sandbox'), lambda: 1).close()\n"
        "print([name for name in sys.modules if name in ('alembic', 'sqlalchemy.dialects.postgresql', 'duckdb')])"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_the_file_is_for_its_owner_only(in_file: Bench) -> None:
    assert {path.stat().st_mode & 0o777 for path in Path(in_file.path).parent.glob("ledger*")} == {0o600}


def _definitions(connection: object) -> dict[str, set[str]]:
    """What each table and index is made of, whatever the order of its parts."""
    rows = connection.execute("SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL")  # type: ignore[attr-defined]
    return {
        name: {part.strip().rstrip(",") for part in text.replace("(", "(\n", 1).splitlines()}
        for name, text in rows
        if name not in ("alembic_version", "sqlite_stat1")
    }


def test_no_statement_reads_a_large_table_from_end_to_end(in_file: Bench) -> None:
    """Every index begins with the realm; see ``statistics.py``."""
    large = "intent|payload|ack|attempt|intent_reference|exception|earlier|later|sealed|sent|returned"
    partial = "ix_intent_open|ix_ack_unconfirmed|uq_exception_standing"
    whole = re.compile(rf"SEARCH ({large}) USING (PRIMARY KEY|INDEX (?!{partial})\w+) \(realm_id=\?\)")
    found: dict[str, str] = {}
    with in_file.ledger._database.read() as look:
        for name, statement in _statements():
            sql, fixed = statement.on(look.connection.dialect)
            rows = look._driver.execute(f"EXPLAIN QUERY PLAN {sql}", {one: fixed[one] or 1 for one in fixed})
            plan = " | ".join(row[3] for row in rows)
            if whole.search(plan) or "SCAN" in plan:
                found[name] = plan
    assert found == {}


def _statements() -> Iterator[tuple[str, Prepared]]:
    """Every prepared statement of the ledger, selects over lists of values included."""
    for module in (claiming, outbox, intents, runs, register, seal, exceptions, casework, decisions, buckets):
        for name, value in vars(module).items():
            for one in value.values() if isinstance(value, dict) and name.startswith("_F") else [value]:
                if isinstance(one, Prepared):
                    yield f"{module.__name__}.{name}", one
                elif isinstance(one, Select) and "ids" in one.compile().params:
                    yield f"{module.__name__}.{name}", _Listed(one)


class _Listed(Prepared):
    def __init__(self, statement: Select[Any]) -> None:
        self._select = statement

    def on(self, dialect: sa.Dialect) -> tuple[str, dict[str, Any]]:
        compiled = self._select.compile(dialect=dialect)
        expanded = compiled.construct_expanded_state({"realm": 1, "ids": ["x", "y"]})
        return expanded.statement, dict(expanded.parameters)
