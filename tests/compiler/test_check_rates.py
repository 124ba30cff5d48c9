"""Calls against limits, and what freshness asks of runs."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import pytest

from syncline_compiler.pipeline import Compilation
from syncline_compiler.source import SourceFile

Check = Callable[[Mapping[str, str]], Compilation]
Template = dict[str, SourceFile]

KEYS = "sweep: {every: 1d, keys: {request: {path: /ids, query: {size: '{size}', page: '{page}'}}, paging: {kind: page, size: 250}}}"
SYNC, CRM, PROJECT = "syncs/account.yaml", "systems/crm.yaml", "syncline.yaml"


def checked(check: Check, template: Template, **more: str) -> list[tuple[str, str]]:
    """Check the template with text put into it: ``limit``, ``volume``, ``list`` of the CRM, ``sync``, ``bound``."""
    crm = template[CRM].text
    if "limit" in more:
        crm = crm.replace("limit: {requests: 50, per: 1s}", f"limit: {more['limit']}")
    if "list" in more:
        crm = crm.replace("      items: results\n", f"      items: results\n      {more['list']}\n")
    if more.get("cursor") == "none":
        crm = "\n".join(line for line in crm.split("\n") if not line.strip().startswith("cursor:"))
    crm = crm.replace("    get:", f"    volume: {more['volume']}\n    get:") if "volume" in more else crm
    sync = template[SYNC].text.replace("freshness: 15m", more.get("sync", "freshness: 15m"))
    project = template[PROJECT].text
    if "bound" in more:
        project = project.replace("crm: {stand_in: true}", f"crm: {{stand_in: true, limit: {more['bound']}}}")
    found = check({CRM: crm, SYNC: sync, PROJECT: project}).diagnostics
    return [(one.code, one.label) for one in found]


@pytest.mark.parametrize(
    ("settings", "label"),
    [
        ({"limit": "{requests: 4, per: 1h}"}, None),
        ({"limit": "{requests: 3, per: 1h}"}, "`crm` needs 4 calls an hour, and 3 are allowed"),
        ({"limit": "{requests: 3, per: 1h}", "sync": "freshness: 15m\nevery: 5m"},
         "`crm` needs 12 calls an hour, and 3 are allowed"),
        ({"limit": "{requests: 3, per: 1h}", "sync": "label: x"}, None),
        ({"limit": "{requests: 100, per: 1h}", "volume": "{records: 1000000}"}, None),
        ({"limit": "{requests: 100, per: 1h}", "volume": "{records: 1000000}", "cursor": "none"},
         "`crm` needs 40,000 calls an hour, and 100 are allowed"),
        ({"limit": "{requests: 100, per: 1h}", "volume": "{records: 10, daily: 96000}"}, None),
        ({"limit": "{requests: 100, per: 1h}", "volume": "{records: 10, daily: 96000}", "list": "detail: true"},
         "`crm` needs 4,040 calls an hour, and 100 are allowed"),
        ({"limit": "{requests: 100, per: 1h}", "volume": "{records: 1000000}", "list": "sweep: {every: 1d}"},
         "`crm` needs 421 calls an hour, and 100 are allowed"),
        ({"limit": "{requests: 100, per: 1h}", "volume": "{records: 1000000}", "list": "sweep: {every: 5m}"},
         "`crm` needs 40,000 calls an hour, and 100 are allowed"),  # no more often than a run
        ({"limit": "{requests: 100, per: 1h}", "volume": "{records: 1000000}", "list": KEYS},
         "`crm` needs 171 calls an hour, and 100 are allowed"),
        ({"limit": "{requests: 100, per: 1h}", "list": KEYS}, None),
        ({"bound": "{requests: 1, per: 1h}"}, "`crm` needs 4 calls an hour, and 1 are allowed"),
        ({"limit": "{requests: 1, per: 1h}", "bound": "{requests: 50, per: 1s}"}, None),
    ],
)  # fmt: skip
def test_calls(check: Check, template: Template, settings: dict[str, str], label: str | None) -> None:
    assert checked(check, template, **settings) == ([("SYN0709", label)] if label else [])


def test_writes_count_too(check: Check, template: Template) -> None:
    erp = template["systems/erp.yaml"].text.replace("requests: 20, per: 1s", "requests: 1000, per: 1h")
    crm = template[CRM].text.replace("    get:", "    volume: {records: 9, daily: 96000}\n    get:")
    (found,) = check({"systems/erp.yaml": erp, CRM: crm}).diagnostics
    assert (found.code, found.label) == ("SYN0709", "`erp` needs 4,004 calls an hour, and 1,000 are allowed")
    assert [text for _, text in found.secondary] == [
        "1,000 to write what changed for `account` every 15m",
        "1 to read `Partner` every 15m",
    ]


@pytest.mark.parametrize(
    ("sync", "codes"),
    [
        ("freshness: 15m\nevery: 15m", []),
        ("freshness: 15m\nevery: 16m", ["SYN0712"]),
        ("every: 16m", []),
        ("freshness: 4s", ["SYN0712"]),  # the CRM shows changes five seconds late
    ],
)
def test_freshness(check: Check, template: Template, sync: str, codes: list[str]) -> None:
    assert [code for code, _ in checked(check, template, sync=sync)] == codes


def test_files_that_come_once_a_day(check: Check) -> None:
    system = """
system: agency
version: 1.0.0
protocol: files
resources:
  Rating:
    id: mail
    fields: {mail: {type: text, write: false}}
    files: {pattern: "*.csv", every: 1d}
"""
    files = {
        "systems/agency.yaml": system,
        "mappings/agency.map": "mapping agency.Rating <-> account\nemail <- mail | email\n",
        PROJECT: "syncline: 1\nproject: p\n",
        SYNC: (
            "sync: account\nobject: account\nmembers: {crm: crm.Account, erp: erp.Partner, agency: agency.Rating}\n"
            "exists: {originate: [crm], hold: {erp: true}}\nowners: {'*': crm}\nfreshness: FRESH\n"
        ),
    }
    assert [one.code for one in check({**files, SYNC: files[SYNC].replace("FRESH", "1d")}).diagnostics] == []
    (found,) = check({**files, SYNC: files[SYNC].replace("FRESH", "15m")}).diagnostics
    assert (found.code, found.label) == ("SYN0712", "`agency` drops its files every 1d")
