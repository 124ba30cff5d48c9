"""Packing: base rows as they lie in the state, where a few are fetched of very many.

In: base rows in all their columns (``base_columns``). Out: rows whose own columns (``_native_id``, ``_cid``, …) are columns
and whose natives and agreed values are one text, a JSON list that begins with the native id; and the way back.

The engine decodes whole segments of a column in which some value is null or told twice: a thousand rows of fifty columns,
wherever they lie, cost as much as all. Of one text that is neither, it decodes the rows that are wanted.
"""

from __future__ import annotations

from collections.abc import Mapping

from syncline_runtime.plan import Member
from syncline_runtime.state import base_columns, quoted, text

REST = "_rest"
SHAPE = '["VARCHAR"]'


def stored_table(prefix: str) -> str:
    """Name the table of a member's packed rows; ``base:PREFIX`` is a view of it that shows all columns."""
    return f"stored:{prefix}"


def packed_columns(columns: Mapping[str, str]) -> dict[str, str]:
    """Columns and SQL types of packed rows."""
    return {name: kind for name, kind in columns.items() if not _is_packed(name)} | {REST: "VARCHAR"}


def packed(columns: Mapping[str, str], values: Mapping[str, str]) -> dict[str, str]:
    """Give the SQL values of packed rows by column; ``values``: SQL by column, null where there is none."""
    rest = (f"CAST({values[name]} AS VARCHAR)" if name in values else "NULL" for name in columns if _is_packed(name))
    listed = ", ".join([values["_native_id"], *rest])
    own = {name: value for name, value in values.items() if not _is_packed(name)}
    return own | {REST: f"CAST(to_json([{listed}]) AS VARCHAR)"}


def unpacked(columns: Mapping[str, str], rows: str) -> str:
    """Give the query of packed ``rows`` (a query) in all their columns."""
    own = [quoted(name) for name in columns if not _is_packed(name)]
    rest = [
        f"CAST(_listed[{place}] AS {columns[name]}) AS {quoted(name)}"
        for place, name in enumerate((name for name in columns if _is_packed(name)), 2)
    ]
    return f"SELECT {', '.join(own + rest)} FROM (SELECT *, from_json({REST}, {text(SHAPE)}) AS _listed FROM ({rows}))"


def base_rows(member: Member, prefix: str, where: str) -> str:
    """Give the query of a member's base rows for which a condition over ``b`` holds: its own columns and ``rowid``."""
    return unpacked(base_columns(member), f"SELECT * FROM {quoted(stored_table(prefix))} AS b WHERE {where}")


def _is_packed(column: str) -> bool:
    return not column.startswith("_")
