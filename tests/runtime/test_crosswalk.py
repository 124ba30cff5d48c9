"""The crosswalk: ids of systems and records, changed by people, and kept."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from support.world import World, problems, system, world, writes
from syncline_runtime.cli_links import links as links_command
from syncline_runtime.crosswalk import Crosswalk, Native, changing, reading
from syncline_runtime.errors import UsageError
from syncline_runtime.tracing import trace
from syncline_runtime.upkeep.integrity import verify_state

REC = "name: {type: text(80), required: true}, mail: text, note: text"
BILL = "number: text, client: {type: text, ref: Rec}, note: text"
FILES = {
    **{f"{n}.yaml": system(n, Rec=REC, Bill=BILL) for n in "ab"},
    "client.yaml": """
        object: client
        version: 1.0.0
        fields:
          name: {type: text(80), required: true, label: Name}
          mail: {type: "text?", label: Mail}
          note: {type: "text?", label: Note}
        identity: [{same: [mail]}]
        """,
    "bill.yaml": """
        object: bill
        version: 1.0.0
        fields:
          number: {type: "text?", label: Number}
          client: {type: "ref(client)?", label: Client}
          note: {type: "text?", label: Note}
        identity: [{same: [number]}]
        """,
    "client.sync.yaml": """
        sync: client
        object: client@1
        members: {a: a.Rec, b: b.Rec}
        exists: {originate: [a, b], hold: {a: true, b: true}}
        owners: {"*": a}
        """,
    "bill.sync.yaml": """
        sync: bill
        object: bill@1
        members: {a: a.Bill, b: b.Bill}
        exists: {originate: [a], hold: {a: true, b: true}}
        owners: {"*": a}
        """,
    **{f"{n}.map": f"mapping {n}.Rec <-> client@1\n\nname <-> name\nmail <-> mail\nnote <-> note\n" for n in "ab"},
    **{
        f"{n}bill.map": f"mapping {n}.Bill <-> bill@1\n\nnumber <-> number\nclient <-> client | ref client\nnote <-> note\n"
        for n in "ab"
    },
}


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    monkeypatch.setenv("USER", "ann")
    with world(tmp_path, monkeypatch, FILES) as made:
        yield made


def look(shop: World, id_: str) -> tuple[str, list[tuple[str, str, str]]]:
    with reading(shop.place, "client") as found:
        rows = found.history(id_)
        return found.resolve(id_), [(one["connection"], one["native_id"], one["state"]) for one in rows]


def change(shop: World, what: str, *args: Any) -> str:
    with changing(shop.place, "client", by="ann", reason="seen on paper") as crosswalk:
        done: str = getattr(Crosswalk, what)(crosswalk, *args)
    assert verify_state(shop.place)["ok"]
    return done


def settled(shop: World) -> None:
    """Nothing is left to do, and nobody has to look."""
    result = shop.run()
    assert (writes(result), problems(result)) == ([], [])


def names(shop: World, of: str) -> list[str]:
    return sorted(f"{one['name']} {one['id']}" for one in shop.records(of))


def test_what_we_create_is_linked_by_what_we_sent(shop: World) -> None:
    """Two that no rule tells apart: each create is its own record, and nothing is matched by guess."""
    first, second = shop.add("a", name="Ada"), shop.add("a", name="Ada")
    shop.run()
    with reading(shop.place, "client") as found:
        created = [one for one in found.rows("connection = 'b'") if one["how"] == "created"]
        assert {one["rule"] for one in created} == {"our own write"}
        ids = {one["native_id"]: one["canonical_id"] for one in found.rows("connection = 'a'")}
    assert {one["canonical_id"] for one in created} == {ids[first], ids[second]}
    settled(shop)


def test_split_and_link(shop: World) -> None:
    ada, bob = shop.add("a", name="Ada", mail="x@x"), shop.add("b", name="Bob", mail="x@x")
    shop.run()
    cid, rows = look(shop, ada)
    assert rows == [("a", ada, "live"), ("b", bob, "live")]
    own = change(shop, "split", Native("b", bob))
    assert own != cid
    result = shop.run()
    assert writes(result) == [("a", "Rec", "create", ""), ("b", "Rec", "create", "")]
    assert look(shop, f"b:{bob}")[0] == own
    settled(shop)
    mine, theirs = (
        next(n for c, n, s in look(shop, one)[1] if c == "b" and s == "live") for one in (f"a:{ada}", f"b:{bob}")
    )
    change(shop, "unlink", Native("b", mine))
    with pytest.raises(UsageError, match="already"), changing(shop.place, "client", by="ann", reason="") as crosswalk:
        crosswalk.link(Native("b", mine), f"b:{bob}")
    assert theirs == bob
    assert change(shop, "link", Native("b", mine), f"a:{ada}") == cid
    settled(shop)
    with reading(shop.place, "client") as found:
        ended = found.rows(f"native_id = '{mine}' AND connection = 'b'")
        assert [(one["state"], one["generation"], one["by"]) for one in ended] == [
            ("unlinked", 0, "ann"),
            ("live", 1, "ann"),
        ]


def test_what_a_person_parted_no_rule_joins(shop: World) -> None:
    ada, eva = shop.add("a", name="Ada", mail="x@x"), shop.add("b", name="Eva", mail="x@x")
    shop.run()
    change(shop, "unlink", Native("b", eva))
    result = shop.run()
    assert ("SYN5017", "b", "") in problems(result)
    assert look(shop, ada)[1][0] == ("a", ada, "live")
    shop.run()
    change(shop, "split", Native("b", eva))
    shop.run()
    settled(shop)
    assert look(shop, f"b:{eva}")[0] != look(shop, f"a:{ada}")[0]


def test_merged_records_lead_to_one_for_ever(shop: World) -> None:
    ada, eva = shop.add("a", name="Ada", mail="a@x"), shop.add("a", name="Eva", mail="e@x")
    shop.add("a", "Bill", number="1", client=eva)
    shop.run()
    old, new = look(shop, f"a:{eva}")[0], look(shop, f"a:{ada}")[0]
    assert change(shop, "merge", f"a:{eva}", f"a:{ada}") == new
    written = trace(shop.place, "client", new, None)["writes"]
    assert [one["operation"] for one in written] == ["create", "create"], "one of them for what became part of it"
    assert look(shop, f"a:{eva}")[0] == look(shop, old[:12])[0] == new
    assert {state for name, native, state in look(shop, f"a:{ada}")[1] if (name, native) == ("a", eva)} == {
        "merged",
        "double",
    }
    settled(shop)  # the bill refers to the other one, and nobody has edited it
    shop.edit("a", next(iter(shop.by("number", "a", "Bill").values()))["id"], "Bill", note="late")
    assert writes(shop.run()) == [("b", "Bill", "update", "")]
    shop.add("a", "Bill", number="2", client=eva)  # an archive that still goes by the old id
    shop.run()
    bills = shop.by("number", "b", "Bill")
    of_ada = next(n for c, n, s in look(shop, f"a:{ada}")[1] if c == "b" and s == "live")
    assert bills["2"]["client"] == of_ada
    settled(shop)


def test_commands(shop: World, tmp_path: Path) -> None:
    ada = shop.add("a", name="Ada", mail="x@x")
    shop.run()
    runner = CliRunner()

    def said(*args: str) -> str:
        done = runner.invoke(links_command, [*args, *shop.words], standalone_mode=False)
        assert done.exception is None, done.exception
        return done.output

    assert ada in said("list", "client")
    document = json.loads(said("show", "client", ada, "--format", "json"))
    theirs = next(one["native_id"] for one in document["links"] if one["connection"] == "b")
    assert "unlinked from" in said("unlink", "client", "b", theirs, "--reason", "another person")
    assert "another person" in said("show", "client", ada)
    assert "linked to" in said("link", "client", "b", theirs, ada)
    assert "unlinked" in said("list", "client", "--ended")
