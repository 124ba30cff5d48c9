from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from runtime.ledger.bench import Bench, new_bench
from support import postgres


@pytest.fixture(scope="session")
def empty_ledger(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A fresh ledger to copy: making one runs the migrations."""
    path = tmp_path_factory.mktemp("empty") / "state" / "ledger.sqlite"
    new_bench(path).ledger.close()
    return path


@pytest.fixture(scope="session")
def empty_database(server: postgres.Server) -> str:
    name = server.database()
    new_bench(server.url(name)).ledger.close()
    return name


@pytest.fixture
def in_file(tmp_path: Path, empty_ledger: Path) -> Iterator[Bench]:
    """A ledger in a file, for what is about files."""
    (tmp_path / "state").mkdir()
    made = new_bench(Path(shutil.copy(empty_ledger, tmp_path / "state")))
    yield made
    made.ledger.close()


@pytest.fixture
def on_server(request: pytest.FixtureRequest) -> Iterator[Bench]:
    """A ledger on a database server, for what is about that."""
    server: postgres.Server = request.getfixturevalue("server")
    made = new_bench(server.url(server.database(request.getfixturevalue("empty_database"))))
    yield made
    made.ledger.close()


@pytest.fixture(params=["in_file", "on_server"])
def bench(request: pytest.FixtureRequest) -> Bench:
    """A ledger of either kind."""
    made: Bench = request.getfixturevalue(request.param)
    return made
