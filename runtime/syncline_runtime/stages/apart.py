"""Apart: what a person has parted, no rule joins again.

In: decisions of match, links that a person ended. Out: such decisions taken back; the record waits for a person.
"""

from __future__ import annotations

from syncline_runtime.plan import Plan
from syncline_runtime.stages.context import RunContext
from syncline_runtime.state import quoted, text


def keep_apart(run: RunContext, plan: Plan) -> None:
    """Let rows wait that would be linked to what a person took them from."""
    parted = f"{quoted('links:all')} AS k WHERE k.state = 'unlinked' AND k.object = {text(plan.object)}"
    if not run.state.scalar(f"SELECT count(*) FROM {parted}"):
        return
    outputs = [step.output for step in plan.match if step.output.startswith(f"{plan.name}/match")]
    for output in outputs:  # that of each rule too: it is asked whom else a row looks like
        run.state.execute(
            f"""
            UPDATE {quoted(output)} AS m SET _cid = NULL, state = 'review', how = 'parted'
            WHERE EXISTS (SELECT 1 FROM {parted} AND k.connection = m.connection AND k.native_id = m._native_id
                            AND (k.canonical_id = m._cid OR m.how = 'originated'))
            """
        )
