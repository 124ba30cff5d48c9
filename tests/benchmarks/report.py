"""What was measured, as a table of ratios and as JSON."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass

GOALS = {"normalise": 1 / 0.8, "merge + diff": 1.5}
"""By how much ours may be slower than by hand."""


@dataclass(frozen=True)
class Measured:
    """One contender in one phase: median seconds per stage, and by how much memory grew."""

    name: str
    phase: str
    threads: int
    stages: dict[str, float]
    peak_mb: int
    intents: str | None
    agreed: str | None

    @property
    def total(self) -> float:
        return sum(self.stages.values())

    def of(self, *stages: str) -> float:
        return sum(self.stages.get(stage, 0.0) for stage in stages)


def table(records: int, measured: Sequence[Measured]) -> str:
    """The table for people."""
    lines = [f"{records:,} customers of 20 fields; 1 thread: CPU seconds, more: wall seconds; memory: growth in MB", ""]
    for phase, threads in dict.fromkeys((one.phase, one.threads) for one in measured):
        group = {one.name: one for one in measured if (one.phase, one.threads) == (phase, threads)}
        lines += [*_group(phase, threads, group), ""]
    return "\n".join(lines)


def _group(phase: str, threads: int, group: dict[str, Measured]) -> Iterator[str]:
    floor = group["floor"].total if "floor" in group else None
    yield f"{phase}, {threads} thread{'s' if threads > 1 else ''}"
    yield f"  {'':10}{'land':>8}{'normalise':>10}{'match':>8}{'merge':>8}{'diff':>8}{'total':>8}{'× floor':>9}{'memory':>8}"
    for one in group.values():
        cells = "".join(
            f"{one.stages[stage]:>{width}.2f}" if stage in one.stages and len(one.stages) > 2 else " " * width
            for stage, width in (("land", 8), ("normalise", 10), ("match", 8), ("merge", 8), ("diff", 8))
        )
        yield f"  {one.name:10}{cells}{one.total:>8.2f}{_times(one.total, floor)}{one.peak_mb:>8}"
    for what, ratio, goal in ratios(phase, group):
        yield f"  {what:44}{ratio:>6.2f}" + (f"   (goal: at most {goal:.2f})" if goal else "")


def _times(total: float, floor: float | None) -> str:
    return f"{total / floor:>9.2f}" if floor else " " * 9


def ratios(phase: str, group: dict[str, Measured]) -> Iterator[tuple[str, float, float | None]]:
    """The ratios of one phase: what, how many times as slow, and the goal where there is one."""
    ours, hand, floor = group["ours"], group.get("by hand"), group.get("floor")
    if floor is not None:
        yield "ours / scan and hash both sides", ours.total / floor.total, 3.0 if phase == "no-op" else None
    if hand is None:
        return
    yield "ours / by hand: normalise", ours.of("normalise") / hand.of("normalise"), GOALS["normalise"]
    if phase != "no-op":
        both = ours.of("merge", "diff") / hand.of("merge", "diff")
        yield "ours / by hand: merge + diff", both, GOALS["merge + diff"]
    yield "ours / by hand: total", ours.total / hand.total, None
    if "slim" in group:
        yield "by hand / slim", hand.total / group["slim"].total, 1.15


def as_json(records: int, measured: Sequence[Measured], differing: Sequence[str]) -> str:
    """The same for programs."""
    phases = []
    for phase, threads in dict.fromkeys((one.phase, one.threads) for one in measured):
        group = {one.name: one for one in measured if (one.phase, one.threads) == (phase, threads)}
        told = [{"what": what, "ratio": round(ratio, 3), "goal": goal} for what, ratio, goal in ratios(phase, group)]
        phases.append({"phase": phase, "threads": threads, "ratios": told})
    shown = [{**asdict(one), "intents": None} for one in measured]
    return json.dumps({"records": records, "phases": phases, "measured": shown, "differing": list(differing)}, indent=2)
