"""The records of one resource of a stand-in.

In: natives to create or change. Out: stored records, as natives; ``Fault`` for what a strict system would refuse.
Invariants: ids are never used twice, and the version of a record only rises.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import count
from typing import Final
from zoneinfo import ZoneInfo

from syncline_runtime.connectors.jsontext import is_number
from syncline_runtime.system import Category, MergedAnswer, NativeField, Resource, System

SEEDED_AT: Final = datetime(2026, 1, 1, tzinfo=UTC)
Natives = dict[str, str | None]


class FaultError(Exception):
    """A request that the stand-in refuses."""

    def __init__(self, category: Category, code: str, message: str) -> None:
        super().__init__(message)
        self.category: Category = category
        self.code, self.message = code, message


class MergedAwayError(Exception):
    """A request for a record that is part of another by now."""

    def __init__(self, told: MergedAnswer, native_id: str, into: str) -> None:
        super().__init__()
        self.told, self.native_id, self.into = told, native_id, into


@dataclass
class Stored:
    """One record; ``gone`` records stay to answer that they were deleted, or what they are part of: ``into``."""

    native_id: str
    natives: Natives
    gone: bool = False
    into: str = ""


@dataclass
class Store:
    """All records of one resource, in the order of their creation."""

    system: System
    resource: Resource
    exists: Callable[[str, str], bool]  # (resource, id) → whether that record lives
    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    touched: Callable[[Stored], None] = lambda _record: None  # told of each record that was written
    records: dict[str, Stored] = field(default_factory=dict)
    numbers: Iterator[int] = field(default_factory=lambda: count(1))  # of the ids to give
    _stamped: datetime = SEEDED_AT

    def seed(self, rows: Iterable[Mapping[str, str | None]]) -> None:
        """Take over records as they are, with a fixed version where they have none."""
        for row in rows:
            natives = self._complete(dict(row))
            for name in self._stamps():
                if natives[name] is None:
                    natives[name] = self._stamp_text(self.resource.native(name), SEEDED_AT)
            native_id = natives[self.resource.id] or self._next_id()
            natives[self.resource.id] = native_id
            self.records[native_id] = Stored(native_id, natives)

    def befall(self, native_id: str, natives: Natives) -> Stored:
        """Let a record appear, or change, as the world has it: no rule of writing is asked."""
        record = self.records.get(native_id)
        if record is None or record.gone:
            record = self.records[native_id] = Stored(native_id, self._complete({}))
        record.natives |= natives | {self.resource.id: native_id}
        self._stamp(record, besides=natives)
        return record

    def take_over(self, other: Store) -> None:
        """Hold the records of another store, as this one's description has them; new ones go on in its order."""
        self._stamped, self.numbers = other._stamped, other.numbers
        for native_id, record in other.records.items():
            self.records[native_id] = Stored(native_id, self._complete({}) | record.natives, record.gone)

    def live(self, native_id: str) -> Stored:
        """Find a record that is not deleted; FaultError (not_found) if there is none."""
        record = self.records.get(native_id)
        if record is not None and record.into and self.resource.merged_answer:
            raise MergedAwayError(self.resource.merged_answer, native_id, record.into)
        if record is None or record.gone:
            raise FaultError("not_found", "not_found", f"there is no {self.resource.name} with this id")
        return record

    def merge(self, native_id: str, into: str) -> None:
        """Let a record be part of another, as people merge two in the system."""
        self.live(into)
        record = self.delete(native_id)
        record.into = into

    def create(self, natives: Natives) -> Stored:
        """Make a record; FaultError for a missing required field, an unfit value or an id that is taken."""
        natives = self._first_states() | natives
        missing = [f.name for f in self.resource.fields if f.required and natives.get(f.name) in (None, "")]
        if missing:
            raise FaultError("validation", "required", f"{missing[0]} is required")
        self._check(natives)
        native_id = natives.get(self.resource.id) or self._next_id()
        if native_id in self.records:
            raise FaultError("conflict", "already_exists", f"a {self.resource.name} with this id exists already")
        record = Stored(native_id, self._complete(natives | {self.resource.id: native_id}))
        self.records[native_id] = record
        self._stamp(record)
        return record

    def update(self, native_id: str, natives: Natives) -> Stored:
        """Change the fields given; FaultError for an unfit value."""
        record = self.live(native_id)
        emptied = [name for name, text in natives.items() if self.resource.native(name).required and not text]
        if emptied:
            raise FaultError("validation", "required", f"{emptied[0]} is required")
        self._check(natives)
        record.natives |= natives
        self._stamp(record)
        return record

    def delete(self, native_id: str) -> Stored:
        """Delete a record; FaultError (not_found) the second time."""
        record = self.live(native_id)
        record.gone = True
        self._stamp(record)
        return record

    def touch(self, native_id: str) -> None:
        """Note that something of a record has changed, if it lives."""
        record = self.records.get(native_id)
        if record is not None and not record.gone:
            self._stamp(record)

    def holding(self, name: str, text: str) -> Stored | None:
        """Find the live record that holds this value in a field."""
        return next((r for r in self.records.values() if not r.gone and r.natives.get(name) == text), None)

    def _complete(self, natives: Natives) -> Natives:
        return {described.name: natives.get(described.name) for described in self.resource.fields}

    def _first_states(self) -> Natives:
        """Give fields that transitions move the value that none of them leads to; where they go round, the first's."""
        reached = {(step.field, step.target) for step in self.resource.transitions}
        steps = self.resource.transitions[::-1]
        first: Natives = {step.field: step.source for step in steps}
        return first | {step.field: step.source for step in steps if (step.field, step.source) not in reached}

    def _next_id(self) -> str:
        numeric = self.resource.native(self.resource.id).type == "int"
        while True:
            number = next(self.numbers)
            native_id = str(number) if numeric else f"{self.resource.name.lower()}_{number:04d}"
            if native_id not in self.records:
                return native_id

    def _stamps(self) -> set[str]:
        cursor = self.resource.list.cursor if self.resource.list else None
        return {name for name in (self.resource.version, cursor.field if cursor else None) if name}

    def _stamp(self, record: Stored, besides: Iterable[str] = ()) -> None:
        self._stamped = max(self.now(), self._stamped + timedelta(microseconds=1))
        for name in self._stamps().difference(besides):
            record.natives[name] = self._stamp_text(self.resource.native(name), self._stamped)
        self.touched(record)

    def _stamp_text(self, described: NativeField, moment: datetime) -> str:
        cursor = self.resource.list.cursor if self.resource.list else None
        if described.type in ("int", "decimal"):
            seconds = cursor is not None and cursor.field == described.name and cursor.format == "epoch"
            return str(int(moment.timestamp() * (1 if seconds else 1_000_000)))
        if described.type == "local_datetime":
            return f"{moment.astimezone(ZoneInfo(self.system.zone)):%Y-%m-%dT%H:%M:%S.%f}"
        return f"{moment:%Y-%m-%dT%H:%M:%S.%fZ}"

    def _check(self, natives: Mapping[str, str | None]) -> None:
        for name, text in natives.items():
            described = self.resource.native(name)
            problem = "" if text in (None, "") else _problem(described, text or "")
            if not problem and described.ref and text and not self.exists(described.ref, text):
                problem = f"names a {described.ref} that is not there"
            if problem:
                raise FaultError("validation", "invalid", f"{name} {problem}")


def _problem(described: NativeField, text: str) -> str:
    """Say what is wrong with a value; nothing if it fits its field."""
    if described.values and text not in described.values:
        return "is none of the values allowed"
    if described.length is not None and len(text) > described.length:
        return f"is longer than {described.length}"
    if described.type in ("int", "decimal"):
        return _number_problem(described, text)
    if described.type == "bool" and text not in ("true", "false"):
        return "is neither true nor false"
    if described.type in ("date", "instant", "local_datetime"):
        try:
            date.fromisoformat(text) if described.type == "date" else datetime.fromisoformat(text)
        except ValueError:
            return f"is no {described.type}"
    return ""


def _number_problem(described: NativeField, text: str) -> str:
    if not is_number(text):
        return "is no number"
    exponent = Decimal(text).as_tuple().exponent
    decimals = -exponent if isinstance(exponent, int) and exponent < 0 else 0
    if described.type == "int" and decimals:
        return "is no whole number"
    if described.scale is not None and decimals > described.scale:
        return f"has more than {described.scale} decimals"
    return ""
