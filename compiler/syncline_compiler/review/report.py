"""What a review comes to, as one value that every form of it shows.

In: nothing. Out: the shapes. Invariant: what is not known is None and never an empty list: no data, no limits, no scenarios.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import field
from functools import cached_property
from typing import Literal

from syncline_compiler.changes.change import Change
from syncline_compiler.changes.classify import Appeared
from syncline_compiler.changes.fact import Fact
from syncline_compiler.changes.rules import VERDICTS, Verdict
from syncline_compiler.changes.versions import Raise
from syncline_compiler.diagnostics.diagnostic import Collector, Diagnostic
from syncline_compiler.scenarios.report import ScenarioReport
from syncline_compiler.source import SourceFile
from syncline_runtime.frozen import dataclass
from syncline_runtime.impact import Impact

GRAVE: frozenset[Verdict] = frozenset(
    {"destructive", "identity-changing", "ownership-moving", "replay-unsafe", "breaking"}
)
"""What its owners have to agree to."""
Standing = Literal["none", "needed", "given", "expired", "outgrown"]


@dataclass(frozen=True)
class Approval:
    """What somebody has agreed to: which finding, who, why, until when, and the records it touched then (None: not known)."""

    finding: str
    by: str
    reason: str
    until: str
    records: int | None = None


@dataclass(frozen=True)
class Proof:
    """Whether two expressions are the same: *differs* with a row, or *not proved* with so many rows that agreed.

    ``known``: how many of the rows are of the data, ``differ``: how many of those differ; ``of_data``: the row is one of them.
    """

    kind: Literal["differs", "not proved"]
    rows: int = 0
    known: int = 0
    differ: int = 0
    of_data: bool = False
    row: tuple[tuple[str, str | None], ...] = ()
    before: str | None = None
    after: str | None = None


@dataclass(frozen=True)
class Finding:
    """One change and all that is known of it."""

    change: Change
    affects: tuple[str, ...]
    owners: tuple[str, ...]
    standing: Standing = "none"
    approval: Approval | None = None
    records: int | None = None  # that it touches; None without data
    proof: Proof | None = None
    breaks: tuple[str, ...] = ()  # lines and code tables that fail while a system is as it seems to be: drift only
    evidence: str = ""  # how it is known, where that is no plain word of a document: drift only

    @property
    def fingerprint(self) -> str:
        """Tell it from every other change, and the same change in any review."""
        before, after = (one.value if one else None for one in (self.change.before, self.change.after))
        said = [self.change.rule.id, *self.change.item, *self.change.key.names, before, after]
        return hashlib.sha256(repr(said).encode()).hexdigest()[:16]

    @property
    def is_grave(self) -> bool:
        """Whether its owners have to agree to it."""
        return self.change.verdict in GRAVE


@dataclass(frozen=True)
class Load:
    """The calls that one connection takes, against what is allowed; each before, then after the change.

    ``per_run``: of one run of each of its syncs, with what it sweeps where a sweep is due.
    """

    connection: str
    per_run: tuple[int, int]
    hourly: tuple[int, int]
    daily: tuple[int, int]
    allowed: int | None
    growth: int = 1

    @property
    def is_over(self) -> bool:
        """Whether more is needed than is allowed."""
        return self.allowed is not None and self.hourly[1] * self.growth > self.allowed


@dataclass(frozen=True)
class Budget:
    """A limit that the review was given, what was found, and whether that is within it (None: not known without data)."""

    said: str
    found: float | None
    kept: bool | None

    @property
    def told(self) -> str:
        """What was found, in the unit of the limit."""
        if self.found is None:
            return "–"
        return f"{self.found:g}%" if self.said.endswith("%") else f"{self.found:g}"


@dataclass(frozen=True)
class Review:
    """All that is known of a change."""

    project: str
    against: str
    release: str | None  # hash of what the specs compile to; None where they do not, or nobody asked
    diagnostics: Collector
    sources: Mapping[str, SourceFile]
    items: tuple[Appeared, ...] = ()
    findings: tuple[Finding, ...] = ()
    rewritten: tuple[tuple[Fact, Fact], ...] = ()  # written otherwise, and proved equal
    versions: tuple[Raise, ...] = ()
    impact: Impact | None = None
    no_impact: str = ""  # why there is none
    loads: tuple[Load, ...] = ()
    budgets: tuple[Budget, ...] = ()
    scenarios: ScenarioReport | None = None
    unformatted: tuple[str, ...] = ()  # files that are not in the one format
    notes: tuple[str, ...] = field(default_factory=tuple)
    stood: frozenset[Diagnostic] = frozenset()  # warnings that the other side has too
    is_partial: bool = False  # the other side has mistakes, and is compared as far as it is understood
    command: Literal["review", "drift"] = "review"  # what it was made for

    @cached_property
    def totals(self) -> Mapping[Verdict, int]:
        """How many changes of each verdict there are, the gravest first."""
        found = [finding.change.verdict for finding in self.findings]
        return {verdict: found.count(verdict) for verdict in VERDICTS if verdict in found}

    @cached_property
    def brought(self) -> Collector:
        """What is to be said of the specs, without warnings that stood before the change."""
        brought = (one for one in self.diagnostics if one not in self.stood)
        return Collector.of(brought, self.sources, beyond=self.diagnostics.beyond)

    @property
    def is_unchanged(self) -> bool:
        """Whether both sides are known to say the same, so that no data comes out otherwise."""
        return not (self.findings or self.items or self.rewritten or self.is_partial or self.diagnostics.errors)

    @property
    def open(self) -> tuple[Finding, ...]:
        """Findings that somebody still has to agree to."""
        return tuple(one for one in self.findings if one.standing in ("needed", "expired", "outgrown"))

    @property
    def approvers(self) -> tuple[str, ...]:
        """Whose agreement is asked for."""
        return tuple(dict.fromkeys(owner for one in self.open for owner in one.owners))

    @property
    def failed(self) -> tuple[str, ...]:
        """Why the review fails, apart from approvals; nothing where it does not."""
        return tuple(self._failures())

    def _failures(self) -> Iterable[str]:
        if self.diagnostics.errors:
            yield f"{self.diagnostics.errors} error{'s' if self.diagnostics.errors > 1 else ''} in the specs"
        if breaking := sum(bool(one.breaks) for one in self.findings):
            yield f"{breaking} of them break{'s' if breaking == 1 else ''} what the specs rely on"
        yield from (f"{one.said}: {one.told}" for one in self.budgets if one.kept is False)
        yield from (
            f"{one.said}: not known without --data (a state, extracts or `scenarios`)"
            for one in self.budgets
            if one.kept is None
        )
        lost = [one.name for one in self.scenarios.failed] if self.scenarios is not None else []
        if lost:
            yield f"{len(lost)} scenario{'s' if len(lost) > 1 else ''} came out otherwise: {', '.join(lost)}"
        if self.unformatted:
            yield f"not in the one format: {', '.join(self.unformatted[:3])}{' …' if len(self.unformatted) > 3 else ''}"

    @property
    def exit_code(self) -> int:
        """0 all is well, 1 something fails, 3 somebody has to agree, or to look at what drifted."""
        return 1 if self.failed else 3 if self.open or (self.command == "drift" and self.findings) else 0
