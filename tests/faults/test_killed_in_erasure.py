"""An erasure is killed at each of its steps: either nothing happened yet, or whatever comes next makes it whole."""

from __future__ import annotations

import shutil
import signal
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from faults.dies import done_to
from runtime.test_erasure import FILES, SECRETS, found_in, grace, tombstones
from support.world import World, world, writes

MODULE = "syncline_runtime.upkeep.erasure"
BEFORE = [
    "syncline_runtime.segments:SegmentStore.publish:1",
    "syncline_runtime.segments:SegmentStore.publish:3",
    "syncline_runtime.ledger.erasures:Erasures.erase:1",
    "syncline_runtime.ledger.erasures:_exceptions:1",
    "syncline_runtime.ledger.erasures:_elsewhere:1",
]
AFTER = [
    "syncline_runtime.ledger.leases:Leases.release:1",
    "syncline_runtime.upkeep.strays:sweep:1",
    "pathlib:Path.unlink:2",
    "syncline_runtime.upkeep.strays:rebuild:1",
    "syncline_runtime.fold:fold:1",
    "syncline_runtime.ledger.erasures:Erasures.finish:1",
    "syncline_runtime.ledger.database:Database.vacuum:1",
]


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with pytest.MonkeyPatch.context() as patch, world(tmp_path_factory.mktemp("ran"), patch, FILES) as made:
        made.add("a", email="ada@example.org", name="Ada", phone="1")
        made.add("a", email=SECRETS[0], name=SECRETS[1], phone=SECRETS[3])
        made.run()
        made.edit("a", grace(made, "a"), name=SECRETS[2])
        made.run()
        yield made


@pytest.mark.slow
@pytest.mark.parametrize("moment", [*BEFORE, *AFTER])
def test_a_kill_is_made_good(ran: World, tmp_path: Path, moment: str) -> None:
    shop = World(ran.sandbox, ran.release, ran.folder, ran.clock)
    shop.options = replace(ran.options, state=tmp_path / "state")
    shutil.copytree(ran.options.state, shop.options.state)
    assert done_to(shop.place, moment, MODULE, "erase", "person", "a:" + grace(ran, "a")) == -signal.SIGKILL
    if moment in BEFORE:
        assert not writes(shop.plan())
        shop.assert_whole()
        assert done_to(shop.place, "-", MODULE, "erase", "person", "a:" + grace(ran, "a")) == 0
    result = shop.run()
    assert (writes(result), tombstones(result)) == ([], [1, 1])
    assert found_in(shop.options.state, *SECRETS) == set()
    shop.assert_whole()
