"""Casework: what people do about exceptions, with who, when and why.

In: ids of exceptions, a person, words. Out: states, notes. Runs need not stand still for it: each step is a small
transaction without a lease, and touches only exceptions that stand and writes that have ended.
Invariants: every step leaves a note; its words stand in the payload table, where erasure finds them.
"""

from __future__ import annotations

import json
from collections.abc import Iterable

from sqlalchemy import and_, bindparam, select

from syncline_runtime.encoding import dumps
from syncline_runtime.ledger.cases import ExceptionRecord, Note
from syncline_runtime.ledger.database import Database, Prepared, Transaction, given
from syncline_runtime.ledger.schema import exception, exception_case, exception_note, intent, payload, standing_in
from syncline_runtime.ledger.states import REFUSED, STANDING, ExceptionState

_MOVE = Prepared(
    lambda: (
        exception.update()
        .where(
            exception.c.realm_id == bindparam("realm"),
            exception.c.id == bindparam("of"),
            standing_in(exception, STANDING),
        )
        .values(given("state"))
    )
)
_OF = (exception_case.c.realm_id == bindparam("realm"), exception_case.c.exception_id == bindparam("of"))
_CASE = Prepared(lambda: select(exception_case.c.assignee, exception_case.c.waived_until).where(*_OF))
_DROP_CASE = Prepared(lambda: exception_case.delete().where(*_OF))
_ADD_CASE = Prepared(lambda: exception_case.insert())
_ADD_NOTE = Prepared(lambda: exception_note.insert())
_ADD_WORDS = Prepared(lambda: payload.insert())
_NOTES = Prepared(
    lambda: select(
        exception_note.c.id, exception_note.c.exception_id, exception_note.c.action, exception_note.c.by,
        exception_note.c.at, payload.c.body,
    )
    .outerjoin(
        payload,
        and_(
            payload.c.realm_id == exception_note.c.realm_id,
            payload.c.kind == "note",
            payload.c.subject == exception_note.c.id,
        ),
    )
    .where(exception_note.c.realm_id == bindparam("realm"), exception_note.c.exception_id == bindparam("of"))
    .order_by(exception_note.c.id)
)  # fmt: skip
_LET_GO = Prepared(  # what ended stays counted in the run that it ended in
    lambda: (
        intent.update()
        .where(
            intent.c.realm_id == bindparam("realm"),
            intent.c.connection == bindparam("of_connection"),
            intent.c.canonical_id == bindparam("of_record"),
            intent.c.part_key == bindparam("of_part"),
            standing_in(intent, REFUSED),
        )
        .values(state="waived", **given("updated_at"))
    )
)


class Casework:
    """What people do about the exceptions of a realm."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def assign(self, ones: Iterable[ExceptionRecord], to: str, by: str, words: str = "") -> int:
        """Give exceptions to somebody; returns how many stood."""
        with self._database.write() as change:
            moved = _moved(change, ones, "assigned")
            for one in moved:
                _keep(change, one.id, assignee=to)
                _note(change, one, "assign", by, f"to {to}" + (f": {words}" if words else ""))
        return len(moved)

    def waive(self, ones: Iterable[ExceptionRecord], by: str, reason: str, until: int | None = None) -> int:
        """Accept faults as they are, for ever or until a time (microseconds UTC); returns how many stood."""
        with self._database.write() as change:
            moved = _moved(change, ones, "waived")
            for one in moved:
                _keep(change, one.id, waived_until=until)
                _note(change, one, "waive", by, reason)
        return len(moved)

    def retry(self, ones: Iterable[ExceptionRecord], by: str, words: str = "", action: str = "retry") -> int:
        """Let the next run plan anew what was refused or given up; returns how many stood.

        Nothing of what was sent is sent again: the refused write ends, and what is written instead is what is right then.
        """
        with self._database.write() as change:
            moved = _moved(change, ones, "retried")
            for one in moved:
                if one.canonical_id:
                    change.run(
                        _LET_GO, of_connection=one.connection, of_record=one.canonical_id, of_part=one.field,
                        to_updated_at=change.now,
                    )  # fmt: skip
                _note(change, one, action, by, words)
        return len(moved)

    def close(self, ones: Iterable[ExceptionRecord], by: str, words: str, action: str = "resolve") -> int:
        """Close exceptions by a person's word; a run that meets the fault again opens it anew."""
        with self._database.write() as change:
            moved = _moved(change, ones, "resolved")
            for one in moved:
                _note(change, one, action, by, words)
        return len(moved)

    def note(self, one: ExceptionRecord, action: str, by: str, words: str) -> None:
        """Note what somebody did about an exception, which stays in its state."""
        with self._database.write() as change:
            _note(change, one, action, by, words)

    def notes(self, of: int) -> list[Note]:
        """Give what people did about an exception, oldest first."""
        with self._database.read() as look:
            rows = look.rows(_NOTES, of=of)
        return [Note(*(*row[:5], json.loads(row[5])["text"] if row[5] else "")) for row in rows]


def _moved(change: Transaction, ones: Iterable[ExceptionRecord], state: ExceptionState) -> list[ExceptionRecord]:
    """Put exceptions that stand into a state, and give those."""
    return [one for one in ones if change.run(_MOVE, of=one.id, to_state=state)]


def _keep(change: Transaction, of: int, **more: object) -> None:
    known = change.row(_CASE, of=of) or ("", None)
    change.run(_DROP_CASE, of=of)
    change.run(_ADD_CASE, exception_id=of, **{"assignee": known[0], "waived_until": known[1], **more})


def _note(change: Transaction, one: ExceptionRecord, action: str, by: str, words: str) -> None:
    number = change.bump("note")
    change.run(_ADD_NOTE, id=number, exception_id=one.id, action=action, by=by, at=change.now)
    if words:
        body = dumps({"text": words}).decode()
        change.run(_ADD_WORDS, kind="note", subject=number, object=one.object, canonical_id=one.canonical_id, body=body)
