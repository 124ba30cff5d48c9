"""The clock of the machine, which is injected wherever time counts."""

from __future__ import annotations

import time


def clock_now() -> int:
    """Microseconds since 1970, UTC."""
    return time.time_ns() // 1000
