"""Probability: what a trained model makes of a rule of likeness.

In: a rule, thresholds, a model (per field and level, how often records that are one are so alike, and others). Out: rules
that go by the weight of evidence. Each way in which a field may be alike is a level; the first that holds counts, none of
them is a level too, and what is missing says nothing. The weights are constants of the plan: a run knows no model.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from decimal import Context, Decimal

from syncline_compiler.model.resolved import IdentityRule, Likeness, Probability
from syncline_compiler.model.spec_identity import LevelSpec, ModelSpec, ProbabilitySpec

ELSE = "else"
"""The level of values that are there and in no way alike."""
LEAST, MOST = Decimal("0.00001"), Decimal("0.99999")
"""No sample is large enough to say that something never, or always, happens."""
_EXACT = Context(prec=28)


def levels_of(one: Likeness) -> tuple[str, ...]:
    """Name the levels of a field, as models do: `exact`, `jaro_winkler 0.92`, `else`."""
    return (*(f"{kind} {amount}".strip() for kind, amount in one.ways), ELSE)


def misfit(rule: IdentityRule, object_: str, model: ModelSpec) -> str | None:
    """Say in what a model is not one of this rule; None if it is."""
    if model.object != object_:
        return f"`{model.model}` was trained for `{model.object}`"
    trained = {name: tuple(level.way for level in levels) for name, levels in model.fields.items()}
    asked = {one.field: levels_of(one) for one in rule.similar}
    for name in (*asked, *trained):
        if trained.get(name) != asked.get(name):
            return f"`{model.model}` was trained when `{name}` was compared in another way, or not"
    return None


def by_probability(rule: IdentityRule, asked: ProbabilitySpec, model: ModelSpec) -> Iterator[IdentityRule]:
    """Give the rules that a trained one stands for: the one that links, and the one that asks a person."""
    weights = tuple((one.field, _weights(model.fields[one.field])) for one in rule.similar)
    for then, threshold in (("link", asked.link), ("review", asked.review)):
        if threshold is not None:
            least = str(_odds(threshold) - _odds(model.chance))
            made = Probability(model.model, str(threshold), least, weights)
            yield replace(rule, then=then, probability=made)  # type: ignore[arg-type]


def untrained(name: str, object_: str, similar: Mapping[str, Likeness]) -> ModelSpec:
    """Give a model that knows nothing, so that what it is to learn from can be read."""
    nothing = Decimal("0.5")
    levels = {
        field: [LevelSpec(way=way, m=nothing, u=nothing) for way in levels_of(one)] for field, one in similar.items()
    }
    return ModelSpec(model=name, object=object_, chance=nothing, fields=levels)


def _weights(levels: list[LevelSpec]) -> tuple[str, ...]:
    return tuple(str(_log2(_within(level.m) / _within(level.u))) for level in levels)


def _odds(share: Decimal) -> Decimal:
    share = max(min(share, 1 - LEAST / 1000), LEAST / 1_000_000)
    return _log2(share / (1 - share))


def _within(share: Decimal) -> Decimal:
    return max(LEAST, min(MOST, share))


def _log2(value: Decimal) -> Decimal:
    """Give the logarithm to six digits, the same on every machine."""
    return _EXACT.divide(_EXACT.ln(value), _EXACT.ln(Decimal(2))).quantize(Decimal("0.000001"))
