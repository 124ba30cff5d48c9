"""Outages pause a system and use up no attempts; a bad record is set aside alone."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from support.clock import TestClock
from support.world import FROM_A_TO_B, NAME_AND_KIND, World, problems, system, world, writes
from syncline_runtime.connectors.connection import _HttpConnection
from syncline_runtime.errors import RequestFailed, SystemRests
from syncline_runtime.exception_actions import Act, became, retry
from syncline_runtime.exception_queue import listed, shown
from syncline_runtime.ledger.buckets import Buckets
from syncline_runtime.report import tell_run
from syncline_runtime.stages.breaker import Breaker
from syncline_runtime.upkeep.session import opened_ledger

HOUR = 3600.0
REC = "name: {type: text, required: true}, kind: text"
FILES = {
    "a.yaml": system("a", Rec=REC),
    "b.yaml": system("b", Rec=REC),
    "rec.yaml": NAME_AND_KIND,
    "sync.yaml": FROM_A_TO_B + "delivery: {attempts: 2, within: 2h}\n",
    "a.map": "mapping a.Rec <-> rec@1\n\nname <-> name\nkind <-> kind\n",
    "b.map": "mapping b.Rec <-> rec@1\n\nname <-> name\nkind <-> kind\n",
}


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    monkeypatch.setattr("syncline_runtime.stages.deliver.PATIENCE", 0.0)
    with world(tmp_path, monkeypatch, FILES) as made:
        for number in range(5):
            made.add("a", name=f"N{number}")
        yield made


def attempts(shop: World) -> set[int]:
    with opened_ledger(shop.place) as ledger:
        return {one.attempts for one in ledger.intents.unfinished()}


@pytest.mark.parametrize("fault", ["500_before", "429", "html", "reset_after"])
def test_an_outage_pauses_the_system_and_uses_up_no_attempts(shop: World, fault: str) -> None:
    shop.run()
    for one in shop.records("a"):
        shop.edit("a", one["id"], kind="x")
    shop.sandbox.fault("b", fault, operation="*", times=10_000)
    for _ in range(4):
        done = shop.run()
        assert (done.exit_code, problems(done), done.delivered.failed) == (4, [], {})
        assert attempts(shop) <= {0}
    shop.sandbox.stand_ins["b"].faults.clear()
    shop.clock.let_pass(HOUR)
    shop.run()
    assert attempts(shop) == set()
    done = shop.run()
    assert {one["kind"] for one in shop.records("b")} == {"x"}
    assert (done.exit_code, writes(done), attempts(shop)) == (0, [], set())


def test_work_that_is_left_is_told_by_the_exit_code(shop: World) -> None:
    """One write that did not get through pauses nothing, and is not done either."""
    shop.run()
    shop.edit("a", shop.records("a")[0]["id"], kind="x")
    shop.sandbox.fault("b", "500_before", operation="update", times=1)
    done = shop.run()
    assert (done.delivered.left, done.delivered.paused, done.exit_code) == ({"b": 1}, {}, 4)
    shop.clock.let_pass(HOUR)
    shop.run()
    assert shop.run().exit_code == 0


@pytest.mark.parametrize("fault", ["500_before", "429"])
def test_a_storm_over_writes_alone_floods_no_queue(shop: World, fault: str) -> None:
    shop.sandbox.fault("b", fault, operation="create", times=10_000)
    for _ in range(4):
        done = shop.run()
        assert (problems(done), done.delivered.failed, done.delivered.left) == ([], {}, {"b": 5})
        assert attempts(shop) == {0}
    shop.sandbox.stand_ins["b"].faults.clear()
    shop.clock.let_pass(HOUR)
    done = shop.run()
    assert (len(shop.records("b")), done.exit_code) == (5, 0)


def test_one_record_that_breaks_the_system_is_given_up_alone(shop: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("syncline_runtime.stages.deliver.PATIENCE", 20.0)
    real: Any = _HttpConnection.write

    async def write(self: Any, resource: str, contract: Any, **more: Any) -> Any:
        if more["natives"].get("name") == "N2":
            raise RequestFailed("the system failed", category="vendor", status=500, retry=True)
        return await real(self, resource, contract, **more)

    monkeypatch.setattr(_HttpConnection, "write", write)
    done = shop.run()
    assert (done.delivered.acked, done.delivered.failed, done.delivered.paused) == ({"b": 4}, {"b": 1}, {})
    (given_up,) = listed(shop.place, (), {})["exceptions"]
    assert (given_up["code"], given_up["category"], given_up["pattern"]) == ("SYN5402", "vendor", "missing")
    evidence = shown(shop.place, given_up["id"])["write"]
    assert (evidence["fields"], evidence["attempts"][-1]["outcome"]) == ({"name": "N2"}, "dead")
    assert writes(shop.run()) == [], "the same is not sent again by itself"
    retry(shop.place, Act((given_up["id"],), "ada"), absent=False)
    monkeypatch.setattr(_HttpConnection, "write", real)
    assert writes(shop.run()) == [("b", "Rec", "create", "")]
    assert len(shop.records("b")) == 5
    assert [one["state"] for one in became(shop.place, [given_up["id"]])["exceptions"]] == ["resolved"]


def test_a_record_that_breaks_the_system_where_nothing_else_is_sent_is_given_up_as_soon(
    shop: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whether the system is down or the record is at fault cannot be seen of one write: the policy's attempts hold."""
    shop.run()
    monkeypatch.setattr("syncline_runtime.stages.deliver.PATIENCE", 20.0)
    shop.edit("a", shop.records("a")[0]["id"], kind="x")
    shop.sandbox.fault("b", "500_before", operation="update", times=10_000)
    shop.clock.let_pass(HOUR)
    done = shop.run()
    assert done.delivered.failed == {"b": 1}
    (given_up,) = listed(shop.place, (), {})["exceptions"]
    evidence = shown(shop.place, given_up["id"])
    assert not [step for step in evidence["next"] if "--absent" in step], "what is updated is known to be there"
    sent = evidence["write"]["attempts"]
    assert len(sent) == 4, (
        "one that may be the system's fault, the two of the policy, and one to find out what became of them"
    )


