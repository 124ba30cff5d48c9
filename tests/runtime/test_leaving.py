"""What a member need not hold any more: kept, or deleted where the sync says so and the condition is certain."""

from __future__ import annotations

from pathlib import Path

import pytest

from support.engine import Engine, project, release_of

SYSTEM = """
    system: {name}
    version: 1.0.0
    label: {name}
    protocol: rest
    auth: {{kind: bearer}}
    resources:
      Order:
        id: id
        fields:
          id: {{type: text, write: false}}
          number: {{type: text, required: true}}
          amount: int
        list: {{request: {{path: /orders}}}}
        create: {{request: {{path: /orders}}, idempotency: {{header: Idempotency-Key}}}}
        update: {{request: {{path: "/orders/{{id}}"}}}}
        delete: {{request: {{path: "/orders/{{id}}"}}}}
"""
MAPPING = "mapping {name}.Order <-> order@1\n\nnumber <-> number\namount <-> amount\n"
FILES = {
    "syncline.yaml": "syncline: 1\nproject: t\nenvironments: {t: {a: {stand_in: true}, b: {stand_in: true}}}\n",
    "a.yaml": SYSTEM.format(name="a"),
    "b.yaml": SYSTEM.format(name="b"),
    "order.yaml": """
        object: order
        version: 1.0.0
        label: Order
        fields:
          number: {type: text, required: true, label: Number}
          amount: {type: "int?", label: Amount}
        identity: [{same: [number]}]
        """,
    "a.map": MAPPING.format(name="a"),
    "b.map": MAPPING.format(name="b"),
}
SYNC = """
    sync: order
    object: order@1
    members: {a: a.Order, b: b.Order}
    exists: {originate: [a], hold: {b: amount > 0}{more}}
    owners: {"*": a}
"""


def writes(folder: Path, more: str) -> list[tuple[str, str]]:
    """Give the writes to b once the amounts in a have changed from what both agreed on."""
    release = release_of(
        project(folder / "project", {**FILES, "sync.yaml": SYNC.replace("{more}", more)}), folder / "release"
    )
    engine = Engine(release, folder / "state")
    plan = release.plans["order"]
    now = {"1": "5", "2": "0", "3": None}
    for member in plan.members:
        engine.base(plan, member, [
            {"_native_id": n, "_cid": f"c{n}", "native.id": n, "native.number": n, "native.amount": "1",
             "agreed.number": n, "agreed.amount": 1, "_synced": "{}"}
            for n in now
        ])  # fmt: skip
    engine.links(
        {"object": "order", "connection": c, "resource": "Order", "native_id": n, "canonical_id": f"c{n}"}
        for c in "ab"
        for n in now
    )
    engine.canonical(plan, [{"_cid": f"c{n}", "number": n, "amount": 1} for n in now])
    rows = [{"_native_id": n, "id": n, "number": n, "amount": amount} for n, amount in now.items()]
    engine.land(plan, plan.members[0], rows)
    engine.decide()
    found = engine.rows("order/b/intents", "_native_id, operation")
    engine.close()
    return found


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ("", [("1", "update"), ("2", "update"), ("3", "update")]),
        (", on_leave: {b: delete}", [("1", "update"), ("2", "delete"), ("3", "update")]),  # of 3 nobody knows
    ],
)
def test_what_is_not_held_any_more(tmp_path: Path, more: str, expected: list[tuple[str, str]]) -> None:
    assert writes(tmp_path, more) == expected
