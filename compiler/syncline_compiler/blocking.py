"""Blocking: by what values two records have to meet before they are compared by a rule of likeness.

In: ``IdentityRule``, the types of its fields. Out: ``Block``s; two records are compared if they agree on all parts of one.
Comparing all with all would cost the square of their number. A block is made of what the rule itself asks for, so that
records that it would join rarely miss all of them; a value that very many records have is left out when it runs.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Literal

from syncline_compiler.model.resolved import IdentityRule, Likeness, ResolvedField, ResolvedObject
from syncline_runtime.frozen import dataclass

Form = Literal["text", "plain", "sounds", "words", "start", "end", "sorted"]
"""A value as it is · spelled plainly · as it sounds · each of its words · its first letters · last letters · sorted words."""

SHARED_KINDS = frozenset({"bool", "enum", "country", "currency", "language", "subdivision"})
"""Kinds with so few values that many records have the same."""
SPELLED_KINDS = frozenset({"text", "email", "phone", "url"})
"""Kinds whose values people type, and mistype."""


ENOUGH = 3
"""Fields whose likeness together tells people apart: two are shared by brothers, branches and namesakes."""


@dataclass(frozen=True)
class Part:
    """A form of one field, or of several read together."""

    form: Form
    fields: tuple[str, ...]


LOOSE = ("start", "end", "sounds")
Block = tuple[Part, ...]
"""Beside the fields in ``same``, which every block of a rule has."""


def is_shared(field: ResolvedField) -> bool:
    """Tell whether many records have the same; a ref says so itself where the other object sees a collection."""
    return field.type.kind in SHARED_KINDS or field.inverse is not None


def joins_by_too_little(rule: IdentityRule, item: ResolvedObject) -> bool:
    """Tell whether a rule links records without a person, and by the likeness of fewer fields than tell people apart."""
    return bool(rule.similar) and rule.then == "link" and _told_by(rule, item) < ENOUGH


def _told_by(rule: IdentityRule, item: ResolvedObject) -> int:
    """Count the fields that have to be alike and that few records share; a key among them, or a trained model, is enough."""
    if rule.probability is not None:
        return ENOUGH
    if any(not is_shared(field) for name in rule.same if (field := item.field(name)) is not None):
        return ENOUGH
    similar = [(one, field) for one in rule.similar if (field := item.field(one.field)) is not None]
    told = [one for one, field in similar if not is_shared(field)]
    if rule.at_least is not None:
        return max(0, rule.at_least - (len(similar) - len(told)))
    return sum(not one.missing for one in told)


def blocks_of(rule: IdentityRule, item: ResolvedObject) -> tuple[Block, ...]:
    """Give the blocks of a rule; none where it would have to compare every record with every other."""
    if any(_tells(name, item) for name in rule.same):
        return ((),)
    some = rule.at_least is not None or rule.probability is not None
    found = _of_some(rule, item) if some else _of_all(rule, item)
    return tuple(dict.fromkeys(found))


def _tells(name: str, item: ResolvedObject) -> bool:
    field = item.field(name)
    return field is not None and not is_shared(field)


def _of_all(rule: IdentityRule, item: ResolvedObject) -> Iterator[Block]:
    """Every field has to be alike: what has to be equal stands in each block, one form of another field beside it."""
    needed = [one for one in rule.similar if not one.missing]
    exact = [one for one in needed if _exact(one) and one.field not in rule.swapped]
    base = tuple(Part("text", (one.field,)) for one in exact)
    if any(_tells(one.field, item) for one in exact):
        yield base
        return
    for one in needed:
        if _tells(one.field, item) and not _exact(one):
            yield from ((*base, part) for part in _forms(one, item))
    yield from ((*base, part) for part in _exchanged(rule, item))


def _of_some(rule: IdentityRule, item: ResolvedObject) -> Iterator[Block]:
    """Say it where some of the fields have to be alike: each alone where its values are rare, neighbours together, roughly."""
    telling = [one for one in rule.similar if _tells(one.field, item)]
    for one in telling:
        yield from ((part,) for part in _forms(one, item) if part.form not in LOOSE or ("sounds", "") in one.ways)
    rough = [part for one in telling if (part := _rough(one, item)) is not None]
    yield from pairwise([*rough, *rough[:1]] if len(rough) > 2 else rough)
    yield from ((part,) for part in _exchanged(rule, item))


def _exact(one: Likeness) -> bool:
    return all(kind == "exact" for kind, _ in one.ways)


def _forms(one: Likeness, item: ResolvedObject) -> Iterator[Part]:
    """Give the forms by which alike values of a field meet; none of numbers that are only near each other."""
    kinds, names = {kind for kind, _ in one.ways}, (one.field,)
    if "exact" in kinds:
        yield Part("text", names)
    if kinds & {"jaro_winkler", "edits", "words"}:
        yield Part("plain", names)
    if kinds & {"jaro_winkler", "edits"} and _is_spelled(one.field, item):
        yield from (Part("start", names), Part("end", names), Part("sounds", names))
    if "sounds" in kinds:
        yield Part("sounds", names)
    if "words" in kinds:
        yield Part("words", names)


def _rough(one: Likeness, item: ResolvedObject) -> Part | None:
    kinds = {kind for kind, _ in one.ways}
    if kinds == {"within"}:
        return None
    return Part("start" if kinds != {"exact"} and _is_spelled(one.field, item) else "text", (one.field,))


def _is_spelled(name: str, item: ResolvedObject) -> bool:
    field = item.field(name)
    return field is not None and field.type.kind in SPELLED_KINDS


def _exchanged(rule: IdentityRule, item: ResolvedObject) -> Iterator[Part]:
    if len(rule.swapped) > 1 and all(_is_spelled(name, item) for name in rule.swapped):
        yield Part("sorted", rule.swapped)
