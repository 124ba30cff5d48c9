"""Missing, null and "" are three things: a payload without a field says nothing of it, first and later."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from support.world import World, problems, system, world, writes

REC = "name: {type: text(80), required: true}, mail: text, note: text~, kind: text~"
CLIENT = """
    object: client
    version: 1.0.0
    fields:
      name: {type: text(80), required: true, label: Name}
      mail: {type: "text?", label: Mail}
      note: {type: "text~", label: Note}
      kind: {type: "text?", label: Kind}
    identity: [{same: [mail]}]
    """
SYNC = """
    sync: client
    object: client@1
    members: {a: a.Rec, b: b.Rec}
    exists: {originate: [a], hold: {b: true}}
    owners: {"*": a}
    """
MAP = "mapping {n}.Rec <-> client@1\n\nname <-> name\nmail <-> mail\nnote <-> note\nkind <-> kind\n"
FILES = {
    "a.yaml": system("a", Rec=REC),
    "b.yaml": system("b", Rec=REC.replace("~", "")),
    "client.yaml": CLIENT,
    "sync.yaml": SYNC,
    **{f"{n}.map": MAP.format(n=n) for n in "ab"},
}


def hide(shop: World, monkeypatch: pytest.MonkeyPatch, *names: str) -> None:
    """Let a show its records without these fields from now on."""
    operations = shop.sandbox.stand_ins["a"]._operations
    whole = type(operations).wire

    def wire(store: Any, record: Any) -> Mapping[str, Any]:
        return {name: value for name, value in whole(operations, store, record).items() if name not in names}

    monkeypatch.setattr(operations, "wire", wire)


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    with world(tmp_path, monkeypatch, FILES) as made:
        yield made


def kept(shop: World, of: str) -> dict[str, Any]:
    """Give the records of a system as they are, whatever it shows."""
    store = shop.sandbox.stand_ins[of].stores["Rec"]
    return {record.natives["name"]: dict(record.natives) for record in store.records.values()}


def rest(shop: World) -> None:
    assert (writes(shop.plan()), writes(shop.run()), writes(shop.run())) == ([], [], [])
    shop.assert_whole()


def test_a_field_that_is_left_out_later_keeps_its_value(shop: World, monkeypatch: pytest.MonkeyPatch) -> None:
    ada = shop.add("a", name="Ada", mail="ada@x", note="n", kind="k")
    shop.run()
    hide(shop, monkeypatch, "note", "mail")  # one that may be missing, and one that never should
    shop.edit("a", ada, name="Ada L.")
    assert writes(shop.run()) == [("b", "Rec", "update", "")]
    assert (kept(shop, "b")["Ada L."]["note"], kept(shop, "b")["Ada L."]["mail"]) == ("n", "ada@x")
    rest(shop)
    hide(shop, monkeypatch)
    shop.edit("a", ada, note=None)
    assert writes(shop.run()) == [("b", "Rec", "update", "")]
    assert kept(shop, "b")["Ada L."]["note"] is None
    rest(shop)


def test_what_was_never_told_is_neither_written_nor_filled_in(shop: World, monkeypatch: pytest.MonkeyPatch) -> None:
    hide(shop, monkeypatch, "note")
    ada = shop.add("a", name="Ada", mail="ada@x", note="true", kind="k")
    shop.add("b", name="Ada", mail="ada@x", note="other")
    shop.add("a", name="Bob", mail="bob@x", note="true too")
    assert writes(shop.run()) == [("b", "Rec", "create", ""), ("b", "Rec", "update", "")]
    assert kept(shop, "a")["Ada"]["note"] == "true"
    assert (kept(shop, "b")["Ada"]["note"], kept(shop, "b")["Ada"]["kind"]) == ("other", "k")
    assert kept(shop, "b")["Bob"]["note"] is None
    rest(shop)
    shop.edit("a", ada, kind="k2")
    shop.run()
    assert (kept(shop, "a")["Ada"]["note"], kept(shop, "b")["Ada"]["note"]) == ("true", "other")
    hide(shop, monkeypatch)
    shop.run()
    assert {name: one["note"] for name, one in kept(shop, "b").items()} == {"Ada": "true", "Bob": "true too"}
    rest(shop)


def test_null_is_told_where_missing_is_not(shop: World, monkeypatch: pytest.MonkeyPatch) -> None:
    shop.add("b", name="Ada", mail="ada@x", note="other")
    shop.add("a", name="Ada", mail="ada@x", note=None)
    shop.run()
    assert (kept(shop, "a")["Ada"]["note"], kept(shop, "b")["Ada"]["note"]) == ("other", "other")  # filled in
    hide(shop, monkeypatch, "note")
    rest(shop)


def test_an_edit_of_another_is_no_edit_of_what_is_unknown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files = {**FILES, "sync.yaml": f"{SYNC.rstrip()}\n    unowned_edit: adopt\n"}
    with world(tmp_path, monkeypatch, files) as shop:
        hide(shop, monkeypatch, "note")
        shop.add("a", name="Ada", mail="ada@x", note="true")
        shop.run()
        shop.edit("b", shop.records("b")[0]["id"], note="by b")
        shop.run()
        assert (kept(shop, "a")["Ada"]["note"], kept(shop, "b")["Ada"]["note"]) == ("true", "by b")
        rest(shop)


WAITS = MAP.format(n="a").replace("kind <-> kind", 'kind <-> kind else reject "none"')
NEEDED = CLIENT.replace('kind: {type: "text?"', "kind: {type: text, required: true")


@pytest.mark.parametrize(
    ("map_a", "client"),
    [
        (MAP.format(n="a") + 'reject when kind is null because "no kind"\n', CLIENT),
        (MAP.format(n="a").replace("\n\n", '\n\ntake when kind != "x"\n\n', 1), CLIENT),
        (MAP.format(n="a"), CLIENT.replace("same: [mail]", "same: [kind]")),
        (WAITS, NEEDED),
    ],
    ids=["reject", "take", "identity", "required"],
)
def test_what_decides_on_a_record_is_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, map_a: str, client: str
) -> None:
    map_b = MAP.format(n="b")
    if client == NEEDED:
        map_b = map_b.replace("kind <-> kind", 'kind <-> kind else reject "none"')
    with world(tmp_path, monkeypatch, {**FILES, "a.map": map_a, "b.map": map_b, "client.yaml": client}) as shop:
        hide(shop, monkeypatch, "kind")
        ada = shop.add("a", name="Ada", mail="ada@x", kind="k")
        for _ in range(2):
            done = shop.run()
            assert (writes(done), {code for code, _, _ in problems(done)} - {"SYN5002"}) == ([], {"SYN5016"})
        hide(shop, monkeypatch)
        assert (writes(shop.run()), problems(shop.run())) == ([("b", "Rec", "create", "")], [])
        hide(shop, monkeypatch, "kind")
        shop.edit("a", ada, name="Ada L.")
        assert (writes(shop.run()), kept(shop, "b")["Ada L."]["kind"]) == ([("b", "Rec", "update", "")], "k")
        rest(shop)
