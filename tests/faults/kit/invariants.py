"""What must hold once a world is at rest; counted in the systems, never in the state of the runtime.

I1 no acknowledged write is lost · I2 at most one live record per canonical record and member · I3 conservation (a run that
finds a difference ends with exit code 70, which the story notes) · I4 an unchanged second run sends nothing · I5 equal
inputs, equal plan · I6 no non-owner's write survives · I7 the crosswalk is one-to-one.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from faults.kit.people import Thing
from syncline_runtime.ledger.states import ASKING
from syncline_runtime.sandbox.store import Stored
from syncline_runtime.state import quoted
from syncline_runtime.upkeep.integrity import verify_state
from syncline_runtime.upkeep.session import opened_ledger, opened_state

if TYPE_CHECKING:
    from faults.kit.story import World

EXCUSES = {"SYN5010", "SYN5011", "SYN5401", "SYN5402", "SYN5403"}
"""Exceptions after which a record may wait for a person: deleted, undecided, refused, of unknown fate."""


OF_REFERENCES = {"SYN5005", "SYN5012"}
"""Exceptions of a record that names one which people have deleted, or which itself waits for a person."""


def check_plan(world: World) -> None:
    """I5 and I4: after some more work, plan and run decide the same; the run after that sends nothing."""
    world.work()
    planned, done = world.plan(), world.run_with_consent()
    if planned is None or done is None:
        world.violated("a run without faults could not be made")
        return
    if planned.changes.id != done.changes.id:
        world.violated(f"I5 plan and run differ: {planned.changes.writes} and {done.changes.writes}")
    before = len(world.way.sent)
    world.let_pass(7_200)
    world.run()
    if world.way.sent[before:]:
        world.violated(f"I4 an unchanged run sends {world.way.sent[before:]}")


def check(world: World) -> None:
    """Check all that can be counted at rest."""
    excused = _excused(world)
    for people in world.people:
        for thing in people.things:
            for violation in _of(world, thing, excused.get(thing.key, set())):
                world.violated(violation)
    for violation in _crosswalk(world):
        world.violated(violation)
    differing = verify_state(world.place)["differing"]
    if differing:
        world.violated(f"the state is not what its segments fold to: {differing}")


def _of(world: World, thing: Thing, excuses: set[str]) -> Iterator[str]:
    found = {name: far.of(thing.key) for name, far in world.far.items()}
    world.ended.waiting += bool(excuses)
    doubled = [name for name, records in found.items() if len(records) > 1]
    if doubled:
        yield f"I2 {thing.key} is more than once in {doubled}"
    elif thing.gone:
        if found["a"] or (found["b"] and not excuses):
            yield f"I1 {thing.key} was deleted in a: {found}"
    else:
        if not all(found.values()) and not excuses:
            yield f"I1 {thing.key} is not everywhere: {found}"
        for field, owner in world.pipeline.owners.items():
            shown = {name: _shown(world, name, field, records[0]) for name, records in found.items() if records}
            allowed = thing.allowed(field, owner)
            if any(_is_gone(world, str(value)) for value in {*shown.values(), *allowed}):
                continue  # what a reference to nothing comes to is another story
            if owner in shown and shown[owner] not in allowed:
                yield f"I6 {thing.key}: {field} of its owner {owner} is {shown[owner]!r}, people said {allowed}"
            if len(set(shown.values())) > 1 and not excuses:
                yield f"I1 {thing.key}: {field} differs: {shown}, people said {allowed}"


def _shown(world: World, name: str, field: str, record: Stored) -> str | None:
    """Give what a record shows: of a reference, the key of the record that it names."""
    value = record.natives[field]
    if field not in world.pipeline.refs or value is None:
        return value
    named = world.far[name].store.records.get(value)
    return str(named.natives["key"]) if named else "nothing"


def _is_gone(world: World, key: str) -> bool:
    return any(thing.gone and thing.key == key for people in world.people for thing in people.things)


def _excused(world: World) -> dict[str, set[str]]:
    """Say which records wait for a person, and why; by key."""
    keys = {
        (name, native_id): str(one.natives["key"])
        for name, far in world.far.items()
        for native_id, one in far.store.records.items()
    }
    with opened_ledger(world.place) as ledger:
        standing = ledger.exceptions.find(ASKING)
    by_cid = {cid: keys.get((name, native_id), "") for name, native_id, cid in _links(world)}
    found: dict[str, set[str]] = {}
    for one in standing:
        key = by_cid.get(one.canonical_id) or keys.get((one.connection, one.native_id), "?")
        found.setdefault(key, set()).add(one.code)
        world.way.tell(f"left to a person: {key} {one.code} {one.connection} {one.message}")
    waiting = {key for key, codes in found.items() if codes & EXCUSES}
    for key, codes in found.items():
        fine = EXCUSES | OF_REFERENCES if _names_what_is_not_there(world, key, waiting) else EXCUSES
        if codes - fine:
            world.violated(f"{key} waits for a person without need: {sorted(codes - fine)}")
    return found


def _names_what_is_not_there(world: World, key: str, waiting: set[str]) -> bool:
    thing = next(one for people in world.people for one in people.things if one.key == key)
    said = (value for (name, _), values in thing.said.items() if name in world.pipeline.refs for value in values)
    return any(value in waiting or _is_gone(world, str(value)) for value in said)


def _links(world: World, state: str = "") -> list[tuple[str, str, str]]:
    only = f" WHERE state = '{state}'" if state else ""
    with opened_state(world.place) as (_, opened):
        rows: list[Any] = opened.rows(f"SELECT connection, native_id, canonical_id FROM {quoted('links:all')}{only}")
    return [tuple(row) for row in rows]


def _crosswalk(world: World) -> Iterator[str]:
    """I7: each native record is one canonical record, each canonical one at most one in a system, and they are the same."""
    live = _links(world, "live")
    for what, count in Counter((name, native_id) for name, native_id, _ in live).items():
        if count > 1:
            yield f"I7 {what} is {count} records"
    for what, count in Counter((name, cid) for name, _, cid in live).items():
        if count > 1:
            yield f"I7 {what} is {count} times in one system"
    keys: dict[str, set[Any]] = {}
    for name, native_id, cid in live:
        record = world.far[name].store.records.get(native_id)
        keys.setdefault(cid, set()).add(record.natives["key"] if record else None)
    for cid, several in keys.items():
        if len(several) > 1 or None in several:
            yield f"I7 {cid} links {several}"
