"""The contract between compiler and runtime: releases and plans.

In: ``release.json`` and the files it names. Out: frozen dataclasses. A release is environment-free: no secret, path
or time stands in it, and equal specs give equal bytes on any machine. Every file is named with its SHA-256 and is
verified before it is used.

Relations that plan steps read and write are named ``SYNC/CONNECTION/ROLE`` or ``SYNC/ROLE``; the runtime binds the
inputs (see ``state.py``):

=========================  =========================================================================================
``S/m/image``              native rows to normalise: _native_id, _cid, _version, "native.X" …
``S/m/values``             [normalise] one canonical row per image: _native_id, _cid, _take, "?f" flags, slots
``S/m/faults``             [normalise] what is wrong with them: _native_id, field, code, rule, action
``S/returning``            rows under the native ids of records that were deleted: connection, _native_id, _cid
``S/returned``             [match] what their keys say: connection, _native_id, same, other
``S/pairs/N``              [match] who is alike by rule N: l, node (a row, or a canonical id)
``S/clusters/N``           who is led to by pairs: row, label
``S/match/N``              [match] the rows that identity rule N decided
``S/match``                [match] one decision per unlinked row: connection, _native_id, _cid, how, rule, state
``S/by/F``                 the records that alone have a value in field F: key, _cid
``S/dirty``                canonical ids to decide: _cid, _origin
``S/links``                links of dirty records
``S/m/base``               base rows of dirty records; ``S/canonical`` canonical rows of those in ``S/asked``
``S/m/side``               [merge] a member's now and base beside each other, per dirty id
``S/golden``               [merge] the winner per canonical id, with derived fields
``S/m/pairs``              [diff] winner and side of records of which some slot differs
``S/m/compare``            [diff] slots that differ: _cid, slot, outcome, …
``S/m/updates|creates``    [diff] candidates for intents
``S/m/comers``             [merge] records that a member should hold, where it unlinks what it need not
``S/m/shown``              [diff] the winner as a member shows it that sets some fields in records it need not hold
``S/m/leavers``            [diff] records of a member that deletes or unlinks what it need not hold any more
``S/m/children``           [diff] candidates for child records that `pick` writes
``S/m/next``               [diff] the base rows as they are after this run
``S/m/acked``              [confirm] the base rows that acks make
=========================  =========================================================================================
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import field as member
from functools import cached_property
from pathlib import Path
from typing import Any, Literal, TypeVar

from syncline_runtime import encoding
from syncline_runtime.binding import BINDING_FORMAT, Binding
from syncline_runtime.errors import ReleaseError
from syncline_runtime.frozen import dataclass
from syncline_runtime.system import System

FORMAT_VERSION = 1
Stage = Literal["normalise", "match", "merge", "diff", "confirm"]
T = TypeVar("T")


@dataclass(frozen=True)
class Step:
    """One SQL query of a plan; its result becomes relation ``output``."""

    stage: Stage
    output: str
    inputs: tuple[str, ...]
    sql: str


@dataclass(frozen=True)
class ValueStep:
    """A function that SQL cannot do, run over the distinct values of a column and joined back by the steps.

    ``output`` has the columns (input, output); ``source`` selects one column of texts.
    """

    function: str
    option: str
    source: str  # SQL
    output: str
    inputs: tuple[str, ...]


@dataclass(frozen=True)
class Slot:
    """What is compared and agreed with a member: a canonical field, or a native field written one-way (``->N``)."""

    name: str
    type: str  # SQL type
    reads: bool
    writes: bool
    line: str = ""  # the mapping line as written
    place: str = ""  # file:line
    partial: bool = False  # read from native fields that may be missing


@dataclass(frozen=True)
class ChildWrite:
    """A slot that is written to a child resource's record (``pick``)."""

    slot: str
    resource: str
    list: str  # native list field of the parent


