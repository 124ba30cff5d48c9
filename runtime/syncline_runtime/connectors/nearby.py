"""The way to a system that is played in this process: no socket, no server.

In: a function that answers requests. Out: a transport for ``Surroundings``. Invariant: all before it is as with a real
system: the same client, credentials, checks and bounds.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal

import httpx


@dataclass(frozen=True)
class Told:
    """An answer; ``manner``: none comes (*silent*), or the connection breaks before it does (*broken*)."""

    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    content: bytes = b""
    manner: Literal["", "silent", "broken"] = ""


Answering = Callable[[str, str, Mapping[str, str], bytes], Told]
"""Answers a request: method, address, headers by their names in lower case, body."""


class Nearby(httpx.AsyncBaseTransport):
    """Takes every request to a function."""

    def __init__(self, answer: Answering) -> None:
        self._answer = answer

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Answer one request at once, or fail as a network does."""
        headers = {name.lower(): text for name, text in request.headers.items()}
        told = self._answer(request.method, str(request.url), headers, await request.aread())
        if told.manner == "silent":
            raise httpx.ReadTimeout("no answer", request=request)
        if told.manner == "broken":
            raise httpx.ReadError("the connection broke", request=request)
        return httpx.Response(told.status, headers=dict(told.headers), content=told.content)
