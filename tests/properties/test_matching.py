"""Laws of matching: neither the order of rows nor that of members matters, one record per system, and once is enough."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from runtime.test_likeness import Trial, person

RULES = (
    "[{same: [phone]}, {similar: {given: {edits: 1}, family: 0.85, born: exact}, swapped: [given, family]}, "
    "{similar: {given: 0.8, family: sounds, street: {words: 0.5}, phone: {edits: 1}}, at_least: 3}]"
)
NAMES = ("Jane", "Jayne", "Ann", "Anne", "Smith", "Smyth", "Lee")
rows_of = st.lists(
    st.tuples(
        st.sampled_from(NAMES), st.sampled_from(NAMES), st.sampled_from(("1980-01-02", "1990-05-06")),
        st.sampled_from((None, "555123", "555124", "777000")), st.sampled_from((None, "Main Road 1", "Road Main", "Hill 2")),
    ),
    max_size=5,
)  # fmt: skip
Rows = dict[str, list[dict[str, Any]]]
worlds = st.fixed_dictionaries({name: rows_of for name in "abc"}).filter(lambda world: any(world.values()))


def made_of(world: dict[str, list[tuple[Any, ...]]]) -> Rows:
    return {
        name: [
            person(f"{name}{n}", given, family, born=born, phone=phone, street=street)
            for n, (given, family, born, phone, street) in enumerate(rows)
        ]
        for name, rows in world.items()
    }


def matched(rows: Rows, **options: Any) -> tuple[list[set[str]], dict[str, str]]:
    with tempfile.TemporaryDirectory() as folder:
        trial = Trial(Path(folder), RULES, rows, **options)
        try:
            trial.run()
            states = {n: "one" if state in ("new", "linked") else state for n, state in trial.states.items()}
            return trial.groups, states
        finally:
            trial.engine.close()


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(worlds, st.permutations(["a", "b", "c"]))
def test_order_does_not_matter(world: dict[str, list[tuple[Any, ...]]], order: list[str]) -> None:
    rows = made_of(world)
    straight = matched(rows)
    assert matched({name: rows[name][::-1] for name in order}, order=tuple(order)) == straight
    for group in straight[0]:
        assert len({native[0] for native in group}) == len(group), "one record of a system each"
