"""What must not stay on the disk: files that interrupted work left, and what the ledger has forgotten.

In: the register. Out: files gone. Invariant: a file goes only if no realm's register names it and the run that wrote it has
ended.
"""

from __future__ import annotations

import shutil
from pathlib import Path

from syncline_runtime.fold import rebuild
from syncline_runtime.folders import PLANNED
from syncline_runtime.ledger import Ledger
from syncline_runtime.ledger.holder import this_process
from syncline_runtime.plan import Release
from syncline_runtime.segments import SegmentStore, run_of
from syncline_runtime.upkeep.check import check_segments

LEASE_TTL = 3_600_000_000  # microseconds


def sweep(store: SegmentStore, ledger: Ledger) -> int:
    """Remove files that interrupted work has left; returns how many. No run may be under way."""
    named = {store.locate(one) for one in ledger.register.everyones()}
    strays = [path for path in store.published() if path not in named]
    ended = ledger.runs.known(map(run_of, strays))
    removed = [path for path in strays if ended.get(run_of(path))]
    for path in removed:
        path.unlink(missing_ok=True)
    return len(removed) + store.clear_drafts()


def finish_erasures(folder: Path, store: SegmentStore, ledger: Ledger, release: Release) -> None:
    """Let the files follow what the ledger has forgotten: segments, the fold, the spool, what was planned, the ledger's own file."""
    if not ledger.erasures.unfinished():
        return
    lease = ledger.leases.acquire(["state", *release.plans], this_process(), LEASE_TTL)
    try:
        check_segments(store, ledger)
        sweep(store, ledger)
        rebuild(folder, store, release, ledger.register.segments()).close()
        for path in (folder / "spool").iterdir():
            shutil.rmtree(path) if path.is_dir() else path.unlink()
        shutil.rmtree(folder / PLANNED, ignore_errors=True)
        ledger.erasures.finish(lease)
    finally:
        ledger.leases.release(lease)
