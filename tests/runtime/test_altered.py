"""What a system makes of what it is sent is told once and not fought; what somebody wrote meanwhile is not written over."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from support.world import FROM_A_TO_B, World, system, world, writes
from syncline_runtime.connectors.connection import _HttpConnection
from syncline_runtime.result import RunResult

FIELDS = 'code: {type: text, required: true}, name: text, amount: "decimal(12,2)", note: text, stamp: {type: instant, write: false}'
ANSWERS = {
    "record": "",
    "nothing": ", returns: id",  # what the system made of it is read back
}


def files(answers: str, more: str = "") -> dict[str, str]:
    b = system("b", Rec=FIELDS).replace("    id: id\n", "    id: id\n    version: stamp\n")
    for verb in ("POST, path: /rec}", 'PATCH, path: "/rec/{id}"}'):
        assert verb in b
        b = b.replace(verb, f"{verb}{ANSWERS[answers]}" + (more if verb.startswith("PATCH") else ""))
    return {
        "a.yaml": system("a", Rec=FIELDS),
        "b.yaml": b,
        "rec.yaml": """
            object: rec
            version: 1.0.0
            fields: {code: {type: text, required: true}, name: text?, amount: "decimal(12,2)?", note: text?}
            identity: [{same: [code]}]
            """,
        "sync.yaml": FROM_A_TO_B,
        "a.map": "mapping a.Rec <-> rec@1\n\ncode <-> code\nname <-> name\namount <-> amount\nnote <-> note\n",
        "b.map": "mapping b.Rec <-> rec@1\n\ncode <-> code\nname <-> name\namount <-> amount\nnote <-> note\n",
    }


@pytest.fixture(params=ANSWERS)
def shop(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    """System ``b`` trims names, rounds amounts, and puts a note where there is none."""
    with world(tmp_path, monkeypatch, files(request.param)) as made:
        store = made.sandbox.stand_ins["b"].stores["Rec"]
        create, update = store.create, store.update

        def altered(natives: Any) -> Any:
            made_of = {"name": lambda text: text and text[:5], "amount": lambda text: text and f"{float(text):.0f}"}
            return {name: made_of.get(name, lambda text: text)(text) for name, text in natives.items()}

        store.create = lambda natives: create({"note": "none", **_told(altered(natives))})  # type: ignore[method-assign]
        store.update = lambda of, natives: update(of, altered(natives))  # type: ignore[method-assign]
        yield made


def _told(natives: Any) -> dict[str, Any]:
    return {name: text for name, text in natives.items() if text is not None}


def altered(done: RunResult) -> list[tuple[str, str]]:
    return sorted((one["connection"], one["field"]) for one in done.outcomes if one["outcome"] == "altered")


def test_trimmed_rounded_and_defaulted_values_are_told_once(shop: World) -> None:
    first = shop.add("a", code="1", name="Adalbert", amount="10.40")
    shop.add("a", code="2", name="Bob", amount="3", note="mine")
    done = shop.run()
    assert altered(done) == [("b", "amount"), ("b", "name"), ("b", "note")]
    kept = shop.by("code", "b")
    assert [kept["1"][name] for name in ("name", "amount", "note")] == ["Adalb", "10", "none"]
    for _ in range(2):
        done = shop.run()
        assert (writes(done), altered(done), done.exit_code) == ([], [], 0), "not fought, and not told again"
    shop.edit("a", first, name="Adelheid")
    done = shop.run()
    assert (writes(done), altered(done)) == ([("b", "Rec", "update", "")], [("b", "name")])
    shop.edit("a", first, name="Eve")
    assert altered(shop.run()) == [], "this one fits"
    assert shop.by("code", "b")["1"]["name"] == "Eve"
    shop.edit("b", kept["1"]["id"], name="Odd")
    assert writes(shop.run()) == [("b", "Rec", "update", "")], "what a person changes there is another matter"
    assert writes(shop.run()) == []
    shop.assert_whole()


def test_an_update_is_not_written_over_what_somebody_wrote_meanwhile(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with world(tmp_path, monkeypatch, files("record", ", precondition: {header: If-Match}")) as shop:
        first = shop.add("a", code="1", name="Ada", note="n")
        shop.run()
        there = shop.records("b")[0]["id"]
        real: Any = _HttpConnection.write

        async def write(self: Any, *args: Any, **more: Any) -> Any:
            shop.edit("b", there, note="by hand")  # after the decision, before the write
            return await real(self, *args, **more)

        shop.edit("a", first, name="Eve")
        with pytest.MonkeyPatch.context() as patched:
            patched.setattr(_HttpConnection, "write", write)
            done = shop.run()
        assert (done.acked, done.exceptions) == (0, [])
        assert shop.records("b")[0]["name"] == "Ada", "the system refused it: the record is another by now"
        done = shop.run()
        assert [one["outcome"] for one in done.outcomes] == ["unowned_edit"], "decided anew, and told"
        assert (shop.records("b")[0]["name"], shop.records("b")[0]["note"]) == ("Eve", "n")
        assert writes(shop.run()) == []
