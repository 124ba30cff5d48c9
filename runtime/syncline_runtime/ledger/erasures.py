"""Erasures: what the ledger forgets of a record, and the tombstones that keep it from coming back.

In: canonical ids, tombstones as keyed digests, segments without the record. Out: one transaction after which no row of the
ledger holds its values or ids. Invariants: a tombstone is an HMAC with a key that does not lie in the ledger; an erasure
stays *unfinished* until the files have followed, so that a kill in between is made good.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import bindparam, select

from syncline_runtime.ledger.database import Database, Prepared, Transaction, given
from syncline_runtime.ledger.facts import Lease
from syncline_runtime.ledger.register import replace_segments
from syncline_runtime.ledger.schema import (
    ack,
    attempt,
    erased,
    erasure,
    exception,
    exception_note,
    intent,
    metadata,
    payload,
    standing_in,
)
from syncline_runtime.ledger.states import OPEN, STANDING
from syncline_runtime.segments import Segment

CHECK = "key"  # in place of a connection: the digest by which the right key is recognised
_TOMBSTONES = Prepared(
    lambda: select(erased.c.connection, erased.c.resource, erased.c.digest).where(
        erased.c.realm_id == bindparam("realm")
    )
)
_ADD = Prepared(lambda: erasure.insert())
_ADD_TOMBSTONE = Prepared(lambda: erased.insert())
_PENDING = Prepared(
    lambda: select(erasure.c.id).where(erasure.c.realm_id == bindparam("realm"), erasure.c.finished_at.is_(None))
)
_FINISH = Prepared(
    lambda: (
        erasure.update()
        .where(erasure.c.realm_id == bindparam("realm"), erasure.c.finished_at.is_(None))
        .values(given("finished_at"))
    )
)
_HERE = intent.c.realm_id == bindparam("realm")
_OF = select(intent.c.id, intent.c.n).where(_HERE, intent.c.canonical_id.in_(bindparam("ids", expanding=True)))
_END = Prepared(
    lambda: (
        intent.update()
        .where(_HERE, intent.c.id == bindparam("of"), standing_in(intent, OPEN))
        .values(state="waived", claim_token=0, **given("updated_at"))
    )
)
_CLEAR_INTENT = Prepared(
    lambda: (
        intent.update()
        .where(_HERE, intent.c.id == bindparam("of"))
        .values(native_id=None, correlation_id="", **given("key"))
    )
)
_CLEAR_ACK = Prepared(
    lambda: (
        ack.update()
        .where(ack.c.realm_id == bindparam("realm"), ack.c.intent_id == bindparam("of"))
        .values(native_id=None)
    )
)
_CLEAR_ATTEMPT = Prepared(
    lambda: (
        attempt.update()
        .where(attempt.c.realm_id == bindparam("realm"), attempt.c.intent_id == bindparam("of"))
        .values(message="")
    )
)
_EXCEPTIONS = Prepared(
    lambda: select(exception.c.id, exception.c.canonical_id, exception.c.connection, exception.c.native_id).where(
        exception.c.realm_id == bindparam("realm")
    )
)
_CLEAR_EXCEPTION = Prepared(
    lambda: (
        exception.update()
        .where(exception.c.realm_id == bindparam("realm"), exception.c.id == bindparam("of"))
        .values(native_id="", correlation_id="", message="erased", **given("canonical_id"))
    )
)
_CLOSE_EXCEPTION = Prepared(
    lambda: (
        exception.update()
        .where(
            exception.c.realm_id == bindparam("realm"),
            exception.c.id == bindparam("of"),
            standing_in(exception, STANDING),
        )
        .values(state="resolved")
    )
)
_FORGET_VALUES = Prepared(
    lambda: payload.delete().where(
        payload.c.realm_id == bindparam("realm"),
        payload.c.kind == bindparam("of_kind"),
        payload.c.subject == bindparam("of"),
    )
)

_FORGET_NOTES = Prepared(
    lambda: payload.delete().where(
        payload.c.realm_id == bindparam("realm"),
        payload.c.kind == "note",
        payload.c.subject.in_(
            select(exception_note.c.id).where(
                exception_note.c.realm_id == bindparam("realm"), exception_note.c.exception_id == bindparam("of")
            )
        ),
    )
)


@dataclass(frozen=True)
class Tombstone:
    """A row of a system that is not taken in any more; ``digest`` is keyed."""

    connection: str
    resource: str
    digest: str


@dataclass(frozen=True)
class Erasure:
    """What one erasure takes out of the ledger."""

    object: str
    by: str
    pseudonyms: Mapping[str, str]  # canonical id → what stands in its place
    natives: Mapping[str, frozenset[str]]  # connection → native ids
    tombstones: Sequence[Tombstone]
    gone: Sequence[Segment] = ()
    new: Sequence[Segment] = ()


class Erasures:
    """The erasures of a realm."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def tombstones(self) -> list[Tombstone]:
        """Give all tombstones, and the check of the key, in no order."""
        with self._database.read() as look:
            return [Tombstone(*row) for row in look.rows(_TOMBSTONES)]

    def unfinished(self) -> bool:
        """Tell whether the ledger has forgotten somebody whom the files have not."""
        with self._database.read() as look:
            return look.row(_PENDING) is not None

    def erase(self, held: Lease, what: Erasure) -> int:
        """Forget a record, at once with the segments that do so; returns how many rows of the ledger had to do with it."""
        with self._database.write(held) as change:
            number = change.bump("erasure")
            change.run(_ADD, id=number, object=what.object, by=what.by, at=change.now, finished_at=None)
            known = {(one.connection, one.resource, one.digest) for one in self.tombstones()}
            fresh = [one for one in what.tombstones if (one.connection, one.resource, one.digest) not in known]
            change.many(_ADD_TOMBSTONE, ({**vars(one), "erasure_id": number} for one in dict.fromkeys(fresh)))
            replace_segments(change, what.gone, what.new, self._database.place)
            return _intents(change, what) + _exceptions(change, what) + _elsewhere(change, what)

    def finish(self, held: Lease) -> None:
        """Record that the files have followed, and leave nothing of it in the database's own files."""
        with self._database.write(held) as change:
            change.run(_FINISH, to_finished_at=change.now)
        self._database.vacuum()


