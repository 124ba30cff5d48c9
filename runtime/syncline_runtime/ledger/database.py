"""One open ledger database: transactions, the fence of leases, and statements compiled once.

In: a SQLAlchemy engine and a realm. Out: ``read`` and ``write`` transactions.
Invariants: a write transaction of SQLite begins as a writer (BEGIN IMMEDIATE), so nobody waits half-way; a lease
given to ``write`` is proved inside the transaction; no database error leaves this module as such.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from threading import get_ident
from typing import Any

from sqlalchemy import BindParameter, Connection, Dialect, Engine, bindparam, func, select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.sql import ClauseElement

from syncline_runtime.errors import InternalError, StateError
from syncline_runtime.ledger.facts import Lease, Realm
from syncline_runtime.ledger.failures import told
from syncline_runtime.ledger.schema import counter, lease

Clock = Callable[[], int]
Row = Any  # a tuple of column values


class Prepared:
    """A statement that is built at its first use, compiled once per dialect, and then costs no more than the driver."""

    def __init__(self, build: Callable[[], ClauseElement]) -> None:
        self._build = build
        self._compiled: dict[str, tuple[str, dict[str, Any]]] = {}

    def on(self, dialect: Dialect) -> tuple[str, dict[str, Any]]:
        """Give SQL text in the driver's style, and the values that are fixed in the statement."""
        if dialect.name not in self._compiled:
            compiled = self._build().compile(dialect=dialect)
            self._compiled[dialect.name] = (str(compiled), dict(compiled.params))
        return self._compiled[dialect.name]


def given(*columns: str) -> dict[str, BindParameter[Any]]:
    """Give new values for columns, to be given as ``to_COLUMN``: SQLAlchemy keeps the bare names for itself."""
    return {name: bindparam(f"to_{name}") for name in columns}


_HELD = Prepared(
    lambda: select(func.count()).select_from(
        select(lease.c.scope)
        .where(lease.c.realm_id == bindparam("realm"), lease.c.token == bindparam("token"))
        .with_for_update(read=True)
        .subquery()
    )
)
_BUMP = Prepared(
    lambda: (
        counter.update()
        .where(counter.c.realm_id == bindparam("realm"), counter.c.name == bindparam("of"))
        .values(value=counter.c.value + bindparam("by"))
        .returning(counter.c.value)
    )
)
_BEGIN = Prepared(lambda: counter.insert())


class Transaction:
    """The statements of one transaction, for one realm and at one moment."""

    def __init__(self, connection: Connection, realm_id: int, now: int) -> None:
        self.connection, self.realm_id, self.now = connection, realm_id, now
        driver = connection.connection.dbapi_connection
        assert driver is not None
        self._driver, self._dialect = driver, connection.dialect
        self._one = driver.cursor()  # for statements whose rows are taken before the next one
        self.spoiled, self.thread = False, get_ident()
        self.proved: set[int] = set()  # tokens of leases that are ours for as long as this transaction lasts

    def run(self, statement: Prepared, **values: Any) -> int:
        """Execute a statement that changes rows and return how many."""
        return int(self._executed(statement, values).rowcount)

    def rows(self, statement: Prepared, **values: Any) -> list[Row]:
        """Execute a statement and return its rows."""
        return list(self._executed(statement, values).fetchall())

    def row(self, statement: Prepared, **values: Any) -> Row | None:
        """Execute a statement and return its first row."""
        found = self.rows(statement, **values)
        return found[0] if found else None

    def many(self, statement: Prepared, rows: Iterable[Mapping[str, Any]]) -> None:
        """Execute a statement once per row of values; rows that name every column are not copied."""
        sql, fixed = statement.on(self._dialect)
        values = list(rows)
        if values and not fixed.keys() <= values[0].keys():
            values = [{**fixed, "realm": self.realm_id, "realm_id": self.realm_id, **row} for row in values]
        if values:
            self._one.executemany(sql, values)

    def among(self, statement: Any, name: str, values: Sequence[Any], size: int = 500, **others: Any) -> Iterator[Row]:
        """Execute a select once per ``size`` values of its expanding parameter ``name``."""
        for start in range(0, len(values), size):
            given = {"realm": self.realm_id, name: list(values[start : start + size]), **others}
            yield from map(tuple, self.connection.execute(statement, given))

    def bump(self, name: str, by: int = 1) -> int:
        """Raise a counter of the realm and return its new value; concurrent transactions wait for each other."""
        row = self.row(_BUMP, of=name, by=by)
        if row is None:
            self.run(_BEGIN, name=name, value=by)
            return by
        return int(row[0])

    def _executed(self, statement: Prepared, values: Mapping[str, Any]) -> Any:
        sql, fixed = statement.on(self._dialect)
        self._one.execute(sql, {**fixed, "realm": self.realm_id, "realm_id": self.realm_id, **values})
        return self._one


