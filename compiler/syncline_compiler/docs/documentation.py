"""The documentation as a value: what JSON holds and Markdown shows.

Invariant: it follows from the specs alone and is the same on every machine; no origin, credential or secret is in it. Members are added,
never renamed, or else ``VERSION`` rises; the JSON Schema is checked in beside this file.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Protocol

from pydantic import TypeAdapter

from syncline_compiler.query.dictionary import FieldEntry, Place
from syncline_compiler.query.lineage import Direction
from syncline_compiler.query.symbol import Kind
from syncline_compiler.query.ways import Loss, Role
from syncline_runtime.frozen import dataclass

VERSION = 1
SCHEMA = Path(__file__).parent / "docs.schema.json"


@dataclass(frozen=True)
class Condition:
    """A named condition: an invariant."""

    name: str
    condition: str


@dataclass(frozen=True)
class ObjectDoc:
    """A canonical object. ``identity``: rules by which records of two systems are one, in words."""

    name: str
    version: str
    label: str | None
    description: str | None
    steward: str | None
    place: Place
    fields: tuple[FieldEntry, ...]
    identity: tuple[str, ...]
    invariants: tuple[Condition, ...]
    syncs: tuple[str, ...]


@dataclass(frozen=True)
class NativeDoc:
    """A field of a resource, as the system has it."""

    name: str
    type: str
    label: str | None
    description: str | None
    unit: str | None
    values: tuple[str, ...]
    required: bool
    readable: bool
    writable: bool
    pii: str | None
    refers_to: str | None
    sunset: str | None
    place: Place


@dataclass(frozen=True)
class ResourceDoc:
    """A kind of record of a system. ``objects``: what it is mapped to."""

    name: str
    label: str | None
    creates: bool
    updates: bool
    deletes: bool
    incremental: bool
    objects: tuple[str, ...]
    place: Place
    fields: tuple[NativeDoc, ...]


@dataclass(frozen=True)
class SystemDoc:
    """An external system."""

    name: str
    version: str
    label: str | None
    steward: str | None
    protocol: str
    zone: str
    limit: str | None
    connections: tuple[str, ...]
    cleared_for: tuple[str, ...] | None
    place: Place
    resources: tuple[ResourceDoc, ...]


@dataclass(frozen=True)
class CodeRow:
    """A native code and its meaning; ``written``: it is the code that is written for the meaning."""

    native: str
    meaning: str
    written: bool


@dataclass(frozen=True)
class CodeSource:
    """A native field that the table reads. ``known``: the vendor's list is described; ``unmapped``: what it has and no row."""

    system: str
    resource: str
    field: str
    known: bool
    unmapped: tuple[str, ...]


@dataclass(frozen=True)
class CodesDoc:
    """A code table. ``unwritten``: values of the enum for which no code is written; ``unread``: that no code means."""

    name: str
    version: str
    label: str | None
    steward: str | None
    meaning_of: str | None
    place: Place
    rows: tuple[CodeRow, ...]
    unwritten: tuple[str, ...]
    unread: tuple[str, ...]
    sources: tuple[CodeSource, ...]


@dataclass(frozen=True)
class MemberDoc:
    """A system's part in a sync. ``holds``: always, never, or a condition as written."""

    connection: str
    system: str
    resource: str
    originates: bool
    holds: str
    on_leave: str
    when_deleted: str


@dataclass(frozen=True)
class FallbackDoc:
    """What people do while the sync stands still."""

    after: str
    who: str
    steps: tuple[str, ...]
    recognised_by: tuple[str, ...]


@dataclass(frozen=True)
class ScenarioDoc:
    """A test of the sync."""

    name: str
    label: str | None
    covers: tuple[str, ...]


