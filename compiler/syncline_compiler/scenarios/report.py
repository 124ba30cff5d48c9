"""What came of scenarios, as values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from functools import cached_property
from typing import Any

from syncline_compiler.source import Span
from syncline_runtime.frozen import dataclass


@dataclass(frozen=True)
class Failure:
    """Something that is not as expected, and where that stands. ``lines``: what was expected (-), what came (+)."""

    span: Span
    summary: str
    lines: tuple[str, ...] = ()
    help: str = ""


@dataclass(frozen=True)
class Happened:
    """What came of a scenario, as its expectations would say it."""

    writes: tuple[Mapping[str, Any], ...] = ()
    records: tuple[tuple[Mapping[str, Any], ...], ...] = ()  # per expectation, those that it picks
    exceptions: tuple[Mapping[str, Any], ...] = ()


@dataclass(frozen=True)
class ScenarioResult:
    """One scenario that was played. ``ended``: all its steps were done, so that its expectations were looked at."""

    name: str
    label: str
    sync: str
    span: Span
    failures: tuple[Failure, ...] = ()
    runs: int = 0
    seconds: float = 0.0
    ended: bool = True
    happened: Happened = field(default_factory=Happened)

    @property
    def passed(self) -> bool:
        """Whether all was as expected."""
        return not self.failures


@dataclass(frozen=True)
class ScenarioReport:
    """All scenarios that were played."""

    project: str
    results: tuple[ScenarioResult, ...]
    seconds: float  # of playing, without compiling

    @cached_property
    def failed(self) -> tuple[ScenarioResult, ...]:
        """Give the scenarios of which something was not as expected."""
        return tuple(one for one in self.results if not one.passed)

    @property
    def runs(self) -> int:
        """How many runs were made."""
        return sum(one.runs for one in self.results)
