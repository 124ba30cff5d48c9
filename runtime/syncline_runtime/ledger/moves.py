"""Moves in the ledger: what is open, decided, or read up to is known by the names of today's release.

In: moves as a release declares them. Out: rows under today's names, once. Invariant: what the past is told by (counts, the
segments' register, tombstones, whose digests hold names) stays as it was.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Table, and_, select

from syncline_runtime.encoding import digest
from syncline_runtime.ledger.database import Database, Transaction
from syncline_runtime.ledger.facts import Lease
from syncline_runtime.ledger.schema import (
    connection,
    counter,
    cursor,
    decision,
    exception,
    intent,
    intent_reference,
    payload,
)

TABLES: tuple[Table, ...] = (cursor, intent, intent_reference, exception, decision, payload)


@dataclass(frozen=True)
class Move:
    """What of one sync has another name by now: its names as they are, and those before."""

    sync: str
    syncs: tuple[str, ...]
    object: str
    objects: tuple[str, ...]
    connections: Mapping[str, str]  # before → now
    resources: Mapping[tuple[str, str], str]  # connection as it is, resource before → now
    places: tuple[tuple[str, str], ...]  # connection and resource of each member, as they are


class Moves:
    """Moves as a realm's ledger follows them."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def follow(self, held: Lease, moves: Sequence[Move]) -> None:
        """Put what is known under earlier names under today's; nothing where that was done."""
        mark = f"moves {digest([_told(move) for move in moves])}"
        with self._database.write(held) as change:
            done = select(counter.c.value).where(counter.c.realm_id == change.realm_id, counter.c.name == mark)
            if change.connection.execute(done).first() is not None:
                return
            change.connection.execute(counter.insert().values(realm_id=change.realm_id, name=mark, value=1))
            for move in moves:
                for table in TABLES:
                    _follow(change, table, move)
                _follow_proofs(change, move)


def _told(move: Move) -> list[Any]:
    return [
        move.sync, list(move.syncs), move.object, list(move.objects), dict(move.connections),
        [[*before, now] for before, now in sorted(move.resources.items())],
    ]  # fmt: skip


def _follow(change: Transaction, table: Table, move: Move) -> None:
    mine = _of(table, move)
    if "resource" in table.c:
        for (there, before), now in move.resources.items():
            known_by = (there, *(old for old, new in move.connections.items() if new == there))
            _rename(change, table, "resource", before, now, and_(mine, table.c.connection.in_(known_by)))
    if "connection" in table.c:
        for before, now in move.connections.items():
            _rename(change, table, "connection", before, now, mine)
    if "owner" in table.c:
        for before, now in move.connections.items():
            _rename(change, table, "owner", before, now, mine)
    for before in move.objects if "object" in table.c else ():
        _rename(change, table, "object", before, move.object, mine)
    for before in move.syncs if "sync" in table.c else ():
        _rename(change, table, "sync", before, move.sync, table.c.realm_id == change.realm_id)


def _of(table: Table, move: Move) -> ColumnElement[bool]:
    """Tell the rows that belong to the sync, or where no sync is named to its object."""
    if "sync" in table.c:
        return table.c.sync.in_((move.sync, *move.syncs))
    return table.c.object.in_((move.object, *move.objects))


def _rename(change: Transaction, table: Table, column: str, before: str, now: str, where: ColumnElement[bool]) -> None:
    mine = and_(table.c.realm_id == change.realm_id, where, table.c[column] == before)
    change.connection.execute(table.update().where(mine).values({column: now}))


def _follow_proofs(change: Transaction, move: Move) -> None:
    """Let a connection be proved as the same account under its new name."""
    for before, now in move.connections.items():
        known = select(connection.c.name).where(connection.c.realm_id == change.realm_id, connection.c.name == now)
        if change.connection.execute(known).first() is None:
            _rename(change, connection, "name", before, now, connection.c.name == before)
