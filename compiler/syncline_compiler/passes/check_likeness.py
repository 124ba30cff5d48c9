"""Check rules of likeness: whether they can find anybody, and say something that an earlier rule does not.

In: objects. Diagnostics: SYN0610 … SYN0612.
Invariant (of a project without these): every rule can hold for some pair, and no rule compares every record with every other.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from syncline_compiler.blocking import SPELLED_KINDS, blocks_of
from syncline_compiler.diagnostics.diagnostic import Collector
from syncline_compiler.model.resolved import IdentityRule, Likeness, ResolvedObject

COUNTED_KINDS = frozenset({"int", "decimal", "date"})
"""Kinds of which it makes sense to say how far two values lie apart."""
WRITTEN_KINDS = SPELLED_KINDS | {"date"}
SHORTEST = 0.5
"""A likeness of spelling below which any two words are alike."""


def check_likeness(objects: Mapping[str, ResolvedObject], diagnostics: Collector) -> None:
    """Check the identity rules of every object."""
    for item in objects.values():
        for place, rule in enumerate(item.identity):
            wrong = next(_senseless(rule, item), None)
            if wrong is not None:
                diagnostics.report("SYN0610", rule.span, label=wrong[0], help=wrong[1])
            elif rule.similar and not blocks_of(rule, item):
                _report_unblocked(rule, diagnostics)
            else:
                _check_turn(rule, item.identity[:place], diagnostics)


def _senseless(rule: IdentityRule, item: ResolvedObject) -> Iterator[tuple[str, str]]:
    """Say what a rule asks for that no pair of records can have, or that every pair has, and the mend."""
    for one in rule.similar:
        yield from _unfit(one, item)
    similar = [one.field for one in rule.similar]
    if rule.at_least is not None and rule.at_least > len(similar):
        yield (
            f"{rule.at_least} fields have to be alike, and {len(similar)} are named",
            "name more fields, or ask for fewer",
        )
    if rule.may_differ is not None and rule.at_least is None:
        yield "`may_differ` alone joins records that have nothing in common", "say how many are alike: `at_least: 3`"
    if rule.closest and (not similar or rule.then != "link"):
        yield "there is nothing of which the closest could be taken", "leave `closest` out"
    if both := sorted(set(similar) & set(rule.same)):
        yield f"`{both[0]}` is equal already, by `same`", "name it once"
    if rule.swapped and (len(set(rule.swapped)) != 2 or not set(rule.swapped) <= set(similar)):
        yield (
            "two fields are exchanged with each other, and both have to be similar ones",
            "name two fields of `similar`",
        )
    elif rule.swapped and len({_kind(name, item) for name in rule.swapped}) > 1:
        yield (
            "these two are of different types, and nobody exchanges them",
            "name two fields that hold the same kind of value",
        )
    if (
        similar
        and rule.at_least is None
        and rule.probability is None
        and not rule.same
        and all(one.missing for one in rule.similar)
    ):
        yield "every field may be missing: records without any of them would be one", "let one of them be there"


def _unfit(one: Likeness, item: ResolvedObject) -> Iterator[tuple[str, str]]:
    kind = _kind(one.field, item)
    for way, amount in one.ways:
        fit = COUNTED_KINDS if way == "within" else WRITTEN_KINDS
        if kind != "unknown" and way != "exact" and kind not in fit:
            yield (
                f"`{way}` says nothing of `{one.field}`, which is of type {kind}",
                f"compare it as it is: `{one.field}: exact`",
            )
        if (way == "jaro_winkler" and float(amount) <= SHORTEST) or (way == "words" and float(amount) == 0):
            yield f"with {amount}, any two values of `{one.field}` are alike", "ask for more: 0.9 lets slips pass"


def _kind(name: str, item: ResolvedObject) -> str:
    field = item.field(name)
    return field.type.kind if field is not None else "unknown"


def _report_unblocked(rule: IdentityRule, diagnostics: Collector) -> None:
    diagnostics.report(
        "SYN0611", rule.span, label="by these fields, every record would be compared with every other",
        help="add a field by whose values, or their beginnings, records meet: a name, an address, a number",
    )  # fmt: skip


def _check_turn(rule: IdentityRule, earlier: tuple[IdentityRule, ...], diagnostics: Collector) -> None:
    """Check that no earlier rule takes everything that this one would."""
    for one in earlier:
        if one.unless is None and one.then != "create" and _covers(one, rule):
            diagnostics.report(
                "SYN0612", rule.span, label="an earlier rule decides all that this one could",
                secondary=[(one.span, "which asks for less")],
                help="put the rule that asks for more first, or leave it out",
            )  # fmt: skip
            return


def _covers(wide: IdentityRule, narrow: IdentityRule) -> bool:
    if wide.probability is not None:
        return False
    if not set(wide.same) <= set(narrow.same):
        return False
    if not wide.similar:
        return True
    alike = set(map(_asked, wide.similar)) <= set(map(_asked, narrow.similar)) and not narrow.swapped
    return alike and wide.at_least is None and narrow.at_least is None and not wide.closest


def _asked(one: Likeness) -> tuple[object, ...]:
    return (one.field, one.ways, one.missing, one.placeholders)
