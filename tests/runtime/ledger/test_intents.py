from __future__ import annotations

from typing import Any

import pytest

from runtime.ledger.bench import Bench, intent, trouble
from syncline_runtime.ledger import Failure, Member, Recovered


def fail(bench: Bench, outcome: Any, record: str = "c1", **values: object) -> None:
    bench.seal(intent(record, **values))
    bench.ledger.outbox.fail(bench.lease, bench.send(bench.claim()[0]), Failure(outcome, "validation", "E7"))


def test_what_a_killed_run_was_sending_is_ambiguous_and_the_rest_superseded(bench: Bench) -> None:
    bench.start()
    bench.seal(*(intent(f"c{number}") for number in range(4)))
    sending, retry, *_ = bench.claim()
    bench.send(sending)
    bench.ledger.outbox.fail(bench.lease, bench.send(retry), Failure("retryable", "transport"))
    deadline = bench.clock.now + 30_000_000
    bench.ledger.leases.release(bench.lease)  # as a lease that ran out
    run = bench.start()
    assert bench.ledger.intents.recover(bench.lease, run) == Recovered(ambiguous=1, superseded=2)
    left = bench.ledger.intents.unfinished()
    assert [(one.canonical_id, one.state) for one in left] == [("c0", "ambiguous"), ("c1", "retryable")]
    assert left[0].claim_deadline == deadline
    assert [one.intent.canonical_id for one in bench.claim()] == ["c1"]


def test_recovery_leaves_living_workers_alone(bench: Bench) -> None:
    bench.start()
    bench.seal(intent("c0"), intent("c1"))
    bench.send(bench.claim()[0])
    worker = bench.lease
    planner = bench.ledger.leases.acquire(["plan:account"])
    run = bench.ledger.runs.begin(planner, "r", "b", ["account"])
    assert bench.ledger.intents.recover(planner, run) == Recovered(0, 0)
    bench.clock.pass_(31)  # the request is over, though its worker lives
    assert bench.ledger.intents.recover(planner, run) == Recovered(1, 0)
    assert [one.token for one in bench.ledger.leases.current()] == [worker.token, planner.token]


def test_recovery_is_about_the_syncs_of_the_run(bench: Bench) -> None:
    bench.start("account", "invoice")
    bench.seal(intent("c1"), intent("i1", sync="invoice"))
    bench.ledger.leases.release(bench.lease)
    run = bench.start("account")
    assert bench.ledger.intents.recover(bench.lease, run) == Recovered(0, 1)
    assert [one.canonical_id for one in bench.ledger.intents.unfinished()] == ["i1"]


@pytest.mark.parametrize("outcome", ["rejected", "dead"])
def test_refused_work_stays_open_until_something_is_accepted(bench: Bench, outcome: str) -> None:
    bench.start()
    fail(bench, outcome)
    assert bench.ledger.intents.open_work() == [("account", "c1")]
    refusal = bench.ledger.intents.last_refusals()[Member("erp", "c1")]
    assert (refusal.state, refusal.category, refusal.vendor_code) == (outcome, "validation", "E7")
    assert refusal.fingerprint == bench.ledger.intents.fingerprint({"name": "Name of c1"})
    bench.next_run()
    bench.seal(intent("c1", payload={"name": "other"}))
    assert bench.ledger.intents.open_work() == []  # it is on its way
    assert Member("erp", "c1") in bench.ledger.intents.last_refusals()
    bench.deliver(bench.claim()[0], "n1")
    assert bench.ledger.intents.last_refusals() == {}


def test_a_later_refusal_replaces_the_earlier(bench: Bench) -> None:
    bench.start()
    fail(bench, "rejected")
    bench.next_run()
    fail(bench, "dead", payload={"name": "second"})
    refusals = bench.ledger.intents.last_refusals()
    assert [one.fingerprint for one in refusals.values()] == [bench.ledger.intents.fingerprint({"name": "second"})]


def test_a_refusal_is_remembered_through_superseded_intents(bench: Bench) -> None:
    bench.start()
    fail(bench, "rejected")
    bench.next_run()
    bench.seal(intent("c1", payload={"name": "never sent"}))
    run = bench.next_run()
    bench.ledger.intents.recover(bench.lease, run)
    assert bench.ledger.intents.open_work() == [("account", "c1")]
    assert len(bench.ledger.intents.last_refusals()) == 1


def test_settled_members_are_no_open_work(bench: Bench) -> None:
    bench.start()
    fail(bench, "rejected")
    bench.next_run()
    bench.seal(settled=[Member("erp", "c1"), Member("erp", "unheard of")])
    assert bench.ledger.intents.open_work() == []
    assert bench.ledger.intents.last_refusals() == {}


def test_records_with_open_exceptions_are_open_work(bench: Bench) -> None:
    bench.start()
    bench.seal(exceptions=[trouble(canonical_id="c9"), trouble("n2")])
    assert bench.ledger.intents.open_work() == [("account", "c9")]
    bench.ledger.exceptions.move(bench.lease, [1], "waived")
    assert bench.ledger.intents.open_work() == []


def test_waived_intents_are_not_sent(bench: Bench) -> None:
    bench.start()
    bench.seal(intent("c1"), intent("c2"))
    claim = bench.claim(most=1)[0]
    bench.send(claim)
    assert bench.ledger.intents.waive(bench.lease, [1, 2], bench.run.id) == 1  # what is being sent cannot be waived
    assert bench.states() == {Member("erp", "c1"): "sending", Member("erp", "c2"): "waived"}
    assert bench.ledger.intents.open_work() == []


def test_the_backlog_is_counted(bench: Bench) -> None:
    bench.start()
    bench.seal(intent("c1"), intent("c2"), intent("c1", "pay"))
    bench.send(bench.claim()[0])
    found = [(one.connection, one.state, one.intents) for one in bench.ledger.intents.backlog()]
    assert found == [("erp", "pending", 1), ("erp", "sending", 1), ("pay", "pending", 1)]


def test_a_record_is_traced(bench: Bench) -> None:
    bench.start()
    bench.seal(intent("c1", correlation_id="x1"), intent("c1", "pay", correlation_id="x1"), intent("c2"))
    bench.deliver(bench.claim()[0], "n1")
    assert [one.connection for one in bench.ledger.intents.of_record("c1")] == ["erp", "pay"]
    assert [one.canonical_id for one in bench.ledger.intents.correlated("x1")] == ["c1", "c1"]
    assert bench.ledger.intents.payload(1) == {"name": "Name of c1"}
    assert bench.ledger.intents.payload(1, "returned") is None
