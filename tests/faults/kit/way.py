"""The way to the systems: a proxy in the process, on which requests and answers come to harm.

In: requests of the runtime's own client. Out: answers, or none. Every fault is drawn: for a write from the seed whose record
it is about, for a read from the world. Invariant: what a fault does to a request is one branch here, under its name in
``faults``.
"""

from __future__ import annotations

import json
from collections import Counter, deque
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from email.utils import format_datetime
from random import Random
from typing import Any, Final
from urllib.parse import parse_qs, unquote

import httpx

from faults.kit.chance import Chance, drawn, one_of
from faults.kit.crashes import Crashes
from faults.kit.far import FarSide
from faults.kit.faults import Where, weights
from support.clock import TestClock
from syncline_runtime.connectors import jsontext
from syncline_runtime.connectors.templates import ABSENT
from syncline_runtime.sandbox.routes import Call
from syncline_runtime.sandbox.stand_in import Reply

WRITE_FATES: Final = weights("write")
ODD_FATES: Final = weights("odd read")
READ_FATES: Final = weights("read")
RETRY_AFTER: Final = (None, "0", "1", "3", "-5", "1e9", "soon", "date", "past", "nan", "")
ANSWER_SECONDS: Final = 15.0
LATEST: Final = 19.0  # seconds after which no request arrives any more


@dataclass
class Trouble:
    """What goes wrong in one run, beside what is drawn for each request."""

    writes: float = 0.0  # share of writes
    reads: float = 0.0  # share of reads that fail
    odd: float = 0.0  # share of the others whose answer is odd
    down: tuple[str, ...] = ()  # systems that do not answer at all
    at_request: dict[int, Any] = field(default_factory=dict)  # number of a request → what happens before it


