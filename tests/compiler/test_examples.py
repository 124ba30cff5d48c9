"""Every example compiles, without a warning, and its mappings are in the one format."""

from __future__ import annotations

from pathlib import Path

import pytest

from syncline_compiler.passes.format_mapping import format_mapping
from syncline_compiler.pipeline import compile_project

EXAMPLES = Path(__file__).parents[2] / "examples"
PROJECTS = sorted(path.parent for path in EXAMPLES.glob("*/syncline.yaml"))


@pytest.mark.parametrize("project", PROJECTS, ids=lambda path: path.name)
def test_an_example_compiles_without_a_word(project: Path) -> None:
    compilation = compile_project(project)
    assert [str(one) for one in compilation.diagnostics] == []
    assert compilation.files is not None


@pytest.mark.parametrize("mapping", sorted(EXAMPLES.glob("*/mappings/*.map")), ids=lambda path: path.name)
def test_its_mappings_are_in_the_one_format(mapping: Path) -> None:
    written = mapping.read_text(encoding="utf-8")
    assert format_mapping(written) == written
