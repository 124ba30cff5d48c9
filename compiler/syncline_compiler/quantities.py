"""Durations, days and shares as people write them in specs.

In: text such as ``15m``, ``2027-03-01`` or ``10%``. Out: whole microseconds, dates, checked text. ValueError says what is
expected.
"""

from __future__ import annotations

import re
from datetime import date

MICROSECONDS = {"us": 1, "ms": 1_000, "s": 1_000_000, "m": 60_000_000, "h": 3_600_000_000, "d": 86_400_000_000}
_DURATION = re.compile(r"(?P<number>[0-9]{1,9})(?P<unit>us|ms|s|m|h|d)", re.ASCII)
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)
_SHARE = re.compile(r"(?:100|[0-9]{1,2})(?:\.[0-9]{1,3})?%|[0-9]{1,12}", re.ASCII)


def microseconds(text: str) -> int:
    """Read a duration: ``15m``, ``2h``, ``500ms``, ``7d``."""
    match = _DURATION.fullmatch(text)
    if match is None:
        raise ValueError("a duration is expected, such as 500ms, 30s, 15m, 2h or 7d")
    return int(match["number"]) * MICROSECONDS[match["unit"]]


def seconds(text: str) -> int:
    """Read a duration of whole seconds."""
    whole, rest = divmod(microseconds(text), 1_000_000)
    if rest:
        raise ValueError("a duration of whole seconds is expected, such as 30s or 15m")
    return whole


def duration_text(length: int) -> str:
    """Write microseconds as a duration, in the largest unit that fits."""
    unit = next((unit for unit in reversed(MICROSECONDS) if length % MICROSECONDS[unit] == 0), "us")
    return f"{length // MICROSECONDS[unit]}{unit}" if length else "0s"


def seconds_text(length: int) -> str:
    """Write seconds as a duration."""
    return duration_text(length * 1_000_000)


def check_duration(text: str) -> str:
    """Return the text of a duration unchanged; ValueError if it is none."""
    microseconds(text)
    return text


def check_seconds(text: str) -> str:
    """Return the text of a duration of whole seconds unchanged; ValueError if it is none."""
    seconds(text)
    return text


def day(text: str) -> date:
    """Read a day: ``2027-03-01``."""
    try:
        return date.fromisoformat(text) if _DAY.fullmatch(text) else date.fromisoformat("")
    except ValueError:
        raise ValueError("a day is expected, such as 2027-03-01") from None


def check_day(text: str) -> str:
    """Return the text of a day unchanged; ValueError if it is none."""
    day(text)
    return text


def check_share(text: str) -> str:
    """Return a share (``10%``) or a count (``500``) unchanged; ValueError if it is neither."""
    if _SHARE.fullmatch(text) is None:
        raise ValueError("a share such as 10% or a number of records such as 500 is expected")
    return text


OF_DATA = ("creates", "rewrites", "deletes", "rejects", "reviews", "calls")
OF_SPECS = ("breaking", "changes", "warnings")
"""What a budget measures: in the data, of which there may be a share, and in the specs."""
_BUDGET = re.compile(r"\s*([a-z]+)\s*(>=|>)\s*([0-9]+(?:\.[0-9]+)?)\s*(%?)\s*")


def check_budget(text: str) -> str:
    """Give a budget, ``rewrites > 2%``, in its one form; ValueError if it is none."""
    found = _BUDGET.fullmatch(text)
    if found is None or found[1] not in (*OF_DATA, *OF_SPECS):
        named = ", ".join((*OF_DATA, *OF_SPECS))
        raise ValueError(
            f"a budget is expected, such as `rewrites > 2%`: one of {named}, then > or >=, then a number or a share"
        )
    if found[4] and found[1] in OF_SPECS:
        raise ValueError(f"a share is one of the records, and {found[1]} are counted in the specs: leave out the %")
    return f"{found[1]} {found[2]} {found[3]}{found[4]}"
