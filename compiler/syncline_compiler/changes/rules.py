"""The catalogue of changes as the compiler asks it; ``rules.yaml`` holds the rules and says what their members mean."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any, Literal, get_args

import yaml

from syncline_compiler.changes.kinds import Direction
from syncline_runtime.frozen import dataclass

Role = Literal[
    "read", "canonical", "written", "identity", "ownership", "delete", "idempotency", "cursor", "event",
    "reach", "running", "policy", "words",
]  # fmt: skip
Verdict = Literal[
    "destructive", "identity-changing", "ownership-moving", "replay-unsafe", "base-invalidating",
    "breaking", "behavioural", "additive", "cosmetic",
]  # fmt: skip
"""The gravest first."""
VERDICTS: tuple[Verdict, ...] = get_args(Verdict)
Bump = Literal["major", "minor", "none"]
BUMPS: Mapping[Verdict, Bump] = {
    "destructive": "major", "identity-changing": "major", "ownership-moving": "major", "replay-unsafe": "major",
    "base-invalidating": "minor", "breaking": "major", "behavioural": "minor", "additive": "minor", "cosmetic": "none",
}  # fmt: skip


@dataclass(frozen=True)
class Rule:
    """What one kind of change is, in one role."""

    id: str
    role: Role
    kind: str
    direction: Direction
    verdict: Verdict
    message: str
    example: tuple[str, str]  # before, after
    mirror: str
    to: str | None = None
    of: str | None = None

    @property
    def bump(self) -> Bump:
        """What it demands of the version."""
        return BUMPS[self.verdict]

    def speaks_of(self, before: str | None, after: str | None) -> bool:
        """Whether it is about a change between these values."""
        return all(
            start is None or (value or "").startswith(start) for start, value in ((self.of, before), (self.to, after))
        )


@cache
def rules() -> Mapping[str, Rule]:
    """Give the catalogue, by the ids of its rules."""
    text = (Path(__file__).parent / "rules.yaml").read_text(encoding="utf-8")
    loaded = yaml.load(text, getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    return {rule.id: rule for kind, listed in loaded.items() for rule in _read(kind, listed)}


@cache
def rules_about(kind: str, direction: Direction) -> tuple[Rule, ...]:
    """Give the rules about one kind of fact that changed in one direction."""
    return tuple(rule for rule in rules().values() if (rule.kind, rule.direction) == (kind, direction))


def _read(kind: str, listed: list[dict[str, Any]]) -> Iterator[Rule]:
    for one in listed:
        yield Rule(
            one["rule"], one["role"], kind, one["when"], one["verdict"], one["says"], tuple(one["example"]),
            one.get("mirror", one["rule"]), one.get("to"), one.get("of"),
        )  # fmt: skip
