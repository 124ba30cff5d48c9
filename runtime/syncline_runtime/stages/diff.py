"""Diff: candidates to intents, and the *across* counts.

In: ``compare``, ``candidates``, ``updates``, ``creates``, ``children`` of every member. Out: ``intents`` (what is to be
sealed), ``held`` (what is held back and why), exceptions. Every candidate is unchanged, held for one reason, or an
intent; each is counted from a relation of its own.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from syncline_runtime.ledger import NewException
from syncline_runtime.plan import Member, Plan
from syncline_runtime.stages.context import RunContext, prefix_of
from syncline_runtime.stages.decisions import carry_out, conclude_decisions
from syncline_runtime.stages.deletion import conclude_deletions, find_followers, hold_edited
from syncline_runtime.stages.leaving import hold_comers, let_go, skip_leavers
from syncline_runtime.stages.references import awaited_by, find_waiting, hold_late, postpone
from syncline_runtime.state import quoted, text

ANY_PAYLOAD = "*"  # in place of a fingerprint: creating again is held whatever the payload
SAYS = {
    "missing": ("SYN5008", "validation", "missing", "the system requires a field for which there is no value"),
    "unfit": ("SYN5009", "validation", "mismatched", "the value does not fit the system's field"),
    "waiting": ("SYN5012", "mapping", "delayed", "it refers to a record that this system does not have yet"),
    "invariant": ("SYN5006", "validation", "mismatched", "the record breaks an invariant"),
    "deleted": ("SYN5010", "conflict", "missing", "it was deleted elsewhere and edited here since: a person decides"),
}


@dataclass(frozen=True)
class Candidate:
    """A write that a run would make."""

    sync: str
    object: str
    connection: str
    resource: str
    operation: str
    canonical_id: str
    native_id: str | None
    part: str
    payload: str  # JSON of native fields
    wants: str  # JSON of slots as text
    correlation_id: str
    before: str = "{}"  # JSON of native fields as last read, each as text; none of a part


def diff(run: RunContext, plan: Plan) -> None:
    """Compare the winners of a sync with every member."""
    if plan.name not in run.touched:
        for member in plan.members:
            _count_nothing(run, plan, member)
        return
    compared = {f"{prefix_of(plan, member)}/compare": member for member in plan.members}
    for step in plan.diff:
        run.state.make(step.output, step.sql)
        if step.output in compared:
            skip_leavers(run, plan, compared[step.output])
            carry_out(run, plan, compared[step.output])
    for member in plan.members:
        find_followers(run, plan, member)
        _hold(run, plan, member)
        let_go(run, plan, member)
        _intents(run, plan, member)


def conclude(run: RunContext, plan: Plan) -> None:
    """Hold what refers to records that no sync of the run creates; say what is held, and count."""
    for member in plan.members if plan.name in run.touched else ():
        hold_late(run, member, prefix_of(plan, member))
        _report(run, plan, member)
        _count(run, plan, member)
    conclude_decisions(run, plan)
    conclude_deletions(run, plan)


def bind_standing(
    run: RunContext,
    in_flight: list[tuple[str, str]],
    refused: list[tuple[str, str, str, str]],
    edited: Sequence[tuple[str, str]] = (),
) -> None:
    """``in_flight``, ``refused`` (with part and fingerprint) and ``edited_since`` it was deleted: connection, canonical_id."""
    record = {"connection": "VARCHAR", "canonical_id": "VARCHAR"}
    run.state.fill("in_flight", record, sorted(set(in_flight)))
    run.state.fill("edited_since", record, sorted(set(edited)))
    columns = {"connection": "VARCHAR", "canonical_id": "VARCHAR", "part": "VARCHAR", "fingerprint": "VARCHAR"}
    run.state.fill("refused", columns, refused)
    run.state.empty("creating", {"object": "VARCHAR", "connection": "VARCHAR", "_cid": "VARCHAR"})


def _writes(plan: Plan, member: Member) -> str:
    """Everything that would be written to a member, one row per record and part."""
    prefix = prefix_of(plan, member)
    resources = "".join(f" WHEN {text(c.slot)} THEN {text(c.resource)}" for c in member.children)
    child_resource = f"CASE slot{resources} END" if resources else "''"
    leavers = (
        f"UNION ALL SELECT _cid, _native_id, 'delete', '', {text(member.resource)}, '{{}}', '{{}}', '', '' "
        f"FROM {quoted(f'{prefix}/leavers')}"
        if any(step.output == f"{prefix}/leavers" for step in plan.diff) and member.on_leave == "delete"
        else ""
    )
    written = f"""
        SELECT _cid, _native_id, 'update' AS operation, '' AS part, {text(member.resource)} AS resource, payload, wants,
               missing, unfit FROM {quoted(f"{prefix}/updates")}
        UNION ALL
        SELECT _cid, NULL, 'create', '', {text(member.resource)}, payload, wants, missing, unfit
        FROM {quoted(f"{prefix}/creates")}
        UNION ALL
        SELECT _cid, child_id, operation, slot, {child_resource}, payload, wants, '', unfit
        FROM {quoted(f"{prefix}/children")}
        {leavers}
    """
    followers = quoted(f"{prefix}/follows")
    return f"""
        SELECT w.* FROM ({written}) AS w ANTI JOIN {followers} AS f ON f._cid = w._cid
        UNION ALL
        SELECT _cid, _native_id, 'delete', '', {text(member.resource)}, '{{}}', '{{}}', '', ''
        FROM {followers} WHERE NOT edited
    """


def _held(run: RunContext, member: Member) -> str:
    """Say why a candidate is held; what could not be read may have the record already, so nothing is created in it."""
    if run.reading(member).error is None:
        return "c.held"
    return "CASE WHEN c.held = '' AND c.operation = 'create' THEN 'unknown' ELSE c.held END"


def _hold(run: RunContext, plan: Plan, member: Member) -> None:
    """``held``: candidates that are not written now, with the reason: one row per record and part."""
    prefix = prefix_of(plan, member)
    children = (child.slot for child in member.children)
    parts = ", ".join(map(text, ["", *children, *(one.slot for one in member.late if one.native)]))
    run.state.make(
        f"{prefix}/units",
        f"SELECT c._cid, {_held(run, member)} AS held, c.broken, p.part FROM {quoted(f'{prefix}/candidates')} AS c, "
        f"(SELECT unnest([{parts}]) AS part) AS p",
    )
    run.state.make(f"{prefix}/writes", _writes(plan, member))
    find_waiting(run, member, prefix)
    postpone(run, plan, member)
    again = _refused_again(run, member, prefix)
    run.state.fill(f"{prefix}/again", {"_cid": "VARCHAR", "part": "VARCHAR"}, again)
    run.state.make(
        f"{prefix}/held",
        f"""
        SELECT u._cid, u.part, CASE
            WHEN u.held <> '' THEN u.held
            WHEN m._cid IS NOT NULL THEN 'missing'
            WHEN w.unfit <> '' THEN 'unfit'
            WHEN r._cid IS NOT NULL THEN 'refused'
            WHEN o._cid IS NOT NULL THEN 'waiting'
            ELSE 'review' END AS reason, coalesce(nullif(u.broken, ''), m.missing, nullif(w.unfit, ''), o.object, v.slots, '') AS detail
        FROM {quoted(f"{prefix}/units")} AS u
        LEFT JOIN {quoted(f"{prefix}/writes")} AS w ON w._cid = u._cid AND w.part = u.part
        LEFT JOIN {quoted(f"{prefix}/writes")} AS m ON m._cid = u._cid AND m.part = '' AND m.missing <> ''
        LEFT JOIN {quoted(f"{prefix}/again")} AS r ON r._cid = u._cid AND r.part = u.part
        LEFT JOIN {quoted(f"{prefix}/waiting")} AS o ON o._cid = u._cid AND o.part = u.part
        LEFT JOIN (SELECT _cid, string_agg(slot, ',' ORDER BY slot) AS slots
                   FROM {quoted(f"{prefix}/compare")} WHERE outcome = 'review' GROUP BY 1) AS v
          ON v._cid = u._cid AND u.part = '' AND w._cid IS NULL
        WHERE u.held <> '' OR m._cid IS NOT NULL OR w.unfit <> '' OR r._cid IS NOT NULL
           OR o._cid IS NOT NULL OR v._cid IS NOT NULL
        """,
    )
    hold_comers(run, plan, member)
    _hold_parts(run, prefix)
    hold_edited(run, plan, member)


def _hold_parts(run: RunContext, prefix: str) -> None:
    """Hold the parts of a record that the member lacks and does not get in this run."""
    held = quoted(f"{prefix}/held")
    run.state.execute(
        f"""
        INSERT INTO {held}
        SELECT u._cid, u.part, 'parent', '' FROM {quoted(f"{prefix}/units")} AS u
        JOIN {quoted(f"{prefix}/candidates")} AS c ON c._cid = u._cid AND c.operation = 'create'
        SEMI JOIN {held} AS h ON h._cid = u._cid AND h.part = ''
        ANTI JOIN {held} AS p ON p._cid = u._cid AND p.part = u.part
        WHERE u.part <> ''
        """
    )


def _refused_again(run: RunContext, member: Member, prefix: str) -> list[tuple[str, str]]:
    """Give writes whose payload the member refused before: they are held, not sent again."""
    found = run.state.rows(
        f"""
        SELECT w._cid, w.part, w.operation, w.payload, w.wants, r.fingerprint FROM {quoted(f"{prefix}/writes")} AS w
        JOIN refused AS r ON r.connection = {text(member.connection)} AND r.canonical_id = w._cid AND r.part = w.part
        """
    )
    return [
        (cid, part)
        for cid, part, operation, payload, wants, fingerprint in found
        if (fingerprint == ANY_PAYLOAD and operation == "create")
        or run.ledger.intents.fingerprint(sealed_payload(payload, wants)) == fingerprint
    ]


def _intents(run: RunContext, plan: Plan, member: Member) -> None:
    prefix = prefix_of(plan, member)
    run.state.make(
        f"{prefix}/intents",
        f"""
        SELECT w.* FROM {quoted(f"{prefix}/writes")} AS w
        ANTI JOIN {quoted(f"{prefix}/held")} AS h ON h._cid = w._cid AND h.part = w.part
        """,
    )
    run.state.execute(
        f"INSERT INTO creating SELECT {text(plan.object)}, {text(member.connection)}, _cid "
        f"FROM {quoted(f'{prefix}/intents')} WHERE operation = 'create' AND part = ''"
    )


def candidates(run: RunContext, plan: Plan, member: Member, *, before: bool = False) -> Iterator[Candidate]:
    """Give the writes of one member, in order: records before their parts, by canonical id; ``before``: with what they replace."""
    if plan.name not in run.touched:
        return
    prefix = prefix_of(plan, member)
    natives = ", ".join(f"{quoted(name)} := i.{quoted(f'native.{name}')}" for name in member.natives)
    image = f"LEFT JOIN {quoted(f'{prefix}/image')} AS i ON w.part = '' AND i._native_id = w._native_id"
    replaced = (
        "CASE WHEN i._native_id IS NULL THEN '{}' " + f"ELSE CAST(to_json(struct_pack({natives})) AS VARCHAR) END"
    )
    causes = " UNION ALL ".join(
        f"SELECT _cid, _correlation FROM {quoted(f'{prefix_of(plan, other)}/image')} WHERE _correlation IS NOT NULL"
        for other in plan.members
    )
    for cid, native_id, operation, part, resource, payload, wants, correlation, was in run.state.rows(
        f"""
        SELECT w._cid, w._native_id, w.operation, w.part, w.resource, w.payload, w.wants, c.correlation,
               {replaced if before else "'{}'"}
        FROM {quoted(f"{prefix}/intents")} AS w {image if before else ""}
        LEFT JOIN (SELECT _cid, min(_correlation) AS correlation FROM ({causes}) GROUP BY 1) AS c ON c._cid = w._cid
        ORDER BY w._cid, w.part
        """
    ):
        yield Candidate(
            plan.name, plan.object, member.connection, resource, operation, cid, native_id, part, payload, wants,
            correlation or f"{run.run_id}-{cid[:8]}", was,
        )  # fmt: skip


def _report(run: RunContext, plan: Plan, member: Member) -> None:
    prefix = prefix_of(plan, member)
    owners = {field.name: field.owner for field in plan.fields}
    awaited = awaited_by(run, prefix)
    for cid, reason, detail in run.state.rows(
        f"SELECT _cid, reason, detail FROM {quoted(f'{prefix}/held')} "
        f"WHERE (part = '' AND reason IN ('missing', 'invariant', 'deleted')) OR reason IN ('unfit', 'waiting') ORDER BY 1"
    ):
        code, category, pattern, says = SAYS[reason]
        for field in detail.split(",") if detail else [""]:
            run.exceptions.append(
                NewException(
                    sync=plan.name,
                    object=plan.object,
                    connection=member.connection,
                    resource=member.resource,
                    rule=f"{reason} {field}".strip(),
                    code=code,
                    category=category,
                    message=f"{says}: {field}" if field else says,
                    canonical_id=cid,
                    field=field if reason != "invariant" else "",
                    pattern=pattern,
                    severity="warning" if reason == "deleted" else "error",
                    side="destination" if reason in ("missing", "unfit") else "source",
                    owner=owners.get(field, ""),
                    correlation_id=f"{run.run_id}-{cid[:8]}",
                    waits_for=awaited.get(cid) if reason == "waiting" else None,
                )
            )


def _count(run: RunContext, plan: Plan, member: Member) -> None:
    """Give the *across* equation of one member."""
    prefix, connection = prefix_of(plan, member), member.connection
    units, held, intents = (quoted(f"{prefix}/{role}") for role in ("units", "held", "intents"))
    run.count(plan.name, "across", connection, "candidates", run.state.scalar(f"SELECT count(*) FROM {units}"))
    unchanged = f"""
        SELECT count(*) FROM {units} AS u
        ANTI JOIN {held} AS h ON h._cid = u._cid AND h.part = u.part
        ANTI JOIN {quoted(f"{prefix}/writes")} AS w ON w._cid = u._cid AND w.part = u.part
    """  # not "what is no intent": one that was lost on the way would count as unchanged
    run.count(plan.name, "across", connection, "unchanged", run.state.scalar(unchanged))
    for reason, value in run.state.rows(f"SELECT reason, count(*) FROM {held} GROUP BY 1 ORDER BY 1"):
        run.count(plan.name, "across", connection, "held", value, reason)
    run.count(plan.name, "across", connection, "new_intents", run.state.scalar(f"SELECT count(*) FROM {intents}"))


def _count_nothing(run: RunContext, plan: Plan, member: Member) -> None:
    for name in ("candidates", "unchanged", "new_intents"):
        run.count(plan.name, "across", member.connection, name, 0)


def outcomes(run: RunContext, plan: Plan) -> list[dict[str, object]]:
    """Field outcomes other than plain updates, for people: unowned edits, overwrites, reviews."""
    if plan.name not in run.touched:
        return []
    found: list[dict[str, object]] = []
    for member in plan.members:
        for cid, native_id, slot, outcome in run.state.rows(
            f"SELECT _cid, _native_id, slot, outcome FROM {quoted(f'{prefix_of(plan, member)}/compare')} "
            "WHERE outcome IN ('restore', 'overwrite', 'review', 'first_link', 'remapped') ORDER BY 1, 3"
        ):
            found.append(
                {
                    "sync": plan.name,
                    "connection": member.connection,
                    "canonical_id": cid,
                    "native_id": native_id,
                    "field": slot,
                    "outcome": "unowned_edit" if outcome == "restore" else outcome,
                    "action": {"restore": "restored", "review": "held for review"}.get(outcome, "written"),
                }
            )
    return found


def told_merges(run: RunContext) -> list[dict[str, object]]:
    """Give the merges that systems told, for people."""
    return [
        {
            "sync": one.sync, "connection": one.connection, "canonical_id": one.canonical_id, "native_id": one.gone,
            "field": "", "outcome": "merged", "action": f"{one.gone} is part of {one.into}",
        }
        for one in run.merges
    ]  # fmt: skip


def sealed_payload(payload: str, wants: str | None) -> dict[str, object]:
    """Say what an intent's payload holds: the native fields to send and the slots they make agreed."""
    return {"natives": json.loads(payload), "wants": json.loads(wants or "{}")}
