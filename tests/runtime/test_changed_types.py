"""A field whose type changes: what was known before and does not fit is no null, and is told."""

from __future__ import annotations

from pathlib import Path

import pytest

from runtime.test_returns import FILES as CLIENTS
from support.world import problems, world, writes

FILES = {
    **CLIENTS,
    "sync.yaml": CLIENTS["sync.yaml"].replace("hold: {a: true, b: true}", "hold: {b: true}"),
}
DATES = {
    **FILES,
    "client.yaml": FILES["client.yaml"].replace('note: {type: "text?"', 'note: {type: "date?"'),
    **{f"{n}.map": FILES[f"{n}.map"].replace("note <-> note", 'note <-> note | date "%d.%m.%Y"') for n in "ab"},
}


@pytest.mark.parametrize("unread", [("a",), ("b",), ("a", "b"), ()])
def test_no_value_is_emptied(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, unread: tuple[str, ...]) -> None:
    with world(tmp_path, monkeypatch, FILES) as shop:
        shop.add("a", name="Ada", mail="ada@x", note="31.12.2025")
        shop.run()
        shop.change(DATES)
        for system in unread:
            shop.sandbox.fault(system, "500_before", operation="list", times=9)
        done = shop.run()
        assert writes(done) == []
        assert ("SYN5015", "a", "note") in problems(done)
        for stand_in in shop.sandbox.stand_ins.values():
            stand_in.faults.clear()
        assert (writes(shop.run()), writes(shop.run())) == ([], [])
        assert [one["note"] for of in "ab" for one in shop.records(of)] == ["31.12.2025"] * 2
