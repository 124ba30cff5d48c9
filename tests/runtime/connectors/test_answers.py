"""Answers that are not what they claim, and no answers: each is one clear failure, and nothing is taken for empty."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from typing import Any

import httpx
import pytest

from runtime.connectors.described import opened, shop
from support.clock import TestClock
from syncline_runtime.connectors import Refused, Row
from syncline_runtime.errors import ReleaseError, RequestFailed
from syncline_runtime.system import ErrorRule, MergedAnswer, Paging, System

URL = "http://127.0.0.1:9"
JSON = {"content-type": "application/json"}


class Packed(httpx.AsyncByteStream):
    """What a broken proxy makes of gzip."""

    async def __aiter__(self) -> AsyncIterator[bytes]:
        yield b"not gzip"


def reading(
    answer: Callable[[httpx.Request], httpx.Response], system: System | None = None, clock: TestClock | None = None
) -> list[Row]:
    """Read all customers from answers made up here."""

    async def story() -> list[Row]:
        async with opened(system or shop(), URL, clock, httpx.MockTransport(answer)) as handle:
            return [row async for page in handle.read("Customer") for row in page.rows]  # type: ignore[union-attr]

    return asyncio.run(story())


def failure(answer: Callable[[httpx.Request], httpx.Response], system: System | None = None) -> RequestFailed:
    with pytest.raises(RequestFailed) as failed:
        reading(answer, system)
    return failed.value


def write_failure(answer: Callable[[httpx.Request], httpx.Response], system: System | None = None) -> RequestFailed:
    described = system or shop()
    contract = described.resource("Customer").create
    assert contract

    async def story() -> None:
        async with opened(described, URL, None, httpx.MockTransport(answer)) as handle:
            await handle.write("Customer", contract, native_id=None, natives={"name": "Zoë Secret"}, key="k")

    with pytest.raises(RequestFailed) as failed:
        asyncio.run(story())
    return failed.value


@pytest.mark.parametrize(
    ("response", "words"),
    [
        (httpx.Response(200, html="<p>login</p>"), "text/html page where JSON is expected"),
        (httpx.Response(200, text="a,b", headers={"content-type": "text/csv"}), "text/csv where JSON"),
        (httpx.Response(200, text='{"items": [{"id": "c1"', headers=JSON), "not JSON at line 1"),
        (httpx.Response(200, text='{"items": [{"id": NaN}]}', headers=JSON), "NaN or Infinity"),
        (httpx.Response(200, content=b'{"items": ["\xff"]}', headers=JSON), "not UTF-8 at byte 12"),
        (httpx.Response(200, text='{"items":[{"id":"1","id":"2"}]}', headers=JSON), "told twice: which one holds"),
        (httpx.Response(200, text='{"items":[{"id":"1"}],"items":[]}', headers=JSON), "told twice"),
        (httpx.Response(200, text="[" * 100_000, headers=JSON), "nested too deeply"),
        (httpx.Response(200, text="", headers=JSON), "no list at 'items'"),
        (httpx.Response(200, json={"results": []}), "no list at 'items'"),
        (httpx.Response(200, json={"items": None}), "no list at 'items'"),
        (httpx.Response(200, json={"items": ["c1"]}), "record 1 of page 1 is no object"),
        (httpx.Response(200, json={"items": [{"name": "Ada"}]}), "record 1 of page 1 is without its id 'id'"),
        (httpx.Response(200, json={"items": [{"id": "1", "updated_at": "soon"}]}), "'updated_at' is no instant"),
        (httpx.Response(302, headers={"location": "https://evil.example/"}), "redirects are not followed (HTTP 302)"),
        (httpx.Response(200, stream=Packed(), headers={"content-encoding": "gzip"}), "cannot be unpacked"),
    ],
)
def test_a_bad_page_is_a_failure_of_the_vendor(response: httpx.Response, words: str) -> None:
    error = failure(lambda _request: response)
    assert words in str(error)
    assert (error.category, error.place, error.exit_code) == ("vendor", "my_shop.Customer", 4)


def test_json_that_is_labelled_as_a_page_is_json_all_the_same() -> None:
    assert (
        len(
            reading(
                lambda r: httpx.Response(200, html='{"items":[{"id":"1"}]}' if "=0" in str(r.url) else '{"items":[]}')
            )
        )
        == 1
    )


def test_an_answer_that_is_too_large_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("syncline_runtime.connectors.channel.LARGEST_ANSWER", 1024 * 1024)
    error = failure(lambda _request: httpx.Response(200, content=b" " * 1024 * 1025, headers=JSON))
    assert "larger than 1 MB" in str(error)


@pytest.mark.parametrize(
    "link",
    ["http://127.0.0.1:10/shop/customers?page=2", "https://127.0.0.1:9/x", "//evil.example/x", "http://u@127.0.0.1:9/"],
)
def test_a_next_link_to_another_origin_is_refused_before_anything_is_sent(link: str) -> None:
    asked: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(str(request.url))
        return httpx.Response(200, json={"items": [{"id": "c1"}], "meta": {"next": link}})

    error = failure(answer, shop("link"))
    assert "another origin" in str(error)
    assert len(asked) == 1


def test_a_relative_next_link_is_followed_with_credentials() -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        assert request.headers["authorization"] == "Bearer sandbox"
        last = "page=2" in str(request.url)
        return httpx.Response(200, json={"items": [{"id": str(last)}], "meta": {"next": None if last else "?page=2"}})

    assert [row.native_id for row in reading(answer, shop("link"))] == ["False", "True"]


@pytest.mark.parametrize(
    ("paging", "page", "words"),
    [
        ("offset", {"items": [{"id": "c1"}]}, "the same as the page before"),
        ("page", {"items": [{"id": "c1"}]}, "the same as the page before"),
        ("token", {"items": [{"id": "c1"}], "meta": {"next": "t"}}, "the same as the page before"),
        ("link", {"items": [], "meta": {"next": "/shop/customers?x=1"}}, "would never end"),
        ("from_last", {"items": [], "has_more": True}, "an empty page says that more"),
        ("offset_total", {"items": [], "meta": {"total": 5}}, "ended after 0 of 5 records"),
        ("offset_total", {"items": []}, "no number at 'meta.total'"),
    ],
)
def test_lists_that_never_end_or_end_early(paging: str, page: dict[str, Any], words: str) -> None:
    assert words in str(failure(lambda _request: httpx.Response(200, json=page), shop(paging)))


def test_a_page_size_that_the_system_caps_in_silence_loses_nothing() -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        offset = int(request.url.params["offset"])
        return httpx.Response(200, json={"items": [{"id": f"c{n}"} for n in range(offset, min(offset + 2, 5))]})

    assert len(reading(answer)) == 5


@pytest.mark.parametrize("paging", ["offset", "page"])
def test_a_list_that_ends_in_the_middle_for_once_is_read_to_its_end(paging: str) -> None:
    """An empty page after a full one is asked for again, and only the second one counts."""
    asked: list[int] = []

    def answer(request: httpx.Request) -> httpx.Response:
        params = request.url.params
        offset = int(params["offset"]) if paging == "offset" else 2 * (int(params["page"]) - 1)
        asked.append(offset)
        there = [] if asked == [0, 2, 4] else range(offset, min(offset + 2, 7))
        return httpx.Response(200, json={"items": [{"id": f"c{n}"} for n in there]})

    assert len(reading(answer, shop(paging))) == 7
    assert asked == [0, 2, 4, 4, 6, 7 if paging == "offset" else 8], "where the last page was short, once is enough"


def test_a_list_that_shows_only_so_many_is_no_whole_list() -> None:
    page = {"items": [{"id": "c1"}, {"id": "c2"}]}
    customers = shop().resource("Customer")
    assert customers.list
    capped = replace(customers, list=replace(customers.list, paging=Paging(), result_cap=2))
    system = replace(shop(), resources=(capped,))
    assert "shows at most 2 records, and 2 came" in str(failure(lambda _: httpx.Response(200, json=page), system))
    assert len(reading(lambda _: httpx.Response(200, json={"items": page["items"][:1]}), system)) == 1


def test_page_numbers_may_end_in_a_404() -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        page = int(request.url.params["page"])
        return httpx.Response(200, json={"items": [{"id": f"c{page}"}]}) if page < 3 else httpx.Response(404)

    assert len(reading(answer, shop("page"))) == 2


def test_several_lists_in_one_body_are_paged_together() -> None:
    system = shop("offset")
    customer = system.resource("Customer")
    assert customer.list
    both = replace(customer, list=replace(customer.list, items="open", also=("closed",)))

    def answer(request: httpx.Request) -> httpx.Response:
        offset = int(request.url.params["offset"])
        closed = [{"id": f"z{n}"} for n in range(5)][offset : offset + 3]
        return httpx.Response(200, json={"open": [{"id": "a"}] if offset == 0 else [], "closed": closed})

    assert len(reading(answer, replace(system, resources=(both,)))) == 6


def test_listed_records_are_read_whole_where_the_list_shows_too_little() -> None:
    system = shop("none")
    customer = system.resource("Customer")
    assert customer.list
    detailed = replace(customer, list=replace(customer.list, detail=True))

    def answer(request: httpx.Request) -> httpx.Response:
        name = request.url.path.rpartition("/")[2]
        if name == "customers":
            return httpx.Response(200, json={"items": [{"id": "a"}, {"id": "b"}]})
        return httpx.Response(404) if name == "b" else httpx.Response(200, json={"customer": {"id": "a", "name": "A"}})

    rows = reading(answer, replace(system, resources=(detailed,)))
    assert [(row.native_id, row.natives.get("name"), row.gone) for row in rows] == [
        ("a", "A", False),
        ("b", None, True),
    ]


def test_a_child_list_is_read_for_each_parent() -> None:
    system = shop("none")
    customer = system.resource("Customer")
    assert customer.list
    request = replace(customer.list.request, path="/customers/{parent}/orders")
    order = replace(customer, name="Order", list=replace(customer.list, each="Customer", request=request))

    def answer(request: httpx.Request) -> httpx.Response:
        parts = request.url.raw_path.decode().split("/")
        ids = ["x/1", "y"] if parts[-1] == "customers" else [f"{parts[-2]}-o"]
        return httpx.Response(200, json={"items": [{"id": native_id} for native_id in ids]})

    async def story() -> list[str]:
        described = replace(system, resources=(customer, order))
        async with opened(described, URL, None, httpx.MockTransport(answer)) as handle:
            return [row.native_id async for page in handle.read("Order") for row in page.rows]  # type: ignore[union-attr]

    assert asyncio.run(story()) == ["x%2F1-o", "y-o"]


@pytest.mark.parametrize(
    ("status", "category", "retry", "ambiguous"),
    [
        (401, "authentication", False, False),
        (403, "permission", False, False),
        (404, "not_found", False, False),
        (408, "transport", True, True),
        (409, "conflict", False, False),
        (412, "conflict", False, False),
        (418, "vendor", False, True),
        (422, "validation", False, False),
        (429, "rate_limit", True, False),
        (500, "vendor", True, True),
        (503, "vendor", True, True),
        (303, "vendor", False, True),
    ],
)
def test_what_a_status_says_of_a_write(status: int, category: str, retry: bool, ambiguous: bool) -> None:
    plain = replace(shop(), errors=())
    error = write_failure(lambda _request: httpx.Response(status, html="<p>no</p>"), plain)
    assert (error.category, error.retry, error.ambiguous, error.status) == (category, retry, ambiguous, status)


def test_rules_of_the_description_decide_first_even_over_a_200() -> None:
    rules = (
        ErrorRule("conflict", (500,), {"why": "duplicate"}),
        ErrorRule("rate_limit", (), {"error": True, "code": 7}, retry=True),
    )
    system = replace(shop(), errors=rules)
    conflict = write_failure(lambda _request: httpx.Response(500, json={"why": "duplicate"}), system)
    assert (conflict.category, conflict.ambiguous) == ("conflict", False)
    limited = write_failure(lambda _request: httpx.Response(200, json={"error": True, "code": 7}), system)
    assert (limited.category, limited.retry, limited.ambiguous) == ("rate_limit", True, False)


@pytest.mark.parametrize(
    ("error", "ambiguous", "words"),
    [
        (httpx.ConnectError("connection refused by token=sandbox"), False, "refused"),
        (httpx.ConnectError("[SSL: CERTIFICATE_VERIFY_FAILED]"), False, "TLS certificate"),
        (httpx.ConnectTimeout("x"), False, "no connection within 10 s"),
        (httpx.ReadTimeout("x"), True, "none within 30 s"),
        (httpx.RemoteProtocolError("x"), True, "the connection broke (RemoteProtocolError)"),
        (httpx.WriteError("x"), True, "the connection broke (WriteError)"),
    ],
)
def test_no_answer(error: httpx.TransportError, ambiguous: bool, words: str) -> None:
    def answer(_request: httpx.Request) -> httpx.Response:
        raise error

    failed = write_failure(answer)
    assert (failed.category, failed.retry, failed.ambiguous) == ("transport", True, ambiguous)
    assert words in str(failed)
    assert failed.__cause__ is None
    assert failed.__suppress_context__
    read = failure(answer)
    assert not read.ambiguous


@pytest.mark.parametrize(
    ("status", "location", "into"),
    [
        (301, f"{URL}/shop/customers/c%2F2", "c/2"),
        (308, "/shop/customers/c2", "c2"),
        (301, "/shop/customers/c1", None),  # the same record
        (302, "/shop/customers/c2", None),  # for now only
        (301, "/customers", None),
        (301, "", None),
        (301, "https://elsewhere.example/customers/c2", None),
    ],
)
def test_a_record_that_is_part_of_another(status: int, location: str, into: str | None) -> None:
    """Only a permanent redirect on the same origin, to a record's address, says so; none is followed."""
    asked: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(str(request.url))
        return httpx.Response(status, headers={"location": location})

    customer = replace(shop().resource("Customer"), merged_answer=MergedAnswer(redirect=True))
    described = replace(shop(), resources=(customer,))

    async def story() -> None:
        async with opened(described, URL, None, httpx.MockTransport(answer)) as handle:
            await handle.get("Customer", "c1")

    with pytest.raises(RequestFailed) as failed:
        asyncio.run(story())
    assert getattr(failed.value, "into", None) == into
    assert asked == [f"{URL}/shop/customers/c1"]


