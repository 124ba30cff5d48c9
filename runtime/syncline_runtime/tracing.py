"""Trace: of one record, what each field holds, where that came from, what lost against it and why, and every write.

In: release, binding, state folder, an id: canonical, or a native one of any member. Out: a document (JSON values). Personal
data are masked. Nothing is changed.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any

from syncline_runtime.crosswalk import Crosswalk
from syncline_runtime.errors import UsageError
from syncline_runtime.exception_documents import exception_document
from syncline_runtime.ledger import Decision, Ledger
from syncline_runtime.moves import as_named_now
from syncline_runtime.plan import Plan, PlanField, Release
from syncline_runtime.private import private_natives
from syncline_runtime.report import DOCUMENT_VERSION, MASK, moment
from syncline_runtime.stages.decisions import PERSON
from syncline_runtime.stages.leaving import RULE
from syncline_runtime.state import State, quoted, text
from syncline_runtime.untraced import untraced
from syncline_runtime.upkeep.session import Place, opened_state

MONEY = re.compile(r"\{'amount': (-?[0-9.]+), 'currency': ([A-Z]{3})\}")  # an amount as the engine writes it
LOST = ("restore", "overwrite", "first_link")
WHY = {
    "update": "{source} has changed it",
    "restore": "{connection} does not decide it: its edit was taken back",
    "overwrite": "{connection} had changed it too; {rule} decides",
    "first_link": "first linked: {source} decides what stays",
    "remapped": "the mapping has changed",
    "review": "a person decides",
    "converged": "{connection} shows the same",
    "accepted": "the change of {connection} was taken",
}


def trace(place: Place, object_: str, id_: str, field: str | None) -> dict[str, Any]:
    """One record: links, current values and their sources, outcomes, writes, exceptions."""
    release = place.release
    plan = _plan(release, object_)
    _refuse_unknown(plan, field)
    with opened_state(place) as (ledger, state):
        try:
            cid = Crosswalk(release, plan, state, str(ledger.realm)).resolve(id_)
        except UsageError as unknown:
            raise untraced(release, ledger, state, plan.object, id_) or unknown from None
        history = _history(release, plan, state, cid, field)
        links = quoted("links:all")
        return {
            "version": DOCUMENT_VERSION,
            "object": plan.object,
            "object_version": plan.version,
            "release": release.hash,
            "canonical_id": cid,
            "links": _rows(
                state, f"SELECT * FROM {links} WHERE canonical_id = {text(cid)} ORDER BY connection, native_id"
            ),
            "fields": _fields(release, ledger, plan, state, cid, field, history),
            "history": history,
            "writes": _writes(release, ledger, [cid, *_former(state, cid)], field),
            "exceptions": [
                exception_document(one)
                for one in ledger.exceptions.find()
                if one.canonical_id == cid and field in (None, one.field)
            ],
        }


def _plan(release: Release, object_: str) -> Plan:
    plan = next((plan for plan in release.in_order if object_ in (plan.object, plan.name)), None)
    if plan is None:
        raise UsageError(
            f"the release has no object {object_!r}", mend=f"it has: {', '.join(p.object for p in release.in_order)}"
        )
    return plan


def _refuse_unknown(plan: Plan, field: str | None) -> None:
    known = sorted({f.name for f in plan.fields} | {slot.name for m in plan.members for slot in m.slots})
    if field is not None and field not in known:
        raise UsageError(f"{plan.object} has no field {field!r}", mend=f"it has: {', '.join(known)}")


def _rows(state: State, sql: str) -> list[dict[str, Any]]:
    described = [(row[0], row[1]) for row in state.rows(f"DESCRIBE {sql}")]
    # instants as text: the engine's Python client needs another library to hand them over
    chosen = ", ".join(
        f"CAST({quoted(name)} AS VARCHAR) AS {quoted(name)}" if "TIME ZONE" in kind else quoted(name)
        for name, kind in described
    )
    names = [name for name, _ in described]
    return [dict(zip(names, map(_plain, row), strict=True)) for row in state.rows(f"SELECT {chosen} FROM ({sql})")]


def _plain(value: Any) -> Any:
    if isinstance(value, dict) and set(value) == {"amount", "currency"}:
        return f"{value['amount'].normalize():f} {value['currency'] or ''}".rstrip()
    if isinstance(value, str) and (money := MONEY.fullmatch(value)):
        return f"{Decimal(money[1]).normalize():f} {money[2]}"
    return value if value is None or isinstance(value, (str, int, bool)) else str(value)


def _fields(
    release: Release,
    ledger: Ledger,
    plan: Plan,
    state: State,
    cid: str,
    only: str | None,
    history: Sequence[Mapping[str, Any]],
) -> list[dict[str, Any]]:
    table = quoted(f"canonical:{plan.name}")
    current = _rows(state, f"SELECT * FROM {table} WHERE _cid = {text(cid)}")
    if not current:
        return []
    bases = {
        member.connection: _rows(
            state, f"SELECT * FROM {quoted(f'base:{plan.name}/{member.connection}')} WHERE _cid = {text(cid)}"
        )
        for member in plan.members
    }
    wanted = [field for field in plan.fields if only in (None, field.name)]
    since = _since(release, ledger, plan, state, cid, wanted)
    decided = {
        one.field: one for one in ledger.decisions.all() if one.canonical_id == cid and one.state != "superseded"
    }
    return [
        _field(plan, field, current[0], bases, decided.get(field.name), history)
        | _first(ledger, since, field, current[0])
        for field in wanted
    ]


def _first(ledger: Ledger, since: Mapping[str, str], field: PlanField, current: Mapping[str, Any]) -> dict[str, Any]:
    """Say which run first decided the value that a field has now."""
    run = since.get(field.name, current["_run"])
    begun = ledger.runs.get(run)
    return {"run": run, "since": moment(begun.started_at) if begun else ""}


def _field(
    plan: Plan,
    field: PlanField,
    current: Mapping[str, Any],
    bases: Mapping[str, Sequence[Mapping[str, Any]]],
    decided: Decision | None,
    history: Sequence[Mapping[str, Any]],
) -> dict[str, Any]:
    value = current[field.name]
    shows = {connection: rows[0] for connection, rows in bases.items() if rows and f"agreed.{field.name}" in rows[0]}
    source = "derived" if field.owner == "derived" else current[f"from.{field.name}"]
    made_by_person = source == PERSON or (decided is not None and (decided.values or {}).get("take") == source)
    told = {
        "field": field.name,
        "label": field.label,
        "value": MASK if field.pii and value is not None else value,
        "from": source,
        "rule": field.owner if field.owner in ("derived", "newest", "max", "min", "union") else f"owner {field.owner}",
        "agreed": [connection for connection, row in shows.items() if row[f"agreed.{field.name}"] == value],
        "lines": [
            {"member": member.connection, "line": slot.line, "place": slot.place}
            for member in plan.members
            for slot in member.slots
            if slot.name == field.name
        ],
        "lost": [
            row for row in history if row["slot"] == field.name and row["outcome"] in LOST and row["now"] is not None
        ],
    }
    if decided is not None and made_by_person:
        told["decided"] = {
            "by": decided.by, "at": moment(decided.at), "exception": decided.exception, "choice": decided.choice,
        }  # fmt: skip
    return told


def _since(
    release: Release, ledger: Ledger, plan: Plan, state: State, cid: str, fields: Iterable[PlanField]
) -> dict[str, str]:
    """Give per field the run that first decided the value that it has now, as far back as is kept."""
    paths = [
        (state.store.root / segment.path).resolve()
        for segment in as_named_now(release, ledger.register.segments())
        if (segment.kind, segment.subject) == ("canonical", plan.name)
    ]
    found: dict[str, str] = {}
    there = {name for path in paths for name in state.columns_of(path)}
    listed = ", ".join(text(str(path)) for path in paths)
    for field in fields:
        if field.name not in there:
            continue
        told = state.rows(
            f"SELECT _run, CAST({quoted(field.name)} AS VARCHAR) FROM read_parquet([{listed}], union_by_name=true) "
            f"WHERE _cid = {text(cid)} ORDER BY _run DESC"
        )
        same = [run for run, value in _while_equal(told)]
        if same:
            found[field.name] = same[-1]
    return found


def _while_equal(told: Sequence[tuple[str, Any]]) -> Iterable[tuple[str, Any]]:
    for one in told:
        if one[1] != told[0][1]:
            return
        yield one


def _history(release: Release, plan: Plan, state: State, cid: str, only: str | None) -> list[dict[str, Any]]:
    """Give every outcome on the record: what should be there, what was there, and why."""
    where = f"_cid = {text(cid)}" + (f" AND slot = {text(only)}" if only else "")
    rows = _rows(state, f"SELECT * FROM {quoted(f'outcomes:{plan.name}')} WHERE {where} ORDER BY run, connection, slot")
    private = _private_slots(release, plan)
    mappings = {member.connection: member.mapping for member in plan.members}
    for row in rows:
        if (row["connection"], row["slot"]) in private or row["slot"] in private:
            row |= {name: MASK for name in ("want", "now", "agreed") if row[name] is not None}
        row["why"] = _why(row)
        row["mapping_is_current"] = row["mapping"] == mappings.get(row["connection"])
    return rows


def _why(row: Mapping[str, Any]) -> str:
    rule = {None: "the plan", "newest": "the newest value"}.get(row["rule"], f"the owner, {row['rule']},")
    source = {None: "the derived value", PERSON: "a person's decision", RULE: "what on_leave sets"}.get(
        row["source"], row["source"]
    )
    says = WHY.get(row["outcome"], str(row["outcome"]))
    return says.format(connection=row["connection"], source=source, rule=rule)


def _private_slots(release: Release, plan: Plan) -> set[Any]:
    """Give the slots whose values are masked: names of canonical fields, and (connection, slot) of others.

    Parts are masked whole: what they hold is not told apart here.
    """
    fields = {field.name for field in plan.fields}
    found: set[Any] = {field.name for field in plan.fields if field.pii}
    for member in plan.members:
        private = private_natives(release, plan.name, member.connection, member.resource)
        for slot in member.slots:
            if slot.name not in fields and (not slot.name.startswith("->") or slot.name[2:] in private):
                found.add((member.connection, slot.name))
    return found


def _former(state: State, cid: str) -> list[str]:
    """Give the canonical ids that have become part of a record, one after the other."""
    into = dict(state.rows(f"SELECT native_id, canonical_id FROM {quoted('links:all')} WHERE state = 'redirect'"))
    return sorted(former for former in into if cid in _way(into, former))


def _way(into: Mapping[str, str], cid: str) -> list[str]:
    """Follow an id through those that it became."""
    way: list[str] = []
    while (cid := into.get(cid, "")) and cid not in way:
        way.append(cid)
    return way


def _writes(release: Release, ledger: Ledger, cids: Iterable[str], only: str | None) -> list[dict[str, Any]]:
    """Give every write made for a record under its canonical ids, oldest first; with a field, those that wrote it."""
    told = []
    for one in sorted((one for cid in cids for one in ledger.intents.of_record(cid)), key=lambda one: one.id):
        payload = ledger.intents.written(one.id)
        if only is not None and payload is not None and only not in (payload.get("wants") or {}):
            continue
        private = private_natives(release, one.sync, one.connection, one.resource)
        natives: Mapping[str, Any] = (payload or {}).get("natives") or {}
        told.append(
            {
                "run": one.run, "at": moment(one.updated_at), "connection": one.connection, "resource": one.resource,
                "operation": one.operation, "part": one.part_key, "origin": one.origin, "state": one.state,
                "attempts": one.attempts, "native_id": one.native_id, "correlation_id": one.correlation_id,
                "category": one.category, "fields": sorted(natives), "kept": payload is not None,
                "values": {k: MASK if k in private and v is not None else v for k, v in sorted(natives.items())},
            }
        )  # fmt: skip
    return told
