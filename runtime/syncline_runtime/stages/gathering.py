"""Gathering: what a read shows becomes one relation of landed rows, while the read goes on.

In: pages as lines, as rows, and Parquet files, in the order in which they come. Out: ``Landed``, and what is kept of a read that
was cut off. Invariant: the engine does one thing at a time, and the network never waits for it.
"""

from __future__ import annotations

import asyncio
import dataclasses
import json
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, Final, TypeVar

from syncline_runtime.connectors import GARBLED, START, ConnectionHandle, Lines, Page, ParquetFile, refuse_lacking
from syncline_runtime.encoding import digest
from syncline_runtime.errors import InternalError, RequestFailed, StateError, SynclineError, SystemFailure
from syncline_runtime.frozen import dataclass
from syncline_runtime.stages.context import RunContext
from syncline_runtime.stages.landing import Batch, land_batch, landing_query
from syncline_runtime.stages.resuming import Keeping, KeptFile, KeptRead
from syncline_runtime.stages.spelled import as_meant
from syncline_runtime.stages.tasting import SECONDS, Note, native_id_of, parted, report_apart, stands
from syncline_runtime.state import quoted, text
from syncline_runtime.system import Resource

GATHERED: Final = 8 * 1024 * 1024  # bytes of lines that the engine reads at once
WHOLE: Final = 122_880  # rows that the engine takes over as they are, being a row group: of fewer it makes a copy
LONGER: Final = 3  # times as many bytes are gathered at most where that makes them whole

T = TypeVar("T")


async def land_kept(
    run: RunContext,
    handle: ConnectionHandle,
    resource: Resource,
    relation: str,
    columns: dict[str, str],
    since: str | None,
) -> Landed:
    """Land all that a read shows, going on with one that was cut off; from the beginning if the system will not."""
    origin = run.binding.connection(handle.name).origin
    keeping = Keeping(
        run.state.spool / "reads" / digest([relation])[:20], digest([origin, repr(resource), sorted(columns), since])
    )
    kept = keeping.found(run.now())
    if kept is not None and _written_since(run, handle.name, resource.name, kept.sequence):
        kept = None
    sequence = run.ledger.register.sequence()
    if kept is not None:
        try:
            return await land(run, handle, resource, relation, columns, since, keeping, kept, sequence)
        except RequestFailed as error:
            if error.retry or keeping.found(run.now()) != kept:
                raise
        async with run.engine:
            run.state.empty(relation, columns)
    return await land(run, handle, resource, relation, columns, since, keeping, None, sequence)


def _written_since(run: RunContext, connection: str, resource: str, sequence: int) -> bool:
    acks = run.ledger.register.acks(sequence)
    return any(ack.connection == connection and ack.resource == resource for ack in acks)


@dataclass(frozen=True)
class Landed:
    """What a read has landed: rows, the mark of the greatest cursor value, the system's time when it began."""

    rows: int
    newest: str | None
    began: str | None
    apart: int = 0  # records that the engine could not stand


NOTHING: Final = Landed(0, None, None)


async def land(
    run: RunContext,
    handle: ConnectionHandle,
    resource: Resource,
    relation: str,
    columns: dict[str, str],
    since: str | None,
    keeping: Keeping | None = None,
    kept: KeptRead | None = None,
    sequence: int = 0,
) -> Landed:
    """Land all that a read shows, with what is kept of it."""
    began = kept.began if kept else run.now()
    landing = Landing(run, handle, resource, relation, columns, keeping, KeptRead("", began, sequence, None, START, ()))
    try:
        if kept is not None:
            await landing.take_kept(kept)
        try:
            async for page in handle.read_lines(resource.name, since, kept.walked if kept else None):
                await landing.take(page)
        except SynclineError:
            await landing.keep_gathered()
            raise
        return await landing.finish()
    finally:
        await landing.close()


async def land_more(
    run: RunContext,
    handle: ConnectionHandle,
    resource: Resource,
    relation: str,
    columns: dict[str, str],
    landed: Landed,
    pages: AsyncIterator[Page | Lines | ParquetFile],
) -> Landed:
    """Land pages after what a read has landed already; nothing is kept of them."""
    landing = Landing(run, handle, resource, relation, columns, None, KeptRead("", 0, 0, None, START, ()))
    landing.go_on_after(landed)
    try:
        async for page in pages:
            await landing.take(page)
        return await landing.finish()
    finally:
        await landing.close()


