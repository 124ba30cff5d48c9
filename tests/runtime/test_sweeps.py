"""Deletions that an incremental read cannot see are found by a sweep; what a counted list skips is not deleted."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import httpx
import pytest

from runtime.test_deletions import FIELDS, FILES, shop
from support.world import problems, system, writes

LIST = "list: {request: {path: /rec}}"


def described(listing: str) -> str:
    """Describe the system that owns the records, with a list of its own."""
    status = "status: {type: text, values: [O, X], required: true}"
    fields = f"{FIELDS.replace('status: text', status)}, changed: {{type: instant, write: false}}"
    return system("a", Rec=fields).replace("    id: id\n", "    id: id\n    version: changed\n").replace(LIST, listing)


def test_a_sweep_sees_deletions(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    listing = (
        "list: {request: {path: /rec}, sweep: {every: 1d}, "
        'cursor: {field: changed, granularity: 1ms, query: {since: "{cursor}"}}}'
    )
    with shop(tmp_path, monkeypatch, "delete", **{"a.yaml": described(listing)}) as made:
        made.drop("a", made.by("key", "a")["k0"]["id"])
        assert writes(made.run()) == []  # only what changed is read: nothing is known of the rest
        made.clock.let_pass(86_400)
        assert writes(made.run()) == [("b", "Rec", "delete", ""), ("c", "Rec", "delete", "")]
        made.drop("a", made.by("key", "a")["k1"]["id"])
        assert writes(made.run()) == []
        made.assert_whole()


class Skipping(httpx.AsyncBaseTransport):
    """A list in which a record is over the edge of a page while it is read."""

    def __init__(self) -> None:
        self.skips: str | None = None
        self.lists = 0

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        async with httpx.AsyncHTTPTransport() as real:
            answer = await real.handle_async_request(request)
            body = await answer.aread()
        self.lists += request.url.path.endswith("/rec")
        if self.skips and request.url.path.endswith("/rec"):
            body = json.dumps([one for one in json.loads(body) if one["key"] != self.skips]).encode()
        return httpx.Response(answer.status_code, headers={"content-type": "application/json"}, content=body)


@pytest.mark.parametrize("kind", ["page", "offset"])
def test_what_a_counted_list_skips_is_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    asked = "{limit: '{size}', PLACE: '{PLACE}'}".replace("PLACE", kind)
    listing = f"list: {{request: {{path: /rec, query: {asked}}}, paging: {{kind: {kind}, size: 10}}}}"
    with shop(tmp_path, monkeypatch, "delete", **{"a.yaml": described(listing)}) as made:
        skipping = Skipping()
        around = replace(made.options.around, transport=lambda name: skipping if name == "a" else None)
        skipping.skips = "k0"
        result = made.run(around=around)
        assert (writes(result), problems(result)) == ([], [])
        made.drop("a", made.by("key", "a")["k0"]["id"])
        assert writes(made.run()) == [("b", "Rec", "delete", ""), ("c", "Rec", "delete", "")]


class CutOff(httpx.AsyncBaseTransport):
    """A list that is shown to its beginning only, the first time: a record goes, then an empty page comes."""

    def __init__(self) -> None:
        self.listed: list[int] = []

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        async with httpx.AsyncHTTPTransport() as real:
            answer = await real.handle_async_request(request)
            rows = json.loads(await answer.aread())
        if request.url.path.endswith("/rec"):
            self.listed.append(int(request.url.params["page"]))
            rows = {1: rows[1:], 2: []}.get(len(self.listed), rows)
        return httpx.Response(answer.status_code, headers={"content-type": "application/json"}, json=rows)


def test_what_nobody_knows_of_and_a_list_has_skipped_is_not_made_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Known records that are not shown and are there say that the walk cannot be trusted: it is done again."""
    listing = "list: {request: {path: /rec, query: {limit: '{size}', page: '{page}'}}, paging: {kind: page, size: 3}}"
    described_b = FILES["b.yaml"].replace(LIST, listing)
    with shop(tmp_path, monkeypatch, "delete", records=4, **{"b.yaml": described_b}) as made:
        made.add("a", key="k9", status="O")
        made.add("b", key="k9", status="O")
        cut_off = CutOff()
        around = replace(made.options.around, transport=lambda name: cut_off if name == "b" else None)
        assert [one for one in writes(made.run(around=around)) if one[0] == "b"] == []
        assert cut_off.listed == [1, 2, 1, 2, 3]
        assert len(made.by("key", "b")) == 5


def test_what_a_list_never_shows_is_there_all_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two walks that show the same are enough."""
    counted = "list: {request: {path: /rec, query: {limit: '{size}', page: '{page}'}}, paging: {kind: page, size: 10}}"
    with shop(tmp_path, monkeypatch, "delete", **{"a.yaml": described(counted)}) as made:
        skipping = Skipping()
        skipping.skips = "k0"
        around = replace(made.options.around, transport=lambda name: skipping if name == "a" else None)
        result = made.run(around=around)
        assert (writes(result), problems(result), result.unread, skipping.lists) == ([], [], {}, 4)


class Empty(Skipping):
    """A list that shows nothing, as some systems do where a scope was lost."""

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("/rec"):
            return httpx.Response(200, headers={"content-type": "application/json"}, content=b"[]")
        return await super().handle_async_request(request)


def test_a_list_that_is_empty_without_reason_is_no_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with shop(tmp_path, monkeypatch, "delete") as made:
        made.add("b", key="k9", status="O")
        made.add("a", key="k9", status="O")
        around = replace(made.options.around, transport=lambda name: Empty() if name == "b" else None)
        result = made.run(around=around)
        assert (sorted(result.unread), result.exit_code) == (["b.Rec"], 4)
        assert not [one for one in writes(result) if one[0] == "b"]
        made.run()
        assert len(made.by("key", "b")) == 3


def test_a_list_that_is_empty_with_reason_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with shop(tmp_path, monkeypatch, "delete", records=1) as made:
        made.drop("b", made.by("key", "b")["k0"]["id"])
        assert made.run().unread == {}
