"""The three conservation equations: nothing is silently dropped.

In: counts that were taken from separate relations. Out: nothing, or InternalError with the numbers.
Invariant: a term that is not given is 0; a name that no equation knows is an error.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping

from syncline_runtime.errors import InternalError
from syncline_runtime.ledger.facts import Count

IN = (
    ("read",),
    ("duplicate", "filtered", "left_scope", "rejected", "review", "late", "tombstone", "matched"),
)
ACROSS = (("candidates",), ("unchanged", "held", "new_intents"))
OUT = (("open_before", "new"), ("acked", "rejected", "waived", "superseded", "dead", "open_after"))
_Sides = tuple[tuple[str, ...], tuple[str, ...]]
_Terms = dict[tuple[str, str], Counter[str]]


def check_in(counts: Iterable[Count]) -> None:
    """Per sync and resource: read = duplicate + filtered + … + matched."""
    for place, terms in _grouped(counts, "in").items():
        _check("in", IN, place, terms)


def check_across(counts: Iterable[Count], sealed: Mapping[tuple[str, str], int]) -> None:
    """Per sync and connection: candidates = unchanged + held + new intents, and the new intents are those sealed.

    ``sealed`` holds the number of intents of origin ``merge`` per (sync, connection), counted as they were written.
    """
    found = _grouped(counts, "across")
    for place, terms in found.items():
        _check("across", ACROSS, place, terms)
    for place in {*found, *sealed}:
        said, made = found.get(place, Counter())["new_intents"], sealed.get(place, 0)
        if said != made:
            raise _unequal("across", place, f"{said} new intents counted, {made} sealed")


def check_out(counts: Iterable[Count]) -> None:
    """Per sync and connection: open before + new = acked + … + open after."""
    for place, terms in _grouped(counts, "out").items():
        _check("out", OUT, place, terms)


def unequal(counts: Iterable[Count]) -> list[str]:
    """Say which equations the stored counts of a closed run break; a run that broke one was never closed."""
    kept = list(counts)
    found = []
    for equation, sides in (("in", IN), ("across", ACROSS), ("out", OUT)):
        for place, terms in _grouped(kept, equation).items():
            try:
                _check(equation, sides, place, terms)
            except InternalError as error:
                found.append(f"{' '.join(place)}: {error.message}")
    return found


def _grouped(counts: Iterable[Count], equation: str) -> _Terms:
    found: _Terms = defaultdict(Counter)
    for one in counts:
        if one.equation == equation:
            found[one.sync, one.subject][one.name] += one.value
    return found


def _check(equation: str, sides: _Sides, place: tuple[str, str], terms: Counter[str]) -> None:
    unknown = sorted(set(terms) - {*sides[0], *sides[1]})
    if unknown:
        raise _unequal(equation, place, f"{unknown[0]!r} is no term of it")
    left, right = (sum(terms[name] for name in side) for side in sides)
    if left != right:
        written = [" + ".join(f"{name} {terms[name]}" for name in side) for side in sides]
        raise _unequal(equation, place, f"{written[0]} make {left}, but {written[1]} make {right}")


def _unequal(equation: str, place: tuple[str, str], what: str) -> InternalError:
    return InternalError(
        f"the equation {equation!r} does not hold: {what}",
        place=" ".join(place),
        mend="nothing was recorded; please report this as a bug, with the numbers",
    )
