"""Telling failures apart: from an answer, or from no answer, to one ``RequestFailed``.

In: status, headers and body of an answer that is not good, or the transport's error. Out: category, whether trying
again can help, how long the system asks us to wait, and whether what was asked may have been done all the same.
Invariant: neither the message nor the error's text holds a value, a header or a secret; what the vendor says in words
is kept apart, in ``vendor_message``, for the place where values may be shown.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import Any, Final, NamedTuple

from syncline_runtime.connectors.jsontext import as_text
from syncline_runtime.connectors.templates import ABSENT, read_path
from syncline_runtime.connectors.wire import untagged
from syncline_runtime.errors import RequestFailed
from syncline_runtime.request import Call
from syncline_runtime.system import Category, ErrorRule, System

LONGEST_RETRY_AFTER: Final = 3600.0
_MESSAGE_LIMIT: Final = 500
_BY_STATUS: Final[Mapping[int, Category]] = {
    400: "validation",
    401: "authentication",
    403: "permission",
    404: "not_found",
    408: "transport",
    409: "conflict",
    410: "not_found",
    412: "conflict",
    413: "validation",
    422: "validation",
    425: "rate_limit",
    429: "rate_limit",
}
_NOT_DONE: Final = ("authentication", "permission", "validation", "conflict", "not_found", "rate_limit", "mapping")
_WHAT: Final[Mapping[str, str]] = {
    "authentication": "the system does not accept our credential",
    "permission": "the credential is not allowed to do this",
    "validation": "the system finds the request invalid",
    "conflict": "the system refuses the request because of what it holds already",
    "not_found": "the system does not know this address or record",
    "rate_limit": "the system asks us to slow down",
    "transport": "the system did not get the whole request in time",
    "vendor": "the system failed",
    "mapping": "the system does not take a value as we write it",
    "internal": "the system refuses the request",
    "redirect": "the system points to another address, and redirects are not followed",
}
_MEND: Final[Mapping[str, str]] = {
    "authentication": "check the credential of this connection in the environment's binding",
    "permission": "grant the credential the scope that the system description names",
    "not_found": "check origin and path of this connection, and whether the record was deleted",
    "rate_limit": "lower the limit of this connection",
    "vendor": "try again later; if it stays so, ask whoever runs the system",
}


class Unshown:
    """The body and location of a refusal. They may hold values: no text of an error shows them."""

    __slots__ = ("body", "location")

    def __init__(self, body: Any = ABSENT, location: str = "") -> None:
        self.body, self.location = body, location

    def __repr__(self) -> str:
        return "<what was answered>"


class Refused(RequestFailed):
    """An answer that refuses the request. ``vendor_message`` may hold values: it is for the exception queue only.

    ``fields`` are the wire names that the vendor complains about, where it says so; ``told`` is the answer itself.
    """

    vendor_message: str | None = None
    fields: tuple[str, ...] = ()
    told: Unshown = Unshown()


class MergedAwayError(RequestFailed):
    """The system says that the record asked for is part of another by now: nothing was done to it."""

    def __init__(self, place: str, into: str) -> None:
        super().__init__(
            "the system says that the record is part of another by now",
            category="conflict",
            place=place,
            mend="run again: the next run follows the merge",
        )
        self.into = into


class Envelope(NamedTuple):
    """Where the answer of a call stands in a body, and where what failed: with the latter there is no answer, not a part."""

    result: str
    failed: str


CALLS: Final[Mapping[Call, Envelope]] = {"rpc": Envelope("result", "error"), "graphql": Envelope("data", "errors")}


@dataclass
class Asked:
    """What is known of a request when it fails: its place in words, whether it writes, whether any of it was sent.

    ``parts``: a good answer holds one for each of its rows, in which failures are looked for apart.
    """

    place: str
    writes: bool
    call: Call = ""
    sent: bool = False
    parts: bool = False


def refusal(
    system: System, asked: Asked, status: int, headers: Mapping[str, str], body: Any, now: int
) -> Refused | None:
    """Name the failure that this answer is, or None for a good answer; ``body`` is ABSENT when it was not JSON."""
    rule = None
    if not (asked.parts and status < 300):
        rule = next((rule for rule in system.errors if _fits(rule, status, body)), None)
    failed_call = bool(asked.call) and isinstance(body, Mapping) and bool(body.get(CALLS[asked.call].failed))
    if rule is None and status < 300 and not failed_call:
        return None
    category = rule.category if rule else _BY_STATUS.get(status, "vendor")
    known_not_done = category in _NOT_DONE if rule or not failed_call else False
    return _refused(system, asked, status, headers, body, now, category, rule, known_not_done)


def _refused(
    system: System,
    asked: Asked,
    status: int,
    headers: Mapping[str, str],
    body: Any,
    now: int,
    category: Category,
    rule: ErrorRule | None,
    known_not_done: bool,
) -> Refused:
    message = read_path(body, system.error_message_at) if system.error_message_at and body is not ABSENT else ABSENT
    fields = tuple(str(name) for name in message) if isinstance(message, Mapping) else ()
    code = read_path(body, system.error_code_at) if system.error_code_at and body is not ABSENT else ABSENT
    about = f", about {', '.join(fields[:5])}" if fields else ""
    error = Refused(
        f"{_WHAT['redirect' if 300 <= status < 400 else category]} (HTTP {status}{about})",
        category=category,
        place=asked.place,
        mend=_MEND.get(category, ""),
        status=status,
        vendor_code=code if isinstance(code, str) else None,
        retry=rule.retry if rule else category in ("rate_limit", "transport") or status >= 500,
        retry_after=retry_after(headers.get("retry-after"), now),
        ambiguous=asked.writes and not known_not_done,
    )
    error.fields, error.told = fields, Unshown(body, headers.get("location", ""))
    if message is not ABSENT and message is not None:
        error.vendor_message = as_text(untagged(message, system.tagged))[:_MESSAGE_LIMIT]
    return error


def _fits(rule: ErrorRule, status: int, body: Any) -> bool:
    """Tell whether a rule fits; one without a status finds failures in good answers only if it looks into the body."""
    if rule.status and status not in rule.status:
        return False
    if not rule.status and not rule.where and not rule.given and status < 400:
        return False
    if any(body is ABSENT or read_path(body, path) in (ABSENT, None) for path in rule.given):
        return False
    return all(body is not ABSENT and _equal(read_path(body, path), wanted) for path, wanted in rule.where.items())


def _equal(found: Any, wanted: Any) -> bool:
    if found is ABSENT:
        return False
    if isinstance(wanted, bool) or wanted is None or isinstance(found, bool) or found is None:
        return found is wanted
    return as_text(found) == as_text(wanted)


def holds(body: Any, wanted: Mapping[str, Any]) -> bool:
    """Whether a wire value holds each wanted value at its path; false for nothing wanted."""
    return bool(wanted) and all(_equal(read_path(body, path), value) for path, value in wanted.items())


def retry_after(header: str | None, now: int) -> float | None:
    """Seconds that a Retry-After header asks for, given as seconds or as an HTTP date, capped at an hour (RFC 9110)."""
    if not header:
        return None
    try:
        seconds = float(header)
    except ValueError:
        try:
            moment = parsedate_to_datetime(header)
        except (ValueError, OverflowError):
            return None
        seconds = moment.replace(tzinfo=moment.tzinfo or UTC).timestamp() - now / 1e6
    return min(max(seconds, 0.0), LONGEST_RETRY_AFTER) if seconds == seconds else None


def not_reached(asked: Asked, why: str, *, ambiguous: bool, mend: str = "") -> RequestFailed:
    """Make the failure of a request that got no answer; ``ambiguous`` says that it may have arrived."""
    return RequestFailed(
        f"no answer from the system: {why}",
        category="transport",
        place=asked.place,
        mend=mend or "check that the system runs and that this machine can reach it",
        retry=True,
        ambiguous=asked.writes and ambiguous,
    )


def forbidden(asked: Asked, what: str) -> RequestFailed:
    """Make the failure of a name that leads where the connection may not go; nothing was sent."""
    return RequestFailed(
        f"the name of this origin leads to {what}; nothing was sent there",
        category="permission",
        place=asked.place,
        mend="correct the origin; if the system is in your own network, say `network: private` in its description",
    )


def bad_answer(
    asked: Asked, what: str, *, status: int | None = None, mend: str = "", retry: bool = False
) -> RequestFailed:
    """Make the failure of an answer that claims success and is not what the system description says."""
    return RequestFailed(
        what,
        category="vendor",
        place=asked.place,
        mend=mend or "compare origin and path of this connection with the system description",
        status=status,
        retry=retry,
        ambiguous=asked.writes,
    )
