"""Who holds a record, against a reference in plain Python: what leaves, comes back, is deleted, decided by people, or merged.

A history is one record's, in three members: ``a`` brings it into being, ``b`` holds it while it is worth something, ``c``
always. People edit, delete, decide what becomes of what was deleted, and say in ``a`` that one record is part of another; systems
cannot be read, refuse writes, and lose answers. What wins of a field is left to ``test_histories``: here fields have one owner
each. More and longer ones:
``SYNCLINE_HISTORIES=2000 SYNCLINE_ROUNDS=8 pytest tests/properties/test_comings_and_goings.py``.
"""

from __future__ import annotations

import os
import random
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from support.trouble import Trouble
from support.world import World, system, world
from syncline_runtime.errors import ApprovalNeeded
from syncline_runtime.exception_actions import Act
from syncline_runtime.exception_deletion import Fate, settle
from syncline_runtime.result import RunResult
from syncline_runtime.upkeep.session import opened_ledger

SEED = int(os.environ.get("SYNCLINE_SEED", "1"))
HISTORIES = int(os.environ.get("SYNCLINE_HISTORIES", "64"))
ROUNDS = int(os.environ.get("SYNCLINE_ROUNDS", "4"))
MEMBERS = ("a", "b", "c")
OWNERS = {"key": "a", "size": "a", "state": "a", "theirs": "b", "last": "c"}
MODES = {"keep": "keep", "delete": "delete", "unlink": "unlink", "deactivate": "{deactivate: {state: shut}}"}
NATIVES = "key: {type: text, required: true}, size: int, state: text, theirs: text, last: text, master: text"
LINES = "".join(f"{name} <-> {name}\n" for name in OWNERS)


def files(mode: str) -> dict[str, str]:
    """Give the project in which ``b`` does this with what it need not hold."""
    environment = ", ".join(f"{name}: {{stand_in: true}}" for name in MEMBERS)
    systems = {f"{name}.yaml": system(name, Rec=NATIVES) for name in MEMBERS}
    systems["a.yaml"] = systems["a.yaml"].replace("path: /rec}}", "path: /rec}}\n    merged_into: master", 1)
    return {
        "syncline.yaml": f"syncline: 1\nproject: t\nenvironments: {{t: {{{environment}}}}}\n",
        **systems,
        **{f"{name}.map": f"mapping {name}.Rec <-> thing@1\n\n{LINES}" for name in MEMBERS},
        "thing.yaml": """
            object: thing
            version: 1.0.0
            fields:
              key: {type: text, label: Key}
              size: {type: "int?", label: Size}
              state: {type: "text?", label: State}
              theirs: {type: "text?", label: Theirs}
              last: {type: "text?", label: Last}
            identity: [{same: [key]}]
            """,
        "sync.yaml": f"""
            sync: thing
            object: thing@1
            members: {{a: a.Rec, b: b.Rec, c: c.Rec}}
            exists: {{originate: [a], hold: {{b: size > 0, c: true}}, on_leave: {{b: {MODES[mode]}}}}}
            owners: {{"*": a, theirs: b, last: c}}
            when_deleted_in: {{"*": review}}
            guards: {{change: 100%, delete: 100%}}
            """,
    }


Values = dict[str, Any]


@dataclass
class Side:
    """A member's record as the reference knows it."""

    now: Values
    fresh: set[str] = field(default_factory=set)  # fields of which nothing was agreed with it yet
    gone: bool = False  # somebody has deleted it
    missed: bool = False  # and a run has seen that
    left: bool = False  # let go
    seen: Values = field(default_factory=dict)  # what it showed when a run last read it, of what was let go


