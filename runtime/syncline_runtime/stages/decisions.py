"""Decisions: what people decided of fields in review, and the reviews that they have not decided yet.

In: decisions in force, ``winner`` and ``side`` of the record. Out: the decided value in ``winner``, so that it is compared
and written like any other; exceptions for fields that wait, with what each member shows.
Invariant: a decision holds only while every member shows what it showed when it was made, or what was decided: what is
newer is never overwritten by it.
"""

from __future__ import annotations

from typing import Any

from syncline_runtime.ledger import Decision, NewException
from syncline_runtime.plan import Member, Plan, PlanField
from syncline_runtime.stages.context import RunContext, prefix_of
from syncline_runtime.state import quoted, text

DECIDED = -2  # the source of a value that a person gave
PERSON = "decision"  # how that source is told
WRITES = ("update", "restore", "overwrite", "first_link", "remapped")  # outcomes that lead to a write


def bind_decisions(run: RunContext) -> None:
    """Take what people decided; the records are looked at again though nothing came."""
    run.decisions = run.ledger.decisions.standing()


def apply_decisions(run: RunContext, plan: Plan) -> None:
    """Put what was decided into ``winner``; a decision that a newer value has overtaken ends."""
    for one in _of(run, plan):
        field = _field(plan, one)
        if field is None:
            run.ended_decisions[one.id] = "superseded"
            continue
        known = _shown(run, plan, one.canonical_id, field)
        if not known:
            continue  # the record is not looked at in this run
        if _overtaken(one, known):
            run.ended_decisions[one.id] = "superseded"
        else:
            _decide(run, plan, one, field)


def carry_out(run: RunContext, plan: Plan, member: Member) -> None:
    """Let a member's ``compare`` write what was decided where its rule alone would ask again."""
    for one in _of(run, plan):
        if one.id not in run.ended_decisions:
            run.state.execute(
                f"UPDATE {quoted(f'{prefix_of(plan, member)}/compare')} "
                "SET outcome = CASE WHEN want IS NOT DISTINCT FROM agreed THEN 'restore' ELSE 'overwrite' END "
                f"WHERE _cid = {text(one.canonical_id)} AND slot = {text(one.field)} AND outcome = 'review'"
            )


def conclude_decisions(run: RunContext, plan: Plan) -> None:
    """Let decisions end that every member shows; tell of the fields that still wait for one."""
    if plan.name not in run.touched:
        return
    for one in _of(run, plan):
        if one.id not in run.ended_decisions and _is_carried_out(run, plan, one):
            run.ended_decisions[one.id] = "done"
    run.exceptions += _reviews(run, plan)


def _of(run: RunContext, plan: Plan) -> list[Decision]:
    return [one for one in run.decisions if one.object == plan.object]


def _field(plan: Plan, one: Decision) -> PlanField | None:
    return next((field for field in plan.fields if field.name == one.field and field.owner != "derived"), None)


def _shown(run: RunContext, plan: Plan, cid: str, field: PlanField) -> dict[str, tuple[bool, str | None]]:
    """Give per member that reads a field whether its value is known now, and the value as text."""
    found: dict[str, tuple[bool, str | None]] = {}
    for member in plan.members:
        if any(slot.name == field.name and slot.reads for slot in member.slots):
            rows = run.state.rows(
                f"SELECT _known, CAST({quoted(f'now.{field.name}')} AS VARCHAR) FROM {_side(plan, member)} "
                f"WHERE _cid = {text(cid)} AND _holds"
            )
            found.update((member.connection, (bool(known), value)) for known, value in rows)
    return found


def _side(plan: Plan, member: Member) -> str:
    return quoted(f"{prefix_of(plan, member)}/side")


def _overtaken(one: Decision, shown: dict[str, tuple[bool, str | None]]) -> bool:
    values = one.values or {}
    seen: dict[str, Any] = values.get("seen") or {}
    return any(
        known and value != values.get("value") and value != seen.get(connection, values.get("value"))
        for connection, (known, value) in shown.items()
    )


def _decide(run: RunContext, plan: Plan, one: Decision, field: PlanField) -> None:
    values = one.values or {}
    orders = {member.connection: order for order, member in enumerate(plan.members)}
    decided = "NULL" if values.get("value") is None else text(values["value"])
    changes = {
        field.name: f"TRY_CAST({decided} AS {field.sql_type})",
        f"from.{field.name}": str(orders.get(values.get("take") or "", DECIDED)),
        f"frozen.{field.name}": "false",
    }
    listed = ", ".join(f"{quoted(name)} = {value}" for name, value in changes.items())
    run.state.execute(f"UPDATE {quoted(f'{plan.name}/winner')} SET {listed} WHERE _cid = {text(one.canonical_id)}")


def _is_carried_out(run: RunContext, plan: Plan, one: Decision) -> bool:
    cid = text(one.canonical_id)
    outcomes = ", ".join(map(text, (*WRITES, "review")))
    for member in plan.members:
        if run.state.scalar(
            f"SELECT (SELECT count(*) FROM {quoted(f'{prefix_of(plan, member)}/compare')} "
            f"WHERE _cid = {cid} AND slot = {text(one.field)} AND outcome IN ({outcomes})) "
            f"+ (SELECT count(*) FROM {_side(plan, member)} WHERE _cid = {cid} AND _holds AND NOT _known)"
        ):
            return False
    return bool(run.state.scalar(f"SELECT count(*) FROM {quoted(f'{plan.name}/golden')} WHERE _cid = {cid}"))


def _reviews(run: RunContext, plan: Plan) -> list[NewException]:
    """One exception per record and field that waits for a decision, whatever else of the record is written."""
    waiting: dict[tuple[str, str], Member] = {}
    for member in plan.members:
        for cid, slot in run.state.rows(
            f"SELECT _cid, slot FROM {quoted(f'{prefix_of(plan, member)}/compare')} WHERE outcome = 'review' ORDER BY 1, 2"
        ):
            waiting.setdefault((cid, slot), member)
    return [_review(run, plan, member, cid, slot) for (cid, slot), member in waiting.items()]


def _review(run: RunContext, plan: Plan, member: Member, cid: str, slot: str) -> NewException:
    field = next((field for field in plan.fields if field.name == slot), None)
    shown = _shown(run, plan, cid, field) if field else {}
    return NewException(
        sync=plan.name,
        object=plan.object,
        connection=member.connection,
        resource=member.resource,
        rule=f"review {slot}",
        code="SYN5011",
        category="conflict",
        message=f"a person decides which value stays: {slot}",
        canonical_id=cid,
        field=slot,
        pattern="overwritten",
        severity="warning",
        side="source",
        owner=field.owner if field else "",
        correlation_id=f"{run.run_id}-{cid[:8]}",
        values={"members": {connection: value for connection, (known, value) in shown.items() if known}},
    )