def test_a_retry_says_superseded_where_there_is_nothing_to_write_any_more(
    shop: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop.run()
    first = shop.records("a")[0]
    real: Any = _HttpConnection.write

    async def write(self: Any, resource: str, contract: Any, **more: Any) -> Any:
        raise RequestFailed("the system finds the request invalid", category="validation", status=422)

    monkeypatch.setattr(_HttpConnection, "write", write)
    shop.edit("a", first["id"], kind="refused")
    assert shop.run().delivered.failed == {"b": 1}
    monkeypatch.setattr(_HttpConnection, "write", real)
    (one,) = listed(shop.place, (), {})["exceptions"]
    shop.edit("a", first["id"], kind=None)
    retry(shop.place, Act((one["id"],), "ada"), absent=False)
    assert writes(shop.run()) == [], "the refused value is never sent over the newer one"
    assert [each["state"] for each in became(shop.place, [one["id"]])["exceptions"]] == ["superseded"]


def test_nothing_is_sent_to_a_system_that_could_not_be_read(shop: World) -> None:
    shop.add("b", name="N7")
    shop.run()
    shop.add("a", name="N7")
    shop.sandbox.fault("b", "500_before", operation="list", times=10_000)
    done = shop.run()
    assert writes(done) == []
    shop.sandbox.stand_ins["b"].faults.clear()
    done = shop.run()
    assert len(shop.records("b")) == 6


def test_nothing_is_created_in_a_system_that_was_never_read(shop: World) -> None:
    """The first run cannot read it: it may have all these records already."""
    for number in range(5):
        shop.add("b", name=f"N{number}")
    shop.sandbox.fault("b", "500_before", operation="list", times=10_000)
    assert writes(shop.run()) == []
    shop.sandbox.stand_ins["b"].faults.clear()
    assert writes(shop.run()) == []
    assert len(shop.records("b")) == 5


def test_who_is_told_that_a_system_rests_lets_nobody_rest_longer(shop: World, monkeypatch: pytest.MonkeyPatch) -> None:
    credentials: set[str] = set()
    told: list[float | None] = []
    take, rest = Buckets.take, Buckets.rest
    monkeypatch.setattr(Buckets, "take", lambda b, of, *a, **k: (credentials.add(of), take(b, of, *a, **k))[1])
    shop.run()
    for one in shop.records("a"):
        shop.edit("a", one["id"], kind="x")
    with opened_ledger(shop.place) as ledger:
        for one in credentials:
            ledger.buckets.rest(one, 7.0)
    monkeypatch.setattr("syncline_runtime.stages.deliver.PATIENCE", 30.0)
    monkeypatch.setattr(Buckets, "rest", lambda b, of, seconds: (told.append(seconds), rest(b, of, seconds)))
    done = shop.run()
    assert (done.acked, done.delivered.paused, done.delivered.left) == (5, {}, {})
    assert told == [None]
    assert sum(one for one in shop.clock.slept if one > 5) < 8


def test_a_breaker_waits_as_long_as_it_is_told() -> None:
    clock = TestClock()
    breaker = Breaker(clock, 4)
    told = SystemRests("the system rests", category="transport", retry=True, retry_after=2.5)
    for record in range(3):
        breaker.failed(record, told)
    for _ in range(4):
        assert 2.4 < breaker.rests_for <= 2.5
        clock.let_pass(3.0)
        breaker.failed(1, told)


def test_what_comes_of_writes_that_were_left_is_told(shop: World, capsys: pytest.CaptureFixture[str]) -> None:
    shop.run()
    shop.edit("a", shop.records("a")[0]["id"], kind="x")
    shop.sandbox.fault("b", "reset_after", operation="update", times=1)
    assert shop.run().delivered.left == {"b": 1}
    shop.clock.let_pass(HOUR / 60)
    done = shop.run()
    assert (done.earlier.acked, done.acked, done.exit_code) == ({"b": 1}, 0, 0)
    shop.add("a", name="N5")
    shop.sandbox.fault("b", "reset_after", operation="create", times=1)
    assert shop.run().delivered.left == {"b": 1}
    shop.clock.let_pass(25 * HOUR)  # its key is forgotten by then: nobody can tell what became of it
    done = shop.run()
    assert (done.earlier.failed, done.delivered.failed, done.exit_code) == ({"b": 1}, {}, 1)
    tell_run(shop.release, done)
    assert "writes that earlier runs had left: 0 acknowledged, 1 failed" in capsys.readouterr().out
