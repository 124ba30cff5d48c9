"""Derived fields and invariants over the records that refer to a record: first, last, any, all, and sums."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from support.engine import Engine, project, release_of

FILES = {
    "syncline.yaml": "syncline: 1\nproject: t\nenvironments: {t: {books: {stand_in: true}}}\n",
    "books.yaml": """
        system: books
        version: 1.0.0
        label: Books
        protocol: rest
        auth: {kind: bearer}
        resources:
          Party:
            id: id
            fields: {id: {type: text, write: false}, number: {type: text, write: false}}
            list: {request: {path: /parties}}
          Bill:
            id: id
            fields:
              id: {type: text, write: false}
              party: {type: text, ref: Party, write: false}
              total: {type: "decimal(12,2)", write: false}
              due: {type: date, write: false}
              paid: {type: bool, write: false, required: true}
              took: {type: int, write: false}
              shares: {type: int, write: false, required: true}
            list: {request: {path: /bills}}
        """,
    "party.yaml": """
        object: party
        version: 1.0.0
        label: Party
        fields:
          number: {type: text, required: true, label: Number}
        derived:
          first_total: {value: "first(bills.total, bills.due)", label: First total}
          last_total:  {value: "last(bills.total, bills.due where bills.paid)", label: Last total that was paid}
          any_bill:    {value: "any(bills)", label: Has a bill}
          any_open:    {value: "any(bills where not paid)", label: Has an open bill}
          all_paid:    {value: "all(bills.paid)", label: All paid}
          total:       {value: "sum(bills.total)", label: Total}
          slowest:     {value: "max(bills.took)", label: The longest that it took to be paid}
          most:        {value: "max(bills.more)", label: The most}
          each:        {value: "sum(bills.each)", label: What each pays}
          paid_each:   {value: "max(bills.each where bills.paid)", label: The most that each has paid}
        invariants:
          not_too_many: count(bills) < 4
        identity: [{same: [number]}]
        """,
    "bill.yaml": """
        object: bill
        version: 1.0.0
        label: Bill
        fields:
          party: {type: "ref(party)?", label: Party, inverse: bills}
          total: {type: "decimal(12,2)?", label: Total}
          due:   {type: "date?", label: Due}
          paid:  {type: bool, required: true, label: Paid}
          took:  {type: "duration?", label: How long it took to be paid}
          shares: {type: int, required: true, label: By how many}
          extra: {type: "decimal(12,2)?", label: What nobody maps}
        derived:
          more: {value: extra / shares, label: More for each}
          each: {value: total / shares, label: What each pays}
        """,
    "parties.yaml": """
        sync: party
        object: party@1
        members: {books: books.Party}
        exists: {originate: [books]}
        """,
    "bills.yaml": """
        sync: bill
        object: bill@1
        members: {books: books.Bill}
        exists: {originate: [books]}
        """,
    "party.map": 'mapping books.Party <-> party@1\n\nnumber <- number else reject "no number"\n',
    "bill.map": "mapping books.Bill <-> bill@1\n\nparty <- party | ref party\ntotal <- total\ndue <- due\npaid <- paid\n"
    "took <- took | duration hours\nshares <- shares\n",
}
BILLS = [  # party, total, due, paid, hours, shares
    ("1", "10.00", "2024-03-02", "true", "48", "2"),
    ("1", "20.00", "2024-03-01", "true", "1", "2"),
    ("1", "30.00", None, "false", None, "3"),
    ("2", "5.00", "2024-03-01", "true", "2", "1"),
    ("2", "6.00", "2024-03-01", "true", None, "1"),
    *[("4", "1.00", "2024-03-01", "true", None, "1")] * 4,
    ("5", "7.00", "2024-03-01", "false", None, "0"),
    ("5", None, "2024-03-01", "true", None, "0"),
]


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Engine:
    folder: Path = tmp_path_factory.mktemp("over-children")
    release = release_of(project(folder / "project", FILES), folder / "release")
    engine = Engine(release, folder / "state")
    parties, bills = release.plans["party"], release.plans["bill"]
    engine.land(parties, parties.members[0], [{"_native_id": i, "id": i, "number": f"P{i}"} for i in "12345"])
    names = ("party", "total", "due", "paid", "took", "shares")
    rows = [{"_native_id": f"b{n}", "id": f"b{n}", **dict(zip(names, row, strict=True))} for n, row in enumerate(BILLS)]
    engine.land(bills, bills.members[0], rows)
    engine.decide()
    return engine


def golden(engine: Engine, column: str) -> dict[str, str | None]:
    return dict(engine.rows("party/golden", f'number, CAST("{column}" AS VARCHAR)'))


@pytest.mark.parametrize(
    ("column", "values"),
    [
        ("first_total", {"P1": "20.00", "P2": None, "P3": None}),
        ("last_total", {"P1": "10.00", "P2": None, "P3": None}),
        ("any_bill", {"P1": "true", "P2": "true", "P3": "false"}),
        ("any_open", {"P1": "true", "P2": "false", "P3": "false"}),
        ("all_paid", {"P1": "false", "P2": "true", "P3": "true"}),
        ("total", {"P1": "60.00", "P2": "11.00", "P3": "0.00"}),
        ("most", {"P1": None, "P2": None, "P3": None}),
        ("each", {"P1": "25.000000", "P2": "11.000000", "P3": "0.000000"}),
        ("paid_each", {"P1": "10.000000", "P2": "6.000000", "P3": None}),
        ("slowest", {"P1": "172800000000", "P2": "7200000000", "P3": None}),
    ],
)
def test_over_children(engine: Engine, column: str, values: dict[str, str | None]) -> None:
    found = {number: value for number, value in golden(engine, column).items() if number not in ("P4", "P5")}
    if column in {"first_total", "last_total"}:  # of two with one date, always the same one
        assert found.pop("P2") in {"5.00", "6.00"}
        values = {number: value for number, value in values.items() if number != "P2"}
    assert found == values


def test_invariants_over_children(engine: Engine) -> None:
    broken = golden(engine, "_broken")
    assert {number: broken[number] for number in ("P1", "P2", "P3", "P4")} == {
        "P1": "",
        "P2": "",
        "P3": "",
        "P4": "not_too_many",
    }


def test_what_a_record_cannot_work_out_is_left_out_of_no_sum(engine: Engine) -> None:
    """A bill that nobody shares has no amount for each; whom it belongs to is told nothing that leaves it out."""
    assert dict(engine.rows("bill/golden", "total, _broken"))[Decimal("7.00")] == "each can be worked out"
    assert golden(engine, "_broken")["P5"] == "every bill can be worked out"
