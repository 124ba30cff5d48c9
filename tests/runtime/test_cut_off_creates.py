"""A create whose answer was lost is not sent once more over what people have made of the record since."""

from __future__ import annotations

from pathlib import Path

import pytest

from support.world import system, world, writes
from syncline_runtime.stages import deliver

REC = "name: {type: text, required: true}, note: text"
FILES = {
    "a.yaml": system("a", Rec=REC),
    "b.yaml": system("b", Rec=REC).replace("idempotency: {header: Idempotency-Key, keeps: 24h}", "external_id: name"),
    "rec.yaml": """
        object: rec
        version: 1.0.0
        fields: {name: {type: text, required: true, label: Name}, note: {type: "text?", label: Note}}
        identity: [{same: [name]}]
        """,
    "sync.yaml": """
        sync: rec
        object: rec@1
        members: {a: a.Rec, b: b.Rec}
        exists: {originate: [a], hold: {b: true}}
        owners: {"*": a, note: b}
        """,
    **{f"{n}.map": f"mapping {n}.Rec <-> rec@1\n\nname <-> name\nnote <-> note\n" for n in "ab"},
}


@pytest.mark.parametrize("fault", ["reset_after", "500_before"])
def test_an_upsert_waits_until_the_system_was_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fault: str) -> None:
    monkeypatch.setattr(deliver, "PATIENCE", 0.0)
    with world(tmp_path, monkeypatch, FILES) as made:
        made.add("a", name="Ada", note="first")
        made.sandbox.fault("b", fault, operation="create")
        made.run()
        created = made.by("name", "b")
        if fault == "reset_after":
            made.edit("b", created["Ada"]["id"], note="theirs")
        made.clock.let_pass(3600)
        made.run()
        made.clock.let_pass(3600)
        made.run()
        note = "theirs" if fault == "reset_after" else "first"
        assert [made.by("name", of)["Ada"]["note"] for of in "ab"] == [note, note]
        assert writes(made.run()) == []
        made.assert_whole()
