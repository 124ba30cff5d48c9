"""Telling what came of many worlds: the table of faults, and the tale of a world in which something does not hold."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator

from faults.kit.faults import FAULTS, LISTED
from faults.kit.story import Ended


def table(ended: Iterable[Ended]) -> str:
    """Give the tables of faults in Markdown: how often each was played, and what that led to in all."""
    stories = list(ended)
    drawn: Counter[tuple[str, str]] = sum((one.drawn for one in stories), Counter())
    seeds, runs = sum(len(one.seeds) for one in stories), sum(one.runs for one in stories)
    waiting, violations = sum(one.waiting for one in stories), sum(len(one.violations) for one in stories)
    last = (
        f"{seeds} seeds in {len(stories)} worlds, {runs} runs, {sum(drawn.values())} faults: {violations} violations; "
    )
    last += f"{waiting} records wait for a person, each with an exception that says why."
    return "\n".join([*_listed(drawn), "", *_each(drawn), "", last])


def _listed(drawn: Counter[tuple[str, str]]) -> Iterator[str]:
    yield "| what must be survived | played by the kit | times | played alone in |"
    yield "|---|---|---|---|"
    for words, played, tests in LISTED:
        times = sum(count for (_, name), count in drawn.items() if name in played)
        yield f"| {words} | {', '.join(played)} | {times if played else ''} | {' '.join(f'`{one}`' for one in tests)} |"


def _each(drawn: Counter[tuple[str, str]]) -> Iterator[str]:
    yield "| where | fault | what it is | times |"
    yield "|---|---|---|---|"
    for where, name, _, words in FAULTS:
        yield f"| {where} | {name} | {words} | {drawn[where, name]} |"


def told(story: Ended) -> Iterator[str]:
    """Give what does not hold in a world, and the lines of the tale that have to do with it."""
    yield f"seeds {story.seeds[0]} to {story.seeds[-1]}"
    yield from story.violations
    keys = {word.rstrip(":") for line in story.violations for word in line.split() if word.partition("-")[0].isdigit()}
    for line in story.tale:
        words = line.split()[1:]
        general = words[0] in ("run", "plan", "killed", "ended:", "exit", "the") or " list " in line or "pass" in words
        if general or any(word.rstrip(":") in keys for word in words):
            yield line[:300]
