"""What people say of an exception about identity: which record it is, or that it is one of its own.

In: an exception about a row that is linked to nothing, or about a create of which nobody knows whether it was done. Out: a
link in the crosswalk; the next run goes on from it.
"""

from __future__ import annotations

from typing import Any

from syncline_runtime.crosswalk import Native, changing
from syncline_runtime.errors import UsageError
from syncline_runtime.exception_actions import Act, done, standing
from syncline_runtime.upkeep.session import Place, opened_ledger


def link(place: Place, act: Act, to: str | None) -> dict[str, Any]:
    """Link the record of an exception: a row to a known record (None: to one of its own), or a record to a native id."""
    with opened_ledger(place) as ledger:
        (one,) = standing(ledger, act)
    if not one.native_id and not one.canonical_id:
        raise UsageError(
            f"exception {one.id} is about no one record", mend="`syncline exceptions show` tells what to do"
        )
    if one.canonical_id and to is None:
        raise UsageError(f"the record of exception {one.id} is known already", mend=f"name its id in {one.connection}")
    opened = changing(
        place,
        one.object,
        by=act.by,
        reason=act.words or f"exception {one.id}",
    )
    with opened as crosswalk:
        if one.canonical_id:
            cid = crosswalk.link(Native(one.connection, to or ""), one.canonical_id)
        else:
            of = Native(one.connection, one.native_id)
            cid = crosswalk.split(of) if to is None else crosswalk.link(of, to)
    with opened_ledger(place) as ledger:
        ledger.casework.retry([one], act.by, f"to {cid}" + (f": {act.words}" if act.words else ""), "link")
        return done(ledger, "link", [one]) | {"linked_to": cid}
