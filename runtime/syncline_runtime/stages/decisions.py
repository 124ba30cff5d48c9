"""Decisions: what people decided of fields in review, and the reviews that they have not decided yet.

In: decisions in force, ``winner`` and ``side`` of the record. Out: the decided value in ``winner``, so that it is compared
and written like any other; exceptions for fields that wait, with what each member shows.
Invariant: a decision holds only while every member shows what it showed when it was made, or what was decided: what is
newer is never overwritten by it. However many wait, the queries are as many as members and fields.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from syncline_runtime.ledger import Decision, NewException
from syncline_runtime.plan import Member, Plan, PlanField
from syncline_runtime.stages.context import RunContext, prefix_of
from syncline_runtime.stages.deletion import DELETION
from syncline_runtime.stages.told_merges import MERGED
from syncline_runtime.state import quoted, text

DECIDED = -2  # the source of a value that a person gave
PERSON = "decision"  # how that source is told
WRITES = ("update", "restore", "overwrite", "first_link", "remapped")  # outcomes that lead to a write
COLUMNS = {"id": "BIGINT", "_cid": "VARCHAR", "slot": "VARCHAR", "value": "VARCHAR", "source": "INTEGER"}
Shown = dict[
    str, tuple[bool, str | None]
]  # member that reads the field → whether its value is known now, and the value


def bind_decisions(run: RunContext) -> None:
    """Take what people decided; the records are looked at again though nothing came."""
    run.decisions = [one for one in run.ledger.decisions.standing() if one.field != MERGED]


def apply_decisions(run: RunContext, plan: Plan) -> None:
    """Put what was decided into ``winner``; a decision that a newer value has overtaken ends."""
    asked = _of(run, plan)
    if not asked:
        return
    fields = {field.name: field for field in plan.fields if field.owner != "derived"}
    run.ended_decisions.update((one.id, "superseded") for one in asked if one.field not in fields)
    _bind(run, plan, asked)
    shown = _shown(run, plan, _decided(plan))
    for one in asked:
        if _overtaken(one, shown.get((one.canonical_id, one.field), {})):
            run.ended_decisions[one.id] = "superseded"
    _bind(run, plan, asked)
    for name in sorted({one.field for one in asked} & set(fields)):
        run.state.execute(_into_winner(plan, fields[name]))


def carry_out(run: RunContext, plan: Plan, member: Member) -> None:
    """Let a member's ``compare`` write what was decided where its rule alone would ask again."""
    if _of(run, plan):
        run.state.execute(
            f"UPDATE {quoted(f'{prefix_of(plan, member)}/compare')} AS c "
            "SET outcome = CASE WHEN want IS NOT DISTINCT FROM agreed THEN 'restore' ELSE 'overwrite' END "
            f"FROM {quoted(_decided(plan))} AS d WHERE d._cid = c._cid AND d.slot = c.slot AND c.outcome = 'review'"
        )


def conclude_decisions(run: RunContext, plan: Plan) -> None:
    """Let decisions end that every member shows; tell of the fields that still wait for one."""
    if plan.name not in run.touched:
        return
    if _of(run, plan):
        run.ended_decisions.update((number, "done") for (number,) in run.state.rows(_carried_out(plan)))
    run.exceptions += _reviews(run, plan)


def _of(run: RunContext, plan: Plan) -> list[Decision]:
    return [one for one in run.decisions if one.object == plan.object and one.field != DELETION]


def _decided(plan: Plan) -> str:
    return f"{plan.name}/decided"


def _bind(run: RunContext, plan: Plan, asked: Iterable[Decision]) -> None:
    """``S/decided``: the decisions that have not ended."""
    orders = {member.connection: order for order, member in enumerate(plan.members)}
    rows = []
    for one in asked:
        values = one.values or {}
        source = orders.get(values.get("take") or "", DECIDED)
        if one.id not in run.ended_decisions:
            rows.append((one.id, one.canonical_id, one.field, values.get("value"), source))
    run.state.fill(_decided(plan), COLUMNS, rows)


