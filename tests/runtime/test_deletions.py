"""What a deletion in one member means for the others: they follow, they show what the sync sets, or a person decides."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from runtime.test_returns import put
from support.world import World, problems, system, world, writes
from syncline_runtime.errors import ApprovalNeeded

FIELDS = "key: {type: text, required: true}, name: text, status: text"
SYNC = """
    sync: rec
    object: rec@1
    members: {a: a.Rec, b: b.Rec, c: c.Rec}
    exists: {originate: [a], hold: {b: true, c: true}}
    owners: {"*": a}
    when_deleted_in: {a: RULE}
"""
FILES = {
    "syncline.yaml": "syncline: 1\nproject: t\n"
    "environments: {t: {a: {stand_in: true}, b: {stand_in: true}, c: {stand_in: true}}}\n",
    "rec.yaml": """
        object: rec
        version: 1.0.0
        label: Record
        fields:
          key: {type: text, required: true, label: Key}
          name: {type: "text?", label: Name}
          status: {type: enum, values: [open, closed], required: true, label: Status}
        identity: [{same: [key]}]
        """,
    "states.yaml": "codes: states\nversion: 1.0.0\nfor: rec.status\nrows: {O: open, X: closed}\n",
} | {
    f"{name}.yaml": system(name, Rec="key: {type: text, required: true}, name: text, "
                                     "status: {type: text, values: [O, X], required: true}")
    for name in "abc"
} | {
    f"{name}.map": f"mapping {name}.Rec <-> rec@1\n\nkey <-> key\nname <-> name\nstatus <-> status | code states\n"
    for name in "abc"
}  # fmt: skip


@contextmanager
def shop(folder: Path, patch: pytest.MonkeyPatch, rule: str, records: int = 2, **more: str) -> Iterator[World]:
    """Records that all three members hold, of which a is the owner."""
    files = FILES | {"sync.yaml": SYNC.replace("RULE", rule)} | more
    with world(folder, patch, files) as made:
        for number in range(records):
            made.add("a", key=f"k{number}", name=f"n{number}", status="O")
        made.run()
        assert all(len(made.records(of)) == records for of in "abc")
        yield made


def drop(made: World, of: str, key: str) -> None:
    made.drop(of, made.by("key", of)[key]["id"])


def test_the_others_follow_a_deletion(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with shop(tmp_path, monkeypatch, "delete") as made:
        drop(made, "a", "k0")
        result = made.run()
        assert writes(result) == [("b", "Rec", "delete", ""), ("c", "Rec", "delete", "")]
        assert problems(result) == []
        assert [set(made.by("key", of)) for of in "abc"] == [{"k1"}] * 3
        again = made.run()
        assert (writes(again), problems(again)) == ([], [])
        made.assert_whole()


def test_one_whose_owner_has_edited_its_own_field_since_waits_for_a_person(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    owned = SYNC.replace("RULE", "delete").replace('{"*": a}', '{"*": a, name: b}')
    with shop(tmp_path, monkeypatch, "delete", **{"sync.yaml": owned}) as made:
        drop(made, "a", "k0")
        made.edit("b", made.by("key", "b")["k0"]["id"], name="edited after")
        for _ in range(3):
            result = made.run()
            assert "b" not in {one[0] for one in writes(result)}
            assert [one[0] for one in problems(result) if one[1] == "b"] == ["SYN5010"]
        assert made.by("key", "b")["k0"]["name"] == "edited after"
        made.assert_whole()


def test_one_that_was_edited_since_waits_for_a_person(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with shop(tmp_path, monkeypatch, "delete") as made:
        drop(made, "a", "k0")
        made.edit("b", made.by("key", "b")["k0"]["id"], name="edited after")
        result = made.run()
        assert writes(result) == [("c", "Rec", "delete", "")]
        assert problems(result) == [("SYN5010", "b", "")]
        assert made.by("key", "b")["k0"]["name"] == "edited after"
        assert writes(made.run()) == []
        made.assert_whole()


def test_a_deletion_elsewhere_is_not_followed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with shop(tmp_path, monkeypatch, "delete") as made:
        drop(made, "b", "k0")
        result = made.run()
        assert (writes(result), problems(result)) == ([], [("SYN5010", "b", "")])
        assert set(made.by("key", "a")) == set(made.by("key", "c")) == {"k0", "k1"}


def test_a_refused_deletion_is_tried_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with shop(tmp_path, monkeypatch, "delete") as made:
        drop(made, "a", "k0")
        made.sandbox.fault("b", "reset_after", operation="delete")
        made.run()
        made.run()
        assert [set(made.by("key", of)) for of in "abc"] == [{"k1"}] * 3
        assert writes(made.run()) == []
        made.assert_whole()


def test_many_deletions_ask_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with shop(tmp_path, monkeypatch, "delete", 30) as made:
        for number in range(8):
            drop(made, "a", f"k{number}")
        before = len(made.sandbox.log)
        with pytest.raises(ApprovalNeeded) as caught:
            made.run()
        assert "b: 8 of 30" in caught.value.message
        assert len(made.sandbox.log) == before
        made.run(approve=made.plan().changes.id)
        assert len(made.records("b")) == len(made.records("c")) == 22


def test_most_of_few_records_do_not_go_without_being_asked_about(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A source that answers a tenth of what it showed yesterday deletes nothing, however small it is."""
    with shop(tmp_path, monkeypatch, "delete", 10) as made:
        for number in range(9):
            drop(made, "a", f"k{number}")
        before = len(made.sandbox.log)
        with pytest.raises(ApprovalNeeded) as caught:
            made.run()
        assert "a: 9 of 10" in caught.value.message
        assert len(made.sandbox.log) == before
        made.run(approve=made.plan().changes.id)
        assert (len(made.records("b")), len(made.records("c"))) == (1, 1)


def test_nothing_is_deleted_after_an_empty_answer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with shop(tmp_path, monkeypatch, "delete") as made:
        for key in ("k0", "k1"):
            drop(made, "a", key)
        assert writes(made.run()) == []
        assert len(made.records("b")) == 2


def test_the_others_show_what_the_sync_sets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with shop(tmp_path, monkeypatch, "{set: {status: closed}}") as made:
        drop(made, "a", "k0")
        result = made.run()
        assert (writes(result), problems(result)) == ([("b", "Rec", "update", ""), ("c", "Rec", "update", "")], [])
        for of in "bc":
            assert {key: one["status"] for key, one in made.by("key", of).items()} == {"k0": "X", "k1": "O"}
        assert writes(made.run()) == []
        made.edit("b", made.by("key", "b")["k0"]["id"], status="O")
        made.run()
        assert made.by("key", "b")["k0"]["status"] == "X"
        made.assert_whole()


def test_a_record_that_is_back_is_as_its_owner_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with shop(tmp_path, monkeypatch, "{set: {status: closed}}") as made:
        native_id = made.by("key", "a")["k0"]["id"]
        drop(made, "a", "k0")
        made.run()
        made.sandbox.stand_ins["a"].stores["Rec"].records.pop(native_id)
        put(made, "a", native_id, key="k0", name="n0", status="O")
        made.run()
        assert {of: made.by("key", of)["k0"]["status"] for of in "abc"} == {"a": "O", "b": "O", "c": "O"}
        assert writes(made.run()) == []
