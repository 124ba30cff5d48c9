"""A field in review: frozen everywhere, the others go on; what a person decides is written through the merge."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from support.world import World, problems, system, world, writes
from syncline_runtime.errors import UsageError
from syncline_runtime.exception_actions import Act, close
from syncline_runtime.exception_decision import Choice, decide
from syncline_runtime.exception_queue import listed, shown
from syncline_runtime.tracing import trace
from syncline_runtime.upkeep.session import opened_ledger

REC = "name: {type: text, required: true}, mail: text, city: text, at: instant"
MAP = "name <-> name\nmail <-> mail\ncity <-> city\nat <-> at\n"
FILES = {
    "a.yaml": system("a", Rec=REC),
    "b.yaml": system("b", Rec=REC),
    "rec.yaml": """
        object: rec
        version: 1.0.0
        fields:
          name: {type: text, required: true, label: Name}
          mail: {type: "text?", label: Mail, pii: contact}
          city: {type: "text?", label: City}
          at: {type: "instant?", label: At}
        identity: [{same: [name]}]
        """,
    "sync.yaml": """
        sync: rec
        object: rec@1
        members: {a: a.Rec, b: b.Rec}
        exists: {originate: [a], hold: {b: true}}
        owners: {"*": a, mail: {by: newest, clock: {a: at, b: at}, tie: review}}
        unowned_edit: {"*": restore, city: review}
        """,
    "a.map": "mapping a.Rec <-> rec@1\n\n" + MAP,
    "b.map": "mapping b.Rec <-> rec@1\n\n" + MAP,
}
NOON = "2026-01-02T12:00:00Z"


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    with world(tmp_path, monkeypatch, FILES) as made:
        yield made


def begin(shop: World) -> tuple[str, str]:
    """Give the ids of one record in both systems."""
    first = shop.add("a", name="Ada", mail="old@x.example", city="Ulm", at="2026-01-01T12:00:00Z")
    shop.run()
    return first, str(shop.records("b")[0]["id"])


def one(shop: World, *states: str) -> dict[str, object]:
    (found,) = listed(shop.place, states, {})["exceptions"]
    return found  # type: ignore[no-any-return]


def mails(shop: World) -> tuple[str, str]:
    return tuple(shop.records(of)[0]["mail"] for of in ("a", "b"))  # type: ignore[return-value]


def tie(shop: World) -> int:
    """Let both systems change one field at the same moment, and a run meet it."""
    first, second = begin(shop)
    shop.edit("a", first, mail="a@x.example", at=NOON, city="Bonn")
    shop.edit("b", second, mail="b@x.example", at=NOON)
    done = shop.run()
    assert problems(done) == [("SYN5011", "a", "mail")]
    assert shop.records("b")[0]["city"] == "Bonn", "the other fields go on"
    assert mails(shop) == ("a@x.example", "b@x.example")
    return int(str(one(shop)["id"]))


def rest(shop: World) -> None:
    assert (writes(shop.plan()), writes(shop.run()), writes(shop.run())) == ([], [], [])
    shop.assert_whole()
    with opened_ledger(shop.place) as ledger:
        assert ledger.decisions.standing() == []


def test_it_is_told_once_for_the_record_with_what_each_member_shows(shop: World) -> None:
    number = tie(shop)
    shop.run()
    told = shown(shop.place, number)
    assert told["candidates"] == [
        {"member": "a", "value": "•••", "owner": False},
        {"member": "b", "value": "•••", "owner": False},
    ]
    assert told["exception"]["count"] == 2
    told = shown(shop.place, number, ("ada", "asked by the customer"))
    assert [each["value"] for each in told["candidates"]] == ["a@x.example", "b@x.example"]
    assert [(note["by"], note["action"], note["text"]) for note in told["notes"]] == [
        ("ada", "reveal", "asked by the customer")
    ]


@pytest.mark.parametrize(
    ("choice", "kept"),
    [
        (Choice(take="a"), "a@x.example"),
        (Choice(take="b"), "b@x.example"),
        (Choice(value="c@x.example"), "c@x.example"),
        (Choice(), None),
    ],
)
def test_what_is_decided_is_written_by_the_next_run(shop: World, choice: Choice, kept: str | None) -> None:
    number = tie(shop)
    decide(shop.place, Act((number,), "ada"), choice)
    assert one(shop)["state"] == "retried"
    planned = shop.plan()
    done = shop.run()
    assert (writes(planned), problems(done), done.exit_code) == (writes(done), [], 0)
    assert mails(shop) == (kept, kept)
    assert one(shop, "resolved")["id"] == number
    rest(shop)


def test_a_newer_value_overtakes_a_decision(shop: World) -> None:
    number = tie(shop)
    decide(shop.place, Act((number,), "ada"), Choice(take="a"))
    shop.edit("b", str(shop.records("b")[0]["id"]), mail="newest@x.example", at="2026-01-03T12:00:00Z")
    shop.run()
    assert mails(shop) == ("newest@x.example", "newest@x.example")
    with opened_ledger(shop.place) as ledger:
        assert [made.state for made in ledger.decisions.all()] == ["superseded"]
    rest(shop)


def test_a_decision_outlives_a_write_that_did_not_come_through(shop: World) -> None:
    number = tie(shop)
    decide(shop.place, Act((number,), "ada"), Choice(take="a"))
    shop.sandbox.fault("b", "429", operation="update", times=1000)
    for _ in range(2):
        shop.run()
        assert mails(shop) == ("a@x.example", "b@x.example")
    shop.sandbox.stand_ins["b"].faults.clear()
    shop.run()
    assert mails(shop) == ("a@x.example", "a@x.example")
    rest(shop)


@pytest.mark.parametrize(("take", "kept"), [("a", "Ulm"), ("b", "Rom")])
def test_an_edit_that_nobody_owns_is_kept_or_taken_back(shop: World, take: str, kept: str) -> None:
    _, second = begin(shop)
    shop.edit("b", second, city="Rom")
    assert problems(shop.run()) == [("SYN5011", "b", "city")]
    number = int(str(one(shop)["id"]))
    decide(shop.place, Act((number,), "ada"), Choice(take=take))
    shop.run()
    assert [shop.records(of)[0]["city"] for of in ("a", "b")] == [kept, kept]
    rest(shop)


def test_it_ends_by_itself_once_the_members_agree(shop: World) -> None:
    number = tie(shop)
    shop.edit("b", str(shop.records("b")[0]["id"]), mail="a@x.example")
    assert problems(shop.run()) == []
    assert one(shop, "resolved")["id"] == number


def test_it_is_not_closed_with_a_word(shop: World) -> None:
    number = tie(shop)
    with pytest.raises(UsageError, match="which value of mail"):
        close(shop.place, Act((number,), "ada", "done"))
    with pytest.raises(UsageError, match="shows no value"):
        decide(shop.place, Act((number,), "ada"), Choice(take="c"))
    decide(shop.place, Act((number,), "ada"), Choice(take="a"))
    shop.run()
    with pytest.raises(UsageError, match="resolved already"):
        decide(shop.place, Act((number,), "ada"), Choice(take="b"))


def test_trace_tells_of_the_decision(shop: World) -> None:
    number = tie(shop)
    decide(shop.place, Act((number,), "ada"), Choice(value="c@x.example"))
    shop.run()
    record = shop.records("a")[0]["id"]
    told = trace(shop.place, "rec", record, "mail")
    assert [(each["field"], each["from"]) for each in told["fields"]] == [("mail", "decision")]
