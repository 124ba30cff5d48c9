"""Guesses what was meant: the known name nearest to one that nobody knows, and whether that is certain."""

from __future__ import annotations

import difflib
import heapq
import re
from collections.abc import Collection, Iterable

from syncline_runtime.frozen import dataclass

SHOWN = 8
SHORTEST = 4
"""A word shorter than this is a slip of too many others: `crm` and `erm`, `tax` and `fax`."""


@dataclass(frozen=True)
class Remedy:
    """What to do about a word, in words; ``meant`` takes its place where that is certain."""

    text: str
    word: str
    meant: str | None = None

    def __str__(self) -> str:
        return self.text


def nearest(name: str, known: Iterable[str]) -> str | None:
    """Find the known name most like ``name``, whatever its case; None if none is near."""
    folded = {candidate.casefold(): candidate for candidate in sorted(known, reverse=True)}
    found = difflib.get_close_matches(name.casefold()[:100], folded, n=1, cutoff=0.6)
    return folded[found[0]] if found else None


def certain(name: str, known: Iterable[str]) -> str | None:
    """Find the one known name that ``name`` is a slip of: another case, or one letter; None if there is any doubt."""
    names = set(known)
    same = [candidate for candidate in names if _bare(candidate) == _bare(name)]
    if same or not name:
        return same[0] if len(same) == 1 else None
    near = [candidate for candidate in names if abs(len(candidate) - len(name)) <= 2 and _slips(name, candidate) <= 2]
    return near[0] if len(near) == 1 and _is_one_slip(name, near[0]) else None


@dataclass(frozen=True)
class Guess:
    """A remedy still to be found among the known names; finding it takes work in proportion to ``effort``."""

    word: str
    known: Collection[str]
    kind: str
    taken: Collection[str] = ()

    @property
    def effort(self) -> int:
        """How many names are compared."""
        return len(self.known)

    def __str__(self) -> str:
        return self._said(nearest(self.word, self.known))

    def remedy(self, *, looking: bool = True) -> Remedy:
        """Say what was probably meant, or else, and if nobody has time for ``looking``, what there is."""
        guess = nearest(self.word, self.known) if looking else None
        sure = certain(self.word, self.known) if guess is not None else None
        return Remedy(self._said(guess), self.word, sure if sure == guess and sure not in self.taken else None)

    def _said(self, guess: str | None) -> str:
        if guess is not None:
            return f"did you mean `{guess}`?"
        if not self.known:
            return f"there are no {self.kind} yet"
        shown = ", ".join(f"`{name}`" for name in heapq.nsmallest(SHOWN, self.known))
        more = f" and {len(self.known) - SHOWN} more" if len(self.known) > SHOWN else ""
        return f"known {self.kind}: {shown}{more}"


Advice = str | Remedy | Guess
"""What to do, in words or still to be found."""


def did_you_mean(name: str, known: Iterable[str], *, kind: str, taken: Iterable[str] = ()) -> Guess:
    """Guess what was meant; ``kind`` is the plural of the thing, "connections".

    A name that is ``taken`` may be told, and is never certain to be meant once more.
    """
    return Guess(name, known if isinstance(known, Collection) else tuple(known), kind, frozenset(taken))


def _bare(name: str) -> str:
    return re.sub(r"[\s_-]", "", name.casefold())


def _is_one_slip(name: str, candidate: str) -> bool:
    """Tell whether one letter was missed, doubled, changed or exchanged in one long word; digits are never slips."""
    words, meant = name.casefold().split("_"), candidate.casefold().split("_")
    if len(words) != len(meant):
        return False
    differing = [(word, other) for word, other in zip(words, meant, strict=True) if word != other]
    if (
        len(differing) != 1
        or len(differing[0][1]) < SHORTEST
        or re.findall(r"\d", name) != re.findall(r"\d", candidate)
    ):
        return False
    return _slips(*differing[0]) == 1


def _slips(one: str, other: str) -> int:
    """Count letters missed, doubled, changed or exchanged with the next between two names, whatever their case."""
    one, other = one.casefold(), other.casefold()
    before: list[int] = []
    last = list(range(len(other) + 1))
    for row, letter in enumerate(one, 1):
        line = [row]
        for column, wanted in enumerate(other, 1):
            least = min(last[column] + 1, line[-1] + 1, last[column - 1] + (letter != wanted))
            if row > 1 and column > 1 and letter == other[column - 2] and one[row - 2] == wanted:
                least = min(least, before[column - 2] + 1)
            line.append(least)
        before, last = last, line
    return last[-1]
