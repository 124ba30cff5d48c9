"""The second reader of a release: what happened, read from ledger and state, changing nothing.

In: a place. Out: documents (JSON values) that ``report`` prints.
"""

from __future__ import annotations

from typing import Any

from syncline_runtime.ledger.equations import unequal
from syncline_runtime.report import DOCUMENT_VERSION, moment
from syncline_runtime.upkeep.session import Place, opened_ledger


def status(place: Place, most: int) -> dict[str, Any]:
    """Last runs, backlog, counts of the last run, open exceptions."""
    with opened_ledger(place) as ledger:
        runs = ledger.runs.last(most)
        counted = next(
            (one for one in runs if one.status == "done" and "writes" in one.summary), None
        )  # read to the end
        counts = ledger.runs.counts(counted.id) if counted else []
        broken = unequal(counts)
        return {
            "version": DOCUMENT_VERSION,
            "project": place.release.index.project,
            "environment": place.binding.environment,
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
