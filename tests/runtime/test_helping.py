"""Two processes deliver what one run has sealed: each write is sent by one of them, and none is left."""

from __future__ import annotations

import json
import subprocess
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import Any

import pytest

from end_to_end.stage import program
from support import postgres
from support.clock import TestClock
from support.world import FROM_A_TO_B, World, system, world, writes
from syncline_runtime.connectors import Surroundings
from syncline_runtime.errors import LeaseHeld, StateError
from syncline_runtime.helping import help_deliver
from syncline_runtime.ledger import Ledger
from syncline_runtime.upkeep.session import opened_ledger, under_lease

RECORDS = 240
REFUSED: list[str] = []
STARTED: list[subprocess.Popen[str]] = []
SLOW = 0.05  # seconds that a write takes
FILES = {
    "a.yaml": system("a", Rec="name: {type: text, required: true}, boss: {type: text, ref: Rec}"),
    "b.yaml": system("b", Rec="name: {type: text, required: true}, boss: {type: text, ref: Rec}").replace(
        "resources:", "limit: {requests: 60, per: 1s}\nresources:"
    ),
    "rec.yaml": """
        object: rec
        version: 1.0.0
        fields: {name: {type: text, required: true}, boss: "ref(rec)?"}
        identity: [{same: [name]}]
        """,
    "sync.yaml": FROM_A_TO_B,
    "a.map": "mapping a.Rec <-> rec@1\n\nname <-> name\nboss <-> boss | ref rec\n",
    "b.map": "mapping b.Rec <-> rec@1\n\nname <-> name\nboss <-> boss | ref rec\n",
}

OTHER = {"rec.yaml": FILES["rec.yaml"].replace("1.0.0", "1.0.1")}


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, server: postgres.Server) -> Iterator[World]:
    """A world whose ledger is on a server, whose clock is the machine's, and whose system ``b`` takes its time."""
    monkeypatch.setattr(postgres, "chosen", server)
    monkeypatch.setattr(TestClock, "moment", lambda _: datetime.now(UTC))
    with world(tmp_path, monkeypatch, FILES) as made:
        made.options = replace(made.options, around=Surroundings(random=Random(1)))
        stand_in = made.sandbox.stand_ins["b"]
        real = stand_in.answer

        def slowly(call: Any, url: str) -> Any:
            if call.method != "GET":
                time.sleep(SLOW)
            reply = real(call, url)
            REFUSED.extend([call.path] * (reply.status == 429))
            return reply

        stand_in.answer = slowly  # type: ignore[method-assign]
        boss = ""
        for number in range(RECORDS):  # some refer to others, which one process may create and the other needs
            made_now = made.add("a", name=f"N{number:03}", **({"boss": boss} if number % 10 else {}))
            boss = made_now if number % 10 == 0 else boss
        yield made
        for process in STARTED:
            process.kill()
            process.communicate()
        STARTED.clear()
        REFUSED.clear()


def start(shop: World, command: str) -> subprocess.Popen[str]:
    """Start a command in a process of its own."""
    words = [program(), command, *shop.words, "--format", "json"]
    STARTED.append(subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True))
    return STARTED[-1]


def until(shop: World, happened: Callable[[Ledger], bool]) -> None:
    """Wait for something that the ledger tells."""
    end = time.monotonic() + 60
    with opened_ledger(shop.place) as ledger:
        while not happened(ledger):
            assert time.monotonic() < end
            time.sleep(0.02)


def is_sealed(ledger: Ledger) -> bool:
    return any(one.sealed_at for one in ledger.runs.last(1))


def ended(process: subprocess.Popen[str]) -> tuple[dict[str, Any], int]:
    """Wait for the end of a command; give what it printed and its exit code."""
    out, err = process.communicate(timeout=120)
    assert out, f"{err} {process.returncode}"
    return json.loads(out), process.returncode


def sent(shop: World) -> Counter[tuple[str, str]]:
    """Count the writes that system ``b`` did to each record."""
    return Counter((one["operation"], one["id"]) for one in shop.sandbox.log if one["system"] == "b")


def assert_same(shop: World) -> None:
    """See that each record is there once, and refers to the one it should."""
    boss = {of: {one["id"]: one["name"] for one in shop.records(of)} | {None: None} for of in "ab"}
    told = {of: {name: boss[of][one["boss"]] for name, one in shop.by("name", of).items()} for of in "ab"}
    assert told["a"] == told["b"]


def test_two_processes_share_an_outbox(shop: World) -> None:
    planning = start(shop, "run")
    until(shop, is_sealed)
    helping = start(shop, "deliver")
    helped, helped_code = ended(helping)
    told, code = ended(planning)
    acked = (helped["acknowledged"].get("b", 0), told["acknowledged"].get("b", 0))
    assert (sum(acked), code, helped_code) == (RECORDS, 0, 0)
    assert min(acked) > RECORDS // 10, "both have sent"
    assert_same(shop)
    assert set(sent(shop).values()) == {1}, "none twice"
    assert REFUSED == [], "together they keep to the limit of the credential that they share"
    done = shop.run()
    assert (writes(done), done.exit_code) == ([], 0)


def test_the_helper_is_killed(shop: World) -> None:
    planning, helping = both(shop)
    helping.kill()
    helping.wait()
    told, _ = ended(planning)
    assert told["acknowledged"]
    while shop.run().delivered.left:
        pass
    assert_each_once(shop)


def test_the_run_is_killed_and_the_next_one_waits_for_the_helper(shop: World) -> None:
    planning, helping = both(shop)
    planning.kill()
    planning.wait()
    done = shop.run()
    helped, _ = ended(helping)
    assert helped["acknowledged"]["b"] > 0
    assert helping.returncode == 0, "it has ended its work, and was not fenced"
    while done.delivered.left:
        done = shop.run()
    assert_each_once(shop)


def both(shop: World) -> tuple[subprocess.Popen[str], subprocess.Popen[str]]:
    """Start a run and a helper, and wait until both are at work."""
    planning = start(shop, "run")
    until(shop, is_sealed)
    helping = start(shop, "deliver")
    until(shop, lambda ledger: len({one.token for one in ledger.leases.current()}) == 2)
    before = len(sent(shop))
    until(shop, lambda _: len(sent(shop)) > before + 30)
    return planning, helping


def assert_each_once(shop: World) -> None:
    """See that no record is doubled, none lost, and nothing left to do."""
    assert_same(shop)
    creates = [number for (operation, _), number in sent(shop).items() if operation == "create"]
    assert creates == [1] * RECORDS
    assert writes(shop.run()) == []


def test_nothing_is_helped_that_was_not_sealed_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with world(tmp_path, monkeypatch, FILES) as shop:
        shop.run()
        done = help_deliver(shop.release, "t", shop.options)
        assert (done.acked, done.left) == ({}, {})
        with opened_ledger(shop.place) as ledger:
            lease = ledger.leases.acquire(["rec"])
            assert help_deliver(shop.release, "t", shop.options).acked == {}, "a run plans, and has sealed nothing"
            ledger.leases.release(lease)
            ledger.leases.help(["rec"])
            with pytest.raises(LeaseHeld), under_lease(shop.place):
                pass
            ledger.leases.fence(ledger.leases.helpers(["rec"]))
        shop.change(FILES | OTHER)
        with pytest.raises(StateError) as caught:
            help_deliver(shop.release, "t", shop.options)
        assert caught.value.error_code == "SYN6017"
