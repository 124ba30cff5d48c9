"""A list that never shows more than so many records is read in windows of time until each shows all of its own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from support.world import FROM_A_TO_B, World, system, world

CAP = 5
RECORDS = 23
A = (
    system("a", Rec="name: {type: text, required: true}, changed: {type: instant, write: false}")
    .replace("    id: id\n", "    id: id\n    version: changed\n")
    .replace(
        "list: {request: {path: /rec}}",
        f"list: {{request: {{path: /rec}}, result_cap: {CAP}, cursor: {{field: changed, granularity: 1ms, "
        'query: {since: "{cursor}", until: "{until}"}}}',
    )
)
FILES = {
    "a.yaml": A,
    "b.yaml": system("b", Rec="name: {type: text, required: true}"),
    "rec.yaml": "object: rec\nversion: 1.0.0\nfields: {name: {type: text, required: true}}\nidentity: [{same: [name]}]\n",
    "sync.yaml": FROM_A_TO_B,
    "a.map": "mapping a.Rec <-> rec@1\n\nname <-> name\n",
    "b.map": "mapping b.Rec <-> rec@1\n\nname <-> name\n",
}


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    with world(tmp_path, monkeypatch, FILES) as made:
        yield made


def test_all_are_read(shop: World) -> None:
    for number in range(RECORDS):
        shop.add("a", name=f"N{number:02}")
        shop.clock.let_pass(3_600)
    assert shop.run().exit_code == 0
    assert sorted(shop.by("name", "b")) == [f"N{number:02}" for number in range(RECORDS)]
    shop.assert_whole()
    for number in range(RECORDS, RECORDS + CAP + 2):  # and so is what changed since
        shop.clock.let_pass(60)
        shop.add("a", name=f"N{number:02}")
    assert shop.run().exit_code == 0
    assert len(shop.records("b")) == RECORDS + CAP + 2
    assert not shop.run().changes.writes


def test_nothing_is_taken_for_deleted(shop: World) -> None:
    for number in range(RECORDS):
        shop.add("a", name=f"N{number:02}")
        shop.clock.let_pass(3_600)
    shop.run()
    again = shop.run(whole=True)
    assert (again.exit_code, again.changes.writes) == (0, ())


def test_more_at_one_moment_than_is_shown_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with world(tmp_path, monkeypatch, {**FILES, "a.yaml": A.replace("1ms", "1d")}) as shop:
        for number in range(CAP):
            shop.add("a", name=f"N{number:02}")
        done = shop.run()
        assert "5 records changed at one moment" in done.unread["a.Rec"]
        assert shop.records("b") == []