@dataclass
class Record:
    """One history: what the members show, and what was decided before."""

    key: str
    sides: dict[str, Side]
    decided: Values = field(default_factory=dict)
    frozen: set[str] = field(default_factory=set)  # fields that wait for a person
    nowhere: set[str] = field(default_factory=set)  # members in which a person wants nothing made in its place
    aside: list[tuple[str, Side]] = field(default_factory=list)  # what no run looks at any more, with its member
    part_of: Record | None = None  # what ``a`` says, and no run has heard yet
    condemned: bool = False  # a person wants it deleted everywhere
    over: bool = False  # it has ended, or is part of another

    @property
    def linked(self) -> dict[str, Side]:
        return {name: side for name, side in self.sides.items() if not side.left}

    @property
    def lost(self) -> list[str]:
        return [name for name, side in self.linked.items() if side.missed and self.decided]

    def run(self, mode: str, unread: frozenset[str]) -> None:
        """Decide and write, as a run does that cannot read some members."""
        self._see(unread)
        known = self._known(unread)
        if self.over or not (self.decided or "a" in known):
            return
        if self.lost and len(self.lost) == len(self.linked):
            self._end()
            return
        self._decide(known)
        if self.condemned:
            self._delete(known)
        else:
            if self._take_back(unread):
                known = self._known(unread)
                self._decide(known)
            for member in MEMBERS:
                self._write(member, mode, known, unread)
        for name, side in self.sides.items():
            side.seen = side.seen if name in unread else dict(side.now)

    def absorb(self, other: Record) -> None:
        """Take the records of another that is part of this one: those that it lacks are its own, the others are doubles."""
        for member, side in other.sides.items():
            if member in self.sides:
                other.aside.append((member, side))
            else:
                self.sides[member] = side
                side.fresh = set(OWNERS)
        other.sides, other.over, other.part_of = {}, True, None

    def settle(self, fate: Fate) -> None:
        """Do what a person decides of a record that was deleted somewhere."""
        if fate == "delete":
            self.condemned = True
            return
        for member in self.lost:
            del self.sides[member]
            if fate == "keep":
                self.nowhere.add(member)

    def _see(self, unread: frozenset[str]) -> None:
        for name, side in list(self.sides.items()):
            side.missed |= side.gone and name not in unread
            if side.left and side.missed:
                del self.sides[name]

    def _known(self, unread: frozenset[str]) -> dict[str, Side]:
        return {name: side for name, side in self.linked.items() if name not in unread and not side.gone}

    def _decide(self, known: dict[str, Side]) -> None:
        told = {name: self._told(name, known.get(owner), known) for name, owner in OWNERS.items()}
        self.frozen = {name for name, values in told.items() if len(values) > 1}
        before = dict.fromkeys(OWNERS) | self.decided
        self.decided = {name: before[name] if name in self.frozen else told[name].pop() for name in OWNERS}

    def _told(self, name: str, owner: Side | None, known: dict[str, Side]) -> set[Any]:
        """Give what a field is to be; a person says where that is more than one thing."""
        if owner is None:
            return {self.decided[name] if self.decided else known["a"].now[name]}
        if owner.now[name] is not None:
            return {owner.now[name]}
        # an owner who is new empties nothing; any other does
        if self.decided.get(name) is not None:
            return {self.decided[name] if name in owner.fresh else None}
        # who is new to the record fills what its owner leaves empty
        return {side.now[name] for side in known.values() if name in side.fresh} - {None} or {None}

    def _take_back(self, unread: frozenset[str]) -> bool:
        """Have back what was let go, once it is known what it shows."""
        side = self.sides.get("b")
        if side is None or not side.left or "b" in unread or not self._should_hold("b") or side.now != side.seen:
            return False
        side.left = False
        return True

    def _write(self, member: str, mode: str, known: dict[str, Side], unread: frozenset[str]) -> None:
        side, should = self.sides.get(member), self._should_hold(member)
        if side is None:
            if should and member not in unread and member not in self.nowhere:
                self.sides[member] = Side(dict(self.decided))
        elif member in known:
            leaves = member == "b" and should is False
            if leaves and mode == "delete":
                del self.sides[member]
            elif leaves and mode == "unlink":
                side.left = True
            else:
                shown = self.decided | ({"state": "shut"} if leaves and mode == "deactivate" else {})
                side.now |= {name: value for name, value in shown.items() if name not in self.frozen}
                side.fresh &= self.frozen

    def _should_hold(self, member: str) -> bool | None:
        """Whether a member must have the record; None where nobody knows, and for who need not."""
        if member == "b":
            return None if self.decided["size"] is None else self.decided["size"] > 0
        return True if member == "c" else None

    def _delete(self, known: dict[str, Side]) -> None:
        for member in known:
            del self.sides[member]
        if all(side.missed for side in self.linked.values()):
            self._end()

    def _end(self) -> None:
        self.over = True
        self.aside += [(name, side) for name, side in self.sides.items() if not side.gone]
        self.sides = {}


