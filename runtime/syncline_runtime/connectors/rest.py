"""Reading the resources of a system over HTTP, REST and JSON-RPC alike.

In: resources as described. Out: pages of rows, one row, what a search found, what a system proves to be.
Invariants: an answer without the list or record that the description promises is a failure, never "nothing there";
rows found by a marker are checked for the marker again.
"""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from typing import Any, TypeVar

from syncline_runtime.connectors import cursors, failures, wire
from syncline_runtime.connectors.failures import Asked, MergedAwayError
from syncline_runtime.connectors.http import Answer, HttpClient
from syncline_runtime.connectors.jsontext import NotJsonError, as_text
from syncline_runtime.connectors.lines import Lines, NotSureError, PageReader, Shape, shape_of
from syncline_runtime.connectors.merged_answers import refuse_merged
from syncline_runtime.connectors.paging import Seen, Walk, Walked
from syncline_runtime.connectors.results import Found, Page, Proof, Row, raw_hash
from syncline_runtime.connectors.templates import ABSENT, read_path
from syncline_runtime.errors import ReleaseError, RequestFailed
from syncline_runtime.request import Probe, Request
from syncline_runtime.system import FindBy, ListRead, Paging, Resource, Write

T = TypeVar("T")
DAY = 86_400_000_000
"""Microseconds by which a system's clock may be ahead of ours."""


class CappedError(Exception):
    """A window of time has more records than the system shows."""

    def __init__(self, received: int) -> None:
        super().__init__()
        self.received = received


async def read(client: HttpClient, resource: Resource, since: str | None = None) -> AsyncIterator[Page]:
    """Read all records of a resource, or those changed since a mark (see ``cursors``), page by page."""
    listing = _required(client, resource, resource.list, "list")
    async for page in _read_all(client, resource, listing, since, None):
        if isinstance(page, Page):
            yield page


async def read_lines(
    client: HttpClient, resource: Resource, since: str | None = None, walked: Walked | None = None
) -> AsyncIterator[Page | Lines]:
    """``read``, with the records as lines wherever nothing has to be looked at one by one."""
    listing = _required(client, resource, resource.list, "list")
    shape = shape_of(client.system, resource, listing)
    async for page in _read_all(client, resource, listing, since, shape, walked):
        yield page


async def _read_all(
    client: HttpClient,
    resource: Resource,
    listing: ListRead,
    since: str | None,
    shape: Shape | None,
    walked: Walked | None = None,
) -> AsyncIterator[Page | Lines]:
    if listing.each is None:
        async for page in _read_list(client, resource, listing, since, {}, shape, walked):
            yield page
        return
    over = client.system.resource(listing.each)
    async for parents in read(client, over):
        for parent in parents.rows:
            known = {"parent": wire_id(client, over, parent.native_id)}
            async for page in _read_list(client, resource, listing, since, known, shape):
                yield dataclasses.replace(page, walked=None) if isinstance(page, Lines) else page


async def get(client: HttpClient, resource: Resource, native_id: str, *, parent: str | None = None) -> Row | None:
    """Read one record; None if the system says that it has no such record (404 or 410).

    MergedAwayError if it says that the record is part of another by now.
    """
    request = _required(client, resource, resource.get, "get")
    asked = Asked(place(client, resource), writes=False)
    known = {"id": wire_id(client, resource, native_id), "parent": or_absent(parent)}
    try:
        answer = await client.read(request, known, asked.place)
    except RequestFailed as error:
        refuse_merged(client, resource, native_id, error)
        if error.category == "not_found" and error.status in (404, 410):
            return None
        raise
    record = object_at(asked, answer.body, resource.get_at)
    row = _row(client, resource, record, asked, native_id)
    if row.native_id != native_id:
        if resource.merged_answer is not None and resource.merged_answer.record:
            raise MergedAwayError(asked.place, row.native_id)
        raise failures.bad_answer(asked, "the system answered with another record than the one asked for")
    return row


async def find(
    client: HttpClient, resource: Resource, write: Write, marker: str, *, parent: str | None = None
) -> Found:
    """Find the records that hold a marker; the system's filter is used and not believed."""
    search = _required(client, resource, write.find, "find")
    try:
        known = {"marker": marker, "parent": or_absent(parent)}
        rows = [row async for row in _search(client, resource, search, known)]
    except RequestFailed as error:
        if error.status not in (404, 410) or error.category != "not_found":
            raise
        return Found((), conclusive=True)
    matching = tuple(row for row in rows if row.natives.get(search.field) == marker and not row.gone)
    # One page that also holds others may be the first page of an unfiltered list.
    conclusive = bool(matching) or not rows or search.paging.kind != "none"
    return Found(matching, conclusive)


async def _search(
    client: HttpClient, resource: Resource, search: FindBy, known: Mapping[str, Any]
) -> AsyncIterator[Row]:
    """Read all that a search returns; without paging, its answer may also be the one record itself."""
    asked = Asked(place(client, resource), writes=False)
    if search.paging.kind == "none":
        answer = await client.read(search.request, known, asked.place)
        found = read_path(answer.body, search.items)
        records = [found] if isinstance(found, Mapping) else _list_at(asked, answer.body, search.items)
        for row in map(row_maker(client, resource, asked), records):
            yield row
        return
    listing = ListRead(search.request, search.items, search.paging)
    async for page in _walk(client, resource, listing, search.request, known, asked):
        for row in page.rows if isinstance(page, Page) else ():
            yield row


