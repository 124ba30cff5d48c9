"""Rebaseline: what members hold is taken as agreed; nothing is sent, then or later, until somebody edits."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from runtime.test_compaction import FILES
from support.world import World, world, writes
from syncline_runtime.errors import ApprovalNeeded, UsageError
from syncline_runtime.upkeep.rebaseline import rebaseline


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    """Two records agreed on, then edited by hand on both sides."""
    with world(tmp_path, monkeypatch, FILES) as made:
        for key in ("k1", "k2"):
            made.add("a", key=key, name=f"name {key}", size="1")
        made.run()
        made.edit("a", made.by("key", "a")["k1"]["id"], name="in a")
        made.edit("b", made.by("key", "b")["k1"]["id"], name="in b", size="2")
        yield made


def test_what_members_hold_is_agreed_once_it_is_approved(shop: World) -> None:
    assert writes(shop.plan()) == [("a", "Rec", "update", ""), ("b", "Rec", "update", "")]
    before = len(shop.sandbox.log)
    plan = rebaseline(shop.place, "rec", ["name"])
    assert [(one["connection"], one["field"], one["records"]) for one in plan["agreed"]] == [("b", "name", 1)]
    assert writes(shop.plan()) == [("a", "Rec", "update", ""), ("b", "Rec", "update", "")]
    with pytest.raises(ApprovalNeeded):
        rebaseline(shop.place, "rec", ["name"], "0" * 64)
    done = rebaseline(shop.place, "rec", ["name"], plan["change_set"])
    assert done["done"]
    assert len(shop.sandbox.log) == before
    shop.assert_whole()
    assert writes(shop.run()) == [("a", "Rec", "update", "")]  # the size, which was not asked for
    assert (shop.by("key", "a")["k1"]["name"], shop.by("key", "b")["k1"]["name"]) == ("in a", "in b")
    assert writes(shop.run()) == []
    shop.assert_whole()


def test_the_next_edit_of_the_owner_is_written(shop: World) -> None:
    rebaseline(shop.place, "rec", (), rebaseline(shop.place, "rec")["change_set"])
    assert writes(shop.run()) == []
    assert rebaseline(shop.place, "rec")["agreed"] == []
    shop.edit("a", shop.by("key", "a")["k1"]["id"], name="newer in a")
    assert writes(shop.run()) == [("b", "Rec", "update", "")]
    assert shop.by("key", "b")["k1"] | {"name": "newer in a", "size": "2"} == shop.by("key", "b")["k1"]
    assert writes(shop.run()) == []


def test_what_is_not_known_is_told(shop: World) -> None:
    with pytest.raises(UsageError, match="no sync 'recs'"):
        rebaseline(shop.place, "recs")
    with pytest.raises(UsageError, match="compares no 'nam'"):
        rebaseline(shop.place, "rec", ["nam"])
