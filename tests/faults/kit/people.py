"""People who work in the systems, and what their work must have come to in the end.

In: draws of a seed. Out: records made, changed and deleted by hand, and per record what may stand in each field once all is
settled: what the owner's people said last, or, where they never said anything, what others said.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from random import Random

from faults.kit.chance import Chance
from faults.kit.far import FarSide
from faults.kit.specs import Pipeline


@dataclass
class Thing:
    """A record as people know it."""

    key: str
    said: dict[tuple[str, str], list[str | None]] = field(default_factory=dict)  # (field, system) → values, in order
    gone: bool = False
    since: int = 0  # runs that had seen everything when it was made

    def say(self, name: str, system: str, value: str | None) -> None:
        """Note what people wrote into a field."""
        self.said.setdefault((name, system), []).append(value)

    def allowed(self, name: str, owner: str) -> set[str | None]:
        """Give the values that may stand in a field; an owner with nothing in it may have been given something."""
        mine = self.said.get((name, owner), [])
        if mine and mine[-1] is not None:
            return {mine[-1]}
        others = {value for (of, by), values in self.said.items() if of == name and by != owner for value in values}
        return others | {*mine} or {None}


class People:
    """All who work on the records of one seed."""

    def __init__(self, seed: int, chance: Chance, far: Mapping[str, FarSide], pipeline: Pipeline) -> None:
        self.seed, self.far, self.pipeline = seed, far, pipeline
        self._chance, self._rounds, self._runs, self._values = chance, 0, 0, 0
        self._seen = 0
        self.things: list[Thing] = []

    def work(self, runs: int, seen: int) -> list[str]:
        """Do what people do between two runs, after so many that saw everything, the last at ``seen``; tells it."""
        self._rounds, self._runs, self._seen = self._rounds + 1, runs, seen
        random = self._chance.of("people", self.seed, self._rounds)
        told = []
        if self._rounds == 1 or random.random() < 0.2:
            told.append(self._make(random))
        for thing in self.things:
            told += [words for words in self._change(thing, random) if words]
        return told

    def _make(self, random: Random) -> str:
        thing = Thing(f"{self.seed}-{len(self.things)}", since=self._runs)
        where = random.choices([*self.pipeline.originate, "ab"], [4] * len(self.pipeline.originate) + [2])[0]
        for system in where:
            natives = {}
            for name in self.pipeline.owners:
                value, native = self._value(name, system, random) if random.random() < 0.8 else (None, None)
                thing.say(name, system, value)
                natives[name] = native
            self.far[system].edit("POST", "", key=thing.key, **natives)
        self.things.append(thing)
        return f"{thing.key} is made in {where}"

    def _change(self, thing: Thing, random: Random) -> list[str]:
        if thing.gone:
            return []
        told = [
            self._edit(thing, name, system, random)
            for name, owner in self.pipeline.owners.items()
            for system in "ab"
            if random.random() < (0.3 if system == owner else 0.12)
        ]
        there = self.far["a"].of(thing.key) if thing.since < self._runs and random.random() < 0.05 else []
        # what nobody has seen cannot be missed: a record whose create was cut off, and which went before it was read
        if there and self.far["a"].there_before(there[0].native_id, self._seen):
            thing.gone = True
            self.far["a"].edit("DELETE", there[0].native_id)
            told.append(f"{thing.key} is deleted in a")
        return told

    def _edit(self, thing: Thing, name: str, system: str, random: Random) -> str:
        there = self.far[system].of(thing.key)
        if not there:
            return ""
        value, native = self._value(name, system, random)
        self.far[system].edit("PATCH", there[0].native_id, **{name: native})
        thing.say(name, system, value)
        return f"{thing.key}: {name} = {value} in {system}"

    def _value(self, name: str, system: str, random: Random) -> tuple[str | None, str | None]:
        """Make up a value: what people mean, and how it stands in the system."""
        if name not in self.pipeline.refs:
            self._values += 1
            return f"{system}{self._values}", f"{system}{self._values}"
        there = [(one.key, self.far[system].of(one.key)) for one in self.things if not one.gone]
        known = [(None, None), *((key, records[0].native_id) for key, records in there if records)]
        return random.choice(known)
