"""The merge table of the design, against a reference that reads like it, over every combination of values."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from pathlib import Path

import pytest

from support.engine import Engine, project, release_of

FIELDS = {"owned": "restore", "held": "review", "taken": "adopt"}
SYSTEM = """
    system: {name}
    version: 1.0.0
    label: {name}
    protocol: rest
    auth: {{kind: bearer}}
    resources:
      Thing:
        id: id
        fields:
          id: {{type: text, write: false}}
          owned: text
          held: text
          taken: text
        list: {{request: {{path: /things}}}}
        create: {{request: {{method: POST, path: /things}}, idempotency: {{header: Idempotency-Key, keeps: 24h}}}}
        update: {{request: {{method: PATCH, path: "/things/{{id}}"}}}}
"""
FILES = {
    "syncline.yaml": "syncline: 1\nproject: merge\nenvironments: {t: {a: {stand_in: true}, b: {stand_in: true}}}\n",
    "a.yaml": SYSTEM.format(name="a"),
    "b.yaml": SYSTEM.format(name="b"),
    "thing.yaml": """
        object: thing
        version: 1.0.0
        label: Thing
        fields:
          owned: {type: "text?", label: Owned}
          held: {type: "text?", label: Held}
          taken: {type: "text?", label: Taken}
        """,
    "sync.yaml": """
        sync: thing
        object: thing@1
        members: {a: a.Thing, b: b.Thing}
        exists: {originate: [a], hold: {b: true}}
        owners: {"*": a}
        unowned_edit: {"*": restore, held: review, taken: adopt}
        """,
    "a.map": "mapping a.Thing <-> thing@1\n\nowned <-> owned\nheld <-> held\ntaken <-> taken\n",
    "b.map": "mapping b.Thing <-> thing@1\n\nowned <-> owned\nheld <-> held\ntaken <-> taken\n",
}


@dataclass(frozen=True)
class Cell:
    """One field of one record: what the owner and the member agreed on, and what each shows now."""

    based: bool
    owner_base: str | None
    owner_now: str | None
    member_base: str | None
    member_now: str | None


def reference(cell: Cell, policy: str) -> tuple[str | None, dict[str, str]]:
    """Winner and the writes per member, straight from the table."""
    owner_changed = cell.based and cell.owner_now != cell.owner_base
    member_changed = cell.based and cell.member_now != cell.member_base
    winner = cell.owner_now
    if not cell.based:
        if cell.owner_now is None and cell.member_now is not None:
            winner = cell.member_now  # first_link: fill
        return winner, _differing(winner, cell)
    if policy == "adopt" and member_changed and not owner_changed:
        winner = cell.member_now
    writes: dict[str, str] = {}
    if winner != cell.owner_now:
        writes["a"] = "write"
    wrong = winner != cell.member_now
    moved = winner != cell.member_base or member_changed
    if wrong and moved:
        unowned = member_changed and winner == cell.member_base
        writes["b"] = "review" if unowned and policy == "review" else "write"
    return winner, writes


def _differing(winner: str | None, cell: Cell) -> dict[str, str]:
    shown = {"a": cell.owner_now, "b": cell.member_now}
    return {name: "write" for name, now in shown.items() if now != winner}


VALUES = ("x", "y", "z", None)
CELLS = [
    Cell(based, owner_base, owner_now, member_base, member_now)
    for based in (True, False)
    for owner_base, owner_now, member_base, member_now in itertools.product(VALUES, repeat=4)
    if based or (owner_base is None and member_base is None)
]


@pytest.fixture(scope="module")
def outcome(tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[int, str, str], str]:
    """(cell, field, member) → what the compiled plan does."""
    folder: Path = tmp_path_factory.mktemp("merge")
    release = release_of(project(folder / "project", FILES), folder / "release")
    engine = Engine(release, folder / "state")
    plan = release.plans["thing"]
    a, b = plan.members
    engine.links(
        {
            "object": "thing",
            "connection": m.connection,
            "resource": "Thing",
            "native_id": f"n{i}",
            "canonical_id": f"c{i}",
        }
        for m in (a, b)
        for i in range(len(CELLS))
    )
    for member, base, now in ((a, "owner_base", "owner_now"), (b, "member_base", "member_now")):
        engine.base(
            plan,
            member,
            (
                {"_native_id": f"n{i}", "_cid": f"c{i}", **{f"agreed.{field}": getattr(cell, base) for field in FIELDS}}
                for i, cell in enumerate(CELLS)
                if cell.based
            ),
        )
        engine.land(
            plan, member,
            [{"_native_id": f"n{i}", "id": f"n{i}", **{f: getattr(cell, now) for f in FIELDS}} for i, cell in enumerate(CELLS)],
        )  # fmt: skip
    engine.decide()
    found: dict[tuple[int, str, str], str] = {}
    for member in (a, b):
        for cid, slot, outcome in engine.rows(f"thing/{member.connection}/compare", "_cid, slot, outcome"):
            what = "review" if outcome == "review" else "nothing" if outcome in ("converged", "accepted") else "write"
            found[int(cid[1:]), slot, member.connection] = what
    engine.close()
    return found


@pytest.mark.parametrize(("field", "policy"), FIELDS.items())
def test_every_combination_is_decided_as_the_table_says(
    outcome: dict[tuple[int, str, str], str], field: str, policy: str
) -> None:
    wrong = []
    for number, cell in enumerate(CELLS):
        _, writes = reference(cell, policy)
        for member in ("a", "b"):
            wanted = writes.get(member, "nothing")
            got = outcome.get((number, field, member), "nothing")
            if got != wanted:
                wrong.append((cell, member, got, wanted))
    assert not wrong, f"{len(wrong)} of {2 * len(CELLS)}: {wrong[:5]}"
