from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from runtime.ledger.bench import Bench, new_bench


@pytest.fixture(scope="session")
def empty_ledger(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A fresh ledger to copy: making one runs the migrations."""
    made = new_bench(tmp_path_factory.mktemp("empty"))
    made.ledger.close()
    return made.path


@pytest.fixture
def bench(tmp_path: Path, empty_ledger: Path) -> Iterator[Bench]:
    (tmp_path / "state").mkdir()
    shutil.copy(empty_ledger, tmp_path / "state")
    made = new_bench(tmp_path)
    yield made
    made.ledger.close()
