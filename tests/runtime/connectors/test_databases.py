"""Tables of databases: digits, types, cursors, transactions that end behind a read. PostgreSQL runs for the session, if it is here."""

from __future__ import annotations

import asyncio
import json
import random
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import psycopg
import pytest

from support.clock import TestClock
from support.postgres import Server, running
from syncline_compiler.drift.compare import seen_through
from syncline_compiler.drift.describe import described_object
from syncline_compiler.drift.remote import RemoteShape
from syncline_runtime.binding import Connection
from syncline_runtime.connectors import Surroundings, open_connection
from syncline_runtime.errors import ReleaseError, RequestFailed
from syncline_runtime.request import Request
from syncline_runtime.sandbox import serve
from syncline_runtime.segments import SegmentStore
from syncline_runtime.stages.gathering import land
from syncline_runtime.state import State, landed_columns
from syncline_runtime.system import Cursor, KeyList, ListRead, NativeField, Resource, System
from syncline_runtime.tombstones import Erased

FIELDS = (
    NativeField("id", "int", "id"),
    NativeField("name", "text", 'na"me'),
    NativeField("credit", "decimal", "credit"),
    NativeField("active", "bool", "active"),
    NativeField("born", "date", "born"),
    NativeField("doc", "json", "doc"),
    NativeField("changed", "instant", "changed"),
)
NAMES = [field.name for field in FIELDS]
CUSTOMERS = Resource(
    "Customer", "Customer", "id", FIELDS, list=ListRead(Request(""), table="customers", cursor=Cursor("changed"))
)
SYSTEM = System("shop", "1.0.0", "Shop", (CUSTOMERS,), protocol="sql")
TABLE = (
    'CREATE TABLE customers (id bigint PRIMARY KEY, "na""me" text, credit numeric, active boolean, born date, doc json, '
    "changed timestamptz DEFAULT now())"
)


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with running() as started:
        yield started


@pytest.fixture
def postgres(server: Server) -> str:
    name = server.database()
    server.say(TABLE, name)
    return f"postgresql://127.0.0.1:{server.port}/{name}"


@pytest.fixture(autouse=True)
def _secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PGUSER", "syncline")


def landed(tmp_path: Path, origin: str, since: str | None = None, system: System = SYSTEM) -> tuple[list[Any], Any]:
    state = State(tmp_path, SegmentStore(tmp_path / "segments"))
    run: Any = SimpleNamespace(
        state=state, engine=asyncio.Lock(), run_id="r", garbled=set(), erased=Erased(), now=lambda: 0
    )

    async def story() -> Any:
        state.empty("landed", landed_columns(NAMES))
        connection = Connection("shop", "shop", origin, stand_in=not origin)
        async with open_connection(system, connection, Surroundings(TestClock(), random.Random(1))) as handle:
            done = await land(run, handle, CUSTOMERS, "landed", landed_columns(NAMES), since)
            return handle.next_since("Customer", done.newest, done.began)

    try:
        mark = asyncio.run(story())
        named = ", ".join(f'"native.{name}"' for name in NAMES)
        return state.rows(f"SELECT {named} FROM landed ORDER BY CAST(_native_id AS HUGEINT)"), mark
    finally:
        state.close()


def test_values_keep_their_digits_in_postgresql(tmp_path: Path, postgres: str) -> None:
    with psycopg.connect(postgres, user="syncline", autocommit=True) as database:
        database.execute(
            "INSERT INTO customers VALUES (1, E'Zoë \\\\ \"x\"\\n', 12345678901234567890.120, true, '1970-01-31', "
            "'{\"a\": 1.50, \"b\": [1]}', '2026-01-31 10:00:00.123456+02'), (9007199254740993, NULL, NULL, NULL, NULL, NULL, NULL)"
        )
    rows, mark = landed(tmp_path, postgres)
    assert rows == [
        ("1", 'Zoë \\ "x"\n', "12345678901234567890.120", "true", "1970-01-31", '{"a":"1.50","b":[1]}', "2026-01-31T08:00:00.123456+00:00"),
        ("9007199254740993", None, None, None, None, None, None),
    ]  # fmt: skip
    assert mark == "2026-01-31T07:59:59.123456Z"


