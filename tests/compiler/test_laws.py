"""What holds for every project: the order of files and their places do not matter, and nothing ends in a traceback."""

from __future__ import annotations

import random
from dataclasses import fields, is_dataclass, replace
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from syncline_compiler.diagnostics.render import render_github, render_json, render_text
from syncline_compiler.pipeline import check_sources
from syncline_compiler.project import TEMPLATE
from syncline_compiler.source import PROJECT_FILE, SourceFile, Span, read_sources

SLOW = settings(max_examples=25, deadline=None)
HERE = Span("", 1, 1, 1, 1)
TEMPLATE_FILES = {file.path: file for file in read_sources(TEMPLATE) if isinstance(file, SourceFile)}


def without_places(value: Any) -> Any:
    """The value with every span the same."""
    if isinstance(value, Span):
        return HERE
    if isinstance(value, dict):
        return {key: without_places(item) for key, item in value.items()}
    if isinstance(value, tuple):
        return tuple(without_places(item) for item in value)
    if is_dataclass(value) and not isinstance(value, type):
        return replace(value, **{field.name: without_places(getattr(value, field.name)) for field in fields(value)})
    return value


@SLOW
@given(st.randoms(use_true_random=False))
def test_order_of_files_does_not_matter(order: random.Random) -> None:
    files = list(TEMPLATE_FILES.values())
    expected = check_sources(files)
    order.shuffle(files)
    found = check_sources(files)
    assert found.project == expected.project
    assert found.project is not None


@SLOW
@given(st.randoms(use_true_random=False))
def test_order_of_diagnostics_does_not_depend_on_order_of_files(order: random.Random) -> None:
    files = [replace(file, text=file.text.replace("crm", "crn", 2)) for file in TEMPLATE_FILES.values()]
    expected = check_sources(files)
    order.shuffle(files)
    assert render_json(check_sources(files).diagnostics) == render_json(expected.diagnostics)


@SLOW
@given(st.randoms(use_true_random=False))
def test_names_of_files_do_not_matter(names: random.Random) -> None:
    moved = [
        file if file.path == PROJECT_FILE else replace(file, path=f"{names.randrange(10**9)}/{file.path}")
        for file in TEMPLATE_FILES.values()
    ]
    found, expected = check_sources(moved), check_sources(TEMPLATE_FILES.values())
    assert without_places(found.project) == without_places(expected.project)


@SLOW
@given(st.data())
def test_a_damaged_file_never_ends_in_a_traceback(data: st.DataObject) -> None:
    damaged = data.draw(st.sampled_from(sorted(TEMPLATE_FILES)))
    text = TEMPLATE_FILES[damaged].text
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, min(len(text), start + 40)))
    put_in = data.draw(st.text(alphabet=' \n:-[]{}"a1?*<>|#(.~', max_size=8))
    files = {**TEMPLATE_FILES, damaged: SourceFile(damaged, text[:start] + put_in + text[end:])}
    compilation = check_sources(files.values())
    for render in (render_json, render_github):
        render(compilation.diagnostics)
    render_text(compilation.diagnostics, compilation.sources, colour=True)
    assert (compilation.project is None) == compilation.diagnostics.failed
