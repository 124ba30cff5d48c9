"""The merge against a reference in plain Python, over random histories of edits, clocks, unread members, deletes, crashes.

A history is one record's: three members, some rounds of edits, a run after each. All histories of a seed go through the same
runs side by side, so that ten thousand cost little more than two hundred:
``SYNCLINE_HISTORIES=10000 SYNCLINE_ROUNDS=8 pytest tests/properties/test_histories.py``.

The reference says what section 5 of the design says, of one record at a time, and is compared with the far sides after every
run. Laws besides: what is at rest stays at rest; the order of members does not matter.
"""

from __future__ import annotations

import os
import random
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from support.trouble import Trouble
from support.world import World, system, world

SEED = int(os.environ.get("SYNCLINE_SEED", "1"))
HISTORIES = int(os.environ.get("SYNCLINE_HISTORIES", "200"))
ROUNDS = int(os.environ.get("SYNCLINE_ROUNDS", "4"))
MEMBERS = ("a", "b", "c")
OWNED = {"own": "restore", "held": "review", "taken": "adopt"}
FIELDS = (*OWNED, "late", "top", "tags")
NATIVES = "own: text, held: text, taken: text, late: text, top: int, tags: text, at: instant, key: {type: text, required: true}"
ENVIRONMENT = ", ".join(f"{name}: {{stand_in: true}}" for name in MEMBERS)


def files(members: Iterable[str]) -> dict[str, str]:
    """Give the project with its members in this order."""
    mapping = "".join(f"{name} <-> {name}\n" for name in ("key", *OWNED, "late", "top")) + 'tags <-> tags | split ";"\n'
    return {
        "syncline.yaml": f"syncline: 1\nproject: t\nenvironments: {{t: {{{ENVIRONMENT}}}}}\n",
        **{f"{name}.yaml": system(name, Rec=NATIVES) for name in MEMBERS},
        **{f"{name}.map": f"mapping {name}.Rec <-> thing@1\n\n{mapping}" for name in MEMBERS},
        "thing.yaml": """
            object: thing
            version: 1.0.0
            fields:
              key: {type: text, label: Key}
              own: {type: "text?", label: Own}
              held: {type: "text?", label: Held}
              taken: {type: "text?", label: Taken}
              late: {type: "text?", label: Late}
              top: {type: "int?", label: Top}
              tags: {type: "list(text)?", label: Tags}
            identity: [{same: [key]}]
            """,
        "sync.yaml": f"""
            sync: thing
            object: thing@1
            members: {{{", ".join(f"{name}: {name}.Rec" for name in members)}}}
            exists: {{originate: [a], hold: {{b: true, c: true}}}}
            owners:
              "*": a
              late: {{by: newest, clock: {{a: at, b: at, c: at}}}}
              top: {{by: max}}
              tags: {{by: union}}
            unowned_edit: {{"*": restore, held: review, taken: adopt}}
            """,
    }


Value = Any  # of a field: text, number, or a sorted tuple of tags; None for nothing


@dataclass
class Side:
    """A member's record as the reference knows it."""

    now: dict[str, Value]
    at: int = 0
    agreed: dict[str, Value] = field(default_factory=dict)  # what it agreed on, for fields on which it ever did
    gone: bool = False
    missed: bool = False  # that it is gone has been seen


