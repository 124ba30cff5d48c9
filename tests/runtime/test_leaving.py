"""What a member need not hold any more: kept in step, deleted, deactivated or let go, and what comes back."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from support.world import World, problems, system, world, writes
from syncline_runtime.tracing import trace

FIELDS = (
    "key: {type: text, required: true}, name: text, amount: int, state: {type: text, values: [O, X], required: true}"
)
SYNC = """
    sync: rec
    object: rec@1
    members: {a: a.Rec, b: b.Rec}
    exists: {originate: [a], hold: {b: amount > 0}MORE}
    owners: {"*": a, name: OWNER}
"""
FILES = {
    "rec.yaml": """
        object: rec
        version: 1.0.0
        label: Record
        fields:
          key: {type: text, required: true, label: Key}
          name: {type: "text?", label: Name}
          amount: {type: "int?", label: Amount}
          state: {type: enum, values: [open, closed], label: State}
        identity: [{same: [key]}]
        """,
    "states.yaml": "codes: states\nversion: 1.0.0\nfor: rec.state\nrows: {O: open, X: closed}\n",
    "a.yaml": system("a", Rec=FIELDS),
    "b.yaml": system("b", Rec=FIELDS),
} | {
    f"{name}.map": f"mapping {name}.Rec <-> rec@1\n\nkey <-> key\nname <-> name\namount <-> amount\n"
    "state <-> state | code states\n"
    for name in "ab"
}  # fmt: skip


@contextmanager
def shop(folder: Path, patch: pytest.MonkeyPatch, on_leave: str, owner: str = "a") -> Iterator[World]:
    """Two records that a decides and b holds while they are worth something."""
    more = f", on_leave: {{b: {on_leave}}}" if on_leave else ""
    sync = SYNC.replace("MORE", more).replace("OWNER", owner)
    with world(folder, patch, FILES | {"sync.yaml": sync}) as made:
        for number in (1, 2):
            made.add("a", key=f"k{number}", name=f"n{number}", amount=5, state="O")
        made.run()
        assert set(made.by("key", "b")) == {"k1", "k2"}
        yield made


def leave(made: World, amount: int | None = 0, **more: Any) -> None:
    """Let the first record leave the set, or return to it."""
    made.edit("a", made.by("key", "a")["k1"]["id"], amount=amount, **more)


def state_of(made: World, *names: str) -> list[Any]:
    return [made.by("key", "b")["k1"][name] for name in names]


def links(made: World) -> list[tuple[str, str]]:
    """Give how the links of the first record with b came about and what they are, the oldest first."""
    place = made.place
    found = trace(place, "rec", f"b:{made.by('key', 'b')['k1']['id']}", None)
    mine = [one for one in found["links"] if one["connection"] == "b"]
    return [(one["how"], one["state"]) for one in sorted(mine, key=lambda one: int(one["generation"]))]


def held(made: World, result: Any, reason: str) -> int:
    rows = [one for one in result.counts if (one["name"], one["detail"]) == ("held", reason)]
    return sum(one["value"] for one in rows)


def test_what_is_kept_stays_in_step(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with shop(tmp_path, monkeypatch, "") as made:
        leave(made, name="new")
        assert writes(made.run()) == [("b", "Rec", "update", "")]
        assert state_of(made, "name", "amount") == ["new", "0"]


def test_what_is_deleted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with shop(tmp_path, monkeypatch, "delete") as made:
        leave(made)
        assert writes(made.run()) == [("b", "Rec", "delete", "")]
        assert set(made.by("key", "b")) == {"k2"}
        assert writes(made.run()) == []


def test_nobody_knows_whether_it_leaves(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with shop(tmp_path, monkeypatch, "delete") as made:
        leave(made, None)
        assert writes(made.run()) == [("b", "Rec", "update", "")]


def test_what_is_deactivated_shows_what_the_sync_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with shop(tmp_path, monkeypatch, "{deactivate: {state: closed}}") as made:
        leave(made, name="last")
        result = made.run()
        assert (writes(result), problems(result)) == ([("b", "Rec", "update", "")], [])
        assert state_of(made, "state", "name", "amount") == ["X", "last", "0"]
        assert made.by("key", "a")["k1"]["state"] == "O"
        assert (writes(made.run()), writes(made.run())) == ([], [])

        place = made.place
        told = trace(place, "rec", f"b:{state_of(made, 'id')[0]}", "state")
        assert told["fields"][0]["value"] == "open"
        assert [(one["outcome"], one["source"], one["why"]) for one in told["history"] if one["connection"] == "b"][-1] == (
            "update", "on_leave", "what on_leave sets has changed it",
        )  # fmt: skip

        made.edit("b", state_of(made, "id")[0], state="O")  # somebody opens it again there
        made.run()
        assert (state_of(made, "state"), made.by("key", "a")["k1"]["state"]) == (["X"], "O")

        leave(made, 7)
        assert writes(made.run()) == [("b", "Rec", "update", "")]
        assert state_of(made, "state", "amount") == ["O", "7"]
        assert writes(made.run()) == []
        made.assert_whole()


def test_what_is_let_go_is_neither_read_nor_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with shop(tmp_path, monkeypatch, "unlink", owner="b") as made:
        leave(made)
        result = made.run()
        assert (writes(result), problems(result), held(made, result, "left")) == ([], [], 1)
        assert links(made) == [("on_leave", "left")]
        made.edit("b", state_of(made, "id")[0], name="theirs")
        made.edit("a", made.by("key", "a")["k1"]["id"], state="X")
        result = made.run()
        assert (writes(result), problems(result)) == ([], [])
        assert made.by("key", "a")["k1"]["name"] == "n1"
        assert state_of(made, "state", "amount", "name") == ["O", "5", "theirs"]
        assert writes(made.run()) == []
        made.assert_whole()


def test_what_was_let_go_comes_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with shop(tmp_path, monkeypatch, "unlink", owner="b") as made:
        leave(made)
        made.run()
        made.edit("b", state_of(made, "id")[0], name="theirs")
        made.run()
        leave(made, 9)
        result = made.run()
        assert (writes(result), problems(result)) == ([("a", "Rec", "update", ""), ("b", "Rec", "update", "")], [])
        assert state_of(made, "amount", "name") == ["9", "theirs"]
        assert made.by("key", "a")["k1"]["name"] == "theirs"  # b decides it, and is heard again
        assert links(made) == [("on_leave", "left"), ("returned", "live")]
        assert writes(made.run()) == []
        made.assert_whole()


def test_what_changed_as_it_came_back_is_linked_by_the_next_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with shop(tmp_path, monkeypatch, "unlink") as made:
        leave(made)
        made.run()
        made.edit("b", state_of(made, "id")[0], state="X")
        leave(made, 9)
        result = made.run()
        assert (writes(result), held(made, result, "returning")) == ([], 1)
        assert writes(made.run()) == [("b", "Rec", "update", "")]
        assert set(made.by("key", "b")) == {"k1", "k2"}
        assert state_of(made, "amount", "state") == ["9", "O"]
        assert writes(made.run()) == []
        made.assert_whole()


def test_what_was_let_go_and_deleted_is_made_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with shop(tmp_path, monkeypatch, "unlink") as made:
        leave(made)
        made.run()
        made.drop("b", state_of(made, "id")[0])
        made.run()
        leave(made, 9)
        assert writes(made.run()) == [("b", "Rec", "create", "")]
        assert set(made.by("key", "b")) == {"k1", "k2"}
        assert writes(made.run()) == []
        made.assert_whole()
