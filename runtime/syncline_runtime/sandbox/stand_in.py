"""One stand-in: a system that answers as its description says.

In: requests below the system's path. Out: replies, and an entry in the log for every write. Invariant: it knows nothing
but the description, so whatever it answers, a system of that description could have answered.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import partial
from typing import Any, Final
from urllib.parse import quote

from syncline_runtime.connectors import jsontext
from syncline_runtime.connectors.origin import STAND_IN_SECRET
from syncline_runtime.connectors.templates import ABSENT, listed, wrapped, write_path
from syncline_runtime.connectors.wire import flatten
from syncline_runtime.sandbox.batches import IN_BATCHES, Batches
from syncline_runtime.sandbox.door import Door
from syncline_runtime.sandbox.operations import Operations, children_of
from syncline_runtime.sandbox.routes import Asked, Call, Route, probes_of, routes_of, understand
from syncline_runtime.sandbox.store import FaultError, MergedAwayError, Natives, Store, Stored
from syncline_runtime.system import Category, Describe, Resource, System

_STATUS: Final[Mapping[Category, int]] = {
    "authentication": 401,
    "permission": 403,
    "validation": 422,
    "conflict": 409,
    "not_found": 404,
    "rate_limit": 429,
    "vendor": 500,
}
FAULTS: Final = ("500_after", "500_before", "401", "429", "stall", "html", "reset_after", *IN_BATCHES)
WRITES: Final = ("create", "update", "delete", "transition")


@dataclass(frozen=True)
class Reply:
    """What to answer; ``manner`` is how: "" at once, "stall" late, "reset" not at all, "html" as a page."""

    status: int
    body: Any = ABSENT
    headers: Mapping[str, str] = field(default_factory=dict)
    manner: str = ""


@dataclass
class Planned:
    """A fault asked for, and how often it still happens."""

    resource: str
    operation: str
    fault: str
    times: int

    def fits(self, resource: str, operation: str) -> bool:
        """Whether it happens now."""
        return self.times > 0 and self.resource in ("", "*", resource) and self.operation in ("", "*", operation)


@dataclass(frozen=True)
class WriteDone:
    """A write that a stand-in has done; ``natives`` are the fields that it was sent, without the marker of the write."""

    resource: str
    operation: str
    native_id: str
    natives: Natives


class StandIn:
    """A system made of its description and seed records."""

    def __init__(
        self,
        system: System,
        seeds: Mapping[str, Any] | None = None,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        log: Callable[[dict[str, Any]], None] = lambda _entry: None,
        wrote: Callable[[WriteDone], None] = lambda _write: None,
    ) -> None:
        self.system = system
        self.stores = {r.name: Store(system, r, self._exists, now) for r in system.resources}
        _number_together(self.stores.values())
        for store in self.stores.values():
            for child in children_of(store.resource, self.stores).values():
                child.touched = partial(_touch_parent, child, store)
        self.faults: list[Planned] = []
        self._routes = routes_of(system)
        self._operations = Operations(system, self.stores)
        self._batches = Batches(self._operations, self.stores, _STATUS)
        self._kept: dict[tuple[str, str], tuple[bytes, Reply]] = {}
        self._now, self._log, self._wrote = now, log, wrote
        self._lock = threading.RLock()
        self._budget = _Budget(system, now)
        self._door = Door(system, now)
        for name, rows in (system.sandbox if seeds is None else seeds).items():
            resource = system.resource(name)
            self.stores[name].seed(flatten(resource, row, system) for row in rows)

    def answer(self, call: Call, url: str) -> Reply:
        """Answer one request; ``url`` is the address of the request without its query."""
        with self._lock:
            asked: Asked | None = None
            try:
                self._budget.take()
                asked = understand(self._routes, call, self._exists)
                if asked.route.operation not in ("login", "token"):
                    self._door.check(call)
                reply = self._with_fault(asked, call, url)
                return replace(reply, headers={**reply.headers, **self._budget.told()})
            except FaultError as error:
                return self._refusal(error, asked)
            except MergedAwayError as error:
                return self._merged_away(error, asked, url)

    def _with_fault(self, asked: Asked, call: Call, url: str) -> Reply:
        operation = {"changed": "list", "keys": "list"}.get(asked.route.operation, asked.route.operation)
        name = asked.route.resource.name if asked.route.resource else ""
        here = (fault for fault in self.faults if fault.fault not in IN_BATCHES or asked.route.batch)
        planned = next((fault for fault in here if fault.fits(name, operation)), None)
        if planned is None:
            return self._once_per_key(asked, call, url)
        planned.times -= 1
        if planned.fault in IN_BATCHES:
            return self._once_per_key(replace(asked, fault=planned.fault), call, url)
        match planned.fault:
            case "500_before":
                raise FaultError("vendor", "internal", "asked for: failing before doing anything")
            case "401":
                self._door.forget()
                raise FaultError("authentication", "unauthenticated", "asked for: nobody is known any more")
            case "429":
                raise FaultError("rate_limit", "rate_limit", "asked for: too many requests")
        reply = self._once_per_key(asked, call, url)
        match planned.fault:
            case "500_after":
                return self._refusal(FaultError("vendor", "internal", "asked for: failing after it was done"), asked)
            case "html":
                return replace(reply, manner="html")
            case "stall":
                return replace(reply, manner="stall")
            case _:
                return replace(reply, manner="reset")

    def _once_per_key(self, asked: Asked, call: Call, url: str) -> Reply:
        contract = asked.route.contract
        header = contract.idempotency_header if contract and not asked.route.batch else None
        key = call.headers.get(header.lower()) if header else None
        if not key:
            return self._done(asked, call, url)
        place = (f"{call.method} {call.path}", key)
        if place in self._kept:
            content, reply = self._kept[place]
            if content != call.content:
                raise FaultError("validation", "idempotency_error", "this key was used with another body")
            return replace(reply, headers={**reply.headers, "Idempotent-Replayed": "true"})
        reply = self._done(asked, call, url)
        self._kept[place] = (call.content, reply)
        return reply

    def _done(self, asked: Asked, call: Call, url: str) -> Reply:
        route = asked.route
        if route.operation == "login":
            return self._reply(asked, self._door.log_in(asked))
        if route.operation == "token":
            return Reply(*self._door.give_token(call))
        if route.operation == "probe":
            return self._reply(asked, self._proof(asked))
        if route.operation == "describe" and route.resource and route.resource.describe:
            return self._reply(asked, self._described(route.resource, route.resource.describe))
        if route.batch:
            status, body, written = self._batches.write(asked, call)
            for native_id, natives in written:
                self._note(route, call, native_id, natives)
            return self._reply(asked, body, status)
        status, body, headers, one, natives = self._operations.perform(asked, call, url)
        if route.operation in WRITES:
            self._note(route, call, one or "", natives)
        return self._reply(asked, body, status, headers)

    def _note(self, route: Route, call: Call, native_id: str, natives: Natives) -> None:
        """Log a write, and tell who wants to hear of what was written."""
        resource = route.resource.name if route.resource else ""
        marker = route.contract.marker if route.contract else None
        told = {name: text for name, text in natives.items() if name != marker}
        self._wrote(WriteDone(resource, route.operation, native_id, told))
        self._log(
            {
                "at": self._now().isoformat(),
                "system": self.system.name,
                "resource": resource,
                "operation": route.operation,
                "method": call.method,
                "id": native_id,
            }
        )

    def _reply(
        self, asked: Asked | None, body: Any, status: int = 200, headers: Mapping[str, str] | None = None
    ) -> Reply:
        if asked and asked.route.request.rpc:
            body = {"id": asked.call_id, "result": None if body is ABSENT else body}
        if asked and asked.route.request.graphql:
            body = {"data": None if body is ABSENT else body}
        return Reply(status, body, headers or {})

    def _refusal(self, error: FaultError, asked: Asked | None) -> Reply:
        """Write a failure so that the description's own rules recognise it."""
        rule = next((rule for rule in self.system.errors if rule.category == error.category), None)
        status = rule.status[0] if rule and rule.status else _STATUS.get(error.category, 500)
        body: dict[str, Any] = {}
        if asked and asked.route.request.rpc:
            body = {"id": asked.call_id, "error": {"code": error.code, "message": error.message}}
            status = rule.status[0] if rule and rule.status else 200
        if asked and asked.route.request.graphql:
            write_path(body, "errors.0.message", error.message)
            status = rule.status[0] if rule and rule.status else 200
        for path in rule.given if rule else ():
            write_path(body, path, error.message)
        write_path(body, self.system.error_code_at or "error.code", error.code)
        write_path(body, self.system.error_message_at or "error.message", error.message)
        for path, value in rule.where.items() if rule else ():
            write_path(body, path, value)
        return Reply(status, listed(body), {"Retry-After": "1"} if error.category == "rate_limit" else {})

    def _merged_away(self, error: MergedAwayError, asked: Asked | None, url: str) -> Reply:
        """Tell that a record is part of another, as the description says that the system does."""
        if error.told.redirect:
            before, _, behind = url.rpartition(quote(error.native_id, safe=""))
            return Reply(301, ABSENT, {"Location": f"{before}{quote(error.into, safe='')}{behind}"})
        reply = self._refusal(FaultError("not_found", "merged", "the record is part of another"), asked)
        if error.told.at:
            write_path(reply.body, error.told.at, error.into)
        return reply

    def _proof(self, asked: Asked) -> Any:
        """Answer every probe that makes this request: one request may prove account and environment."""
        shape: dict[str, Any] = {}
        whole: Any = STAND_IN_SECRET
        for probe in probes_of(self.system):
            if probe.request == asked.route.request:
                proof = list(self.system.scopes) if probe is self.system.granted else STAND_IN_SECRET
                if probe.at:
                    write_path(shape, probe.at, proof)
                else:
                    whole = proof
        return wrapped("proof", shape)["proof"] if shape else whole

    def _described(self, resource: Resource, describe: Describe) -> Any:
        """Say of every field what the description says: a stand-in's credential may do all that can be done."""
        told = []
        for native in resource.fields:
            item: dict[str, Any] = {}
            write_path(item, describe.name, native.at.partition(".")[0])
            may = {describe.read: native.readable, describe.create: native.writable, describe.update: native.writable}
            for path, allowed in may.items():
                if path:
                    write_path(item, path, allowed)
            told.append(item)
        return wrapped(describe.items, told)

    def _exists(self, resource: str, native_id: str) -> bool:
        store = self.stores.get(resource)
        record = store.records.get(native_id) if store else None
        return record is not None and not record.gone

    def wire_records(self, resource: str) -> list[Any]:
        """Give all live records of a resource, as the system would show them."""
        with self._lock:
            store = self.stores[resource]
            return [self._operations.wire(store, record) for record in store.records.values() if not record.gone]

    def merge(self, resource: str, native_id: str, into: str) -> None:
        """Let a record be part of another, as someone at that system would."""
        with self._lock:
            self.stores[resource].merge(native_id, into)

    def edit(self, resource: str, method: str, native_id: str, natives: Mapping[str, Any]) -> Any:
        """Change records past all rules of writing, as someone at that system would."""
        with self._lock:
            store = self.stores[resource]
            texts = {name: None if value is None else jsontext.as_text(value) for name, value in natives.items()}
            if method == "POST":
                record = store.create(texts)
            elif method == "DELETE":
                record = store.delete(native_id)
            else:
                record = store.update(native_id, texts)
            return self._operations.wire(store, record)


