from __future__ import annotations

import subprocess
import sys

import pytest

from runtime.ledger.bench import SECOND, Bench
from syncline_runtime.errors import LeaseHeld, StateError
from syncline_runtime.ledger import Seal, holder


def test_a_held_scope_names_its_holder_and_what_to_do(bench: Bench) -> None:
    bench.ledger.leases.acquire(["account", "invoice"])
    with pytest.raises(LeaseHeld) as caught:
        bench.ledger.leases.acquire(["invoice"])
    assert "invoice is being worked on by process" in caught.value.message
    assert "since 2023-11-14 22:13:20 UTC" in caught.value.message
    assert "free at 2023-11-14 22:14:20 UTC" in caught.value.mend
    assert caught.value.exit_code == 5


def test_other_scopes_are_free(bench: Bench) -> None:
    first = bench.ledger.leases.acquire(["account"])
    second = bench.ledger.leases.acquire(["invoice"])
    assert second.token > first.token


def test_a_refused_lease_takes_no_scope(bench: Bench) -> None:
    bench.ledger.leases.acquire(["invoice"])
    with pytest.raises(LeaseHeld):
        bench.ledger.leases.acquire(["account", "invoice"])
    assert [one.scopes for one in bench.ledger.leases.current()] == [("invoice",)]


def test_a_lease_that_ran_out_can_be_taken_and_fences_its_old_holder(bench: Bench) -> None:
    run = bench.start()
    old = bench.lease
    bench.clock.pass_(61)
    new = bench.ledger.leases.acquire(["account"])
    assert new.token > old.token
    for write in (
        lambda: bench.ledger.leases.renew(old),
        lambda: bench.ledger.runs.begin(old, "r", "b", ["account"]),
        lambda: bench.ledger.seal(old, Seal(run.id)),
        lambda: bench.ledger.outbox.claim(old, run.id, "erp", 1, SECOND),
        lambda: bench.ledger.register.confirm(old, run.id, [], []),
        lambda: bench.ledger.intents.recover(old, run),
    ):
        with pytest.raises(StateError) as caught:
            write()
        assert caught.value.error_code == "SYN6009"
    bench.ledger.leases.release(old)
    assert [one.token for one in bench.ledger.leases.current()] == [new.token]


def test_losing_one_of_several_scopes_loses_the_lease(bench: Bench) -> None:
    both = bench.ledger.leases.acquire(["account", "invoice"])
    bench.clock.pass_(61)
    bench.ledger.leases.acquire(["invoice"])
    with pytest.raises(StateError, match="lost to another run"):
        bench.ledger.leases.renew(both)


def test_a_renewed_lease_stays(bench: Bench) -> None:
    lease = bench.ledger.leases.acquire(["account"])
    bench.clock.pass_(50)
    bench.ledger.leases.renew(lease)
    bench.clock.pass_(50)
    with pytest.raises(LeaseHeld):
        bench.ledger.leases.acquire(["account"])


def test_a_lease_of_a_process_that_ended_is_free_at_once(bench: Bench) -> None:
    script = "from syncline_runtime.ledger import holder; print(holder.this_process())"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    gone = done.stdout.strip()
    bench.ledger.leases.acquire(["account"], by=gone)
    assert bench.ledger.leases.acquire(["account"]).holder == holder.this_process()


@pytest.mark.parametrize(
    "who",
    [
        "",
        "worker 7",
        "elsewhere|x|1|5",
        lambda: "|".join((*holder.this_process().split("|")[:2], "not a pid", "5")),
        lambda: "|".join((*holder.this_process().split("|")[:1], "other boot", "999999", "5")),
        holder.this_process,
    ],
)
def test_only_certainty_makes_a_holder_gone(who: object) -> None:
    assert not holder.is_gone(who() if callable(who) else str(who))


def test_a_pid_given_to_another_process_is_gone() -> None:
    host, world, pid, _ = holder.this_process().split("|")
    assert holder.is_gone(f"{host}|{world}|{pid}|1") == (world != "")