@dataclass
class Way:
    """The way to all systems of a world."""

    far: Mapping[str, FarSide]
    clock: TestClock
    chance: Chance
    crashes: Crashes
    trouble: Trouble = field(default_factory=Trouble)
    tale: list[str] = field(default_factory=list)
    drawn: Counter[tuple[str, str]] = field(default_factory=Counter)
    sent: list[tuple[str, str, str]] = field(default_factory=list)  # system, operation, key of every write asked for
    _late: deque[tuple[int, FarSide, Call]] = field(default_factory=deque)
    _seen: Counter[tuple[str, ...]] = field(default_factory=Counter)
    requests: int = 0
    known: Callable[[str], bool] = lambda key: False  # whether runs have seen the record with this key

    def to(self, name: str) -> httpx.AsyncBaseTransport:
        """Give the way to one system."""
        return _To(self, name)

    def arrive(self, until: int | None = None) -> None:
        """Let requests that are late arrive: those due, or all."""
        for one in sorted(self._late, key=lambda one: one[0]):
            due, far, call = one
            if until is None or due <= until:
                self._late.remove(one)
                status = far.answer(call).status
                self.tell(f"{far.system.name}: a late {call.method} {call.path} arrives: {status}")

    def tell(self, words: str) -> None:
        """Note what happens."""
        self.tale.append(f"{self.clock.at / 1e6:10.3f} {words}")

    async def ask(self, name: str, request: httpx.Request) -> httpx.Response:
        """Carry a request to a system and its answer back."""
        far = self.far[name]
        call = call_of(name, request, await request.aread())
        self.arrive(self.clock.at)
        self.requests += 1
        if (happening := self.trouble.at_request.get(self.requests)) is not None:
            happening()
        if self.crashes.dead:
            raise httpx.ConnectError("the process is dead")
        asked = far.understood(call)
        operation = asked.route.operation if asked else "?"
        if name in self.trouble.down:
            raise httpx.ConnectError("All connection attempts failed")
        if operation in ("create", "update", "delete", "transition"):
            return await self._write(far, call, operation)
        return await self._read(far, call, operation)

    async def _write(self, far: FarSide, call: Call, operation: str) -> httpx.Response:
        name, key = far.system.name, self._key(far, call, operation)
        seed = key.partition("-")[0]
        self._seen[name, seed, operation] += 1
        random = self.chance.of("write", seed, name, operation, self._seen[name, seed, operation])
        self.sent.append((name, operation, key))
        self.crashes.point(f"before {operation} at {name}")
        fate = one_of(random, WRITE_FATES) if random.random() < self.trouble.writes else ""
        if fate == "saved 500" and "idempotency-key" not in call.headers:
            fate = "500 after"
        if fate == "twice" and operation == "create" and "idempotency-key" not in call.headers:
            fate = "reset after"  # a second create is nothing that anybody could guard against
        self._note(f"{name} {operation} {key}", "write", fate)
        return await self._fare(far, call, fate, random)

    async def _read(self, far: FarSide, call: Call, operation: str) -> httpx.Response:
        name = far.system.name
        self._seen[name, operation] += 1
        random = self.chance.of("read", name, operation, self._seen[name, operation])
        fate = one_of(random, READ_FATES) if random.random() < self.trouble.reads else ""
        fate = fate or drawn(random, self.trouble.odd, one_of(random, ODD_FATES)) or ""
        listing = operation in ("list", "changed")
        if fate in ("empty list", "short page", "twice in a page", "another order", "drift") and not listing:
            fate = "stale"
        if (fate == "empty list" and not self._is_known_better(far, call)) or (
            fate == "stale" and not far.system.visible_after
        ):
            fate = ""
        self._note(f"{name} {operation} {call.target}", "odd read" if fate in ODD_FATES else "read", fate)
        return await self._fare(far, call, fate, random)

    def _is_known_better(self, far: FarSide, call: Call) -> bool:
        """Tell whether runs know of records on a page: without it nobody could tell that they are missing."""
        return any(self.known(row["key"]) for row in json.loads(jsontext.render(far.answer(call).body)))

    def met(self, where: Where, fault: str) -> None:
        """Count a fault that was drawn."""
        self.drawn[where, fault] += 1

    def _note(self, what: str, where: Where, fate: str) -> None:
        if fate:
            self.met(where, fate)
        self.tell(f"{what}: {fate or '.'}")

    def _key(self, far: FarSide, call: Call, operation: str) -> str:
        if operation == "create":
            return str((jsontext.parse(call.content) or {}).get("key"))
        record = far.store.records.get(unquote(call.path.split("/")[2]))
        return str(record.natives["key"]) if record else "?"

    async def _fare(self, far: FarSide, call: Call, fate: str, random: Random) -> httpx.Response:  # noqa: C901 - a table
        match fate:
            case "refused":
                raise httpx.ConnectError("All connection attempts failed")
            case "reset before":
                raise httpx.ReadError("reset")
            case "time out before":
                await self.clock.sleep(ANSWER_SECONDS)
                raise httpx.ReadTimeout("late")
            case "late":
                self._late.append((self.clock.at + int(random.uniform(0.1, LATEST) * 1e6), far, call))
                await self.clock.sleep(ANSWER_SECONDS)
                raise httpx.ReadTimeout("late")
            case "429":
                return self._refusal(far, 429, random)
            case "500 before":
                return self._refusal(far, 500, random)
            case "503 before":
                return self._refusal(far, 503, random)
            case "saved 500":
                far.keep_answer(call, Reply(500, {"error": "saved"}))
                return self._refusal(far, 500, random)
            case "html before":
                return self._response(far, 200, b"<!doctype html><title>Maintenance</title>", "text/html")
            case "error body":
                return self._response(far, 200, b'{"error": {"code": "busy", "message": "try later"}}')
            case "401" | "403":
                return self._refusal(far, int(fate), random)
            case "stale":
                return self._rendered(far, far.answer_late(call, random))
            case "empty list":
                return self._response(far, 200, b"[]")
        reply = far.answer(call)
        self.crashes.point(f"after {call.method} at {far.system.name}")
        answer = self._rendered(far, reply)
        match fate:
            case "twice":
                far.answer(call)
            case "reset after":
                raise httpx.ReadError("reset")
            case "time out after":
                await self.clock.sleep(ANSWER_SECONDS)
                raise httpx.ReadTimeout("late")
            case "500 after":
                return self._refusal(far, 500, random)
            case "html after":
                return self._response(far, 200, b"<!doctype html><title>Login</title>", "text/html")
            case "empty body":
                return self._response(far, reply.status, b"")
            case "cut off":
                return _broken(answer, random)
            case "a text for a list":
                return self._response(far, 200, b'"ok"')
            case "short page" | "twice in a page" | "another order" | "drift":
                return self._response(far, reply.status, self._harmed(reply.body, fate, random))
        return answer

    def _refusal(self, far: FarSide, status: int, random: Random) -> httpx.Response:
        answer = self._response(far, status, b'{"error": {"code": "no", "message": "not now"}}')
        told = random.choice(RETRY_AFTER) if status in (429, 503) else None
        if told in ("date", "past"):
            told = format_datetime(far.now() + timedelta(seconds=2 if told == "date" else -7200), usegmt=True)
        if told is not None:
            answer.headers["Retry-After"] = told
        return answer

    def _harmed(self, body: Any, fate: str, random: Random) -> bytes:
        """Give a page that is not as it should be, or not in the order it was in."""
        rows = json.loads(jsontext.render(body))
        known = [row for row in rows if self.known(row["key"])]
        if fate == "short page" and known:
            rows.remove(random.choice(known))
        if fate == "twice in a page" and rows:
            rows.insert(random.randrange(len(rows) + 1), random.choice(rows))
        if fate == "another order":
            random.shuffle(rows)
        if fate == "drift":
            rows = [_drifted(row) if row in known else row for row in rows]
        return json.dumps(rows).encode()

    def _rendered(self, far: FarSide, reply: Reply) -> httpx.Response:
        answer = self._response(far, reply.status, content_of(reply))
        answer.headers.update(reply.headers)
        return answer

    def _response(self, far: FarSide, status: int, content: bytes, kind: str = "application/json") -> httpx.Response:
        headers = {"Date": format_datetime(far.now(), usegmt=True), "Content-Type": kind}
        return httpx.Response(status, headers=headers, content=content)


