"""Alike: how a rule of likeness compares the fields of two records.

In: what a rule says of a field; a pair of records, ``l`` and ``r``, in their features. Out: conditions and measures over the
two. Invariant: what is missing on a side is neither alike nor another.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from syncline_compiler.lowering import build as b
from syncline_compiler.lowering.features import FORM_OF_WAY, feature_of
from syncline_compiler.model import ir
from syncline_compiler.model.resolved import IdentityRule, Likeness, ResolvedObject
from syncline_runtime.frozen import dataclass


def levels(one: Likeness, item: ResolvedObject) -> list[ir.Scalar]:
    """Give the condition, over ``l`` and ``r``, of each way in which the values of a field may be alike."""
    return ComparedField.of(one, item).ways("l", one, "r", one)


@dataclass(frozen=True)
class ComparedField:
    """One field of a pair, ``l`` and ``r``."""

    one: Likeness
    days: bool  # it holds dates

    @classmethod
    def of(cls, one: Likeness, item: ResolvedObject) -> ComparedField:
        """Take a field of an object as a rule speaks of it."""
        field = item.field(one.field)
        return cls(one, field is not None and field.type.kind in ("date", "instant"))

    def alike(self, rule: IdentityRule) -> tuple[ir.Scalar, ir.Scalar, Likeness]:
        """Whether the values are alike, and whether both are there."""
        straight = self._ways("l", self.one, "r", self.one)
        if self.one.field in rule.swapped:
            others = [one for one in rule.similar if one.field in rule.swapped and one.field != self.one.field]
            crossed = [
                b.all_of([self._ways("l", self.one, "r", other), self._ways("l", other, "r", self.one)])
                for other in others
            ]
            straight = b.any_of([straight, *crossed])
        return b.holds(straight), self._both, self.one

    @property
    def _both(self) -> ir.Scalar:
        feature = feature_of(FORM_OF_WAY[self.one.ways[0][0]], self.one).column
        return b.all_of([b.present(b.col("l", feature)), b.present(b.col("r", feature))])

    def weight(self, weights: Sequence[str]) -> ir.Scalar:
        """Give what the values say: the weight of the first way in which they are alike; nothing where one is missing."""
        amounts = [ir.Value(weight, "DOUBLE") for weight in weights]
        ways = zip(self.ways("l", self.one, "r", self.one), amounts, strict=False)  # the last is of none of them
        return b.when((b.negated(self._both), ir.Value("0", "DOUBLE")), *ways, default=amounts[-1])

    def _ways(self, left: str, one: Likeness, right: str, other: Likeness) -> ir.Scalar:
        return b.any_of(self.ways(left, one, right, other))

    def ways(self, left: str, one: Likeness, right: str, other: Likeness) -> list[ir.Scalar]:
        """Give the condition of each way in which the values may be alike."""
        made = []
        for kind, amount in self.one.ways:
            form = FORM_OF_WAY[kind]
            columns = b.col(left, feature_of(form, one).column), b.col(right, feature_of(form, other).column)
            made.append(_alike(kind, amount, *columns, days=self.days))
        return made

    @property
    def measure(self) -> ir.Scalar:
        """How alike the values are, from 0 to 1, as they are spelled."""
        columns = [b.col(side, feature_of("plain", self.one).column) for side in ("l", "r")]
        spelled = any(FORM_OF_WAY[kind] == "plain" for kind, _ in self.one.ways)
        alike = b.when((self._ways("l", self.one, "r", self.one), ir.Value(1)), default=ir.Value(0))
        return b.call("COALESCE", b.call("JARO WINKLER", *columns), ir.Value(0)) if spelled else alike


def _alike(kind: str, amount: str, left: ir.Scalar, right: ir.Scalar, *, days: bool) -> ir.Scalar:
    match kind:
        case "exact" | "sounds":
            return b.equal(left, right)
        case "jaro_winkler":
            return b.call(">=", b.call("JARO WINKLER", left, right), ir.Value(amount, "DOUBLE"))
        case "edits":
            return b.call("FEW EDITS", left, right, ir.Value(int(amount)))
        case "words":
            return b.call(">=", b.call("SHARED WORDS", left, right), ir.Value(amount, "DOUBLE"))
        case _:
            apart = ir.Call("APART", (left, right), (("type", "days" if days else "number"),))
            return b.call("<=", apart, ir.Value(amount, "DOUBLE"))


def enough(rule: IdentityRule, fields: Sequence[ComparedField]) -> Iterator[ir.Scalar]:
    """Give the conditions under which a pair is alike in as many fields as a rule wants."""
    found = [one.alike(rule) for one in fields]
    if rule.at_least is None and rule.may_differ is None:
        for alike, both, one in found:
            yield b.any_of([alike, b.negated(both)]) if one.missing else alike
        return
    if rule.at_least is not None:
        yield b.call(">=", _number_of([alike for alike, _, _ in found]), ir.Value(rule.at_least))
    if rule.may_differ is not None:
        differ = [b.all_of([both, b.negated(alike)]) for alike, both, _ in found]
        yield b.call("<=", _number_of(differ), ir.Value(rule.may_differ))


def _number_of(conditions: Sequence[ir.Scalar]) -> ir.Scalar:
    return b.call(
        "+", *(b.when((condition, ir.Value(1)), default=ir.Value(0)) for condition in conditions), ir.Value(0)
    )
