"""Every page of the catalogue: what fails gives its diagnostic, what is mended gives none.

The snapshot of each page shows the source first, then the result. The files lie over what ``syncline init`` makes.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from syrupy.assertion import SnapshotAssertion

import syncline_compiler
import syncline_runtime
from syncline_compiler.diagnostics import catalogue
from syncline_compiler.diagnostics.render import render_text
from syncline_compiler.pipeline import Compilation

LINTS = frozenset(code for code in catalogue.codes() if "SYN0932" <= code <= "SYN0935")
Check = Callable[[Mapping[str, str]], Compilation]

WITH_FILES = [code for code in catalogue.codes() if catalogue.page(code).files("Fails")]
WITHOUT_FILES = {"SYN0001", "SYN0011", "SYN0940", "SYN0941", "SYN0942", "SYN0943"}
"""Codes that a page cannot show as text: what fails is that a file is no text, or not there, or that it differs from what was."""


@pytest.mark.parametrize("code", WITH_FILES)
def test_page_fails(code: str, check: Check, lint: Check, snapshot: SnapshotAssertion) -> None:
    files = catalogue.page(code).files("Fails")
    compilation = (lint if code in LINTS else check)(files)
    assert {diagnostic.code for diagnostic in compilation.diagnostics} == {code}
    sources = "".join(f"──── {path}\n{text}" for path, text in files.items())
    assert f"{sources}════\n{render_text(compilation.diagnostics, compilation.sources)}" == snapshot


@pytest.mark.parametrize("code", WITH_FILES)
def test_page_mended(code: str, check: Check, lint: Check) -> None:
    page = catalogue.page(code)
    assert page.files("Mended"), "a page that shows what fails shows what works"
    compilation = (lint if code in LINTS else check)(page.files("Mended"))
    assert [(d.code, d.label) for d in compilation.diagnostics] == []


@pytest.mark.parametrize("code", catalogue.codes())
def test_page_is_whole(code: str) -> None:
    page = catalogue.page(code)
    assert re.fullmatch(r"[A-Z][^`]*[^.`]", page.summary), "a summary is a phrase and names no symbol"
    assert len(page.text.split()) > 20, "a page says what it means and why it matters"
    assert page.at_run_time or code in WITHOUT_FILES or page.files("Fails")


def test_template_has_no_mistakes(lint: Check) -> None:
    compilation = lint({})
    assert render_text(compilation.diagnostics, compilation.sources) == ""


def test_every_code_in_the_source_has_a_page() -> None:
    folders = [Path(package.__path__[0]) for package in (syncline_compiler, syncline_runtime)]
    sources = [path.read_text(encoding="utf-8") for folder in folders for path in folder.rglob("*.py")]
    used = {code for text in sources for code in re.findall(r'"(SYN\d{4})"', text)}
    assert used - set(catalogue.codes()) == set()
