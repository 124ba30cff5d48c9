"""The exception queue as people look at it: what waits, and one exception with its evidence.

In: release, binding, state folder, what is asked for. Out: documents (JSON values). Values of personal data are masked,
unless somebody asks for them with a reason, which is noted; nothing else is changed here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from syncline_runtime.errors import UsageError
from syncline_runtime.exception_documents import exception_document, group_document, grouped
from syncline_runtime.ledger import ExceptionRecord, Intent, Ledger
from syncline_runtime.ledger.states import ASKING, STANDING, ExceptionState
from syncline_runtime.plan import Plan, Release
from syncline_runtime.private import private_natives
from syncline_runtime.report import DOCUMENT_VERSION, MASK, moment
from syncline_runtime.upkeep.session import Place, opened_ledger

EVERY: tuple[ExceptionState, ...] = (*STANDING, "resolved", "superseded")
REVIEW = "SYN5011"


def listed(place: Place, states: Sequence[str], by: Mapping[str, str]) -> dict[str, Any]:
    """Give the exceptions in some states (none named: those that ask for something), and their groups."""
    asked: tuple[Any, ...] = tuple(states) or ASKING
    with opened_ledger(place) as ledger:
        found = ledger.exceptions.find(asked, 1_000_000, **by)
        return {
            "version": DOCUMENT_VERSION,
            "project": place.release.index.project,
            "exceptions": [exception_document(one) | _awaited(ledger, one) for one in found],
            "groups": [group_document(group) for group in grouped(found)],
        }


def _awaited(ledger: Ledger, one: ExceptionRecord) -> dict[str, Any]:
    """Say which record an exception waits for, and the exception that keeps that one."""
    if one.state != "waiting":
        return {}
    object_, record = (ledger.exceptions.values(one.id) or {}).get("waits_for") or ("", "")
    if not object_:
        return {}
    keeper = next((other for other in ledger.exceptions.find(object=object_) if _is_about(other, record)), None)
    return {"waits_for": {"object": object_, "record": record, "exception": keeper.id if keeper else None}}


def _is_about(one: ExceptionRecord, record: str) -> bool:
    return record in (one.native_id, one.canonical_id) and bool(record)


def chosen(ledger: Ledger, ids: Sequence[int], *, whole_group: bool = False) -> list[ExceptionRecord]:
    """Give exceptions by their ids, or with everything that has the same fault; UsageError if one is not known."""
    found = ledger.exceptions.get(ids)
    unknown = sorted(set(ids) - {one.id for one in found})
    if unknown:
        raise UsageError(
            f"there is no exception {unknown[0]}", mend="`syncline exceptions --all` lists all with their ids"
        )
    if not whole_group:
        return found
    faults = {one.fault for one in found}
    alike = [one for one in ledger.exceptions.find(STANDING, 1_000_000) if one.fault in faults]
    return list({one.id: one for one in (*found, *alike)}.values())


def shown(place: Place, of: int, reveal: tuple[str, str] | None = None) -> dict[str, Any]:
    """Give one exception with its evidence; ``reveal`` (who, why) shows personal data and is noted."""
    with opened_ledger(place) as ledger:
        (one,) = chosen(ledger, [of])
        if reveal is not None:
            ledger.casework.note(one, "reveal", *reveal)
        masks = _Masks(place.release, one, masked=reveal is None)
        values = ledger.exceptions.values(of) or {}
        write = _write(ledger, one)
        return {
            "version": DOCUMENT_VERSION,
            "exception": exception_document(one) | _awaited(ledger, one),
            "values": masks.natives(values.get("native") or {}),
            "candidates": masks.candidates(values.get("members") or {}),
            "write": _told_write(ledger, write, masks, values.get("said")) if write else None,
            "alike": sum(1 for other in ledger.exceptions.find(code=one.code) if other.fault == one.fault),
            "keeps_waiting": [other.id for other in _children(ledger, one)],
            "notes": [
                {"at": moment(note.at), "by": note.by, "action": note.action, "text": note.text}
                for note in ledger.casework.notes(of)
            ],
            "next": list(_steps(one, write)),
        }


def _children(ledger: Ledger, one: ExceptionRecord) -> list[ExceptionRecord]:
    found = []
    for other in ledger.exceptions.find(("waiting",)):
        awaited = (ledger.exceptions.values(other.id) or {}).get("waits_for") or ("", "")
        if awaited[0] == one.object and _is_about(one, awaited[1]):
            found.append(other)
    return found


def _write(ledger: Ledger, one: ExceptionRecord) -> Intent | None:
    """Give the last write that an exception of delivery is about."""
    if not one.code.startswith("SYN54"):
        return None
    mine = [
        intent
        for intent in ledger.intents.of_record(one.canonical_id)
        if (intent.connection, intent.part_key) == (one.connection, one.field)
    ]
    return mine[-1] if mine else None


def _told_write(ledger: Ledger, write: Intent, masks: _Masks, said: str | None) -> dict[str, Any]:
    payload = ledger.intents.written(write.id) or {}
    return {
        "operation": write.operation,
        "state": write.state,
        "run": write.run,
        "fields": masks.natives(payload.get("natives") or {}),
        "answer": masks.words(said, payload.get("natives") or {}),
        "attempts": [
            {
                "at": moment(one.started_at), "outcome": one.outcome, "status": one.status, "category": one.category,
                "vendor_code": one.vendor_code, "message": one.message,
            }
            for one in ledger.intents.attempts(write.id)
        ],
    }  # fmt: skip


class _Masks:
    """What is shown of the values of one exception."""

    def __init__(self, release: Release, one: ExceptionRecord, *, masked: bool) -> None:
        self._one, self._masked = one, masked
        self._plan: Plan | None = release.plans.get(one.sync)
        self._private = private_natives(release, one.sync, one.connection, one.resource)

    def natives(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """Give native fields, those of personal data masked."""
        return {name: self._shown(value, private=name in self._private) for name, value in sorted(values.items())}

    def words(self, said: str | None, values: Mapping[str, Any]) -> str | None:
        """Give what the system said of a write, without the personal data that it repeats."""
        for name, value in values.items() if said and self._masked else ():
            if name in self._private and value not in (None, ""):
                said = (said or "").replace(str(value), MASK)
        return said

    def candidates(self, members: Mapping[str, Any]) -> list[dict[str, Any]]:
        """Give what each member shows of a field in review."""
        field = next((f for f in self._plan.fields if f.name == self._one.field), None) if self._plan else None
        private = field is None or field.pii is not None
        return [
            {
                "member": connection,
                "value": self._shown(value, private=private),
                "owner": connection == self._one.owner,
            }
            for connection, value in sorted(members.items())
        ]

    def _shown(self, value: Any, *, private: bool) -> Any:
        return MASK if private and self._masked and value is not None else value


def _steps(one: ExceptionRecord, write: Intent | None) -> Iterator[str]:
    """Name the commands by which a person can go on."""
    command = "syncline exceptions"
    if one.state not in STANDING:
        return
    if one.code == REVIEW:
        yield f"{command} resolve {one.id} --take MEMBER   (or --value VALUE)"
    elif one.code in ("SYN5007", "SYN5014", "SYN5017"):
        yield f"{command} link {one.id} --to ID   (an id of any system; or --new: a record of its own)"
    elif write is not None and (write.operation, write.state, write.category) == ("create", "dead", "conflict"):
        yield f"look for the record in {one.connection}; if it is there:  {command} link {one.id} --to NATIVE_ID"
        yield f"if it is certainly not there:  {command} retry {one.id} --absent"
    elif one.code.startswith("SYN54"):
        yield f"{command} retry {one.id}   (what is written is what is right by then)"
    elif one.state == "waiting":
        yield "mend the record that it waits for: this one follows by itself"
    else:
        yield f"mend it where it comes from ({one.connection}): the next run takes it up by itself"
    if one.canonical_id and one.field and one.code != REVIEW:
        yield f"{command} edit {one.id} --value VALUE   (where the owner can be written to)"
    yield f'{command} waive {one.id} --reason "…"   (accept it as it is)'
