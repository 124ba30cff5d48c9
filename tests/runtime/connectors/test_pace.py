"""How fast a credential is used: limits, what is kept for people, what systems tell, and what other processes do."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import httpx
import pytest

from runtime.connectors.described import opened, shop
from support.clock import TestClock
from syncline_runtime.connectors.failures import retry_after
from syncline_runtime.connectors.limits import Told, told_by
from syncline_runtime.connectors.pace import Pace
from syncline_runtime.system import Limit

NOW = 1_767_225_600_000_000  # 2026-01-01
TOLD: list[tuple[Mapping[str, Any], Mapping[str, str], Told]] = [
    ({}, {"X-Left": "7"}, Told()),
    ({"left": "X-Left"}, {}, Told()),
    ({"left": "X-Left", "total": "X-Limit", "reset": "X-Reset"}, {"x-left": "7", "x-limit": "100", "x-reset": "30"}, Told(7, 100, 30.0)),
    ({"left": "X-Left", "reset": "X-Reset"}, {"x-left": "7", "x-reset": "1767225660"}, Told(7, None, 60.0)),
    ({"left": "X-Left", "reset": "X-Reset"}, {"x-left": "7", "x-reset": "1767225660500"}, Told(7, None, 60.0)),
    ({"left": "X-Left", "reset": "X-Reset"}, {"x-left": "7", "x-reset": "1"}, Told(7, None, 1.0)),
    ({"left": "X-Left", "reset": "X-Reset"}, {"x-left": "7", "x-reset": "soon"}, Told(7, None, None)),
    ({"left": "X-Left", "reset": "X-Reset"}, {"x-left": "-3", "x-reset": "-9"}, Told()),
    ({"left": "X-Left"}, {"x-left": "9" * 40}, Told()),
    ({"left": "Usage"}, {"usage": "api-usage=25/5000"}, Told(4975, 5000)),
    (
        {"left": "RateLimit;remaining", "total": "RateLimit;limit", "reset": "RateLimit;reset"},
        {"ratelimit": "limit=100, remaining=40, reset=30"}, Told(40, 100, 30.0),
    ),
    ({"left": "RateLimit;r", "reset": "RateLimit;t"}, {"ratelimit": '"default";r=50;t=30'}, Told(50, None, 30.0)),
    ({"left": "Usage;api"}, {"usage": "web=1/2, api=25/5000"}, Told(4975, 5000)),
]  # fmt: skip


@pytest.mark.parametrize(("words", "headers", "told"), TOLD)
def test_what_answers_tell_of_limits(words: Mapping[str, Any], headers: Mapping[str, str], told: Told) -> None:
    assert told_by(Limit(1, 1, **words), httpx.Headers(headers), NOW) == told


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("7", 7.0),
        ("0.5", 0.5),
        ("-5", 0.0),
        ("1e400", 3600.0),
        ("-1e400", 0.0),
        ("nan", None),
        ("99999999999999999999", 3600.0),
        ("", None),
        ("soon", None),
        ("Thu, 01 Jan 2026 00:00:09 GMT", 9.0),
        ("Thu, 01 Jan 2026 01:00:09 +0100", 9.0),
        ("Wed, 31 Dec 2025 23:00:00 GMT", 0.0),
        ("Fri, 31 Dec 9999 23:59:59 GMT", 3600.0),
        ("Thu, 99 Foo 2026 00:00:09 GMT", None),
        ("Thu, 01 Jan 99999999999 00:00:09 GMT", None),
        ("Thu, 01 Jan 0000 00:00:09 GMT", 0.0),
    ],
)
def test_retry_after_in_each_form(header: str, seconds: float | None) -> None:
    assert retry_after(header, NOW) == seconds


def requests_in(limit: Limit, seconds: float) -> int:
    """Count how many requests get through in a time."""

    async def story() -> int:
        clock, number = TestClock(), 0
        pace = Pace(limit, clock)
        while clock.monotonic() < seconds:
            async with pace.slot():
                number += 1
        return number

    return asyncio.run(story())


def test_a_share_is_kept_for_people() -> None:
    assert requests_in(Limit(10, 1), 10.0) == pytest.approx(110, abs=1)
    assert requests_in(Limit(10, 1, kept=20), 10.0) == pytest.approx(88, abs=1)


@pytest.mark.parametrize(
    ("kept", "headers", "slept"),
    [
        (0, {"left": "40", "total": "100"}, 0.0),
        (0, {"left": "0", "total": "100"}, 0.05),  # nobody says for how long: the system will
        (20, {"left": "20", "total": "100"}, 5.0),  # people's share is not for asking
        (0, {"left": "0", "total": "100", "reset": "30"}, 30.0),
        (0, {"left": "0", "total": "100", "reset": "86400"}, 60.0),  # asked again now and then
        (50, {"left": "40", "total": "100", "reset": "30"}, 30.0),
        (0, {"left": "40", "total": "100", "reset": "400"}, 9.95),  # forty requests, evenly
    ],
)
def test_what_is_left_slows_the_pace(kept: int, headers: Mapping[str, str], slept: float) -> None:
    clock = TestClock()

    async def story() -> None:
        limit = Limit(100, 5, left="left", total="total", reset="reset", kept=kept)
        pace = Pace(limit, clock)
        async with pace.slot():
            pace.told(told_by(limit, headers, NOW))
        async with pace.slot():
            pass

    asyncio.run(story())
    assert sum(clock.slept) == pytest.approx(slept, abs=0.01)


def test_a_system_that_tells_is_not_asked_more_than_it_has_left() -> None:
    """Five requests are left for a minute: they are not used up in a moment."""
    clock, left = TestClock(), 6

    def answer(_request: httpx.Request) -> httpx.Response:
        nonlocal left
        left -= 1
        return httpx.Response(200, json={"customer": {"id": "c1"}}, headers={"Left": str(left), "Reset": "60"})

    async def story() -> None:
        limit = Limit(1000, 1, left="Left", reset="Reset")
        async with opened(shop(limit=limit), "https://x.example", clock, httpx.MockTransport(answer)) as handle:
            for _ in range(5):
                await handle.get("Customer", "c1")

    asyncio.run(story())
    assert clock.monotonic() > 30
