"""Specs with their names bound: what ``resolve`` makes and the checks read.

Invariant: every name in here exists; whatever could not be bound has a diagnostic and is left out.
"""

from __future__ import annotations

from collections.abc import Container, Mapping
from dataclasses import field
from functools import cached_property
from typing import Any, Literal

from syncline_compiler.model.typed import Expression, TypedMapping
from syncline_compiler.model.types import Type
from syncline_compiler.source import Span
from syncline_runtime.frozen import dataclass
from syncline_runtime.system import System

Policy = Literal["restore", "review", "adopt"]
FirstLink = Literal["fill", "owner", "review"]
Weight = Literal["low", "normal", "high"]


@dataclass(frozen=True, slots=True)
class ResolvedField:
    """A field of a canonical object. ``form`` is the normal form applied to every member's value."""

    name: str
    type: Type
    span: Span
    label: str | None = None
    form: str | None = None  # trim | squash | upper | lower | casefold
    required: bool = False
    critical: bool = False
    pii: str | None = None
    inverse: str | None = None  # ref: the name by which the other object sees these records
    moved_from: str | None = None  # its name before


@dataclass(frozen=True)
class ResolvedPart:
    """Children with rows and base of their own, keyed by one of their fields within the parent."""

    name: str
    of: str  # object
    key: str
    span: Span


@dataclass(frozen=True)
class DerivedField:
    """A field computed from others, read-only, owned by nobody."""

    name: str
    value: Expression
    type: Type
    span: Span
    label: str | None = None
    extent: tuple[int, int] = (1, 1)  # parts and levels, with every derived field in it written out


@dataclass(frozen=True)
class Invariant:
    """A condition over one canonical record; false rejects the record."""

    name: str
    condition: Expression
    span: Span


@dataclass(frozen=True)
class Likeness:
    """How alike the values of a field have to be, in one of several ways. Ways: (kind, amount as text, "" for none).

    ``missing``: null on either side counts as alike. ``placeholders``: values that count as null.
    """

    field: str
    ways: tuple[tuple[Literal["exact", "jaro_winkler", "edits", "words", "sounds", "within"], str], ...]
    missing: bool
    placeholders: tuple[str, ...]
    span: Span


@dataclass(frozen=True)
class Probability:
    """What a trained model makes of a pair: the sum of weights (base 2, as text) has to be at ``least`` that much.

    ``weights``: per similar field those of its ways, in their order, and of none of them.
    """

    model: str
    threshold: str
    least: str
    weights: tuple[tuple[str, tuple[str, ...]], ...]


@dataclass(frozen=True)
class IdentityRule:
    """Records with equal values in all these fields are one (none of them null), if the similar ones are alike too.

    ``at_least``: that many of the similar ones are enough; at most ``may_differ`` may be there and not alike.
    ``swapped``: similar fields whose values are compared both ways. ``closest``: of several the most alike is taken.
    """

    same: tuple[str, ...]
    unless: Expression | None
    then: Literal["link", "review", "create"]
    span: Span
    similar: tuple[Likeness, ...] = ()
    swapped: tuple[str, ...] = ()
    at_least: int | None = None
    may_differ: int | None = None
    closest: bool = False
    probability: Probability | None = None

    @property
    def fields(self) -> tuple[str, ...]:
        """All fields that it compares."""
        return (*self.same, *(likeness.field for likeness in self.similar))

    @property
    def by_key(self) -> bool:
        """Whether equal fields alone make records one, without a person."""
        return self.then == "link" and not self.similar

    @property
    def pairwise(self) -> bool:
        """Whether it compares record with record, where a key groups them."""
        return bool(self.similar) or self.then == "create"

    @property
    def said(self) -> str:
        """What it goes by, as people read it."""
        similar = ", ".join(likeness.field for likeness in self.similar)
        some = f"{self.at_least} of " if self.at_least else ""
        if self.probability is not None:
            some = f"with {self.probability.threshold} by "
        return " and ".join(
            [
                *(["same " + ", ".join(self.same)] if self.same else []),
                *([f"similar {some}{similar}"] if similar else []),
            ]
        )

    def applies_to(self, read: Container[str]) -> bool:
        """Whether a member that reads these fields can be compared by it."""
        there = sum(likeness.field in read for likeness in self.similar)
        if self.probability is not None:  # what is missing says nothing
            return all(name in read for name in self.same) and there >= min(2, len(self.similar))
        needed = self.at_least or sum(not likeness.missing for likeness in self.similar)
        must = [] if self.at_least else [likeness.field for likeness in self.similar if not likeness.missing]
        return all(name in read for name in (*self.same, *must)) and there >= needed


