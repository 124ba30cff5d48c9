from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from runtime.ledger.bench import Bench, new_bench


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    made = new_bench(tmp_path)
    yield made
    made.ledger.close()
