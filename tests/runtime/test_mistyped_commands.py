"""What an operator mistypes, or asks for too early: nothing is made on the way, and the answer says what is there."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner

from runtime.test_contained_failures import FILES
from support.world import World, world
from syncline_runtime.cli_recovery import replay, rollback
from syncline_runtime.cli_state import rebaseline
from syncline_runtime.commands import deliver, preflight, run, status, trace
from syncline_runtime.errors import ReleaseError, StateError, UsageError

FILTERED = FILES | {"a.map": FILES["a.map"].replace("reject when", 'take when name != "N2"\n\nreject when')}


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    with world(tmp_path, monkeypatch, FILTERED) as made:
        yield made


def type_in(command: click.Command, *words: str) -> str:
    """Run a command and give what it prints. What it refuses is raised."""
    done = CliRunner().invoke(command, words, standalone_mode=False)
    if done.exception is not None:
        raise done.exception
    return done.output


@pytest.mark.parametrize(
    ("command", "words"),
    [
        (rollback, ["01KAN2"]), (replay, ["--from", "2026-11-01"]), (deliver, []), (rebaseline, ["rec"]), (status, []),
    ],
)  # fmt: skip
def test_a_mistyped_state_folder_is_not_taken_for_a_new_one(
    shop: World, tmp_path: Path, command: click.Command, words: list[str]
) -> None:
    nowhere = tmp_path / "nowhere"
    with pytest.raises(StateError, match="nothing has run yet"):
        type_in(command, *words, "--release", str(shop.release.folder), "--env", "t", "--state", str(nowhere))
    assert not nowhere.exists()


def test_a_ledger_that_is_no_address_is_not_made(shop: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(click.BadParameter, match="'ledgr' is no database URL"):
        type_in(run, *shop.words, "--ledger", "ledgr")
    assert not (tmp_path / "ledgr").exists()


def test_a_ledger_by_reference_is_named_and_not_shown(
    shop: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who sees the processes of a machine sees their words, and the address holds a password."""
    monkeypatch.setenv("LEDGER_URL", f"sqlite:///{tmp_path / 'other.db'}")
    assert "run" in type_in(run, *shop.words, "--ledger", "env:LEDGER_URL", "--format", "json")
    assert (tmp_path / "other.db").exists()
    monkeypatch.setenv("LEDGER_URL", "canary-4711")
    with pytest.raises(click.BadParameter, match="what stands at 'env:LEDGER_URL' is no database URL") as refused:
        type_in(run, *shop.words, "--ledger", "env:LEDGER_URL")
    assert "canary" not in str(refused.value)
    with pytest.raises(ReleaseError, match="environment variable NOWHERE is not set"):
        type_in(run, *shop.words, "--ledger", "env:NOWHERE")


def test_what_could_not_be_read_is_not_said_to_agree(shop: World, monkeypatch: pytest.MonkeyPatch) -> None:
    shop.run()
    assert "every member agrees" in type_in(run, *shop.words)
    monkeypatch.setenv("SYNCLINE_SANDBOX_URL", "http://127.0.0.1:9")
    told = type_in(run, *shop.words)
    assert "nothing to write: 4 resources were not read" in told
    assert "agrees" not in told
    assert "help: start `syncline sandbox` with this release in another terminal" in told
    assert "help: start `syncline sandbox`" in type_in(preflight, *shop.words)


def refused(shop: World, id_: str) -> tuple[str, str]:
    with pytest.raises(UsageError) as caught:
        type_in(trace, "rec", id_, *shop.words)
    return caught.value.message, caught.value.mend


def test_a_record_that_waits_is_traced_to_its_exception(shop: World) -> None:
    waits: Any = shop.add("a", name="N1", mail="n1@example.com", phone="none")
    passed: Any = shop.add("a", name="N2", mail="n2@example.com")
    shop.run()
    for named in (waits, f"a:{waits}"):
        message, mend = refused(shop, named)
        assert message.startswith(
            f"a.Rec {waits} has been read and waits: the mapping rejects the record: a customer"
        ), message
        assert mend == "`syncline exceptions show 1` tells what to do"
    assert refused(shop, f"a:{passed}") == (
        f"a.Rec {passed} has been read: the mapping does not take it",
        "look at `take when` in the mapping of a.Rec",
    )
    assert refused(shop, "a:4711")[0] == "no rec is known by the id 'a:4711'"
