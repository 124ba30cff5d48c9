"""Open a ledger, make a new one, and refuse everything that is not ours.

In: a path (SQLite) or a database URL, a realm and a clock. Out: ``Ledger``.
Invariant: what is missing, damaged, newer or of another realm is never taken for an empty ledger.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import metadata
from pathlib import Path
from types import TracebackType
from typing import Self

from sqlalchemy import inspect, select

from syncline_runtime.errors import StateError
from syncline_runtime.ledger.bodies import fingerprint
from syncline_runtime.ledger.buckets import Buckets
from syncline_runtime.ledger.casework import Casework
from syncline_runtime.ledger.database import Clock, Database, Prepared, Transaction, given
from syncline_runtime.ledger.decisions import Decisions
from syncline_runtime.ledger.engine import file_engine, new_file, parsed, server_engine
from syncline_runtime.ledger.erasures import Erasures
from syncline_runtime.ledger.exceptions import Exceptions
from syncline_runtime.ledger.facts import Lease, Realm, Seal, Sealed
from syncline_runtime.ledger.intents import Intents
from syncline_runtime.ledger.leases import Leases
from syncline_runtime.ledger.moves import Moves
from syncline_runtime.ledger.outbox import Outbox
from syncline_runtime.ledger.register import Register
from syncline_runtime.ledger.runs import Runs
from syncline_runtime.ledger.schema import FORMAT, meta, realm
from syncline_runtime.ledger.seal import seal

FILE = "ledger.sqlite"  # below the state folder
SEGMENTS = "segments"  # beside it
_META = Prepared(lambda: select(meta.c.format, meta.c.fingerprint_key))
_REALMS = Prepared(lambda: select(realm.c.id, realm.c.project, realm.c.environment, realm.c.tenant))
_NEW_REALM = Prepared(lambda: realm.insert().values(given("project", "environment", "tenant")).returning(realm.c.id))


class Ledger:
    """The open ledger of one realm, its subjects side by side."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.realm, self.place = database.realm, database.place
        self.runs, self.leases, self.register = Runs(database), Leases(database), Register(database)
        self.intents, self.outbox = Intents(database), Outbox(database)
        self.exceptions, self.decisions = Exceptions(database), Decisions(database)
        self.casework = Casework(database)
        self.erasures = Erasures(database)
        self.moves = Moves(database)
        self.buckets = Buckets(database)

    @property
    def identity(self) -> str:
        """What tells this ledger and realm from all others; says nothing of what is in it."""
        return fingerprint(self._database.fingerprint_key, str(self.realm).encode())

    def seal(self, held: Lease, what: Seal) -> Sealed:
        """Record everything that a run decided, in one transaction; see ``seal.seal``."""
        return seal(self._database, held, what)

    @contextmanager
    def together(self, held: Lease) -> Iterator[None]:
        """Make the ledger's writes within the block one transaction: one wait for the disk instead of many."""
        with self._database.write(held):
            yield

    def close(self) -> None:
        """Give the database back."""
        self._database.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def open_ledger(location: str | Path, realm: Realm, clock: Clock, *, patience: int = 5_000_000) -> Ledger:
    """Open the ledger at a path or database URL, making or upgrading it where that is due.

    ``patience`` is how long to wait for another process's lock, in microseconds. Raises StateError: SYN6002 damaged
    or not a ledger, SYN6003 not accessible, SYN6005 newer than this program, SYN6006 of another realm, SYN6007 locked,
    SYN6008 missing although segments exist.
    """
    if isinstance(location, str) and "://" in location:
        url = parsed(location)
        if url.get_backend_name() != "sqlite":
            place = url.render_as_string(hide_password=True)
            return _admitted(Database(server_engine(url), place, clock), realm, shared=True)
        location = url.database or ""
    path = Path(location)
    if not path.exists():
        _refuse_orphaned_segments(path)
        with new_file(path) as draft:
            _admitted(Database(file_engine(draft, patience), str(path), clock), realm, shared=True).close()
    elif path.is_file() and path.stat().st_size == 0:
        raise _damaged(str(path), "the ledger is empty: something has cut it off")
    return _admitted(Database(file_engine(path, patience), str(path), clock), realm, shared=False)