def _into_winner(plan: Plan, field: PlanField) -> str:
    changes = {
        field.name: f"TRY_CAST(d.value AS {field.sql_type})",
        f"from.{field.name}": "d.source",
        f"frozen.{field.name}": "false",
    }
    listed = ", ".join(f"{quoted(name)} = {value}" for name, value in changes.items())
    return (
        f"UPDATE {quoted(f'{plan.name}/winner')} AS w SET {listed} FROM {quoted(_decided(plan))} AS d "
        f"WHERE d._cid = w._cid AND d.slot = {text(field.name)}"
    )


def _shown(run: RunContext, plan: Plan, relation: str) -> dict[tuple[str, str], Shown]:
    """Give what members show of the fields that a relation (_cid, slot) names, by canonical id and field."""
    asked = {slot for (slot,) in run.state.rows(f"SELECT DISTINCT slot FROM {quoted(relation)}")}
    named = asked & {field.name for field in plan.fields}
    found: dict[tuple[str, str], Shown] = {}
    for member in plan.members:
        queries = [
            f"SELECT r._cid, r.slot, s._known, CAST(s.{quoted(f'now.{slot.name}')} AS VARCHAR) "
            f"FROM {quoted(relation)} AS r JOIN {_side(plan, member)} AS s ON s._cid = r._cid AND s._holds "
            f"WHERE r.slot = {text(slot.name)}"
            for slot in member.slots
            if slot.reads and slot.name in named
        ]
        for cid, slot, known, value in run.state.rows(" UNION ALL ".join(queries)) if queries else ():
            found.setdefault((cid, slot), {})[member.connection] = (bool(known), value)
    return found


def _side(plan: Plan, member: Member) -> str:
    return quoted(f"{prefix_of(plan, member)}/side")


def _overtaken(one: Decision, shown: Shown) -> bool:
    values = one.values or {}
    seen: dict[str, Any] = values.get("seen") or {}
    return any(
        known and value != values.get("value") and value != seen.get(connection, values.get("value"))
        for connection, (known, value) in shown.items()
    )


def _carried_out(plan: Plan) -> str:
    """Give the decisions that every member shows: nothing of them is to be written, and nobody's value is unknown."""
    outcomes = ", ".join(map(text, (*WRITES, "review")))
    joins = "".join(
        f" ANTI JOIN (SELECT * FROM {quoted(f'{prefix_of(plan, member)}/compare')} WHERE outcome IN ({outcomes})) AS c{order} "
        f"ON c{order}._cid = d._cid AND c{order}.slot = d.slot "
        f"ANTI JOIN (SELECT * FROM {_side(plan, member)} WHERE _holds AND NOT _known) AS s{order} ON s{order}._cid = d._cid"
        for order, member in enumerate(plan.members)
    )
    looked_at = f" SEMI JOIN {quoted(f'{plan.name}/golden')} AS g ON g._cid = d._cid"
    return f"SELECT d.id FROM {quoted(_decided(plan))} AS d{looked_at}{joins}"


def _reviews(run: RunContext, plan: Plan) -> Iterator[NewException]:
    """One exception per record and field that waits for a decision, whatever else of the record is written."""
    waiting = " UNION ALL ".join(
        f"SELECT _cid, slot, {order} AS place FROM {quoted(f'{prefix_of(plan, member)}/compare')} WHERE outcome = 'review'"
        for order, member in enumerate(plan.members)
    )
    relation = f"{plan.name}/reviews"
    run.state.make(relation, f"SELECT _cid, slot, min(place) AS place FROM ({waiting}) GROUP BY 1, 2")
    rows = run.state.rows(f"SELECT place, _cid, slot FROM {quoted(relation)} ORDER BY ALL")
    shown = _shown(run, plan, relation) if rows else {}
    owners = {field.name: field.owner for field in plan.fields}
    for order, cid, slot in rows:
        yield _review(run, plan, plan.members[order], (cid, slot), owners.get(slot, ""), shown.get((cid, slot), {}))


def _review(run: RunContext, plan: Plan, member: Member, of: tuple[str, str], owner: str, shown: Shown) -> NewException:
    cid, slot = of
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
        owner=owner,
        correlation_id=f"{run.run_id}-{cid[:8]}",
        values={"members": {connection: value for connection, (known, value) in shown.items() if known}},
    )
