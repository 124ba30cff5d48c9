"""What ``plan`` tells of a write: the fields that change, with what stands there now and what would."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from support.world import FROM_A_TO_B, World, system, world
from syncline_runtime.commands import plan
from syncline_runtime.result import is_as_written
from syncline_runtime.rollback import rollback

OBJECT = """object: rec
version: 1.0.0
fields:
  key: {type: text, required: true, label: Key}
  name: {type: "text?", label: Name}
  phone: {type: "text?", label: Phone, pii: contact}
  on: {type: "bool?", label: On}
  size: {type: "decimal(9,2)?", label: Size}
identity: [{same: [key]}]
"""
NATIVES = "key: {type: text, required: true}, name: text, phone: text, on: bool, size: 'decimal(9,2)'"
LINES = "\n".join(f"{name} <-> {name}" for name in ("key", "name", "phone", "on", "size"))
FILES = {
    "a.yaml": system("a", Rec=NATIVES),
    "b.yaml": system("b", Rec=NATIVES),
    "rec.yaml": OBJECT,
    "sync.yaml": FROM_A_TO_B,
    **{f"{one}.map": f"mapping {one}.Rec <-> rec@1\n\n{LINES}\n" for one in "ab"},
}


def planned(shop: World, *words: str) -> str:
    done = CliRunner().invoke(plan, [*words, *shop.words], standalone_mode=False)
    assert done.exception is None
    return done.output


def test_a_plan_tells_what_a_write_replaces(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with world(tmp_path, monkeypatch, FILES) as shop:
        id_ = shop.add("a", key="k1", name="Ada", phone="1", on=True, size="1.50")
        (new,) = json.loads(planned(shop, "--format", "json"))["writes"]
        assert (new["before"], new["fields"]["name"], new["fields"]["phone"]) == ({}, "Ada", "•••")
        shop.run()
        shop.edit("a", id_, name="Ada Lovelace", phone="2", on=False, size="2.50")
        (write,) = json.loads(planned(shop, "--format", "json"))["writes"]
        assert write["before"] == {"name": "Ada", "phone": "•••", "on": "true", "size": "1.50"}
        assert write["fields"] == {"name": "Ada Lovelace", "phone": "•••", "on": "false", "size": "2.50"}
        line = planned(shop)
        for said in ("name=Ada → Ada Lovelace", "phone=••• → •••", "on=true → false", "size=1.50 → 2.50"):
            assert said in line
        written = shop.run()
        (undone,) = rollback(shop.release, shop.place.binding, shop.options, written.run_id).changes.writes
        assert json.loads(undone.payload)["name"] == "Ada"  # truth and numbers still are as they were written


@pytest.mark.parametrize(
    ("now", "wrote", "same"),
    [
        (None, None, True), (None, "", False), ("", None, False), ("a", "a", True), ("a", "b", False),
        ("true", True, True), ("True", True, True), ("false", True, False), ("1.50", 1.5, True), ("1.50", "1.5", True),
        ("x", 1, False), ('{"a":"1.5","b":2}', {"b": 2, "a": 1.5}, True), ("[1]", [2], False), ("no JSON", [2], False),
    ],
)  # fmt: skip
def test_what_is_read_is_held_against_what_was_written(now: str | None, wrote: object, same: bool) -> None:
    assert is_as_written(now, wrote) is same