def _number_together(stores: Iterable[Store]) -> None:
    """Let resources at one address, which are views of one table, give ids of one row."""
    numbers: dict[str, Iterator[int]] = {}
    for store in stores:
        contract = store.resource.update or store.resource.create
        if contract is not None and not contract.request.call:
            store.numbers = numbers.setdefault(contract.request.path, store.numbers)


def _touch_parent(child: Store, parent: Store, record: Stored) -> None:
    """Raise the version of the record that shows this one, so that whoever reads changes sees it."""
    parent.touch(record.natives.get(child.resource.parent or "") or "")


class _Budget:
    """The token bucket of the description's limit, with a little more than it promises, as clocks differ."""

    def __init__(self, system: System, now: Callable[[], datetime]) -> None:
        limit = self._limit = system.limit
        self._most = math.ceil(limit.requests * 1.1) if limit else math.inf
        self._rate = limit.requests / limit.per if limit else math.inf
        self._left: float = self._most
        self._now = now
        self._at = now().timestamp()

    def take(self) -> None:
        """Count one request; FaultError (rate_limit) if there were too many."""
        now = self._now().timestamp()
        if self._rate != math.inf:
            self._left = min(self._most, self._left + max(now - self._at, 0) * self._rate)
            self._at = now
            if self._left < 1:
                raise FaultError("rate_limit", "rate_limit", "too many requests")
            self._left -= 1

    def told(self) -> dict[str, str]:
        """Write the headers that tell what is left."""
        limit = self._limit
        if limit is None or limit.left is None:
            return {}
        left = {limit.left: str(min(int(self._left), limit.requests))}
        return left | ({limit.total: str(limit.requests)} if limit.total else {})
