"""`ref OBJECT by FIELD`: a record is found by the value that its object's records are known by everywhere."""

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
      {resource}:
        id: id
        fields:
          id: {{type: text, write: false}}
          number: {{type: text, write: false}}
        list: {{request: {{path: /all}}}}
"""
FILES = {
    "syncline.yaml": "syncline: 1\nproject: t\nenvironments: {t: {books: {stand_in: true}, till: {stand_in: true}}}\n",
    "books.yaml": SYSTEM.format(name="books", resource="Bill"),
    "till.yaml": SYSTEM.format(name="till", resource="Charge"),
    "bill.yaml": """
        object: bill
        version: 1.0.0
        label: Bill
        fields:
          number: {type: text, required: true, label: Number}
        identity: [{same: [number]}]
        """,
    "payment.yaml": """
        object: payment
        version: 1.0.0
        label: Payment
        fields:
          bill: {type: "ref(bill)?", label: Bill}
        """,
    "bills.yaml": """
        sync: bill
        object: bill@1
        members: {books: books.Bill}
        exists: {originate: [books]}
        """,
    "payments.yaml": """
        sync: payment
        object: payment@1
        members: {till: till.Charge}
        exists: {originate: [till]}
        """,
    "books.map": 'mapping books.Bill <-> bill@1\n\nnumber <- number else reject "no number"\n',
    "till.map": "mapping till.Charge <-> payment@1\n\nbill <- number | ref bill by number\n",
}


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Engine:
    folder: Path = tmp_path_factory.mktemp("known-by")
    release = release_of(project(folder / "project", FILES), folder / "release")
    engine = Engine(release, folder / "state")
    bills, payments = release.plans["bill"], release.plans["payment"]
    engine.canonical(
        bills, [{"_cid": "old", "number": "B1"}, {"_cid": "x", "number": "B8"}, {"_cid": "y", "number": "B8"}]
    )
    engine.land(bills, bills.members[0], [{"_native_id": "7", "id": "7", "number": "B2"}])
    named = {"1": "B1", "2": "B2", "3": "B3", "4": None, "5": "B8"}
    engine.land(
        payments, payments.members[0], [{"_native_id": i, "id": i, "number": number} for i, number in named.items()]
    )
    engine.decide()
    return engine


def test_records_known_before_and_records_of_this_run_are_found(engine: Engine) -> None:
    ((new,),) = engine.state.rows("SELECT canonical_id FROM new_links WHERE connection = 'books'")
    found = dict(engine.rows("payment/till/values", "_native_id, bill"))
    assert found == {"1": "old", "2": new, "4": None}


def test_what_is_known_by_nothing_or_by_two_waits(engine: Engine) -> None:
    waiting = [(one.native_id, one.code, one.field, one.rule) for one in engine.run.exceptions]
    assert sorted(waiting) == [(n, "SYN5005", "bill", "ref bill by number") for n in ("3", "5")]
