"""Tables of SQL databases, read in bulk.

In: a table and its columns, as described. Out: pages of lines, in which every value is the text that the database makes of it.
Invariants: one read sees one moment of the database, and only reads; names and values reach SQL quoted; a server on another
machine proves who it is. A row whose transaction ends behind a read is in the next one: a PostgreSQL server says since
when its oldest open transaction runs, and the next read begins no later than that.
"""

from __future__ import annotations

import asyncio
import json
import sqlite3
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping
from contextlib import closing
from importlib import import_module
from itertools import islice
from pathlib import Path
from typing import Any, Final
from urllib.parse import SplitResult, unquote, urlsplit

from syncline_runtime.binding import Connection
from syncline_runtime.connectors import cursors, jsontext, wire
from syncline_runtime.connectors.auth import Credentials
from syncline_runtime.connectors.inspection import Observed
from syncline_runtime.connectors.lines import Lines
from syncline_runtime.connectors.origin import is_loopback, origin_text
from syncline_runtime.connectors.paging import Walked
from syncline_runtime.connectors.reading_only import ReadingOnly
from syncline_runtime.connectors.results import Page, ParquetFile, Read, Row, raw_hash
from syncline_runtime.errors import ReleaseError, RequestFailed
from syncline_runtime.origins import lies_within
from syncline_runtime.system import ListRead, NativeField, Resource, System, keys_only

ROWS_AT_ONCE: Final = 10_000
SCHEMES: Final = ("postgresql", "sqlite")
_CONNECT_SECONDS: Final = 10
_OLDEST: Final = """
    SELECT CASE WHEN count(*) FILTER (WHERE query = '<insufficient privilege>') = 0
        THEN to_char(least(now(), min(xact_start)) AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') END
    FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND datname = current_database()
"""  # open since when; unknown where other roles' transactions are hidden from ours

_COLUMNS: Final = """
    SELECT row_to_json(c) FROM (
        SELECT column_name, data_type, character_maximum_length, numeric_precision, numeric_scale, is_nullable
        FROM information_schema.columns
        WHERE table_name = %s AND table_schema = ANY(CASE WHEN %s = '' THEN current_schemas(false) ELSE ARRAY[%s] END)
    ) AS c
"""


def open_database(system: System, connection: Connection, stand_in: Path | None = None) -> _DatabaseConnection:
    """Open a database; it is reached once something is read. ReleaseError for an origin that is none, or elsewhere."""
    return _DatabaseConnection(system, connection, stand_in)


