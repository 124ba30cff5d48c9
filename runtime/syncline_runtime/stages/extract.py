"""Extract: pages over HTTP and files to landed rows.

In: cursors of the ledger. Out: one relation of landed rows per connection and resource, and its ``Reading``.
Invariant: a partial read is never taken for the whole: a resource whose read failed lands nothing, keeps its cursor, and
its members are unknown for this run.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from typing import TextIO

from syncline_runtime.connectors import GARBLED, ConnectionHandle, Page, ParquetFile
from syncline_runtime.encoding import digest
from syncline_runtime.errors import SynclineError, SystemFailure
from syncline_runtime.ledger import Cursor
from syncline_runtime.plan import Member, Plan
from syncline_runtime.stages.context import Reading, RunContext, landed_of
from syncline_runtime.state import landed_columns, quoted, text


async def extract(run: RunContext) -> None:
    """Read every resource of the run's members, each once."""
    readers: dict[tuple[str, str], list[tuple[Plan, Member]]] = {}
    for plan in run.plans:
        for member in plan.members:
            readers.setdefault((member.connection, member.resource), []).append((plan, member))
    cursors = run.ledger.register.cursors()
    await asyncio.gather(
        *(_read(run, of, [cursors.get((*at, plan.name)) for plan, _ in of]) for at, of in sorted(readers.items()))
    )


async def _read(run: RunContext, readers: list[tuple[Plan, Member]], stored: list[str | None]) -> None:
    members = [member for _, member in readers]
    member = members[0]
    at = (member.connection, member.resource)
    relation = landed_of(member)
    natives = sorted({name for each in members for name in each.natives})
    columns = landed_columns(natives)
    run.state.empty(relation, columns)
    handle = run.connections.get(member.connection)
    if handle is None:
        return
    shape = digest(natives)[:16]
    since = None if run.whole else _since(stored, shape)
    try:
        newest, rows = await _land(run, handle, member.resource, relation, columns, since)
    except SynclineError as error:
        run.state.empty(relation, columns)
        run.readings[at] = Reading(0, complete=False, mark=None, error=error)
        run.progress("extract", f"{member.connection}.{member.resource}: not read")
        return
    described = handle.system.resource(member.resource)
    source = described.list or described.files
    complete = since is None and source is not None and source.complete
    mark = handle.next_since(member.resource, newest)
    run.readings[at] = Reading(rows, complete, mark)
    run.progress("extract", f"{member.connection}.{member.resource}: {rows} read")
    if mark is not None and (since is None or mark > since):
        value = json.dumps({"fields": shape, "since": mark}, sort_keys=True)
        run.cursors += [Cursor(member.connection, member.resource, plan.name, value) for plan, _ in readers]


def _since(stored: list[str | None], shape: str) -> str | None:
    """Choose the mark to read from: the earliest of the syncs that read the resource.

    None, for a whole read, where a sync has not read it yet or other fields were landed then.
    """
    known = [json.loads(value) for value in stored if value is not None]
    if len(known) < len(stored) or any(one["fields"] != shape for one in known):
        return None
    return min(str(one["since"]) for one in known)


async def _land(
    run: RunContext, handle: ConnectionHandle, resource: str, relation: str, columns: dict[str, str], since: str | None
) -> tuple[str | None, int]:
    spool = run.state.spool / f"{digest([relation, run.run_id])[:20]}.jsonl"
    newest: str | None = None
    rows = 0
    parquet: list[ParquetFile] = []
    try:
        with spool.open("w", encoding="utf-8") as file:
            async for page in handle.read(resource, since):
                if isinstance(page, ParquetFile):
                    parquet.append(page)
                    continue
                rows = _spool(run, file, page, relation, rows, columns)
                newest = max(filter(None, (newest, page.newest)), default=None)
        if rows:
            run.state.load_file(relation, columns, spool)
        for each in parquet:
            rows += _land_parquet(run, handle, resource, relation, columns, each)
        run.erased.take_out(run.state, relation, handle.name, resource)
    finally:
        spool.unlink(missing_ok=True)
    return newest, rows


def _spool(run: RunContext, file: TextIO, page: Page, relation: str, start: int, columns: dict[str, str]) -> int:
    """Write a page as JSON lines; returns the number of the next row."""
    for line in _lines(page, run.run_id, start, columns):
        file.write(line)
        if GARBLED in line:
            run.garbled.add(relation)
    return start + len(page.rows)


def _lines(page: Page, run_id: str, start: int, columns: dict[str, str]) -> Iterator[str]:
    names = [name.removeprefix("native.") for name in columns if name.startswith("native.")]
    for number, row in enumerate(page.rows, start):
        missing = [name for name in names if name not in row.natives]
        line = {
            "_native_id": row.native_id,
            "_op": "delete" if row.gone else ("partial" if missing else "full"),
            "_version": row.version,
            "_seq": number,
            "_raw_hash": row.raw_hash,
            "_missing": missing,
            "_correlation": f"{run_id}-{number}",
            **{f"native.{name}": value for name, value in row.natives.items() if name in names},
        }
        yield json.dumps(line, ensure_ascii=False) + "\n"


def _land_parquet(
    run: RunContext, handle: ConnectionHandle, resource: str, relation: str, columns: dict[str, str], file: ParquetFile
) -> int:
    """Land a Parquet file of a partner: read by the engine, columns by wire path, values as text."""
    described = handle.system.resource(resource)
    copy = run.state.spool / f"{digest(file.source)[:16]}.parquet"
    copy.write_bytes(file.path.read_bytes())
    try:
        there = run.state.columns_of(copy)
        before = run.state.scalar(f"SELECT count(*) FROM {quoted(relation)}")
        parts = []
        missing = []
        for field in described.fields:
            if f"native.{field.name}" not in columns:
                continue
            if field.at in there:
                value = f"CAST({quoted(field.at)} AS VARCHAR)"
                composed = value if field.ref or field.name == described.id else f"nfc_normalize({value})"
                parts.append(f"{composed} AS {quoted(f'native.{field.name}')}")
            else:
                missing.append(field.name)
        key = quoted(described.native(described.id).at)
        hashed = ", ".join(
            f"coalesce(CAST({quoted(f.at)} AS VARCHAR), chr(30))" for f in described.fields if f.at in there
        )
        absent = ", ".join(map(text, missing))
        run.state.load_parquet(
            relation,
            copy,
            f"CAST({key} AS VARCHAR) AS _native_id, 'full' AS _op, {before} + row_number() OVER () AS _seq, "
            f"sha256(concat_ws(chr(31), {hashed})) AS _raw_hash, CAST([{absent}] AS VARCHAR[]) AS _missing, "
            f"{text(run.run_id)} || '-p' || row_number() OVER () AS _correlation, " + ", ".join(parts),
        )
        keyless = run.state.scalar(f"SELECT count(*) FROM {quoted(relation)} WHERE _native_id IS NULL")
        if keyless:
            raise SystemFailure(
                f"{keyless} rows have no {described.id}",
                place=f"{handle.name}.{resource} {file.source}",
                mend="every record needs its key; correct the file and drop it again",
            )
        return int(run.state.scalar(f"SELECT count(*) FROM {quoted(relation)}")) - int(before)
    finally:
        copy.unlink(missing_ok=True)
