"""Drift of a system that is asked itself: what it says of its fields, and records of it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from support.engine import project
from support.world import FROM_A_TO_B, PROJECT, World, system, world
from syncline_compiler.drift.live import Live, read_live
from syncline_compiler.drift.look import Against, look
from syncline_compiler.drift.remote import DriftError
from syncline_compiler.pipeline import Compilation, check_project

DESCRIBED = (
    'Name: {type: text(20), at: names.short}, Kind: {type: text, values: [x, y]}, Born: date, Due: "decimal(8,2)"'
)
BY_NOW = "Name: {type: text(80), at: names.short}, Kind: {type: text, values: [x, y, z], write: false}, Born: text"
DESCRIBE = "    describe: {request: {path: /rec/describe}, items: result.fields, read: may.read, update: may.update}\n"
REST = {
    "rec.yaml": "object: rec\nversion: 1.0.0\nidentity: [{same: [name]}]\nfields: {name: text?, kind: text?}\n",
    "a.map": "mapping a.Rec <-> rec@1\nname <-> Name | truncate 20\nkind <- Kind\n",
    "b.map": "mapping b.Rec <-> rec@1\nname <-> Name | truncate 20\nkind <-> Kind | truncate 1\n",
    "rec_sync.yaml": FROM_A_TO_B,
}


@pytest.fixture
def by_now(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    """The systems as they are by now."""
    b = REST["b.map"].replace("kind <->", "kind <-").replace(" | truncate 1\n", "\n")
    files = {**REST, "a.yaml": system("a", Rec=BY_NOW), "b.yaml": system("b", Rec=BY_NOW) + DESCRIBE, "b.map": b}
    with world(tmp_path, monkeypatch, files) as made:
        yield made


@pytest.fixture
def described(tmp_path: Path) -> Compilation:
    """The systems as they are described."""
    files = {"a.yaml": system("a", Rec=DESCRIBED), "b.yaml": system("b", Rec=DESCRIBED) + DESCRIBE}
    return check_project(project(tmp_path / "described", {"syncline.yaml": PROJECT, **REST, **files}))


def drift(checked: Compilation, name: str) -> tuple[list[str], list[str]]:
    assert checked.known is not None
    shape = read_live(checked.known, name, Live())
    review = look(checked, name, Against(shape, "what it says itself"))
    return [f"{one.change.rule.id} {one.change.key}: {one.evidence}" for one in review.findings], list(review.notes)


def test_records_are_looked_through(by_now: World, described: Compilation) -> None:
    by_now.add("a", Name="Ada", Kind="x", Born="1815-12-10")
    assert drift(described, "a")[0] == []
    by_now.add("a", Name="Ada Lovelace, Countess of Lovelace", Kind="z", Born="in spring")
    by_now.add("a", Name=None, Kind=None, Born=None)
    told, notes = drift(described, "a")
    assert told == [
        "native-read-another Rec.Born: of 2 records that hold it: 1 date, 1 text; 1 of 3 records have none",
        "native-value-added Rec.Kind.z: of 2 records that hold it; 1 of 3 records have none",
        "native-read-wider Rec.Name: of 2 records that hold it; 1 of 3 records have none",
    ]
    assert "a.Rec: in none of 3 records: Due" in notes


def test_what_it_says_of_its_fields_is_believed(by_now: World, described: Compilation) -> None:
    by_now.add("b", Name="Ada", Kind="x")
    told, _ = drift(described, "b")
    assert told == ["native-read-removed Rec.Due: ", "native-unwritable Rec.Kind: "]


def test_nothing_is_told_of_what_is_empty(by_now: World, described: Compilation) -> None:
    del by_now
    assert drift(described, "a") == (
        [],
        ["nothing is told of a.Rec; --schema RESOURCE=NAME says what is told under another name"],
    )


def test_which_connection_is_asked(described: Compilation) -> None:
    assert described.known is not None
    for live, says in (
        (Live("p"), "name the environment with --env: t"),
        (Live("t", "b"), "has no such connection to a"),
    ):
        with pytest.raises(DriftError, match=says):
            read_live(described.known, "a", live)