class Landing:
    """One relation being filled: pages are gathered in files, and the engine reads one while the next pages come."""

    def __init__(
        self,
        run: RunContext,
        handle: ConnectionHandle,
        resource: Resource,
        relation: str,
        columns: dict[str, str],
        keeping: Keeping | None,
        kept: KeptRead,
    ) -> None:
        self._run, self._handle, self._columns, self._relation = run, handle, columns, relation
        self._resource, self._keeping, self._kept = resource, keeping, kept
        self._gathered: list[Lines] = []
        self._size = 0
        self._under_way: asyncio.Task[list[str]] | None = None
        self._parquet: list[ParquetFile] = []
        self._newest: str | None = None
        self._began: str | None = None
        self._rows = self._apart = 0
        self._reading = Note(run.state.spool, relation)
        self._wary = self._reading.found

    def go_on_after(self, landed: Landed) -> None:
        """Take up where another landing has ended."""
        self._rows, self._newest, self._began = landed.rows, landed.newest, landed.began
        self._apart = landed.apart

    async def take_kept(self, kept: KeptRead) -> None:
        """Land what an earlier read has left."""
        self._kept, self._began = kept, kept.read_at
        for number, file in enumerate(kept.files):
            assert self._keeping is not None
            start, self._rows = self._rows, self._rows + file.rows
            path = self._keeping.path(number)
            values = await self._engine(self._land_lines, Batch(path, start, self._run.run_id, file.partial))
            self._note(self._handle.newest(self._resource.name, values))
        self._run.progress("extract", f"{self._handle.name}.{self._resource.name}: goes on after {self._rows} rows")

    async def take(self, page: Page | Lines | ParquetFile) -> None:
        """Take a page in the order in which it came."""
        if isinstance(page, ParquetFile):
            self._parquet.append(page)
            return
        self._began = self._began or page.read_at
        if isinstance(page, Lines):
            self._gathered.append(page)
            self._size += len(page.content)
            if not enough(self._size, sum(each.rows for each in self._gathered)):
                return
        await self._flush()
        if isinstance(page, Page):
            self._keeping = None  # from here on nothing more is kept
            await self._engine(self._take_rows, page)

    async def finish(self) -> Landed:
        """Land what is left."""
        keeping, self._keeping = self._keeping, None
        await self._flush()
        await self._settled()
        for each in self._parquet:
            landed = await self._engine(
                _land_parquet, self._run, self._handle, self._resource.name, self._relation, self._columns, each
            )
            self._rows += landed
        await self._engine(
            self._run.erased.take_out, self._run.state, self._relation, self._handle.name, self._resource.name
        )
        if keeping is not None:
            keeping.remove()
        if not self._apart:
            self._reading.clear()
        return Landed(self._rows, self._newest, self._began, self._apart)

    async def keep_gathered(self) -> None:
        """Keep what was read before a failure."""
        await self.close()
        if self._keeping is not None and self._gathered:
            await asyncio.to_thread(self._write, self._gathered)

    async def close(self) -> None:
        """Wait for what is under way, whatever became of it."""
        if self._under_way is not None:
            await asyncio.gather(self._under_way, return_exceptions=True)

    async def _flush(self) -> None:
        await self._settled()
        if self._gathered:
            pages, start = self._gathered, self._rows
            self._gathered, self._size = [], 0
            self._rows += sum(page.rows for page in pages)
            self._under_way = asyncio.create_task(self._engine(self._take_lines, pages, start))

    async def _settled(self) -> None:
        if self._under_way is not None:
            values = await self._under_way
            self._under_way = None
            self._note(self._handle.newest(self._resource.name, values))

    def _note(self, newest: str | None) -> None:
        self._newest = max(filter(None, (self._newest, newest)), default=None)

    async def _engine(self, work: Callable[..., T], *args: Any) -> T:
        """Let the engine work without keeping the network waiting; it does one thing at a time."""
        async with self._run.engine:
            return await asyncio.to_thread(work, *args)

    def _take_lines(self, pages: list[Lines], start: int) -> list[str]:
        path = self._write(pages)
        try:
            return self._land_lines(Batch(path, start, self._run.run_id, any(page.partial for page in pages)))
        finally:
            if path.parent == self._run.state.spool:
                path.unlink(missing_ok=True)

    def _land_lines(self, batch: Batch) -> list[str]:
        if not self._wary:
            self._reading.write()
            try:
                with self._run.state.watchdog.within(SECONDS):
                    values = land_batch(self._run.state, self._resource, self._relation, self._columns, batch)
            except (StateError, InternalError):
                self._wary = True
            else:
                self._reading.clear()
                return values
        self._set_apart(batch)
        return land_batch(self._run.state, self._resource, self._relation, self._columns, batch)

    def _set_apart(self, batch: Batch) -> None:
        """Take out of a batch what the engine cannot stand, and put it before people."""
        place = f"{self._handle.name}.{self._resource.name}"

        def stand(path: Path) -> bool:
            tried = dataclasses.replace(batch, path=path)
            return stands(landing_query(self._resource, self._columns, tried), self._run.state.spool)

        apart = parted(batch.path, stand, place)
        self._rows -= len(apart)
        self._apart += len(apart)
        ids = [native_id_of(self._resource, line) for line in apart]
        report_apart(self._run, self._handle.name, self._resource.name, ids)

    def _write(self, pages: list[Lines]) -> Path:
        """Write pages into a file that is kept, if the read can be taken up after them."""
        walked, keeping = pages[-1].walked, self._keeping
        kept = keeping is not None and walked is not None
        path = keeping.path(len(self._kept.files)) if keeping and kept else self._spool("lines")
        with path.open("wb") as file:
            file.writelines(page.content for page in pages)
        if keeping is not None and walked is not None:
            last = KeptFile(path.name, sum(page.rows for page in pages), any(page.partial for page in pages))
            self._kept = dataclasses.replace(
                self._kept, key=keeping.key, read_at=self._began, walked=walked, files=(*self._kept.files, last)
            )
            keeping.keep(self._kept)
        else:
            self._keeping = None
        return path

    def _take_rows(self, page: Page) -> None:
        if page.rows and self._resource.files is not None and self._resource.files.format == "csv":
            place = f"{self._handle.name}.{self._resource.name} {page.source}"
            refuse_lacking(self._resource, _names(self._columns), page.rows[0].natives, place)
        path = self._spool("rows")
        try:
            with path.open("w", encoding="utf-8") as file:
                for line in _lines(page, self._run.run_id, self._rows, self._columns):
                    file.write(line)
                    if GARBLED in line:
                        self._run.garbled.add(self._relation)
            if page.rows:
                self._run.state.load_file(self._relation, self._columns, path, _meant(self._resource))
        finally:
            path.unlink(missing_ok=True)
        self._rows += len(page.rows)
        self._note(page.newest)

    def _spool(self, kind: str) -> Path:
        return self._run.state.spool / f"{digest([self._relation, self._run.run_id, kind])[:20]}.jsonl"


