"""References in a circle: records are created without them, a second update fills them in, and then nothing moves."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from support.world import World, problems, system, world, writes

REC = "name: {type: text(80), required: true}, mail: text, up: {type: text, ref: Rec}, note: text"
PERSON = {
    "a.yaml": system("a", Rec=REC),
    "b.yaml": system("b", Rec=REC),
    "person.yaml": """
        object: person
        version: 1.0.0
        fields:
          name: {type: text(80), required: true, label: Name}
          mail: {type: "text?", label: Mail}
          up: {type: ref(person)?, label: Reports to}
          note: {type: "text?", label: Note}
        identity: [{same: [mail]}]
        """,
    "sync.yaml": """
        sync: person
        object: person@1
        members: {a: a.Rec, b: b.Rec}
        exists: {originate: [a], hold: {b: true}}
        owners: {"*": a}
        """,
    "a.map": "mapping a.Rec <-> person@1\n\nname <-> name\nmail <-> mail\nup <-> up | ref person\nnote <-> note\n"
    'reject when note == "bad" because "not fit to be kept"\n',
    "b.map": "mapping b.Rec <-> person@1\n\nname <-> name\nmail <-> mail\nup <-> up | ref person\nnote <-> note\n",
}


@pytest.fixture
def people(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    with world(tmp_path, monkeypatch, PERSON) as made:
        yield made


def lines(people: World) -> dict[str, str | None]:
    """Say in names who reports to whom in b."""
    names = {one["id"]: one["name"] for one in people.records("b")}
    return {one["name"]: names.get(one["up"], one["up"]) for one in people.records("b")}


CREATE, FINISH = ("b", "Rec", "create", ""), ("b", "Rec", "update", "up")


def test_two_that_refer_to_each_other_are_created_and_finished_in_one_run(people: World) -> None:
    ada = people.add("a", name="Ada", mail="a")
    bob = people.add("a", name="Bob", mail="b", up=ada)
    people.edit("a", ada, up=bob)
    planned, done = people.plan(), people.run()
    assert writes(planned) == writes(done) == [CREATE, CREATE, FINISH, FINISH]
    assert lines(people) == {"Ada": "Bob", "Bob": "Ada"}
    assert (writes(people.run()), problems(people.run())) == ([], [])


def test_a_record_may_refer_to_itself(people: World) -> None:
    ada = people.add("a", name="Ada", mail="a")
    people.edit("a", ada, up=ada)
    assert writes(people.run()) == [CREATE, FINISH]
    assert lines(people) == {"Ada": "Ada"}
    assert writes(people.run()) == []


def test_a_tree_needs_no_second_update(people: World) -> None:
    top = people.add("a", name="Top", mail="t")
    mid = people.add("a", name="Mid", mail="m", up=top)
    people.add("a", name="Low", mail="l", up=mid)
    assert writes(people.run()) == [CREATE] * 3
    assert lines(people) == {"Top": None, "Mid": "Top", "Low": "Mid"}
    assert writes(people.run()) == []


def test_one_who_is_known_may_come_to_report_to_one_who_is_new(people: World) -> None:
    ada = people.add("a", name="Ada", mail="a")
    people.run()
    people.edit("a", ada, name="Ada L.", up=people.add("a", name="New", mail="n"))
    assert writes(people.run()) == [CREATE, ("b", "Rec", "update", "")]
    assert lines(people) == {"Ada L.": "New", "New": None}
    assert writes(people.run()) == []


def test_a_reference_to_nothing_sets_only_its_field_aside(people: World) -> None:
    bad = people.add("a", name="Boss", mail="x", note="bad")
    people.add("a", name="Ada", mail="a", up=bad)
    done = people.run()
    assert (writes(done), lines(people)) == ([CREATE], {"Ada": None})
    assert problems(done) == [("SYN5003", "a", ""), ("SYN5005", "a", "up")]
    assert problems(people.run()) == problems(done)  # it is not forgotten
    people.edit("a", bad, note="good")
    assert writes(people.run()) == [CREATE, ("b", "Rec", "update", "")]
    assert lines(people) == {"Boss": None, "Ada": "Boss"}
    assert (writes(people.run()), people.run().exceptions) == ([], [])


def test_a_reference_to_nothing_takes_nothing_away(people: World) -> None:
    boss, bad = people.add("a", name="Boss", mail="x"), people.add("a", name="Bad", mail="y", note="bad")
    ada = people.add("a", name="Ada", mail="a", up=boss)
    people.run()
    people.edit("a", ada, up=bad, note="moved")
    done = people.run()
    assert writes(done) == [("b", "Rec", "update", "")]
    assert problems(done) == [("SYN5003", "a", ""), ("SYN5005", "a", "up")]
    assert lines(people) == {"Boss": None, "Ada": "Boss"}
    assert people.by("name", "b")["Ada"]["note"] == "moved"
    people.edit("a", ada, up=None)
    people.run()
    assert lines(people) == {"Boss": None, "Ada": None}


def test_an_unknown_reference_is_not_filled_from_elsewhere(people: World) -> None:
    people.add("b", name="Ada", mail="a", up=people.add("b", name="Other", mail="o"))
    bad = people.add("a", name="Bad", mail="y", note="bad")
    people.add("a", name="Other", mail="o")
    people.add("a", name="Ada", mail="a", up=bad)
    for _ in range(2):
        people.run()
        assert people.by("name", "a")["Ada"]["up"] == bad
        assert lines(people) == {"Ada": "Other", "Other": None}
    people.edit("a", bad, note="good")
    people.run()
    assert lines(people) == {"Ada": "Bad", "Other": None, "Bad": None}
    assert writes(people.run()) == []


def test_what_is_refused_in_the_middle_is_finished_later(people: World) -> None:
    ada = people.add("a", name="Ada", mail="a")
    people.edit("a", ada, up=people.add("a", name="Bob", mail="b", up=ada))
    people.sandbox.fault("b", "429", operation="update", times=9)
    people.run()
    assert lines(people) == {"Ada": None, "Bob": None}
    people.sandbox.stand_ins["b"].faults.clear()
    people.run()
    assert lines(people) == {"Ada": "Bob", "Bob": "Ada"}
    assert writes(people.run()) == []


@pytest.mark.parametrize(
    ("operation", "fault"), [("create", "500_after"), ("update", "reset_after"), ("update", "500_before")]
)
def test_a_lost_answer_neither_doubles_nor_loses(people: World, operation: str, fault: str) -> None:
    ada = people.add("a", name="Ada", mail="a")
    people.edit("a", ada, up=people.add("a", name="Bob", mail="b", up=ada))
    people.sandbox.fault("b", fault, operation=operation, times=1)
    for _ in range(3):
        people.run()
    assert (lines(people), len(people.records("b"))) == ({"Ada": "Bob", "Bob": "Ada"}, 2)
    assert writes(people.run()) == []


ORDER = {
    "a.yaml": system(
        "a",
        Rec="name: {type: text(80), required: true}, bill: {type: text, ref: Bill}",
        Bill="number: {type: text, required: true}, payer: {type: text, ref: Rec, required: true}, state: text",
    ),
    "b.yaml": system(
        "b",
        Rec="name: {type: text(80), required: true}, bill: {type: text, ref: Bill}",
        Bill="number: {type: text, required: true}, payer: {type: text, ref: Rec, required: true}, state: text",
    ),
    "client.yaml": """
        object: client
        version: 1.0.0
        fields:
          name: {type: text(80), required: true, label: Name}
          last_bill: {type: ref(bill)?, label: Last bill}
        """,
    "bill.yaml": """
        object: bill
        version: 1.0.0
        fields:
          number: {type: text, required: true, label: Number}
          client: {type: ref(client), required: true, label: Client}
          state: {type: "text?", label: State}
        """,
    "clients.yaml": """
        sync: client
        object: client@1
        members: {a: a.Rec, b: b.Rec}
        exists: {originate: [a], hold: {b: true}}
        owners: {"*": a}
        """,
    "bills.yaml": """
        sync: bill
        object: bill@1
        members: {a: a.Bill, b: b.Bill}
        exists: {originate: [a], hold: {b: 'state != "draft"'}}
        owners: {"*": a}
        """,
    **{f"{n}.map": f"mapping {n}.Rec <-> client@1\n\nname <-> name\nlast_bill <-> bill | ref bill\n" for n in "ab"},
    **{
        f"{n}bill.map": f"mapping {n}.Bill <-> bill@1\n\nnumber <-> number\nclient <-> payer | ref client\nstate <-> state\n"
        for n in "ab"
    },
}


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    with world(tmp_path, monkeypatch, ORDER) as made:
        yield made


def test_objects_that_refer_to_each_other(shop: World) -> None:
    client = shop.add("a", name="Ada")
    bill = shop.add("a", "Bill", number="B1", payer=client, state="sent")
    shop.edit("a", client, bill=bill)
    planned, done = shop.plan(), shop.run()
    expected = [("b", "Bill", "create", ""), ("b", "Rec", "create", ""), ("b", "Rec", "update", "last_bill")]
    assert writes(planned) == writes(done) == expected
    (theirs,), (their_bill,) = shop.records("b"), shop.records("b", "Bill")
    assert (theirs["bill"], their_bill["payer"]) == (their_bill["id"], theirs["id"])
    assert (writes(shop.run()), problems(shop.run())) == ([], [])


def test_what_a_member_does_not_hold_keeps_only_the_reference_back(shop: World) -> None:
    client = shop.add("a", name="Ada")
    bill = shop.add("a", "Bill", number="B1", payer=client, state="draft")
    shop.edit("a", client, bill=bill)
    done = shop.run()
    assert (writes(done), problems(done)) == ([("b", "Rec", "create", "")], [("SYN5012", "b", "bill")])
    shop.edit("a", client, name="Ada L.")  # other fields go on
    assert writes(shop.run()) == [("b", "Rec", "update", "")]
    shop.edit("a", bill, "Bill", state="sent")
    assert writes(shop.run()) == [("b", "Bill", "create", ""), ("b", "Rec", "update", "last_bill")]
    assert shop.records("b")[0]["bill"] == shop.records("b", "Bill")[0]["id"]
    assert (writes(shop.run()), problems(shop.run())) == ([], [])
