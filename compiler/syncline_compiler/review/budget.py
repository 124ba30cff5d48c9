"""Budgets: what a review may find before it fails, such as ``rewrites > 2%``.

In: texts of specs or flags, what was found. Out: ``Budget``. A share is one of all records that are known.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal

from syncline_compiler.quantities import check_budget
from syncline_compiler.review.report import Budget, Review
from syncline_runtime.impact import Impact, MemberImpact

_OF_DATA: Mapping[str, Callable[[MemberImpact], int]] = {
    "creates": lambda one: one.created,
    "rewrites": lambda one: one.written,
    "deletes": lambda one: one.deleted,
    "rejects": lambda one: one.rejected,
    "reviews": lambda one: one.review,
    "calls": lambda one: one.calls,
}
_OF_SPECS: Mapping[str, Callable[[Review], int]] = {
    "breaking": lambda review: sum(finding.is_grave for finding in review.findings),
    "changes": lambda review: len(review.findings),
    "warnings": lambda review: review.diagnostics.warnings,
}


def kept_budgets(texts: Iterable[str], review: Review) -> tuple[Budget, ...]:
    """Hold a review against its budgets."""
    return tuple(_kept(check_budget(text), review) for text in dict.fromkeys(texts))


def _kept(text: str, review: Review) -> Budget:
    measure, sign, limit = text.split(" ")
    if measure in _OF_SPECS:
        found: Decimal | None = Decimal(_OF_SPECS[measure](review))
    else:
        found = Decimal(0) if review.is_unchanged else _found(review.impact, measure, share=limit.endswith("%"))
    if found is None:
        return Budget(text, None, None)
    most = Decimal(limit.rstrip("%"))
    return Budget(text, float(found), not (found > most or (sign == ">=" and found == most)))


def _found(impact: Impact | None, measure: str, *, share: bool) -> Decimal | None:
    if impact is None:
        return None
    counted = Decimal(sum(_OF_DATA[measure](one) for one in impact.members))
    if not share:
        return counted
    return round(counted * 100 / impact.records, 3) if impact.records else Decimal(100 if counted else 0)
