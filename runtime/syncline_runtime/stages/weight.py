"""Weight: how much a fault weighs for the business.

In: what a run met, as warnings and errors. Out: the same with severity *warning*, *error* or *critical*: a step up for a
critical field and for a sync of high weight, a step down for one of low weight.
"""

from __future__ import annotations

from dataclasses import replace

from syncline_runtime.ledger import NewException
from syncline_runtime.plan import Plan

SEVERITIES = ("warning", "error", "critical")
STEPS = {"low": -1, "normal": 0, "high": 1}


def weighed(plan: Plan, one: NewException) -> NewException:
    """Give an exception with the severity that its field and its sync lend it."""
    step = STEPS[plan.weight] + (1 if _is_critical(plan, one) else 0)
    level = min(max(SEVERITIES.index(one.severity) + step, 0), len(SEVERITIES) - 1)
    return replace(one, severity=SEVERITIES[level])


def _is_critical(plan: Plan, one: NewException) -> bool:
    """Whether it keeps a critical field, named as the company or as the system names it, from arriving."""
    critical = {field.name for field in plan.fields if field.critical}
    if not one.field or one.field in critical:
        return one.field in critical
    slots = (slot for member in plan.members if member.connection == one.connection for slot in member.slots)
    return any(slot.name in critical and one.field in slot.line for slot in slots)
