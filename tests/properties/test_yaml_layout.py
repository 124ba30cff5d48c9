"""The one layout of YAML: whatever is laid out says what it said, with every comment; laid out twice is laid out once."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from syncline_compiler.diagnostics import catalogue
from syncline_compiler.diagnostics.diagnostic import Collector
from syncline_compiler.formatting.layout import laid_out
from syncline_compiler.formatting.tree import read_tree
from syncline_compiler.passes.format_yaml import format_yaml
from syncline_compiler.source import SourceFile
from syncline_compiler.yaml_reader import read_yaml

REPOSITORY = Path(__file__).parents[2]
FILES = [REPOSITORY / path for path in subprocess.run(
    ["git", "ls-files", "*.yaml", "*.yml", ":!templates"], cwd=REPOSITORY, capture_output=True, text=True, check=True
).stdout.split()]  # fmt: skip


def said(text: str) -> tuple[str, tuple[str, ...]] | None:
    """Values in their order, and comments; None if the text is no document."""
    document = read_yaml(SourceFile("a.yaml", text), Collector())
    return (repr(document.value), read_tree(text).comments) if document is not None else None


def keeps_what_is_said(text: str) -> None:
    formatted = laid_out(read_tree(text))
    assert said(formatted) == said(text)
    assert laid_out(read_tree(formatted)) == formatted


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(REPOSITORY)))
def test_every_file_of_the_repository(path: Path) -> None:
    keeps_what_is_said(path.read_text(encoding="utf-8"))


@pytest.mark.parametrize("code", catalogue.codes())
def test_every_spec_of_the_catalogue(code: str) -> None:
    page = catalogue.page(code)
    for path, text in [*page.files("Fails").items(), *page.files("Mended").items()]:
        if path.endswith(".yaml") and said(text) is not None:
            keeps_what_is_said(text)


SPACES = st.sampled_from(["", " ", "   "])
COMMENTS = st.one_of(st.just(""), st.text("ab#: -'\"", max_size=5).map(lambda text: f" # {text}"))
LINES = st.lists(st.sampled_from(["", "# c", "   # d", "      # e", "        #f"]), max_size=2)
PLAIN = st.sampled_from(
    ["a", "a b", "b-c", "x:y", "1", "1.50", "no", "~", "true", "", "é", "a#b", "-1", "2026-01-01", "a  b"]
)
TEXTS = st.text("ab 1:#-?,[]{}&*!|>'\"%@`\\\té\u200b", max_size=12)


def quoted(text: str) -> st.SearchStrategy[str]:
    single = "'" + text.replace("'", "''") + "'"
    double = '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("\t", "\\t") + '"'
    return st.sampled_from([single, double] if "\t" not in text else [double])


SCALARS = st.one_of(PLAIN, TEXTS.flatmap(quoted))
KEYS = st.one_of(st.sampled_from(["a", "b", "long name", "no", "1"]), st.text("ab: #,'\"", max_size=5).flatmap(quoted))
TAILS = st.sampled_from(["", " ", "\n ", " # c\n ", "\n\n # d\n"])


@st.composite
def flows(draw: st.DrawFn, depth: int = 2) -> str:
    """A list or mapping in flow style, with line ends and comments where they may stand."""
    parts = []
    mapping = draw(st.booleans())
    for number in range(draw(st.integers(0, 4))):
        inner = draw(flows(depth=depth - 1)) if depth and draw(st.integers(0, 3)) == 0 else draw(SCALARS.filter(bool))
        inner = inner if not re.search(r"[,\[\]{}?]", inner) or inner[0] in "'\"[{" else "x"
        key = f"k{number}:{draw(TAILS) or ' '}" if mapping else ""
        parts.append(f"{draw(TAILS)}{key}{inner}{draw(TAILS)}")
    opening, closing = "{}" if mapping else "[]"
    return f"{opening}{','.join(parts)}{draw(TAILS)}{closing}"


@st.composite
def blocks(draw: st.DrawFn, indent: int, depth: int) -> str:
    """Lines of a list or mapping in block style, indented by ``indent`` and carelessly laid out."""
    margin, lines, keys = " " * indent, [], set()
    mapping = draw(st.booleans())
    for _ in range(draw(st.integers(1, 4))):
        lines += draw(LINES)
        key = draw(KEYS.filter(lambda key: key.strip("'\"") not in keys)) if mapping else ""
        keys.add(key.strip("'\""))
        start = f"{margin}{key}{draw(SPACES)}:" if mapping else f"{margin}-"
        lines.append(f"{start}{draw(values(indent, depth))}")
    return "\n".join(lines)


@st.composite
def values(draw: st.DrawFn, indent: int, depth: int) -> str:
    """What stands behind a key or a dash."""
    kind = draw(st.integers(0, 5))
    if kind <= 1 and depth:
        inner = draw(blocks(indent + draw(st.integers(1, 4)), depth - 1))
        return f"{draw(COMMENTS)}\n{inner}"
    if kind == 2:
        lines = draw(st.lists(st.sampled_from(["x", "  y", "", "# no comment", "- z  "]), min_size=1, max_size=4))
        text = "\n".join(" " * (indent + 3) + line if line else "" for line in lines)
        return (
            f" {draw(st.sampled_from('|>'))}{draw(st.sampled_from(['', '-', '+', '3', '3-']))}{draw(COMMENTS)}\n{text}"
        )
    if kind == 3:
        flow = draw(flows()).replace("\n", "\n" + " " * (indent + 1))
        return f" {draw(SPACES)}{flow}{draw(COMMENTS)}"
    return f" {draw(SPACES)}{draw(SCALARS)}{draw(COMMENTS)}"


DOCUMENTS = st.tuples(LINES, blocks(0, 3), LINES).map(lambda parts: "\n".join([*parts[0], parts[1], *parts[2], ""]))


@given(DOCUMENTS)
def test_any_document(text: str) -> None:
    if said(text) is not None:
        keeps_what_is_said(text)


@given(st.text("ab:-[]{}\"'#|>, \n", max_size=40))
@example("---")
@example("--- # c\n# d")
@example("# c\n---\n\n# d\n")
@example("--- &a\n")
@example("a: |")
@example("a: |\n  x")
@example("- |+\n\n")
def test_any_text(text: str) -> None:
    formatted = format_yaml(text)
    if said(text) is None:
        assert formatted == text
    else:
        assert said(formatted) == said(text)
        assert format_yaml(formatted) == formatted
