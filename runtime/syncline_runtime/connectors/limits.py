"""What answers tell of a credential's limit: how many requests are left, of how many, and when there are new ones.

In: the words of a limit's description, headers. Out: ``Told``; None for what is not told or not understood.
A header may be named with a parameter of it, ``RateLimit;remaining``: then the number after ``remaining=`` counts.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from syncline_runtime.system import Limit

_USED_OF: Final = re.compile(r"(\d{1,17})\s*/\s*(\d{1,17})")
_NUMBER: Final = re.compile(r"\s*(\d{1,17})(?:\.\d{1,9})?\s*(?:[,;].*)?", re.DOTALL)
_EPOCH: Final = 1_000_000_000  # seconds; what is greater is a time, and no length of time
LONGEST_RESET: Final = 86_400.0


@dataclass(frozen=True)
class Told:
    """What an answer told; ``reset`` in seconds from now."""

    left: int | None = None
    total: int | None = None
    reset: float | None = None


def told_by(limit: Limit | None, headers: Mapping[str, str], now: int) -> Told:
    """Read what an answer tells; ``now`` in microseconds since 1970, by the system's own clock."""
    if limit is None or limit.left is None:
        return Told()
    reset = _reset(_text(headers, limit.reset), now)
    text = _text(headers, limit.left)
    if used := _USED_OF.search(text):  # "api-usage=25/5000"
        return Told(int(used[2]) - int(used[1]), int(used[2]), reset)
    return Told(_whole(text), _whole(_text(headers, limit.total)), reset)


def _text(headers: Mapping[str, str], named: str | None) -> str:
    """Give the text of a header, or of a parameter in it; '' for what is not there."""
    name, _, parameter = (named or "").partition(";")
    text = headers.get(name, "") if name else ""
    if not parameter:
        return text
    found = re.search(rf'(?:^|[;,\s]){re.escape(parameter)}\s*=\s*"?([\d./]+)', text)
    return found[1] if found else ""


def _whole(text: str) -> int | None:
    found = _NUMBER.fullmatch(text)
    return int(found[1]) if found else None


def _reset(text: str, now: int) -> float | None:
    """Read a length of time, or a moment, in seconds or milliseconds since 1970."""
    number = _whole(text)
    if number is None:
        return None
    if number > _EPOCH * 1000:
        number //= 1000
    seconds = number - now / 1e6 if number > _EPOCH else float(number)
    return min(max(seconds, 0.0), LONGEST_RESET)
