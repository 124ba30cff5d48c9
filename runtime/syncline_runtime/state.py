"""State: DuckDB as the fold of segments; the only place that opens DuckDB.

In: segments that the ledger has registered, in their order. Out: relations for plan steps. The database file is a
cache: ``rebuild`` makes it again from the segments, row for row the same. Configuration is locked and file access is
limited to the state's folder.

Tables kept: ``links`` · ``stored:SYNC/CONNECTION`` (see ``packing``; ``base:…`` is a view of it) · ``canonical:SYNC`` ·
``outcomes:SYNC`` (a view over segments is enough for those, they are only read to explain). Everything else is temporary
and gone when the run ends.
"""

from __future__ import annotations

import json
import os
import weakref
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import duckdb

from syncline_runtime.encoding import digest
from syncline_runtime.errors import InternalError, LeaseHeld, ReleaseError, StateError, SynclineError
from syncline_runtime.plan import Member, Plan
from syncline_runtime.segments import Segment, SegmentStore
from syncline_runtime.watchdog import Watchdog

LINK_COLUMNS = {
    "object": "VARCHAR", "connection": "VARCHAR", "resource": "VARCHAR", "native_id": "VARCHAR",
    "canonical_id": "VARCHAR", "how": "VARCHAR", "rule": "VARCHAR", "run": "VARCHAR", "state": "VARCHAR",
    "generation": "BIGINT", "by": "VARCHAR", "at": "BIGINT",
}  # fmt: skip
OUTCOME_COLUMNS = {
    "run": "VARCHAR", "connection": "VARCHAR", "_cid": "VARCHAR", "_native_id": "VARCHAR", "slot": "VARCHAR",
    "outcome": "VARCHAR", "source": "VARCHAR", "want": "VARCHAR", "now": "VARCHAR", "agreed": "VARCHAR",
    "rule": "VARCHAR", "mapping": "VARCHAR",
}  # fmt: skip
BASE_COLUMNS = {
    "_native_id": "VARCHAR", "_cid": "VARCHAR", "_status": "VARCHAR", "_version": "VARCHAR", "_raw_hash": "VARCHAR",
    "_mapping": "VARCHAR", "_open": "BOOLEAN", "_slots": "VARCHAR",
    "_before": "VARCHAR", "_written": "BIGINT", "_disputed": "VARCHAR", "_synced": "VARCHAR",
    "_unseen": "VARCHAR",
}  # fmt: skip
LANDED_COLUMNS = {
    "_native_id": "VARCHAR", "_op": "VARCHAR", "_version": "VARCHAR", "_seq": "BIGINT", "_raw_hash": "VARCHAR",
    "_missing": "VARCHAR[]", "_correlation": "VARCHAR",
}  # fmt: skip


MOST_PARSED = 10_000
MEMORY_VARIABLE = "SYNCLINE_MEMORY"  # the most that the engine takes, such as 2GB
USUAL_MEMORY = 4_500_000_000  # bytes of which it takes no more where nobody says: a run is a guest of its machine
PATIENCE = 1_800.0  # seconds that one statement may take


