"""Random worlds under faults: nothing that must hold is ever violated, and a seed gives the same story each time.

``SYNCLINE_SEEDS=5000`` plays more of them; ``PYTHONPATH=tests python -m faults.kit`` tells what came of it.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from faults.kit.faults import FAULTS, LISTED
from faults.kit.specs import Pipeline, releases
from faults.kit.story import tell
from faults.kit.table import told
from faults.kit.worlds import chosen, worlds
from syncline_runtime.plan import Release

Made = list[tuple[Pipeline, Release]]
SEEDS = int(os.environ.get("SYNCLINE_SEEDS", "300"))


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    return releases(tmp_path_factory.mktemp("kit"))


@pytest.mark.slow
@pytest.mark.parametrize("seeds", list(worlds(1, SEEDS)), ids=lambda seeds: f"{seeds[0]}-{seeds[-1]}")
def test_what_must_hold_holds(made: Made, seeds: tuple[int, ...], tmp_path: Path) -> None:
    story = tell(chosen(made, seeds), tmp_path / "world", seeds)
    assert not story.violations, "\n".join(told(story))


def test_what_must_be_survived_is_played() -> None:
    names, tests = {fault.name for fault in FAULTS}, Path(__file__).parents[1]
    assert {name for one in LISTED for name in one.played} == names
    assert [path for one in LISTED for path in one.tests if not (tests / path).exists()] == []


def test_a_seed_gives_the_same_story_again(made: Made, tmp_path: Path) -> None:
    first, second = (tell(made[0], tmp_path / name, (1, 2, 3)).tale for name in ("first", "second"))
    assert first == second
