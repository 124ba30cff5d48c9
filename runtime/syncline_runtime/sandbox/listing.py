"""Answering lists in each way of paging.

In: the wire records that fit, and what the request asked for. Out: a body and headers as the description of the list
promises them. Invariant: following the pages to the end shows each record once.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from syncline_runtime.connectors.jsontext import Digits, as_text
from syncline_runtime.connectors.templates import listed, read_path, write_path
from syncline_runtime.sandbox.store import FaultError
from syncline_runtime.system import ListRead, Paging

_START = "_start"  # the parameter by which our own next links go on


def page_of(
    listing: ListRead, records: list[Any], found: Mapping[str, Any], url: str, query: Mapping[str, list[str]]
) -> tuple[Any, dict[str, str]]:
    """Cut out the page asked for; ``url`` is the address without its query."""
    paging = listing.paging
    size = _whole(found.get("size", paging.size)) if paging.kind != "none" else max(len(records), 1)
    start = _start(paging, records, found, query, size)
    page = records[start : start + size]
    follows = start + size < len(records)
    if listing.items == "" and not listing.also:
        body: Any = page
    else:
        body = {}
        write_path(body, listing.items, page)
        for path in listing.also:
            write_path(body, path, [])
    headers: dict[str, str] = {}
    following = {**{name: given[0] for name, given in query.items()}, _START: str(start + size)}
    link = f"{url}?{urlencode(following)}" if follows else None
    if paging.kind == "next_link" and paging.next_header and link:
        headers[paging.next_header] = f'<{link}>; rel="next"'
    if isinstance(body, dict):
        _describe(body, paging, len(records), start + size if follows else None, link, follows)
        body = listed(body)
    return body, headers


def _describe(
    body: dict[str, Any], paging: Paging, total: int, token: int | None, link: str | None, follows: bool
) -> None:
    if paging.total:
        write_path(body, paging.total, Digits(total))
    if paging.more:
        write_path(body, paging.more, follows)
    if paging.kind == "cursor" and paging.next:
        write_path(body, paging.next, None if token is None else f"t{token}")
    if paging.kind == "next_link" and paging.next and not paging.next_header:
        write_path(body, paging.next, link)


def _start(
    paging: Paging, records: list[Any], found: Mapping[str, Any], query: Mapping[str, list[str]], size: int
) -> int:
    if paging.kind == "offset":
        return _whole(found.get("offset", 0))
    if paging.kind == "page":
        return (_whole(found.get("page", paging.first)) - paging.first) * size
    if paging.kind == "next_link":
        return _whole(query.get(_START, ["0"])[0])
    token = found.get("token")
    if paging.kind != "cursor" or token is None:
        return 0
    if paging.next:
        return _whole(as_text(token).removeprefix("t"))
    for index, record in enumerate(records):
        if as_text(read_path(record, paging.from_last or "id")) == as_text(token):
            return index + 1
    raise FaultError("not_found", "not_found", "there is no record to start after")


def _whole(value: Any) -> int:
    text = as_text(value) if not isinstance(value, int) else str(value)
    if not text.isdecimal():
        raise FaultError("validation", "invalid", "a page, offset, size or token is no number")
    return int(text)
