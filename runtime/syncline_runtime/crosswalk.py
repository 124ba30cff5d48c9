"""The crosswalk: which native ids are which record, how that came about, and changes of it by a person.

In: the links of the state, an object of a release. Out: what is linked, and was; link segments, written under the lease of
every sync that is concerned, so that no run works meanwhile. Invariants: a link that ended stays, one generation before
the next; a canonical id that was merged leads to the one it was merged into for ever; what a person parted no rule joins.

States of links: *live*; *double* (a further record of a system that is the same); *unlinked*, *moved* and *merged* (ended by
a person); *retired* (deleted, or replaced by our own write); *reused* (its native id is another's now);
*left* (its system need not hold it any more);
*kept* (deleted, and a person wants nothing made in its place). A *redirect* has no
connection: its native id is the canonical id that was merged.
"""

# names and texts reach these statements through `quoted` and `text` only
# ruff: noqa: S608

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from syncline_runtime.encoding import digest
from syncline_runtime.errors import UsageError
from syncline_runtime.fold import fold
from syncline_runtime.plan import Member, Plan, Release
from syncline_runtime.segments import Segment
from syncline_runtime.state import LINK_COLUMNS, State, quoted, text
from syncline_runtime.upkeep.session import Place, Session, opened_state, under_lease

ENDED = ("unlinked", "moved", "merged", "retired", "reused", "left", "kept")
OPERATOR = "operator"
Row = dict[str, Any]


@dataclass(frozen=True)
class Native:
    """A record of a system."""

    connection: str
    native_id: str

    def __str__(self) -> str:
        return f"{self.connection} {self.native_id}"


