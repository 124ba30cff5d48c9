"""What has another name since a new version of its specs: what was known and agreed of it stays so."""

from __future__ import annotations

from pathlib import Path

import pytest

from runtime.test_compaction import FILES
from support.world import PROJECT, World, problems, world, writes
from syncline_runtime.errors import ApprovalNeeded
from syncline_runtime.tracing import trace
from syncline_runtime.upkeep.erasure import erase
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


def renamed(*pairs: tuple[str, str], moved: bool = True) -> dict[str, str]:
    """Give the specs with other names in them, and without what says so unless it is ``moved``."""
    files = {"syncline.yaml": PROJECT, **FILES}
    for before, now in pairs:
        if not moved and "moved" in now:
            continue
        assert any(before in text for text in files.values()), before
        files = {name: text.replace(before, now) for name, text in files.items()}
    return files


OBJECT = (
    ("object: rec\n", "object: thing\n"),
    ("rec@1", "thing@1"),
    ("label: Record", "label: Record\n        moved: {from: rec}"),
)
SYNC = (("sync: rec\n", "sync: things\n"), ("owners:", "moved: {from: rec}\n        owners:"))
CONNECTION = (
    ("{a: a.Rec", "{crm: a.Rec"),
    ("[a]", "[crm]"),
    ("{a: {stand_in", "{crm: {stand_in"),
    ('"*": a', '"*": crm'),
    ("owners:", "moved: {members: {crm: a}}\n        owners:"),
)
RESOURCE = (
    ("\n  Rec:\n    id: id", "\n  Record:\n    moved: {from: Rec}\n    id: id"),
    ("a.Rec", "a.Record"),
    ("b.Rec", "b.Record"),
)
ALL = (
    *OBJECT,
    SYNC[0],
    *CONNECTION[:-1],
    ("owners:", "moved: {from: rec, members: {crm: a}}\n        owners:"),
    *RESOURCE,
)


def shop_of(made: World) -> None:
    for key in ("k1", "k2"):
        made.add("a", key=key, name=f"name {key}", size="1")
    made.run()
    assert len(made.records("b")) == 2


@pytest.mark.parametrize(
    "change", [OBJECT, SYNC, CONNECTION, RESOURCE, ALL], ids=["object", "sync", "connection", "resource", "all"]
)
def test_what_was_known_under_another_name_stays_known(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, change: tuple[tuple[str, str], ...]
) -> None:
    with world(tmp_path, monkeypatch, FILES) as shop:
        shop_of(shop)
        shop.change(renamed(*change))
        assert writes(shop.plan()) == []
        result = shop.run()
        assert (writes(result), problems(result), result.findings) == ([], [], [])
        shop.assert_whole()
        at = shop.by("key", "a")["k1"]["id"]
        shop.edit("a", at, name="another")
        assert [one[2] for one in writes(shop.run())] == ["update"]
        plan, place = shop.release.in_order[0], shop.place
        told = trace(place, plan.object, f"{plan.members[0].connection}:{at}", "name")
        assert [one["value"] for one in told["fields"]] == ["another"]
        assert {one["connection"] for one in told["links"]} == {member.connection for member in plan.members}
        shop.assert_whole()


def test_work_that_is_open_goes_on_under_the_new_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with world(tmp_path, monkeypatch, FILES) as shop:
        shop_of(shop)
        shop.edit("a", shop.by("key", "a")["k1"]["id"], name="another")
        shop.sandbox.fault("b", "500_before", operation="update", times=20)
        shop.run()
        shop.sandbox.stand_ins["b"].faults.clear()
        shop.change(renamed(*ALL))
        shop.run()
        assert shop.by("key", "b")["k1"]["name"] == "another"
        assert writes(shop.run()) == []


def test_whom_nobody_knows_any_more_stays_erased(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with world(tmp_path, monkeypatch, FILES) as shop:
        shop_of(shop)
        one = shop.by("key", "a")["k1"]["id"]
        erase(shop.place, "rec", f"a:{one}")
        shop.change(renamed(*ALL))
        result = shop.run()
        assert (writes(result), problems(result)) == ([], [])
        two = shop.by("key", "a")["k2"]["id"]
        erase(shop.place, "thing", f"crm:{two}")
        for path in shop.place.store.published():
            assert b"name k2" not in path.read_bytes()
        assert writes(shop.run()) == []


@pytest.mark.parametrize(
    "change", [OBJECT, SYNC, CONNECTION, RESOURCE], ids=["object", "sync", "connection", "resource"]
)
def test_another_name_that_nobody_declared_asks_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, change: tuple[tuple[str, str], ...]
) -> None:
    with world(tmp_path, monkeypatch, FILES) as shop:
        shop_of(shop)
        plain = [(before, now.replace("\n    moved: {from: Rec}", "")) for before, now in change]
        shop.change(renamed(*plain, moved=False))
        with pytest.raises(ApprovalNeeded, match="moved"):
            shop.run()
        assert len(shop.records("b")) == 2
