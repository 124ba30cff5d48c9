from __future__ import annotations

import pytest

from runtime.ledger.bench import Bench, trouble
from syncline_runtime.errors import UsageError


def test_meeting_an_exception_again_counts_it(bench: Bench) -> None:
    first = bench.start()
    bench.seal(exceptions=[trouble(values={"country": "Atlantis"}, message="first")])
    second = bench.next_run()
    bench.seal(exceptions=[trouble(values={"country": "Mu"}, message="second", correlation_id="x2")])
    (kept,) = bench.ledger.exceptions.find()
    assert (kept.count, kept.first_run, kept.last_run) == (2, first.id, second.id)
    assert (kept.last_seen - kept.first_seen, kept.message, kept.correlation_id) == (60_000_000, "second", "x2")
    assert bench.ledger.exceptions.values(kept.id) == {"country": "Mu"}


def test_each_cause_is_an_exception_of_its_own(bench: Bench) -> None:
    bench.start()
    bench.seal(exceptions=[trouble(), trouble(field="email"), trouble("n2"), trouble(rule="other"), trouble()])
    assert len(bench.ledger.exceptions.find()) == 4
    assert {one.count for one in bench.ledger.exceptions.find()} == {1}


def test_a_resolved_exception_comes_back_as_a_new_one(bench: Bench) -> None:
    bench.start()
    bench.seal(exceptions=[trouble()])
    bench.next_run()
    bench.seal(resolved_exceptions=[1])
    assert bench.ledger.exceptions.find() == []
    bench.next_run()
    bench.seal(exceptions=[trouble()])
    assert [(one.id, one.count) for one in bench.ledger.exceptions.find()] == [(2, 1)]
    assert [one.id for one in bench.ledger.exceptions.find(["resolved"])] == [1]


def test_a_waived_exception_stays_waived(bench: Bench) -> None:
    bench.start()
    bench.seal(exceptions=[trouble()])
    bench.ledger.exceptions.move(bench.lease, [1], "waived")
    bench.next_run()
    bench.seal(exceptions=[trouble()])
    assert bench.ledger.exceptions.find() == []
    assert [one.count for one in bench.ledger.exceptions.find(["waived"])] == [2]


def test_a_retried_exception_that_comes_back_is_open(bench: Bench) -> None:
    bench.start()
    bench.seal(exceptions=[trouble()])
    assert bench.ledger.exceptions.move(bench.lease, [1, 99], "retried") == 1
    bench.next_run()
    bench.seal(exceptions=[trouble()])
    assert [one.state for one in bench.ledger.exceptions.find()] == ["open"]


def test_exceptions_are_filtered_and_grouped(bench: Bench) -> None:
    bench.start()
    bench.seal(exceptions=[trouble(f"n{number}", code="SYN5001" if number % 3 else "SYN5002") for number in range(700)])
    assert len(bench.ledger.exceptions.find(code="SYN5002")) == 234
    assert bench.ledger.exceptions.groups("code", "connection") == {("SYN5001", "crm"): 466, ("SYN5002", "crm"): 234}
    with pytest.raises(UsageError, match="no 'colour'"):
        bench.ledger.exceptions.find(colour="red")


def test_many_exceptions_met_again(bench: Bench) -> None:
    bench.start()
    bench.seal(exceptions=[trouble(f"n{number}", values={"n": number}) for number in range(1200)])
    bench.next_run()
    bench.seal(exceptions=[trouble(f"n{number}", values={"n": -number}) for number in range(600, 1800)])
    counts = [one.count for one in bench.ledger.exceptions.find()]
    assert (counts.count(1), counts.count(2)) == (1200, 600)
