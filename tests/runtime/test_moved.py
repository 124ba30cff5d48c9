"""A field that has another name since a new version of its object: what was known and agreed of it stays so."""

from __future__ import annotations

from pathlib import Path

import pytest

from runtime.test_compaction import FILES
from support.world import world, writes
from syncline_runtime.upkeep.session import opened_state

AFTER = {
    name: text.replace("name <-> name", "title <-> name").replace("when name ==", "when name ==")
    for name, text in FILES.items()
} | {"rec.yaml": FILES["rec.yaml"].replace("name: {type", "title: {moved: {from: name}, type")}


def test_what_was_agreed_of_a_moved_field_stays_agreed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with world(tmp_path, monkeypatch, FILES) as shop:
        for key in ("k1", "k2"):
            shop.add("a", key=key, name=f"name {key}", size="1")
        shop.run()
        shop.change(AFTER)
        with opened_state(shop.place) as (_, state):
            base = state.rows('SELECT "agreed.title", contains(_slots, \',title,\') FROM "base:rec/b" ORDER BY ALL')
            known = state.rows('SELECT title, "from.title" FROM "canonical:rec" ORDER BY ALL')
        assert base == [("name k1", True), ("name k2", True)]
        assert known == [("name k1", "a"), ("name k2", "a")]
        result = shop.run()
        assert (writes(result), result.outcomes) == ([], [])
        shop.edit("a", shop.by("key", "a")["k1"]["id"], name="another")
        assert writes(shop.run()) == [("b", "Rec", "update", "")]
        shop.assert_whole()
