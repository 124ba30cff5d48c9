"""Answers to many records at once that are not as they should be: no row is taken for written that was not told to be."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import httpx
import pytest

from runtime.connectors.described import opened, shop
from syncline_runtime.connectors import Outcome, Sending
from syncline_runtime.errors import ReleaseError, RequestFailed
from syncline_runtime.request import Request
from syncline_runtime.system import BatchWrite, ErrorRule, System

URL = "https://x.example"
BATCH = BatchWrite(
    Request("/batch", "POST", body={"all": "{items}"}),
    {"n": "{row}", "id": "{id}", "set": "{record}"},
    rows=10,
    answers="results",
    status="status",
    echo="{row}",
    echo_at=("n",),
    record_at="body",
    error_code_at="code",
)
Answer = Callable[[list[dict[str, Any]]], httpx.Response]


def good(item: dict[str, Any], **changes: Any) -> dict[str, Any]:
    return {"n": item["n"], "status": 200, "body": {"id": item["id"], **item["set"]}, **changes}


def wrote(answer: Answer, batch: BatchWrite = BATCH, rows: int = 3, system: System | None = None) -> list[Outcome]:
    """Write rows; give what became of each."""
    described = system or shop()
    customer = described.resource("Customer")
    contract = replace(
        customer.update or pytest.fail("described with an update"), batch=batch, precondition_header=None
    )
    sendings = [Sending(f"c{number}", {"name": f"Name {number}"}, seconds=5.0) for number in range(rows)]

    def transport(request: httpx.Request) -> httpx.Response:
        return answer(json.loads(request.content)["all"])

    async def story() -> list[Outcome]:
        async with opened(described, URL, None, httpx.MockTransport(transport)) as handle:
            return await handle.write_together("Customer", contract, sendings)

    return asyncio.run(story())


def told(outcomes: Sequence[Outcome]) -> list[str]:
    """Say in a word what became of each: its id, or whether it may have been written."""
    words = []
    for one in outcomes:
        if isinstance(one, RequestFailed):
            words.append("ambiguous" if one.ambiguous else one.category)
        else:
            words.append("impossible" if isinstance(one, ReleaseError) else str(one.native_id))
    return words


def listed(answers: Any, status: int = 200) -> httpx.Response:
    return httpx.Response(status, json={"results": answers})


NONSENSE: list[tuple[str, Answer, list[str]]] = [
    ("as it should be", lambda items: listed([good(one) for one in items]), ["c0", "c1", "c2"]),
    ("shuffled", lambda items: listed([good(one) for one in reversed(items)], 207), ["c0", "c1", "c2"]),
    ("one is missing", lambda items: listed([good(one) for one in items[1:]]), ["ambiguous", "c1", "c2"]),
    ("one is told twice", lambda items: listed([good(items[0]), *map(good, items)]), ["ambiguous", "c1", "c2"]),
    ("of somebody else", lambda items: listed([*map(good, items), good(items[0], n="99")]), ["c0", "c1", "c2"]),
    ("without echo", lambda items: listed([good(one, n=None) for one in items]), ["ambiguous"] * 3),
    ("refused", lambda items: listed([good(items[0], status=422), *map(good, items[1:])], 207), ["validation", "c1", "c2"]),
    ("overrun", lambda items: listed([good(items[0], status=429), *map(good, items[1:])], 207), ["rate_limit", "c1", "c2"]),
    ("failed inside", lambda items: listed([good(items[0], status=500), *map(good, items[1:])], 207), ["ambiguous", "c1", "c2"]),
    ("no record", lambda items: listed([good(items[0], body=None), *map(good, items[1:])]), ["ambiguous", "c1", "c2"]),
    ("no objects", lambda _: listed(["yes", "yes", "yes"]), ["ambiguous"] * 3),
    ("no list", lambda _: listed({"ok": True}), ["ambiguous"] * 3),
    ("nothing", lambda _: httpx.Response(200, json={}), ["ambiguous"] * 3),
    ("empty", lambda _: httpx.Response(204), ["ambiguous"] * 3),
    ("a page", lambda _: httpx.Response(200, html="<p>Maintenance"), ["ambiguous"] * 3),
    ("refused whole", lambda _: httpx.Response(400, json={}), ["validation"] * 3),
    ("too large", lambda _: httpx.Response(413), ["validation"] * 3),
    ("failed whole", lambda _: httpx.Response(500), ["ambiguous"] * 3),
    ("overrun whole", lambda _: httpx.Response(429), ["rate_limit"] * 3),
]  # fmt: skip


@pytest.mark.parametrize(("answer", "words"), [one[1:] for one in NONSENSE], ids=[one[0] for one in NONSENSE])
def test_answers(answer: Answer, words: list[str]) -> None:
    outcomes = wrote(answer)
    assert told(outcomes) == words
    whole = {one.together for one in outcomes if isinstance(one, RequestFailed)}
    assert whole <= {1} or whole == {3}


@pytest.mark.parametrize("number", [0, 2, 4])
def test_by_position_another_number_of_answers_tells_nothing(number: int) -> None:
    batch = replace(BATCH, echo=None, echo_at=())
    assert told(wrote(lambda items: listed([good(items[0])] * number), batch)) == ["ambiguous"] * 3
    assert told(wrote(lambda items: listed([good(one) for one in items]), batch)) == ["c0", "c1", "c2"]


def test_rules_for_errors_look_into_each_answer_and_not_into_the_whole() -> None:
    """A list of errors beside what was done refuses nothing of that."""
    apart = replace(BATCH, status=None, failed="errors", echo_at=("n", "of"))
    system = replace(
        shop(), errors=(ErrorRule("permission", given=("errors",)), ErrorRule("conflict", where={"code": "dup"}))
    )

    def answer(items: list[dict[str, Any]]) -> httpx.Response:
        errors = [{"of": items[1]["n"], "code": "dup"}, {"of": items[2]["n"], "code": "odd"}]
        return httpx.Response(207, json={"results": [good(items[0])], "errors": errors})

    outcomes = wrote(answer, apart, system=system)
    assert told(outcomes) == ["c0", "conflict", "validation"]
    assert [one.vendor_code for one in outcomes if isinstance(one, RequestFailed)] == ["dup", "odd"]


def test_what_tells_success_must_be_there() -> None:
    batch = replace(BATCH, status=None, done={"ok": True})
    outcomes = wrote(
        lambda items: listed([good(items[0], ok=True), good(items[1], ok=False), good(items[2], ok="true")]), batch
    )
    assert told(outcomes) == ["c0", "validation", "validation"]


def test_requests_are_no_larger_than_allowed_and_hold_no_echo_twice() -> None:
    sizes: list[int] = []

    def answer(items: list[dict[str, Any]]) -> httpx.Response:
        sizes.append(len(items))
        return listed([good(one) for one in items])

    row = len(json.dumps({"n": "1", "id": "c0", "set": {"name": "Name 0"}}, separators=(",", ":"))) + 1
    assert told(wrote(answer, replace(BATCH, bytes=3 * row + 2), 8)) == [f"c{number}" for number in range(8)]
    assert told(wrote(answer, replace(BATCH, rows=4), 6)) == [f"c{number}" for number in range(6)]
    assert told(wrote(answer, replace(BATCH, echo="{field.name}", echo_at=("body.name",)), 2)) == ["c0", "c1"]
    assert told(wrote(answer, replace(BATCH, bytes=1), 2)) == ["c0", "c1"], "a row too large for all goes alone"
    assert sizes == [3, 3, 2, 4, 2, 2, 1, 1]


def test_a_path_in_a_row_keeps_its_shape() -> None:
    seen: list[str] = []

    def answer(items: list[dict[str, Any]]) -> httpx.Response:
        seen.extend(one["url"] for one in items)
        return listed([{"n": one["n"], "status": 200, "body": {"id": "x"}} for one in items])

    batch = replace(BATCH, item={"n": "{row}", "url": {"$path": "/c/{field.name}"}, "set": "{record}"})
    wrote(answer, batch, 1)
    assert seen == ["/c/Name%200"]
