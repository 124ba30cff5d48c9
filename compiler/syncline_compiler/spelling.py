"""Guesses what was meant: the known name nearest to one that nobody knows."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

SHOWN = 8


def nearest(name: str, known: Iterable[str]) -> str | None:
    """Find the known name most like ``name``, whatever its case; None if none is near."""
    folded = {candidate.casefold(): candidate for candidate in sorted(known, reverse=True)}
    found = difflib.get_close_matches(name.casefold()[:100], folded, n=1, cutoff=0.6)
    return folded[found[0]] if found else None


def did_you_mean(name: str, known: Iterable[str], *, kind: str) -> str:
    """Say what was probably meant, or else what there is; ``kind`` is the plural of the thing, "connections"."""
    names = sorted(known)
    guess = nearest(name, names)
    if guess is not None:
        return f"did you mean `{guess}`?"
    if not names:
        return f"there are no {kind} yet"
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return f"known {kind}: {', '.join(f'`{known_name}`' for known_name in names[:SHOWN])}{more}"
