"""Absence: which linked records a member no longer has.

In: ``class``, ``compared`` and ``stored``. Out: ``gone`` per member. A delete is known only from a tombstone, or from a
read that showed every live record; never from an empty or failed read. More than the delete guard allows is not believed
without approval.
"""

from __future__ import annotations

from syncline_runtime.ledger import NewException
from syncline_runtime.plan import Member, Plan
from syncline_runtime.stages.context import RunContext, prefix_of
from syncline_runtime.state import quoted


def find_gone(run: RunContext, plan: Plan, member: Member) -> None:
    """``gone``: the native ids of linked records that were deleted in the system."""
    prefix = prefix_of(plan, member)
    classes, compared = quoted(f"{prefix}/class"), quoted(f"{prefix}/compared")
    visible_after = run.release.system_of(member.connection).visible_after * 1_000_000
    told = f"SELECT _native_id FROM {classes} WHERE class = 'tombstone'"
    absent = f"SELECT _native_id FROM {compared} WHERE how = 'absent'"
    visible = f"b._written IS NULL OR b._written + {visible_after} <= {run.started_at}"
    run.state.make(
        f"{prefix}/gone",
        f"SELECT b._native_id, b._cid FROM {quoted(f'{prefix}/stored')} AS b WHERE b._status <> 'gone' "
        f"AND (b._native_id IN ({told}) OR b._native_id IN ({absent}) AND ({visible}))",
    )
    if member.when_deleted == "review":
        _report(run, plan, member)


def gone_of(run: RunContext, plan: Plan, member: Member) -> list[str]:
    """List the native ids of ``gone``."""
    return [row[0] for row in run.state.rows(f"SELECT _native_id FROM {quoted(f'{prefix_of(plan, member)}/gone')}")]


def _report(run: RunContext, plan: Plan, member: Member) -> None:
    gone = quoted(f"{prefix_of(plan, member)}/gone")
    for native_id, cid in run.state.rows(f"SELECT _native_id, _cid FROM {gone} WHERE _cid IS NOT NULL ORDER BY 1"):
        run.exceptions.append(
            NewException(
                sync=plan.name,
                object=plan.object,
                connection=member.connection,
                resource=member.resource,
                rule="when_deleted_in",
                code="SYN5010",
                category="conflict",
                message=f"the record was deleted in {member.connection}: a person decides what becomes of the others",
                native_id=native_id,
                canonical_id=cid,
                pattern="missing",
                severity="warning",
                side="source",
                correlation_id=f"{run.run_id}-{cid[:8]}",
            )
        )