@dataclass
class Record:
    """One history: what the members show, and what was decided before."""

    key: str
    sides: dict[str, Side]
    decided: dict[str, Value] = field(default_factory=dict)
    won_at: int = 0  # clock of the winner of `late`

    def run(self, unread: frozenset[str]) -> None:
        """Decide and write, as a run does that cannot read some members."""
        known = {name: side for name, side in self.sides.items() if name not in unread and not side.gone}
        based = {name: side for name, side in self.sides.items() if not side.missed}
        for name, side in self.sides.items():
            side.missed |= side.gone and name not in unread
        if not self.decided and "a" not in known:
            return  # nobody brings it into being
        frozen = set()
        for name in FIELDS:
            winner = self._winner(name, known, based)
            if winner is FROZEN:
                frozen.add(name)
            else:
                self.decided[name] = winner
        for member in MEMBERS:
            if member in known:
                self._write(known[member], frozen)
            elif member not in self.sides and member != "a" and member not in unread:
                self.sides[member] = Side(dict(self.decided) | dict.fromkeys(frozen), agreed=dict(self.decided))

    def _write(self, side: Side, frozen: set[str]) -> None:
        for name in FIELDS:
            if name in frozen:
                continue
            want, mine = self.decided[name], name in side.agreed
            edited = mine and side.now[name] != side.agreed[name]
            if OWNED.get(name) == "review" and edited and want == side.agreed[name]:
                continue  # a person decides
            side.now[name] = side.agreed[name] = want

    def _winner(self, name: str, known: dict[str, Side], based: dict[str, Side]) -> Value:
        if name == "late":
            return self._newest(known, based)
        if name in ("top", "tags"):
            return self._merged(name, known, based)
        return self._owned(name, OWNED[name], known, based)

    def _owned(self, name: str, policy: str, known: dict[str, Side], based: dict[str, Side]) -> Value:
        others = {member: side for member, side in known.items() if member != "a"}
        owner, stands_in = known.get("a"), based.get("a")
        if policy == "adopt" and not (owner and _edited(owner, name)):
            edits = {side.now[name] for side in others.values() if _edited(side, name)}
            if edits:
                return edits.pop() if len(edits) == 1 else FROZEN
        told = {side.now[name] for side in others.values() if side.now[name] is not None}
        new = {side.now[name] for side in others.values() if name not in side.agreed} - {None}
        if owner is not None and owner.now[name] is None and not _edited(owner, name) and new:
            return new.pop() if len(new) == 1 else FROZEN  # who is new to the field fills what the owner leaves empty
        if policy == "adopt" and owner is not None and name in owner.agreed and not _edited(owner, name):
            return self.decided.get(name)  # adopted while the owner could not be read
        if owner is not None:
            return owner.now[name]
        if stands_in is not None and name in stands_in.agreed:
            return stands_in.agreed[name]
        if self.decided:
            return self.decided.get(name)
        return (told.pop() if len(told) == 1 else FROZEN) if told else None

    def _newest(self, known: dict[str, Side], based: dict[str, Side]) -> Value:
        moved = [
            side
            for side in known.values()
            if (_edited(side, "late") or ("late" not in side.agreed and side.now["late"] is not None))
            and side.at >= self.won_at
        ]
        if not moved:
            return self.decided.get("late")
        newest = max(side.at for side in moved)
        values = {side.now["late"] for side in moved if side.at == newest}
        if len(values) > 1:
            return FROZEN
        self.won_at = newest
        return values.pop()

    def _merged(self, name: str, known: dict[str, Side], based: dict[str, Side]) -> Value:
        shown = {m: side.now[name] if m in known else side.agreed.get(name) for m, side in based.items()}
        before = {m: side.agreed.get(name) for m, side in based.items()}
        if not any(m in known or name in side.agreed for m, side in based.items()):
            return self.decided.get(name)
        if name == "top":
            return max((value for value in shown.values() if value is not None), default=None)
        added = {tag for m, tags in shown.items() for tag in set(tags or ()) - set(before[m] or ())}
        taken = {tag for m, tags in shown.items() for tag in set(before[m] or ()) - set(tags or ())}
        left = tuple(sorted((set(self.decided.get(name) or ()) - taken) | added))
        return left or (None if None in shown.values() else ())


FROZEN = object()


def _edited(side: Side, name: str) -> bool:
    return name in side.agreed and side.now[name] != side.agreed[name]


