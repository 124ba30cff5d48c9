"""Packing: base rows and links as they lie in the state, where a few are fetched of very many.

In: base rows in all their columns (``base_columns``), links. Out: base rows whose own columns (``_native_id``, ``_cid``, …)
are columns and whose natives and agreed values are one text, a JSON list that begins with the native id; beside each id by
which rows are looked up, its key; and the way back.

The engine decodes whole segments of a column in which some value is null or told twice: a thousand rows of fifty columns,
wherever they lie, cost as much as all. Of one text that is neither, it decodes the rows that are wanted. Which rows these
are is told by keys: four bytes of a hash, of which a scan costs an eighth of one of ids. Two ids may have one key, so that
who looks up by keys asks for the id, too.
"""

from __future__ import annotations

from collections.abc import Mapping

from syncline_runtime.plan import Member
from syncline_runtime.state import base_columns, quoted, text

REST = "_rest"
LINKS = "links:all"
LOOKED_UP = ("_native_id", "_cid", "native_id", "canonical_id")
SHAPE = '["VARCHAR"]'


def stored_table(prefix: str) -> str:
    """Name the table of a member's packed rows; ``base:PREFIX`` is a view of it that shows all columns."""
    return f"stored:{prefix}"


def table_of(subject: str) -> str:
    """Name the table that holds a subject's rows; where it has another name, the subject's is a view of it."""
    kind, _, place = subject.partition(":")
    return stored_table(place) if kind == "base" else stored_table("links") if subject == LINKS else subject


def packed_columns(columns: Mapping[str, str]) -> dict[str, str]:
    """Columns and SQL types of packed rows."""
    own = {name: kind for name, kind in columns.items() if not _is_packed(name, columns)}
    keys = {key_column(name): "UINTEGER" for name in columns if name in LOOKED_UP}
    return own | keys | ({} if len(own) == len(columns) else {REST: "VARCHAR"})


def packed(columns: Mapping[str, str], values: Mapping[str, str]) -> dict[str, str]:
    """Give the SQL values of packed rows by column; ``values``: SQL by column, null where there is none."""
    made = {name: value for name, value in values.items() if not _is_packed(name, columns)}
    made |= {key_column(name): _key(value) for name, value in values.items() if name in LOOKED_UP}
    if rest := [name for name in columns if _is_packed(name, columns)]:
        listed = (f"CAST({values[name]} AS VARCHAR)" if name in values else "NULL" for name in rest)
        made[REST] = f"CAST(to_json([{', '.join([values['_native_id'], *listed])}]) AS VARCHAR)"
    return made


def unpacked(columns: Mapping[str, str], rows: str) -> str:
    """Give the query of packed ``rows`` (a query) in all their columns."""
    own = [quoted(name) for name in columns if not _is_packed(name, columns)]
    if len(own) == len(columns):
        return f"SELECT {', '.join(own)} FROM ({rows})"
    rest = [
        f"CAST(_listed[{place}] AS {columns[name]}) AS {quoted(name)}"
        for place, name in enumerate((name for name in columns if _is_packed(name, columns)), 2)
    ]
    return f"SELECT {', '.join(own + rest)} FROM (SELECT *, from_json({REST}, {text(SHAPE)}) AS _listed FROM ({rows}))"


def base_rows(member: Member, prefix: str, rows: str) -> str:
    """Give the query of a member's base rows; ``rows`` is a query of their rowids."""
    return unpacked(base_columns(member), f"SELECT * FROM {few(stored_table(prefix), rows)}")


def base_rows_of(member: Member, prefix: str, column: str, ids: str) -> str:
    """Give the query of a member's base rows that have one of ``ids`` (a query of one column) in a column."""
    rows = near(stored_table(prefix), column, ids)
    return unpacked(
        base_columns(member), f"SELECT * FROM {few(stored_table(prefix), rows)} WHERE {quoted(column)} IN ({ids})"
    )


def few(table: str, rows: str, columns: str = "*") -> str:
    """Give a few rows of a table, as a relation: all else is asked of these alone. ``rows`` is a query of rowids."""
    return (
        f"(WITH few AS MATERIALIZED (SELECT {columns} FROM {quoted(table)} WHERE rowid IN ({rows})) SELECT * FROM few)"
    )


def near(table: str, column: str, ids: str) -> str:
    """Give the rowids of rows whose id in a column has the key of one of ``ids`` (a query of one column)."""
    keys = f"SELECT {_key('id')} FROM ({ids}) AS asked(id)"
    return f"SELECT rowid FROM {quoted(table)} WHERE {quoted(key_column(column))} IN ({keys})"


def key_column(column: str) -> str:
    """Name the column of an id's keys."""
    return f"{column}#"


def _key(value: str) -> str:
    return f"CAST(hash({value}) >> 32 AS UINTEGER)"


def _is_packed(column: str, columns: Mapping[str, str]) -> bool:
    """Whether a column of these lies in the one text: all values of base rows do."""
    return "_native_id" in columns and not column.startswith("_")
