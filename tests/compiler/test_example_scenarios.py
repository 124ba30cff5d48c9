"""The scenarios of the examples, played as a user would play them; SYNCLINE_LONG=1 plays those of the large one too."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from syncline_compiler.scenarios import run_scenarios

EXAMPLES = Path(__file__).parents[2] / "examples"
LONG = pytest.mark.skipif("SYNCLINE_LONG" not in os.environ, reason="takes a minute: set SYNCLINE_LONG=1")


@pytest.mark.parametrize("name", ["quickstart", pytest.param("quote-to-cash", marks=LONG)])
def test_the_scenarios_of_an_example_pass(name: str) -> None:
    report = run_scenarios(EXAMPLES / name)
    assert report.results
    assert [(one.name, one.failures) for one in report.failed] == []
