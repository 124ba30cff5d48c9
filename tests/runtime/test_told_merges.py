"""Merges that a vendor tells: one id leads to the other for ever, and nothing is deleted because a record went."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from properties.test_comings_and_goings import files
from runtime.test_crosswalk import FILES, look
from support.world import World, problems, system, world, writes
from syncline_runtime.crosswalk import Native, changing, reading
from syncline_runtime.errors import ApprovalNeeded
from syncline_runtime.exception_actions import Act
from syncline_runtime.exception_deletion import settle
from syncline_runtime.upkeep.session import opened_ledger

REC = "name: {type: text(80), required: true}, mail: text, note: text, master: text, parts: list"
BILL = "number: text, client: {type: text, ref: Rec}, note: text"
TELLING = {
    f"{n}.yaml": system(n, Rec=REC, Bill=BILL).replace(
        "path: /rec}}", "path: /rec}}\n    merged_into: master\n    merged_from: parts\n    gone: {note: gone}", 1
    )
    for n in "ab"
}


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    with world(tmp_path, monkeypatch, FILES | TELLING) as made:
        yield made


def two(shop: World) -> tuple[str, str]:
    """Two clients, each in both systems, and a bill of the first; gives their ids in a."""
    ada, eva = shop.add("a", name="Ada", mail="ada@x"), shop.add("a", name="Eva", mail="eva@x")
    shop.add("a", "Bill", number="1", client=ada)
    shop.run()
    assert len(shop.records("b")) == 2
    return ada, eva


def settled(shop: World) -> None:
    result = shop.run()
    assert (writes(result), problems(result)) == ([], [])
    shop.assert_whole()


def told(shop: World) -> list[str]:
    """Say what a run would follow."""
    return [one["action"] for one in shop.plan().outcomes if one["outcome"] == "merged"]


def test_the_merged_id_leads_to_the_other_for_ever(shop: World) -> None:
    ada, eva = two(shop)
    before, into = look(shop, f"a:{ada}")[0], look(shop, f"a:{eva}")[0]
    theirs = {one["id"] for one in shop.records("b")}
    shop.edit("a", ada, master=eva)
    assert told(shop) == [f"{ada} is part of {eva}"]
    assert look(shop, f"a:{ada}")[0] == before  # a preview keeps nothing
    result = shop.run()
    assert (writes(result), problems(result)) == ([], [])
    assert {one["id"] for one in shop.records("b")} == theirs
    assert look(shop, f"a:{ada}")[0] == look(shop, before)[0] == into
    with reading(shop.place, "client") as crosswalk:
        row = next(one for one in crosswalk.rows(f"native_id = '{ada}' AND connection = 'a' AND state = 'double'"))
        assert (row["how"], row["by"], row["rule"]) == ("told", "a", f"a says that {ada} is part of {eva}")
    assert told(shop) == []
    settled(shop)

    shop.add("a", "Bill", number="2", client=ada)  # by somebody who knows the old id
    assert writes(shop.run()) == [("b", "Bill", "create", "")]
    mine = {one["number"]: one["client"] for one in shop.records("b", "Bill")}
    assert mine["2"] == next(n for c, n, s in look(shop, into)[1] if (c, s) == ("b", "live"))

    shop.drop("a", ada)  # as vendors do, sooner or later
    settled(shop)
    assert {one["id"] for one in shop.records("b")} == theirs
    assert look(shop, f"a:{ada}")[0] == into


def test_a_record_that_goes_as_it_is_merged_is_deleted_nowhere(shop: World) -> None:
    ada, eva = two(shop)
    shop.drop("a", ada)
    shop.edit("a", eva, parts=[ada], name="Eva Lovelace")
    result = shop.run()
    assert (writes(result), problems(result)) == ([("b", "Rec", "update", "")], [])
    assert {one["name"] for one in shop.records("b")} == {"Ada", "Eva Lovelace"}
    assert look(shop, f"a:{ada}")[0] == look(shop, f"a:{eva}")[0]
    settled(shop)


def test_a_tombstone_names_the_survivor(shop: World) -> None:
    ada, eva = two(shop)
    shop.edit("a", ada, master=eva, note="gone")
    result = shop.run()
    assert (writes(result), problems(result)) == ([], [])
    assert len(shop.records("b")) == 2
    assert look(shop, f"a:{ada}")[0] == look(shop, f"a:{eva}")[0]
    settled(shop)


def test_merges_of_merges(shop: World) -> None:
    ada, eva = two(shop)
    zoe = shop.add("a", name="Zoe", mail="zoe@x")
    shop.run()
    shop.edit("a", ada, master=eva)
    shop.edit("a", eva, master=zoe)
    shop.run()
    cid = look(shop, f"a:{zoe}")[0]
    assert look(shop, f"a:{ada}")[0] == look(shop, f"a:{eva}")[0] == cid
    assert [s for c, _, s in look(shop, cid)[1] if c == "b" and s in ("live", "double")].count("live") == 1
    settled(shop)


def test_the_survivor_was_not_known(shop: World) -> None:
    ada, _ = two(shop)
    cid = look(shop, f"a:{ada}")[0]
    new = shop.add("a", name="Ada L.", mail="ada.l@x")
    shop.edit("a", ada, master=new)
    assert writes(shop.run()) == [("b", "Rec", "update", "")]
    assert look(shop, f"a:{new}")[0] == look(shop, f"a:{ada}")[0] == cid
    settled(shop)


def test_neither_was_known(shop: World) -> None:
    two(shop)
    zoe = shop.add("a", name="Zoe", mail="zoe@x")
    old = shop.add("a", name="Zo", mail="zoe@x", master=zoe)
    result = shop.run()
    assert (writes(result), problems(result)) == ([("b", "Rec", "create", "")], [])
    assert look(shop, f"a:{old}")[0] == look(shop, f"a:{zoe}")[0]
    settled(shop)


def test_what_a_person_parted_stays_apart(shop: World) -> None:
    ada, eva = two(shop)
    shop.edit("a", ada, master=eva)
    shop.run()
    with changing(shop.place, "client", by="ann", reason="they are two") as crosswalk:
        own = crosswalk.split(Native("a", ada))
    shop.run()
    assert look(shop, f"a:{ada}")[0] == own
    assert told(shop) == []


def test_many_merges_ask_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with world(tmp_path, monkeypatch, FILES | TELLING) as shop:
        ids = [shop.add("a", name=f"n{number}", mail=f"m{number}@x") for number in range(30)]
        shop.run()
        for one in ids[1:]:
            shop.edit("a", one, master=ids[0])
        before = look(shop, f"a:{ids[1]}")[0]
        with pytest.raises(ApprovalNeeded, match="merge 10%"):
            shop.run()
        assert look(shop, f"a:{ids[1]}")[0] == before
        shop.run(approve=shop.plan().changes.id)
        assert {look(shop, f"a:{one}")[0] for one in ids} == {look(shop, f"a:{ids[0]}")[0]}
        assert len(shop.records("b")) == 30
        settled(shop)


def test_a_record_that_could_not_be_read_is_sent_nothing(shop: World) -> None:
    ada, _ = two(shop)
    shop.sandbox.fault("b", "html", operation="list", times=99)
    zoe = shop.add("a", name="Zoe", mail="zoe@x", note="from a")
    shop.run()  # known, and not in b yet
    theirs = next(one["id"] for one in shop.records("b") if one["name"] == "Ada")
    shop.edit("b", theirs, note="edited since")
    shop.edit("a", ada, master=zoe)
    assert writes(shop.run()) == []
    shop.sandbox.stand_ins["b"].faults.clear()
    assert writes(shop.run()) == [("b", "Rec", "update", "")]
    assert {one["name"] for one in shop.records("b")} == {"Zoe", "Eva"}
    settled(shop)


WAYS = {
    "redirect": "{redirect: true}",
    "a path in the refusal": "{at: error.survivor}",
    "the other is shown": "{record: true}",
}


def answering(way: str, more: str = "") -> dict[str, str]:
    """Give systems that show no more what is part of another, and tell so to who asks for it."""
    systems = {name: system(name, Rec=REC, Bill=BILL) for name in "ab"}
    told = f"path: /rec}}{more}}}\n    merged_answer: {WAYS[way]}"
    return FILES | {f"{name}.yaml": text.replace("path: /rec}}", told, 1) for name, text in systems.items()}


@pytest.mark.parametrize("way", WAYS)
def test_who_asks_for_one_is_told(way: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with world(tmp_path, monkeypatch, answering(way)) as shop:
        ada, eva = two(shop)
        before, into = look(shop, f"a:{ada}")[0], look(shop, f"a:{eva}")[0]
        shop.sandbox.stand_ins["a"].merge("Rec", ada, eva)
        assert told(shop) == [f"{ada} is part of {eva}"]
        result = shop.run()
        assert (writes(result), problems(result)) == ([], [])  # nothing is deleted in b because it is shown no more
        assert look(shop, f"a:{ada}")[0] == look(shop, before)[0] == into
        assert len(shop.records("b")) == 2
        settled(shop)


CURSOR = ', cursor: {field: changed, granularity: 1s, format: iso, query: {since: "{cursor}"}}'


def dated(way: str) -> dict[str, str]:
    """Give systems whose lists show what has changed."""
    with_time = "name: {type: text(80)", "changed: {type: instant, write: false}, name: {type: text(80)"
    files = answering(way, CURSOR)
    return files | {name: files[name].replace(*with_time, 1) for name in ("a.yaml", "b.yaml")}


@pytest.mark.parametrize("way", ["redirect", "a path in the refusal"])
def test_who_writes_one_is_told(way: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A list of what has changed does not show that a record is no more."""
    with world(tmp_path, monkeypatch, dated(way)) as shop:
        ada, eva = two(shop)
        into = look(shop, f"a:{eva}")[0]
        theirs = {one["name"]: one["id"] for one in shop.records("b")}
        shop.run()  # reads b whole for the last time
        shop.sandbox.stand_ins["b"].merge("Rec", theirs["Ada"], theirs["Eva"])
        shop.edit("a", ada, note="new")
        result = shop.run()
        assert (writes(result), problems(result)) == ([("b", "Rec", "update", "")], [])
        assert told(shop) == [f"{theirs['Ada']} is part of {theirs['Eva']}"]
        shop.run()
        assert look(shop, f"a:{ada}")[0] == into
        assert len(shop.records("a")) == 2
        settled(shop)