def test_a_later_read_sees_what_changed_and_what_tells_no_time(tmp_path: Path, postgres: str) -> None:
    with psycopg.connect(postgres, user="syncline", autocommit=True) as database:
        for number, moment in ((1, "2026-01-31T10:00:00Z"), (2, "2026-01-31T10:00:05Z"), (3, None)):
            database.execute("INSERT INTO customers (id, changed) VALUES (%s, %s)", (number, moment))
    rows, _ = landed(tmp_path, postgres, "2026-01-31T10:00:04.000000Z")
    assert [row[0] for row in rows] == ["2", "3"]


def test_a_transaction_that_ends_behind_a_read_is_in_the_next(tmp_path: Path, postgres: str) -> None:
    with (
        psycopg.connect(postgres, user="syncline") as slow,
        psycopg.connect(postgres, user="syncline", autocommit=True) as quick,
    ):
        slow.execute("INSERT INTO customers (id) VALUES (1)")  # stamped with the time at which its transaction began
        quick.execute("SELECT pg_sleep(1.5)")
        quick.execute("INSERT INTO customers (id) VALUES (2)")
        rows, mark = landed(tmp_path / "first", postgres)
        assert [row[0] for row in rows] == ["2"]
        slow.commit()
    rows, _ = landed(tmp_path / "second", postgres, mark)
    assert [row[0] for row in rows] == ["1", "2"]


def test_a_table_that_is_not_there_is_no_empty_one(tmp_path: Path, postgres: str, server: Server) -> None:
    server.say("DROP TABLE customers", postgres.rpartition("/")[2])
    with pytest.raises(RequestFailed, match="did not give the table"):
        landed(tmp_path, postgres)


def test_a_server_that_is_not_there_may_come_back(tmp_path: Path) -> None:
    with pytest.raises(RequestFailed) as failed:
        landed(tmp_path, "postgresql://127.0.0.1:1/shop")
    assert (failed.value.category, failed.value.retry) == ("transport", True)


@pytest.fixture
def sqlite(tmp_path: Path) -> str:
    path = tmp_path / "shop.db"
    with closing(sqlite3.connect(path)) as database, database:
        database.execute('CREATE TABLE customers (id, "na""me", credit, active, born, doc, changed)')
        database.executemany(
            "INSERT INTO customers VALUES (?, ?, ?, ?, ?, ?, ?)",
            [
                (1, "Zoë", 0.1, 1, "1970-01-31", '{"a": 1.50}', "2026-01-31 10:00:00"),
                (2, None, "12345678901234567.890", 0, None, None, "2026-01-31T10:00:05Z"),
                (3, "c", None, None, None, "no document", None),
            ],
        )
    return f"sqlite://{path}"


def test_values_of_sqlite(tmp_path: Path, sqlite: str) -> None:
    rows, mark = landed(tmp_path, sqlite)
    assert rows == [
        ("1", "Zoë", "0.1", "true", "1970-01-31", '{"a":"1.50"}', "2026-01-31 10:00:00"),
        ("2", None, "12345678901234567.890", "false", None, None, "2026-01-31T10:00:05Z"),
        ("3", "c", None, None, None, "no document", None),
    ]
    assert mark == "2026-01-31T10:00:04.000000Z"
    rows, _ = landed(tmp_path, sqlite, mark)
    assert [row[0] for row in rows] == ["2", "3"]


def test_a_column_that_sqlite_does_not_have_is_told(tmp_path: Path, sqlite: str) -> None:
    """To SQLite a quoted word that names no column is a text: each row would have it as its value."""
    fields = tuple(replace(field, at="nmae") if field.name == "name" else field for field in FIELDS)
    with pytest.raises(RequestFailed, match="nmae"):
        landed(tmp_path, sqlite, system=replace(SYSTEM, resources=(replace(CUSTOMERS, fields=fields),)))
    late = replace(
        CUSTOMERS, fields=tuple(replace(one, at="chnaged") if one.name == "changed" else one for one in FIELDS)
    )
    with pytest.raises(RequestFailed, match="chnaged"):
        landed(tmp_path, sqlite, "2026-01-31T10:00:04.000000Z", system=replace(SYSTEM, resources=(late,)))