def _refuse_orphaned_segments(path: Path) -> None:
    if next((path.parent / SEGMENTS).rglob("*-*.parquet"), None) is not None:
        raise StateError(
            "the ledger is missing although segments of earlier runs exist",
            place=str(path),
            mend="restore the ledger from a backup; to begin anew on purpose, move the whole state folder away",
            code="SYN6008",
        )


def _admitted(database: Database, wanted: Realm, shared: bool) -> Ledger:
    """Check format and realm, upgrading and (in a new or shared database) adding the realm."""
    try:
        with database.read() as look:
            due = _format(look, database.place) != FORMAT
        if due:
            _upgrade(database)
        with database.read() as look:
            realm_id = _realm_id(look, wanted, database.place, shared)
            key = bytes.fromhex((look.row(_META) or (0, ""))[1])
        database.belongs_to(wanted, realm_id or _add_realm(database, wanted), key)
    except BaseException:
        database.close()
        raise
    return Ledger(database)


def _format(look: Transaction, place: str) -> int:
    """Give the format of the ledger, 0 for a database without tables; refuses other programs' tables and newer formats."""
    tables = inspect(look.connection)
    if not tables.has_table("meta") or not tables.has_table("alembic_version"):
        if tables.get_table_names():
            raise StateError(
                "this database holds other tables than a ledger's",
                place=place,
                mend="give the state folder of this project, or a database of its own",
                code="SYN6002",
            )
        return 0
    row = look.row(_META)
    if row is None:
        raise _damaged(place, "the ledger does not say its format")
    if row[0] > FORMAT:
        raise StateError(
            f"the ledger has format {row[0]}, this program knows up to {FORMAT}",
            place=place,
            mend="use the newer version of syncline that wrote it",
            code="SYN6005",
        )
    return int(row[0])


def _upgrade(database: Database) -> None:
    # Alembic takes longer to import than a whole run with nothing to do
    from syncline_runtime.ledger.migrate import upgrade

    with database.write() as change:
        if _format(change, database.place) == FORMAT:
            return  # another process was faster
        upgrade(change.connection)
        values = {"format": FORMAT, "program": metadata.version("syncline")}
        if change.connection.execute(meta.update().values(values)).rowcount == 0:
            fresh = {"id": 1, "created_at": change.now, "fingerprint_key": secrets.token_hex(32)}
            change.connection.execute(meta.insert().values({**values, **fresh}))


def _realm_id(look: Transaction, wanted: Realm, place: str, shared: bool) -> int | None:
    """Give the realm's number, None if it may be added; tenants of one project and environment share a file."""
    known = {Realm(*row[1:]): int(row[0]) for row in look.rows(_REALMS)}
    if wanted in known or shared:
        return known.get(wanted)
    other = next((one for one in known if (one.project, one.environment) != (wanted.project, wanted.environment)), None)
    if other is None:
        return None
    raise StateError(
        f"this is the ledger of {other}, not of {wanted}",
        place=place,
        mend=f"give {wanted} a state folder of its own (--state DIR)",
        code="SYN6006",
    )


def _add_realm(database: Database, wanted: Realm) -> int:
    with database.write() as change:
        known = _realm_id(change, wanted, database.place, shared=True)
        if known is not None:
            return known
        values = {"to_project": wanted.project, "to_environment": wanted.environment, "to_tenant": wanted.tenant}
        (number,) = change.row(_NEW_REALM, **values) or (0,)
        return int(number)


def _damaged(place: str, message: str) -> StateError:
    return StateError(
        message,
        place=place,
        mend="restore the whole state folder from a backup; nothing is sent until then",
        code="SYN6002",
    )
