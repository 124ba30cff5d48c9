"""Cursors across runs: each sync reads on from where it has read to itself, and lagging reads are not edits."""

from __future__ import annotations

from pathlib import Path

import pytest

from properties.test_worlds import TEMPLATE, World
from support.engine import release_of
from syncline_runtime import Options, run_release
from syncline_runtime.ledger import FILE, Realm, open_ledger
from syncline_runtime.sandbox import serve


def test_later_runs_read_only_what_changed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    release = release_of(TEMPLATE, tmp_path / "release")
    with serve(release.systems) as sandbox:
        monkeypatch.setenv("SYNCLINE_SANDBOX_URL", sandbox.url)
        options = Options(state=tmp_path / "state")
        first = run_release(release, "sandbox", options)
        World(sandbox.url).edit("crm", "a2", {"name": "Bolt & Sons"})
        run_release(release, "sandbox", options)
        third = run_release(release, "sandbox", options)
    read = [one["value"] for one in first.counts if one["name"] == "read"]
    again = {one["subject"]: one["value"] for one in third.counts if one["name"] == "read"}
    assert sum(read) == 4
    # the edited one and the one that the first run has written may lie within the overlap, the third does not
    assert again["crm.Account"] <= 2
    with open_ledger(tmp_path / "state" / FILE, Realm("my_company", "sandbox"), lambda: 0) as ledger:
        assert {key[2] for key in ledger.register.cursors()} == {"account"}
