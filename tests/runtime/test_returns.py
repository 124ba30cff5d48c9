"""Rows under the native id of a deleted record: the record again, another one, or nobody can tell."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from support.world import World, problems, system, world, writes

REC = "name: {type: text(80), required: true}, mail: text, note: text"
FILES = {
    "a.yaml": system("a", Rec=REC),
    "b.yaml": system("b", Rec=REC),
    "client.yaml": """
        object: client
        version: 1.0.0
        fields:
          name: {type: text(80), required: true, label: Name}
          mail: {type: "text?", label: Mail}
          note: {type: "text?", label: Note}
        identity: [{same: [mail]}]
        """,
    "sync.yaml": """
        sync: client
        object: client@1
        members: {a: a.Rec, b: b.Rec}
        exists: {originate: [a], hold: {a: true, b: true}}
        owners: {"*": a}
        """,
    **{f"{n}.map": f"mapping {n}.Rec <-> client@1\n\nname <-> name\nmail <-> mail\nnote <-> note\n" for n in "ab"},
}
KEPT = {"a.yaml": FILES["a.yaml"].replace("    get:", "    gone: {note: deleted}\n    get:")}


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    with world(tmp_path, monkeypatch, FILES) as made:
        yield made


def begin(shop: World, mail: str | None = "ada@x") -> str:
    """Let both systems know Ada and somebody else, and delete Ada in a."""
    ada = shop.add("a", name="Ada", mail=mail)
    shop.add("a", name="Else", mail="else@x")
    shop.run()
    forget(shop, "a", ada)
    assert problems(shop.run()) == [("SYN5010", "a", "")]
    return ada


def forget(shop: World, of: str, native_id: str) -> None:
    shop.drop(of, native_id)
    shop.sandbox.stand_ins[of].stores["Rec"].records.pop(native_id, None)


def put(shop: World, of: str, native_id: str, **natives: object) -> None:
    """Let a system give an id that it has given before."""
    made = shop.add(of, **natives)
    records = shop.sandbox.stand_ins[of].stores["Rec"].records
    record = records.pop(made)
    record.native_id = record.natives["id"] = native_id
    records[native_id] = record


def names(shop: World, of: str) -> list[str]:
    return sorted(one["name"] for one in shop.records(of))


def rest(shop: World) -> None:
    """See that nothing moves any more, and that the state is what its segments make."""
    assert (writes(shop.plan()), writes(shop.run()), writes(shop.run())) == ([], [], [])
    shop.assert_whole()


def test_a_record_that_is_back_is_the_same_one(shop: World) -> None:
    ada = begin(shop)
    put(shop, "a", ada, name="Ada Lovelace", mail="ada@x")
    done = shop.run()
    assert (writes(done), problems(done)) == ([("b", "Rec", "update", "")], [])
    assert names(shop, "b") == ["Ada Lovelace", "Else"]
    rest(shop)


def test_another_record_under_its_id_overwrites_nothing(shop: World) -> None:
    ada = begin(shop)
    put(shop, "a", ada, name="Bob", mail="bob@x")
    planned, done = shop.plan(), shop.run()
    assert writes(planned) == writes(done) == [("b", "Rec", "create", "")]
    assert problems(done) == [("SYN5013", "a", "")]
    assert (names(shop, "a"), names(shop, "b")) == (["Bob", "Else"], ["Ada", "Bob", "Else"])
    rest(shop)
    shop.edit("a", ada, name="Bob B.")
    assert writes(shop.run()) == [("b", "Rec", "update", "")]
    assert names(shop, "b") == ["Ada", "Bob B.", "Else"]
    rest(shop)


def test_an_id_can_be_given_away_again_and_again(shop: World) -> None:
    ada = begin(shop)
    for name in ("Bob", "Cid", "Dan"):
        put(shop, "a", ada, name=name, mail=f"{name}@x")
        shop.run()
        assert name in names(shop, "b")
        forget(shop, "a", ada)
        shop.run()
    assert names(shop, "b") == ["Ada", "Bob", "Cid", "Dan", "Else"]
    rest(shop)


def test_another_record_may_be_known_already(shop: World) -> None:
    shop.add("b", name="Bob", mail="bob@x")
    ada = begin(shop)
    put(shop, "a", ada, name="Bob B.", mail="bob@x")
    assert writes(shop.run()) == [("b", "Rec", "update", "")]
    assert names(shop, "b") == ["Ada", "Bob B.", "Else"]
    rest(shop)


def test_another_record_that_is_set_aside_first_overwrites_nothing_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = {**FILES, "a.map": FILES["a.map"] + 'reject when note == "bad" because "bad"\n'}
    with world(tmp_path, monkeypatch, files) as shop:
        ada = begin(shop)
        put(shop, "a", ada, name="Bob", mail="bob@x", note="bad")
        assert writes(shop.run()) == []
        shop.edit("a", ada, note="good")
        assert problems(shop.run()) == [("SYN5013", "a", "")]
        assert names(shop, "b") == ["Ada", "Bob", "Else"]
        rest(shop)


def test_without_keys_a_record_is_known_by_its_values(shop: World) -> None:
    ada = begin(shop, mail=None)
    put(shop, "a", ada, name="Ada", mail=None)
    done = shop.run()
    assert (writes(done), problems(done)) == ([], [])
    rest(shop)


def test_what_nothing_tells_apart_waits_for_a_person(shop: World) -> None:
    ada = begin(shop, mail=None)
    put(shop, "a", ada, name="Who?", mail="who@x")
    for _ in range(2):
        done = shop.run()
        assert (writes(done), problems(done)) == ([], [("SYN5014", "a", "")])
    shop.edit("a", ada, name="Ada", mail=None)
    assert problems(shop.run()) == []
    shop.edit("a", ada, mail="who@x")
    assert writes(shop.run()) == [("b", "Rec", "update", "")]
    rest(shop)


def test_a_system_that_keeps_deleted_records_gives_no_id_away(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with world(tmp_path, monkeypatch, {**FILES, **KEPT}) as shop:
        ada = begin(shop)
        put(shop, "a", ada, name="Ada Lovelace", mail="lovelace@x")
        done = shop.run()
        assert (writes(done), problems(done)) == ([("b", "Rec", "update", "")], [])
        assert names(shop, "b") == ["Ada Lovelace", "Else"]
        rest(shop)


def test_our_own_create_may_get_the_id_of_a_deleted_record(shop: World, monkeypatch: pytest.MonkeyPatch) -> None:
    mine = {name: shop.add("a", name=name, mail=f"{name}@x") for name in ("Ada", "Else")}
    shop.run()
    gone = shop.by("name", "b")["Ada"]["id"]
    forget(shop, "b", gone)
    shop.run()
    mine["Bob"] = shop.add("a", name="Bob", mail="bob@x")
    with monkeypatch.context() as patch:
        patch.setattr(shop.sandbox.stand_ins["b"].stores["Rec"], "_next_id", lambda: gone)
        assert writes(shop.run()) == [("b", "Rec", "create", "")]
    shop.edit("a", mine["Ada"], name="Ada L.")
    assert (writes(shop.run()), names(shop, "b")) == ([], ["Bob", "Else"])
    shop.edit("a", mine["Bob"], name="Bob B.")
    assert (writes(shop.run()), names(shop, "b")) == ([("b", "Rec", "update", "")], ["Bob B.", "Else"])
    rest(shop)