class Play:
    """The histories of a seed, in a world of three systems."""

    def __init__(self, made: World, seed: int, losing: bool) -> None:
        self.losing = losing
        self.world, self.random = made, random.Random(seed)
        self.trouble = Trouble(made, self.random, MEMBERS, ("create", "update"), losing)
        self.ids: dict[tuple[str, str], str] = {}
        self.records = [self._record(f"k{number:05d}") for number in range(HISTORIES // 2)]

    def _record(self, key: str) -> Record:
        there = [name for name in MEMBERS if name == "a" or self.random.random() < 0.5]
        sides = {}
        for name in there:
            sides[name] = Side({one: self._value(one) for one in FIELDS}, at=self.random.randint(1, 9))
            self._show(name, key, sides[name])
        return Record(key, sides)

    def _value(self, name: str) -> Value:
        if name == "top":
            return self.random.choice([None, 1, 2, 3])
        if name == "tags":
            tags = tuple(tag for tag in "pqr" if self.random.random() < 0.4)
            return tags or None
        return self.random.choice([None, "x", "y", "z"])

    def _show(self, member: str, key: str, side: Side, only: Iterable[str] = FIELDS) -> None:
        natives = {name: _native(name, side.now[name]) for name in only}
        natives |= {"at": f"2026-01-01T00:00:0{side.at}Z"}
        if (member, key) in self.ids:
            self.world.edit(member, self.ids[member, key], **natives)
        else:
            self.ids[member, key] = self.world.add(member, key=key, **natives)

    def edits(self) -> None:
        """Let people work in every system."""
        for record in self.records:
            for member, side in record.sides.items():
                if side.gone or self.random.random() < 0.4:
                    continue
                if member != "a" and self.random.random() < 0.03:
                    side.gone = True
                    self.world.drop(member, self.ids[member, record.key])
                    continue
                names = [name for name in FIELDS if self.random.random() < 0.25]
                if self.losing:
                    # an edit that lost against another is looked at again if the write over it was lost too
                    once = [name for name in FIELDS if OWNED.get(name) == "adopt"] if member == "a" else []
                    once += ["top", "tags"] if member != "c" else []
                    names = [name for name in names if name not in once]
                for name in names:
                    side.now[name] = self._value(name)
                side.at = self.random.randint(1, 9)
                self._show(member, record.key, side, names)

    def shown(self) -> dict[tuple[str, str], dict[str, Value]]:
        """Give what the systems show: (member, key) → values."""
        found = {}
        for member in MEMBERS:
            for one in self.world.records(member):
                self.ids[member, one["key"]] = one["id"]
                assert (member, one["key"]) not in found, "doubled"
                found[member, one["key"]] = {name: _value_of(name, one.get(name)) for name in FIELDS}
        return found

    def expected(self) -> dict[tuple[str, str], dict[str, Value]]:
        return {
            (member, record.key): side.now
            for record in self.records
            for member, side in record.sides.items()
            if not side.gone
        }


def _native(name: str, value: Value) -> Value:
    return ";".join(value) if name == "tags" and value is not None else value


def _value_of(name: str, native: Value) -> Value:
    if name == "tags" and native is not None:
        return tuple(sorted(native.split(";"))) if native else ()
    return int(native) if name == "top" and native is not None else native


def _histories(folder: Path, monkeypatch: pytest.MonkeyPatch, members: Iterable[str], losing: bool) -> dict[Any, Any]:
    with world(folder, monkeypatch, files(members)) as made:
        play = Play(made, SEED, losing)
        for number in range(ROUNDS):
            if number:
                play.edits()
            unread = play.trouble.unread()
            play.trouble.lossy(made.run, monkeypatch)
            _run(made, unread)
            play.trouble.end()
            for record in play.records:
                record.run(unread)
            _compare(play, number)
        return play.shown()


def _run(made: World, unread: frozenset[str]) -> None:
    """Run until no system rests any more after its failures, and nothing is left for a later run."""
    for _ in range(10):
        done = made.run()
        if not done.delivered.paused:
            assert not done.delivered.left, done.delivered
            assert {one.partition(".")[0] for one in done.unread} <= unread, done.unread
            return
        made.clock.let_pass(60.0)
    raise AssertionError(f"paused for good: {done.delivered}")


def _compare(play: Play, number: int) -> None:
    shown, expected = play.shown(), play.expected()
    differing = {
        at: (shown.get(at), expected.get(at))
        for at in shown.keys() | expected.keys()
        if shown.get(at) != expected.get(at)
    }
    assert not differing, f"after run {number}: {len(differing)} differ, such as {sorted(differing.items())[:3]}"


@pytest.mark.parametrize("losing", [False, True], ids=["safe", "losing answers"])
def test_runs_do_what_the_reference_says(losing: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    orders = [MEMBERS, ("c", "a", "b")]
    ends = [_histories(tmp_path / str(n), monkeypatch, order, losing) for n, order in enumerate(orders)]
    assert ends[0] == ends[1], "the order of members matters"
