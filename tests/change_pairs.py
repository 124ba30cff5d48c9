"""Change pairs: a rich project, and edits of it, classified there and back."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import cache
from pathlib import Path

import yaml

from syncline_compiler.changes.versions import raises
from syncline_compiler.pipeline import Compilation, check_sources
from syncline_compiler.review.report import Finding, Review
from syncline_compiler.review.review import compared, facts_of, findings_of
from syncline_compiler.source import SourceFile, read_sources

HERE = Path(__file__).parent / "compiler" / "review"
TODAY = date(2026, 11, 22)
LINTS = frozenset({"SYN0932", "SYN0933", "SYN0934", "SYN0935"})
"""What is said of things that nothing uses: beside the point of a pair."""
Edit = tuple[str, str | None, str | None]


@dataclass(frozen=True)
class Pair:
    """Two states: ``base/`` with the edits of ``base``, and that with ``edits``; ``there`` and ``back`` name the rules that speak."""

    pair: str
    edits: list[Edit]
    there: list[str]
    back: list[str]
    base: list[Edit] = field(default_factory=list)

    @property
    def files(self) -> tuple[Mapping[str, str], Mapping[str, str]]:
        """The files of both states."""
        one = edited(base_files(), self.base)
        return one, edited(one, self.edits)


@cache
def pairs() -> tuple[Pair, ...]:
    """Give all pairs."""
    return tuple(Pair(**one) for one in yaml.safe_load((HERE / "pairs.yaml").read_text()))


@cache
def base_files() -> Mapping[str, str]:
    """Give the files of the project that pairs are edits of."""
    return {file.path: file.text for file in read_sources(HERE / "base") if isinstance(file, SourceFile)}


def edited(files: Mapping[str, str], edits: Iterable[Edit]) -> Mapping[str, str]:
    """Lay edits over files; a file that is not there is made, and one without texts goes."""
    now = dict(files)
    for path, old, new in edits:
        if new is None:
            del now[path]
            continue
        before = now.get(path, "")
        assert old is not None
        assert old in before, f"{path} does not say {old!r}"
        now[path] = before.replace(old, new, 1) if old else new
    return now


def checked(files: Mapping[str, str]) -> Compilation:
    """Check one state."""
    return _checked(tuple(sorted(files.items())))


@cache
def _checked(files: tuple[tuple[str, str], ...]) -> Compilation:
    return check_sources([SourceFile(path, text) for path, text in files], TODAY)


def reviewed(before: Mapping[str, str], after: Mapping[str, str]) -> Review:
    """Compare two states as `syncline diff` does."""
    was, now = checked(before), checked(after)
    classified = compared(facts_of(was), facts_of(now), was, now)
    findings: tuple[Finding, ...] = tuple(findings_of(classified, was, now, None))
    return Review(
        project="atlas",
        against="the other state",
        release=None,
        diagnostics=now.diagnostics.only(lambda one: one.code not in LINTS),
        sources=now.sources,
        items=classified.items,
        findings=findings,
        rewritten=classified.rewritten,
        versions=tuple(one for one in raises(classified) if one.item.versioned and one.is_due),
    )


def difference(before: Mapping[str, str], after: Mapping[str, str]) -> Iterator[str]:
    """Give the lines that differ, file by file."""
    for path in sorted(before.keys() | after.keys()):
        old, new = (files.get(path, "").splitlines() for files in (before, after))
        if old != new:
            yield path
            yield from (
                line
                for line in difflib.unified_diff(old, new, n=0, lineterm="")
                if not line.startswith(("---", "+++", "@@"))
            )