class _DatabaseConnection(ReadingOnly):
    """A connection to a database; tables are read, never written."""

    refusal = "tables are read and never written"

    def __init__(self, system: System, connection: Connection, stand_in: Path | None = None) -> None:
        super().__init__(system, connection.name)
        self._connection = connection
        self._address = urlsplit(stand_in.as_uri().replace("file:", "sqlite:", 1)) if stand_in else _address(connection)
        self._credentials = Credentials(system.auth, connection)
        allowed = system.origins_of(connection.environment)
        if allowed and not stand_in and not lies_within(self._address.geturl(), allowed):
            raise ReleaseError(
                f"the database is none of the origins of system {system.name!r}",
                place=connection.name,
                mend="correct the origin of this connection, or add it to `origins` in the system description",
            )

    async def read(self, resource: str, since: str | None = None) -> AsyncIterator[Page | ParquetFile]:
        described = self.system.resource(resource)
        flatten = wire.flattener(described, self.system)
        async for lines in self._read(described, since):
            records = (flatten(json.loads(line)) for line in lines.content.splitlines())
            version = described.version or ""
            rows = tuple(
                Row(record[described.id] or "", record, record.get(version), raw_hash=raw_hash(record))
                for record in records
            )
            cursor = _listing(described).cursor
            newest = self.newest(resource, (v for row in rows if cursor and (v := row.natives.get(cursor.field))))
            yield Page(rows, newest=newest, read_at=lines.read_at)

    def read_lines(
        self,
        resource: str,
        since: str | None = None,
        walked: Walked | None = None,  # noqa: ARG002
    ) -> AsyncIterator[Read]:
        return self._read(self.system.resource(resource), since)

    def read_keys(self, resource: str) -> AsyncIterator[Read]:
        return self._read(keys_only(self.system.resource(resource)), None)

    async def _read(self, resource: Resource, since: str | None) -> AsyncIterator[Lines]:
        place = f"{self.name}.{resource.name}"
        pages = (
            self._postgresql(resource, since) if self._address.scheme == "postgresql" else self._sqlite(resource, since)
        )
        try:
            async for lines in pages:
                yield lines
        except sqlite3.Error as error:
            raise _failed(place, str(error)) from None

    async def _postgresql(self, resource: Resource, since: str | None) -> AsyncIterator[Lines]:
        psycopg, sql = _driver(self.name)
        try:
            async for lines in self._copied(psycopg, sql, resource, since):
                yield lines
        except psycopg.Error as error:
            lost = isinstance(error, psycopg.OperationalError)
            raise _failed(f"{self.name}.{resource.name}", error.sqlstate or "no answer", retry=lost) from None

    async def _copied(self, psycopg: Any, sql: Any, resource: Resource, since: str | None) -> AsyncIterator[Lines]:
        listing, fields = _listing(resource), _columns(resource)
        values = [
            sql.SQL("to_json({}) #>> '{{}}' AS {}").format(sql.Identifier(field.at), sql.Identifier(field.at))
            for field in fields
        ]
        query = sql.SQL("COPY (SELECT row_to_json(t) FROM (SELECT {} FROM {}{}) AS t) TO STDOUT").format(
            sql.SQL(", ").join(values), sql.Identifier(*_table(listing).split(".")), self._since(sql, resource, since)
        )
        async with await self._connect(psycopg) as connection:
            read_at = await _value(connection, _OLDEST)
            await connection.set_autocommit(False)
            await connection.set_isolation_level(psycopg.IsolationLevel.REPEATABLE_READ)
            await connection.set_read_only(True)
            async with connection.cursor() as cursor, cursor.copy(query) as copy:
                rows: list[bytes] = []
                async for row in copy:
                    rows.append(bytes(row))
                    if len(rows) == ROWS_AT_ONCE:
                        yield _lines(resource, rows, read_at)
                        rows = []
                if rows:
                    yield _lines(resource, rows, read_at)

    def _since(self, sql: Any, resource: Resource, since: str | None) -> Any:
        """Give the condition for what changed since a mark; rows of which nothing tells that are read each time."""
        value = _query_value(self.system, resource, since)
        if value is None:
            return sql.SQL("")
        column = sql.Identifier(_cursor_field(resource).at)
        return sql.SQL(" WHERE {} >= {} OR {} IS NULL").format(column, sql.Literal(value), column)

    async def _connect(self, psycopg: Any) -> Any:
        address = self._address
        verified = {} if is_loopback(address.hostname or "") else {"sslmode": "verify-full", "sslrootcert": "system"}
        return await psycopg.AsyncConnection.connect(
            host=address.hostname,
            port=address.port or 5432,
            dbname=unquote(address.path.lstrip("/")),
            user=self._secret("username"),
            password=self._secret("password"),
            connect_timeout=_CONNECT_SECONDS,
            client_encoding="UTF8",
            options="-c TimeZone=UTC -c DateStyle=ISO -c IntervalStyle=iso_8601 -c bytea_output=hex -c extra_float_digits=1",
            application_name="syncline",
            autocommit=True,
            **verified,
        )

    def _secret(self, name: str) -> str | None:
        return self._credentials.secret(name) if self.system.auth.kind == "basic" else None

    async def _sqlite(self, resource: Resource, since: str | None) -> AsyncIterator[Lines]:
        listing, names = _listing(resource), [field.at for field in _columns(resource)]
        # by the table's name: a quoted word that is no column would be a text to SQLite, the same in each row
        query = f"SELECT {', '.join(map(_column, names))} FROM {self._sqlite_table(listing)} AS t"  # noqa: S608
        value = _query_value(self.system, resource, since)
        if value is not None:
            column = _column(_cursor_field(resource).at)
            moment = value if isinstance(value, int) else "julianday(?)"
            at = column if isinstance(value, int) else f"julianday({column})"
            query += f" WHERE {at} >= {moment} OR {at} IS NULL"
        parameters = [value] if isinstance(value, str) else []
        path = Path(unquote(self._address.path))
        if not path.is_file():
            raise _failed(f"{self.name}.{resource.name}", "there is no such file")
        with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True, check_same_thread=False)) as database:
            cursor = await asyncio.to_thread(database.execute, query, parameters)
            while rows := await asyncio.to_thread(list, islice(cursor, ROWS_AT_ONCE)):
                yield Lines("".join(_records(resource, names, rows)).encode(), len(rows), partial=False)

    async def described(self, resource: str) -> Mapping[str, Any] | None:
        """Ask for the columns of a table; SQLite holds any value in any column, so that its types say nothing."""
        schema, _, table = _table(_listing(self.system.resource(resource))).rpartition(".")
        if self._address.scheme != "postgresql":
            return None
        psycopg, _ = _driver(self.name)
        try:
            async with await self._connect(psycopg) as connection:
                found = await (await connection.execute(_COLUMNS, (table, schema, schema))).fetchall()
        except psycopg.Error as error:
            raise _failed(f"{self.name}.{resource}", error.sqlstate or "no answer") from None
        return {column["column_name"]: column for (column,) in found} or None

    def _sqlite_table(self, listing: ListRead) -> str:
        name = _table(listing)
        return _quoted(name) if self._connection.stand_in else ".".join(map(_quoted, name.split(".")))

    def newest(self, resource: str, values: Iterable[str]) -> str | None:
        described = self.system.resource(resource)
        cursor = _listing(described).cursor
        try:
            return cursors.newest(self.system, cursor, values) if cursor else None
        except ValueError:
            raise _failed(f"{self.name}.{resource}", "a value of the cursor column is no instant") from None

    def next_since(self, resource: str, newest: str | None, began: str | None = None) -> str | None:
        cursor = _listing(self.system.resource(resource)).cursor
        return cursors.overlapped(cursor, newest, began) if cursor and newest else None

    def observed(self) -> Observed:
        return Observed(True)