@dataclass
class Crosswalk:
    """The links of one object. What is changed here is kept when the block of ``changing`` ends."""

    release: Release
    plan: Plan
    state: State
    realm: str
    run: str = ""
    at: int = 0
    by: str = ""
    reason: str = ""
    how: str = OPERATOR
    changed: list[Row] = field(default_factory=list)
    opened: set[str] = field(default_factory=set)  # canonical ids to look at again
    ceased: set[str] = field(default_factory=set)
    rebased: dict[Native, tuple[str | None, str]] = field(default_factory=dict)  # canonical id and status of base rows

    # looking

    def rows(self, where: str) -> list[Row]:
        """Give links of the object, ended ones too, the oldest first."""
        names = list(LINK_COLUMNS)
        found = self.state.rows(
            f"SELECT {', '.join(map(quoted, names))} FROM {quoted('links:all')} "
            f"WHERE object = {text(self.plan.object)} AND ({where}) ORDER BY generation, run, connection, native_id"
        )
        return [dict(zip(names, row, strict=True)) for row in found]

    def resolve(self, id_: str) -> str:
        """Give the canonical id that an id leads to: a canonical one, its beginning, or that of any system, retired or not.

        ``erp:4711`` says which system is meant. Raises UsageError if nothing or more than one record is meant.
        """
        connection, _, native_id = id_.partition(":")
        where = f"starts_with(canonical_id, {text(id_)}) OR native_id = {text(id_)}"
        if native_id:
            where += f" OR (connection = {text(connection)} AND native_id = {text(native_id)})"
        rows = self.rows(where)
        live = [one for one in rows if one["state"] in ("live", "double")] or rows
        found = sorted({self._led(str(one["canonical_id"])) for one in live})
        if len(found) == 1:
            return found[0]
        further = "give more of its canonical id" if native_id else "name the system too, as in `erp:4711`"
        raise UsageError(
            f"{len(found) or 'no'} {self.plan.object} {'records fit' if found else 'is known by'} the id {id_!r}",
            mend=further if found else "give the id that a system has for it, as in `erp:4711`, or its canonical id",
        )

    def _led(self, cid: str) -> str:
        """Follow redirects; each leads to its end at once."""
        found = self.rows(f"state = 'redirect' AND native_id = {text(cid)}")
        return str(found[-1]["canonical_id"]) if found else cid

    def history(self, id_: str) -> list[Row]:
        """Give all links of a record, and of those that were merged into it."""
        cid = self.resolve(id_)
        merged = [one["native_id"] for one in self.rows(f"state = 'redirect' AND canonical_id = {text(cid)}")]
        return self.rows(f"canonical_id IN ({', '.join(text(one) for one in (cid, *merged))})")

    def holder(self, of: Native) -> Row | None:
        """Give the link that a native id has now."""
        found = self.rows(
            f"connection = {text(of.connection)} AND native_id = {text(of.native_id)} AND state IN ('live', 'double')"
        )
        return found[-1] if found else None

    # changing

    def link(self, of: Native, to: str) -> str:
        """Link a record of a system to a known one, or to one that waits as it does; gives the canonical id.

        UsageError if that has another there.
        """
        member, cid = self._member(of), self._known(to, of)
        taken = self.rows(f"canonical_id = {text(cid)} AND connection = {text(of.connection)} AND state = 'live'")
        before = [one for one in taken if one["native_id"] != of.native_id]
        others = [one for one in before if not self._is_gone(one)]
        if others:
            raise UsageError(
                f"{cid[:12]} is {of.connection} {others[0]['native_id']} already, and may be one record there",
                mend=f"first `syncline links unlink {self.plan.object} {of.connection} {others[0]['native_id']}`",
            )
        for one in before:  # deleted there, and back under another id
            self._end(Native(one["connection"], one["native_id"]), "retired")
        if len(before) == len(taken):
            self._end(of, "moved")
            self._begin(of, member, cid, "live")
        return cid

    def _known(self, to: str, of: Native) -> str:
        """Find the record that is meant; one that has been read and waits becomes a record of its own first."""
        connection, _, native_id = to.partition(":")
        other = Native(connection, native_id)
        return self.split(other) if other != of and self._waits(other) else self.resolve(to)

    def _waits(self, of: Native) -> bool:
        if of.connection not in {member.connection for member in self.plan.members}:
            return False
        base = quoted(f"base:{self.plan.name}/{of.connection}")
        return bool(
            self.state.rows(
                f"SELECT 1 FROM {base} WHERE _native_id = {text(of.native_id)} AND _cid IS NULL AND _status = 'review'"
            )
        )

    def _is_gone(self, link: Row) -> bool:
        """Whether the record that a link leads to was deleted in its system."""
        base = quoted(f"base:{self.plan.name}/{link['connection']}")
        rows = self.state.rows(f"SELECT _status FROM {base} WHERE _native_id = {text(link['native_id'])}")
        return bool(rows) and rows[0][0] == "gone"

    def end(self, of: Native, state: str) -> None:
        """End the link of a record that is not there any more."""
        self._end(of, state)

    def unlink(self, of: Native) -> str:
        """End a link; no rule makes it again. The record waits until a person links it or says that it is one of its own."""
        self._member(of)
        held = self._end(of, "unlinked")
        if held is None:
            raise UsageError(
                f"{of} is linked to nothing", mend=f"`syncline links list {self.plan.object}` shows what is"
            )
        self.rebased[of] = (None, "review")
        return str(held["canonical_id"])

    def split(self, of: Native) -> str:
        """Say that a record of a system is one of its own; gives its new canonical id."""
        member = self._member(of)
        self._end(of, "unlinked")
        whole = "\x1f".join((self.realm, self.plan.object, of.connection, of.native_id, str(self._generation(of))))
        (cid,) = self.state.rows(f"SELECT substr(sha256({text(whole)}), 1, 32)")[0]
        self._begin(of, member, str(cid), "live")
        return str(cid)

    def merge(self, gone: str, into: str) -> str:
        """Say that one record is part of another, which it leads to from now on; gives that one's canonical id."""
        old, new = self.resolve(gone), self.resolve(into)
        if old == new:
            raise UsageError(f"both are {new[:12]} already", mend="name two records")
        self.join(old, new)
        return new

    def join(self, old: str, new: str) -> None:
        """Let a canonical id lead to another for ever, and its records be that one's."""
        held = {one["connection"] for one in self.rows(f"canonical_id = {text(new)} AND state = 'live'")}
        for one in self.rows(f"canonical_id = {text(old)} AND state IN ('live', 'double')"):
            of = Native(one["connection"], one["native_id"])
            self._end(of, "merged")
            double = one["state"] == "double" or of.connection in held
            self._begin(of, self._member(of), new, "double" if double else "live")
        for one in self.rows(f"state = 'redirect' AND canonical_id = {text(old)}"):
            self.changed.append(one | {"canonical_id": new})
        self.changed.append(self._row("", "", old, new, "redirect", 0))
        self.opened.discard(old)
        self.ceased.add(old)

    def add_double(self, of: Native, cid: str) -> None:
        """Say that a record of a system is a further one of a record that it has already."""
        self._end(of, "moved")
        self._begin(of, self._member(of), cid, "double")

    def succeed(self, of: Native, by: Native, cid: str) -> None:
        """Let another record of the same system speak for a record from now on."""
        self._end(by, "moved")
        self._begin(by, self._member(by), cid, "live")
        self._end(of, "merged")
        self._begin(of, self._member(of), cid, "double")

    def _member(self, of: Native) -> Member:
        for member in self.plan.members:
            if member.connection == of.connection:
                return member
        known = ", ".join(member.connection for member in self.plan.members)
        raise UsageError(f"{self.plan.object} has no member {of.connection!r}", mend=f"it has: {known}")

    def _generation(self, of: Native) -> int:
        """Give the generation of the next link of a native id."""
        where = f"connection = {text(of.connection)} AND native_id = {text(of.native_id)}"
        return max((int(one["generation"] or 0) + 1 for one in self.rows(where)), default=0)

    def _end(self, of: Native, state: str) -> Row | None:
        held = self.holder(of)
        if held is not None:
            self.changed.append(held | self._told() | {"state": state})
            self.opened.add(held["canonical_id"])
        return held

    def _begin(self, of: Native, member: Member, cid: str, state: str) -> None:
        made = self._row(of.connection, member.resource, of.native_id, cid, state, self._generation(of))
        self.changed.append(made)
        self.opened.add(cid)
        self.rebased[of] = (cid, "review") if state == "live" else (None, "double")

    def _row(self, connection: str, resource: str, native_id: str, cid: str, state: str, generation: int) -> Row:
        return {
            "object": self.plan.object, "connection": connection, "resource": resource, "native_id": native_id,
            "canonical_id": cid, "state": state, "generation": generation,
        } | self._told()  # fmt: skip

    def _told(self) -> Row:
        return {"how": self.how, "rule": self.reason, "run": self.run, "by": self.by, "at": self.at}

    # keeping

    def segments(self) -> list[Segment]:
        """Write what changed."""
        written = (self.state.write_segment(kind, subject, self.run, sql) for kind, subject, sql in self.queries())
        return [one for one in written if one is not None]

    def queries(self) -> list[tuple[str, str, str]]:
        """Give what changed as rows: links, base rows of the records concerned, records to look at again, references."""
        names = list(LINK_COLUMNS)
        self.state.fill("changed", LINK_COLUMNS, [[row[name] for name in names] for row in self.changed])
        queries = [("links", "all", "SELECT * FROM changed")]
        queries += self._base_rows()
        queries += self._canonical_rows()
        queries += self._references()
        return queries

    def _base_rows(self) -> Iterator[tuple[str, str, str]]:
        """Nothing is agreed with a record that has another identity now: it is compared anew."""
        for of, (cid, status) in self.rebased.items():
            prefix = f"{self.plan.name}/{of.connection}"
            linked = text(cid) if cid else "CAST(NULL AS VARCHAR)"
            yield (
                "base",
                prefix,
                (
                    f"SELECT * REPLACE ({linked} AS _cid, {text(status)} AS _status, '' AS _slots, NULL AS _synced) "
                    f"FROM {quoted(f'base:{prefix}')} WHERE _native_id = {text(of.native_id)}"
                ),
            )

    def _canonical_rows(self) -> Iterator[tuple[str, str, str]]:
        table = quoted(f"canonical:{self.plan.name}")
        again = ", ".join(text(cid) for cid in sorted(self.opened - self.ceased)) or "''"
        over = ", ".join(text(cid) for cid in sorted(self.ceased)) or "''"
        yield "canonical", self.plan.name, f"SELECT * REPLACE (true AS _open) FROM {table} WHERE _cid IN ({again})"
        yield (
            "canonical",
            self.plan.name,
            (f"SELECT * REPLACE (false AS _open, true AS _ceased) FROM {table} WHERE _cid IN ({over})"),
        )

    def _references(self) -> Iterator[tuple[str, str, str]]:
        """Let what refers to a merged record refer to the other one, so that nobody sees an edit."""
        leads = {one["native_id"]: one["canonical_id"] for one in self.changed if one["state"] == "redirect"}
        for plan in self.release.in_order if leads else ():
            refs = {one.name for one in plan.fields if one.ref == self.plan.object}
            if refs:
                yield from self._led_rows("canonical", plan.name, sorted(refs), leads)
            for member in plan.members:
                agreed = [f"agreed.{slot.name}" for slot in member.slots if slot.name in refs]
                if agreed:
                    yield from self._led_rows("base", f"{plan.name}/{member.connection}", agreed, leads)

    @staticmethod
    def _led_rows(
        kind: str, subject: str, columns: Sequence[str], leads: dict[str, str]
    ) -> Iterator[tuple[str, str, str]]:
        cases = " ".join(f"WHEN {text(old)} THEN {text(new)}" for old, new in sorted(leads.items()))
        olds = ", ".join(map(text, sorted(leads)))
        changes = ", ".join(f"CASE {quoted(c)} {cases} ELSE {quoted(c)} END AS {quoted(c)}" for c in columns)
        where = " OR ".join(f"{quoted(c)} IN ({olds})" for c in columns)
        yield kind, subject, f"SELECT * REPLACE ({changes}) FROM {quoted(f'{kind}:{subject}')} WHERE {where}"


