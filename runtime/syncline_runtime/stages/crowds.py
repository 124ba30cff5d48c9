"""Crowds: values that so many records have that none of them is compared with another by it.

In: ``S/blocks/N`` and ``S/near/N`` of each rule of likeness. Out: an exception per rule, once, with how many values there are, and
how many rows met nobody at all: these may be doubles that nobody has seen.
"""

from __future__ import annotations

from syncline_runtime.ledger import NewException
from syncline_runtime.plan import Plan
from syncline_runtime.stages.context import RunContext
from syncline_runtime.state import quoted

CODE = "SYN5018"


def report_crowds(run: RunContext, plan: Plan) -> None:
    """Tell of rules whose blocks were too large in this run."""
    rules = [step.output.rsplit("/", 1)[1] for step in plan.match if step.output.startswith(f"{plan.name}/near/")]
    for number in rules:
        blocks, near, own, left = (quoted(f"{plan.name}/{role}/{number}") for role in ("blocks", "near", "own", "left"))
        crowded = f"SELECT key, rows FROM {blocks} WHERE rows > 1 AND key NOT IN (SELECT key FROM {near})"
        found, largest = run.state.rows(f"SELECT count(*), max(rows) FROM ({crowded})")[0]
        if not found:
            continue
        alone = run.state.scalar(
            f"SELECT count(*) FROM (SELECT DISTINCT id FROM {own} SEMI JOIN ({crowded}) USING (key)) ANTI JOIN {near} USING (id)"
        )
        of = run.state.scalar(f"SELECT count(*) FROM {left}")
        run.exceptions.append(
            NewException(
                sync=plan.name,
                object=plan.object,
                connection="",
                resource="",
                rule=f"identity rule {number}",
                code=CODE,
                category="conflict",
                message=f"{found} values are shared by too many records to compare these by (up to {largest}); "
                f"{alone} of {of} new records were compared with nobody",
                pattern="duplicate",
                severity="warning",
                side="source",
            )
        )