def test_a_dead_server_is_one_clear_message() -> None:
    async def story() -> None:
        async with opened(shop(), URL) as handle:
            await anext(handle.read("Customer"))

    with pytest.raises(RequestFailed, match="connection is refused") as failed:
        asyncio.run(story())
    assert "check that the system runs" in str(failed.value)


def test_neither_secrets_nor_values_are_told(caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET", "hunter2")
    caplog.set_level(logging.DEBUG)
    body = {"error": {"code": "E7", "message": {"email": ["zoe@example.com is taken"]}}}
    error = write_failure(lambda _request: httpx.Response(422, json=body))
    assert isinstance(error, Refused)
    told = f"{error} {error!r} {error.__dict__ | {'vendor_message': ''}} {caplog.text}"
    assert not any(word in told for word in ("hunter2", "zoe@", "Zoë", "Secret"))
    assert (error.vendor_code, error.fields) == ("E7", ("email",))
    assert "about email" in str(error)
    assert "zoe@example.com" in (error.vendor_message or "")


def test_a_broken_secret_is_refused_without_showing_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET", "line\nbreak")
    with pytest.raises(ReleaseError) as refused:
        reading(lambda _request: httpx.Response(200))
    assert "break" not in str(refused.value).replace("line break", "")
    monkeypatch.delenv("SECRET")
    with pytest.raises(ReleaseError, match="SECRET is not set"):
        reading(lambda _request: httpx.Response(200))


@pytest.mark.parametrize(("header", "first_sleep"), [("7", 7.0), ("Thu, 01 Jan 2026 00:00:09 GMT", 9.0)])
def test_retry_after_in_seconds_and_as_a_date(header: str, first_sleep: float) -> None:
    clock = TestClock()
    answers = iter([httpx.Response(429, headers={"retry-after": header}), httpx.Response(200, json={"items": []})])
    assert reading(lambda _request: next(answers), clock=clock) == []
    assert clock.slept[0] == pytest.approx(first_sleep, abs=0.01)


def test_a_long_wait_is_left_to_the_caller() -> None:
    clock = TestClock()
    with pytest.raises(RequestFailed) as failed:
        reading(lambda _request: httpx.Response(429, headers={"retry-after": "9999"}), clock=clock)
    assert (failed.value.retry_after, clock.slept) == (3600.0, [])


def test_an_answer_with_another_record_is_refused() -> None:
    async def story() -> None:
        answer = httpx.MockTransport(lambda _request: httpx.Response(200, json={"customer": {"id": "other"}}))
        async with opened(shop(), URL, None, answer) as handle:
            await handle.get("Customer", "c1")

    with pytest.raises(RequestFailed, match="another record than the one asked for"):
        asyncio.run(story())


def test_a_search_whose_filter_is_ignored_proves_nothing() -> None:
    system = shop()
    customer = system.resource("Customer")
    create = customer.create
    assert create
    assert create.find
    listed = {"items": [{"id": "c1", "ext": {"ref": "other"}}, {"id": "c2"}]}

    async def story(paging: Paging) -> bool:
        found = replace(create, find=replace(create.find, paging=paging))
        answers = httpx.MockTransport(
            lambda request: httpx.Response(200, json=listed if "offset" not in str(request.url) else {"items": []})
        )
        async with opened(system, URL, None, answers) as handle:
            result = await handle.find("Customer", found, "M-1")
            assert result.rows == ()
            return result.conclusive

    assert not asyncio.run(story(Paging()))
    assert asyncio.run(story(Paging("cursor", next="meta.next")))


def test_the_limit_of_a_credential_paces_all_requests() -> None:
    clock = TestClock()

    async def story() -> None:
        answer = httpx.MockTransport(lambda _request: httpx.Response(200, json={"customer": {"id": "c1"}}))
        async with opened(shop(), URL, clock, answer, requests=2, per=1) as handle:
            await asyncio.gather(*(handle.get("Customer", "c1") for _ in range(6)))

    asyncio.run(story())
    assert 1.9 <= clock.monotonic() <= 2.6  # two at once from the full bucket, four more at two a second


def test_a_write_that_waited_for_its_turn_too_long_was_not_sent() -> None:
    contract = shop().resource("Customer").create
    assert contract
    asked: list[httpx.Request] = []

    class Stopped(TestClock):
        async def sleep(self, seconds: float) -> None:
            await asyncio.sleep(10)

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        return httpx.Response(201, json={"customer": {"id": "c1"}})

    async def story() -> None:
        async with opened(shop(), URL, Stopped(), httpx.MockTransport(answer), requests=1, per=1) as handle:
            sent = {"native_id": None, "natives": {"name": "Ada"}, "seconds": 0.05}
            await handle.write("Customer", contract, **sent)  # type: ignore[arg-type]
            await handle.write("Customer", contract, **sent)  # type: ignore[arg-type]

    with pytest.raises(RequestFailed) as failed:
        asyncio.run(story())
    assert (failed.value.category, failed.value.ambiguous, len(asked)) == ("transport", False, 1)


def test_an_error_that_comes_with_200_is_no_record() -> None:
    """Neither as what became of an update nor as the record that is looked at to find that out."""
    contract = shop().resource("Customer").update
    assert contract

    async def story() -> None:
        error = httpx.Response(200, json={"customer": {"fault": {"code": "busy"}}})
        async with opened(shop(), URL, None, httpx.MockTransport(lambda _: error)) as handle:
            with pytest.raises(RequestFailed, match="none of its fields") as failed:
                await handle.write("Customer", contract, native_id="7", natives={"name": "Zoë"})
            assert failed.value.ambiguous
            with pytest.raises(RequestFailed, match="none of its fields"):
                await handle.get("Customer", "7")

    asyncio.run(story())
