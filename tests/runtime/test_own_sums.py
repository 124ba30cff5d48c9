"""Derived fields over records of one's own kind: how many report to a person, what a group of companies owes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from support.world import World, system, world, writes

REC = "name: {type: text(80), required: true}, up: {type: text, ref: Rec}"
FILES = {
    "a.yaml": system("a", Rec=REC),
    "b.yaml": system("b", Rec=f"{REC}, team: int"),
    "person.yaml": """
        object: person
        version: 1.0.0
        fields:
          name: {type: text(80), required: true, label: Name}
          up: {type: ref(person)?, inverse: team, label: Reports to}
        derived:
          size: count(team)
        identity: [{same: [name]}]
        """,
    "sync.yaml": """
        sync: person
        object: person@1
        members: {a: a.Rec, b: b.Rec}
        exists: {originate: [a], hold: {b: true}}
        owners: {"*": a}
        """,
    **{f"{n}.map": f"mapping {n}.Rec <-> person@1\n\nname <-> name\nup <-> up | ref person\n" for n in "ab"},
}
FILES["b.map"] += "size -> team\n"


@pytest.fixture
def office(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    with world(tmp_path, monkeypatch, FILES) as made:
        yield made


def teams(office: World) -> dict[str, int]:
    """Run until nothing moves, see that this is at once, and give the teams that b shows."""
    office.run()
    assert (writes(office.plan()), writes(office.run())) == ([], [])
    office.assert_whole()
    return {one["name"]: int(one["team"]) for one in office.records("b")}


def test_teams_follow_their_people(office: World) -> None:
    top = office.add("a", name="Top")
    mid = office.add("a", name="Mid", up=top)
    low = office.add("a", name="Low", up=mid)
    assert teams(office) == {"Top": 1, "Mid": 1, "Low": 0}
    office.edit("a", low, up=top)
    assert teams(office) == {"Top": 2, "Mid": 0, "Low": 0}
    new = office.add("a", name="New", up=mid)
    office.edit("a", mid, up=None)
    assert teams(office) == {"Top": 1, "Mid": 1, "Low": 0, "New": 0}
    office.drop("a", new)
    office.drop("b", office.by("name", "b")["New"]["id"])
    assert teams(office) == {"Top": 1, "Mid": 0, "Low": 0}
