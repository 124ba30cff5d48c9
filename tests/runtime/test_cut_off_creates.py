"""Creates of which nobody knows what became: found out by the write contract, never sent over what people have said since."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from support.world import World, problems, system, world, writes
from syncline_runtime.exception_actions import Act, retry
from syncline_runtime.sandbox.stand_in import Reply
from syncline_runtime.stages import deliver
from syncline_runtime.upkeep.session import opened_ledger

REC = "name: {type: text, required: true}, note: text"
FILES = {
    "a.yaml": system("a", Rec=REC),
    "b.yaml": system("b", Rec=REC).replace("idempotency: {header: Idempotency-Key, keeps: 24h}", "external_id: name"),
    "rec.yaml": """
        object: rec
        version: 1.0.0
        fields: {name: {type: text, required: true, label: Name}, note: {type: "text?", label: Note}}
        identity: [{same: [name]}]
        """,
    "sync.yaml": """
        sync: rec
        object: rec@1
        members: {a: a.Rec, b: b.Rec}
        exists: {originate: [a], hold: {b: true}}
        owners: {"*": a, note: b}
        """,
    **{f"{n}.map": f"mapping {n}.Rec <-> rec@1\n\nname <-> name\nnote <-> note\n" for n in "ab"},
}


@pytest.mark.parametrize("fault", ["reset_after", "500_before"])
def test_an_upsert_waits_until_the_system_was_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fault: str) -> None:
    monkeypatch.setattr(deliver, "PATIENCE", 0.0)
    with world(tmp_path, monkeypatch, FILES) as made:
        made.add("a", name="Ada", note="first")
        made.sandbox.fault("b", fault, operation="create")
        made.run()
        created = made.by("name", "b")
        if fault == "reset_after":
            made.edit("b", created["Ada"]["id"], note="theirs")
        made.clock.let_pass(3600)
        made.run()
        made.clock.let_pass(3600)
        made.run()
        note = "theirs" if fault == "reset_after" else "first"
        assert [made.by("name", of)["Ada"]["note"] for of in "ab"] == [note, note]
        assert writes(made.run()) == []
        made.assert_whole()


PATIENT = FILES["sync.yaml"].replace("owners:", "delivery: {attempts: 2, within: 2h}\n        owners:")
KEYED = FILES | {"b.yaml": system("b", Rec=REC), "sync.yaml": PATIENT}
DAY = 86_400.0


@contextmanager
def keyed(folder: Path, patch: pytest.MonkeyPatch) -> Iterator[World]:
    """A record that is to be created under an idempotency key, and a run that does not wait."""
    patch.setattr(deliver, "PATIENCE", 0.0)
    with world(folder, patch, KEYED) as made:
        made.add("a", name="Ada", note="first")
        yield made


@pytest.mark.parametrize("status", [401, 403])
def test_who_is_refused_at_the_door_learns_nothing_of_what_was_sent_before(
    status: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody has looked at the key: the record may be there, and nothing but its key tells it from another."""
    nameless = KEYED | {"rec.yaml": FILES["rec.yaml"].replace("identity: [{same: [name]}]", "")}
    monkeypatch.setattr(deliver, "PATIENCE", 0.0)
    with world(tmp_path, monkeypatch, nameless) as made:
        made.add("a", name="Ada", note="first")
        made.sandbox.fault("b", "reset_after", operation="create")
        made.run()
        refuse(made, status)
        made.clock.let_pass(60)
        made.run()
        made.clock.let_pass(60)
        assert writes(made.run()) == []
        with opened_ledger(made.place) as ledger:
            assert ledger.exceptions.find() == []
        made.edit("a", made.records("a")[0]["id"], name="Ada L.")
        assert writes(made.run()) == [("b", "Rec", "update", "")]
        assert [one["name"] for one in made.records("b")] == ["Ada L."]
        made.assert_whole()


def refuse(made: World, status: int) -> None:
    """Let the system refuse the next create at the door."""
    stand_in = made.sandbox.stand_ins["b"]
    whole = stand_in._once_per_key

    def once(asked: Any, call: Any, url: str) -> Reply:
        if asked.route.operation != "create":
            return whole(asked, call, url)
        stand_in._once_per_key = whole  # type: ignore[method-assign]
        return Reply(status, {"error": {"code": "refused", "message": "refused"}})

    stand_in._once_per_key = once  # type: ignore[method-assign]


