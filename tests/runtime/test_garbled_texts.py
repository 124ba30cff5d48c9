"""Half a surrogate pair in a vendor's JSON is no text: it sets its record aside and nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from runtime.test_returns import FILES
from support.world import World, problems, world, writes
from syncline_runtime.connectors import jsontext
from syncline_runtime.sandbox import server

HALF = "half \ud83d of a smile"


def escaped(body: object) -> bytes:
    """Write JSON as many vendors do: everything beyond ASCII in UTF-16 units."""
    wide = jsontext.render(body).encode("utf-16-be", "surrogatepass")
    units = (int.from_bytes(wide[at : at + 2], "big") for at in range(0, len(wide), 2))
    return "".join(chr(unit) if unit < 128 else f"\\u{unit:04x}" for unit in units).encode()


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    monkeypatch.setattr(server, "_rendered", escaped)
    with world(tmp_path, monkeypatch, FILES) as made:
        yield made


def garble(shop: World, native_id: str, **natives: str) -> None:
    """Let a record show what no editor lets through."""
    shop.sandbox.stand_ins["a"].stores["Rec"].records[native_id].natives.update(natives)


def test_only_its_record_is_set_aside(shop: World) -> None:
    ada = shop.add("a", name="Ada", mail="ada@x")
    shop.add("a", name="Bob \N{GRINNING FACE}", mail="bob@x")
    garble(shop, ada, note=HALF)
    done = shop.run()
    assert (writes(done), done.unread, problems(done)) == (
        [("b", "Rec", "create", "")],
        {},
        [("SYN5001", "a", "note")],
    )
    assert [one["name"] for one in shop.records("b")] == ["Bob \N{GRINNING FACE}"]
    assert (writes(shop.run()), problems(shop.run())) == ([], [("SYN5001", "a", "note")])
    garble(shop, ada, note="whole")
    assert (writes(shop.run()), problems(shop.run())) == ([("b", "Rec", "create", "")], [])


def test_a_known_record_keeps_what_was_agreed(shop: World) -> None:
    ada = shop.add("a", name="Ada", mail="ada@x", note="fine")
    shop.run()
    garble(shop, ada, name=HALF)
    done = shop.run()
    assert (writes(done), problems(done)) == ([], [("SYN5001", "a", "name")])
    assert [(one["name"], one["note"]) for one in shop.records("b")] == [("Ada", "fine")]


def test_even_an_id_may_be_half(shop: World) -> None:
    ada, bob = shop.add("a", name="Ada", mail="ada@x"), shop.add("a", name="Bob", mail="bob@x")
    records = shop.sandbox.stand_ins["a"].stores["Rec"].records
    for native_id, half in ((ada, "x\ud83d"), (bob, "x\ude00")):
        records[half] = records.pop(native_id)
        records[half].native_id = half
        garble(shop, half, id=half)
    assert problems(shop.run()) == [("SYN5001", "a", "id")] * 2


@pytest.mark.parametrize(
    ("text", "value"),
    [
        (b'"\\ud83d\\ude00"', "\N{GRINNING FACE}"),
        (b'"a\\ud83db"', "a\ufdd0d83db"),
        (b'"a\xed\xa0\xbdb"', "a\ufdd0d83db"),
        ('"\N{HANGUL SYLLABLE HI}"'.encode(), "\N{HANGUL SYLLABLE HI}"),
        (b'{"\\uDE00": ["\\ude00\\ud83d"]}', {"\ufdd0de00": ["\ufdd0de00\ufdd0d83d"]}),
    ],
)
def test_pairs_are_kept_and_halves_are_marked(text: bytes, value: object) -> None:
    assert jsontext.parse(text) == value
