"""The scenarios of the examples, played as a user would play them."""

from __future__ import annotations

from pathlib import Path

import pytest

from syncline_compiler.scenarios import run_scenarios

EXAMPLES = Path(__file__).parents[2] / "examples"


@pytest.mark.parametrize("name", ["quickstart", pytest.param("quote-to-cash", marks=pytest.mark.slow)])
def test_the_scenarios_of_an_example_pass(name: str) -> None:
    report = run_scenarios(EXAMPLES / name)
    assert report.results
    assert [(one.name, one.failures) for one in report.failed] == []
