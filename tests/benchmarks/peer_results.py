"""Whether a peer found the same: what it put down beside what ours writes and agrees, or beside SQL that compares by field.

In: a case of which phase *changed* was run, and the folder of a peer. Out: differences, in words; nothing where there is none.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import duckdb

from benchmarks.case import Case

WRITES = "connection, operation, canonical_id, native_id, field, value"
WHO = "connection, _native_id, _cid"


class Results:
    """What is to be found in a case."""

    def __init__(self, case: Case, intents: str, agreed: str) -> None:
        self._files, self._intents, self._agreed = case.files, intents, agreed
        slots = case.release().in_order[0].members[0].slots
        self._types = {f"agreed.{slot.name}": slot.type for slot in slots}
        self._engine = duckdb.connect(config={"threads": 2})
        self._engine.execute("SET TimeZone='UTC'")

    def of_whole(self, name: str, out: Path) -> Iterator[str]:
        """Who decides must write the same, miss the same, and agree on the same."""
        yield from self._both_ways(f"{name}: writes", self._writes(), self._rows(out, "writes", WRITES))
        yield from self._both_ways(f"{name}: gone", self._gone(), self._rows(out, "gone", "_native_id"))
        typed = ", ".join(f'CAST("{column}" AS {kind}) AS "{column}"' for column, kind in self._types.items())
        rows = f"SELECT {WHO}, {typed} FROM ({self._rows(out, 'agreed*', '*')})"
        digest = f"SELECT count(*)::VARCHAR || ':' || coalesce(bit_xor(hash(t))::VARCHAR, '') FROM ({rows}) AS t"
        if (found := self._engine.execute(digest).fetchall()[0][0]) != self._agreed:
            yield f"{name}: what is then agreed ({found} and {self._agreed})"

    def of_comparison(self, name: str, out: Path) -> Iterator[str]:
        """Who compares must find the new, the gone, and every field that changed."""
        found = self._rows(out, "found", "what, _native_id, field, value")
        yield from self._both_ways(f"{name}: differences", self._expected(), found)

    def of_fold(self, name: str, out: Path) -> Iterator[str]:
        """Who folds must come to the same rows."""
        ours = f"SELECT * FROM '{out / 'fold_after.parquet'}'"
        columns = ", ".join(f'"{column[0]}"' for column in self._engine.execute(f"DESCRIBE {ours}").fetchall())
        yield from self._both_ways(f"{name}: rows", ours, self._rows(out, "folded", columns))

    def write_tables(self, out: Path) -> list[str]:
        """Write the CRM as it is and as it was for a database to read; gives the names of the columns."""
        crm = f"SELECT COLUMNS('^native\\.') FROM '{self._file('crm_now')}'"
        names = [column[0] for column in self._engine.execute(f"DESCRIBE {crm}").fetchall()]
        for table, file in (("now", "crm_now"), ("before", "base_crm")):
            rows = f"SELECT {', '.join(map(_name, names))} FROM '{self._file(file)}'"
            self._engine.execute(f"COPY ({rows}) TO '{out / table}.csv' (FORMAT csv, HEADER false, NULL '\\N')")
        return [name.removeprefix("native.") for name in names]

    def _both_ways(self, what: str, one: str, other: str) -> Iterator[str]:
        for left, right, how in ((one, other, "not found"), (other, one, "found that are not there")):
            (count,) = self._engine.execute(f"SELECT count(*) FROM (({left}) EXCEPT ALL ({right}))").fetchall()[0]
            if count:
                yield f"{what}: {count} {how}"

    def _rows(self, out: Path, name: str, columns: str) -> str:
        """Read what a peer put down, as Parquet or as lines of JSON."""
        if files := [str(path) for path in out.glob(f"{name}.parquet")]:
            return f"SELECT {columns} FROM read_parquet({files})"
        told = {"writes": WRITES, "agreed*": ", ".join((WHO, *self._types))}.get(name, columns)
        kinds = {column: self._types.get(column, "VARCHAR") for column in told.split(", ")}
        return f"SELECT {columns} FROM read_json('{out}/{name}.jsonl', format = 'newline_delimited', columns = {kinds})"

    def _writes(self) -> str:
        """What ours writes, a row for each field."""
        rows = f"SELECT * EXCLUDE (payload), payload, unnest(json_keys(payload)) AS field FROM '{self._intents}'"
        return f"SELECT {WRITES.replace('value', 'json_extract_string(payload, field) AS value')} FROM ({rows})"

    def _gone(self) -> str:
        return (
            f"SELECT _native_id FROM '{self._file('base_crm')}' ANTI JOIN '{self._file('crm_now')}' USING (_native_id)"
        )

    def _expected(self) -> str:
        now, before = self._file("crm_now"), self._file("base_crm")
        changed = (
            f"SELECT n._native_id FROM '{now}' n JOIN '{before}' b USING (_native_id) WHERE n._raw_hash <> b._raw_hash"
        )
        fields = {
            file: f"(SELECT _native_id, COLUMNS('^native\\.') FROM '{file}' WHERE _native_id IN ({changed})) "
            "UNPIVOT INCLUDE NULLS (value FOR field IN (COLUMNS('^native\\.')))"
            for file in (now, before)
        }
        return f"""
            SELECT 'changed' AS what, n._native_id, n.field, n.value
            FROM (FROM {fields[now]}) AS n JOIN (FROM {fields[before]}) AS b USING (_native_id, field)
            WHERE n.value IS DISTINCT FROM b.value
            UNION ALL SELECT 'gone', _native_id, NULL, NULL FROM ({self._gone()})
            UNION ALL SELECT 'new', _native_id, NULL, NULL FROM '{now}' ANTI JOIN '{before}' USING (_native_id)
        """

    def _file(self, name: str) -> Path:
        return self._files / f"{name}.parquet"


def _name(column: str) -> str:
    return f'"{column}"'
