"""Cursors across runs: each sync reads on from where it has read to itself, and lagging reads are not edits."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from properties.test_worlds import TEMPLATE, World
from runtime.connectors.described import shop
from support.engine import release_of
from syncline_runtime import Options, run_release
from syncline_runtime.connectors import cursors
from syncline_runtime.ledger import FILE, Realm, open_ledger
from syncline_runtime.sandbox import serve
from syncline_runtime.system import Cursor


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


@pytest.mark.parametrize(
    ("zone", "goes_back"),
    [
        ("Europe/Berlin", datetime(2026, 10, 25, 1, tzinfo=UTC)),
        ("Australia/Lord_Howe", datetime(2026, 4, 4, 15, tzinfo=UTC)),  # by half an hour
        ("America/St_Johns", datetime(2026, 11, 1, 4, 30, tzinfo=UTC)),
    ],
)
def test_no_change_is_skipped_where_a_clock_goes_back(zone: str, goes_back: datetime) -> None:
    """What changes after a mark is shown with no earlier local time than the one from which is read."""
    system, cursor = replace(shop(), zone=zone), Cursor("updated_at", granularity=1, format="iso_naive")
    resource = system.resource("Customer")
    minutes = [timedelta(minutes=number) for number in range(0, 300, 7)]
    for before in minutes:
        mark = goes_back + timedelta(hours=1) - before
        asked = cursors.query_value(system, resource, cursor, f"{mark:%Y-%m-%dT%H:%M:%S.%fZ}")
        for after in minutes:
            shown = f"{(mark + after).astimezone(ZoneInfo(zone)):%Y-%m-%dT%H:%M:%S.%f}"
            assert shown >= asked, (mark, after)