def _address(connection: Connection) -> SplitResult:
    address = urlsplit(origin_text(connection))
    if address.scheme not in SCHEMES or address.username is not None or address.query or not address.path.strip("/"):
        raise ReleaseError(
            "the origin is no database like postgresql://host:5432/name or sqlite:///folder/file.db",
            place=connection.name,
            mend="correct the origin of this connection in syncline.yaml and compile again",
        )
    return address


def _listing(resource: Resource) -> ListRead:
    if resource.list is None:
        raise ReleaseError("the system description names no table for this resource", place=resource.name)
    return resource.list


def _table(listing: ListRead) -> str:
    if not listing.table:
        raise ReleaseError("the system description names no table for this list", mend="add `table` to it")
    return listing.table


def _columns(resource: Resource) -> list[NativeField]:
    by_name = {field.at: field for field in resource.fields if field.readable}
    return list(by_name.values())


def _cursor_field(resource: Resource) -> NativeField:
    cursor = _listing(resource).cursor
    assert cursor is not None
    return resource.native(cursor.field)


def _query_value(system: System, resource: Resource, since: str | None) -> str | int | None:
    cursor = _listing(resource).cursor
    if cursor is None or since is None:
        return None
    value = cursors.query_value(system, resource, cursor, since)
    if cursor.format == "epoch":
        return int(value)
    return str(value)[:10] if resource.native(cursor.field).type == "date" else str(value)


def _lines(resource: Resource, rows: list[bytes], read_at: str | None) -> Lines:
    content = b"".join(rows).replace(b"\\\\", b"\\")  # of all that COPY escapes, JSON holds backslashes only
    documents = _documents(resource)
    if documents:
        records = (json.loads(line) for line in content.splitlines())
        content = "".join(_line(record, documents) for record in records).encode()
    return Lines(content, len(rows), partial=False, read_at=read_at)


def _records(resource: Resource, names: list[str], rows: list[tuple[Any, ...]]) -> Iterator[str]:
    documents = _documents(resource)
    for row in rows:
        yield _line({name: _text(value) for name, value in zip(names, row, strict=True)}, documents)


def _line(record: dict[str, Any], documents: list[str]) -> str:
    """Write a record as a line; numbers inside of its documents as landed ones are."""
    for name in documents:
        if (text := record[name]) is not None:
            try:
                record[name] = jsontext.render_plain(jsontext.parse(str(text)))
            except jsontext.NotJsonError:
                continue  # normalise says what is wrong with it
    return json.dumps(record, ensure_ascii=False) + "\n"


def _documents(resource: Resource) -> list[str]:
    return [field.at for field in _columns(resource) if field.type in ("json", "list")]


def _text(value: Any) -> str | int | None:
    if value is None or isinstance(value, (str, int)):
        return value
    return value.hex() if isinstance(value, bytes) else str(value)


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _column(name: str) -> str:
    return f"t.{_quoted(name)}"


async def _value(connection: Any, query: str) -> str | None:
    row = await (await connection.execute(query)).fetchone()
    return row[0] if row else None


def _driver(place: str) -> tuple[Any, Any]:
    """Give the driver for PostgreSQL, an extra, and its module that makes SQL."""
    try:
        return import_module("psycopg"), import_module("psycopg.sql")
    except ImportError:
        raise ReleaseError(
            "reading from PostgreSQL needs its driver", place=place, mend="pip install 'syncline[postgres]'"
        ) from None


def _failed(place: str, why: str, *, retry: bool = False) -> RequestFailed:
    return RequestFailed(
        f"the database did not give the table ({why[:200]})",
        category="transport" if retry else "vendor",
        place=place,
        mend="check that it runs, that the table and its columns are there and that the credential may read them",
        retry=retry,
    )