@dataclass(frozen=True)
class LateReference:
    """A slot whose reference closes a cycle of objects: known, and written, after the record itself.

    ``values`` has ``late.SLOT`` of slots that are read: there is a reference, and nothing is known of what it refers to.
    """

    slot: str
    reads: bool
    native: str  # the field it is written to, "" if it is not


@dataclass(frozen=True)
class Member:
    """A connection's part in a sync."""

    connection: str
    system: str
    resource: str
    mapping: str  # behaviour hash of mapping, code tables, forms
    originates: bool
    holds: bool
    natives: tuple[str, ...]  # native fields that are landed
    slots: tuple[Slot, ...]
    steps: tuple[Step, ...]  # normalise: values, faults · confirm: acked
    values: tuple[ValueStep, ...] = ()
    children: tuple[ChildWrite, ...] = ()
    late: tuple[LateReference, ...] = ()
    moved_from: tuple[str, ...] = ()  # names that the connection had in earlier releases
    partial: tuple[str, ...] = ()  # native fields that what is read may be without
    reads: tuple[str, ...] = ()  # native fields that the mapping reads
    writes: tuple[str, ...] = ()  # native fields that the mapping writes
    clocks: tuple[str, ...] = ()
    when_deleted: Literal["keep", "review", "delete", "set"] = "review"
    sets: Mapping[str, str] = member(default_factory=dict)  # with *set*: field → value as text
    on_leave: Literal["keep", "deactivate", "delete", "unlink"] = "keep"

    def step(self, role: str) -> Step | None:
        """Give the step whose output has that role, if the member has one."""
        return next((step for step in self.steps if step.output.rsplit("/", 1)[1] == role), None)


@dataclass(frozen=True)
class PlanField:
    """A field of the canonical object as the runtime needs it."""

    name: str
    sql_type: str
    label: str
    owner: str  # as written: a connection, "newest", or "derived"
    critical: bool = False
    pii: str | None = None
    ref: str | None = None  # object
    kind: str = "text"  # of its type: text, enum, email, country …
    values: tuple[str, ...] = ()  # of an enum
    length: int | None = None  # of a text: most characters
    required: bool = False
    moved_from: str | None = None  # its name in earlier releases


@dataclass(frozen=True)
class Plan:
    """One sync: one object over its members."""

    name: str
    object: str
    version: str
    fields: tuple[PlanField, ...]
    members: tuple[Member, ...]
    match: tuple[Step, ...]
    merge: tuple[Step, ...]
    diff: tuple[Step, ...]
    behaviour: str = ""  # hash of all that the sync does, of its IR
    aggregates: tuple[str, ...] = ()  # syncs whose records derived fields sum over
    aggregate_refs: Mapping[str, tuple[str, ...]] = member(default_factory=dict)  # sync → ref fields that point here
    refs: tuple[str, ...] = ()  # objects that ref fields point at
    freshness: int | None = None  # seconds
    change_guard: str | None = None
    delete_guard: str | None = None
    attempts: int = 6
    within: int = 7200  # seconds
    moved_from: tuple[str, ...] = ()  # names that the sync had in earlier releases
    object_moved_from: tuple[str, ...] = ()  # names that its object had
    weight: Literal["low", "normal", "high"] = "normal"  # of its faults, for the business
    format_version: int = FORMAT_VERSION

    def member(self, connection: str) -> Member:
        """Give the member of that connection; KeyError if the sync has none."""
        for candidate in self.members:
            if candidate.connection == connection:
                return candidate
        raise KeyError(connection)


@dataclass(frozen=True)
class FileEntry:
    """A file of the release and its SHA-256."""

    name: str
    file: str
    sha256: str


@dataclass(frozen=True)
class Scope:
    """A permission that some connection needs."""

    connection: str
    scope: str
    use: Literal["read", "write"]


