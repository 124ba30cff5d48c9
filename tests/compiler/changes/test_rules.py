"""The catalogue of changes: whole, and each rule with the rule of the way back."""

from __future__ import annotations

import pytest

from syncline_compiler.changes.kinds import KINDS, compared
from syncline_compiler.changes.rules import BUMPS, VERDICTS, Rule, rules, rules_about

WAYS = {
    "there": ("added", "removed"),
    "need": ("added", "added required", "removed", "required", "optional"),
    "type": ("wider", "narrower", "another"),
    "amount": ("raised", "lowered"),
    "choice": ("changed",),
    "expression": ("changed",),
    "schema": ("wider", "narrower", "another"),
    "follows": ("changed",),
}
BACK = {
    "added": "removed", "added required": "removed", "removed": "added", "required": "optional", "optional": "required",
    "wider": "narrower", "narrower": "wider", "raised": "lowered", "lowered": "raised", "another": "another",
    "changed": "changed", "renamed": "renamed",
}  # fmt: skip
ALWAYS_THERE = {
    "protocol", "zone", "network", "visible_after", "auth", "sync.object", "attempts", "within", "weight", "every", "fallback",
    "event.source", "event.webhook", "event.when", "event.carries",
}  # fmt: skip


@pytest.mark.parametrize("rule", rules().values(), ids=lambda rule: rule.id)
def test_mirror_is_the_way_back(rule: Rule) -> None:
    mirror = rules()[rule.mirror]
    assert (mirror.kind, mirror.role) == (rule.kind, rule.role)
    assert mirror.direction == BACK[rule.direction]
    assert (mirror.to, mirror.of) == (rule.of, rule.to) or rule.direction == "added"
    assert rule.verdict in VERDICTS
    assert rule.bump == BUMPS[rule.verdict]
    assert rule.message
    assert rule.message[0].islower()
    assert not rule.message.endswith(".")
    assert rule.example[0] != rule.example[1]


@pytest.mark.parametrize(
    "kind", [kind for kind in KINDS.values() if kind.compare != "aside"], ids=lambda kind: kind.name
)
def test_every_way_has_a_rule(kind: object) -> None:
    ways = [*WAYS[kind.compare]]  # type: ignore[attr-defined]
    if kind.below is None and kind.name not in ALWAYS_THERE:  # type: ignore[attr-defined]
        ways += ["added", "removed"] * (kind.compare not in ("follows", "schema"))  # type: ignore[attr-defined]
    missing = [way for way in ways if not rules_about(kind.name, way)]  # type: ignore[attr-defined, arg-type]
    assert missing == []


@pytest.mark.parametrize(
    ("before", "after", "way"),
    [
        ("text(40)", "text(80)", "wider"),
        ("text(80)", "text(40)", "narrower"),
        ("text(80)", "text", "wider"),
        ("text(40)", "text(80)?", "wider"),
        ("text(80)?", "text(80)", "narrower"),
        ("text(80)?", "text(90)", "another"),
        ("decimal(12,2)", "decimal(14,2)", "wider"),
        ("decimal(12,2)", "decimal(12,4)", "another"),  # two digits less before the point
        ("decimal(12,2)", "decimal(14,4)", "wider"),
        ("int", "text", "another"),
        ("enum", "enum?", "wider"),
        ("ref(account)", "ref(contact)", "another"),
        ("text~", "text", "narrower"),
        ("text(40) -> Account", "text(40) -> Contact", "another"),
    ],
)
def test_types(before: str, after: str, way: str) -> None:
    assert compared(KINDS["field.type"], before, after) == way


@pytest.mark.parametrize(
    ("kind", "before", "after", "way"),
    [
        ("field", None, "optional", "added"),
        ("field", None, "required", "added required"),
        ("field", "optional", "required", "required"),
        ("field", "required", None, "removed"),
        ("guard.change", "9%", "10%", "raised"),
        ("guard.change", "10%", "100", "changed"),
        ("within", "7200", "900", "lowered"),
        ("owner", "crm", "erp", "changed"),
        ("uses", None, "", None),
        ("owner", "crm", "crm", None),
    ],
)
def test_ways(kind: str, before: str | None, after: str | None, way: str | None) -> None:
    assert compared(KINDS[kind], before, after) == way
