"""What SQLite's planner is told about the ledger's tables.

Every index begins with the realm, and nearly every row of a file is of one realm. Without statistics SQLite takes the
first column of an index for selective and reads whole tables; statistics of an empty or small ledger say the same. So
the sizes of a busy ledger are written down once (https://www.sqlite.org/fileformat2.html#stat1tab).
Invariant: plans do not depend on when somebody last ran ANALYZE. Imported only when a migration is due.
"""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy import Connection, Index, Table, text

from syncline_runtime.ledger.indexes import metadata

_ROWS = {"intent": 1_000_000, "payload": 2_000_000, "attempt": 1_000_000, "ack": 1_000_000, "exception": 100_000}
_USUAL = 10_000
_PART = {  # rows of partial indexes
    "ix_intent_open": 10_000,
    "ix_intent_unsettled": 10_000,
    "ix_ack_unconfirmed": 1_000,
    "uq_exception_standing": 10_000,
}
_SHARE = {  # of the rows that are equal so far, those that a further column leaves
    "realm_id": 1.0,
    "connection": 0.25,
    "state": 0.2,
    "kind": 0.4,
    "sync": 0.1,
    "run_id": 0.001,
    "closed_run": 0.001,
}
_SELECTIVE = 0.000_01


def tell_planner(connection: Connection) -> None:
    """Replace the planner's statistics; other databases gather their own."""
    if connection.dialect.name != "sqlite":
        return
    connection.execute(text("ANALYZE"))  # makes the table of statistics
    connection.execute(text("DELETE FROM sqlite_stat1"))
    for table in metadata.sorted_tables:
        rows = [{"tbl": table.name, "idx": name, "stat": stat} for name, stat in _statistics(table)]
        connection.execute(text("INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES (:tbl, :idx, :stat)"), rows)


def _statistics(table: Table) -> Iterator[tuple[str, str]]:
    """Per index, the key first: the number of rows, then how many agree on its first one, two, … columns."""
    if "realm_id" not in table.c:
        yield table.name, "1 1"
        return
    rows = _ROWS.get(table.name, _USUAL)
    yield table.name, _stat([column.name for column in table.primary_key], rows, unique=True)
    for index in sorted(table.indexes, key=lambda one: str(one.name)):
        yield str(index.name), _stat(_columns(index), _PART.get(str(index.name), rows), bool(index.unique))


def _columns(index: Index) -> list[str]:
    return [column.name for column in index.columns]


def _stat(columns: list[str], rows: int, unique: bool) -> str:
    left, written = float(rows), [rows]
    for name in columns:
        left = max(1.0, left * _SHARE.get(name, _SELECTIVE))
        written.append(int(left))
    if unique:
        written[-1] = 1
    return " ".join(map(str, written))
