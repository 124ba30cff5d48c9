"""Mends what is certain: applies the edits of diagnostics, and looks again whether that was right.

In: sources and a check. Out: the sources that changed. Invariants: edits of one round never overlap; an edit whose mistake
stays, or that makes something stand twice, is taken back; mending what was mended changes nothing.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace

from syncline_compiler.diagnostics.diagnostic import Collector, Diagnostic, Edit
from syncline_compiler.source import SourceFile

Sources = Mapping[str, SourceFile]
Check = Callable[[Sources], Collector]

MOST_ROUNDS = 20
"""One mended name may bring a mistake to light that could not be seen before."""
MOST_ALONE = 50
"""So many edits of a round are tried one by one, where all of them together made something worse."""
WORSE = frozenset({"SYN0002", "SYN0004", "SYN0010", "SYN0101", "SYN0310"})
"""What a wrong edit brings about: text that cannot be read, and names that stand twice."""


def mended(sources: Sources, check: Check, within: Callable[[str], bool] = lambda path: True) -> Sources:
    """Mend the files that ``within`` accepts; gives those that changed."""
    current, found = dict(sources), check(sources)
    for _ in range(MOST_ROUNDS):
        sure = [one for one in found if one.fixes and all(within(edit.span.path) for edit in one.fixes)]
        better = _attempt(current, found, sure, check)
        if better is None:
            better = _one_by_one(current, found, sure[:MOST_ALONE], check) if len(sure) > 1 else None
        if better is None:
            break
        current, found = better
    return {path: source for path, source in current.items() if source is not sources[path]}


def _one_by_one(
    sources: Sources, found: Collector, sure: Sequence[Diagnostic], check: Check
) -> tuple[dict[str, SourceFile], Collector] | None:
    """Apply the first edit that does well alone; the next round goes on from there."""
    return next((better for one in sure if (better := _attempt(sources, found, [one], check))), None)


def _attempt(
    sources: Sources, found: Collector, sure: Sequence[Diagnostic], check: Check
) -> tuple[dict[str, SourceFile], Collector] | None:
    """Apply the edits of these diagnostics; None if one stays, or something is worse now."""
    if not sure:
        return None
    attempt = {**sources, **_applied(sources, [edit for one in sure for edit in one.fixes])}
    after = check(attempt)
    stays = {(one.code, one.label, one.span.path) for one in after}
    worse = sum(one.code in WORSE for one in after) > sum(one.code in WORSE for one in found)
    if worse or any((one.code, one.label, one.span.path) in stays for one in sure):
        return None
    return attempt, after


def _applied(sources: Sources, edits: Iterable[Edit]) -> Sources:
    by_path: dict[str, list[Edit]] = defaultdict(list)
    for edit in edits:
        by_path[edit.span.path].append(edit)
    return {path: replace(sources[path], text=edited(sources[path].text, found)) for path, found in by_path.items()}


def edited(text: str, edits: Iterable[Edit]) -> str:
    """Apply edits from the last to the first; one that touches another is left for the next round."""
    lines = text.split("\n")
    last: tuple[int, int] | None = None
    for edit in sorted(set(edits), key=lambda edit: edit.span, reverse=True):
        span = edit.span
        if last is not None and (span.end_line, span.end_column) > last:
            continue
        line = lines[span.line - 1]
        lines[span.line - 1] = line[: span.column - 1] + edit.text + line[span.end_column - 1 :]
        last = (span.line, span.column)
    return "\n".join(lines)
