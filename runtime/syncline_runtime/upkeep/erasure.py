"""Erasure: everything that is known of a record leaves the state, the ledger and their files, and does not come back.

In: an object and an id of the record. Out: a document: what went, and what each system still holds. The order is what makes
a kill harmless: segments without the record are written; one transaction lets them stand in, forgets the record in the
ledger and sets tombstones; then the files follow, and whatever opens the state next makes that good if it did not happen.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from syncline_runtime.errors import StateError, UsageError
from syncline_runtime.ledger import Erasure, Ledger, Segment
from syncline_runtime.moves import as_named_now
from syncline_runtime.plan import Member
from syncline_runtime.report import DOCUMENT_VERSION
from syncline_runtime.stages.context import Progress
from syncline_runtime.state import State, quoted, text
from syncline_runtime.tombstones import key_of, make_key
from syncline_runtime.upkeep.holders import still_held
from syncline_runtime.upkeep.session import Place, Session, opened_ledger, under_lease
from syncline_runtime.upkeep.strays import finish_erasures

SENT = ("sending", "ambiguous")


@dataclass
class Subject:
    """One person or thing, as all that is known under its ids."""

    cids: set[str] = field(default_factory=set)
    natives: set[tuple[str, str, str]] = field(default_factory=set)  # connection, resource, native id

    def at(self, connection: str) -> frozenset[str]:
        """Give its native ids on a connection."""
        return frozenset(native for where, _, native in self.natives if where == connection)


def erase(place: Place, object_: str, id_: str, progress: Progress = lambda stage, what: None) -> dict[str, Any]:
    """Erase a record; a second time tells that it was done."""
    plans = [plan for plan in place.release.in_order if object_ in (plan.object, plan.name)]
    if not plans:
        objects = ", ".join(sorted({plan.object for plan in place.release.in_order}))
        raise UsageError(f"the release has no object {object_!r}", mend=f"it has: {objects}")
    with under_lease(place) as at:
        subject = _subject(at.state, place, object_, id_)
        if not subject.cids and not subject.natives:
            return _erased_before(at, [m for plan in plans for m in plan.members], object_, id_)
        _refuse_under_way(at.ledger, subject)
        progress("erase", "the systems are asked what they hold")
        held = asyncio.run(still_held(place, sorted(subject.natives)))
        progress("erase", "segments")
        gone, new = _rewritten(at, subject)
        rows = at.ledger.erasures.erase(at.lease, _erasure(place, object_, subject, gone, new))
    progress("erase", "files")
    with opened_ledger(place) as ledger:
        finish_erasures(place.folder, place.store, ledger, place.release)
    return {
        "version": DOCUMENT_VERSION,
        "object": object_,
        "erased": True,
        "before": False,
        "records": len(subject.cids) or 1,
        "segments_rewritten": len(gone),
        "rows_removed": sum(o.rows for o in gone) - sum(n.rows for n in new),
        "ledger_rows": rows,
        "systems": held,
    }


def _subject(state: State, place: Place, object_: str, id_: str) -> Subject:
    """Find all canonical and native ids that belong together with an id, whatever object they are seen as."""
    links = quoted("links:all")
    connection, native_id = _named(place, id_)
    at = f"native_id = {text(native_id)}" + (f" AND connection = {text(connection)}" if connection else "")
    short = f"length({text(id_)}) >= 8 AND starts_with(canonical_id, {text(id_)})"
    found = state.rows(
        f"SELECT DISTINCT canonical_id FROM {links} WHERE object = {text(object_)} "
        f"AND (canonical_id = {text(id_)} OR ({short}) OR ({at}))"
    )
    if len(found) > 1:
        raise UsageError(
            f"{len(found)} records fit the id {id_!r}",
            mend="say whose id it is, as CONNECTION:ID, or give the canonical id, which `trace` tells",
        )
    subject = Subject({row[0] for row in found})
    if not found:
        subject.natives |= set(_unlinked(state, place, object_, connection, native_id))
    stood = "state NOT IN ('unlinked', 'moved')"  # what a person parted is another's
    rows = state.rows(f"SELECT canonical_id, state, connection, resource, native_id FROM {links} WHERE {stood}")
    while True:
        before = (len(subject.cids), len(subject.natives))
        for cid, kind, connection, resource, known_by in rows:
            if kind == "redirect":  # one canonical id leads to another, of which it became a part
                subject.cids |= {cid, known_by} if {cid, known_by} & subject.cids else set()
            elif cid in subject.cids or (connection, resource, known_by) in subject.natives:
                subject.cids.add(cid)
                subject.natives.add((connection, resource, known_by))
        if before == (len(subject.cids), len(subject.natives)):
            return subject


def _named(place: Place, id_: str) -> tuple[str, str]:
    """Take CONNECTION:ID apart; the connection is "" where none is named."""
    connection, colon, native_id = id_.partition(":")
    return (connection, native_id) if colon and connection in place.release.index.connections else ("", id_)


def _unlinked(
    state: State, place: Place, object_: str, connection: str, native_id: str
) -> Iterator[tuple[str, str, str]]:
    """Give rows under an id that wait or were filtered: no link tells of them."""
    for plan in place.release.in_order:
        for member in plan.members if object_ in (plan.object, plan.name) else ():
            base = quoted(f"base:{plan.name}/{member.connection}")
            here = connection in ("", member.connection)
            if here and state.rows(f"SELECT 1 FROM {base} WHERE _native_id = {text(native_id)}"):
                yield member.connection, member.resource, native_id


def _erased_before(at: Session, members: list[Member], object_: str, id_: str) -> dict[str, Any]:
    known = set(at.ledger.erasures.tombstones())
    key = key_of(at.place.folder, known)
    connection, native_id = _named(at.place, id_)
    there = [member for member in members if connection in ("", member.connection)]
    possible = [key.tombstone(one.connection, one.resource, native_id) for one in there] if key else []
    if key is None or not known & {key.tombstone("", object_, id_), *possible}:
        raise UsageError(
            f"no {object_} is known by the id {id_!r}",
            mend="give the id that a system has for it, or its canonical id, which `trace` tells",
        )
    return {
        "version": DOCUMENT_VERSION, "object": object_, "erased": True, "before": True, "records": 0,
        "segments_rewritten": 0, "rows_removed": 0, "ledger_rows": 0, "systems": [],
    }  # fmt: skip


def _refuse_under_way(ledger: Ledger, subject: Subject) -> None:
    for one in ledger.intents.unfinished():
        if one.canonical_id in subject.cids and one.state in SENT:
            raise StateError(
                f"a write of this record to {one.connection} is under way: nobody knows yet whether it was done",
                place=ledger.place,
                mend="run once more, which finds that out, and erase again",
                code="SYN6016",
            )


def _erasure(place: Place, object_: str, subject: Subject, gone: list[Segment], new: list[Segment]) -> Erasure:
    key = make_key(place.folder)
    tombstones = [key.check, *(key.tombstone(*native) for native in sorted(subject.natives))]
    tombstones += [key.tombstone("", object_, cid) for cid in sorted(subject.cids)]
    pseudonyms = {cid: f"erased-{key.tombstone('', object_, cid).digest[:32]}" for cid in sorted(subject.cids)}
    natives = {connection: subject.at(connection) for connection, _, _ in subject.natives}
    by = os.environ.get("USER", "unknown")
    return Erasure(object_, by, pseudonyms, natives, tombstones, gone, new)


def _rewritten(at: Session, subject: Subject) -> tuple[list[Segment], list[Segment]]:
    """Write the segments that tell of the record anew, without it."""
    gone: list[Segment] = []
    new: list[Segment] = []
    for segment in as_named_now(at.place.release, at.ledger.register.segments()):
        path = text(str(at.state.store.verify(segment).resolve()))
        about = _about(segment, subject, set(at.state.columns_of(at.state.store.locate(segment).resolve())))
        rows = at.state.scalar(f"SELECT count(*) FROM read_parquet({path}) WHERE {about}")
        if rows:
            left = f"SELECT * FROM read_parquet({path}) WHERE NOT ({about})"
            written = at.state.write_segment(segment.kind, segment.subject, segment.run, left, bare=True)
            assert written is not None  # bare ones are written too
            gone.append(segment)
            new.append(written.at(segment.seq))
    return gone, new


def _about(segment: Segment, subject: Subject, columns: set[str]) -> str:
    """Give the condition that a row of a segment tells of the record."""
    parts = segment.subject.split("/")
    connection = {"landed": parts[0], "base": parts[-1], "before": parts[-1]}.get(segment.kind)
    told = [f"{name} IN ({_listed(subject.cids)})" for name in ("_cid", "canonical_id") if name in columns]
    if segment.kind == "links":
        told.append(f"(state = 'redirect' AND native_id IN ({_listed(subject.cids)}))")
    for name in ("_native_id", "native_id"):
        if name not in columns:
            continue
        if connection is not None:
            told.append(f"{name} IN ({_listed(subject.at(connection))})")
        elif "connection" in columns:
            pairs = ", ".join(f"({text(where)}, {text(native)})" for where, _, native in sorted(subject.natives))
            told.append(f"(connection, {name}) IN ({pairs or '(NULL, NULL)'})")
    return " OR ".join(f"coalesce({one}, false)" for one in told) or "false"


def _listed(values: set[str] | frozenset[str]) -> str:
    return ", ".join(map(text, sorted(values))) or "NULL"
