"""Whether a state may be used: it is whole, of this ledger and of its time.

In: an open state and its ledger. Out: nothing, or StateError. Invariant: what is missing, cut short, altered or of another
time is told with its place and what to do; it is never read as empty.
"""

from __future__ import annotations

from syncline_runtime import fold
from syncline_runtime.errors import StateError
from syncline_runtime.ledger import Ledger
from syncline_runtime.segments import SegmentStore, run_of
from syncline_runtime.state import State


def check(state: State, ledger: Ledger) -> None:
    """Refuse a state that is another's, and segments that are not what was registered.

    Raises StateError: SYN6006 of another ledger, SYN6010 a segment is missing, SYN6011 damaged, SYN6012 the ledger is older
    than the segments. Files that have not been touched since they were last read are not read again.
    """
    fold.belongs_to(state, ledger.identity)
    check_segments(state.store, ledger)
    fold.check(state, ledger.register.segments())


def check_segments(store: SegmentStore, ledger: Ledger) -> None:
    """Refuse a store that lacks registered segments or knows of runs that the ledger does not; reads no file."""
    registered = ledger.register.segments()
    for segment in registered:
        store.verify(segment, thorough=False)
    known = {store.locate(one) for one in registered}
    others = [path for path in store.published() if path not in known]
    runs = ledger.runs.known(map(run_of, others)) if others else {}
    stray = next((path for path in others if run_of(path) not in runs), None)
    if stray is not None:
        raise StateError(
            "this segment is of a run that the ledger does not know: the ledger is older than the segments",
            place=str(stray),
            mend="put back the ledger that belongs to these segments, or all of the state folder from one backup",
            code="SYN6012",
        )