@dataclass(frozen=True)
class SyncDoc:
    """One object over its members; who owns which field stands with the fields."""

    name: str
    label: str | None
    object: str
    steward: str | None
    place: Place
    members: tuple[MemberDoc, ...]
    weight: str
    freshness: str | None
    every: str | None
    change_guard: str | None
    delete_guard: str | None
    attempts: int
    within: str
    fallback: FallbackDoc | None
    scenarios: tuple[ScenarioDoc, ...]


@dataclass(frozen=True)
class EventDoc:
    """What a system tells by itself."""

    name: str
    version: str
    label: str | None
    object: str
    system: str
    resource: str
    carries: str
    webhook: str
    signed: bool
    place: Place


@dataclass(frozen=True)
class RuleDoc:
    """A rule of a policy, with the severity that the project gives it."""

    name: str
    severity: str
    summary: str
    asks: str
    docs: str | None


@dataclass(frozen=True)
class WaiverDoc:
    """Findings that are accepted until a day."""

    rule: str
    at: tuple[str, ...]
    reason: str | None
    owner: str | None
    expires: str | None


@dataclass(frozen=True)
class PolicyDoc:
    """Rules of a central team, and waivers."""

    name: str
    version: str | None
    label: str | None
    steward: str | None
    place: Place
    rules: tuple[RuleDoc, ...]
    waivers: tuple[WaiverDoc, ...]


@dataclass(frozen=True)
class EndDoc:
    """One end of an edge: ``account.email``, ``crm.Account.mail``, or a constant as it is written."""

    kind: Kind
    address: str


@dataclass(frozen=True)
class EdgeDoc:
    """One field that another is made of: through which steps, and what falls together on the way."""

    source: EndDoc
    target: EndDoc
    direction: Direction
    role: Role
    steps: tuple[str, ...]
    loss: Loss
    two_way: bool
    text: str
    mapping: str | None
    place: Place


@dataclass(frozen=True)
class Documentation:
    """A whole project, in the order of names; fields, rows and members in the order of the specs."""

    version: int
    project: str
    label: str | None
    steward: str | None
    objects: tuple[ObjectDoc, ...]
    systems: tuple[SystemDoc, ...]
    codes: tuple[CodesDoc, ...]
    syncs: tuple[SyncDoc, ...]
    events: tuple[EventDoc, ...]
    policies: tuple[PolicyDoc, ...]
    lineage: tuple[EdgeDoc, ...]


@cache
def _adapter() -> TypeAdapter[Documentation]:
    return TypeAdapter(Documentation)


def as_json(documentation: Documentation) -> str:
    """Write the documentation as JSON, the same each time."""
    return _adapter().dump_json(documentation, indent=2).decode("utf-8") + "\n"


def json_schema() -> str:
    """Give the JSON Schema of what ``as_json`` writes."""
    schema = _adapter().json_schema(mode="serialization")
    schema = {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema, "title": "Syncline documentation"}
    return json.dumps(schema, indent=1, ensure_ascii=False) + "\n"


def about(documentation: Documentation, within: Iterable[str]) -> Documentation:
    """Keep what is declared in some files or folders of the project, and the lineage that passes there."""
    folders = tuple(f"{path}/" for path in within)

    def kept(one: HasPlace) -> bool:
        return f"{one.place.file}/".startswith(folders)

    objects, systems = tuple(filter(kept, documentation.objects)), tuple(filter(kept, documentation.systems))
    names = {one.name for one in objects} | {one.name for one in systems}
    return replace(
        documentation,
        objects=objects,
        systems=systems,
        codes=tuple(filter(kept, documentation.codes)),
        syncs=tuple(filter(kept, documentation.syncs)),
        events=tuple(filter(kept, documentation.events)),
        policies=tuple(filter(kept, documentation.policies)),
        lineage=tuple(
            edge
            for edge in documentation.lineage
            if kept(edge) or names & {end.address.partition(".")[0] for end in (edge.source, edge.target)}
        ),
    )


class HasPlace(Protocol):
    """What is declared somewhere."""

    @property
    def place(self) -> Place:
        """Where."""