def test_a_key_that_the_system_has_forgotten_is_not_sent_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with keyed(tmp_path, monkeypatch) as made:
        made.sandbox.fault("b", "reset_after", operation="create")
        made.run()
        made.sandbox.stand_ins["b"]._kept.clear()
        made.clock.let_pass(DAY + 3600)
        for _ in range(3):
            made.run()
            assert len(made.records("b")) == 1
        assert (writes(made.run()), problems(made.run())) == ([], []), "found by its identity"


def test_a_key_never_goes_with_another_payload(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with keyed(tmp_path, monkeypatch) as made:
        made.sandbox.fault("b", "reset_after", operation="create")
        made.run()
        made.edit("a", made.by("name", "a")["Ada"]["id"], name="Ada", note="second")
        made.clock.let_pass(3600)
        made.run()
        made.run()
        assert [one["note"] for one in made.records("b")] == ["first"], "b owns it from the moment it has the record"
        assert problems(made.run()) == []


def test_a_failure_that_the_system_keeps_for_a_key_ends_before_a_person(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with keyed(tmp_path, monkeypatch) as made:
        monkeypatch.setattr(deliver, "PATIENCE", 30.0)
        stand_in, failed = made.sandbox.stand_ins["b"], []
        done: Any = stand_in._done

        def failing(asked: Any, call: Any, url: str) -> Reply:
            if asked.route.operation == "create" and not failed:
                failed.append(call)
                return Reply(500, {"error": {"code": "broken"}})  # and it is kept for the key, as some vendors do
            return done(asked, call, url)

        monkeypatch.setattr(stand_in, "_done", failing)
        for number in range(4):
            made.run()
            made.clock.let_pass(3600)
            made.add("a", name=f"N{number}")  # others go through: it is no outage
        assert "Ada" not in made.by("name", "b")
        with opened_ledger(made.place) as ledger:
            (asked,) = ledger.exceptions.find()
        assert asked.code == "SYN5402"
        retry(made.place, Act((asked.id,), "ada"), absent=True)
        made.run()
        assert "Ada" in made.by("name", "b")


def test_who_was_waited_for_in_vain_and_made_by_hand_is_not_made_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A create that is left from an outage waits until the system was read: a key does not know of people's work."""
    with keyed(tmp_path, monkeypatch) as made:
        made.sandbox.fault("b", "429", operation="create")
        made.run()
        made.add("b", name="Ada", note="theirs")
        made.clock.let_pass(60)
        made.sandbox.fault("b", "500_before", operation="list", times=10_000)
        made.run()
        made.sandbox.stand_ins["b"].faults.clear()
        assert [one["note"] for one in made.records("b")] == ["theirs"], "not even where the list could not be read"
        made.clock.let_pass(60)
        made.run()
        made.run()
        assert [[one["note"] for one in made.records(of)] for of in "ab"] == [["theirs"], ["theirs"]]
        assert (writes(made.run()), problems(made.run())) == ([], [])


def test_a_refusal_does_not_tell_what_became_of_the_request_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The create was done, its answer lost; then the same key is refused for now, and forgotten."""
    with keyed(tmp_path, monkeypatch) as made:
        made.sandbox.fault("b", "reset_after", operation="create")
        made.run()
        for operation, fault in (("create", "429"), ("list", "500_before")):
            made.sandbox.fault("b", fault, operation=operation, times=10_000)
        made.clock.let_pass(3600)
        made.run()
        made.sandbox.stand_ins["b"].faults.clear()
        with opened_ledger(made.place) as ledger:
            assert [one.state for one in ledger.intents.unfinished()] == ["ambiguous"]
        made.sandbox.stand_ins["b"]._kept.clear()
        made.clock.let_pass(DAY)
        made.run()
        assert len(made.records("b")) == 1


def test_what_was_found_while_its_create_was_under_way_is_missed_once_it_goes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was seen of it is kept, though nothing is agreed yet: what is not known cannot be missed."""
    with keyed(tmp_path, monkeypatch) as made:
        made.run()
        made.add("a", name="Bob")
        made.sandbox.fault("b", "reset_after", operation="create")
        made.run()
        made.sandbox.fault("b", "429", operation="create", times=10_000)
        made.clock.let_pass(3600)
        made.run()
        made.drop("b", made.by("name", "b")["Bob"]["id"])
        made.clock.let_pass(3600)
        assert problems(made.run()) == [("SYN5010", "b", "")]
        made.assert_whole()