@contextmanager
def reading(place: Place, object_: str) -> Iterator[Crosswalk]:
    """Give the crosswalk of an object to look at."""
    with opened_state(place) as (_, state):
        yield Crosswalk(place.release, _plan(place.release, object_), state, str(place.realm))


@contextmanager
def changing(place: Place, object_: str, *, by: str, reason: str) -> Iterator[Crosswalk]:
    """Give the crosswalk of an object to change; all of it is kept when the block ends, or nothing."""
    plan = _plan(place.release, object_)
    with under_lease(place) as session:
        runs, lease = session.ledger.runs, session.lease
        begun = runs.begin(lease, place.release.hash, digest(place.binding), [plan.name])
        crosswalk = Crosswalk(
            place.release, plan, session.state, str(place.realm), begun.id, begun.started_at, by, reason
        )
        try:
            yield crosswalk
            _keep(crosswalk, session)
        except Exception:
            runs.close(lease, begun.id, "failed", 1, {"operator": by})
            raise
        runs.close(lease, begun.id, "done", 0, {"operator": by, "links": len(crosswalk.changed)})


def _keep(crosswalk: Crosswalk, session: Session) -> None:
    ledger = session.ledger
    ledger.register.confirm(session.lease, crosswalk.run, [], crosswalk.segments())
    for row in crosswalk.changed:
        of = (crosswalk.plan.object, str(row["canonical_id"]), "")
        told = {name: row[name] for name in ("connection", "native_id", "state", "generation", "rule")}
        ledger.decisions.decide(of, f"link:{row['state']}", crosswalk.by, values=told)
    fold(crosswalk.state, crosswalk.release, ledger.register.segments())


def _plan(release: Release, object_: str) -> Plan:
    for plan in release.in_order:
        if object_ in (plan.object, plan.name):
            return plan
    listed = ", ".join(plan.object for plan in release.in_order)
    raise UsageError(f"the release has no object {object_!r}", mend=f"it has: {listed}")
