"""What a person decides of a record that was deleted in one system: the others keep it, it is made again, or all follow."""

from __future__ import annotations

from pathlib import Path

import pytest

from properties.test_comings_and_goings import files
from runtime.test_deletions import drop, shop
from support.world import World, problems, world, writes
from syncline_runtime.cli_exceptions import exceptions as exceptions_command
from syncline_runtime.errors import UsageError
from syncline_runtime.exception_actions import Act
from syncline_runtime.exception_deletion import Fate, settle
from syncline_runtime.upkeep.session import opened_ledger


def decide(made: World, fate: Fate) -> dict[str, object]:
    """Decide the one exception about a deletion that stands."""
    with opened_ledger(made.place) as ledger:
        (one,) = [one for one in ledger.exceptions.find() if one.code == "SYN5010"]
    return settle(made.place, Act((one.id,), "ann", "asked the customer"), fate)


def keys(made: World) -> list[set[str]]:
    return [set(made.by("key", of)) for of in "abc"]


def at_rest(made: World) -> None:
    for _ in range(2):
        result = made.run()
        assert (writes(result), problems(result)) == ([], [])
    with opened_ledger(made.place) as ledger:
        assert ledger.exceptions.find() == []
        assert ledger.decisions.standing() == []
    made.assert_whole()


def test_the_others_keep_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with shop(tmp_path, monkeypatch, "review") as made:
        drop(made, "b", "k0")
        assert problems(made.run()) == [("SYN5010", "b", "")]
        assert decide(made, "keep")["deleted_in"] == ["b"]
        at_rest(made)
        assert keys(made) == [{"k0", "k1"}, {"k1"}, {"k0", "k1"}]
        made.edit("a", made.by("key", "a")["k0"]["id"], name="later")
        assert writes(made.run()) == [("c", "Rec", "update", "")]
        at_rest(made)


def test_it_is_made_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with shop(tmp_path, monkeypatch, "review") as made:
        drop(made, "b", "k0")
        made.run()
        decide(made, "recreate")
        assert writes(made.run()) == [("b", "Rec", "create", "")]
        at_rest(made)
        assert keys(made) == [{"k0", "k1"}] * 3


def test_who_need_not_hold_it_is_given_no_new_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with shop(tmp_path, monkeypatch, "review") as made:
        drop(made, "a", "k0")
        made.run()
        with pytest.raises(UsageError, match="a need not hold the record"):
            decide(made, "recreate")
        decide(made, "keep")
        at_rest(made)
        assert keys(made) == [{"k1"}, {"k0", "k1"}, {"k0", "k1"}]


def test_all_follow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with shop(tmp_path, monkeypatch, "review") as made:
        drop(made, "a", "k0")
        made.run()
        made.edit("b", made.by("key", "b")["k0"]["id"], name="edited since")
        decide(made, "delete")
        assert writes(made.plan()) == [("b", "Rec", "delete", ""), ("c", "Rec", "delete", "")]
        assert writes(made.run()) == [("b", "Rec", "delete", ""), ("c", "Rec", "delete", "")]
        at_rest(made)
        assert keys(made) == [{"k1"}] * 3


@pytest.mark.parametrize(("fate", "left"), [("delete", [{"k1"}] * 3), ("keep", [{"k1"}, {"k0", "k1"}, {"k0", "k1"}])])
def test_one_that_was_edited_since(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fate: Fate, left: list[set[str]]
) -> None:
    with shop(tmp_path, monkeypatch, "delete") as made:
        drop(made, "a", "k0")
        made.edit("b", made.by("key", "b")["k0"]["id"], name="edited after")
        assert problems(made.run()) == [("SYN5010", "b", "")]
        decide(made, fate)
        made.run()
        made.run()
        at_rest(made)
        assert keys(made) == left


def test_who_would_let_it_go_follows_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with world(tmp_path, monkeypatch, files("unlink")) as made:
        one = made.add("a", key="k0", size=1)
        made.add("a", key="k1", size=1)
        made.run()
        drop(made, "c", "k0")
        made.run()
        decide(made, "delete")
        made.edit("a", one, size=0)  # b need not hold it any more
        assert writes(made.run()) == [("a", "Rec", "delete", ""), ("b", "Rec", "delete", "")]
        assert keys(made) == [{"k1"}] * 3
        at_rest(made)


def test_as_it_is_typed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from click.testing import CliRunner

    with shop(tmp_path, monkeypatch, "review") as made:
        drop(made, "b", "k0")
        made.run()
        asked = CliRunner().invoke(exceptions_command, ["deleted", "1", *made.words])
        assert isinstance(asked.exception, UsageError)
        done = CliRunner().invoke(exceptions_command, ["deleted", "1", "--recreate", *made.words])
        assert "decided (recreate); the next run does it" in done.output
        assert writes(made.run()) == [("b", "Rec", "create", "")]
