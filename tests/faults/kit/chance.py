"""Chance: streams of draws that depend on a seed and on what they are drawn for, and on nothing else.

Invariant: asking for another stream, or more of one, changes no other; so one story can be told again alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from random import Random
from typing import Any, TypeVar

T = TypeVar("T")


class Chance:
    """The draws of one seed."""

    def __init__(self, seed: object) -> None:
        self.seed = seed

    def of(self, *words: object) -> Random:
        """Give the stream for a purpose."""
        return Random("/".join(map(str, (self.seed, *words))))


def one_of(random: Random, weights: Mapping[T, int]) -> T:
    """Draw by weight."""
    return random.choices(list(weights), list(weights.values()))[0]


def drawn(random: Random, share: float, value: Any) -> Any:
    """Give the value in this share of all cases, else None."""
    return value if random.random() < share else None
