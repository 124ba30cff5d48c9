"""Compaction: fewer segments, row for row the same state, and what is past its time goes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from support.world import World, system, world, writes
from syncline_runtime import fold
from syncline_runtime.errors import StateError
from syncline_runtime.rollback import rollback
from syncline_runtime.tracing import trace
from syncline_runtime.upkeep import compaction
from syncline_runtime.upkeep.compaction import compact_state
from syncline_runtime.upkeep.session import opened_state

DAY = 86_400_000_000
FILES = {
    "a.yaml": system("a", Rec="key: {type: text, required: true}, name: text, size: text"),
    "b.yaml": system("b", Rec="key: {type: text, required: true}, name: text, size: text"),
    "rec.yaml": """
        object: rec
        version: 1.0.0
        label: Record
        fields:
          key: {type: text, required: true, label: Key}
          name: {type: "text?", label: Name}
          size: {type: "text?", label: Size}
        identity: [{same: [key]}]
        """,
    "sync.yaml": """
        sync: rec
        object: rec@1
        members: {a: a.Rec, b: b.Rec}
        exists: {originate: [a], hold: {b: true}}
        owners: {"*": a, size: b}
        """,
    "a.map": "mapping a.Rec <-> rec@1\n\nkey <-> key\nname <-> name\nsize <-> size\n"
    '\nreject when name == "bad" because "it is bad"\n',
    "b.map": "mapping b.Rec <-> rec@1\n\nkey <-> key\nname <-> name\nsize <-> size\n",
}


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    with world(tmp_path, monkeypatch, FILES) as made:
        yield made


def grow(shop: World, runs: int, start: int = 0) -> None:
    """Let each run, a day after the other, bring a record and an edit."""
    for number in range(start, start + runs):
        shop.add("a", key=f"k{number}", name=f"n{number}", size="1")
        shop.edit("a", shop.by("key", "a")["k0"]["id"], name=f"edited in {number}")
        shop.run()
        shop.clock.let_pass(DAY / 1e6)


def contents(shop: World) -> dict[str, str]:
    with opened_state(shop.place) as (_, state):
        return fold.contents(state, shop.release)


def segments(shop: World) -> list[str]:
    with opened_state(shop.place) as (ledger, _):
        return sorted(f"{one.kind}:{one.subject}" for one in ledger.register.segments())


def files(shop: World) -> int:
    return len(list((shop.options.state / "segments").rglob("*.parquet")))


def test_many_segments_become_one_and_the_state_stays_the_same(shop: World) -> None:
    grow(shop, 4)
    before, many = contents(shop), segments(shop)
    document = compact_state(shop.place, DAY * 365 * 100)
    assert contents(shop) == before
    assert len(segments(shop)) == len(set(many)) < len(many)
    assert (document["before"]["segments"], document["after"]["segments"]) == (len(many), len(set(many)))
    assert files(shop) == len(set(many))
    shop.assert_whole()
    (shop.options.state / "state.duckdb").unlink()
    assert contents(shop) == before
    grow(shop, 2, start=4)
    assert shop.by("key", "b")["k0"]["name"] == "edited in 5"
    assert not writes(shop.plan())
    shop.assert_whole()


def test_a_state_from_before_the_compaction_is_caught_up(shop: World) -> None:
    grow(shop, 3)
    old = (shop.options.state / "state.duckdb").read_bytes()
    grow(shop, 2, start=3)
    compact_state(shop.place, DAY * 365 * 100)
    before = contents(shop)
    (shop.options.state / "state.duckdb").write_bytes(old)
    assert contents(shop) == before
    shop.assert_whole()


def test_a_second_compaction_has_nothing_to_do(shop: World) -> None:
    grow(shop, 2)
    compact_state(shop.place, DAY * 365 * 100)
    again = compact_state(shop.place, DAY * 365 * 100)
    assert again["before"] == again["after"]
    assert again["strays_removed"] == again["rows_dropped"] == 0


def test_what_is_past_its_time_goes_and_what_is_known_stays(shop: World, monkeypatch: pytest.MonkeyPatch) -> None:
    grow(shop, 4)
    with opened_state(shop.place) as (_, state):
        known = fold.contents(state, shop.release)
        told = state.scalar('SELECT count(*) FROM "outcomes:rec"')
    document = compact_state(shop.place, int(1.5 * DAY))
    assert document["rows_dropped"] > 0
    with opened_state(shop.place) as (_, state):
        after = fold.contents(state, shop.release)
        assert 0 < state.scalar('SELECT count(*) FROM "outcomes:rec"') < told
    assert {name for name in known if known[name] != after[name]} == {"outcomes:rec"}
    shop.assert_whole()
    assert not writes(shop.plan())


def bodies(shop: World) -> int:
    with opened_state(shop.place) as (ledger, _):
        written = [one for run in ledger.runs.last(99) for one in ledger.intents.of_run(run.id)]
        assert written
        return sum(ledger.intents.written(one.id) is not None for one in written)


def test_what_was_sent_goes_with_the_runs_that_sent_it(shop: World) -> None:
    grow(shop, 3)
    with opened_state(shop.place) as (ledger, _):
        first, *_ = sorted(run.id for run in ledger.runs.last(99))
    before = bodies(shop)
    document = compact_state(shop.place, int(1.5 * DAY))
    assert document["bodies_dropped"] > 0
    assert 0 < bodies(shop) < before
    known = trace(shop.place, "rec", f"b:{shop.by('key', 'b')['k0']['id']}", None)
    assert [write["kept"] for write in known["writes"]] == sorted(write["kept"] for write in known["writes"])
    assert not known["writes"][0]["kept"]
    result = rollback(shop.release, shop.place.binding, shop.options, first, creates=True)
    assert {one["why"] for one in result.kept} == {"what it wrote is past its retention"}
    assert not result.changes.writes
    assert not writes(shop.plan())
    shop.assert_whole()


def test_runs_forget_what_was_sent_when_its_time_is_over(shop: World) -> None:
    grow(shop, 2)
    sent = bodies(shop)
    shop.clock.let_pass(compaction.KEPT / 1e6 + 86_400)
    shop.add("a", key="later", name="x", size="1")
    shop.run()
    assert bodies(shop) < sent


def test_nothing_goes_that_something_open_began_before(shop: World) -> None:
    grow(shop, 1)
    shop.add("a", key="bad", name="bad")
    shop.run()
    grow(shop, 1, start=2)
    shop.clock.let_pass(90 * DAY / 1e6)
    written = bodies(shop)
    compact_state(shop.place, DAY)
    with opened_state(shop.place) as (_, state):
        runs = state.rows('SELECT DISTINCT run FROM "outcomes:rec"')
    assert len(runs) == 1  # that since the exception, which is still open
    assert 0 < bodies(shop) < written


def test_runs_compact_by_themselves_when_it_is_worth_it(shop: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compaction, "MANY", 4)
    grow(shop, 9)
    counts = [segments(shop).count(one) for one in set(segments(shop))]
    assert max(counts) <= 4
    assert files(shop) == len(segments(shop))
    shop.assert_whole()


def test_large_segments_are_not_written_again_for_a_few_rows(shop: World) -> None:
    grow(shop, 1)
    with opened_state(shop.place) as (ledger, _):
        (first, *_) = ledger.register.segments()
    many = [first.at(n) for n in range(1, 5)]
    large = [replace(one, rows=1_000_000) for one in many[:1]]
    assert list(compaction.tail(large + many[1:])) == many[1:]
    assert list(compaction.tail(many)) == many


def test_a_segment_is_not_compacted_if_it_is_not_what_was_written(shop: World) -> None:
    grow(shop, 2)
    victim = next((shop.options.state / "segments" / "base").rglob("*.parquet"))
    damaged = bytearray(victim.read_bytes())
    damaged[40] ^= 1
    victim.write_bytes(damaged)
    with pytest.raises(StateError) as caught:
        compact_state(shop.place, DAY)
    assert caught.value.error_code == "SYN6011"
    assert victim.exists()