@dataclass(frozen=True)
class ResolvedObject:
    """A canonical object."""

    name: str
    version: str
    label: str
    fields: tuple[ResolvedField, ...]
    parts: tuple[ResolvedPart, ...]
    derived: tuple[DerivedField, ...]
    invariants: tuple[Invariant, ...]
    identity: tuple[IdentityRule, ...]
    span: Span
    moved_from: tuple[str, ...] = ()  # names that it had before
    lost: frozenset[str] = frozenset()  # parts that could not be bound, which is told where they are declared

    @cached_property
    def _by_name(self) -> Mapping[str, ResolvedField]:
        return {field.name: field for field in reversed(self.fields)}

    def field(self, name: str) -> ResolvedField | None:
        """Give the field of that name, if the object has it."""
        return self._by_name.get(name)


@dataclass(frozen=True)
class CodeTable:
    """Native codes and what they mean. ``inverse`` gives for each meaning the native code to write."""

    name: str
    version: str
    rows: tuple[tuple[str, str], ...]  # native, canonical
    inverse: Mapping[str, str]
    span: Span
    meaning_of: str | None = None  # the enum, "account.status", that the meanings belong to
    sound: bool = True  # False: some meaning has a diagnostic, so that what is missing from the table is not told


@dataclass(frozen=True)
class Ownership:
    """Who decides a field: the owner connection, the newest change by named clocks, or a function of all values."""

    rule: Literal["owner", "newest", "max", "min", "union"]
    owner: str | None = None  # connection
    clocks: Mapping[str, str] | None = None  # newest: connection → native field
    tie: Literal["review"] = "review"
    span: Span | None = None


@dataclass(frozen=True)
class ResolvedMember:
    """A connection to a system, and the resource there that holds the object."""

    connection: str
    system: str
    resource: str
    mapping: TypedMapping
    originates: bool
    hold: bool | Expression  # must have the record: always, never, or when the condition holds
    on_leave: Literal["keep", "deactivate", "delete", "unlink"]
    span: Span
    leaves_with: Mapping[str, str] = field(default_factory=dict)  # *deactivate*: field → value as text
    moved_from: tuple[str, ...] = ()  # names that the connection had before
    many: bool = False  # several of its records may be one


@dataclass(frozen=True)
class ResolvedSync:
    """One object over its members."""

    name: str
    object: ResolvedObject
    members: tuple[ResolvedMember, ...]
    owners: Mapping[str, Ownership]  # every field and part of the object that some member maps
    unowned_edit: Mapping[str, Policy]  # field → policy; "*" always present
    first_link: Mapping[str, FirstLink]  # field → policy; "*" always present
    when_deleted_in: Mapping[str, str]  # connection or "*" → keep | review | delete | set
    set_when_deleted: Mapping[str, Mapping[str, str]]  # connection or "*" → field → value as text, where that is *set*
    freshness: int | None  # seconds
    change_guard: str | None  # "10%" or a count
    delete_guard: str | None
    attempts: int
    within: int  # seconds
    span: Span
    weight: Weight = "normal"
    moved_from: tuple[str, ...] = ()  # names that it had before
    late: tuple[str, ...] = ()  # ref fields that close a cycle: known, and written, after the record itself


@dataclass(frozen=True)
class ResolvedEvent:
    """A contract of what a system tells us. ``contract`` is the JSON Schema that a body must keep to."""

    name: str
    version: str
    label: str
    object: str
    system: str
    resource: str
    webhook: str  # path at our inbox
    when: Mapping[str, str | int | bool]  # path in the body → value: how the event is told from others
    at: Mapping[str, str]  # id, record, occurred, sequence → path in the body
    carries: Literal["full", "partial", "key_only", "delete"]
    contract: Mapping[str, Any]
    span: Span


@dataclass(frozen=True)
class ResolvedScenario:
    """A test of the specs, its names bound and its values fit for their types."""

    name: str
    label: str
    sync: str
    covers: frozenset[str]  # create | update | cancel | exception
    span: Span
    conditions: tuple[Expression | None, ...] = ()  # of the records that are expected


@dataclass(frozen=True)
class ConnectionBinding:
    """A connection in one environment, as written in ``syncline.yaml``."""

    connection: str
    origin: str
    credential: Mapping[str, str]  # token, username, password … → secret reference
    account: str | None
    environment: str | None
    requests: int | None
    per: int | None
    stand_in: bool = False  # served by `syncline sandbox`
    token_origin: str = ""


@dataclass(frozen=True)
class ResolvedProject:
    """A whole project, its names bound and its expressions typed."""

    name: str
    objects: Mapping[str, ResolvedObject]
    systems: Mapping[str, System]
    codes: Mapping[str, CodeTable]
    syncs: tuple[ResolvedSync, ...]  # by name
    mappings: tuple[TypedMapping, ...]  # all of them, also those that no sync uses
    connections: Mapping[str, str]  # connection → system
    environments: Mapping[str, tuple[ConnectionBinding, ...]]
    events: Mapping[str, ResolvedEvent] = field(default_factory=dict)
    scenarios: Mapping[str, ResolvedScenario] = field(default_factory=dict)
    order: tuple[str, ...] = ()  # of syncs, the referred-to first
    refers: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  # sync → syncs that go before it in that order
