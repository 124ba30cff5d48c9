"""Which seeds play together, and in which project."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final, TypeVar

T = TypeVar("T")

LANES: Final = 50
"""Seeds side by side in one world: a run costs little more with them than with one."""


def worlds(first: int, seeds: int, lanes: int = LANES) -> Iterator[tuple[int, ...]]:
    """Give the seeds of each world."""
    for start in range(first, first + seeds, lanes):
        yield tuple(range(start, min(start + lanes, first + seeds)))


def chosen(made: Sequence[T], seeds: Sequence[int]) -> T:
    """Give the project in which a world plays."""
    return made[seeds[0] // len(seeds) % len(made)]
