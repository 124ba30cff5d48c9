"""Rollback: a run's writes are undone where the systems still hold them, and stay undone."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from runtime.test_compaction import FILES
from support.world import World, world, writes
from syncline_runtime.errors import ApprovalNeeded, UsageError
from syncline_runtime.result import RunResult
from syncline_runtime.rollback import rollback
from syncline_runtime.upkeep.compaction import compact_state
from syncline_runtime.upkeep.session import opened_ledger


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    """Three records, agreed on; then a run that writes bad names to two of them."""
    with world(tmp_path, monkeypatch, FILES) as made:
        for key in ("k1", "k2", "k3"):
            made.add("a", key=key, name=f"good {key}", size="1")
        made.run()
        yield made


def spoil(shop: World) -> RunResult:
    for key in ("k1", "k2"):
        shop.edit("a", shop.by("key", "a")[key]["id"], name=f"wrong {key}")
    result = shop.run()
    assert writes(result) == [("b", "Rec", "update", "")] * 2
    return result


def names(shop: World) -> dict[str, str]:
    return {key: one["name"] for key, one in shop.by("key", "b").items()}


def undo(shop: World, run: str, approve: str | None = None, **more: bool) -> RunResult:
    options = replace(shop.options, approve=approve)
    return rollback(shop.release, shop.place.binding, options, run, **more)


def test_what_still_stands_is_undone_once_it_is_approved(shop: World) -> None:
    bad = spoil(shop)
    shop.edit("b", shop.by("key", "b")["k2"]["id"], name="mended by hand")
    before = len(shop.sandbox.log)
    plan = undo(shop, bad.run_id)
    assert (plan.exit_code, writes(plan), len(shop.sandbox.log)) == (3, [("b", "Rec", "update", "")], before)
    (kept,) = plan.kept
    assert kept["why"] == "it holds another value by now: name"
    with pytest.raises(ApprovalNeeded):
        undo(shop, bad.run_id, "0" * 64)
    assert len(shop.sandbox.log) == before
    done = undo(shop, bad.run_id, plan.changes.id)
    assert (done.exit_code, done.acked) == (0, 1)
    assert names(shop) == {"k1": "good k1", "k2": "mended by hand", "k3": "good k3"}
    with opened_ledger(shop.place) as ledger:
        assert [one.origin for one in ledger.intents.of_run(done.run_id)] == ["rollback"]
    shop.assert_whole()


def test_what_was_undone_stays_undone_until_its_owner_changes_it(shop: World) -> None:
    bad = spoil(shop)
    undo(shop, bad.run_id, undo(shop, bad.run_id).changes.id)
    assert names(shop)["k1"] == "good k1"
    assert writes(shop.run()) == []
    assert names(shop)["k1"] == "good k1"
    shop.edit("a", shop.by("key", "a")["k1"]["id"], name="right k1")
    assert writes(shop.run()) == [("b", "Rec", "update", "")]
    assert names(shop)["k1"] == "right k1"
    shop.assert_whole()


def test_a_second_rollback_finds_nothing_to_undo(shop: World) -> None:
    bad = spoil(shop)
    undo(shop, bad.run_id, undo(shop, bad.run_id).changes.id)
    again = undo(shop, bad.run_id)
    assert (again.exit_code, writes(again), len(again.kept)) == (0, [], 2)


def test_what_a_later_run_wrote_is_not_touched(shop: World) -> None:
    bad = spoil(shop)
    shop.edit("a", shop.by("key", "a")["k1"]["id"], name="right k1")
    shop.run()
    plan = undo(shop, bad.run_id)
    assert [one.native_id for one in plan.changes.writes] == [shop.by("key", "b")["k2"]["id"]]
    assert len(plan.kept) == 1


def test_records_that_the_run_made_stay_unless_that_is_asked_for(shop: World) -> None:
    with opened_ledger(shop.place) as ledger:
        first = ledger.runs.last()[-1].id
    plan = undo(shop, first)
    assert (writes(plan), len(plan.kept)) == ([], 3)
    shop.edit("b", shop.by("key", "b")["k3"]["id"], name="taken over")
    plan = undo(shop, first, creates=True)
    assert writes(plan) == [("b", "Rec", "delete", "")] * 2
    undo(shop, first, plan.changes.id, creates=True)
    assert names(shop) == {"k3": "taken over"}


def test_what_a_first_link_wrote_is_undone_too(shop: World) -> None:
    shop.add("a", key="k4", name="in a", size="1")
    shop.add("b", key="k4", name="in b", size="1")
    bad = shop.run()
    assert names(shop)["k4"] == "in a"
    undo(shop, bad.run_id, undo(shop, bad.run_id).changes.id)
    assert names(shop)["k4"] == "in b"
    assert writes(shop.run()) == []


def test_compaction_keeps_what_a_rollback_needs(shop: World) -> None:
    bad = spoil(shop)
    compact_state(shop.place, 86_400_000_000)
    assert writes(undo(shop, bad.run_id)) == [("b", "Rec", "update", "")] * 2


def test_an_unknown_run_is_told(shop: World) -> None:
    with pytest.raises(UsageError, match="there is no run"):
        undo(shop, "0" * 26)


def test_a_system_that_cannot_be_reached_keeps_its_values(shop: World, monkeypatch: pytest.MonkeyPatch) -> None:
    bad = spoil(shop)
    monkeypatch.setenv("SYNCLINE_SANDBOX_URL", "http://127.0.0.1:9")
    plan = undo(shop, bad.run_id)
    assert writes(plan) == []
    assert all("cannot be" in one["why"] for one in plan.kept)