def enough(size: int, rows: int) -> bool:
    """Whether lines are landed: large ones soon, small ones once the engine can keep them as they are."""
    return size >= LONGER * GATHERED or (size >= GATHERED and not WHOLE <= rows * LONGER < WHOLE * LONGER)


def _meant(resource: Resource) -> dict[str, str]:
    """Give SQL for the columns whose values the files of a resource write in their own way."""
    columns = {f"native.{field.name}": field for field in resource.fields} if resource.files else {}
    meant = {name: as_meant(resource.files, field, quoted(name)) for name, field in columns.items()}
    return {name: value for name, value in meant.items() if value != quoted(name)}


def _names(columns: Iterable[str]) -> list[str]:
    """Give the native fields that have a column."""
    return [name.removeprefix("native.") for name in columns if name.startswith("native.")]


def _lines(page: Page, run_id: str, start: int, columns: dict[str, str]) -> Iterator[str]:
    names = _names(columns)
    for number, row in enumerate(page.rows, start):
        missing = [name for name in names if name not in row.natives]
        line = {
            "_native_id": row.native_id,
            "_op": "delete" if row.gone else ("partial" if missing else "full"),
            "_version": row.version,
            "_seq": number,
            "_raw_hash": row.raw_hash,
            "_missing": missing,
            "_correlation": f"{run_id}-{row.place or number}",
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
        wanted = {*_names(columns), described.id}
        held = {field.name for field in described.fields if field.at in there}
        refuse_lacking(described, sorted(wanted), held, f"{handle.name}.{resource} {file.source}")
        parts = []
        missing = []
        for field in described.fields:
            if field.name not in wanted:
                continue
            if field.at in there:
                value = as_meant(described.files, field, f"CAST({quoted(field.at)} AS VARCHAR)")
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
            f"md5(concat_ws(chr(31), {hashed})) AS _raw_hash, CAST([{absent}] AS VARCHAR[]) AS _missing, "
            f"concat({text(f'{run.run_id}-{file.source}:')}, row_number() OVER ()) AS _correlation, "
            + ", ".join(parts),
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