@dataclass(frozen=True)
class Index:
    """``release.json``."""

    project: str
    plans: tuple[FileEntry, ...]
    systems: tuple[FileEntry, ...]
    order: tuple[str, ...]  # refs first: normalise, match and delivery
    decide: tuple[str, ...]  # aggregated objects first: merge and diff
    connections: Mapping[str, str]  # connection → system
    scopes: tuple[Scope, ...] = ()
    format_version: int = FORMAT_VERSION


@dataclass(frozen=True)
class Release:
    """A loaded and verified release."""

    index: Index
    hash: str
    plans: Mapping[str, Plan]
    systems: Mapping[str, System]
    folder: Path

    @cached_property
    def in_order(self) -> tuple[Plan, ...]:
        """Plans, the referred-to first."""
        return tuple(self.plans[name] for name in self.index.order)

    @cached_property
    def deciding(self) -> tuple[Plan, ...]:
        """Plans, the aggregated first."""
        return tuple(self.plans[name] for name in self.index.decide)

    def system_of(self, connection: str) -> System:
        """Give the system behind a connection."""
        return self.systems[self.index.connections[connection]]

    @property
    def environments(self) -> tuple[str, ...]:
        """The names of the environments that it is bound for."""
        return tuple(sorted(path.stem for path in (self.folder / "bindings").glob("*.json")))

    def binding(self, environment: str | None) -> Binding:
        """Give the binding of an environment; without a name the only one. ReleaseError says which there are."""
        names = self.environments
        if environment is None and len(names) == 1:
            environment = names[0]
        if environment is None or environment not in names:
            what = f"no environment {environment!r}" if environment else "which environment is meant is not said"
            raise ReleaseError(
                f"{what}; the release is bound for: {', '.join(names) or 'none'}",
                place=str(self.folder),
                mend="name one with --env, or add it under environments in syncline.yaml and compile again",
            )
        path = self.folder / "bindings" / f"{environment}.json"
        return _decode(Binding, _parse(_read(path), path), path, BINDING_FORMAT)


def load_release(folder: str | Path) -> Release:
    """Load a release folder and verify every hash and format version.

    Raises ReleaseError: not a release, another format, a file missing, damaged or changed.
    """
    folder = Path(folder)
    path = folder / "release.json"
    raw = _read(path)
    index = _decode(Index, _parse(raw, path), path, FORMAT_VERSION)
    plans = {e.name: _decode(Plan, _verified(folder, e), folder / e.file, FORMAT_VERSION) for e in index.plans}
    systems = {e.name: _decode(System, _verified(folder, e), folder / e.file, None) for e in index.systems}
    return Release(index, hashlib.sha256(raw).hexdigest(), plans, systems, folder)


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise ReleaseError(
            f"cannot be read ({error.strerror})",
            place=str(path),
            mend="make the release with `syncline compile --out DIR` and name that folder with --release",
        ) from None


def _parse(raw: bytes, path: Path) -> Any:
    try:
        return json.loads(raw)
    except ValueError:
        raise ReleaseError("is not JSON: damaged or cut short", place=str(path), mend="compile again") from None


def _verified(folder: Path, entry: FileEntry) -> Any:
    path = folder / entry.file
    raw = _read(path)
    if hashlib.sha256(raw).hexdigest() != entry.sha256:
        raise ReleaseError(
            "differs from what the release was sealed with",
            place=str(path),
            mend="a release is never edited: change the specs and compile again",
            code="SYN8003",
        )
    return _parse(raw, path)


def _decode(cls: type[T], value: Any, path: Path, version: int | None) -> T:
    found = value.get("format_version", version) if isinstance(value, dict) else None
    if version is not None and found != version:
        raise ReleaseError(
            f"has format {found}, this program reads format {version}",
            place=str(path),
            mend="compile with the same version of syncline that runs it",
        )
    try:
        return encoding.decode(cls, value)
    except encoding.MalformedContract as error:
        raise ReleaseError(str(error), place=str(path), mend="compile again") from None
