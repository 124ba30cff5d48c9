"""Deletions are seen from a list of ids, read beside the changes; what such a list does not tell is never a deletion."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest

from runtime.test_deletions import shop
from runtime.test_sweeps import described
from support.world import World, writes
from syncline_runtime.errors import ApprovalNeeded

DAY = 86_400
CURSOR = 'cursor: {field: changed, granularity: 1ms, query: {since: "{cursor}"}}'
BARE = '{request: {path: /ids}, items: ids, id: ""}'
PAGED = "{request: {path: /ids, query: {limit: '{size}', page: '{page}'}}, paging: {kind: page, size: 2, total: n}, items: rows}"
DELETED = [("b", "Rec", "delete", ""), ("c", "Rec", "delete", "")]


def listing(keys: str) -> str:
    return described(f"list: {{request: {{path: /rec}}, sweep: {{every: 1d, keys: {keys}}}, {CURSOR}}}")


class Watching(httpx.AsyncBaseTransport):
    """Sees what is asked for, and answers lists of ids as it is told to."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.answers: Any = None

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request.url.path.rpartition("/")[2] + ("?since" if b"since" in request.url.query else ""))
        if self.answers is not None and request.url.path.endswith("/ids"):
            return httpx.Response(200, headers={"content-type": "application/json"}, content=json.dumps(self.answers))
        async with httpx.AsyncHTTPTransport() as real:
            answer = await real.handle_async_request(request)
            return httpx.Response(answer.status_code, headers=answer.headers, content=await answer.aread())


def watched(made: World) -> Watching:
    watching = Watching()
    around = replace(made.options.around, transport=lambda name: watching if name == "a" else None)
    made.options = replace(made.options, around=around)
    return watching


@pytest.mark.parametrize("keys", [BARE, PAGED, "{request: {path: /ids}, id: key.of}"])
def test_deletions_are_seen_without_reading_everything(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, keys: str
) -> None:
    with shop(tmp_path, monkeypatch, "delete", records=5, **{"a.yaml": listing(keys)}) as made:
        watching, found = watched(made), made.by("key", "a")
        made.drop("a", found["k0"]["id"])
        assert writes(made.run()) == []  # not due yet
        made.clock.let_pass(DAY)
        made.edit("a", found["k1"]["id"], name="new")
        watching.asked.clear()
        assert writes(made.run()) == [
            *DELETED[:1],
            ("b", "Rec", "update", ""),
            *DELETED[1:],
            ("c", "Rec", "update", ""),
        ]
        assert {"rec?since", "ids"} <= set(watching.asked) <= {"rec?since", "ids", found["k0"]["id"]}
        assert len(made.records("b")) == 4
        watching.asked.clear()
        made.drop("a", found["k2"]["id"])
        assert writes(made.run()) == []
        assert watching.asked == ["rec?since"]  # the next sweep is a day later
        made.clock.let_pass(DAY)
        assert writes(made.run()) == DELETED
        made.assert_whole()


def test_an_empty_or_broken_list_of_ids_deletes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with shop(tmp_path, monkeypatch, "delete", **{"a.yaml": listing(BARE)}) as made:
        watching = watched(made)
        made.clock.let_pass(DAY)
        for answers in ({"ids": []}, {"ids": None}, {"error": "x"}, {"ids": [["x"]]}, {"ids": [""]}):
            watching.answers = answers
            result = made.run()
            assert (writes(result), sorted(result.unread)) == ([], ["a.Rec"])
        watching.answers = None
        assert (writes(result := made.run()), result.unread) == ([], {})


def test_ids_that_a_counted_list_skips_are_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with shop(tmp_path, monkeypatch, "delete", records=3, **{"a.yaml": listing(PAGED)}) as made:
        watching, found = watched(made), made.by("key", "a")
        made.drop("a", found["k0"]["id"])
        made.clock.let_pass(DAY)
        watching.answers = {"rows": [{"id": found["k1"]["id"]}], "n": 1}
        assert writes(made.run()) == DELETED  # k2 is there when asked for


def test_more_absent_ids_than_the_guard_allows_wait_for_approval(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with shop(tmp_path, monkeypatch, "delete", records=30, **{"a.yaml": listing(BARE)}) as made:
        watching, found = watched(made), made.by("key", "a")
        made.clock.let_pass(DAY // 2)
        made.edit("a", found["k0"]["id"], name="new")  # all others are older than the mark now
        made.run()
        made.clock.let_pass(DAY)
        watching.answers = {"ids": [found["k0"]["id"]]}
        with pytest.raises(ApprovalNeeded):
            made.run()
        assert len(made.records("b")) == 30
