"""Laws of whole runs where records refer to their own kind, fields are left out, and ids are given away again.

Checked at the far sides: `plan` lists what `run` then writes; once nobody edits anything nothing is sent; every record
that can go on stands in the other system once, with its values, and under the same superior; a team is as large as it is;
the state is what its segments fold to.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from support.world import World, system, world, writes
from syncline_runtime.stages import deliver

REC = "name: {type: text(80), required: true}, mail: text, up: {type: text, ref: Rec}, note: text"
FILES = {
    "a.yaml": system("a", Rec=f"{REC}~"),
    "b.yaml": system("b", Rec=f"{REC}, team: int"),
    "person.yaml": """
        object: person
        version: 1.0.0
        fields:
          name: {type: text(80), required: true, label: Name}
          mail: {type: "text?", label: Mail}
          up: {type: ref(person)?, inverse: team, label: Reports to}
          note: {type: "text~", label: Note}
        derived:
          size: count(team)
        identity: [{same: [mail]}]
        """,
    "sync.yaml": """
        sync: person
        object: person@1
        members: {a: a.Rec, b: b.Rec}
        exists: {originate: [a], hold: {b: true}}
        owners: {"*": a}
        """,
    **{
        f"{n}.map": f"mapping {n}.Rec <-> person@1\n\nname <-> name\nmail <-> mail\nup <-> up | ref person\nnote <-> note\n"
        for n in "ab"
    },
}
FILES["a.map"] += 'reject when note == "bad" because "not fit to be kept"\n'
FILES["b.map"] += "size -> team\n"

which = st.integers(0, 5)
steps = st.one_of(
    st.tuples(st.just("join"), st.none() | which, st.sampled_from(["x", "bad"])),
    st.tuples(st.just("join"), st.none() | which, st.just("x")),
    st.tuples(st.just("move"), which, st.none() | which),
    st.tuples(st.just("note"), which, st.sampled_from(["x", "y", "bad"])),
    st.tuples(st.just("leave"), which, st.none()),
    st.tuples(st.just("hide"), st.booleans(), st.none()),
)
trouble = st.lists(
    st.tuples(
        st.sampled_from(["create", "update"]), st.sampled_from(["500_after", "500_before", "reset_after", "429"])
    ),
    max_size=2,
)


class Office:
    """Somebody who works in a: people join, move, leave; ids of those who left are given away again."""

    def __init__(self, world: World) -> None:
        self.world, self.store = world, world.sandbox.stand_ins["a"].stores["Rec"]
        self.hidden: set[str] = set()
        self.given: list[str] = []  # ids of people who left
        self.joined = 0
        operations = world.sandbox.stand_ins["a"]._operations
        whole = operations.wire
        operations.wire = lambda *of: {n: v for n, v in whole(*of).items() if n not in self.hidden}  # type: ignore[method-assign]

    def one(self, number: int | None) -> str | None:
        there = sorted(self.store.records)
        return there[number % len(there)] if there and number is not None else None

    def step(self, what: str, first: Any, second: Any) -> None:
        if what == "hide":
            self.hidden = {"note"} if first else set()
        elif what == "join":
            self._join(self.one(first), second)
        elif (who := self.one(first)) is None:
            return
        elif what == "move":
            self.world.edit("a", who, up=self.one(second))
        elif what == "note":
            self.world.edit("a", who, note=second)
        elif who not in {record.natives.get("up") for record in self.store.records.values()}:
            del self.store.records[who]
            self.given.append(who)

    def _join(self, up: str | None, note: str) -> None:
        self.joined += 1
        made = self.world.add("a", name=f"P{self.joined}", mail=f"p{self.joined}@x", up=up, note=note)
        if self.given:
            record = self.store.records.pop(made)
            record.native_id = record.natives["id"] = self.given.pop()
            self.store.records[record.native_id] = record


@settings(
    max_examples=3, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture]
)
@given(rounds=st.lists(st.lists(steps, min_size=1, max_size=5), min_size=1, max_size=3), faults=trouble)
def test_runs_converge_and_then_rest(
    rounds: list[list[Any]], faults: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deliver, "PATIENCE", 0.0)
    with tempfile.TemporaryDirectory() as folder, world(Path(folder), monkeypatch, FILES) as made:
        office = Office(made)
        for number, changes in enumerate(rounds):
            for change in changes:
                office.step(*change)
            for operation, fault in faults if number == len(rounds) - 1 else []:
                made.sandbox.fault("b", fault, operation=operation)
            planned = made.plan()
            assert writes(planned) == writes(made.run())
        made.sandbox.stand_ins["b"].faults.clear()
        office.hidden.clear()
        monkeypatch.setattr(deliver, "PATIENCE", 5.0)
        made.run()
        made.run()
        assert writes(made.plan()) == writes(made.run()) == []
        agree(office)
        made.assert_whole()


def agree(office: Office) -> None:
    """Everybody fit to be kept is in b once, by mail, with note, superior and team."""
    mine = {one.native_id: one.natives for one in office.store.records.values()}
    theirs = office.world.records("b")
    by_mail = {one["mail"]: one for one in theirs}
    assert len(by_mail) == len(theirs)
    fit = {native_id: one for native_id, one in mine.items() if one["note"] != "bad"}
    for native_id, one in fit.items():
        shown = by_mail[one["mail"]]
        assert (shown["name"], shown["note"]) == (one["name"], one["note"])
        superior = fit.get(one.get("up") or "")
        if superior is not None or not one.get("up"):
            assert shown["up"] == (by_mail[superior["mail"]]["id"] if superior else None)
        if all(other in fit for other, of in mine.items() if of.get("up") == native_id):
            assert int(shown["team"]) >= sum(of.get("up") == native_id for of in fit.values())
