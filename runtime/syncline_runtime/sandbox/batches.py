"""Batches of a stand-in: rows are written one by one, and each has an answer.

In: a request understood, with its items. Out: status, body, and the records that were written. Invariants:
where answers are told by an echo they come in another order than the rows; a row that is refused keeps no other from
being written, unless all or none are asked for; a row under a key that was used is not written again.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import quote

from syncline_runtime.connectors.jsontext import as_text
from syncline_runtime.connectors.templates import ABSENT, PLACEHOLDER, listed, read_path, wrapped, write_path
from syncline_runtime.sandbox.inverse import Found, match
from syncline_runtime.sandbox.operations import Operations
from syncline_runtime.sandbox.routes import Asked, Call
from syncline_runtime.sandbox.store import FaultError, MergedAwayError, Natives, Store
from syncline_runtime.system import BatchWrite, Category

IN_BATCHES: Final = ("all_or_none", "silent_row")
"""Faults of batches alone: one bad row refuses the whole; a row is written and its answer left out."""

Wrote = tuple[str, Natives]
"""A record that was written: its id, and the fields that were sent."""


class Batches:
    """The batches of one system."""

    def __init__(self, operations: Operations, stores: Mapping[str, Store], statuses: Mapping[Category, int]) -> None:
        self._operations, self._stores, self._statuses = operations, stores, statuses
        self._kept: dict[tuple[str, str], Any] = {}

    def write(self, asked: Asked, call: Call) -> tuple[int, Any, list[Wrote]]:
        """Write each row; FaultError if the request is no batch, or refused as a whole."""
        batch, items = asked.route.batch, asked.found.get("items")
        assert batch is not None
        if not isinstance(items, list) or not 0 < len(items) <= batch.rows:
            raise FaultError("validation", "batch", f"a list of 1 to {batch.rows} rows is expected")
        before = {name: copy.deepcopy(store.records) for name, store in self._stores.items()}
        good, bad, written = list[Any](), list[Any](), list[Wrote]()
        for item in items:
            answer, wrote, fault = self._row(asked, batch, item, call)
            if fault and asked.fault == "all_or_none":
                for name, records in before.items():
                    self._stores[name].records = records
                raise fault
            (bad if fault and batch.failed is not None else good).append(answer)
            written += [wrote] if wrote else []
        if asked.fault == "silent_row":
            good = good[:-1]
        if batch.echo is not None:
            good.reverse()
        body = wrapped(batch.answers, good)
        if batch.failed is not None:
            write_path(body, batch.failed, bad)
        return (207 if bad or len(written) < len(items) else 200), body, written

    def _row(
        self, asked: Asked, batch: BatchWrite, item: Any, call: Call
    ) -> tuple[Any, Wrote | None, FaultError | None]:
        """Write one row: its answer, its record where it was written now, and why it was refused."""
        found = match(batch.item, item) or {}
        used = (asked.route.resource.name if asked.route.resource else "", as_text(found.get("key", "")))
        if used[1] and used in self._kept:
            return self._kept[used], None, None
        try:
            status, shown, _, native_id, natives = self._operations.write_row(asked, batch, found, call)
        except MergedAwayError as error:
            status = 301 if error.told.redirect else self._statuses["not_found"]
            fault = FaultError("not_found", "merged", "the record is part of another")
            return _told(batch, _leading_on(error, batch, asked), found, status, asked, done=False), None, fault
        except FaultError as fault:
            answer: dict[str, Any] = {}
            write_path(answer, batch.error_code_at or "error.code", fault.code)
            write_path(answer, batch.error_message_at or "error.message", str(fault))
            return _told(batch, answer, found, self._statuses.get(fault.category, 500), asked, done=False), None, fault
        self._kept[used] = _told(batch, dict(shown) if shown else {}, found, status, asked, done=True)
        return self._kept[used], (native_id or "", natives), None


def _leading_on(error: MergedAwayError, batch: BatchWrite, asked: Asked) -> dict[str, Any]:
    """Tell that a record is part of another, as the description says that the system does."""
    answer: dict[str, Any] = {}
    resource, other = asked.route.resource, error.into
    if error.told.redirect and resource is not None and resource.get is not None:
        other = resource.get.path.replace("{id}", quote(error.into, safe=""))
    if path := batch.merged_at or error.told.at:
        write_path(answer, path, other)
    return answer


def _told(batch: BatchWrite, answer: dict[str, Any], found: Found, status: int, asked: Asked, *, done: bool) -> Any:
    """Add to an answer what tells whether the row was written, and whose it is."""
    if batch.status:
        write_path(answer, batch.status, status)
    for path, value in batch.done.items():
        write_path(answer, path, value if done else _other(value))
    if batch.echo is not None:
        echo = PLACEHOLDER.sub(lambda named: as_text(_sent(named[1], found, asked)), str(batch.echo))
        write_path(answer, batch.echo_at[0 if done else -1], echo)
    return listed(answer)


def _sent(name: str, found: Found, asked: Asked) -> Any:
    """Find what a row named so: by itself, or as a field of its record."""
    resource = asked.route.resource
    if name in found or not name.startswith("field.") or resource is None:
        return found.get(name, "")
    described = resource.native(name.removeprefix("field."))
    value = read_path(found.get("record"), described.at if described.write_at is None else described.write_at)
    return "" if value is ABSENT else value


def _other(value: Any) -> Any:
    """Give another value than the one that tells success."""
    return not value if isinstance(value, bool) else f"not {as_text(value)}"
