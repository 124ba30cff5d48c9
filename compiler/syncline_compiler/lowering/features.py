"""Features: the forms of a record's values that rules of likeness compare, made once per record.

In: identity rules. Out: columns ``like.FORM.FIELD`` of whatever relation holds canonical values.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from syncline_compiler.blocking import Part, blocks_of
from syncline_compiler.lowering import build as b
from syncline_compiler.lowering.slots import MemberSlots
from syncline_compiler.model import ir
from syncline_compiler.model.resolved import IdentityRule, Likeness, ResolvedObject
from syncline_runtime.frozen import dataclass

At = Callable[[str], ir.Scalar]  # the value of a canonical field


@dataclass(frozen=True)
class Feature:
    """A form of a field's value that is made once per record: ``text``, ``plain``, ``sounds`` or ``raw``."""

    form: str
    field: str
    placeholders: tuple[str, ...] = ()

    @property
    def column(self) -> str:
        """Give the column that holds it."""
        return "like." + ".".join((self.form, self.field, *self.placeholders))

    def of(self, at: At) -> ir.Scalar:
        """Give its value where ``at`` gives the canonical fields."""
        value = at(self.field)
        if self.placeholders:
            # a placeholder is one in whatever spelling
            listed = [b.call("PLAIN", b.text(text)) for text in self.placeholders]
            value = b.when((b.negated(b.holds(b.call("IN", b.call("PLAIN", value), *listed))), value))
        match self.form:
            case "raw":
                return value
            case "text":
                return b.call("TEXT", value)
            case "plain":
                return b.call("PLAIN", value)
            case _:
                return b.call("SOUNDS", b.call("PLAIN", value))


FORM_OF_WAY = {
    "exact": "text", "jaro_winkler": "plain", "edits": "plain", "words": "plain", "sounds": "sounds", "within": "raw",
}  # fmt: skip


def features_of(rules: Sequence[IdentityRule], item: ResolvedObject) -> tuple[Feature, ...]:
    """Give what rules of likeness need of a record, each once."""
    found: dict[Feature, None] = {}
    for rule in rules:
        for one in rule.similar:
            found |= {feature_of(FORM_OF_WAY[kind], one): None for kind, _ in one.ways}
        for block in blocks_of(rule, item):
            found |= {feature: None for part in block for feature in features_in(part, rule)}
    return tuple(found)


def feature_columns(
    features: Sequence[Feature], item: ResolvedObject, at: At, member: MemberSlots | None
) -> ir.Columns:
    """Give the columns of features; null for fields that the member does not read."""
    made = []
    for feature in features:
        field = item.field(feature.field)
        assert field is not None  # checked where rules are resolved
        there = member is None or member.reads(feature.field)
        none = b.null(b.sql_type(field.type) if feature.form == "raw" else "VARCHAR")
        made.append((feature.column, feature.of(at) if there else none))
    return tuple(made)


def feature_of(form: str, one: Likeness) -> Feature:
    """Give a form of a field that is compared."""
    return Feature(form, one.field, one.placeholders)


def features_in(part: Part, rule: IdentityRule) -> Iterator[Feature]:
    """Give what a part of a block is made of."""
    form = part.form if part.form in ("text", "sounds") else "plain"
    placeholders = {one.field: one.placeholders for one in rule.similar}
    yield from (Feature(form, name, placeholders.get(name, ())) for name in part.fields)
