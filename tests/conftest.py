"""What holds for all tests."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from support import postgres
from syncline_compiler import cache

os.environ[cache.FOLDER] = ""  # each test finds anew what it is about


@pytest.fixture(scope="session")
def server() -> Iterator[postgres.Server]:
    """A database server for ledgers."""
    with postgres.running() as started:
        yield started


@pytest.fixture(autouse=True)
def _ledgers_of_worlds(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """With SYNCLINE_TEST_LEDGER=postgresql the worlds of tests keep their ledgers on a server."""
    if os.environ.get("SYNCLINE_TEST_LEDGER") == "postgresql" and not request.node.get_closest_marker("in_files"):
        monkeypatch.setattr(postgres, "chosen", request.getfixturevalue("server"))
