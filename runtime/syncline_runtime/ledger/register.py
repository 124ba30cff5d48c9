"""The register of segments, the cursors, the acks that the fold has not seen, and what connections have proved.

In: segments that are published, acks of deliveries. Out: everything that the fold needs up to a ledger sequence.
Invariant: segments and acks share one sequence that rises with each commit and is never given twice.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from sqlalchemy import and_, bindparam, func, literal_column, select
from sqlalchemy.sql import Select

from syncline_runtime.errors import StateError
from syncline_runtime.ledger.database import Database, Prepared, Row, Transaction, given
from syncline_runtime.ledger.facts import Ack, Cursor, Lease, Reference
from syncline_runtime.ledger.schema import ack, connection, counter, cursor, intent, payload, segment
from syncline_runtime.segments import Segment

_SEGMENTS = Prepared(
    lambda: select(
        segment.c.kind, segment.c.subject, segment.c.run_id, segment.c.path, segment.c.sha256,
        segment.c.rows, segment.c.bytes, segment.c.schema_version, segment.c.seq,
    )
    .where(segment.c.realm_id == bindparam("realm"), segment.c.seq > bindparam("after"))
    .order_by(segment.c.seq)
)  # fmt: skip
_EVERYONES = select(
    segment.c.kind, segment.c.subject, segment.c.run_id, segment.c.path, segment.c.sha256,
    segment.c.rows, segment.c.bytes, segment.c.schema_version, segment.c.seq,
)  # fmt: skip
_ADD_SEGMENT = Prepared(lambda: segment.insert())
_DROP_SEGMENT = Prepared(
    lambda: segment.delete().where(
        segment.c.realm_id == bindparam("realm"), segment.c.seq == bindparam("of"), segment.c.path == bindparam("at")
    )
)
_SEQUENCE = Prepared(
    lambda: select(counter.c.value).where(counter.c.realm_id == bindparam("realm"), counter.c.name == "seq")
)
_CURSORS = Prepared(
    lambda: (
        select(cursor.c.connection, cursor.c.resource, cursor.c.sync, cursor.c.value)
        .where(cursor.c.realm_id == bindparam("realm"))
        .order_by(cursor.c.connection, cursor.c.resource, cursor.c.sync)
    )
)
_DROP_CURSOR = Prepared(
    lambda: cursor.delete().where(
        cursor.c.realm_id == bindparam("realm"),
        cursor.c.connection == bindparam("connection"),
        cursor.c.resource == bindparam("resource"),
        cursor.c.sync == bindparam("sync"),
    )
)
_ADD_CURSOR = Prepared(lambda: cursor.insert())
_CONFIRM = Prepared(
    lambda: (
        ack.update()
        .where(ack.c.realm_id == bindparam("realm"), ack.c.seq == bindparam("of"), ack.c.confirmed_run.is_(None))
        .values(given("confirmed_run"))
    )
)
_PROVEN = Prepared(
    lambda: select(connection.c.account, connection.c.environment).where(
        connection.c.realm_id == bindparam("realm"), connection.c.name == bindparam("of")
    )
)
_PROVE = Prepared(lambda: connection.insert())
_UNCONFIRMED = ack.c.confirmed_run.is_(None)


def _payload(kind: str) -> Any:
    return payload.alias(kind)


def _body(alias: Any, kind: str) -> Any:
    """Join condition for the payload of a kind that belongs to the ack's intent."""
    return and_(
        alias.c.realm_id == ack.c.realm_id,
        alias.c.kind == literal_column(f"'{kind}'"),
        alias.c.subject == ack.c.intent_id,
    )


def _acks(*where: Any) -> Select[Any]:
    sealed, sent, returned = _payload("sealed"), _payload("sent"), _payload("returned")
    return (
        select(
            ack.c.seq, ack.c.intent_id, intent.c.sync, intent.c.object, intent.c.connection, intent.c.resource,
            intent.c.operation, intent.c.canonical_id, intent.c.part_key, ack.c.native_id, ack.c.version, ack.c.at,
            ack.c.confirmed_run, func.coalesce(sent.c.body, sealed.c.body), returned.c.body,
        )
        .join_from(ack, intent, and_(intent.c.realm_id == ack.c.realm_id, intent.c.id == ack.c.intent_id))
        .outerjoin(sealed, _body(sealed, "intent"))
        .outerjoin(sent, _body(sent, "sent"))
        .outerjoin(returned, _body(returned, "returned"))
        .where(ack.c.realm_id == bindparam("realm"), *where)
        .order_by(ack.c.seq)
    )  # fmt: skip


_ACKS_AFTER = Prepared(lambda: _acks(ack.c.seq > bindparam("after")))
_ACKS_UNCONFIRMED = Prepared(lambda: _acks(_UNCONFIRMED))
_NATIVE_IDS = (
    select(intent.c.object, intent.c.canonical_id, intent.c.connection, ack.c.native_id)
    .join_from(ack, intent, and_(intent.c.realm_id == ack.c.realm_id, intent.c.id == ack.c.intent_id))
    .where(
        ack.c.realm_id == bindparam("realm"),
        _UNCONFIRMED,
        ack.c.native_id.is_not(None),
        intent.c.part_key == "",
        intent.c.operation.in_(["create", "link"]),
        intent.c.canonical_id.in_(bindparam("ids", expanding=True)),
    )
)