async def probe(client: HttpClient) -> Proof:
    """Ask the system which account and environment it is."""
    system = client.system
    return Proof(
        await _prove(client, system.account, "account"), await _prove(client, system.environment, "environment")
    )


async def _prove(client: HttpClient, probe: Probe | None, what: str) -> str | None:
    if probe is None:
        return None
    asked = Asked(f"{client.origin.place}.{what}", writes=False)
    answer = await client.read(probe.request, {}, asked.place)
    value = read_path(answer.body, probe.at)
    if value is ABSENT or value is None or isinstance(value, (dict, list)):
        raise failures.bad_answer(asked, f"the answer holds no {what} at {probe.at!r}")
    return as_text(value)


async def _read_list(
    client: HttpClient,
    resource: Resource,
    listing: ListRead,
    since: str | None,
    known: Mapping[str, Any],
    shape: Shape | None,
    walked: Walked | None = None,
) -> AsyncIterator[Page | Lines]:
    asked = Asked(place(client, resource), writes=False)
    windows: list[tuple[str | None, str | None]] = [(since, None)]
    while windows:
        begin, end = windows.pop()
        request, moments = _window(client, resource, listing, begin, end)
        try:
            async for page in _walk(client, resource, listing, request, {**known, **moments}, asked, shape, walked):
                yield page if not listing.windows or isinstance(page, Page) else dataclasses.replace(page, walked=None)
        except CappedError as capped:
            windows += reversed(_halves(client, listing, begin, end, asked, capped))


def _window(
    client: HttpClient, resource: Resource, listing: ListRead, begin: str | None, end: str | None
) -> tuple[Request, dict[str, Any]]:
    """Give the request for what changed in a window of time, and what its templates may name; all there is without one."""
    cursor, request = listing.cursor, listing.request
    if cursor is None or begin is None:
        return request, {"cursor": ABSENT, "until": ABSENT}
    body = request.body if cursor.body is None else cursor.body
    moments = {"cursor": cursors.query_value(client.system, resource, cursor, begin), "until": ABSENT}
    if end is not None:
        moments["until"] = cursors.query_value(client.system, resource, cursor, end)
    return dataclasses.replace(request, query={**request.query, **cursor.query}, body=body), moments


def _halves(
    client: HttpClient, listing: ListRead, begin: str | None, end: str | None, asked: Asked, capped: CappedError
) -> list[tuple[str | None, str | None]]:
    """Split a window of which the system does not show all; what of it has come already is read again."""
    assert listing.cursor is not None  # a list with windows has one
    found = cursors.halves(listing.cursor, begin, end, cursors.mark_of(client.clock.now() + DAY))
    if not found:
        raise failures.bad_answer(
            asked,
            f"{capped.received} records changed at one moment, and the list shows at most {listing.result_cap}: the rest cannot be seen",
            mend="describe a list without this limit in the system description",
        )
    return found


async def _walk(
    client: HttpClient,
    resource: Resource,
    listing: ListRead,
    request: Request,
    known: Mapping[str, Any],
    asked: Asked,
    shape: Shape | None = None,
    walked: Walked | None = None,
) -> AsyncIterator[Page | Lines]:
    walk = Walk(listing.paging, asked)
    if walked is not None:
        walk.go_on(walked)
    reader = PageReader(shape)
    goes_on, received = True, walked.received if walked else 0
    while goes_on:
        answer = await _page_answer(client, request, {**known, **walk.values}, walk, listing.paging, reader)
        if answer is None:
            return
        lists = _lists(asked, answer.body, listing)
        lengths, last = [len(items) for items in lists], reader.last(lists)
        received += sum(lengths)
        _refuse_capped(listing, received, asked)
        told = _told(client, resource, asked, walk.page, lists, reader)
        says = told.content if isinstance(told, Lines) else lists
        goes_on = walk.advance(Seen(answer.body, answer.headers, sum(lengths), max(lengths), last, says))
        if walk.link:
            walk.link = client.origin.follow(walk.link, answer.url)
        read_at = cursors.mark_of_date(answer.headers.get("date"))
        if isinstance(told, Lines):
            yield dataclasses.replace(told, read_at=read_at, walked=walk.walked if goes_on else None)
        else:
            yield dataclasses.replace(await _page(client, resource, listing, told), read_at=read_at)


def _told(
    client: HttpClient,
    resource: Resource,
    asked: Asked,
    page: int,
    lists: list[list[Any]],
    reader: PageReader,
) -> Lines | list[Row]:
    """Give what a page tells: as lines, or record by record where that takes a closer look."""
    if reader.sure:
        try:
            return reader.lines(lists)
        except NotSureError:
            lists = _reread(reader, asked)
    to_row = row_maker(client, resource, asked)
    records = (record for items in lists for record in items)
    return [to_row(record, where=f"record {number} of page {page}") for number, record in enumerate(records, 1)]