class _To(httpx.AsyncBaseTransport):
    def __init__(self, way: Way, name: str) -> None:
        self._way, self._name = way, name

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        return await self._way.ask(self._name, request)


def call_of(name: str, request: httpx.Request, content: bytes) -> Call:
    """Give a request as a stand-in takes it."""
    target = request.url.raw_path.decode().removeprefix(f"/{name}")
    path, _, query = target.partition("?")
    headers = {key.lower(): value for key, value in request.headers.items()}
    return Call(request.method, path, parse_qs(query, keep_blank_values=True), headers, content, target)


def content_of(reply: Reply) -> bytes:
    """Give the body of a reply as it stands on the wire."""
    return b"" if reply.body is ABSENT else jsontext.render(reply.body).encode()


def _drifted(row: Mapping[str, Any]) -> dict[str, Any]:
    return {("title" if name == "name" else name): value for name, value in row.items()}


def _broken(answer: httpx.Response, random: Random) -> httpx.Response:
    """Give the beginning of an answer: what is there by then ends, or the connection does."""
    part = answer.content[: random.randrange(max(1, len(answer.content)))]
    if random.random() < 0.5:
        return httpx.Response(answer.status_code, headers=_plain(answer), content=part)
    return httpx.Response(answer.status_code, headers=_plain(answer), stream=_Breaking(part))


def _plain(answer: httpx.Response) -> dict[str, str]:
    return {name: value for name, value in answer.headers.items() if name.lower() != "content-length"}


class _Breaking(httpx.AsyncByteStream):
    def __init__(self, part: bytes) -> None:
        self._part = part

    async def __aiter__(self) -> AsyncIterator[bytes]:
        yield self._part
        raise httpx.RemoteProtocolError("peer closed connection without sending complete message body")
