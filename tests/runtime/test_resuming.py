"""A long read that was cut off goes on where it was, as long as that tells the same; a partial one is never the whole."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx
import pytest

from runtime.connectors.described import opened, shop
from syncline_runtime.errors import RequestFailed
from syncline_runtime.segments import SegmentStore
from syncline_runtime.stages.gathering import land_kept
from syncline_runtime.state import State, landed_columns
from syncline_runtime.system import System
from syncline_runtime.tombstones import Erased

URL = "http://127.0.0.1:9"
NAMES = ["id", "name"]


class Far:
    """A list of nine in pages of three; it fails at one page for as long as it is told to."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.fails_at: str | None = "6"
        self.status = 503

    def answer(self, request: httpx.Request) -> httpx.Response:
        after = request.url.params.get("after", "0")
        self.asked.append(after)
        if after == self.fails_at:
            return httpx.Response(self.status)
        first = int(after)
        items = [
            {"id": f"c{n}", "name": f"n{n}", "updated_at": "2026-01-31T10:00:00Z"} for n in range(first, first + 3)
        ]
        body = {"items": items, "meta": {"next": str(first + 3) if first < 6 else None}}
        date = {"content-type": "application/json", "date": "Sat, 31 Jan 2026 09:00:00 GMT"}
        return httpx.Response(200, content=json.dumps(body).encode(), headers=date)


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    monkeypatch.setenv("SECRET", "s3cret")
    state = State(tmp_path, SegmentStore(tmp_path / "segments"))
    register = SimpleNamespace(sequence=lambda: 7, acks=lambda after: [])
    binding = SimpleNamespace(connection=lambda name: SimpleNamespace(origin=URL))
    yield SimpleNamespace(
        state=state, engine=asyncio.Lock(), run_id="r", garbled=set(), erased=Erased(), now=lambda: 1_000,
        binding=binding, ledger=SimpleNamespace(register=register), progress=lambda stage, what: None,
    )  # fmt: skip
    state.close()


def read(run: Any, answer: Callable[[httpx.Request], httpx.Response], system: System | None = None) -> list[str]:
    described = system or shop("token")

    async def story() -> None:
        run.engine = asyncio.Lock()
        run.state.empty("landed", landed_columns(NAMES))
        async with opened(described, URL, None, httpx.MockTransport(answer)) as handle:
            await land_kept(run, handle, described.resource("Customer"), "landed", landed_columns(NAMES), None)

    asyncio.run(story())
    return [row[0] for row in run.state.rows("SELECT _native_id FROM landed ORDER BY _seq")]


def test_pages_that_were_read_are_not_read_again(run: Any) -> None:
    far = Far()
    with pytest.raises(RequestFailed):
        read(run, far.answer)
    far.asked, far.fails_at = [], None
    assert read(run, far.answer) == [f"c{n}" for n in range(9)]
    assert far.asked == ["6"]
    far.asked = []
    assert len(read(run, far.answer)) == 9
    assert far.asked == ["0", "3", "6"]  # the read was whole: nothing of it is kept


def test_a_token_that_has_expired_starts_again(run: Any) -> None:
    far = Far()
    with pytest.raises(RequestFailed):
        read(run, far.answer)
    far.status, far.asked, answered = 400, [], far.answer

    def once_refused(request: httpx.Request) -> httpx.Response:
        answer = answered(request)
        far.fails_at = None
        return answer

    assert read(run, once_refused) == [f"c{n}" for n in range(9)]
    assert far.asked == ["6", "0", "3", "6"]


@pytest.mark.parametrize("why", ["written", "late", "counted", "described anew"])
def test_what_may_not_tell_the_same_is_read_again(run: Any, why: str) -> None:
    far = Far()
    system = shop("offset" if why == "counted" else "token")
    answer = (lambda request: paged(far, request)) if why == "counted" else far.answer
    with pytest.raises(RequestFailed):
        read(run, answer, system)
    far.asked, far.fails_at = [], None
    if why == "written":
        run.ledger.register.acks = lambda after: [SimpleNamespace(connection="my_shop", resource="Customer")]
    elif why == "late":
        run.now = lambda: 3_700_000_000
    elif why == "described anew":
        system = shop("token", customers=8)
        run.binding.connection = lambda name: SimpleNamespace(origin=f"{URL}/v2")
    read(run, answer, system)
    assert far.asked[0] == "0"


def paged(far: Far, request: httpx.Request) -> httpx.Response:
    """Answer by offset, with an end."""
    offset = request.url.params.get("offset", "0")
    if offset == "9":
        return httpx.Response(200, json={"items": []})
    return far.answer(httpx.Request("GET", f"{URL}/customers?after={offset}"))
