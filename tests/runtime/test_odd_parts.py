"""Parts that come as something else than lists, or with elements that cannot be read: their record waits alone."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from support.world import FROM_A_TO_B, World, problems, system, world
from syncline_runtime.sandbox import server

FIELDS = "name: {type: text, required: true}, lines: {type: list, of: Line}"
LINE = """  Line:
    id: pos
    fields: {pos: {type: int, required: true}, qty: {type: "decimal(10,2)", required: true}, day: date}
"""
FILES = {
    "a.yaml": system("a", Rec=FIELDS) + LINE,
    "b.yaml": system("b", Rec=FIELDS) + LINE,
    "rec.yaml": """
        object: rec
        version: 1.0.0
        fields: {name: {type: text, required: true}}
        parts: {lines: {of: line, key: pos}}
        identity: [{same: [name]}]
        """,
    "line.yaml": """
        object: line
        version: 1.0.0
        fields: {pos: {type: int, required: true}, qty: {type: "decimal(10,2)", required: true}, day: "date?"}
        """,
    "sync.yaml": FROM_A_TO_B,
    "a.map": "mapping a.Rec <-> rec@1\n\nname <-> name\nlines <-> each lines {\n  pos <-> pos\n  qty <-> qty\n  day <-> day\n}\n",
    "b.map": "mapping b.Rec <-> rec@1\n\nname <-> name\nlines <-> each lines {\n  pos <-> pos\n  qty <-> qty\n  day <-> day\n}\n",
}
GOOD = [{"pos": 1, "qty": "2.50", "day": "2026-01-31"}]
READ = [{"pos": "1", "qty": "2.50", "day": "2026-01-31"}]


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    with world(tmp_path, monkeypatch, FILES) as made:
        yield made


@pytest.mark.parametrize(
    ("odd", "code"),
    [
        ({"pos": 1}, "SYN5001"),
        (7, "SYN5001"),
        ([{"pos": "x", "qty": "1"}], "SYN5001"),
        ([{"pos": 1, "qty": "many"}], "SYN5001"),
        ([{"pos": 1, "qty": "1", "day": "31.1."}], "SYN5001"),
        ([{"pos": 1}], "SYN5002"),
        (["x"], "SYN5002"),
        ([None], "SYN5002"),
        ([[]], "SYN5002"),
        ([*GOOD, {"qty": "1"}], "SYN5002"),
    ],
    ids=str,
)
def test_what_is_no_list_of_such_records_sets_its_record_aside(
    shop: World, monkeypatch: pytest.MonkeyPatch, odd: Any, code: str
) -> None:
    shop.add("a", name="Ada", lines=GOOD)
    shop.add("a", name="Bob", lines=GOOD)
    plain = server._rendered
    with monkeypatch.context() as patched:
        patched.setattr(server, "_rendered", lambda body: plain(shown(body, odd)))
        done = shop.run()
    assert (code, "a", "lines") in problems(done)
    assert {one[1:] for one in problems(done)} == {("a", "lines")}
    assert [(one["name"], one["lines"]) for one in shop.records("b")] == [("Bob", READ)]
    assert (problems(shop.run()), len(shop.records("b"))) == ([], 2)


def shown(body: Any, odd: Any) -> Any:
    """Give an answer in which Ada's lines are what no editor lets through."""
    if isinstance(body, list):
        return [shown(one, odd) for one in body]
    if not isinstance(body, dict):
        return body
    return {key: odd if key == "lines" and body.get("name") == "Ada" else shown(one, odd) for key, one in body.items()}
