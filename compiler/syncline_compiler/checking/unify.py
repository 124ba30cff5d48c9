"""The one type that several values share: branches of a case, sides of a comparison, alternatives of ``??``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from syncline_compiler.functions.kinds import TEXTUAL
from syncline_compiler.functions.numbers import MOST_DIGITS, digits
from syncline_compiler.model.types import INT, NULL, Type


def common(types: Sequence[Type]) -> Type | None:
    """Give the type that can hold values of all these types; None if there is none. Null if any of them may be."""
    nullable = any(one.nullable for one in types)
    known = [one.present() for one in types if one.kind not in {"null", "unknown"}]
    if not known:
        return NULL
    made = known[0]
    for other in known[1:]:
        joined = _joined(made, other)
        if joined is None:
            return None
        made = joined
    return made.or_null() if nullable else made


def _joined(left: Type, right: Type) -> Type | None:
    if left == right:
        return left
    if left.kind in TEXTUAL and right.kind in TEXTUAL:
        lengths = (left.length, right.length)
        text = Type("text", length=max(one for one in lengths if one) if all(lengths) else None)
        return replace(left, length=None) if left.kind == right.kind != "text" else text
    if {left.kind, right.kind} == {"int"}:
        return INT
    if {left.kind, right.kind} <= {"int", "decimal"}:
        (p1, s1), (p2, s2) = digits(left), digits(right)
        scale = max(s1, s2)
        return Type("decimal", precision=min(max(p1 - s1, p2 - s2) + scale, MOST_DIGITS), scale=scale)
    same = left.kind == right.kind and left.name == right.name
    return left if same else None
