"""Features: the forms of a record's values that rules of likeness compare, made once per record.

In: identity rules. Out: columns ``like.FORM.FIELD`` of whatever relation holds canonical values. All values of a record
are spelled plainly at once: the engine plans that for one list, where it would plan it for every field.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property

from syncline_compiler.blocking import Part, blocks_of
from syncline_compiler.lowering import build as b
from syncline_compiler.lowering.slots import MemberSlots
from syncline_compiler.model import ir
from syncline_compiler.model.resolved import IdentityRule, Likeness, ResolvedObject
from syncline_runtime.frozen import dataclass

SPELLED = "like.spelled"  # a record's values as they are spelled plainly, in a list


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

    @property
    def spelled(self) -> bool:
        """Whether the value has to be spelled plainly for it."""
        return self.form in ("plain", "sounds") or bool(self.placeholders)

    def of(self, value: ir.Scalar, plain: ir.Scalar) -> ir.Scalar:
        """Give it of a value, and of the value spelled plainly."""
        match self.form:
            case "raw":
                made = value
            case "text":
                made = b.call("TEXT", value)
            case "plain":
                made = plain
            case _:
                made = b.call("SOUNDS", plain)
        if not self.placeholders:
            return made
        # a placeholder is one in whatever spelling
        listed = [b.call("PLAIN", b.text(text)) for text in self.placeholders]
        return b.when((b.negated(b.holds(b.call("IN", plain, *listed))), made))


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


@dataclass(frozen=True)
class Featured:
    """Records with their features: of a member, or, without one, of those that are known."""

    features: tuple[Feature, ...]
    item: ResolvedObject
    member: MemberSlots | None = None

    def source(self, relation: str, alias: str) -> ir.Source | ir.Inner:
        """Give the relation that holds the canonical fields, beside them all that is spelled plainly."""
        source = ir.Source(relation, alias)
        if not self._spelled:
            return source
        plain = b.call("PLAIN EACH", *(b.col(alias, name) for name in self._spelled))
        return ir.Inner(ir.Select((ir.All(alias), (SPELLED, plain)), source), alias)

    def columns(self, alias: str) -> ir.Columns:
        """Give the columns of features; null for fields that the member does not read."""
        return tuple((feature.column, self._of(feature, alias)) for feature in self.features)

    def _of(self, feature: Feature, alias: str) -> ir.Scalar:
        field = self.item.field(feature.field)
        assert field is not None  # checked where rules are resolved
        if not self._reads(feature):
            return b.null(b.sql_type(field.type) if feature.form == "raw" else "VARCHAR")
        place = ir.Value(self._spelled.index(feature.field) + 1 if feature.spelled else 0)
        return feature.of(b.col(alias, feature.field), b.call("ELEMENT", b.col(alias, SPELLED), place))

    def _reads(self, feature: Feature) -> bool:
        return self.member is None or self.member.reads(feature.field)

    @cached_property
    def _spelled(self) -> tuple[str, ...]:
        """The fields of which the relation holds plain values, each once."""
        return tuple(dict.fromkeys(one.field for one in self.features if one.spelled and self._reads(one)))


def feature_of(form: str, one: Likeness) -> Feature:
    """Give a form of a field that is compared."""
    return Feature(form, one.field, one.placeholders)


def features_in(part: Part, rule: IdentityRule) -> Iterator[Feature]:
    """Give what a part of a block is made of."""
    form = part.form if part.form in ("text", "sounds") else "plain"
    placeholders = {one.field: one.placeholders for one in rule.similar}
    yield from (Feature(form, name, placeholders.get(name, ())) for name in part.fields)
