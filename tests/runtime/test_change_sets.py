"""Approving what was planned: by the id that people are shown, and only just that; else it is said what has moved."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from support.world import FROM_A_TO_B, NAME_AND_KIND, World, system, world
from syncline_runtime.change_sets import KEPT
from syncline_runtime.commands import COMMANDS
from syncline_runtime.errors import ApprovalNeeded
from syncline_runtime.folders import PLANNED
from syncline_runtime.upkeep.erasure import erase

FIELDS = "name: {type: text, required: true}, kind: text"
FILES = {
    "a.yaml": system("a", Rec=FIELDS),
    "b.yaml": system("b", Rec=FIELDS),
    "rec.yaml": NAME_AND_KIND,
    "sync.yaml": FROM_A_TO_B + "guards: {change: 1}\n",
    "a.map": "mapping a.Rec <-> rec@1\n\nname <-> name\nkind <-> kind\n",
    "b.map": "mapping b.Rec <-> rec@1\n\nname <-> name\nkind <-> kind\n",
}


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    """Four records that both members hold, of which two have been edited: more than a guard allows."""
    with world(tmp_path, monkeypatch, FILES) as made:
        for name in ("ada", "bob", "cyd", "dee"):
            made.add("a", name=name, kind="old")
        made.run()
        for name in ("ada", "bob"):
            kind(made, name, "zanzibar")
        yield made


def kind(made: World, name: str, to: str) -> None:
    made.edit("a", made.by("name", "a")[name]["id"], kind=to)


def type_in(made: World, command: click.Command, *words: str) -> str:
    """Type a command; gives what it prints. What it refuses is raised."""
    done = CliRunner().invoke(command, [*words, *made.words], standalone_mode=False)
    if done.exception is not None:
        raise done.exception
    return done.output


def kinds(made: World) -> dict[str, str]:
    return {name: one["kind"] for name, one in made.by("name", "b").items()}


def test_the_id_that_is_shown_can_be_approved(shop: World) -> None:
    planned = type_in(shop, COMMANDS["plan"])
    found = re.search(r"change set (\w+); a run with --approve (\w+)", planned)
    assert found is not None
    assert found[1] == found[2]
    with pytest.raises(ApprovalNeeded) as caught:
        shop.run()
    assert f"`syncline run --approve {found[1]}`" in str(caught.value.mend)
    with pytest.raises(ApprovalNeeded):
        type_in(shop, COMMANDS["run"], "--approve", found[1][:4])
    type_in(shop, COMMANDS["run"], "--approve", found[1])
    assert kinds(shop) == {"ada": "zanzibar", "bob": "zanzibar", "cyd": "old", "dee": "old"}


def test_what_has_moved_is_said(shop: World) -> None:
    approved = shop.plan().changes.id
    ids = {name: one["id"] for name, one in shop.by("name", "b").items()}
    kind(shop, "ada", "otherwise")
    kind(shop, "bob", "old")
    kind(shop, "cyd", "new")
    before = len(shop.sandbox.log)
    with pytest.raises(ApprovalNeeded) as caught:
        shop.run(approve=approved)
    said = caught.value.message.splitlines()
    assert set(said[1:]) == {
        f"  rec: update b.Rec {ids['ada']}: otherwise in kind",
        f"  rec: update b.Rec {ids['bob']}: is not made any more",
        f"  rec: update b.Rec {ids['cyd']}: was not approved",
    }
    assert len(shop.sandbox.log) == before
    named = re.search(r"would now make (\w+)", said[0])
    assert named is not None
    shop.run(approve=named[1])
    assert kinds(shop) == {"ada": "otherwise", "bob": "old", "cyd": "new", "dee": "old"}


def test_what_was_never_planned_here_is_said_to_be_unknown(shop: World) -> None:
    with pytest.raises(ApprovalNeeded, match="is not kept here"):
        shop.run(approve="0123456789abcdef")


def test_the_way_back_names_the_command_that_was_stopped(shop: World) -> None:
    with pytest.raises(ApprovalNeeded) as caught:
        shop.run(whole=True, syncs=("rec",))
    assert "`syncline backfill rec --plan`" in str(caught.value.mend)
    assert "`syncline backfill rec --approve " in str(caught.value.mend)


def test_few_are_kept_without_values_and_none_after_an_erasure(shop: World) -> None:
    folder = shop.options.state / PLANNED
    for number in range(KEPT + 2):
        kind(shop, "ada", f"zanzibar {number}")
        shop.plan()
    files = list(folder.iterdir())
    assert len(files) == KEPT
    assert not [one for one in files if b"zanzibar" in one.read_bytes()]
    erase(shop.place, "rec", f"a:{shop.by('name', 'a')['ada']['id']}")
    assert not folder.exists()
