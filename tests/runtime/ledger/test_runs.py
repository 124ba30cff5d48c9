from __future__ import annotations

import pytest

from runtime.ledger.bench import Bench, intent
from syncline_runtime.errors import InternalError
from syncline_runtime.ledger import Count, Failure, Seal


def read(number: int, **parts: int) -> list[Count]:
    return [Count("account", "in", "crm.Account", name, value) for name, value in {"read": number, **parts}.items()]


def test_ids_sort_by_time(bench: Bench) -> None:
    ids = [bench.start().id]
    for _ in range(5):
        bench.seal()
        ids.append(bench.next_run().id)
    assert ids == sorted(ids)
    assert [one.id for one in bench.ledger.runs.last(3)] == ids[:-4:-1]


def test_a_run_is_remembered_with_its_end(bench: Bench) -> None:
    run = bench.start("account", "invoice")
    bench.clock.pass_(1)
    bench.seal()
    bench.clock.pass_(1)
    bench.ledger.runs.close(bench.lease, run.id, "failed", 4, {"written": 3})
    kept = bench.ledger.runs.get(run.id)
    assert kept is not None
    assert (kept.status, kept.exit_code, kept.summary, kept.syncs) == (
        "failed",
        4,
        {"written": 3},
        ("account", "invoice"),
    )
    assert (kept.sealed_at, kept.closed_at) == (run.started_at + 1_000_000, run.started_at + 2_000_000)


def test_a_run_that_was_interrupted_is_closed_by_the_next(bench: Bench) -> None:
    first = bench.start()
    second = bench.ledger.runs.begin(bench.lease, "r", "b", ["account"])
    kept = bench.ledger.runs.get(first.id)
    assert kept is not None
    assert (kept.status, kept.exit_code, kept.summary) == ("failed", None, {"interrupted": True})
    with pytest.raises(InternalError, match="not under way"):
        bench.ledger.runs.close(bench.lease, first.id, "done", 0, {})
    with pytest.raises(InternalError, match="not running"):
        bench.ledger.seal(bench.lease, Seal(first.id))
    assert bench.ledger.runs.last(1)[0].id == second.id


def test_a_run_of_other_syncs_goes_on(bench: Bench) -> None:
    first = bench.start("invoice")
    other = bench.ledger.leases.acquire(["account"])
    bench.ledger.runs.begin(other, "r", "b", ["account"])
    kept = bench.ledger.runs.get(first.id)
    assert kept is not None
    assert kept.status == "running"


def test_counts_are_kept_and_added_up(bench: Bench) -> None:
    run = bench.start()
    counts = [
        *read(7, matched=3, duplicate=1),
        Count("account", "in", "crm.Account", "filtered", 2, "no customer"),
        Count("account", "in", "crm.Account", "filtered", 1, "test record"),
    ]
    bench.seal(counts=counts)
    assert set(counts) <= set(bench.ledger.runs.counts(run.id))


@pytest.mark.parametrize(
    ("counts", "said"),
    [
        (read(5, matched=3, duplicate=1), "read 5 make 5, but duplicate 1 .* make 4"),
        (read(5, matched=5, lost=0), "'lost' is no term"),
        ([Count("account", "across", "erp", "candidates", 2), Count("account", "across", "erp", "held", 1)], "held 1"),
        (
            [Count("account", "across", "erp", "candidates", 1), Count("account", "across", "erp", "new_intents", 1)],
            "1 new intents counted, 0 sealed",
        ),
    ],
)
def test_counts_that_do_not_add_up_seal_nothing(bench: Bench, counts: list[Count], said: str) -> None:
    run = bench.start()
    with pytest.raises(InternalError, match=said) as caught:
        bench.seal(counts=counts)
    assert caught.value.exit_code == 70
    assert bench.ledger.runs.counts(run.id) == []
    bench.seal()


def test_intents_that_nobody_counted_seal_nothing(bench: Bench) -> None:
    bench.start()
    with pytest.raises(InternalError, match="0 new intents counted, 1 sealed"):
        bench.seal(intent(), counts=[])
    assert bench.ledger.intents.unfinished() == []
    bench.seal(intent(origin="operator"), counts=[])


def test_the_out_equation_is_counted_at_the_close(bench: Bench) -> None:
    run = bench.start()
    bench.seal(*(intent(f"c{number}") for number in range(6)))
    claims = bench.claim()
    bench.deliver(claims[0], "n0")
    for claim, outcome in zip(claims[1:4], ("rejected", "dead", "retryable"), strict=True):
        bench.ledger.outbox.fail(bench.lease, bench.send(claim), Failure(outcome, "validation"))  # type: ignore[arg-type]
    bench.ledger.intents.waive(bench.lease, [claims[4].intent.id], run.id)
    bench.next_run()
    out = {one.name: one.value for one in bench.ledger.runs.counts(run.id) if one.equation == "out"}
    assert out == {"new": 6, "acked": 1, "rejected": 1, "dead": 1, "waived": 1, "open_after": 2}
    bench.seal()
    second = bench.run
    bench.ledger.intents.recover(bench.lease, second)
    bench.next_run()
    out = {one.name: one.value for one in bench.ledger.runs.counts(second.id) if one.equation == "out"}
    assert out == {"open_before": 2, "superseded": 1, "open_after": 1}


def test_a_close_that_does_not_add_up_is_our_bug(bench: Bench) -> None:
    run = bench.start()
    bench.seal(intent())
    claim = bench.claim()[0]
    bench.ledger.intents.waive(bench.lease, [claim.intent.id])  # in no run's name, though a run is under way
    with pytest.raises(InternalError, match="open_before 0 \\+ new 1 make 1, but"):
        bench.ledger.runs.close(bench.lease, run.id, "done", 0, {})
