"""A run that is told to end: what is under way is recorded, what is left is for the next one; and how much is sent at once."""

from __future__ import annotations

import asyncio
import gc
import os
import signal
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from support.clock import TestClock
from support.world import FROM_A_TO_B, World, system, world
from syncline_runtime.connectors.connection import _HttpConnection
from syncline_runtime.errors import RequestFailed, StateError, Stopped
from syncline_runtime.ledger import Lease
from syncline_runtime.ledger.outbox import Outbox
from syncline_runtime.stages import breaker
from syncline_runtime.stages import deliver as delivering
from syncline_runtime.stages.breaker import Breaker
from syncline_runtime.stages.journal import Journal
from syncline_runtime.upkeep.session import opened_ledger

RECORDS = 30
FILES = {
    "a.yaml": system("a", Rec="name: {type: text, required: true}"),
    "b.yaml": system("b", Rec="name: {type: text, required: true}"),
    "rec.yaml": "object: rec\nversion: 1.0.0\nfields: {name: {type: text, required: true}}\nidentity: [{same: [name]}]\n",
    "sync.yaml": FROM_A_TO_B,
    "a.map": "mapping a.Rec <-> rec@1\n\nname <-> name\n",
    "b.map": "mapping b.Rec <-> rec@1\n\nname <-> name\n",
}


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    with world(tmp_path, monkeypatch, FILES) as made:
        for number in range(RECORDS):
            made.add("a", name=f"N{number:02}")
        yield made


def slowly(monkeypatch: pytest.MonkeyPatch, after: int, do: Any) -> None:
    """Do something once so many writes have begun; each takes a while."""
    real: Any = _HttpConnection.write
    begun = 0

    async def write(self: Any, *args: Any, **more: Any) -> Any:
        nonlocal begun
        begun += 1
        if begun == after:
            do()
        await asyncio.sleep(0.01)
        return await real(self, *args, **more)

    monkeypatch.setattr(_HttpConnection, "write", write)


def test_sigterm_ends_what_is_under_way_and_begins_nothing_more(shop: World, monkeypatch: pytest.MonkeyPatch) -> None:
    slowly(monkeypatch, 5, lambda: os.kill(os.getpid(), signal.SIGTERM))
    before = signal.getsignal(signal.SIGTERM)
    done = shop.run()
    assert signal.getsignal(signal.SIGTERM) == before
    sent = len(shop.records("b"))
    assert 5 <= sent < RECORDS
    assert (done.stopped, done.exit_code, done.acked) == (True, 3, sent)
    assert done.delivered.left == {"b": RECORDS - sent}
    with opened_ledger(shop.place) as ledger:
        assert not [one for one in ledger.intents.unfinished() if one.state in ("sending", "ambiguous")]
    assert shop.run().exit_code == 0
    assert sorted(shop.by("name", "b")) == sorted(shop.by("name", "a"))


