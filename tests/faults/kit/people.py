"""People who work in the systems, and what their work must have come to in the end.

In: draws of a seed. Out: records made, changed and deleted by hand, and per record what may stand in each field once all is
settled: what the owner's people said last, or, where they never said anything, what others said.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from random import Random
from typing import Final

from faults.kit.chance import Chance
from faults.kit.far import FarSide

OWNERS: Final = {"name": "a", "note": "b"}


@dataclass
class Thing:
    """A record as people know it."""

    key: str
    said: dict[tuple[str, str], list[str | None]] = field(default_factory=dict)  # (field, system) → values, in order
    gone: bool = False
    since: int = 0  # runs that had seen everything when it was made

    def allowed(self, name: str) -> set[str | None]:
        """Give the values that may stand in a field; an owner who began with nothing may have been given something."""
        owner = OWNERS[name]
        mine = self.said.get((name, owner), [])
        if mine and mine != [None]:
            return {mine[-1]}
        others = {
            value for (of, by), values in self.said.items() if (of, by == owner) == (name, False) for value in values
        }
        return others | {*mine} or {None}


class People:
    """All who work on the records of one seed."""

    def __init__(self, seed: int, chance: Chance, far: Mapping[str, FarSide]) -> None:
        self.seed, self.far = seed, far
        self._chance, self._rounds, self._runs, self._values = chance, 0, 0, 0
        self.things: list[Thing] = []

    def work(self, runs: int) -> list[str]:
        """Do what people do between two runs, after so many that saw everything; tells it."""
        self._rounds, self._runs = self._rounds + 1, runs
        random = self._chance.of("people", self.seed, self._rounds)
        told = []
        if self._rounds == 1 or random.random() < 0.2:
            told.append(self._make(random))
        for thing in self.things:
            told += [words for words in self._change(thing, random) if words]
        return told

    def _make(self, random: Random) -> str:
        thing = Thing(f"{self.seed}-{len(self.things)}", since=self._runs)
        self.things.append(thing)
        where = random.choices(["a", "b", "ab"], [5, 3, 2])[0]
        for system in where:
            natives = {name: self._value(system) if random.random() < 0.8 else None for name in OWNERS}
            self.far[system].edit("POST", "", key=thing.key, **natives)
            for name, value in natives.items():
                thing.said.setdefault((name, system), []).append(value)
        return f"{thing.key} is made in {where}"

    def _change(self, thing: Thing, random: Random) -> list[str]:
        if thing.gone:
            return []
        told = [
            self._edit(thing, name, system)
            for name, owner in OWNERS.items()
            for system in "ab"
            if random.random() < (0.3 if system == owner else 0.12)
        ]
        if thing.since < self._runs and random.random() < 0.05 and (there := self.far["a"].of(thing.key)):
            thing.gone = True
            self.far["a"].edit("DELETE", there[0].native_id)
            told.append(f"{thing.key} is deleted in a")
        return told

    def _edit(self, thing: Thing, name: str, system: str) -> str:
        there = self.far[system].of(thing.key)
        if not there:
            return ""
        value = self._value(system)
        self.far[system].edit("PATCH", there[0].native_id, **{name: value})
        thing.said.setdefault((name, system), []).append(value)
        return f"{thing.key}: {name} = {value} in {system}"

    def _value(self, system: str) -> str:
        self._values += 1
        return f"{system}{self._values}"
