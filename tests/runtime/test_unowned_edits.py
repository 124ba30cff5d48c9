"""Edits of members that do not own a field, where the sync adopts them."""

from __future__ import annotations

from pathlib import Path

import pytest

from support.world import NAME_AND_KIND, system, world

NATIVES = "name: {type: text, required: true}, kind: text"
MEMBERS = ("a", "b", "c")
FILES = {
    "syncline.yaml": "syncline: 1\nproject: t\nenvironments: {t: {a: {stand_in: true}, b: {stand_in: true}, c: {stand_in: true}}}\n",
    "rec.yaml": NAME_AND_KIND,
    **{f"{one}.yaml": system(one, Rec=NATIVES) for one in MEMBERS},
    **{f"{one}.map": f"mapping {one}.Rec <-> rec@1\n\nname <-> name\nkind <-> kind\n" for one in MEMBERS},
    "sync.yaml": """sync: rec
object: rec@1
members: {a: a.Rec, b: b.Rec, c: c.Rec}
exists: {originate: [a], hold: {b: true, c: true}}
owners: {"*": a}
unowned_edit: adopt
""",
}


def test_what_the_owner_empties_stays_empty_though_it_was_adopted_while_the_owner_was_not_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with world(tmp_path, monkeypatch, FILES) as made:
        made.add("a", name="Ada", kind="x")
        made.run()
        ids = {one: made.records(one)[0]["id"] for one in MEMBERS}
        made.edit("b", ids["b"], kind="y")
        made.edit("c", ids["c"], kind="z")
        assert [one["code"] for one in made.run().exceptions] == ["SYN5011"]  # two edits: a person decides
        for one in ("a", "c"):
            made.sandbox.fault(one, "html", operation="list", times=99)
        made.run()  # of what is known now, one edit is left
        for one in ("a", "c"):
            made.sandbox.stand_ins[one].faults.clear()
        made.edit("a", ids["a"], kind=None)
        made.run()
        assert {one: made.records(one)[0].get("kind") for one in MEMBERS} == dict.fromkeys(MEMBERS)
        assert made.run().acked == 0
