"""What systems made of what was written: trimmed, rounded, filled with a default.

In: the relation of confirmed rows of a member, and its base before. Out: one outcome per slot that is not as it was wanted,
told when that comes to be so and not again while the same is wanted. Invariant: nothing is written because of it.
"""

from __future__ import annotations

import json

from syncline_runtime.plan import Member, Plan
from syncline_runtime.stages.context import RunContext, prefix_of
from syncline_runtime.state import quoted


def tell_altered(run: RunContext, plan: Plan, member: Member, acked: str) -> None:
    """Note which slots a member keeps otherwise than they were sent; ``acked`` names the relation of confirmed rows."""
    before = quoted(f"{prefix_of(plan, member)}/base")
    rows = run.state.rows(
        f"SELECT a._cid, a._native_id, a._synced, b._synced FROM {quoted(acked)} a LEFT JOIN {before} b USING (_native_id) "
        "WHERE a._synced IS NOT NULL AND a._synced IS DISTINCT FROM b._synced ORDER BY 1"
    )
    for cid, native_id, now, known in rows:
        told = json.loads(known or "{}")
        for slot, wanted in sorted(json.loads(now).items()):
            if told.get(slot) != wanted:
                run.altered.append(
                    {
                        "sync": plan.name,
                        "connection": member.connection,
                        "canonical_id": cid,
                        "native_id": native_id,
                        "field": slot,
                        "outcome": "altered",
                        "action": "left as the system keeps it",
                    }
                )
