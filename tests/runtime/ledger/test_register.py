from __future__ import annotations

import pytest

from runtime.ledger.bench import Bench, intent
from syncline_runtime.errors import StateError
from syncline_runtime.ledger import Cursor
from syncline_runtime.segments import Segment


def base(run: str, name: str) -> Segment:
    return Segment("base", "account/erp", run, f"base/{name}.parquet", "00", 1, 10)


def test_segments_and_acks_share_one_sequence(bench: Bench) -> None:
    run = bench.start()
    bench.seal(intent("c1"), intent("c2"), segments=[base(run.id, "a")])
    for claim in bench.claim():
        bench.deliver(claim, "n")
    acks = bench.ledger.register.unconfirmed_acks()
    assert [one.seq for one in acks] == [2, 3]
    after = bench.ledger.register.confirm(bench.lease, run.id, [one.seq for one in acks], [base(run.id, "b")])
    assert after == bench.ledger.register.sequence() == 4
    assert bench.ledger.register.unconfirmed_acks() == []
    assert [one.confirmed_run for one in bench.ledger.register.acks(after=1)] == [run.id, run.id]
    assert [one.seq for one in bench.ledger.register.segments()] == [1, 4]


def test_an_ack_is_confirmed_once(bench: Bench) -> None:
    run = bench.start()
    bench.seal(intent())
    seq = bench.deliver(bench.claim()[0], "n")
    bench.ledger.register.confirm(bench.lease, run.id, [seq], [])
    with pytest.raises(StateError, match="confirmed by another run"):
        bench.ledger.register.confirm(bench.lease, run.id, [seq], [base(run.id, "twice")])
    assert bench.ledger.register.segments() == []


def test_a_cursor_moves(bench: Bench) -> None:
    bench.start()
    bench.seal(cursors=[Cursor("crm", "Account", "account", "1"), Cursor("crm", "Contact", "account", "1")])
    bench.next_run()
    bench.seal(cursors=[Cursor("crm", "Account", "account", "2")])
    assert bench.ledger.register.cursors() == {("crm", "Account", "account"): "2", ("crm", "Contact", "account"): "1"}


def test_a_connection_stays_with_its_account(bench: Bench) -> None:
    bench.start()
    for account in ("acme", "acme"):
        bench.ledger.register.prove(bench.lease, "crm", account, "live")
    with pytest.raises(StateError, match="another account") as caught:
        bench.ledger.register.prove(bench.lease, "crm", "other", "live")
    assert caught.value.error_code == "SYN6006"


def test_an_approval_serves_one_run(bench: Bench) -> None:
    run = bench.start()
    decisions = bench.ledger.decisions
    assert decisions.approval("cs1") is None
    assert not decisions.use(bench.lease, "cs1", run.id)
    decisions.approve("cs1", "ada", "looked at it")
    assert decisions.approve("cs1", "bob").by == "ada"
    assert decisions.use(bench.lease, "cs1", run.id)
    assert not decisions.use(bench.lease, "cs1", run.id)
    kept = decisions.approval("cs1")
    assert kept is not None
    assert kept.used_run == run.id


def test_decisions_stand_in_order(bench: Bench) -> None:
    bench.start()
    first = bench.ledger.decisions.decide(("account", "c1", "name"), "crm", "ada", values={"name": "A"})
    second = bench.ledger.decisions.decide(("account", "c1", "name"), "erp", "bob", exception=3)
    assert bench.ledger.decisions.all() == [first, second]
    assert bench.ledger.decisions.all(after=first.id) == [second]
