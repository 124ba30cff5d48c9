"""Replay and backfill: records are decided again under today's plan, and what incremental reads missed is found."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from support.world import FROM_A_TO_B, HEAD, World, problems, system, world, writes
from syncline_runtime import run as running
from syncline_runtime.stages.context import RunContext
from syncline_runtime.upkeep.compaction import compact_state

FIELDS = "key: {type: text, required: true}, name: text, changed: {type: instant, write: false}"
A = (
    HEAD.format(name="a")
    + f"""
  Rec:
    id: id
    version: changed
    fields: {{id: {{type: text, write: false}}, {FIELDS}}}
    list:
      request: {{path: /rec}}
      cursor: {{field: changed, granularity: 1s, lag: 0s, format: iso, query: {{since: "{{cursor}}"}}}}
"""
)
FILES = {
    "a.yaml": A,
    "b.yaml": system("b", Rec="key: {type: text, required: true}, name: text"),
    "rec.yaml": """
        object: rec
        version: 1.0.0
        label: Record
        fields:
          key: {type: text, required: true, label: Key}
          name: {type: "text?", label: Name}
        identity: [{same: [key]}]
        """,
    "sync.yaml": FROM_A_TO_B,
    "a.map": 'mapping a.Rec <-> rec@1\n\ntake when name != "later"\n\nkey <- key\nname <- name\n',
    "b.map": "mapping b.Rec <-> rec@1\n\nkey <-> key\nname <-> name\n",
}
CHANGED = FILES | {"a.map": FILES["a.map"].replace('take when name != "later"\n\n', "")}
OLD, NEW = "2026-01-01T00:00:00Z", "2026-02-01T00:00:00Z"
EVER = ("0" * 26, "Z" * 26)


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    with world(tmp_path, monkeypatch, FILES) as made:
        made.add("a", key="k1", name="one", changed=OLD)
        made.add("a", key="k2", name="later", changed=OLD)
        made.add("a", key="k3", name="three", changed=NEW)
        made.run()
        assert set(made.by("key", "b")) == {"k1", "k3"}
        yield made


def read(shop_result: object) -> dict[str, int]:
    counts = shop_result.counts  # type: ignore[attr-defined]
    return {c["subject"]: c["value"] for c in counts if c["name"] == "read"}


def test_a_replay_of_an_unchanged_world_writes_nothing(shop: World) -> None:
    result = shop.run(replay=EVER)
    assert (writes(result), result.exit_code) == ([], 0)
    compact_state(shop.place, 10**18)
    assert writes(shop.run(replay=EVER)) == []
    shop.assert_whole()


def test_a_replay_never_puts_what_was_read_then_over_what_was_read_since(shop: World) -> None:
    first = shop.run().run_id
    shop.edit("a", shop.by("key", "a")["k3"]["id"], name="three, edited", changed="2026-03-01T00:00:00Z")
    shop.run()
    assert writes(shop.run(replay=("0" * 26, first))) == []
    assert shop.by("key", "b")["k3"]["name"] == "three, edited"


def test_records_left_out_come_in_when_the_mapping_takes_them(shop: World) -> None:
    shop.change(CHANGED)
    assert writes(shop.plan()) == [("b", "Rec", "create", "")]
    shop.run()
    assert set(shop.by("key", "b")) == {"k1", "k2", "k3"}
    shop.assert_whole()


def test_only_the_window_is_looked_at(shop: World, monkeypatch: pytest.MonkeyPatch) -> None:
    looked: list[int] = []
    inner = running.replayed_ids

    def noted(run: RunContext) -> list[tuple[str, str]]:
        found = inner(run)
        looked.append(len(found))
        return found

    second = shop.run().run_id
    shop.add("a", key="k4", name="four", changed="2026-03-01T00:00:00Z")
    third = shop.run().run_id
    monkeypatch.setattr(running, "replayed_ids", noted)
    for window in ((third, third), (second, second), EVER):
        shop.run(replay=window)
    assert looked == [1, 0, 3]


def test_a_backfill_finds_what_the_cursor_has_passed(shop: World) -> None:
    shop.drop("a", shop.by("key", "a")["k1"]["id"])
    assert problems(shop.run()) == []  # an incremental read shows no deletes
    result = shop.run(whole=True)
    assert read(result)["a.Rec"] == 2
    assert problems(result) == [("SYN5010", "a", "")]
    assert problems(shop.run(whole=True)) == []
    shop.assert_whole()
