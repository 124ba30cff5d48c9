"""The page of the hardest mistakes says what the compiler says: each is made in its example, alone.

``--snapshot-update`` writes down anew what the compiler says.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

from syncline_compiler.diagnostics.render import render_text
from syncline_compiler.pipeline import Compilation, check_sources
from syncline_compiler.source import SourceFile, read_sources

EXAMPLES = Path(__file__).parents[2] / "examples"
PAGE = EXAMPLES / "hard-mistakes.md"
UNSEEN = "What the compiler cannot see"
CASE = re.compile(
    r"### (?P<title>.+)\n\n(?P<why>.+)\n\n```diff\n(?P<diff>(?:.*\n)*?)```\n"
    r"(?:\n```text\n(?P<said>(?:.*\n)*?)```\n)?"
)


@dataclass(frozen=True)
class Mistake:
    """One mistake of the page: what is changed, and what the compiler said."""

    title: str
    diff: str
    said: str
    seen: bool

    def check(self) -> Compilation:
        """Make the mistake and check the project."""
        example = re.findall(r"^\+\+\+ ([^/]+)/", self.diff, flags=re.MULTILINE)[0]
        changed = dict(changes(self.diff, files(example)))
        sources = {**files(example), **{path: SourceFile(path, text) for path, text in changed.items()}}
        return check_sources(sources.values())


@cache
def files(example: str) -> dict[str, SourceFile]:
    return {file.path: file for file in read_sources(EXAMPLES / example) if isinstance(file, SourceFile)}


def changes(diff: str, known: dict[str, SourceFile]) -> Iterator[tuple[str, str]]:
    """Give the files that a diff changes; each part of it must fit in one place."""
    for of_file in re.split(r"^--- .*\n\+\+\+ [^/]+/", diff, flags=re.MULTILINE)[1:]:
        path, _, rest = of_file.partition("\n")
        text = f"\n{known[path].text}" if path in known else "\n"
        for part in rest.split("@@\n")[1:]:
            lines = part.splitlines()
            before = "".join(f"{line[1:]}\n" for line in lines if line[0] in " -")
            after = "".join(f"{line[1:]}\n" for line in lines if line[0] in " +")
            assert not before or text.count(f"\n{before}") == 1, f"the example has changed: {path}"
            text = text.replace(f"\n{before}", f"\n{after}", 1)
        yield path, text[1:]


def mistakes() -> list[Mistake]:
    page = PAGE.read_text(encoding="utf-8")
    unseen = page.index(f"## {UNSEEN}")
    return [Mistake(one["title"], one["diff"], one["said"] or "", one.start() < unseen) for one in CASE.finditer(page)]


MISTAKES = mistakes()


@pytest.mark.parametrize("mistake", MISTAKES, ids=[one.title for one in MISTAKES])
def test_the_page_says_what_the_compiler_says(mistake: Mistake, pytestconfig: pytest.Config) -> None:
    compilation = mistake.check()
    said = render_text(compilation.diagnostics, compilation.sources)
    if pytestconfig.getoption("update_snapshots"):
        page = PAGE.read_text(encoding="utf-8")
        block = f"```diff\n{mistake.diff}```\n\n```text\n"
        PAGE.write_text(page.replace(f"{block}{mistake.said}```", f"{block}{said}```", 1), encoding="utf-8")
        return
    assert said == mistake.said
    assert len(compilation.diagnostics) == (1 if mistake.seen else 0), "one mistake, one diagnostic"


def test_every_mistake_of_the_page_is_tried() -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert [one.title for one in MISTAKES] == re.findall(r"^### (.+)$", page, flags=re.MULTILINE)
    assert len({one.title for one in MISTAKES}) == len(MISTAKES) >= 30


def test_what_is_not_seen_says_what_happens() -> None:
    page = PAGE.read_text(encoding="utf-8")
    told = page[page.index(f"## {UNSEEN}") :].count("**At run time.** ")
    assert told == sum(not one.seen for one in MISTAKES)
