"""Policies with their rules typed, waivers, and what the project says of rules: what governs the checks.

Invariant: every expression in here can be asked of a row of the table that its rule selects.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Literal

from syncline_compiler.model.typed import Expression
from syncline_compiler.source import Span
from syncline_runtime.frozen import dataclass

RuleSeverity = Literal["error", "warning", "off"]
PLACEHOLDER = re.compile(r"\{([^{}]*)\}")
"""An attribute in the message of a rule, ``{name}``."""


@dataclass(frozen=True)
class ResolvedRule:
    """One rule of a policy; ``severity`` is what the project says, or else the policy (``default``)."""

    name: str  # policy and rule: baseline.sync_has_steward
    select: str
    text: str  # the rule as written: select fields where … require …
    where: Expression | None
    require: Expression
    message: str  # with {attribute} placeholders
    help: str | None
    docs: str | None
    severity: RuleSeverity
    default: RuleSeverity
    span: Span

    @property
    def summary(self) -> str:
        """What it finds, in words, whatever it is found in."""
        return PLACEHOLDER.sub("…", self.message).replace("`", "")


@dataclass(frozen=True)
class WaivedPlace:
    """One place of a waiver: an address or a path, in which ``*`` stands for any one part."""

    pattern: str
    span: Span


@dataclass(frozen=True)
class ResolvedWaiver:
    """Findings of one rule that are accepted until a day."""

    rule: str
    places: tuple[WaivedPlace, ...]
    expires: str | None
    owner: str | None
    span: Span


@dataclass(frozen=True)
class Governance:
    """What governs the checks of a project. ``codes`` are the severities that it gives to check codes."""

    rules: tuple[ResolvedRule, ...]
    waivers: tuple[ResolvedWaiver, ...]
    codes: Mapping[str, RuleSeverity]