def test_disk_that_is_full_is_told_once(
    shop: World, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """However many writes are under way when it happens, and none of them is left to asyncio to speak of."""
    met = asyncio.Barrier(2)
    real: Any = _HttpConnection.write

    async def write(self: Any, *args: Any, **more: Any) -> Any:
        written = await real(self, *args, **more)
        await met.wait()
        return written

    def refuses(*_: object, **__: object) -> None:
        raise StateError("the disk refused to write", code="SYN6004")

    with monkeypatch.context() as full:
        full.setattr(_HttpConnection, "write", write)
        full.setattr(Outbox, "acknowledge", refuses)
        with pytest.raises(StateError, match="SYN6004"):
            shop.run()
    gc.collect()
    assert not [one for one in caplog.records if one.name == "asyncio"]


def test_time_that_is_over_stops_as_sigterm_does(shop: World) -> None:
    with pytest.raises(Stopped):
        shop.run(within=0.0)
    assert shop.run(within=600.0).acked == RECORDS


def test_a_run_that_is_stopped_before_its_seal_keeps_and_sends_nothing(
    shop: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    real: Any = _HttpConnection.read_lines

    async def read(self: Any, *args: Any, **more: Any) -> Any:
        os.kill(os.getpid(), signal.SIGTERM)
        await asyncio.sleep(0.05)
        async for page in real(self, *args, **more):
            yield page

    monkeypatch.setattr(_HttpConnection, "read_lines", read)
    with pytest.raises(Stopped) as caught:
        shop.run()
    assert caught.value.exit_code == 3
    assert shop.records("b") == []
    monkeypatch.setattr(_HttpConnection, "read_lines", real)
    assert (shop.run().acked, shop.run().acked) == (RECORDS, 0)


def test_an_outage_is_probed_with_one_write_before_more_are_sent(shop: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """The system comes back within the patience of the run: everything goes out in it."""
    together: list[int] = []
    real: Any = _HttpConnection.write
    under_way = failures = 0

    async def write(self: Any, *args: Any, **more: Any) -> Any:
        nonlocal under_way, failures
        under_way += 1
        together.append(under_way)
        try:
            await asyncio.sleep(0)
            if failures < 6:
                failures += 1
                raise RequestFailed("no answer", category="transport", retry=True)
            return await real(self, *args, **more)
        finally:
            under_way -= 1

    monkeypatch.setattr(_HttpConnection, "write", write)
    done = shop.run()
    assert (done.exit_code, done.acked, done.delivered.paused) == (0, RECORDS, {})
    probes = [number for number, width in enumerate(together) if width == 1]
    assert len(probes) >= 3, "while the outage stands writes go one by one"
    assert max(together) > 1
    assert sum(shop.clock.slept) >= breaker.FIRST_REST


def failed(category: str = "transport", **more: Any) -> RequestFailed:
    return RequestFailed("no", category=category, retry=True, **more)  # type: ignore[arg-type]


def test_a_breaker_opens_after_an_outage_and_closes_with_a_success() -> None:
    clock = TestClock()
    one = Breaker(clock, 8)
    for record in (1, 2):
        one.failed(record, failed())
    assert (one.is_open, one.width) == (False, 8)
    one.failed(3, failed())
    assert (one.is_open, one.width, one.rests_for) == (True, 0, breaker.FIRST_REST)
    one.failed(4, failed())
    assert one.rests_for == breaker.FIRST_REST, "what was under way together is one outage"
    clock.let_pass(breaker.FIRST_REST)
    assert one.width == 1
    one.failed(5, failed(retry_after=7.0))
    assert one.rests_for == pytest.approx(7.0)
    clock.let_pass(7.0)
    one.worked()
    assert (one.is_open, one.width) == (False, 2)
    for _ in range(100):
        one.worked()
    assert one.width == 8


def test_one_record_that_always_fails_opens_no_breaker() -> None:
    one = Breaker(TestClock(), 8)
    for _ in range(10):
        one.failed(1, failed("vendor", status=500))
    assert not one.is_open


def test_a_write_is_to_blame_once_nothing_else_can_be() -> None:
    one = Breaker(TestClock(), 8)
    assert not one.blames(1, alone=True), "the first failure may be the system's"
    one.failed(1, failed("vendor", status=500))
    assert not one.blames(1, alone=False), "what is under way beside it may fail just the same"
    assert one.blames(1, alone=True)
    one.worked()
    assert one.blames(2, alone=False), "others work"
    for record in (1, 2, 3):
        one.failed(record, failed("vendor", status=500))
    assert not one.blames(1, alone=True), "an outage stands"


def test_a_system_that_is_overrun_gets_half_as_much() -> None:
    one = Breaker(TestClock(), 8)
    one.failed(1, failed("rate_limit", status=429))
    assert (one.is_open, one.width) == (False, 4)
    one.worked()
    one.failed(1, failed("vendor", status=503))
    assert one.width == 2


def test_a_refused_credential_is_not_tried_again() -> None:
    clock = TestClock()
    one = Breaker(clock, 8)
    one.failed(1, failed("authentication", status=401))
    clock.let_pass(1_000)
    assert (one.is_final, one.width) == (True, 0)


def test_a_step_that_fails_takes_no_other_with_it(shop: World) -> None:
    shop.run()

    async def story() -> list[Any]:
        with opened_ledger(shop.place) as ledger:
            lease = ledger.leases.acquire(["rec"])
            journal = Journal(ledger, lease)

            def lost() -> None:
                ledger.leases.renew(Lease(("rec",), "x", -1, 0, 0))

            steps = [lambda: ledger.leases.renew(lease).token, lost, lambda: len(ledger.intents.unfinished())]
            told = await asyncio.gather(*(journal.write(step) for step in steps), return_exceptions=True)
            ledger.leases.release(lease)
            return [*told, lease.token]

    first, second, third, token = asyncio.run(story())
    assert (first, third) == (token, 0)
    assert isinstance(second, StateError)


def test_nobody_waits_for_a_commit_that_will_not_be(shop: World) -> None:
    shop.run()

    async def story() -> list[Any]:
        with opened_ledger(shop.place) as ledger:
            journal = Journal(ledger, ledger.leases.acquire(["rec"]))

            def broken() -> None:
                raise KeyError("a mistake of ours")

            told = await asyncio.gather(*map(journal.write, (broken, lambda: 1)), return_exceptions=True)
            waiting = asyncio.create_task(journal.write(lambda: 2))
            await asyncio.sleep(0)
            assert journal._committing is not None
            journal._committing.cancel()
            return [*told, *await asyncio.gather(waiting, return_exceptions=True), await journal.write(lambda: 3)]

    first, second, cancelled, last = asyncio.run(asyncio.wait_for(story(), 20))
    assert (type(first), second, type(cancelled), last) == (KeyError, 1, asyncio.CancelledError, 3)


def test_steps_are_durable_when_they_return(shop: World) -> None:
    """Commits happen beside the tasks that wait for them, and every task gets its own result."""
    shop.run()

    async def story() -> list[int]:
        with opened_ledger(shop.place) as ledger:
            lease = ledger.leases.acquire(["rec"])
            journal = Journal(ledger, lease)

            async def one(number: int) -> int:
                await asyncio.sleep(number % 3 / 1_000)
                return await journal.write(lambda: number)

            told = list(await asyncio.gather(*map(one, range(50))))
            ledger.leases.release(lease)
            return told

    assert asyncio.run(story()) == list(range(50))


def test_of_several_workers_that_fail_one_is_told(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A full disk fails them all, the others while they put back what they have claimed."""

    class Failing:
        def __init__(self, *words: Any) -> None:
            self.name = words[-2]

        async def work(self) -> None:
            try:
                await asyncio.sleep(0 if self.name == "a" else 60)
            finally:
                raise StateError(f"the disk is full, says {self.name}")

    monkeypatch.setattr(delivering, "_Worker", Failing)
    run: Any = SimpleNamespace(ledger=None, connections={"a": None, "b": None})
    with pytest.raises(StateError, match="says a"):
        asyncio.run(delivering.deliver(run, None))  # type: ignore[arg-type]
    assert [record.message for record in caplog.records] == []
