"""Which seeds play together, and in which project."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

LANES: Final = 50
"""Seeds side by side in one world: a run costs little more with them than with one."""


def worlds(first: int, seeds: int, lanes: int = LANES) -> Iterator[tuple[int, ...]]:
    """Give the seeds of each world."""
    for start in range(first, first + seeds, lanes):
        yield tuple(range(start, min(start + lanes, first + seeds)))
