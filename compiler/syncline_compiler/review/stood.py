"""Which warnings stood before a change: the other side has them too, wherever in their file.

In: the diagnostics of both sides. Out: warnings of this side. Invariant: of equal warnings no more stood before than the other side
has; a mistake is always told.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterable

from syncline_compiler.diagnostics.diagnostic import Diagnostic


def stood_before(before: Iterable[Diagnostic], after: Iterable[Diagnostic]) -> frozenset[Diagnostic]:
    """Give the warnings that the change does not bring."""
    known = Counter(map(said_of, before))
    found = set()
    for one in after:
        if one.severity == "warning" and known[said_of(one)]:
            known[said_of(one)] -= 1
            found.add(one)
    return frozenset(found)


def said_of(one: Diagnostic) -> Hashable:
    """Give what a warning says, without the lines that a change above it moves."""
    return one.code, one.rule, one.about, one.severity, one.span.path, one.label, one.details, len(one.again)
