"""Ledger and state as commands open them that are no run.

In: release, binding, state folder, URL of the ledger. Out: the ledger, the state folded up to it, and where something is
going to change a lease on every sync, so that no run is under way meanwhile.
Invariant: what was never run is told as that, and never made on the way.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from syncline_runtime.binding import Binding
from syncline_runtime.connectors import Surroundings
from syncline_runtime.errors import StateError
from syncline_runtime.fold import fold
from syncline_runtime.ledger import FILE, SEGMENTS, Lease, Ledger, Realm, open_ledger
from syncline_runtime.ledger.holder import this_process
from syncline_runtime.plan import Release
from syncline_runtime.segments import SegmentStore
from syncline_runtime.state import State
from syncline_runtime.upkeep.check import check
from syncline_runtime.upkeep.strays import LEASE_TTL, finish_erasures


@dataclass(frozen=True)
class Place:
    """Whose state it is and where it lies."""

    release: Release
    binding: Binding
    folder: Path
    ledger: str | None = None  # database URL; by default a file in the folder
    around: Surroundings = field(default_factory=Surroundings)

    def now(self) -> int:
        """Microseconds since 1970, UTC."""
        return self.around.clock.now()

    @property
    def realm(self) -> Realm:
        """What the ledger's facts belong to."""
        return Realm(self.binding.project, self.binding.environment)

    @property
    def store(self) -> SegmentStore:
        """The segments of the state."""
        return SegmentStore(self.folder / SEGMENTS)


@dataclass(frozen=True)
class Session:
    """Ledger and state, both open, and the lease on all of it."""

    place: Place
    ledger: Ledger
    state: State
    lease: Lease


def refuse_unbegun(place: Place) -> None:
    """Refuse a place where nothing has run yet (SYN6008): a mistyped folder is not taken for a new state."""
    if place.ledger is None and not (place.folder / FILE).exists() and not any(place.store.published()):
        raise StateError(
            "there is no state here: nothing has run yet",
            place=str(place.folder),
            mend="run once with `syncline run`, or name the folder with --state",
            code="SYN6008",
        )


@contextmanager
def opened_ledger(place: Place) -> Iterator[Ledger]:
    """Open the ledger; StateError (SYN6008) where nothing has run yet."""
    refuse_unbegun(place)
    with open_ledger(place.ledger or place.folder / FILE, place.realm, place.now) as ledger:
        yield ledger


@contextmanager
def opened_state(place: Place) -> Iterator[tuple[Ledger, State]]:
    """Open ledger and state, the state folded up to the ledger."""
    with opened_ledger(place) as ledger:
        finish_erasures(place.folder, place.store, ledger, place.release)
        state = State(place.folder, place.store, threads=place.around.threads, parsed=place.around.parsed)
        try:
            check(state, ledger)
            fold(state, place.release, ledger.register.segments())
            yield ledger, state
        finally:
            state.close()


@contextmanager
def under_lease(place: Place) -> Iterator[Session]:
    """Open ledger and state while no run is under way; LeaseHeld where one is."""
    with opened_state(place) as (ledger, state):
        lease = ledger.leases.acquire(["state", *place.release.plans], this_process(), LEASE_TTL)
        try:
            yield Session(place, ledger, state, lease)
        finally:
            ledger.leases.release(lease)
