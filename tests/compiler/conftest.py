"""The project that ``syncline init`` makes, and files laid over it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from syncline_compiler.pipeline import Compilation, check_sources
from syncline_compiler.project import TEMPLATE
from syncline_compiler.source import SourceFile, read_sources

Files = Mapping[str, str]
LINTS = frozenset({"SYN0932", "SYN0933", "SYN0934", "SYN0935"})
"""What is said of things that are not there: beside the point where a test or a page shows a few files."""


@pytest.fixture(scope="session")
def template() -> dict[str, SourceFile]:
    """What a new project has, but for its scenario, which would speak of whatever a test changes."""
    files = [file for file in read_sources(TEMPLATE) if isinstance(file, SourceFile)]
    return {file.path: file for file in files if not file.path.startswith("scenarios/")}


@pytest.fixture
def check(template: dict[str, SourceFile]) -> Callable[[Files], Compilation]:
    """Check the template with files laid over it, without lints; an empty text takes a file away."""

    def check_over(files: Files) -> Compilation:
        compilation = checked(template, files)
        return replace(compilation, diagnostics=compilation.diagnostics.only(lambda one: one.code not in LINTS))

    return check_over


@pytest.fixture
def lint(template: dict[str, SourceFile]) -> Callable[[Files], Compilation]:
    """Check the template with files laid over it, with lints."""
    return lambda files: checked(template, files)


def checked(template: Mapping[str, SourceFile], files: Files) -> Compilation:
    over = {path: SourceFile(path, text) for path, text in files.items()}
    return check_sources([file for file in {**template, **over}.values() if file.text])


@pytest.fixture
def project(template: dict[str, SourceFile], tmp_path: Path) -> Path:
    """The template as a folder."""
    root = tmp_path / "shop"
    for path, file in template.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(file.text, encoding="utf-8")
    return root
