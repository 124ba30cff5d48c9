"""What the stages of one run share: the release, where it runs, what has been read and decided so far.

Invariant: stages read and write relations of ``state`` and the lists here; only ``seal``, ``deliver`` and ``confirm``
write to the ledger.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from syncline_runtime.binding import Binding
from syncline_runtime.connectors import ConnectionHandle, Proof, Surroundings
from syncline_runtime.errors import SynclineError
from syncline_runtime.ledger import Count, Cursor, Decision, Ledger, NewException
from syncline_runtime.ledger.states import DecisionState
from syncline_runtime.plan import Member, Plan, Release
from syncline_runtime.segments import SegmentStore
from syncline_runtime.state import State
from syncline_runtime.tombstones import Erased

Progress = Callable[[str, str], None]  # stage, what


@dataclass(frozen=True)
class Reading:
    """How reading one resource of a connection went."""

    rows: int
    complete: bool  # every live record was seen
    mark: str | None  # where to go on next time
    error: SynclineError | None = None
    keys: bool = False  # ``keys_of`` holds the ids of all live records


@dataclass(frozen=True)
class ToldMerge:
    """A record of a system that is part of another by what the system says, and the canonical id that both lead to."""

    sync: str
    object: str
    connection: str
    gone: str
    into: str
    canonical_id: str


@dataclass
class RunContext:
    """One run under way."""

    release: Release
    binding: Binding
    plans: tuple[Plan, ...]  # the syncs of this run, the referred-to first
    realm: str
    run_id: str
    started_at: int  # microseconds UTC
    state: State
    store: SegmentStore
    ledger: Ledger
    around: Surroundings
    engine: asyncio.Lock = field(default_factory=asyncio.Lock)  # held while another thread works with ``state``
    keep_lease: Callable[[], None] = lambda: None  # renews it where that is due
    progress: Progress = lambda stage, what: None
    whole: bool = False  # everything is read, wherever the cursors stand
    replayed: bool = False  # ``replayed`` holds rows that are looked at again
    only: bool = False  # ``considered`` holds the canonical ids (object, _cid) that are decided, whatever else could be
    stopping: asyncio.Event = field(default_factory=asyncio.Event)  # nothing more is begun
    erased: Erased = field(default_factory=Erased)
    connections: dict[str, ConnectionHandle] = field(default_factory=dict)
    proofs: dict[str, Proof] = field(default_factory=dict)  # connection → who its system says it is
    readings: dict[tuple[str, str], Reading] = field(default_factory=dict)
    counts: list[Count] = field(default_factory=list)
    cursors: list[Cursor] = field(default_factory=list)
    exceptions: list[NewException] = field(default_factory=list)
    garbled: set[str] = field(default_factory=set)  # landed relations in which some text is no Unicode
    parts: dict[str, int] = field(default_factory=dict)  # member prefix → how many parts were normalised
    idle: set[str] = field(default_factory=set)  # syncs for which nothing came: their relations are not made
    touched: set[str] = field(default_factory=set)  # syncs with something to decide
    answered: set[tuple[str, str, str, str]] = field(
        default_factory=set
    )  # connection, resource, record, what it is part of
    merges: list[ToldMerge] = field(default_factory=list)
    laid_over: list[tuple[str, str]] = field(default_factory=list)  # kind and subject of tables laid over the state's
    decisions: list[Decision] = field(default_factory=list)  # what people decided, in force
    ended_decisions: dict[int, DecisionState] = field(default_factory=dict)
    altered: list[dict[str, Any]] = field(default_factory=list)  # what systems keep otherwise than it was sent
    late: set[tuple[str, str]] = field(
        default_factory=set
    )  # (connection, canonical id) of earlier runs' writes, acked now

    def now(self) -> int:
        """Microseconds since 1970, UTC."""
        return self.around.clock.now()

    @property
    def deciding(self) -> tuple[Plan, ...]:
        """The syncs of this run, the aggregated first."""
        names = {plan.name for plan in self.plans}
        return tuple(plan for plan in self.release.deciding if plan.name in names)

    @property
    def others(self) -> tuple[Plan, ...]:
        """The syncs of the release that this run leaves alone."""
        names = {plan.name for plan in self.plans}
        return tuple(plan for plan in self.release.in_order if plan.name not in names)

    def reading(self, member: Member) -> Reading:
        """How reading the member's resource went."""
        return self.readings[member.connection, member.resource]

    def count(self, sync: str, equation: str, subject: str, name: str, value: int, detail: str = "") -> None:
        """Note one term of a conservation equation."""
        self.counts.append(Count(sync, equation, subject, name, value, detail))  # type: ignore[arg-type]


def prefix_of(plan: Plan, member: Member) -> str:
    """Give the prefix of a member's relations."""
    return f"{plan.name}/{member.connection}"


def landed_of(member: Member) -> str:
    """Give the relation of a member's landed rows."""
    return f"landed/{member.connection}/{member.resource}"


def keys_of(landed: str) -> str:
    """Give the relation of the ids of all live records of the resource that was landed there."""
    return f"keys/{landed}"