class Register:
    """Segments, cursors, acks and proofs of a realm."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def sequence(self) -> int:
        """Give the highest sequence given so far; 0 before anything was registered."""
        with self._database.read() as look:
            return int((look.row(_SEQUENCE) or (0,))[0])

    def segments(self, after: int = 0) -> list[Segment]:
        """Give the registered segments with a higher sequence, in its order."""
        with self._database.read() as look:
            return [Segment(*row) for row in look.rows(_SEGMENTS, after=after)]

    def everyones(self) -> list[Segment]:
        """Give the registered segments of every realm of this ledger, in no order."""
        with self._database.read() as look:
            return [Segment(*row) for row in look.connection.execute(_EVERYONES)]

    def replace(self, held: Lease, gone: Sequence[Segment], new: Sequence[Segment]) -> None:
        """Let segments stand in for others, at once; one without a sequence gets the next.

        Raises StateError (SYN6009) if another process has replaced one of them.
        """
        with self._database.write(held) as change:
            replace_segments(change, gone, new, self._database.place)

    def cursors(self) -> dict[tuple[str, str, str], str]:
        """Give the cursor per (connection, resource, sync)."""
        with self._database.read() as look:
            return {row[:3]: row[3] for row in look.rows(_CURSORS)}

    def acks(self, after: int = 0) -> list[Ack]:
        """Give the acks with a higher sequence, in its order."""
        with self._database.read() as look:
            return [_ack(row) for row in look.rows(_ACKS_AFTER, after=after)]

    def unconfirmed_acks(self) -> list[Ack]:
        """Give the acks that no base segment holds yet, in the order of their sequence."""
        with self._database.read() as look:
            return [_ack(row) for row in look.rows(_ACKS_UNCONFIRMED)]

    def confirm(self, held: Lease, run: str, acks: Sequence[int], segments: Sequence[Segment]) -> int:
        """Register what acks turned into and mark them (by their sequence), at once; returns the new sequence.

        Raises StateError (SYN6009) if another run has confirmed one of them.
        """
        with self._database.write(held) as change:
            for seq in acks:
                if not change.run(_CONFIRM, of=seq, to_confirmed_run=run):
                    raise StateError(
                        f"ack {seq} was confirmed by another run",
                        place=self._database.place,
                        mend="run again: the state is taken from the ledger anew",
                        code="SYN6009",
                    )
            return add_segments(change, run, segments)

    def native_ids(self, references: Sequence[Reference]) -> dict[Reference, str]:
        """Give the native ids that unconfirmed acks give to references; those of confirmed acks are in the state."""
        with self._database.read() as look:
            return native_ids(look, references)

    def prove(self, held: Lease, name: str, account: str, environment: str = "") -> None:
        """Record which account and environment a connection proved to be, or compare with what it was before.

        Raises StateError (SYN6006) when it is another one: the state of one account says nothing about another.
        """
        with self._database.write(held) as change:
            known = change.row(_PROVEN, of=name)
            if known is None:
                change.run(_PROVE, name=name, account=account, environment=environment, proven_at=change.now)
            elif known != (account, environment):
                raise StateError(
                    f"connection {name} now leads to another account or environment than in earlier runs",
                    place=self._database.place,
                    mend="correct the binding, or give the new account a state folder of its own",
                    code="SYN6006",
                )


def add_segments(change: Transaction, run: str, segments: Sequence[Segment]) -> int:
    """Register segments of a run and return the sequence after them, raised even if there are none."""
    last = change.bump("seq", max(len(segments), 1))
    numbered = [one.at(last - len(segments) + place) for place, one in enumerate(segments, start=1)]
    change.many(_ADD_SEGMENT, ({**vars(one), "run_id": run} for one in numbered))
    return last


def replace_segments(change: Transaction, gone: Sequence[Segment], new: Sequence[Segment], place: str) -> None:
    """See ``Register.replace``."""
    for one in gone:
        if not change.run(_DROP_SEGMENT, of=one.seq, at=one.path):
            raise StateError(
                f"segment {one.path} was replaced by another process",
                place=place,
                mend="nothing was changed; run again",
                code="SYN6009",
            )
    numbered = [one if one.seq else one.at(change.bump("seq")) for one in new]
    change.many(_ADD_SEGMENT, ({**vars(one), "run_id": one.run} for one in numbered))


def move_cursors(change: Transaction, run: str, cursors: Sequence[Cursor]) -> None:
    """Set cursors to where a run has read."""
    for one in cursors:
        change.run(_DROP_CURSOR, connection=one.connection, resource=one.resource, sync=one.sync)
        change.run(_ADD_CURSOR, **vars(one), run_id=run)


def native_ids(look: Transaction, references: Sequence[Reference]) -> dict[Reference, str]:
    """See ``Register.native_ids``."""
    wanted = set(references)
    rows: Iterator[Row] = look.among(_NATIVE_IDS, "ids", sorted({one.canonical_id for one in wanted}))
    found = {Reference(*row[:3]): row[3] for row in rows}
    return {one: native for one, native in found.items() if one in wanted}


def _ack(row: Row) -> Ack:
    sent: Mapping[str, Any] = json.loads(row[13]) if row[13] else {}
    returned = json.loads(row[14]) if row[14] else None
    return Ack(*(*row[:13], sent, returned))
