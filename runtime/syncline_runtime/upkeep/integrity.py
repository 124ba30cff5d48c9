"""Verify the state and make it again.

In: where the state lies. Out: documents for people. Invariant: the segments decide; a state that differs is made again,
segments that are damaged are not rebuilt from.
"""

from __future__ import annotations

from typing import Any

from syncline_runtime import fold
from syncline_runtime.fold import contents, rebuild
from syncline_runtime.report import DOCUMENT_VERSION
from syncline_runtime.stages.context import Progress
from syncline_runtime.upkeep.check import check_segments
from syncline_runtime.upkeep.session import Place, opened_ledger, opened_state


def rebuild_state(place: Place, progress: Progress = lambda stage, what: None) -> dict[str, Any]:
    """Make the state again from the segments."""
    with opened_ledger(place) as ledger:
        segments = ledger.register.segments()
        check_segments(place.store, ledger)
        progress("rebuild", f"{len(segments)} segments")
        made = rebuild(place.folder, place.store, place.release, segments)
        fold.belongs_to(made, ledger.identity)
        made.close()
        return {"version": DOCUMENT_VERSION, "segments": len(segments)}


def verify_state(place: Place, progress: Progress = lambda stage, what: None) -> dict[str, Any]:
    """Check every segment, and that the state holds what they fold to."""
    with opened_state(place) as (ledger, state):
        segments = ledger.register.segments()
        for number, segment in enumerate(segments, 1):
            progress("verify", f"segment {number} of {len(segments)}")
            place.store.verify(segment)
        progress("verify", "the fold")
        found = contents(state, place.release)
        beside = place.folder / "spool" / "verify"
        again = rebuild(beside, place.store, place.release, segments)
        try:
            wanted = contents(again, place.release)
        finally:
            again.close()
            for path in beside.glob("*.duckdb*"):
                path.unlink()
        differing = sorted(name for name in wanted if wanted[name] != found.get(name))
        return {"version": DOCUMENT_VERSION, "ok": not differing, "differing": differing, "segments": len(segments)}
