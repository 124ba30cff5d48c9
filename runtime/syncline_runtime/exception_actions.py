"""What people do about exceptions: give them to somebody, waive, close, try again, decide.

In: a place, ids, a person and words. Out: documents that say what became of each exception.
Invariants: an action that does not fit an exception changes nothing and says what would; what people decide of values is a
fact of the ledger that the next run carries out, never a write past the merge.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from syncline_runtime.errors import UsageError
from syncline_runtime.exception_documents import exception_document
from syncline_runtime.exception_queue import chosen
from syncline_runtime.ledger import ExceptionRecord, Ledger
from syncline_runtime.ledger.states import STANDING
from syncline_runtime.report import DOCUMENT_VERSION, moment
from syncline_runtime.upkeep.session import Place, opened_ledger

LEFT_TO_PEOPLE = ("SYN5011", "SYN5403")  # a run would ask again at once: closing them needs more than a word


@dataclass(frozen=True)
class Act:
    """Which exceptions are meant, who acts, and the words that go with it."""

    ids: tuple[int, ...]
    by: str
    words: str = ""
    whole_group: bool = False


def assign(place: Place, act: Act, to: str) -> dict[str, Any]:
    """Give exceptions to somebody."""
    with opened_ledger(place) as ledger:
        ones = standing(ledger, act)
        ledger.casework.assign(ones, to, act.by, act.words)
        return done(ledger, "assign", ones)


def waive(place: Place, act: Act, until: int | None) -> dict[str, Any]:
    """Accept faults as they are, for ever or until a time; UsageError for one that has passed."""
    if until is not None and until <= place.around.clock.now():
        raise UsageError(
            f"{moment(until)} UTC has passed: nothing would be waived",
            mend="give a later day, or leave --until out to waive it for ever",
        )
    with opened_ledger(place) as ledger:
        ones = standing(ledger, act)
        ledger.casework.waive(ones, act.by, act.words, until)
        return done(ledger, "waive", ones)


def close(place: Place, act: Act) -> dict[str, Any]:
    """Close exceptions with a note."""
    with opened_ledger(place) as ledger:
        ones = standing(ledger, act)
        left = next((one for one in ones if one.code in LEFT_TO_PEOPLE), None)
        if left is not None and left.code == "SYN5011":
            raise UsageError(
                f"exception {left.id} asks which value of {left.field} stays",
                mend=f"say so: `syncline exceptions resolve {left.id} --take MEMBER` or `--value VALUE`",
            )
        ledger.casework.close(ones, act.by, act.words)
        return done(ledger, "resolve", ones)


def retry(place: Place, act: Act, *, absent: bool) -> dict[str, Any]:
    """Let the next run plan anew what was refused or given up.

    ``absent``: somebody has looked, and records of which nobody knew whether they were created are not there.
    """
    with opened_ledger(place) as ledger:
        ones = standing(ledger, act)
        doubtful = [one for one in ones if _may_be_there(ledger, one)]
        if doubtful and not absent:
            one = doubtful[0]
            raise UsageError(
                f"nobody knows whether {one.connection} has the record of exception {one.id}: again could make it twice",
                mend=f"look there first; then `syncline exceptions link {one.id} --to NATIVE_ID`, or --absent if it is not there",
            )
        ledger.casework.retry(ones, act.by, act.words)
        return done(ledger, "retry", ones)


def _may_be_there(ledger: Ledger, one: ExceptionRecord) -> bool:
    """Whether a create was given up without knowing if it was done."""
    return one.code == "SYN5403" or any(
        (intent.connection, intent.part_key, intent.operation) == (one.connection, one.field, "create")
        and (intent.state, intent.category) == ("dead", "conflict")
        for intent in (ledger.intents.of_record(one.canonical_id) if one.code == "SYN5402" else ())
    )


def standing(ledger: Ledger, act: Act) -> list[ExceptionRecord]:
    """Give the exceptions that are meant; UsageError if one of them is over already."""
    ones = chosen(ledger, act.ids, whole_group=act.whole_group)
    over = next((one for one in ones if one.state not in STANDING), None)
    if over is not None:
        raise UsageError(
            f"exception {over.id} is {over.state} already", mend="`syncline exceptions` lists those that stand"
        )
    return ones


def done(ledger: Ledger, action: str, ones: Sequence[ExceptionRecord]) -> dict[str, Any]:
    """Say how exceptions stand after an action."""
    after = ledger.exceptions.get([one.id for one in ones])
    return {
        "version": DOCUMENT_VERSION,
        "action": action,
        "exceptions": [exception_document(one) for one in after],
    }


def became(place: Place, ids: Sequence[int]) -> dict[str, Any]:
    """Say what became of exceptions that were tried again."""
    with opened_ledger(place) as ledger:
        return done(ledger, "retry", chosen(ledger, ids))
