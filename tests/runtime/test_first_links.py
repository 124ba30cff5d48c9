"""What a record that comes later tells of a field, and its owner does not."""

from __future__ import annotations

from pathlib import Path

import pytest

from support.world import FROM_A_TO_B, NAME_AND_KIND, system, world
from syncline_runtime.tracing import trace

FILES = {
    **{f"{one}.yaml": system(one, Rec="name: {type: text, required: true}, kind: text") for one in "ab"},
    **{f"{one}.map": f"mapping {one}.Rec <-> rec@1\n\nname <-> name\nkind <-> kind\n" for one in "ab"},
    "rec.yaml": NAME_AND_KIND,
    "sync.yaml": FROM_A_TO_B.replace("hold: {b: true}", "hold: {b: false}"),
}


@pytest.mark.parametrize("lost", [False, True], ids=["told", "answer lost"])
@pytest.mark.parametrize(("before", "then"), [(None, "y"), ("x", None)], ids=["was empty", "has just been emptied"])
def test_it_fills_what_its_owner_left_empty_and_not_what_its_owner_emptied(
    before: str | None, then: str | None, lost: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with world(tmp_path, monkeypatch, FILES) as made:
        record = made.add("a", name="Ada", kind=before)
        made.run()
        if before is not None:
            made.edit("a", record, kind=None)
        made.add("b", name="Ada", kind="y")
        if lost:
            made.sandbox.fault("a", "500_before", operation="update", times=99)
        made.run()
        made.sandbox.stand_ins["a"].faults.clear()
        made.clock.let_pass(60)
        made.run()
        assert {one: made.records(one)[0]["kind"] for one in "ab"} == {"a": then, "b": then}
        assert made.run().acked == 0
        (kind,) = trace(made.place, "rec", f"a:{record}", "kind")["fields"]
        assert [(one["connection"], one["now"]) for one in kind["lost"]] == ([("b", "y")] if then is None else [])


def test_what_lost_against_its_owner_fills_nothing_though_no_write_over_it_got_through(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("syncline_runtime.stages.deliver.PATIENCE", 0.0)
    names = [f"n{number:02}" for number in range(40)]
    with world(tmp_path, monkeypatch, FILES) as made:
        records = {name: made.add("a", name=name, kind="x") for name in names}
        made.run()
        for name in names:
            made.add("b", name=name, kind="y")
        made.sandbox.fault("b", "500_before", operation="update", times=99)
        made.run()
        for name in names:
            made.edit("a", records[name], kind=None)
        assert made.run().delivered.paused  # and nothing of the run before has got through
        made.sandbox.stand_ins["b"].faults.clear()
        for _ in range(3):
            made.clock.let_pass(60)
            made.run()
        assert {one["kind"] for member in "ab" for one in made.records(member)} == {None}
        assert made.run().acked == 0
