"""One customer under two spellings, shared mailboxes, placeholders: whole runs between two systems (E3)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from support.world import World, problems, system, world, writes
from syncline_runtime.exception_actions import Act
from syncline_runtime.exception_link import link
from syncline_runtime.exception_queue import listed, shown

REC = "name: {type: text(80), required: true}, mail: text, phone: text, city: text"
FILES = {
    "a.yaml": system("a", Rec=REC),
    "b.yaml": system("b", Rec=REC),
    "client.yaml": """
        object: client
        version: 1.0.0
        fields:
          name: {type: text(80), required: true, label: Name}
          mail: {type: "text?", label: Mail}
          phone: {type: "text?", label: Phone}
          city: {type: "text?", label: City}
        identity:
          - same: [mail]
            unless: mail == "info@x"
          - similar: {name: 0.9, phone: {edits: 1, placeholders: ["000 000"]}, city: 0.9}
          - similar: {name: 0.9}
            then: review
        """,
    "sync.yaml": """
        sync: client
        object: client@1
        members: {a: a.Rec, b: b.Rec}
        exists: {originate: [a, b], hold: {a: true, b: true}, many: [b]}
        owners: {"*": a}
        """,
    **{
        f"{n}.map": f"mapping {n}.Rec <-> client@1\n\nname <-> name\nmail <-> mail\nphone <-> phone\ncity <-> city\n"
        for n in "ab"
    },
}


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    with world(tmp_path, monkeypatch, FILES) as made:
        yield made


def settled(shop: World) -> None:
    """A second run changes nothing."""
    assert writes(shop.run()) == []


def test_small_variations_make_no_second_customer(shop: World) -> None:
    shop.add("a", name="Ada Lovelace", mail="ada@x", phone="+43 1 2345", city="Wien")
    shop.add("b", name="Ada Lovelase", mail="a.l@y", phone="+43 1 2346", city="WIEN")
    result = shop.run()
    assert [one[:3] for one in writes(result)] == [("b", "Rec", "update")]
    assert {one["name"] for one in shop.records("b")} == {"Ada Lovelace"}
    settled(shop)
    shop.add("b", name="Ada Lovelace", mail="third@z", phone="+43 1 2345", city="Wien")  # entered once more
    assert writes(shop.run()) == []
    assert len(shop.records("a")) == 1
    settled(shop)


def test_a_shared_mailbox_and_a_placeholder_join_nobody(shop: World) -> None:
    shop.add("a", name="Bob Hill", mail="info@x", phone="000 000", city="Graz")
    shop.add("b", name="Eva Berg", mail="info@x", phone="000-000", city="Graz")
    shop.run()
    assert sorted(one["name"] for one in shop.records("a")) == ["Bob Hill", "Eva Berg"]
    settled(shop)


def test_what_is_only_alike_waits(shop: World) -> None:
    shop.add("a", name="Jane Smith", mail="j@x", city="Linz")
    shop.add("b", name="Jane Smithe", mail="k@x", city="Wels")
    result = shop.run()
    assert writes(result) == []
    assert problems(result) == [("SYN5017", "a", ""), ("SYN5017", "b", "")]
    assert problems(shop.run()) == [("SYN5017", "a", ""), ("SYN5017", "b", "")]


def test_of_two_that_wait_a_person_says_that_they_are_one(shop: World) -> None:
    shop.add("a", name="Bob Hill", mail="bob@x", city="Graz")
    shop.add("a", name="Jane Smith", mail="j@x", city="Linz")
    other = shop.add("b", name="Jane Smithe", mail="k@x", city="Wels")
    shop.run()
    (waiting,) = (one for one in listed(shop.place, (), {})["exceptions"] if one["connection"] == "a")
    steps = shown(shop.place, waiting["id"])["next"]
    assert steps[0].startswith(f"syncline exceptions link {waiting['id']} --to ID"), steps
    link(shop.place, Act((waiting["id"],), "ann", ""), f"b:{other}")
    shop.run()
    assert (len(shop.records("a")), len(shop.records("b"))) == (2, 2)
    assert listed(shop.place, (), {})["exceptions"] == []
    settled(shop)
