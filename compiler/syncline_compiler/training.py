"""Training of a model of probability, by Splink (extra ``splink``): how often values of records that are one are alike.

In: an identity rule, its object, the records as rows of the features that the rule compares. Out: ``ModelSpec``. Nobody labels
records: shares of chance come from pairs at random, shares of records that are one by expectation maximisation among pairs
that agree on some field. Splink is imported here and nowhere else, and no run needs it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal
from itertools import combinations
from typing import Any

from syncline_compiler.blocking import is_shared
from syncline_compiler.emit.sql import scalar
from syncline_compiler.lowering import build as b
from syncline_compiler.lowering.alike import levels
from syncline_compiler.lowering.features import Feature, features_of
from syncline_compiler.model.resolved import IdentityRule, Likeness, ResolvedObject
from syncline_compiler.model.spec_identity import LevelSpec, ModelSpec
from syncline_compiler.probability import levels_of
from syncline_runtime.errors import UsageError

RECALL = 0.8
"""What share of the records that are one agree on two telling fields; where it is far off, so is ``chance``, and little else."""
PAIRS = 1_000_000
SEED = 1
DIGITS = Decimal("0.000001")
SESSIONS = 4


def features(rule: IdentityRule, item: ResolvedObject) -> tuple[str, ...]:
    """Name the columns of the pool that a model learns from."""
    return tuple(feature.column for feature in features_of([rule], item))


def train(rule: IdentityRule, item: ResolvedObject, model: str, rows: Sequence[Sequence[Any]]) -> ModelSpec:
    """Learn from records: connection, native id, then the columns of ``features``. UsageError without Splink or records."""
    splink = _splink()
    if len(rows) < 2 * len(rule.similar):
        raise UsageError(f"{len(rows)} records are too few to learn from", mend="train it where there are more of them")
    named = {feature: f"f_{number}" for number, feature in enumerate(features_of([rule], item))}
    records = [
        {"unique_id": number, **dict(zip(named.values(), row[2:], strict=True))} for number, row in enumerate(rows)
    ]
    comparisons = [_comparison(splink, one, item, named) for one in rule.similar]
    settings = splink.SettingsCreator(
        link_type="dedupe_only", comparisons=comparisons, blocking_rules_to_generate_predictions=[]
    )
    api = splink.DuckDBAPI()
    linker = splink.Linker(api.register(records), settings, log_level=None)
    meeting = [_column(one, named) for one in rule.similar if _tells(one, item)]
    together = [splink.block_on(*pair) for pair in combinations(meeting, 2)] or [splink.block_on(*meeting)]
    linker.training.estimate_probability_two_random_records_match(together, recall=RECALL)
    linker.training.estimate_u_using_random_sampling(max_pairs=PAIRS, seed=SEED)
    for column in meeting[:SESSIONS]:
        linker.training.estimate_parameters_using_expectation_maximisation(splink.block_on(column))
    learnt = linker.misc.save_model_to_json(out_path=None)
    return ModelSpec(
        model=model,
        object=item.name,
        records=len(rows),
        chance=_share(learnt["probability_two_random_records_match"]),
        fields={one.field: list(_levels(one, learnt)) for one in rule.similar},
    )


def write_model(model: ModelSpec) -> str:
    """Give the text of a model's spec."""
    lines = [
        "# Written by `syncline identity train`: what a rule of probability has learnt.",
        f"model: {model.model}",
        f"object: {model.object}",
        *([f"records: {model.records}"] if model.records is not None else []),
        f"chance: {model.chance:f}",
        "fields:",
    ]
    for name, levels_ in model.fields.items():
        lines.append(f"  {name}:")
        lines += [f"    - {{way: {level.way}, m: {level.m:f}, u: {level.u:f}}}" for level in levels_]
    return "\n".join(lines) + "\n"


def _splink() -> Any:
    try:
        import splink
        import splink.comparison_level_library
        import splink.comparison_library
    except ModuleNotFoundError as error:
        raise UsageError(
            f"training a model needs Splink, which is not installed here ({error.name} is missing)",
            mend="pip install 'syncline[splink]'",
        ) from None
    return splink


def _tells(one: Likeness, item: ResolvedObject) -> bool:
    field = item.field(one.field)
    return field is not None and not is_shared(field)


def _column(one: Likeness, named: dict[Feature, str]) -> str:
    """Give the column by whose equal values records meet while a model learns."""
    return next(
        column
        for feature, column in named.items()
        if (feature.field, feature.placeholders) == (one.field, one.placeholders)
    )


def _comparison(splink: Any, one: Likeness, item: ResolvedObject, named: dict[Feature, str]) -> Any:
    """Describe the levels of a field; their names are those that a model's spec has."""
    library = splink.comparison_level_library
    column = _column(one, named)
    made = [
        library.CustomLevel(_over_pairs(scalar(condition), item, named), label_for_charts=way)
        for way, condition in zip(levels_of(one), levels(one, item), strict=False)
    ]
    return splink.comparison_library.CustomComparison(
        output_column_name=one.field, comparison_levels=[library.NullLevel(column), *made, library.ElseLevel()]
    )


def _over_pairs(condition: str, item: ResolvedObject, named: dict[Feature, str]) -> str:
    """Say a condition over two records in Splink's columns, which are texts."""
    for side in ("l", "r"):
        for feature, column in named.items():
            field = item.field(feature.field)
            assert field is not None  # checked where rules are resolved
            own = f'"{column}_{side}"'
            if feature.form == "raw":
                own = f"CAST({own} AS {b.sql_type(field.type)})"
            condition = condition.replace(scalar(b.col(side, feature.column)), own)
    return condition


def _levels(one: Likeness, learnt: dict[str, Any]) -> Iterator[LevelSpec]:
    """Give what was learnt of each level; one that no pair showed says nothing."""
    comparison = next(each for each in learnt["comparisons"] if each["output_column_name"] == one.field)
    told = [level for level in comparison["comparison_levels"] if not level.get("is_null_level")]
    for way, level in zip(levels_of(one), told, strict=True):
        m, u = level.get("m_probability"), level.get("u_probability")
        known = m is not None and u is not None
        yield LevelSpec(way=way, m=_share(m if known else 0.5), u=_share(u if known else 0.5))


def _share(value: float) -> Decimal:
    return Decimal(str(min(max(value, 0.0), 1.0))).quantize(DIGITS)