IN_ROWS = """
    update:
      request: {method: PATCH, path: "/rec/{id}"}
      batch:
        request: {path: /batch, body: {all: "{items}"}}
        item: {id: "{id}", ref: "{row}", set: "{record}"}
        answers: results
        status: status
        echo: {sent: "{row}", at: ref}
        MERGED
"""


@pytest.mark.parametrize(
    ("way", "where"),
    [
        ("redirect", "merged_at: headers.location"),
        ("a path in the refusal", "merged_at: survivor"),
        ("a path in the refusal", "rows: 9"),  # where it stands in an answer of its own
    ],
)
def test_who_writes_one_among_others_is_told(
    way: str, where: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told_in_b = dated(way)
    alone = '    update: {request: {method: PATCH, path: "/rec/{id}"}}\n'
    assert alone in told_in_b["b.yaml"]
    told_in_b["b.yaml"] = told_in_b["b.yaml"].replace(alone, IN_ROWS.replace("MERGED", where).lstrip("\n"), 1)
    with world(tmp_path, monkeypatch, told_in_b) as shop:
        ada, eva = two(shop)
        into = look(shop, f"a:{eva}")[0]
        theirs = {one["name"]: one["id"] for one in shop.records("b")}
        shop.run()  # reads b whole for the last time
        shop.sandbox.stand_ins["b"].merge("Rec", theirs["Ada"], theirs["Eva"])
        shop.edit("a", ada, note="new")
        shop.edit("a", eva, note="new, too")
        result = shop.run()
        assert (writes(result), problems(result)) == ([("b", "Rec", "update", "")] * 2, [])
        assert told(shop) == [f"{theirs['Ada']} is part of {theirs['Eva']}"]
        assert shop.by("name", "b")["Eva"]["note"] == "new, too"
        shop.run()
        assert look(shop, f"a:{ada}")[0] == into
        settled(shop)


def test_part_of_a_record_that_nobody_knows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with world(tmp_path, monkeypatch, dated("redirect")) as shop:
        ada, _ = two(shop)
        shop.run()
        theirs = next(one["id"] for one in shop.records("b") if one["name"] == "Ada")
        stand_in = shop.sandbox.stand_ins["b"]
        stand_in.stores["Rec"].befall("old", {"name": "Ada", "changed": "2020-01-01T00:00:00Z"})  # before the last read
        stand_in.merge("Rec", theirs, "old")
        shop.edit("a", ada, note="new")
        shop.run()
        for _ in range(2):
            assert problems(shop.run()) == [("SYN5020", "b", "")]
        shop.edit("b", "old", mail="ada@x")  # so that it is shown
        result = shop.run()
        assert (writes(result), problems(result)) == ([("b", "Rec", "update", "")], [])
        assert shop.by("id", "b")["old"]["note"] == "new"
        settled(shop)


def shown(made: World, key: str, field: str) -> dict[str, str | None]:
    """Say what each member that has a record shows of a field."""
    return {name: one[field] for name in "abc" for one in made.records(name) if one["key"] == key}


def test_who_is_new_and_goes_at_once_empties_nothing_when_it_comes_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with world(tmp_path, monkeypatch, files("unlink")) as made:
        kept, gone = made.add("a", key="k", size=0, theirs="z"), made.add("a", key="g", size=1)
        made.run()
        made.edit("a", gone, master=kept)  # b decides `theirs`, has the one that goes and need not hold the other
        made.run()
        assert shown(made, "k", "theirs") == {"a": "z", "c": "z"}
        made.edit("a", kept, size=1)
        made.run()
        assert shown(made, "k", "theirs") == {"a": "z", "b": "z", "c": "z"}
        settled(made)


def test_who_is_new_says_nothing_against_what_was_decided(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with world(tmp_path, monkeypatch, files("keep")) as made:
        kept, gone = made.add("a", key="k", size=0, theirs="z"), made.add("a", key="g", size=1)
        made.run()
        made.drop("c", made.by("key", "c")["k"]["id"])
        made.run()
        with opened_ledger(made.place) as ledger:
            (deleted,) = ledger.exceptions.find()
        settle(made.place, Act((deleted.id,), "ann", "asked"), "keep")
        made.edit("a", gone, master=kept)
        made.edit("c", made.by("key", "c")["g"]["id"], theirs="y")
        made.run()
        assert shown(made, "k", "theirs") == {"a": "z", "b": "z", "c": "z"}
        settled(made)