def quoted(name: str) -> str:
    """Give an SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


def text(value: str) -> str:
    """Give an SQL text literal."""
    return "'" + value.replace("'", "''") + "'"


def refused_pattern(pattern: str) -> str | None:
    """Tell what the engine has against a regular expression (RE2); None if nothing."""
    try:
        _trial().execute("SELECT regexp_matches('', ?)", [pattern])
    except duckdb.Error as error:
        return str(error).splitlines()[0].partition(": ")[2]
    return None


def matches_pattern(pattern: str, text: str) -> bool:
    """Tell whether the whole text has the shape of a regular expression (RE2)."""
    found = _trial().execute("SELECT regexp_full_match(?, ?)", [text, pattern]).fetchone()
    return found is not None and bool(found[0])


Engine = duckdb.DuckDBPyConnection


def scratch() -> Engine:
    """Open an engine of its own in memory, which reaches nothing outside: for those who try statements on a few rows."""
    connection = duckdb.connect()
    connection.execute(
        "SET TimeZone='UTC'; SET enable_external_access=false; SET threads=1; SET lock_configuration=true"
    )
    return connection


def taste(statement: str, folder: Path, memory: str) -> None:
    """Try a statement over files of a folder in an engine in memory; raises what the engine raises."""
    with duckdb.connect(config={"memory_limit": memory, "threads": 1}) as connection:
        connection.execute(
            f"SET TimeZone='UTC'; SET temp_directory=''; SET allowed_directories=[{text(f'{folder}/')}]; "
            "SET enable_external_access=false; SET lock_configuration=true"
        )
        connection.execute(f"CREATE TABLE tasted AS {statement}")


@cache
def _trial() -> duckdb.DuckDBPyConnection:
    """Open an engine of its own in which patterns are tried."""
    return scratch()


def base_columns(member: Member) -> dict[str, str]:
    """Columns and SQL types of a member's base rows."""
    natives = {f"native.{name}": "VARCHAR" for name in member.natives}
    return BASE_COLUMNS | natives | {f"agreed.{slot.name}": slot.type for slot in member.slots}


def canonical_columns(plan: Plan) -> dict[str, str]:
    """Columns and SQL types of a sync's canonical rows. ``_lost``: fields, between commas, that a new type cannot hold."""
    fields: dict[str, str] = {}
    for field in plan.fields:
        fields[field.name] = field.sql_type
        fields[f"from.{field.name}"] = "VARCHAR"
        if field.owner == "newest":
            fields[f"at.{field.name}"] = "TIMESTAMPTZ"
    return {
        "_cid": "VARCHAR",
        "_run": "VARCHAR",
        "_open": "BOOLEAN",
        "_plan": "VARCHAR",
        "_ceased": "BOOLEAN",
        "_lost": "VARCHAR",
    } | fields


def landed_columns(natives: Sequence[str]) -> dict[str, str]:
    """Columns and SQL types of landed rows."""
    return LANDED_COLUMNS | {f"native.{name}": "VARCHAR" for name in natives}


