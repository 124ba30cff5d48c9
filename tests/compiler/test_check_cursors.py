"""Cursors: which overlaps are derived, and what no overlap mends."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import pytest

from syncline_compiler.pipeline import Compilation

Check = Callable[[Mapping[str, str]], Compilation]

SYSTEM = """
system: till
version: 1.0.0
zone: {zone}
visible_after: {visible_after}
resources:
  Sale:
    id: number
    {version}
    fields:
      number: text
      day: date
      at: instant
      local: local_datetime
      stamp: int
      word: text
      amount: decimal(12,2)
    list:
      request: {{path: /sales}}
      cursor: {{{cursor}, query: {{since: "{{cursor}}"}}}}
"""


def compiled(check: Check, cursor: str, **more: str) -> Compilation:
    settings = {"zone": "UTC", "visible_after": "0s", "version": "", **more}
    return check({"systems/till.yaml": SYSTEM.format(cursor=cursor, **settings)})


def overlap(check: Check, cursor: str, **more: str) -> tuple[int, int]:
    project = compiled(check, cursor, **more).project
    assert project is not None
    listed = project.systems["till"].resource("Sale").list
    assert listed is not None
    assert listed.cursor is not None
    return listed.cursor.granularity // 1_000, listed.cursor.lag // 1_000


def test_overlaps_are_derived(check: Check) -> None:
    hour = 3_600_000
    assert overlap(check, "field: at") == (1_000, 0)
    assert overlap(check, "field: at, granularity: 1ms, lag: 5s") == (1, 5_000)
    assert overlap(check, "field: at, lag: 5s", visible_after="20s") == (1_000, 20_000)
    assert overlap(check, "field: at, lag: 5s", visible_after="2s") == (1_000, 5_000)
    assert overlap(check, "field: day") == (24 * hour, 0)
    assert overlap(check, "field: local") == (1_000, 0)
    assert overlap(check, "field: local", zone="Europe/Berlin") == (1_000, 2 * hour)
    assert overlap(check, "field: at, format: iso_naive", zone="Europe/Berlin") == (1_000, 2 * hour)
    assert overlap(check, "field: at", zone="Europe/Berlin") == (1_000, 0)
    assert overlap(check, "field: stamp, format: epoch") == (1_000, 0)


@pytest.mark.parametrize(
    ("cursor", "more", "code"),
    [
        ("field: at", {"version": "version: at"}, None),
        ("field: at", {"version": "version: stamp"}, "SYN0708"),
        ("field: day, granularity: 1s", {}, "SYN0708"),
        ("field: day, granularity: 1d", {}, None),
        ("field: word, format: text", {}, "SYN0708"),
        ("field: word, format: text, inclusive: true", {}, None),
        ("field: word, format: text, inclusive: true, lag: 1s", {}, "SYN0708"),
        ("field: word, format: text, inclusive: true", {"visible_after": "1s"}, "SYN0708"),
        ("field: stamp", {}, "SYN0706"),
        ("field: stamp, format: text, inclusive: true", {}, "SYN0706"),
        ("field: at, format: epoch", {}, "SYN0706"),
        ("field: amount", {}, "SYN0706"),
    ],
)
def test_what_is_refused(check: Check, cursor: str, more: Mapping[str, str], code: str | None) -> None:
    found = [diagnostic.code for diagnostic in compiled(check, cursor, **more).diagnostics]
    assert found == ([code] if code else [])


@pytest.mark.parametrize(
    ("volume", "codes"),
    [("", ["SYN0710"]), ("volume: {records: 99}", []), ("volume: {records: 100}", ["SYN0710"])],
)
def test_a_list_with_a_cap(check: Check, volume: str, codes: list[str]) -> None:
    text = f"""
system: till
version: 1.0.0
resources:
  Sale:
    id: number
    fields: {{number: text}}
    list: {{request: {{path: /sales}}, result_cap: 100}}
    {volume}
"""
    assert [diagnostic.code for diagnostic in check({"systems/till.yaml": text}).diagnostics] == codes
