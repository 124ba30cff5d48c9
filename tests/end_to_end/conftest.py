"""Fixtures of the end-to-end tests."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from end_to_end.stage import QUICKSTART, Stage, type_in
from syncline_runtime.plan import load_release
from syncline_runtime.sandbox import serve


@pytest.fixture(scope="session")
def release(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The quickstart, compiled once."""
    folder = tmp_path_factory.mktemp("quickstart")
    done = type_in(folder, "compile", "--project", str(QUICKSTART), "--out", "release")
    assert done.code == 0, done.err
    return folder / "release"


@pytest.fixture
def stage(release: Path, tmp_path: Path) -> Iterator[Stage]:
    """The quickstart with fresh stand-ins and nothing run yet."""
    with serve(load_release(release).systems) as sandbox:
        yield Stage(tmp_path, release, sandbox)


@pytest.fixture
def settled(stage: Stage) -> Stage:
    """The quickstart after its first run."""
    done = stage.syncline("run")
    assert done.code == 1, done.err  # one record waits: it has no country
    return stage