def test_sqlite_is_only_read(tmp_path: Path, sqlite: str) -> None:
    with pytest.raises(RequestFailed, match="no such file"):
        landed(tmp_path, f"sqlite://{tmp_path}/other.db")
    assert not (tmp_path / "other.db").exists()


@pytest.mark.parametrize("origin", ["mysql://h/db", "postgresql://u:p@h/db", "postgresql://h", "sqlite://"])
def test_other_origins_are_refused(tmp_path: Path, origin: str) -> None:
    with pytest.raises(ReleaseError, match="no database like"):
        landed(tmp_path, origin)


def test_an_origin_that_the_description_does_not_name_is_refused(tmp_path: Path, sqlite: str) -> None:
    with pytest.raises(ReleaseError, match="none of the origins"):
        landed(tmp_path, sqlite, system=replace(SYSTEM, origins={"any": ("postgresql://db.example.com/shop",)}))


def test_the_stand_in_is_a_database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seeded = replace(SYSTEM, sandbox={"Customer": [{"id": 1, 'na"me': "Ada", "active": True}]})
    with serve([seeded]) as sandbox:
        monkeypatch.setenv("SYNCLINE_SANDBOX_URL", sandbox.url)
        rows, _ = landed(tmp_path, "", system=seeded)
    assert rows == [("1", "Ada", None, "true", None, None, None)]


def test_the_ids_of_a_table_are_read_alone(tmp_path: Path, postgres: str, server: Server) -> None:
    server.say(
        "INSERT INTO customers (id, credit) VALUES (1, 1.5), (12345678901234567, NULL)", postgres.rpartition("/")[2]
    )
    file = tmp_path / "shop.db"
    with closing(sqlite3.connect(file)) as database, database:
        database.execute(TABLE.replace("DEFAULT now()", ""))
        database.execute("INSERT INTO customers (id) VALUES (1), (12345678901234567)")
    listing = replace(CUSTOMERS.list, keys=KeyList(Request(""), id="id"))  # type: ignore[type-var]
    system = replace(SYSTEM, resources=(replace(CUSTOMERS, list=listing),))

    async def ids(origin: str) -> list[Any]:
        around = Surroundings(TestClock(), random.Random(1))
        async with open_connection(system, Connection("shop", "shop", origin), around) as handle:
            pages = [page async for page in handle.read_keys("Customer")]
        return [json.loads(line) for page in pages for line in page.content.splitlines()]  # type: ignore[union-attr]

    for origin in (postgres, f"sqlite://{file}"):
        assert [(list(one), str(one["id"])) for one in asyncio.run(ids(origin))] == [
            (["id"], "1"), (["id"], "12345678901234567"),
        ]  # fmt: skip


def test_columns_are_described(postgres: str) -> None:
    async def told(origin: str) -> Any:
        async with open_connection(SYSTEM, Connection("shop", "shop", origin), Surroundings()) as handle:
            return await handle.described("Customer")

    columns = asyncio.run(told(postgres))
    assert {name: (one["data_type"], one["is_nullable"]) for name, one in columns.items()} == {
        "id": ("bigint", "NO"), 'na"me': ("text", "YES"), "credit": ("numeric", "YES"), "active": ("boolean", "YES"),
        "born": ("date", "YES"), "doc": ("json", "YES"), "changed": ("timestamp with time zone", "YES"),
    }  # fmt: skip
    seen = described_object(CUSTOMERS, columns, "shop")
    assert seen_through(SYSTEM, RemoteShape("describe", {"Customer": seen})).system == SYSTEM, "nothing drifted"
    assert asyncio.run(told("sqlite:///tmp/none.db")) is None
