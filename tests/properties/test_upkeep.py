"""Laws of upkeep: compacting and making the state again, at any point of any history, changes neither it nor what comes next."""

from __future__ import annotations

import shutil
import tempfile
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from runtime.test_compaction import FILES, contents
from support.world import World, world, writes
from syncline_runtime.upkeep.compaction import compact_state
from syncline_runtime.upkeep.integrity import rebuild_state

EVER = 100 * 365 * 86_400_000_000
keys = st.sampled_from(["k0", "k1", "k2"])
steps = st.one_of(
    st.tuples(st.just("edit"), st.sampled_from("ab"), keys, st.sampled_from(["x", "y", "bad"])),
    st.tuples(st.just("drop"), st.just("a"), keys, st.just("")),
    st.tuples(st.just("run"), st.just(""), st.just(""), st.just("")),
    st.tuples(st.sampled_from(["compact", "rebuild", "forget", "older"]), st.just(""), st.just(""), st.just("")),
)


@settings(
    max_examples=3, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture]
)
@given(history=st.lists(steps, min_size=4, max_size=9))
def test_upkeep_changes_neither_the_state_nor_the_next_plan(
    history: list[tuple[str, str, str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    with tempfile.TemporaryDirectory() as folder, world(Path(folder), monkeypatch, FILES) as shop:
        for key in ("k0", "k1", "k2"):
            shop.add("a", key=key, name="first", size="1")
        shop.run()
        older = (shop.options.state / "state.duckdb").read_bytes()
        for what, of, key, name in history:
            if what in ("edit", "drop"):
                change(shop, what, of, key, name)
            elif what == "run":
                shop.run()
            else:
                known, planned = contents(shop), shop.plan().changes.id
                keep_up(shop, what, older)
                assert contents(shop) == known
                assert shop.plan().changes.id == planned
        beside = World(shop.sandbox, shop.release, shop.folder, shop.clock)
        beside.options = replace(shop.options, state=shop.folder / "beside")
        shutil.copytree(shop.options.state, beside.options.state)
        compact_state(beside.place, EVER)
        assert contents(beside) == contents(shop)
        assert writes(beside.plan()) == writes(shop.plan())
        shop.assert_whole()
        beside.assert_whole()


def change(shop: World, what: str, of: str, key: str, name: str) -> None:
    """Change a record by hand, if it is there."""
    there = shop.by("key", of)
    if key in there:
        shop.edit(of, there[key]["id"], name=name) if what == "edit" else shop.drop(of, there[key]["id"])


def keep_up(shop: World, what: str, older: bytes) -> None:
    path = shop.options.state / "state.duckdb"
    if what == "compact":
        compact_state(shop.place, EVER)
    elif what == "rebuild":
        rebuild_state(shop.place)
    elif what == "forget":
        path.unlink()
    else:  # an older one was put back
        path.write_bytes(older)