class State:
    """An open state: runs SQL, keeps the fold, reads and writes Parquet."""

    def __init__(
        self,
        folder: Path,
        store: SegmentStore,
        *,
        memory: str | None = None,
        threads: int | None = None,
        parsed: dict[str, Any] | None = None,
        patience: float = PATIENCE,
    ) -> None:
        """Open the state below a folder; ``parsed`` keeps what statements were parsed to, for who opens states often."""
        self.folder, self.store = folder.resolve(), store
        self.path = self.folder / "state.duckdb"
        self.spool = self.folder / "spool"
        self.spool.mkdir(parents=True, exist_ok=True)
        self._parsed = parsed
        self._connection = self._open(memory or os.environ.get(MEMORY_VARIABLE), threads)
        self.watchdog = Watchdog(self._connection.interrupt, patience)
        weakref.finalize(self, self.watchdog.stop)  # one that nobody closes is not kept open by its watchdog

    def _open(self, memory: str | None, threads: int | None) -> duckdb.DuckDBPyConnection:
        options: dict[str, Any] = {"autoinstall_known_extensions": "false", "autoload_known_extensions": "false"}
        if memory:
            options["memory_limit"] = memory
        if threads:
            options["threads"] = threads
        try:
            connection = duckdb.connect(str(self.path), config=options)
            if not memory:
                own = "parse_formatted_bytes(current_setting('memory_limit'))"  # four fifths of what there is
                most = connection.execute(f"SELECT least({own}, {USUAL_MEMORY})").fetchall()[0][0]
                connection.execute(f"SET memory_limit='{most}B'")
            folders = ", ".join(text(f"{path}/") for path in (self.folder, self.store.root.resolve()))
            connection.execute(
                f"SET TimeZone='UTC'; SET enable_progress_bar=false; SET temp_directory={text(str(self.spool))}; "
                f"SET allowed_directories=[{folders}]; SET enable_external_access=false; "
                "SET preserve_insertion_order=false; SET lock_configuration=true"
            )
            return connection
        except duckdb.ParserException:
            raise ReleaseError(
                f"{MEMORY_VARIABLE} is no amount of memory", place=str(self.path), mend=f"write {MEMORY_VARIABLE}=2GB"
            ) from None
        except duckdb.IOException as error:
            if "lock" in str(error).lower():
                raise LeaseHeld(
                    "another process has the state open",
                    place=str(self.path),
                    mend="wait until that run has ended, or give this one a --state folder of its own",
                ) from None
            raise self._damaged(error) from None
        except duckdb.Error as error:
            raise self._damaged(error) from None

    def _damaged(self, error: Exception) -> StateError:
        first = str(error).splitlines()[0] if str(error) else type(error).__name__
        return StateError(
            f"the state cannot be read ({first[:120]})",
            place=str(self.path),
            mend="it is only a cache: `syncline state rebuild` makes it again from the segments",
            code="SYN6013",
        )

    def close(self) -> None:
        """Close the database."""
        self.watchdog.stop()
        self._connection.close()

    # running SQL

    def execute(self, sql: str, parameters: Sequence[Any] | None = None) -> None:
        """Run one statement."""
        try:
            statement = sql if self._parsed is None else self._known(sql, self._parsed)
            self.watchdog.begin()
            try:
                self._connection.execute(statement, parameters) if parameters else self._connection.execute(statement)
            finally:
                self.watchdog.end()
        except duckdb.InterruptException:
            if not self.watchdog.bit:
                raise
            raise StateError(
                f"the engine was stopped: a step took more than {self.watchdog.patience:g} s",
                place=sql[:200],
                mend=f"run fewer syncs at once, or let the engine take more ({MEMORY_VARIABLE}=8GB) and use the disk less",
                code="SYN6019",
            ) from None
        except duckdb.OutOfMemoryException:
            raise StateError(
                "the engine ran out of memory",
                place=str(self.path),
                mend=f"let it take more ({MEMORY_VARIABLE}=8GB), or run fewer syncs at once",
                code="SYN6014",
            ) from None
        except duckdb.Error as error:
            raise self._told(error, sql) from error

    def _known(self, sql: str, parsed: dict[str, Any]) -> Any:
        """Give a statement as it was parsed before: for few rows that takes as long as all the rest."""
        if sql not in parsed:
            found = self._connection.extract_statements(sql)
            if len(parsed) >= MOST_PARSED:
                parsed.clear()
            parsed[sql] = found[0] if len(found) == 1 else sql
        return parsed[sql]

    def _told(self, error: duckdb.Error, sql: str) -> SynclineError:
        """Say what it means that the engine failed."""
        damaged = any(word in str(error) for word in ("enough bytes", "Corrupt", "checksum"))
        if damaged or isinstance(error, duckdb.FatalException):
            return self._damaged(error)
        if isinstance(error, duckdb.IOException):
            return _input_output(error, self.path)
        return InternalError(f"a plan step failed in the engine: {str(error)[:2000]}", place=sql[:200])

    def rows(self, sql: str, parameters: Sequence[Any] | None = None) -> list[tuple[Any, ...]]:
        """Give the rows of a query."""
        self.execute(sql, parameters)
        return self._connection.fetchall()

    def batches(self, sql: str, size: int = 10_000) -> Iterator[tuple[Any, ...]]:
        """Give the rows of a query, fetched in batches; no other statement may run meanwhile."""
        cursor = self._connection.cursor()
        cursor.execute(sql)
        while batch := cursor.fetchmany(size):
            yield from batch

    def scalar(self, sql: str) -> Any:
        """Give the first value of the first row."""
        return self.rows(sql)[0][0]

    def make(self, relation: str, sql: str) -> None:
        """Make a temporary table of a query."""
        self.execute(f"CREATE OR REPLACE TEMP TABLE {quoted(relation)} AS {sql}")

    def bind(self, relation: str, sql: str) -> None:
        """Give a query a name for as long as the run lasts."""
        self.execute(f"CREATE OR REPLACE TEMP VIEW {quoted(relation)} AS {sql}")

    def drop(self, relation: str) -> None:
        """Forget a temporary table."""
        self.execute(f"DROP TABLE IF EXISTS temp.{quoted(relation)}")

    def empty(self, relation: str, columns: dict[str, str]) -> None:
        """Make an empty temporary table."""
        listed = ", ".join(f"{quoted(name)} {kind}" for name, kind in columns.items())
        self.execute(f"CREATE OR REPLACE TEMP TABLE {quoted(relation)} ({listed})")

    def fill(self, relation: str, columns: dict[str, str], rows: Iterable[Sequence[Any]]) -> None:
        """Make a temporary table of a few rows (texts, numbers, booleans, None)."""
        self.empty(relation, columns)
        lines = [dict(zip(columns, row, strict=True)) for row in rows]
        if lines:
            self.load_lines(relation, columns, (json.dumps(line) for line in lines))

    def load_lines(self, relation: str, columns: dict[str, str], lines: Iterable[str]) -> int:
        """Append JSON lines to a temporary table; returns how many. The members are the columns' names."""
        path = self.spool / f"{digest(relation)[:16]}.jsonl"
        count = 0
        try:
            with path.open("w", encoding="utf-8") as file:
                for line in lines:
                    file.write(line + "\n")
                    count += 1
            if count:
                self.load_file(relation, columns, path)
        except OSError as error:
            raise _input_output(error, path) from None
        finally:
            path.unlink(missing_ok=True)
        return count

    def load_file(
        self, relation: str, columns: dict[str, str], path: Path, instead: Mapping[str, str] | None = None
    ) -> None:
        """Append a file of JSON lines to a temporary table; ``instead``: SQL for columns that are not taken as they are."""
        shape = ", ".join(f"{text(name)}: {text(kind)}" for name, kind in columns.items())
        listed = ", ".join((instead or {}).get(name, quoted(name)) for name in columns)
        self.execute(
            f"INSERT INTO {quoted(relation)} SELECT {listed} FROM read_json({text(str(path))}, "
            f"format='newline_delimited', columns={{{shape}}}, maximum_object_size=67108864)"
        )

    def load_parquet(self, relation: str, path: Path, select: str) -> None:
        """Append a Parquet file of someone else (copied into the spool first) to a temporary table."""
        self.execute(f"INSERT INTO {quoted(relation)} BY NAME SELECT {select} FROM read_parquet({text(str(path))})")

    def columns_of(self, path: Path) -> dict[str, str]:
        """Give the columns of a Parquet file and their types."""
        return {row[0]: row[1] for row in self.rows(f"DESCRIBE SELECT * FROM read_parquet({text(str(path))})")}

    # segments

    def write_segment(self, kind: str, subject: str, run: str, sql: str, *, bare: bool = False) -> Segment | None:
        """Write the rows of a query as a segment; None when there are none, unless it may be ``bare``."""
        draft = self.store.writing(kind, subject, run)  # type: ignore[arg-type]
        path = text(str(draft.path.resolve()))
        rows = self.scalar(f"COPY ({sql}) TO {path} (FORMAT parquet, COMPRESSION zstd)")
        if rows == 0 and not bare:
            draft.path.unlink(missing_ok=True)
            return None
        return self.store.publish(draft, rows)


def _input_output(error: Exception, path: Path) -> StateError:
    said = str(error)
    full = "No space left" in said or "space" in said.lower()
    return StateError(
        "the disk is full" if full else f"the disk refused ({said.splitlines()[0][:160]})",
        place=str(path),
        mend="free some space and run again: nothing was lost" if full else "see to the disk and run again",
        code="SYN6004" if full else "SYN6003",
    )