class Play:
    """The histories of a seed, in a world of three systems."""

    def __init__(self, made: World, mode: str, seed: int, losing: bool) -> None:
        self.world, self.mode, self.random = made, mode, random.Random(f"{mode} {seed}")
        self.trouble = Trouble(made, self.random, MEMBERS, ("create", "update", "delete"), losing)
        self.ids: dict[tuple[str, str], str] = {}
        self.records = [self._record(f"k{number:05d}") for number in range(max(4, HISTORIES // len(MODES)))]

    def _record(self, key: str) -> Record:
        now = {name: self._value(name) for name in OWNERS} | {"key": key}
        self.ids["a", key] = self.world.add("a", **now)
        return Record(key, {"a": Side(now)})

    def _value(self, name: str) -> Any:
        return self.random.choice([None, 0, 1, 2] if name == "size" else [None, "x", "y", "z"])

    def happens(self) -> None:
        """Let people work in every system, and decide."""
        for record in self.records:
            for member, side in [*record.sides.items(), *record.aside]:
                if not side.gone and self.random.random() < 0.6:
                    self._edit(member, side)
            for member, side in [*record.sides.items(), *record.aside]:
                if not side.gone and not self._is_merging(record) and self.random.random() < 0.05:
                    side.gone = True
                    self.world.drop(member, self.ids[member, side.now["key"]])
            if record.lost and not record.condemned and self.random.random() < 0.6:
                self._settle(record)
            if self.random.random() < 0.05:
                self._merge(record, self.random.choice(self.records))

    def _edit(self, member: str, side: Side) -> None:
        names = [name for name in OWNERS if name != "key" and self.random.random() < 0.3]
        edits = {name: self._value(name) for name in names}
        side.now |= edits
        self.world.edit(member, self.ids[member, side.now["key"]], **edits)

    def _settle(self, record: Record) -> None:
        fates: list[Fate] = ["keep"]
        if {"b", "c"} & set(record.lost):
            fates.append("recreate")
        if len(record.lost) < len(record.linked):
            fates.append("delete")
        fate = self.random.choice(fates)
        ids = {(member, self.ids[member, record.sides[member].now["key"]]) for member in record.lost}
        with opened_ledger(self.world.place) as ledger:
            found = [one for one in ledger.exceptions.find() if (one.connection, one.native_id) in ids]
        assert {one.code for one in found} == {"SYN5010"}, (record, found)
        settle(self.world.place, Act((found[0].id,), "ann", "asked"), fate)
        record.settle(fate)

    def _merge(self, one: Record, other: Record) -> None:
        if one is other or any(self._is_merging(each) or not self._is_calm(each) for each in (one, other)):
            return
        one.part_of = other
        self.world.edit("a", self.ids["a", one.key], master=self.ids["a", other.key])

    def _is_merging(self, record: Record) -> bool:
        return record.part_of is not None or any(each.part_of is record for each in self.records)

    @staticmethod
    def _is_calm(record: Record) -> bool:
        """Whether a system has it that can tell of it, and nobody has deleted it or let it go."""
        calm = not any(side.gone or side.left for side in record.sides.values())
        return "a" in record.sides and calm and bool(record.decided) and not record.condemned

    def run(self, patch: pytest.MonkeyPatch) -> None:
        """Run until all is written, and have the reference do what these runs do."""
        unread = self.trouble.unread()
        runs = int(self.trouble.lossy(self._run, patch))
        for _ in range(10):
            runs += 1
            delivered = self._run().delivered
            if not delivered.paused:
                assert not delivered.left, delivered
                break
            self.world.clock.let_pass(60.0)
        else:
            raise AssertionError(f"paused for good: {delivered}")
        self.trouble.end()
        for record in self.records:
            if record.part_of is not None and "a" not in unread:
                record.part_of.absorb(record)
        for record in self.records:
            for _ in range(runs):
                record.run(self.mode, unread)

    def _run(self) -> RunResult:
        """Run, with what it asks approved."""
        try:
            return self.world.run()
        except ApprovalNeeded:
            return self.world.run(approve=self.world.plan().changes.id)

    def compare(self, number: int) -> None:
        """Hold what the systems show against the reference."""
        shown: dict[tuple[str, str], list[Values]] = {}
        for member in MEMBERS:
            for one in self.world.records(member):
                self.ids[member, one["key"]] = one["id"]
                values = {name: one.get(name) for name in OWNERS}
                values["size"] = None if values["size"] is None else int(values["size"])
                shown.setdefault((member, one["key"]), []).append(values)
        expected: dict[tuple[str, str], list[Values]] = {}
        for record in self.records:
            for member, side in [*record.sides.items(), *record.aside]:
                if not side.gone:
                    expected.setdefault((member, side.now["key"]), []).append(side.now)
        differing = [
            (at, shown.get(at), expected.get(at))
            for at in sorted(shown.keys() | expected.keys())
            if shown.get(at) != expected.get(at)
        ]
        assert not differing, f"after run {number}: {len(differing)} differ, such as {differing[:3]}"


@pytest.mark.parametrize("losing", [False, True], ids=["safe", "losing answers"])
@pytest.mark.parametrize("mode", MODES)
def test_who_holds_what(mode: str, losing: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with world(tmp_path, monkeypatch, files(mode)) as made:
        play = Play(made, mode, SEED, losing)
        for number in range(ROUNDS):
            if number:
                play.happens()
            play.run(monkeypatch)
            play.compare(number)
        made.assert_whole()
