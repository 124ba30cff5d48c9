"""Failures that people actually meet (requirements, part E), through whole runs: contained, told, and traced."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from support.world import World, problems, system, world, writes
from syncline_runtime.errors import UsageError
from syncline_runtime.exception_actions import Act
from syncline_runtime.exception_link import link
from syncline_runtime.exception_queue import listed, shown
from syncline_runtime.tracing import trace
from syncline_runtime.upkeep.session import opened_ledger

REC = "name: {type: text, required: true}, mail: text, phone: text, legacy: text, limit: 'decimal(12,2)', at: instant"
BILL = "number: {type: text, required: true}, owner: {type: text, ref: Rec, required: true}, total: 'decimal(12,2)'"
LINES = "name <-> name\nmail <-> mail | email\nphone <-> phone\nlegacy <-> legacy\nlimit <-> limit\nat <-> at\n"
BILLS = "number <-> number\nowner <-> owner | ref rec\ntotal <-> total\n"
FILES = {
    "a.yaml": system("a", Rec=REC, Bill=BILL),
    "b.yaml": system("b", Rec=REC, Bill=BILL),
    "rec.yaml": """
        object: rec
        version: 1.0.0
        fields:
          name: {type: text, form: squash, required: true, critical: true, label: Name}
          mail: {type: "email?", label: Mail}
          phone: {type: "text?", label: Phone}
          legacy: {type: "text?", label: Number in the old system}
          limit: {type: "decimal(12,2)?", label: Limit}
          at: {type: "instant?", label: At}
        identity: [{same: [mail]}, {same: [legacy]}]
        """,
    "bill.yaml": """
        object: bill
        version: 1.0.0
        fields:
          number: {type: text, required: true, label: Number}
          owner: {type: ref(rec), label: Customer}
          total: {type: "decimal(12,2)?", label: Total}
        identity: [{same: [number]}]
        """,
    "recs.yaml": """
        sync: rec
        object: rec@1
        members: {a: a.Rec, b: b.Rec}
        exists: {originate: [a], hold: {b: true}}
        owners: {"*": a, limit: b, phone: {by: newest, clock: {a: at, b: at}, tie: review}}
        unowned_edit: restore
        """,
    "bills.yaml": """
        sync: bill
        object: bill@1
        members: {a: a.Bill, b: b.Bill}
        exists: {originate: [a], hold: {b: true}}
        owners: {"*": a}
        """,
    "a.map": 'mapping a.Rec <-> rec@1\n\nreject when phone == "none" because "a customer needs a telephone"\n' + LINES,
    "b.map": "mapping b.Rec <-> rec@1\n\n" + LINES,
    "ab.map": "mapping a.Bill <-> bill@1\n\n" + BILLS,
    "bb.map": "mapping b.Bill <-> bill@1\n\n" + BILLS,
}


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    with world(tmp_path, monkeypatch, FILES) as made:
        yield made


def queue(shop: World) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = listed(shop.place, (), {})["exceptions"]
    return found


def told(shop: World, id_: str, field: str | None = None, of: str = "rec") -> dict[str, Any]:
    """Trace a record by its id in system ``a``, or as the id says."""
    named = id_ if ":" in id_ else f"a:{id_}"
    return trace(shop.place, of, named, field)


def rest(shop: World) -> None:
    assert (writes(shop.plan()), writes(shop.run())) == ([], [])


def test_e3_small_variations_of_one_customer_make_no_second_record(shop: World) -> None:
    shop.add("b", name="Ada  Lovelace", mail="ada@Example.COM")
    shop.add("a", name="Ada Lovelace", mail="ada@example.com")
    shop.run()
    assert len(shop.records("b")) == 1
    shop.add("a", name="A. Lovelace", mail="ada@example.COM")  # a second one in the CRM itself: nobody guesses
    done = shop.run()
    assert len(shop.records("b")) == 1
    assert [code for code, *_ in problems(done)] == ["SYN5007"]


def test_e6_every_field_has_one_owner_and_drift_is_told(shop: World) -> None:
    first = shop.add("a", name="Ada", mail="ada@example.com", limit="10.00")
    shop.run()
    theirs = str(shop.records("b")[0]["id"])
    shop.edit("b", theirs, name="Ada Ltd", limit="25.00")
    shop.edit("a", first, limit="99.00")
    done = shop.run()
    for of in ("a", "b"):
        (record,) = shop.records(of)
        assert (record["name"], float(record["limit"])) == ("Ada", 25.0)
    edits = {
        (one["connection"], one["field"]): one["action"] for one in done.outcomes if one["outcome"] == "unowned_edit"
    }
    assert edits == {("b", "name"): "restored"}
    (lost,) = told(shop, first, "name")["fields"][0]["lost"]
    assert (lost["connection"], lost["now"], lost["outcome"]) == ("b", "Ada Ltd", "restore")
    assert "does not decide it" in lost["why"]
    (limit,) = told(shop, f"b:{theirs}", "limit")["fields"]
    assert (limit["from"], limit["rule"], limit["run"]) == ("b", "owner b", done.run_id)
    assert limit["lost"][0]["now"] == "99.00"
    rest(shop)


def test_e9_an_older_write_never_wins_and_the_loser_is_kept(shop: World) -> None:
    first = shop.add("a", name="Ada", mail="ada@example.com", phone="1", at="2026-01-01T00:00:00Z")
    shop.run()
    theirs = str(shop.records("b")[0]["id"])
    shop.edit("a", first, phone="older", at="2026-01-02T00:00:00Z")
    shop.edit("b", theirs, phone="newer", at="2026-01-03T00:00:00Z")
    done = shop.run()
    assert [shop.records(of)[0]["phone"] for of in ("a", "b")] == ["newer", "newer"]
    (phone,) = told(shop, first, "phone")["fields"]
    assert (phone["value"], phone["from"], phone["rule"], phone["run"]) == ("newer", "b", "newest", done.run_id)
    assert [(lost["connection"], lost["now"], lost["outcome"]) for lost in phone["lost"]] == [
        ("a", "older", "overwrite")
    ]
    (write,) = [one for one in told(shop, first, "phone")["writes"] if one["operation"] == "update"]
    assert (write["connection"], write["values"]["phone"], write["state"]) == ("a", "newer", "acked")
    shop.edit("a", first, phone="stale", at="2026-01-01T12:00:00Z")  # an incomplete, older write arrives late
    shop.run()
    assert [shop.records(of)[0]["phone"] for of in ("a", "b")] == ["newer", "newer"]


def test_e13_a_replaced_id_is_linked_by_a_person_and_the_old_one_still_resolves(shop: World) -> None:
    first = shop.add("a", name="Ada", mail="ada@example.com", legacy="OLD-1")
    shop.add("a", name="Bob", mail="bob@example.com")
    shop.run()
    canonical = told(shop, f"a:{first}")["canonical_id"]
    shop.drop("a", first)
    second = shop.add("a", name="Ada", mail="ada@example.com", legacy="OLD-1")  # the CRM was moved: a new id
    assert [code for code, *_ in problems(shop.run())] == ["SYN5007", "SYN5010"]
    unlinked = next(one for one in queue(shop) if one["code"] == "SYN5007")
    link(shop.place, Act((unlinked["id"],), "ada", "the CRM was moved"), f"a:{first}")
    shop.run()
    assert len(shop.records("b")) == 2
    assert {told(shop, f"a:{one}")["canonical_id"] for one in (first, second)} == {canonical}
    assert [one["state"] for one in listed(shop.place, ("resolved",), {"code": "SYN5007"})["exceptions"]] == [
        "resolved"
    ]
    shop.edit("a", second, name="Ada Lovelace")
    shop.run()
    assert {one["name"] for one in shop.records("b")} == {"Ada Lovelace", "Bob"}


def test_a_person_says_which_record_it_is_or_that_it_is_one_of_its_own(shop: World) -> None:
    shop.add("a", name="Ada", mail="office@example.com", legacy="1")
    shop.run()
    other = shop.add("a", name="Bob", mail="office@example.com", legacy="2")
    assert [code for code, *_ in problems(shop.run())] == ["SYN5007"]
    (one,) = queue(shop)
    with pytest.raises(UsageError, match="already"):
        link(shop.place, Act((one["id"],), "ada"), shop.by("name", "a")["Ada"]["id"])
    link(shop.place, Act((one["id"],), "ada", "they share a mailbox"), None)
    shop.run()
    assert {each["name"] for each in shop.records("b")} == {"Ada", "Bob"}
    assert queue(shop) == []
    assert told(shop, other)["links"][0]["rule"] == "they share a mailbox"
    rest(shop)


def test_e5_one_bad_record_waits_alone_and_its_children_by_name_until_it_is_mended(shop: World) -> None:
    parent = shop.add("a", name="Ada", mail="ada@example.com", phone="none")
    other = shop.add("a", name="Bob", mail="bob@example.com")
    shop.add("a", "Bill", number="B1", owner=parent, total="10.00")
    shop.add("a", "Bill", number="B2", owner=parent, total="20.00")
    shop.add("a", "Bill", number="B3", owner=other, total="30.00")
    done = shop.run()
    assert [code for code, *_ in problems(done)] == ["SYN5003", "SYN5005", "SYN5005"]
    assert [one["number"] for one in shop.records("b", "Bill")] == ["B3"], "bad records wait alone"
    keeper = next(one for one in queue(shop) if one["code"] == "SYN5003")
    children = [one for one in queue(shop) if one["code"] == "SYN5005"]
    assert [one["state"] for one in children] == ["waiting", "waiting"]
    assert {tuple(one["waits_for"].values()) for one in children} == {("rec", parent, keeper["id"])}
    assert sorted(shown(shop.place, keeper["id"])["keeps_waiting"]) == sorted(one["id"] for one in children)
    assert [group["records"] for group in listed(shop.place, (), {})["groups"]] == [2, 1], "one fault is one group"
    shop.edit("a", parent, phone="1")
    assert problems(shop.run()) == []
    assert len(shop.records("b", "Bill")) == 3
    assert queue(shop) == []
    rest(shop)


def test_a_child_that_its_member_cannot_have_yet_names_the_parent_it_lacks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    picky = FILES["recs.yaml"].replace("hold: {b: true}", "hold: {b: legacy is not null}")
    with world(tmp_path, monkeypatch, {**FILES, "recs.yaml": picky}) as shop:
        parent = shop.add("a", name="Ada", mail="ada@example.com")
        shop.add("a", "Bill", number="B1", owner=parent)
        assert [code for code, *_ in problems(shop.run())] == ["SYN5012"]
        (waiting,) = queue(shop)
        assert waiting["waits_for"]["object"] == "rec"
        assert waiting["waits_for"]["record"] == told(shop, parent)["canonical_id"]


def test_e15_a_transfer_to_another_customer_follows_and_an_offline_batch_changes_nothing_newer(shop: World) -> None:
    first, second = (
        shop.add("a", name=name, mail=f"{name}@example.com", at="2026-01-01T00:00:00Z") for name in ("ada", "bob")
    )
    bill = shop.add("a", "Bill", number="B1", owner=first, total="10.00")
    shop.run()
    theirs = {one["name"]: one["id"] for one in shop.records("b")}
    shop.edit("a", bill, "Bill", owner=second)
    moved = shop.run()
    assert [one["owner"] for one in shop.records("b", "Bill")] == [theirs["bob"]]
    (owner,) = told(shop, bill, "owner", "bill")["fields"]
    assert (owner["value"], owner["run"]) == (told(shop, second)["canonical_id"], moved.run_id)
    shop.edit("b", theirs["ada"], phone="fresh", at="2026-01-03T00:00:00Z")
    shop.run()
    shop.edit("a", first, phone="offline", at="2026-01-02T00:00:00Z")  # the kiosk was offline and tells it only now
    shop.run()
    assert shop.by("name", "a")["ada"]["phone"] == shop.by("name", "b")["ada"]["phone"] == "fresh"
    (phone,) = told(shop, first, "phone")["fields"]
    assert [(lost["connection"], lost["now"]) for lost in phone["lost"]] == [("a", "offline")]
    rest(shop)


def test_e17_an_event_twice_out_of_order_or_not_at_all(shop: World) -> None:
    first = shop.add("a", name="Ada", mail="ada@example.com", phone="1", at="2026-01-01T00:00:00Z")
    shop.run()
    log = len(shop.sandbox.log)
    shop.run()
    assert len(shop.sandbox.log) == log, "the same record read again has no effect"
    shop.edit("a", first, phone="2", at="2026-01-02T00:00:00Z")
    shop.run()
    shop.sandbox.fault("b", "reset_after", operation="update", times=1)  # done there, and we never hear of it
    shop.edit("a", first, phone="3", at="2026-01-03T00:00:00Z")
    for _ in range(3):
        shop.run()
    assert [shop.records(of)[0]["phone"] for of in ("a", "b")] == ["3", "3"]
    assert len(shop.records("b")) == 1
    rest(shop)


@pytest.mark.parametrize(
    ("weight", "critical", "severity"),
    [
        ("normal", "false", "error"),
        ("normal", "true", "critical"),
        ("low", "false", "warning"),
        ("high", "false", "critical"),
    ],
)
def test_severity_is_the_weight_for_the_business(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, weight: str, critical: str, severity: str
) -> None:
    files = {
        **FILES,
        "recs.yaml": FILES["recs.yaml"].rstrip() + f"\n        weight: {weight}\n",
        "rec.yaml": FILES["rec.yaml"].replace('"email?", label', f'"email?", critical: {critical}, label'),
    }
    with world(tmp_path, monkeypatch, files) as shop:
        shop.add("a", name="Ada", mail="nobody")
        shop.run()
        (one,) = queue(shop)
        assert (one["field"], one["severity"]) == ("mail", severity)


def test_a_record_that_is_gone_takes_its_exception_with_it(shop: World) -> None:
    bad = shop.add("a", name="Ada", mail="ada@example.com", phone="none")
    shop.add("a", name="Bob", mail="bob@example.com")
    shop.run()
    shop.drop("a", bad)
    shop.run()
    assert queue(shop) == []
    (over,) = listed(shop.place, ("superseded",), {})["exceptions"]
    assert over["native_id"] == bad


def test_a_waived_fault_is_no_failure_of_the_run_and_ends_with_its_cause(shop: World) -> None:
    bad = shop.add("a", name="Ada", mail="ada@example.com", phone="none")
    assert shop.run().exit_code == 1
    with opened_ledger(shop.place) as ledger:
        ledger.casework.waive(ledger.exceptions.find(), "ada", "a test customer")
    assert shop.run().exit_code == 0
    assert queue(shop) == []
    shop.edit("a", bad, phone="1")
    shop.run()
    assert [one["native_id"] for one in listed(shop.place, ("resolved",), {})["exceptions"]] == [bad]
