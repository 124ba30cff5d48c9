"""Buckets of credentials, as several processes use them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from runtime.ledger.bench import Bench
from syncline_runtime.clock import Clock
from syncline_runtime.connectors.pace import Pace
from syncline_runtime.errors import RequestFailed
from syncline_runtime.system import Limit


def test_all_together_take_no_more_than_there_is(bench: Bench) -> None:
    buckets, taken = bench.ledger.buckets, 0.0
    for _ in range(8):  # more askers than tokens
        taken += buckets.take("c", 30, 10, 5, writes=True).tokens
    assert taken == 30, "it starts full"
    empty = buckets.take("c", 30, 10, 5, writes=True)
    assert (empty.tokens, 0 < empty.wait <= 0.1) == (0, True)
    bench.clock.pass_(2)
    assert 20 <= sum(buckets.take("c", 30, 10, 5, writes=True).tokens for _ in range(9)) <= 21
    assert buckets.take("other", 30, 10, 5, writes=True).tokens == 5
    bench.clock.pass_(1000)
    assert sum(buckets.take("c", 30, 10, 100, writes=True).tokens for _ in range(3)) == 30


def test_a_pause_holds_for_all(bench: Bench) -> None:
    buckets = bench.ledger.buckets
    buckets.take("c", 30, 10, 5, writes=False)
    buckets.pause("c", 20.0)
    buckets.pause("c", 3.0)
    assert 19 < buckets.take("c", 30, 10, 5, writes=False).wait <= 20
    bench.clock.pass_(21)
    assert buckets.take("c", 30, 10, 5, writes=False).tokens == 5


def test_one_looks_whether_a_system_is_back_while_the_others_wait(bench: Bench) -> None:
    buckets = bench.ledger.buckets
    buckets.take("c", 30, 10, 5, writes=True)
    buckets.rest("c", 8.0)
    assert 7 < buckets.take("c", 30, 10, 5, writes=True).rests <= 8
    assert buckets.take("c", 30, 10, 5, writes=False).tokens == 1, "reading may go on"
    bench.clock.pass_(9)
    probe, other = (buckets.take("c", 30, 10, 5, writes=True) for _ in range(2))
    assert (probe.tokens, probe.rests, other.rests > 0) == (1, 0, True)
    bench.clock.pass_(30)
    assert buckets.take("c", 30, 10, 5, writes=True).rests == 0, "who looked has not come back"
    buckets.rest("c", None)
    assert buckets.take("c", 30, 10, 5, writes=True) == (5, 0, 0)


def test_processes_share_a_bucket_and_an_outage(bench: Bench) -> None:
    async def story(run: Callable[[Pace, Pace], Any]) -> None:
        clock = _Same(bench)
        await run(*(Pace(Limit(10, 1), clock, "credential", bench.ledger.buckets) for _ in range(2)))

    async def limited(one: Pace, other: Pace) -> None:
        began = bench.clock.now
        for _ in range(30):
            for pace in (one, other):
                async with pace.slot(writes=True):
                    pass
        assert 4.9 <= (bench.clock.now - began) / 1e6 <= 7, "ten at once, then ten a second"

    async def resting(one: Pace, other: Pace) -> None:
        await one.rest(30.0)
        with pytest.raises(RequestFailed) as caught:
            async with other.slot(writes=True):
                pass
        assert (caught.value.category, caught.value.ambiguous, caught.value.retry) == ("transport", False, True)
        async with other.slot():
            pass
        bench.clock.pass_(31)
        async with other.slot(writes=True):
            pass
        await other.rest(None)
        async with one.slot(writes=True):
            pass

    asyncio.run(story(limited))
    asyncio.run(story(resting))


class _Same(Clock):
    """The bench's clock, on which those who wait wait."""

    def __init__(self, bench: Bench) -> None:
        self._bench = bench

    def now(self) -> int:
        return int(self._bench.clock())

    def monotonic(self) -> float:
        return self._bench.clock.now / 1e6

    async def sleep(self, seconds: float) -> None:
        self._bench.clock.pass_(seconds)
