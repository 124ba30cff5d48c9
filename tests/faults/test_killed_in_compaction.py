"""Compaction is killed at each of its steps: the register is whole, the fold the same, and the next one ends the work."""

from __future__ import annotations

import signal
from collections.abc import Iterator

import pytest

from faults.dies import done_to
from runtime.test_compaction import FILES, contents, files, grow, segments
from support.world import World, world, writes

MODULE = "syncline_runtime.upkeep.compaction"
MOMENTS = [
    "syncline_runtime.segments:SegmentStore.publish:1",
    "syncline_runtime.segments:SegmentStore.publish:3",
    "syncline_runtime.ledger.register:Register.replace:1",
    "syncline_runtime.ledger.register:Register.replace:3",
    f"{MODULE}:sweep:1",
    "pathlib:Path.unlink:2",
    "syncline_runtime.ledger.leases:Leases.release:1",
]


@pytest.fixture(scope="module")
def grown(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with pytest.MonkeyPatch.context() as patch, world(tmp_path_factory.mktemp("grown"), patch, FILES) as made:
        grow(made, 3)
        yield made


@pytest.mark.slow
def test_a_kill_at_any_step_loses_nothing(grown: World) -> None:
    before = contents(grown)
    for number, moment in enumerate(MOMENTS, 3):
        killed = done_to(grown.place, moment, MODULE, "compact_state", "31536000000000000")
        assert killed == -signal.SIGKILL, moment
        assert contents(grown) == before
        grown.assert_whole()
        grow(grown, 1, start=number)  # the next run goes on from it
        before = contents(grown)
    assert done_to(grown.place, "-", MODULE, "compact_state", "31536000000000000") == 0
    assert contents(grown) == before
    assert files(grown) == len(segments(grown)) == len(set(segments(grown)))
    (grown.options.state / "state.duckdb").unlink()
    assert contents(grown) == before
    assert not writes(grown.plan())