def _intents(change: Transaction, what: Erasure) -> int:
    found = 0
    for cid, pseudonym in what.pseudonyms.items():
        for number, _n in list(change.among(_OF, "ids", [cid])):
            found += 1
            change.run(_END, of=number, to_updated_at=change.now)
            change.run(_CLEAR_INTENT, of=number, to_key=f"{pseudonym}-{number}")
            change.run(_CLEAR_ACK, of=number)
            change.run(_CLEAR_ATTEMPT, of=number)
    return found


def _exceptions(change: Transaction, what: Erasure) -> int:
    found = 0
    for number, cid, connection, native_id in change.rows(_EXCEPTIONS):
        if cid in what.pseudonyms or native_id in what.natives.get(connection, ()):
            found += 1
            change.run(_CLOSE_EXCEPTION, of=number)
            change.run(_CLEAR_EXCEPTION, of=number, to_canonical_id=what.pseudonyms.get(cid, ""))
            change.run(_FORGET_VALUES, of_kind="exception", of=number)
            change.run(_FORGET_NOTES, of=number)
    return found


def _elsewhere(change: Transaction, what: Erasure) -> int:
    """Forget the values of the record, and put its pseudonym wherever else a table names it."""
    found = 0
    for table in metadata.sorted_tables:
        if "canonical_id" not in table.c:
            continue
        for cid, pseudonym in what.pseudonyms.items():
            mine = (table.c.realm_id == change.realm_id, table.c.canonical_id == cid)
            statement = (
                table.delete().where(*mine)
                if table is payload
                else table.update().where(*mine).values(canonical_id=pseudonym)
            )
            found += change.connection.execute(statement).rowcount
    return found
