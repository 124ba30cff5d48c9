"""The second reader of a release: what happened, read from ledger and state, changing nothing.

In: release, binding, state folder. Out: documents (JSON values) that ``report`` prints.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

from syncline_runtime.binding import Binding
from syncline_runtime.errors import StateError, UsageError
from syncline_runtime.exception_documents import exception_document
from syncline_runtime.ledger import FILE, SEGMENTS, Ledger, Realm, open_ledger
from syncline_runtime.plan import Plan, Release
from syncline_runtime.report import DOCUMENT_VERSION, MASK, moment
from syncline_runtime.run import clock_now
from syncline_runtime.segments import SegmentStore
from syncline_runtime.state import State, quoted, rebuild, text

MONEY = re.compile(r"\{'amount': (-?[0-9.]+), 'currency': ([A-Z]{3})\}")  # an amount as the engine writes it


@contextmanager
def opened_ledger(binding: Binding, folder: Path, url: str | None) -> Iterator[Ledger]:
    """Open the ledger of runs that have been made; StateError if there were none."""
    if url is None and not (folder / FILE).exists():
        raise StateError(
            "there is no state here: nothing has run yet",
            place=str(folder),
            mend="run once with `syncline run`, or name the folder with --state",
            code="SYN6008",
        )
    with open_ledger(url or folder / FILE, Realm(binding.project, binding.environment), clock_now) as ledger:
        yield ledger


@contextmanager
def opened_state(release: Release, binding: Binding, folder: Path, url: str | None) -> Iterator[tuple[Ledger, State]]:
    """Open ledger and state, the state folded up to the ledger."""
    with opened_ledger(binding, folder, url) as ledger:
        state = State(folder, SegmentStore(folder / SEGMENTS))
        try:
            state.fold(release, ledger.register.segments())
            yield ledger, state
        finally:
            state.close()


def status(release: Release, binding: Binding, folder: Path, url: str | None, most: int) -> dict[str, Any]:
    """Last runs, backlog, counts of the last run, open exceptions."""
    with opened_ledger(binding, folder, url) as ledger:
        runs = ledger.runs.last(most)
        counts = ledger.runs.counts(runs[0].id) if runs else []
        return {
            "version": DOCUMENT_VERSION,
            "project": release.index.project,
            "environment": binding.environment,
            "runs": [
                {
                    "id": one.id,
                    "started_at": moment(one.started_at),
                    "closed_at": moment(one.closed_at),
                    "status": one.status,
                    "exit_code": one.exit_code,
                    "summary": dict(one.summary),
                }
                for one in runs
            ],
            "backlog": [
                {"connection": b.connection, "state": b.state, "intents": b.intents, "oldest": moment(b.oldest)}
                for b in ledger.intents.backlog()
            ],
            "counts": [
                {
                    "sync": c.sync,
                    "equation": c.equation,
                    "subject": c.subject,
                    "name": c.name,
                    "detail": c.detail,
                    "value": c.value,
                }
                for c in counts
            ],
            "open_exceptions": len(ledger.exceptions.find()),
        }


def trace(
    release: Release, binding: Binding, folder: Path, url: str | None, object_: str, id_: str, field: str | None
) -> dict[str, Any]:
    """One record: links, current values and their sources, outcomes, writes, exceptions."""
    plan = next((plan for plan in release.in_order if object_ in (plan.object, plan.name)), None)
    if plan is None:
        raise UsageError(
            f"the release has no object {object_!r}", mend=f"it has: {', '.join(p.object for p in release.in_order)}"
        )
    with opened_state(release, binding, folder, url) as (ledger, state):
        cid = _canonical_id(plan, state, id_)
        writes = ledger.intents.of_record(cid)
        return {
            "version": DOCUMENT_VERSION,
            "object": plan.object,
            "canonical_id": cid,
            "links": _rows(state, f"SELECT * FROM {quoted('links:all')} WHERE canonical_id = {text(cid)} ORDER BY connection, native_id"),
            "fields": _fields(plan, state, cid, field),
            "history": _history(plan, state, cid, field),
            "writes": [
                {
                    "run": one.run, "connection": one.connection, "resource": one.resource, "operation": one.operation,
                    "part": one.part_key, "state": one.state, "attempts": one.attempts, "native_id": one.native_id,
                    "correlation_id": one.correlation_id, "category": one.category,
                    "fields": sorted((ledger.intents.payload(one.id) or {}).get("natives") or {}),
                }
                for one in writes
            ],
            "exceptions": [exception_document(one) for one in ledger.exceptions.find() if one.canonical_id == cid],
        }  # fmt: skip


def _canonical_id(plan: Plan, state: State, id_: str) -> str:
    found = state.rows(
        f"SELECT DISTINCT canonical_id FROM {quoted('links:all')} WHERE object = {text(plan.object)} "
        f"AND (starts_with(canonical_id, {text(id_)}) OR native_id = {text(id_)})"
    )
    if len(found) == 1:
        return str(found[0][0])
    if not found:
        raise UsageError(
            f"no {plan.object} is known by the id {id_!r}",
            mend="give the id that a system has for it, or the first characters of its canonical id",
        )
    raise UsageError(f"{len(found)} records fit the id {id_!r}", mend="give more of the canonical id")


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


def _fields(plan: Plan, state: State, cid: str, only: str | None) -> list[dict[str, Any]]:
    current = _rows(state, f"SELECT * FROM {quoted(f'canonical:{plan.name}')} WHERE _cid = {text(cid)}")
    if not current:
        return []
    bases = {
        member.connection: _rows(
            state, f"SELECT * FROM {quoted(f'base:{plan.name}/{member.connection}')} WHERE _cid = {text(cid)}"
        )
        for member in plan.members
    }
    told = []
    for field in plan.fields:
        if only is not None and field.name != only:
            continue
        value = current[0][field.name]
        agreed = [
            connection
            for connection, rows in bases.items()
            if rows and f"agreed.{field.name}" in rows[0] and rows[0][f"agreed.{field.name}"] == value
        ]
        told.append(
            {
                "field": field.name, "label": field.label, "value": MASK if field.pii and value is not None else value,
                "from": "derived" if field.owner == "derived" else current[0][f"from.{field.name}"],
                "rule": field.owner if field.owner in ("derived", "newest") else f"owner {field.owner}",
                "agreed": agreed, "run": current[0]["_run"],
            }
        )  # fmt: skip
    return told


def _history(plan: Plan, state: State, cid: str, only: str | None) -> list[dict[str, Any]]:
    pii = {field.name for field in plan.fields if field.pii}
    where = f"_cid = {text(cid)}" + (f" AND slot = {text(only)}" if only else "")
    rows = _rows(state, f"SELECT * FROM {quoted(f'outcomes:{plan.name}')} WHERE {where} ORDER BY run, connection, slot")
    for row in rows:
        if row["slot"] in pii:
            row |= {name: MASK for name in ("want", "now", "agreed") if row[name] is not None}
    return rows


def rebuild_state(release: Release, binding: Binding, folder: Path, url: str | None) -> Mapping[str, Any]:
    """Make the state again from the segments."""
    with opened_ledger(binding, folder, url) as ledger:
        segments = ledger.register.segments()
        rebuild(folder, SegmentStore(folder / SEGMENTS), release, segments).close()
        return {"version": DOCUMENT_VERSION, "segments": len(segments)}


def verify_state(release: Release, binding: Binding, folder: Path, url: str | None) -> dict[str, Any]:
    """Check every segment, and that the state holds what they fold to."""
    store = SegmentStore(folder / SEGMENTS)
    with opened_state(release, binding, folder, url) as (ledger, state):
        segments = ledger.register.segments()
        for segment in segments:
            store.verify(segment)
        found = state.contents(release)
        beside = folder / "spool" / "verify"
        again = rebuild(beside, store, release, segments)
        try:
            wanted = again.contents(release)
        finally:
            again.close()
            for path in beside.glob("*.duckdb*"):
                path.unlink()
        differing = sorted(name for name in wanted if wanted[name] != found.get(name))
        return {"version": DOCUMENT_VERSION, "ok": not differing, "differing": differing, "segments": len(segments)}