class Database:
    """An engine, the realm that it is used for, and the clock."""

    def __init__(self, engine: Engine, place: str, clock: Clock) -> None:
        self._engine, self.place, self.clock = engine, place, clock
        self.realm, self.realm_id, self.fingerprint_key = Realm("", ""), 0, b""
        self._writer: Connection | None = None
        self._current: Transaction | None = None
        self._lock = threading.RLock()

    def belongs_to(self, realm: Realm, realm_id: int, fingerprint_key: bytes) -> None:
        """Fix the realm, once it is known that the ledger is of it."""
        self.realm, self.realm_id, self.fingerprint_key = realm, realm_id, fingerprint_key

    @contextmanager
    def read(self) -> Iterator[Transaction]:
        """One consistent view of the ledger."""
        with self._lock, self._told():
            if self._current is not None:  # what this transaction wrote is seen
                yield self._current
                return
            with self._engine.connect() as connection, connection.begin():
                yield Transaction(connection, self.realm_id, self.clock())

    def write(self, held: Lease | None = None) -> AbstractContextManager[Transaction]:
        """One transaction that is committed at its end, or leaves nothing behind.

        A write inside another joins it. Raises StateError (SYN6009) when ``held`` is given and no longer ours.
        """
        outer = self._current
        return _Joined(self, outer, held) if outer and outer.thread == get_ident() else self._written(held)

    @contextmanager
    def _written(self, held: Lease | None) -> Iterator[Transaction]:
        with self._lock, self._told(), self._connection().begin():
            transaction = Transaction(self._connection(), self.realm_id, self.clock())
            self.prove(transaction, held)
            self._current = transaction
            try:
                yield transaction
            finally:
                self._current = None
            if transaction.spoiled:
                raise InternalError("a step of a joint transaction failed; nothing was recorded", place=self.place)

    def vacuum(self) -> None:
        """Write the file anew, so that nothing stays in it of what was deleted; a server sees to that itself."""
        if self._engine.dialect.name != "sqlite":
            return
        with self._lock, self._told():
            driver = self._connection().connection.dbapi_connection
            assert driver is not None
            for statement in ("PRAGMA wal_checkpoint(TRUNCATE)", "VACUUM", "PRAGMA wal_checkpoint(TRUNCATE)"):
                cursor = driver.cursor()
                cursor.execute(statement)
                cursor.close()

    def close(self) -> None:
        """Give back all connections; SQLite folds its log into the file."""
        with self._lock:
            if self._writer is not None:
                self._writer.close()
                self._writer = None
            self._engine.dispose()

    def _connection(self) -> Connection:
        """Give the connection kept for writing: opening one per step would cost as much as the step."""
        if self._writer is None or self._writer.closed or self._writer.invalidated:
            self._writer = self._engine.connect().execution_options(writes=True)
        return self._writer

    def prove(self, transaction: Transaction, held: Lease | None) -> None:
        """Refuse to go on with a lease that is no longer ours, for as long as the transaction lasts."""
        if held is None or held.token in transaction.proved:
            return
        row = transaction.row(_HELD, token=held.token)
        if row is None or row[0] != len(held.scopes):
            raise StateError(
                f"the lease on {', '.join(held.scopes)} was lost to another run",
                place=self.place,
                mend="this run stops here, the other one goes on; raise the lease's time if runs are often this slow",
                code="SYN6009",
            )
        transaction.proved.add(held.token)

    @contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except Exception as error:
            self.tell(error)
            raise

    def tell(self, error: BaseException) -> None:
        """Raise what an error of the database means to people; other errors are left alone."""
        driver = self._engine.dialect.dbapi
        if isinstance(error, SQLAlchemyError) or (driver and isinstance(error, driver.Error)):
            said = told(error, self.place)
            raise said from (error if isinstance(said, InternalError) else None)


class _Joined(AbstractContextManager[Transaction]):
    """A write inside another: many small ones are committed together, so that this has to cost little."""

    def __init__(self, database: Database, outer: Transaction, held: Lease | None) -> None:
        self._database, self._outer, self._held = database, outer, held

    def __enter__(self) -> Transaction:
        try:
            self._database.prove(self._outer, self._held)
        except BaseException as error:
            self.__exit__(type(error), error, None)
            raise
        return self._outer

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if error is not None:
            self._outer.spoiled = True
            self._database.tell(error)