def _reread(reader: PageReader, asked: Asked) -> list[list[Any]]:
    try:
        return reader.reread()
    except NotJsonError as error:
        raise failures.bad_answer(asked, f"the answer is {error}") from None


def _lists(asked: Asked, body: Any, listing: ListRead) -> list[list[Any]]:
    return [_list_at(asked, body, path) for path in (listing.items, *listing.also)]


def _refuse_capped(listing: ListRead, received: int, asked: Asked) -> None:
    """Refuse as many records as the system ever shows: whether there are more cannot be seen."""
    if listing.result_cap is not None and received >= listing.result_cap:
        if listing.windows:
            raise CappedError(received)
        raise failures.bad_answer(
            asked,
            f"the list shows at most {listing.result_cap} records, and {received} came: the rest cannot be seen",
            mend="describe a list without this limit in the system description",
        )


async def _page_answer(
    client: HttpClient, request: Request, known: Mapping[str, Any], walk: Walk, paging: Paging, reader: PageReader
) -> Answer | None:
    """Ask for a page; None if the system answers that there is no page of this number (404 after the first)."""
    try:
        return await client.read(request, known, walk.place, walk.link, reader.parse)
    except RequestFailed as error:
        if paging.kind == "page" and not paging.total and walk.began and error.status == 404:
            return None
        raise


async def _page(client: HttpClient, resource: Resource, listing: ListRead, rows: list[Row]) -> Page:
    requests = 1
    if listing.detail:
        requests += len(rows)
        rows = list(await asyncio.gather(*(_detail(client, resource, row) for row in rows)))
    greatest = None
    if listing.cursor:
        greatest = newest(client, resource, (row.natives.get(listing.cursor.field) for row in rows))
    return Page(tuple(rows), requests, greatest)


def newest(client: HttpClient, resource: Resource, values: Iterable[str | None]) -> str | None:
    """Find the mark of the greatest value of a resource's cursor field."""
    cursor = resource.list.cursor if resource.list else None
    if cursor is None:
        return None
    try:
        return cursors.newest(client.system, cursor, values)
    except ValueError:
        asked = Asked(place(client, resource), writes=False)
        raise failures.bad_answer(asked, f"a value of the cursor field {cursor.field!r} is no instant") from None


async def _detail(client: HttpClient, resource: Resource, row: Row) -> Row:
    """Read a listed record whole; one that was deleted since it was listed is marked as gone."""
    return await get(client, resource, row.native_id) or dataclasses.replace(row, gone=True)


def _row(client: HttpClient, resource: Resource, record: Any, asked: Asked, native_id: str | None = None) -> Row:
    return row_maker(client, resource, asked)(record, native_id)


def row_maker(client: HttpClient, resource: Resource, asked: Asked) -> Callable[..., Row]:
    """Make the function that turns wire records of one resource into rows."""
    flatten = wire.flattener(resource, client.system)
    bare = not resource.native(resource.id).at  # the record is its id

    def to_row(record: Any, native_id: str | None = None, where: str = "the record") -> Row:
        if not isinstance(record, Mapping) and not (bare and isinstance(record, str)):
            raise failures.bad_answer(asked, f"{where} is no object")
        natives = flatten(record)
        if not natives:  # such as an error that comes with 200: nothing of the record is in it
            raise failures.bad_answer(asked, f"{where} has none of its fields")
        found = natives.get(resource.id) or native_id
        if not found:
            raise failures.bad_answer(asked, f"{where} is without its id {resource.id!r}")
        natives[resource.id] = found
        version = natives.get(resource.version) if resource.version else None
        return Row(found, natives, version, failures.holds(record, resource.gone), raw_hash(natives))

    return to_row


def object_at(asked: Asked, body: Any, path: str) -> Any:
    """Read the record that an answer promises at a path."""
    value = read_path(body, path)
    if not isinstance(value, Mapping):
        raise failures.bad_answer(asked, f"the answer holds no record at {path!r}")
    return value


def _list_at(asked: Asked, body: Any, path: str) -> list[Any]:
    value = read_path(body, path)
    if not isinstance(value, list):
        raise failures.bad_answer(asked, f"the answer holds no list at {path!r}")
    return value


def wire_id(client: HttpClient, resource: Resource, native_id: str) -> Any:
    """Write a native id as it stands on the wire."""
    return wire.wire_value(resource, resource.native(resource.id), native_id, client.system)


def or_absent(value: str | None) -> Any:
    """Write no value as ABSENT: templates leave its place out, where null would be sent."""
    return ABSENT if value is None else value


def place(client: HttpClient, resource: Resource) -> str:
    """Name a resource of a connection, for messages."""
    return f"{client.origin.place}.{resource.name}"


def _required(client: HttpClient, resource: Resource, found: T | None, what: str) -> T:
    if found is None:
        raise ReleaseError(
            f"the system description has no `{what}` for this resource, which this step needs",
            place=place(client, resource),
            mend=f"add `{what}` to the resource in the system description and compile again",
        )
    return found
