"""A record that was deleted wherever it was is in no sum any more; one that somebody still has stays until decided."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from support.world import World, problems, system, world, writes

BILL = "number: {type: text, required: true}, paid: {type: 'decimal(12,2)'}"
PAYMENT = "bill: {type: text, ref: Bill}, amount: {type: 'decimal(12,2)'}"
FILES = {
    "a.yaml": system("a", Bill=BILL, Payment=PAYMENT),
    "b.yaml": system("b", Bill=BILL, Payment=PAYMENT),
    "bill.yaml": """
        object: bill
        version: 1.0.0
        fields:
          number: {type: text, required: true, label: Number}
        derived:
          paid: sum(payments.amount)
        identity: [{same: [number]}]
        """,
    "payment.yaml": """
        object: payment
        version: 1.0.0
        fields:
          bill: {type: ref(bill)?, inverse: payments, label: Bill}
          amount: {type: "decimal(12,2)?", label: Amount}
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
    "a.map": "mapping a.Bill <-> bill@1\n\nnumber <-> number\n",
    "b.map": "mapping b.Bill <-> bill@1\n\nnumber <-> number\npaid | round 2 -> paid\n",
    "p.map": "mapping a.Payment <-> payment@1\n\nbill <-> bill | ref bill\namount <- amount\n",
}
BOTH = {
    "payments.yaml": FILES["payments.yaml"]
    .replace("{a: a.Payment}", "{a: a.Payment, b: b.Payment}")
    .replace("{originate: [a]}", "{originate: [a], hold: {b: true}}"),
    "p.map": FILES["p.map"].replace("amount <- amount", "amount <-> amount"),
    "pb.map": "mapping b.Payment <-> payment@1\n\nbill <-> bill | ref bill\namount <-> amount\n",
}


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    with world(tmp_path, monkeypatch, FILES) as made:
        yield made


def begin(shop: World) -> str:
    """Let a bill have two payments, and give the second."""
    bill = shop.add("a", "Bill", number="B1")
    shop.add("a", "Payment", bill=bill, amount="10.00")
    second = shop.add("a", "Payment", bill=bill, amount="2.50")
    shop.run()
    shop.run()
    assert paid(shop) == "12.50"
    return second


def paid(shop: World) -> str:
    return str(shop.records("b", "Bill")[0]["paid"])


def rest(shop: World) -> None:
    assert (writes(shop.plan()), writes(shop.run()), writes(shop.run())) == ([], [], [])
    shop.assert_whole()


def test_a_payment_that_nobody_has_is_in_no_sum(shop: World) -> None:
    second = begin(shop)
    shop.drop("a", second, "Payment")
    done = shop.run()
    assert (writes(done), problems(done)) == ([("b", "Bill", "update", "")], [("SYN5010", "a", "")])
    assert paid(shop) == "10.00"
    rest(shop)


def test_one_that_is_back_counts_again(shop: World) -> None:
    second = begin(shop)
    records = shop.sandbox.stand_ins["a"].stores["Payment"].records
    kept = records.pop(second)
    shop.run()
    records[second] = kept
    assert writes(shop.run()) == [("b", "Bill", "update", "")]
    assert paid(shop) == "12.50"
    rest(shop)


def test_what_a_sync_keeps_counts_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    keeps = {"payments.yaml": f"{FILES['payments.yaml'].rstrip()}\n        when_deleted_in: {{a: keep}}\n"}
    with world(tmp_path, monkeypatch, {**FILES, **keeps}) as shop:
        second = begin(shop)
        shop.drop("a", second, "Payment")
        done = shop.run()
        assert (writes(done), problems(done), paid(shop)) == ([], [], "12.50")


def test_what_another_still_has_stays_until_that_is_decided(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with world(tmp_path, monkeypatch, {**FILES, **BOTH}) as shop:
        second = begin(shop)
        shop.drop("a", second, "Payment")
        done = shop.run()
        assert (writes(done), problems(done), paid(shop)) == ([], [("SYN5010", "a", "")], "12.50")
        theirs = next(one["id"] for one in shop.records("b", "Payment") if one["amount"] == "2.50")
        shop.drop("b", theirs, "Payment")
        assert writes(shop.run()) == [("b", "Bill", "update", "")]
        assert paid(shop) == "10.00"
        rest(shop)
