"""Answers that say that a record is part of another by now, in the way that ``merged_answer`` of its resource describes.

In: the refusal of a request about one record, or of its row among others. Out: ``MergedAwayError``. Invariant: no redirect
is followed; one that leads to another origin, or to no record, says nothing.
"""

from __future__ import annotations

import re
from urllib.parse import unquote, urlsplit

from syncline_runtime.connectors.failures import MergedAwayError, Refused
from syncline_runtime.connectors.http import HttpClient
from syncline_runtime.connectors.jsontext import as_text
from syncline_runtime.connectors.templates import ABSENT, read_path
from syncline_runtime.connectors.wire import untagged
from syncline_runtime.errors import RequestFailed
from syncline_runtime.request import Request
from syncline_runtime.system import Resource


def refuse_merged(client: HttpClient, resource: Resource, native_id: str, error: RequestFailed, at: str = "") -> None:
    """Raise MergedAwayError where a refusal says that the record is part of another, in the way that is described.

    ``at`` is where a row of a batch holds the other's id or address, if that is not where an answer of its own does.
    """
    how = resource.merged_answer
    if how is None or resource.get is None or not isinstance(error, Refused):
        return
    path, location = at or how.at, error.told.location
    into = read_path(error.told.body, path) if path and error.told.body is not ABSENT else None
    if how.redirect and error.status in (301, 308) and (at or into in (None, ABSENT)):
        into = _redirected_to(client, resource.get, into if at and isinstance(into, str) else location)
    if into in (None, ABSENT) or isinstance(into, (dict, list)):
        return
    other = as_text(untagged(into, client.system.tagged))
    if other != native_id:
        raise MergedAwayError(error.place, other) from None


def _redirected_to(client: HttpClient, get: Request, location: str) -> str | None:
    """Give the id of the record that an address on the same origin shows; None for any other address."""
    try:
        address = client.origin.follow(location, client.origin.join("/"))
    except RequestFailed:
        return None
    pattern = "".join(
        "([^/]+)" if part == "{id}" else "[^/]+" if part.startswith("{") else re.escape(part)
        for part in re.split(r"(\{[^}]*\})", get.path)
    )
    found = re.search(f"{pattern}$", urlsplit(address).path)
    return unquote(found[1]) if found and "{id}" in get.path else None
