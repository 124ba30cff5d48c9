"""Nothing is dropped in silence: whatever a bug loses, the counts do not add up, and the run says so and ends with 70."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from support.world import FROM_A_TO_B, NAME_AND_KIND, World, system, world
from syncline_runtime import explain
from syncline_runtime import run as pipeline
from syncline_runtime.errors import InternalError
from syncline_runtime.stages import diff, normalise
from syncline_runtime.state import quoted
from syncline_runtime.upkeep.session import opened_ledger

REC = "name: {type: text, required: true}, kind: text"
FILES = {
    "a.yaml": system("a", Rec=REC),
    "b.yaml": system("b", Rec=REC),
    "rec.yaml": NAME_AND_KIND,
    "sync.yaml": FROM_A_TO_B,
    "a.map": 'mapping a.Rec <-> rec@1\n\ntake when kind != "other"\nreject when kind == "bad" because "bad"\n'
    "name <-> name\nkind <-> kind\n",
    "b.map": "mapping b.Rec <-> rec@1\n\nname <-> name\nkind <-> kind\n",
}


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    with world(tmp_path, monkeypatch, FILES) as made:
        for number, kind in enumerate(("good", "good", "bad", "other", "good")):
            made.add("a", name=f"N{number}", kind=kind)
        yield made


def status(shop: World) -> dict[str, Any]:
    return explain.status(shop.place, 5)


def test_every_row_and_write_is_in_one_class_and_the_status_shows_it(shop: World) -> None:
    shop.run()
    found = status(shop)
    assert found["conservation"]["holds"]
    terms = Counter({(c["equation"], c["subject"], c["name"]): c["value"] for c in found["counts"] if c["value"]})
    assert [terms["in", "a.Rec", name] for name in ("read", "matched", "rejected", "filtered")] == [5, 3, 1, 1]
    assert [terms["across", "b", name] for name in ("candidates", "new_intents", "held")] == [3, 3, 0]
    assert [terms["out", "b", name] for name in ("open_before", "new", "acked", "rejected")] == [0, 3, 3, 0]


def _forget_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    real: Callable[..., None] = normalise._park

    def park(run: Any, plan: Any, member: Any, number: int) -> None:
        real(run, plan, member, number)
        run.state.execute(f"DELETE FROM {quoted(f'{plan.name}/{member.connection}/parked#{number}')}")

    monkeypatch.setattr(normalise, "_park", park)


def _forget_a_candidate(monkeypatch: pytest.MonkeyPatch) -> None:
    real: Callable[..., None] = diff._intents

    def intents(run: Any, plan: Any, member: Any) -> None:
        real(run, plan, member)
        relation = quoted(f"{plan.name}/{member.connection}/intents")
        run.state.execute(f"DELETE FROM {relation} WHERE _cid = (SELECT min(_cid) FROM {relation})")

    monkeypatch.setattr(diff, "_intents", intents)


def _forget_an_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    real: Any = pipeline.deliver

    async def deliver(run: Any, lease: Any) -> Any:
        done = await real(run, lease)
        with run.ledger._database.write(lease) as change, closing(change._driver.cursor()) as cursor:
            cursor.execute("UPDATE intent SET closed_run = NULL WHERE id = (SELECT min(id) FROM intent)")
        return done

    monkeypatch.setattr(pipeline, "deliver", deliver)


@pytest.mark.parametrize(
    ("bug", "equation", "sent"),
    [(_forget_rows, "'in'", 0), (_forget_a_candidate, "'across'", 0), (_forget_an_answer, "'out'", 3)],
)
def test_what_a_bug_loses_ends_the_run_with_70(
    shop: World, monkeypatch: pytest.MonkeyPatch, bug: Callable[[pytest.MonkeyPatch], None], equation: str, sent: int
) -> None:
    with monkeypatch.context() as patched:
        bug(patched)
        with pytest.raises(InternalError, match=equation) as raised:
            shop.run()
    assert raised.value.exit_code == 70
    assert len(shop.records("b")) == sent


def test_stored_counts_that_do_not_add_up_are_told(shop: World) -> None:
    shop.run()
    more = "UPDATE count SET value = value + 1 WHERE equation = 'in' AND name = 'read' AND subject = 'a.Rec'"
    with (
        opened_ledger(shop.place) as ledger,
        ledger._database.write() as change,
        closing(change._driver.cursor()) as cursor,
    ):
        cursor.execute(more)
    found = status(shop)["conservation"]
    assert not found["holds"]
    assert found["broken"] == [
        "rec a.Rec: the equation 'in' does not hold: read 6 make 6, but duplicate 0 + filtered 1 + left_scope 0 + "
        "rejected 1 + review 0 + late 0 + tombstone 0 + matched 3 make 5"
    ]
