"""What must not be written is held, counted and told: values that do not fit, sums that have no value."""

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
      Bill:
        id: id
        fields:
          id: {{type: text, write: false}}
          number: {{type: text, required: true}}
          total: "decimal(12,{scale})"
          currency: text(3)
        list: {{request: {{path: /bills}}}}
        create: {{request: {{method: POST, path: /bills}}, idempotency: {{header: Idempotency-Key, keeps: 24h}}}}
        update: {{request: {{method: PATCH, path: "/bills/{{id}}"}}}}
      Payment:
        id: id
        fields:
          id: {{type: text, write: false}}
          bill: {{type: text, ref: Bill}}
          amount: "decimal(12,{scale})"
          currency: text(3)
        list: {{request: {{path: /payments}}}}
"""
FILES = {
    "syncline.yaml": "syncline: 1\nproject: t\nenvironments: {t: {a: {stand_in: true}, b: {stand_in: true}}}\n",
    "a.yaml": SYSTEM.format(name="a", scale=4),
    "b.yaml": SYSTEM.format(name="b", scale=2),
    "bill.yaml": """
        object: bill
        version: 1.0.0
        label: Bill
        fields:
          number: {type: text, required: true, label: Number}
          total: {type: "money?", label: Total}
        derived:
          paid: sum(payments.amount)
          open: total - paid
        identity: [{same: [number]}]
        """,
    "payment.yaml": """
        object: payment
        version: 1.0.0
        label: Payment
        fields:
          bill: {type: "ref(bill)?", inverse: payments, label: Bill}
          amount: {type: "money?", label: Amount}
        """,
    "bills.yaml": """
        sync: bill
        object: bill@1
        members: {a: a.Bill, b: b.Bill}
        exists: {originate: [a], hold: {b: true}}
        owners: {"*": a}
        """,
    "payments.yaml": """
        sync: payment
        object: payment@1
        members: {a: a.Payment}
        exists: {originate: [a]}
        owners: {"*": a}
        """,
    "a.map": "mapping a.Bill <-> bill@1\n\nnumber <-> number\ntotal <-> money(total, currency)\n",
    "b.map": "mapping b.Bill <-> bill@1\n\nnumber <-> number\ntotal <-> money(total, currency)\n",
    "p.map": "mapping a.Payment <-> payment@1\n\nbill <-> bill | ref bill\namount <-> money(amount, currency)\n",
}


@pytest.fixture(scope="module")
def decided(tmp_path_factory: pytest.TempPathFactory) -> Engine:
    folder: Path = tmp_path_factory.mktemp("holding")
    release = release_of(project(folder / "project", FILES), folder / "release")
    engine = Engine(release, folder / "state")
    bills, payments = release.plans["bill"], release.plans["payment"]
    rows = [
        ("1", "10.25", "EUR"),
        ("2", "10.255", "EUR"),
        ("3", "30.00", "EUR"),
        ("4", "40.00", "EUR"),
        ("5", "50.00", "EUR"),
    ]
    engine.land(
        bills, bills.members[0],
        [{"_native_id": n, "id": n, "number": f"B{n}", "total": t, "currency": c} for n, t, c in rows],
    )  # fmt: skip
    paid = [
        ("p1", "1", "4.00", "EUR"),
        ("p2", "1", "1.25", "EUR"),
        ("p3", "3", "1.00", "EUR"),
        ("p4", "3", "1.00", "USD"),
        ("p5", "5", "1.00", "USD"),
    ]
    engine.land(
        payments, payments.members[0],
        [{"_native_id": i, "id": i, "bill": bill, "amount": a, "currency": c} for i, bill, a, c in paid],
    )  # fmt: skip
    engine.decide()
    return engine


def held(engine: Engine) -> dict[str, tuple[str, str]]:
    rows = engine.state.rows(
        'SELECT g.number, h.reason, h.detail FROM "bill/b/held" AS h JOIN "bill/golden" AS g ON g._cid = h._cid'
    )
    return {number: (reason, detail) for number, reason, detail in rows}


def test_a_value_that_does_not_fit_is_held_and_not_cut(decided: Engine) -> None:
    assert held(decided)["B2"] == ("unfit", "total")
    assert [one.code for one in decided.run.exceptions if one.field == "total"] == ["SYN5009"]


def test_amounts_in_two_currencies_have_no_sum_and_hold_the_record(decided: Engine) -> None:
    assert held(decided)["B3"] == ("invariant", "one currency in payments")
    assert "B4" not in held(decided)


def test_what_is_derived_and_cannot_be_worked_out_holds_the_record(decided: Engine) -> None:
    """A bill in one currency, paid in another: what is open has no value, and nobody is to take it for nothing."""
    assert held(decided)["B5"] == ("invariant", "open can be worked out")
    assert held(decided).keys() == {"B2", "B3", "B5"}


def test_the_others_go_on(decided: Engine) -> None:
    written = decided.state.rows('SELECT payload FROM "bill/b/intents" ORDER BY payload')
    assert [row[0] for row in written] == [
        '{"number":"B1","total":"10.25","currency":"EUR"}',
        '{"number":"B4","total":"40.00","currency":"EUR"}',
    ]


def test_a_sum_of_nothing_is_zero(decided: Engine) -> None:
    sums = decided.state.rows('SELECT number, CAST(paid.amount AS VARCHAR) FROM "bill/golden" ORDER BY number')
    assert sums == [("B1", "5.2500"), ("B2", "0.0000"), ("B3", None), ("B4", "0.0000"), ("B5", "1.0000")]
