"""Rollback: the writes of a run are undone where the systems still hold them.

In: a run's acknowledged intents, what the records were before, what the systems hold now. Out: a change set of inverse
writes, of origin *rollback*, and what is left as it is, with the reason. Invariants: a value that somebody has changed since
is not touched; what was undone is not written again before its owner changes it: the ack says that the member keeps another
value than the one that was wanted.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from syncline_runtime.binding import Binding
from syncline_runtime.encoding import digest
from syncline_runtime.errors import SynclineError, UsageError
from syncline_runtime.ledger import Intent, Lease, Ledger, NewIntent, Seal
from syncline_runtime.moves import as_named_now
from syncline_runtime.options import Options
from syncline_runtime.plan import Release
from syncline_runtime.result import ChangeSet, RunResult, is_as_written
from syncline_runtime.run import make_plan, make_run
from syncline_runtime.stages.context import RunContext
from syncline_runtime.stages.diff import Candidate
from syncline_runtime.stages.match import bind_links
from syncline_runtime.state import quoted, text

MOVED_ON = "it holds another value by now"


def rollback(release: Release, binding: Binding, options: Options, run_id: str, *, creates: bool = False) -> RunResult:
    """Plan the inverse of a run's writes; make them if ``options.approve`` is the id of that change set.

    ``creates``: records that the run created are deleted, too. Raises UsageError for a run that is not known.
    """
    inverse = _Inverse(run_id, creates)
    if options.approve is None:
        return asyncio.run(make_plan(release, binding, options, inverse.decide))
    return asyncio.run(make_run(release, binding, options, inverse.decide, inverse.seal))


class _Inverse:
    """The inverse of one run."""

    def __init__(self, run_id: str, creates: bool) -> None:
        self._run_id, self._creates = run_id, creates
        self._writes: list[Candidate] = []
        self._kept: list[dict[str, Any]] = []

    async def decide(self, run: RunContext) -> RunResult:
        """Find out what can be undone."""
        if run.ledger.runs.get(self._run_id) is None:
            raise UsageError(f"there is no run {self._run_id}", mend="`syncline status --runs 20` lists the last runs")
        bind_links(run)
        names = {plan.name for plan in run.plans}
        written = [one for one in run.ledger.intents.of_run(self._run_id) if one.sync in names and one.state == "acked"]
        busy = {one.member for one in run.ledger.intents.unfinished()}
        before = _before(run, self._run_id)
        for number, one in enumerate(written, 1):
            run.progress("rollback", f"write {number} of {len(written)}")
            if one.member in busy:
                self._keep(one, "a write of it is under way")
            else:
                await self._undo(run, one, before.get((one.sync, one.connection, one.canonical_id)))
        writes = tuple(self._writes)
        return RunResult(run.run_id, ChangeSet(_id(self._run_id, writes), writes), [], [], [], {}, [], kept=self._kept)

    def seal(self, run: RunContext, lease: Lease) -> int:
        """Seal the inverse writes."""
        return run.ledger.seal(lease, Seal(run=run.run_id, intents=map(_intent, self._writes))).intents

    async def _undo(self, run: RunContext, one: Intent, before: Mapping[str, str | None] | None) -> None:
        if one.part_key:
            self._keep(one, "it wrote a part of a record, which is not kept as it was")
            return
        if one.operation == "delete":
            self._keep(one, "what was deleted would come back as another record")
            return
        if one.operation == "create" and not self._creates:
            self._keep(one, "the run made this record; --with-creates deletes it, and a later run may make it again")
            return
        contract = run.release.system_of(one.connection).resource(one.resource)
        if one.operation == "create" and contract.delete is None:
            self._keep(one, "the system describes no way to delete it")
            return
        sent = _sent(run.ledger, one)
        if sent is None:
            self._keep(one, "what it wrote is past its retention")
            return
        unknown = sorted(set(sent["natives"]) - set(before or {})) if one.operation == "update" else []
        if unknown:
            self._keep(one, f"what {', '.join(unknown)} was before is not known")
        elif (moved := await _moved(run, one, sent["natives"])) is not None:
            self._keep(one, moved)
        else:
            self._writes.append(_candidate(run, one, sent, before or {}))

    def _keep(self, one: Intent, why: str) -> None:
        told = {name: getattr(one, name) for name in ("sync", "connection", "resource", "operation", "canonical_id")}
        self._kept.append(told | {"native_id": one.native_id, "why": why})


def _before(run: RunContext, run_id: str) -> dict[tuple[str, str, str], dict[str, str | None]]:
    """Give what records were before a run wrote them: native fields by sync, connection and canonical id."""
    found: dict[tuple[str, str, str], dict[str, str | None]] = {}
    for segment in as_named_now(run.release, run.ledger.register.segments()):
        if segment.kind == "before" and segment.run >= run_id:
            sync, connection = segment.subject.rsplit("/", 1)
            path = text(str(run.store.verify(segment).resolve()))
            rows = f"SELECT _cid, natives FROM read_parquet({path}) WHERE run = {text(run_id)}"
            found |= {(sync, connection, cid): json.loads(natives) for cid, natives in run.state.rows(rows)}
    return found


def _sent(ledger: Ledger, one: Intent) -> dict[str, Any] | None:
    """Give what was sent, and after it what the system made of it, as far as it said so; None if it is not kept."""
    written = ledger.intents.written(one.id)
    if written is None:
        return None
    returned = (ledger.intents.payload(one.id, "returned") or {}).get("natives") or {}
    return {**written, "natives": {name: returned.get(name, value) for name, value in written["natives"].items()}}


async def _moved(run: RunContext, one: Intent, wrote: Mapping[str, Any]) -> str | None:
    """Say why a record no longer holds what was written; None if it does."""
    native_id = one.native_id or ""
    handle = run.connections.get(one.connection)
    if handle is None:
        return "the system cannot be reached"
    if handle.system.resource(one.resource).get is not None:
        try:
            row = await handle.get(one.resource, native_id)
        except SynclineError as error:
            return f"it cannot be read: {error.message}"
        now = None if row is None or row.gone else row.natives
    else:
        now = _image(run, one, native_id)
    if now is None:
        return "it is no longer there"
    differs = sorted(name for name, value in wrote.items() if name in now and not is_as_written(now[name], value))
    return f"{MOVED_ON}: {', '.join(differs)}" if differs else None


def _image(run: RunContext, one: Intent, native_id: str) -> dict[str, str | None] | None:
    """Give a record as last read, where the system cannot be asked for one."""
    member = run.release.plans[one.sync].member(one.connection)
    natives = ", ".join(quoted(f"native.{name}") for name in member.natives)
    rows = run.state.rows(
        f"SELECT {natives} FROM {quoted(f'base:{one.sync}/{one.connection}')} "
        f"WHERE _native_id = {text(native_id)} AND _status <> 'gone'"
    )
    return dict(zip(member.natives, rows[0], strict=True)) if rows else None


def _candidate(run: RunContext, one: Intent, sent: Mapping[str, Any], before: Mapping[str, str | None]) -> Candidate:
    undo = "delete" if one.operation == "create" else "update"
    natives = {} if undo == "delete" else {name: before[name] for name in sent["natives"]}
    wants = {} if undo == "delete" else sent.get("wants", {})
    return Candidate(
        one.sync, one.object, one.connection, one.resource, undo, one.canonical_id, one.native_id, "",
        json.dumps(natives, sort_keys=True), json.dumps(wants, sort_keys=True), f"{run.run_id}-{one.canonical_id[:8]}",
    )  # fmt: skip


def _intent(one: Candidate) -> NewIntent:
    return NewIntent(
        sync=one.sync, object=one.object, connection=one.connection, resource=one.resource,
        operation=one.operation,  # type: ignore[arg-type]
        canonical_id=one.canonical_id, payload={"natives": json.loads(one.payload), "wants": json.loads(one.wants)},
        native_id=one.native_id, origin="rollback", correlation_id=one.correlation_id,
    )  # fmt: skip


def _id(run_id: str, writes: tuple[Candidate, ...]) -> str:
    told = [vars(replace(one, correlation_id="")) for one in writes]
    return digest(["rollback", run_id, sorted(told, key=lambda one: (one["connection"], one["canonical_id"]))])
