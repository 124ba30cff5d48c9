"""Instants as cursors: out of landed values, into queries.

In: native text of a cursor field. Out: a *mark*, an instant in UTC written ``2026-01-31T23:00:00.000000Z`` so that
marks compare as text (cursors of format ``text`` are their own marks). Invariant: a mark never lies after the value
it was made of, so a read from ``overlapped`` may see a record twice and never miss one.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

from syncline_runtime.connectors import wire
from syncline_runtime.connectors.jsontext import Digits
from syncline_runtime.system import Cursor, Resource, System

_MARK: Final = "%Y-%m-%dT%H:%M:%S.%fZ"
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def newest(system: System, cursor: Cursor, values: Iterable[str | None]) -> str | None:
    """Find the mark of the greatest cursor value; ValueError if one cannot be read."""
    marks = (mark(system, cursor, value) for value in values if value)
    return max(marks, default=None)


def mark(system: System, cursor: Cursor, value: str) -> str:
    """Make the mark of one landed cursor value; ValueError if it is no instant."""
    return value if cursor.format == "text" else _instant(system, cursor, value).strftime(_MARK)


def mark_of_date(header: str | None) -> str | None:
    """Make a mark of the Date header of an answer (RFC 9110): what the system's clock showed."""
    try:
        moment = parsedate_to_datetime(header or "")
    except (ValueError, OverflowError):
        return None
    return moment.replace(tzinfo=moment.tzinfo or UTC).astimezone(UTC).strftime(_MARK)


def overlapped(cursor: Cursor, newest_mark: str, began: str | None = None) -> str:
    """Step back from the newest mark by what the system may show late or cannot tell apart.

    No further than to when the read began: a record that changes behind it while it goes on is read next time.
    """
    if cursor.format == "text":
        return newest_mark
    newest_mark = min(newest_mark, began or newest_mark)
    moment = datetime.strptime(newest_mark, _MARK).replace(tzinfo=UTC)
    return (moment - timedelta(microseconds=cursor.granularity + cursor.lag)).strftime(_MARK)


def query_value(system: System, resource: Resource, cursor: Cursor, since: str) -> Any:
    """Write a mark as the wire value that ``{cursor}`` stands for."""
    if cursor.format == "text":
        return since
    moment = datetime.strptime(since, _MARK).replace(tzinfo=UTC)
    whole = cursor.granularity % 1_000_000 == 0
    if cursor.format == "epoch":
        return Digits(int((moment - _EPOCH) // timedelta(seconds=1)))
    fraction = "" if whole else f".{moment.microsecond:06d}"
    if cursor.format == "iso":
        return f"{moment:%Y-%m-%dT%H:%M:%S}{fraction}Z"
    shown = _earliest_shown(moment, ZoneInfo(system.zone))
    local = f"{shown:%Y-%m-%dT%H:%M:%S}" + ("" if whole else f".{shown.microsecond:06d}")
    if cursor.format == "iso_naive":
        return local
    return wire.wire_value(resource, resource.native(cursor.field), local, system)


def _earliest_shown(moment: datetime, zone: ZoneInfo) -> datetime:
    """Give the earliest that a clock in a zone shows from a moment on: in autumn it shows an hour twice.

    A clock goes back by two hours at most, at a full quarter of an hour in UTC.
    """
    quarter = moment.replace(minute=moment.minute - moment.minute % 15, second=0, microsecond=0)
    quarters = (quarter + timedelta(minutes=15 * number) for number in range(1, 9))
    return min(one.astimezone(zone).replace(tzinfo=None) for one in (moment, *quarters))


def _instant(system: System, cursor: Cursor, value: str) -> datetime:
    if cursor.format == "epoch":
        return _EPOCH + timedelta(seconds=int(value))
    moment = datetime.fromisoformat(value)
    return moment.replace(tzinfo=moment.tzinfo or ZoneInfo(system.zone)).astimezone(UTC)


def halves(cursor: Cursor, begin: str | None, end: str | None, now: str) -> list[tuple[str | None, str | None]]:
    """Split a window of time (None: from ever, until ever) into an earlier and a later one, which meet in what the cursor can tell apart.

    Both are marks; [] where the window is no longer than that already.
    """
    step = timedelta(microseconds=cursor.granularity)
    first = datetime.strptime(begin, _MARK).replace(tzinfo=UTC) if begin is not None else _EPOCH
    last = datetime.strptime(end or now, _MARK).replace(tzinfo=UTC)
    if last - first <= 2 * step:
        return []
    middle = first + (last - first) / 2
    return [(first.strftime(_MARK), middle.strftime(_MARK)), ((middle - step).strftime(_MARK), end)]


def mark_of(micros: int) -> str:
    """Make the mark of a moment in microseconds since 1970, UTC."""
    return (_EPOCH + timedelta(microseconds=micros)).strftime(_MARK)
