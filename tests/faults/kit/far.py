"""A system as it is: a stand-in that keeps its own record of what it did, and can show what it held a while ago.

In: requests, and edits by people who work there. Out: replies. Invariant: what counts is read from here, never from the
state of a run.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random
from typing import Any

from support.clock import TestClock
from syncline_runtime.sandbox.routes import Asked, Call, understand
from syncline_runtime.sandbox.stand_in import Reply, StandIn
from syncline_runtime.sandbox.store import FaultError, Store, Stored
from syncline_runtime.system import System

URL = "http://127.0.0.1:9"
"""Where the systems seem to be; nothing is ever asked there."""


@dataclass
class Seen:
    """A record as it was before it was written; ``natives`` is None where it was not there."""

    until: int  # microseconds of the clock
    natives: dict[str, str | None] | None
    gone: bool = False


@dataclass
class FarSide:
    """One system."""

    system: System
    clock: TestClock
    ahead: timedelta = timedelta(0)  # of its clock before ours
    stand_in: StandIn = field(init=False)
    log: list[dict[str, Any]] = field(default_factory=list)  # every write that was done
    before: dict[str, list[Seen]] = field(default_factory=dict)
    by_hand: set[str] = field(default_factory=set)  # records that people made: hidden ones would be made again

    def __post_init__(self) -> None:
        self.stand_in = StandIn(self.system, {}, self.now, self.log.append)
        self.store.touched = self.touched
        self._known: dict[str, Seen] = {}

    @property
    def store(self) -> Store:
        """Its records."""
        return self.stand_in.stores["Rec"]

    def now(self) -> datetime:
        """Give the time by its own clock."""
        return self.clock.moment() + self.ahead

    def live(self) -> list[dict[str, Any]]:
        """Give the records that are there, as people see them."""
        return self.stand_in.wire_records("Rec")

    def of(self, key: str) -> list[Stored]:
        """Give the records with a key."""
        return [one for one in self.store.records.values() if not one.gone and one.natives["key"] == key]

    def there_before(self, native_id: str, at: int) -> bool:
        """Tell whether a record was there at a time (microseconds of the clock)."""
        return self.before[native_id][0].until < at

    def edit(self, method: str, native_id: str, **natives: Any) -> Any:
        """Let somebody there work."""
        made = self.stand_in.edit("Rec", method, native_id, natives)
        if method == "POST":
            self.by_hand.add(made["id"])
        return made

    def understood(self, call: Call) -> Asked | None:
        """Tell what a request asks for."""
        try:
            return understand(self.stand_in._routes, call, self.stand_in._exists)
        except FaultError:
            return None

    def answer(self, call: Call) -> Reply:
        """Answer as it is."""
        return self.stand_in.answer(call, f"{URL}/{self.system.name}{call.path}")

    def answer_late(self, call: Call, random: Random) -> Reply:
        """Answer without some of what was written just now."""
        with self._as_it_was(random):
            return self.answer(call)

    def keep_answer(self, call: Call, reply: Reply) -> None:
        """Give this answer to whoever comes again with the same idempotency key."""
        key = call.headers.get("idempotency-key", "")
        self.stand_in._kept[f"{call.method} {call.path}", key] = (call.content, reply)

    def forget_keys(self) -> None:
        """Forget all idempotency keys, as vendors do after a day."""
        self.stand_in._kept.clear()

    def touched(self, record: Stored) -> None:
        """Note that a record is written."""
        known = self._known.get(record.native_id)
        before = Seen(self.clock.at, dict(known.natives or {}), known.gone) if known else Seen(self.clock.at, None)
        self.before.setdefault(record.native_id, []).append(before)
        self._known[record.native_id] = Seen(self.clock.at, dict(record.natives), record.gone)

    @contextmanager
    def _as_it_was(self, random: Random) -> Iterator[None]:
        since = self.clock.at - self.system.visible_after * 1_000_000
        late = [
            (native_id, next(one for one in seen if one.until > since))
            for native_id, seen in self.before.items()
            if seen[-1].until > since
        ]
        records, now = self.store.records, dict(self.store.records)
        chosen = [(i, seen) for i, seen in late if random.random() < 0.7 and (seen.natives or i not in self.by_hand)]
        try:
            for native_id, seen in chosen:
                if seen.natives is None:
                    del records[native_id]
                else:
                    records[native_id] = Stored(native_id, seen.natives, seen.gone)
            yield
        finally:
            records.clear()
            records.update(now)
