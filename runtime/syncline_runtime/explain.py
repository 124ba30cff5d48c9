"""The second reader of a release: what happened, read from ledger and state, changing nothing.

In: release, binding, state folder. Out: documents (JSON values) that ``report`` prints.
"""

from __future__ import annotations

from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from syncline_runtime.binding import Binding
from syncline_runtime.ledger import Ledger
from syncline_runtime.ledger.equations import unequal
from syncline_runtime.plan import Release
from syncline_runtime.report import DOCUMENT_VERSION, moment
from syncline_runtime.state import State
from syncline_runtime.upkeep import integrity, session
from syncline_runtime.upkeep.session import Place


def opened_ledger(binding: Binding, folder: Path, url: str | None) -> AbstractContextManager[Ledger]:
    """Open the ledger of runs that have been made; StateError if there were none."""
    return session.opened_ledger(binding, folder, url)


def opened_state(
    release: Release, binding: Binding, folder: Path, url: str | None
) -> AbstractContextManager[tuple[Ledger, State]]:
    """Open ledger and state, the state folded up to the ledger."""
    return session.opened_state(Place(release, binding, folder, url))


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


def verify_state(release: Release, binding: Binding, folder: Path, url: str | None) -> dict[str, Any]:
    """Check every segment, and that the state holds what they fold to."""
    return integrity.verify_state(Place(release, binding, folder, url))
