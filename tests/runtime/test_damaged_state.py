"""State that is missing, damaged, of another time or of somebody else: refused with what to do, and nothing is sent."""

from __future__ import annotations

import os
import random
import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from runtime.test_compaction import FILES, contents
from support.world import World, world, writes
from syncline_runtime import fold
from syncline_runtime.binding import Binding
from syncline_runtime.errors import StateError, SynclineError
from syncline_runtime.run import run_release
from syncline_runtime.upkeep.compaction import compact_state
from syncline_runtime.upkeep.integrity import rebuild_state, verify_state
from syncline_runtime.upkeep.session import opened_state

Damage = Callable[[Path], None]
pytestmark = pytest.mark.in_files


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with pytest.MonkeyPatch.context() as patch, world(tmp_path_factory.mktemp("ran"), patch, FILES) as made:
        for number in range(30):
            made.add("a", key=f"k{number}", name=f"n{number}", size="1")
        made.run()
        made.edit("a", made.by("key", "a")["k0"]["id"], name="edited once")
        made.run()
        made.edit("a", made.by("key", "a")["k0"]["id"], name="edited twice")
        yield made


@pytest.fixture
def shop(ran: World, tmp_path: Path) -> World:
    """A copy of the state, to be damaged; the systems hold an edit that no run has seen."""
    copy = World(ran.sandbox, ran.release, ran.folder, ran.clock)
    copy.options = replace(ran.options, state=tmp_path / "state")
    shutil.copytree(ran.options.state, copy.options.state, copy_function=shutil.copy2)
    return copy


def refused(shop: World, doing: Callable[[], object] | None = None) -> SynclineError:
    """Run and be refused; nothing was sent, and the state is left as it was."""
    before = len(shop.sandbox.log)
    with pytest.raises(SynclineError) as caught:
        (doing or shop.run)()
    error = caught.value
    assert len(shop.sandbox.log) == before
    assert error.exit_code == 5
    assert error.error_code.startswith("SYN60")
    assert error.place, "the place is named"
    assert error.mend, "what to do is said"
    assert error.category
    return error


def cut(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 2)


def flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 8
    path.write_bytes(content)


def empty(path: Path) -> None:
    path.write_bytes(b"")


def segment(shop: World, kind: str) -> Path:
    return sorted((shop.options.state / "segments" / kind).rglob("*.parquet"))[0]


def test_an_undamaged_state_goes_on(shop: World) -> None:
    assert writes(shop.plan()) == [("b", "Rec", "update", "")]


@pytest.mark.parametrize("kind", ["base", "canonical", "links", "landed", "outcomes"])
@pytest.mark.parametrize(
    ("damage", "code"), [(Path.unlink, "SYN6010"), (cut, "SYN6011"), (flip, "SYN6011"), (empty, "SYN6011")]
)
def test_a_damaged_segment_stops_the_run(shop: World, kind: str, damage: Damage, code: str) -> None:
    victim = segment(shop, kind)
    damage(victim)
    error = refused(shop)
    assert error.error_code == code
    assert victim.name in error.place
    assert "backup" in error.mend


def test_a_damaged_segment_is_not_rebuilt_from(shop: World) -> None:
    flip(segment(shop, "base"))
    assert refused(shop, lambda: rebuild_state(shop.place)).error_code == "SYN6011"
    assert refused(shop, lambda: verify_state(shop.place)).error_code == "SYN6011"
    assert refused(shop, lambda: compact_state(shop.place, 1)).error_code == "SYN6011"


def test_a_missing_state_is_folded_again_and_never_read_as_empty(shop: World) -> None:
    before = contents(shop)
    (shop.options.state / "state.duckdb").unlink()
    assert writes(shop.plan()) == [("b", "Rec", "update", "")]
    assert contents(shop) == before


@pytest.mark.parametrize("share", [0, 0.001, 0.3, 0.7])
def test_a_state_cut_short_is_refused_and_rebuilt(shop: World, share: float) -> None:
    path = shop.options.state / "state.duckdb"
    os.truncate(path, int(path.stat().st_size * share))
    assert refused(shop).error_code == "SYN6013"
    rebuild_state(shop.place)
    assert writes(shop.plan()) == [("b", "Rec", "update", "")]


def test_bits_that_flip_in_the_state_are_noticed_or_do_not_count(shop: World) -> None:
    """A flip is refused, or it fell where nothing stands: then the run decides as it would have."""
    path = shop.options.state / "state.duckdb"
    whole, chance = path.read_bytes(), random.Random(7)
    codes: set[str] = set()
    for _ in range(25):
        damaged = bytearray(whole)
        damaged[chance.randrange(len(whole))] ^= 1 << chance.randrange(8)
        path.write_bytes(damaged)
        try:
            assert writes(shop.plan()) == [("b", "Rec", "update", "")]
        except StateError as error:
            codes.add(error.error_code)
    assert codes == {"SYN6013"}


@pytest.mark.parametrize(("damage", "code"), [(Path.unlink, "SYN6008"), (cut, "SYN6002"), (empty, "SYN6002")])
def test_a_damaged_ledger_stops_the_run(shop: World, damage: Damage, code: str) -> None:
    path = shop.options.state / "ledger.sqlite"
    damage(path)
    error = refused(shop)
    assert error.error_code == code
    assert "backup" in error.mend


def test_a_ledger_of_yesterday_is_refused_with_the_state_and_without(ran: World, shop: World) -> None:
    ledger = shop.options.state / "ledger.sqlite"
    yesterday = ledger.read_bytes()
    shop.run()
    shop.edit("a", shop.by("key", "a")["k1"]["id"], name="seen by the lost run")
    shop.run()
    ledger.write_bytes(yesterday)
    assert refused(shop).error_code == "SYN6012"
    (shop.options.state / "state.duckdb").unlink()
    error = refused(shop)
    assert error.error_code == "SYN6012"
    assert "backup" in error.mend
    assert refused(shop, lambda: rebuild_state(shop.place)).error_code == "SYN6012"
    ran.edit("a", ran.by("key", "a")["k0"]["id"], name="edited again")


def test_a_state_of_yesterday_is_caught_up(ran: World, shop: World) -> None:
    old = (shop.options.state / "state.duckdb").read_bytes()
    shop.run()
    now = contents(shop)
    (shop.options.state / "state.duckdb").write_bytes(old)
    assert contents(shop) == now
    ran.edit("a", ran.by("key", "a")["k0"]["id"], name="edited once more")


def test_the_state_of_another_ledger_is_refused(shop: World, tmp_path: Path) -> None:
    other = World(shop.sandbox, shop.release, shop.folder, shop.clock)
    other.options = replace(shop.options, state=tmp_path / "other")
    other.plan()
    shutil.copy(other.options.state / "state.duckdb", shop.options.state / "state.duckdb")
    assert refused(shop).error_code == "SYN6006"
    rebuild_state(shop.place)
    assert writes(shop.plan()) == [("b", "Rec", "update", "")]


def test_the_ledger_of_another_environment_is_refused(shop: World) -> None:
    binding: Binding = replace(shop.place.binding, environment="production")
    error = refused(shop, lambda: run_release(shop.release, binding, shop.options))
    assert error.error_code == "SYN6006"
    assert "production" in error.message
    assert refused(shop, lambda: verify_state(replace(shop.place, binding=binding))).error_code == "SYN6006"


def test_a_state_that_lost_its_tables_is_made_again(shop: World) -> None:
    with opened_state(shop.place) as (_, state):
        before = fold.contents(state, shop.release)
        state.execute("DELETE FROM folded")
    assert contents(shop) == before
