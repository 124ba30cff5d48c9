"""The second reader of a release: what happened, read from ledger and state, changing nothing.

In: release, binding, state folder. Out: documents (JSON values) that ``report`` prints.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from syncline_runtime.binding import Binding
from syncline_runtime.errors import StateError
from syncline_runtime.ledger import FILE, SEGMENTS, Ledger, Realm, open_ledger
from syncline_runtime.ledger.equations import unequal
from syncline_runtime.plan import Release
from syncline_runtime.report import DOCUMENT_VERSION, moment
from syncline_runtime.run import clock_now
from syncline_runtime.segments import SegmentStore
from syncline_runtime.state import State, rebuild


@contextmanager
def opened_ledger(binding: Binding, folder: Path, url: str | None) -> Iterator[Ledger]:
    """Open the ledger of runs that have been made; StateError if there were none."""
    if url is None and not (folder / FILE).exists():
        raise StateError(
            "there is no state here: nothing has run yet",
            place=str(folder),
            mend="run once with `syncline run`, or name the folder with --state",
            code="SYN6008",
        )
    with open_ledger(url or folder / FILE, Realm(binding.project, binding.environment), clock_now) as ledger:
        yield ledger


@contextmanager
def opened_state(release: Release, binding: Binding, folder: Path, url: str | None) -> Iterator[tuple[Ledger, State]]:
    """Open ledger and state, the state folded up to the ledger."""
    with opened_ledger(binding, folder, url) as ledger:
        state = State(folder, SegmentStore(folder / SEGMENTS))
        try:
            state.fold(release, ledger.register.segments())
            yield ledger, state
        finally:
            state.close()


def status(release: Release, binding: Binding, folder: Path, url: str | None, most: int) -> dict[str, Any]:
    """Last runs, backlog, counts of the last run, open exceptions."""
    with opened_ledger(binding, folder, url) as ledger:
        runs = ledger.runs.last(most)
        counted = next(
            (one for one in runs if one.status == "done" and "writes" in one.summary), None
        )  # read to the end
        counts = ledger.runs.counts(counted.id) if counted else []
        broken = unequal(counts)
        return {
            "version": DOCUMENT_VERSION,
            "project": release.index.project,
            "environment": binding.environment,
            "runs": [
                {
                    "id": one.id,
                    "started_at": moment(one.started_at),
                    "closed_at": moment(one.closed_at),
                    "status": one.status,
                    "exit_code": one.exit_code,
                    "summary": dict(one.summary),
                }
                for one in runs
            ],
            "backlog": [
                {"connection": b.connection, "state": b.state, "intents": b.intents, "oldest": moment(b.oldest)}
                for b in ledger.intents.backlog()
            ],
            "conservation": {"run": counted.id if counted else None, "holds": not broken, "broken": broken},
            "counts": [
                {
                    "sync": c.sync,
                    "equation": c.equation,
                    "subject": c.subject,
                    "name": c.name,
                    "detail": c.detail,
                    "value": c.value,
                }
                for c in counts
            ],
            "open_exceptions": len(ledger.exceptions.find()),
        }


def rebuild_state(release: Release, binding: Binding, folder: Path, url: str | None) -> Mapping[str, Any]:
    """Make the state again from the segments."""
    with opened_ledger(binding, folder, url) as ledger:
        segments = ledger.register.segments()
        rebuild(folder, SegmentStore(folder / SEGMENTS), release, segments).close()
        return {"version": DOCUMENT_VERSION, "segments": len(segments)}


def verify_state(release: Release, binding: Binding, folder: Path, url: str | None) -> dict[str, Any]:
    """Check every segment, and that the state holds what they fold to."""
    store = SegmentStore(folder / SEGMENTS)
    with opened_state(release, binding, folder, url) as (ledger, state):
        segments = ledger.register.segments()
        for segment in segments:
            store.verify(segment)
        found = state.contents(release)
        beside = folder / "spool" / "verify"
        again = rebuild(beside, store, release, segments)
        try:
            wanted = again.contents(release)
        finally:
            again.close()
            for path in beside.glob("*.duckdb*"):
                path.unlink()
        differing = sorted(name for name in wanted if wanted[name] != found.get(name))
        return {"version": DOCUMENT_VERSION, "ok": not differing, "differing": differing, "segments": len(segments)}
