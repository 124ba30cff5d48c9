"""The ``policy`` spec as written: rules over specs, and waivers of them.

In: plain values of the YAML loader. Out: ``PolicySpec``. Rules are still text; what they may name is in
``governance/tables.py``.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, StringConstraints, model_validator

from syncline_compiler.model.written import Day, Name, OneOrMore, Text, Version, Written

Select = Literal[
    "objects", "fields", "syncs", "members", "mappings", "systems", "resources", "native_fields", "codes",
    "connections", "events", "scenarios",
]  # fmt: skip
"""What a rule is about: one kind of row of the spec model."""
RuleSeverity = Literal["error", "warning", "off"]
RuleName = Annotated[str, StringConstraints(pattern=r"^([a-z][a-z0-9_]*\.[a-z][a-z0-9_]*|SYN[0-9]{4})$")]
MOST_RULES = 200
"""Rules of one policy: each is asked of every row it selects."""


class RuleSpec(Written):
    """One rule: of the rows selected, those for which ``where`` holds must keep ``require``."""

    select: Select
    where: Text | None = None
    require: Text
    message: Text
    help: Text | None = None
    severity: RuleSeverity = "warning"
    docs: Text | None = None


class WaiverSpec(Written):
    """A finding that is accepted for a time: which, where, why, by whom, until when."""

    rule: RuleName
    at: OneOrMore
    reason: Text | None = None
    owner: Text | None = None
    expires: Day | None = None


class PolicySpec(Written):
    """``policy:`` rules that specs are to keep, and waivers of rules."""

    policy: Name
    version: Version | None = None
    label: Text | None = None
    steward: Text | None = None
    rules: Annotated[dict[Name, RuleSpec], Field(max_length=MOST_RULES)] = Field(default_factory=dict)
    waivers: list[WaiverSpec] = Field(default_factory=list)

    @model_validator(mode="after")
    def _says_something(self) -> PolicySpec:
        if not self.rules and not self.waivers:
            raise ValueError("a policy has `rules`, or `waivers` of them")
        if self.rules and self.version is None:
            raise ValueError("a policy with rules has a version: `version: 1.0.0`")
        return self
