"""Impact: what another release would make of the records that a state knows, without asking any system.

In: a copy of a state folder, the release that made it and another one. Out: ``Impact``: per member how many records would be created,
written, deleted, set aside or put before a person, per native field how many, with samples. Invariant: it is the pipeline of every run up
to the diff, over what is known instead of what is read; what the present release would do anyhow is counted apart. Values of
personal data are masked.
"""

from __future__ import annotations

import asyncio
import shutil
import sqlite3
from collections.abc import Collection, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from syncline_runtime.binding import Binding
from syncline_runtime.errors import StateError, UsageError
from syncline_runtime.known_rows import KnownRows, Wanted, known_rows
from syncline_runtime.ledger import FILE, SEGMENTS
from syncline_runtime.options import Options
from syncline_runtime.plan import Member, Plan, Release
from syncline_runtime.private import private_natives
from syncline_runtime.report import MASK
from syncline_runtime.result import ChangeSet, RunResult
from syncline_runtime.run import decide, make_plan
from syncline_runtime.stages.context import Progress, Reading, RunContext, landed_of, prefix_of
from syncline_runtime.stages.guard import guard
from syncline_runtime.stages.match import bind_links
from syncline_runtime.stages.normalise import run_value_steps
from syncline_runtime.state import landed_columns, quoted, text

SAMPLES = 3
MOST_DECIDED = 100_000
"""Records of one object that are decided; of more that may differ so many are, the same ones each time, and counts are estimates."""
STATE_FILE = "state.duckdb"
ANYHOW = "anyhow.parquet"
WRITES = ("create", "update", "delete")
ASIDE = ("rejected", "review", "left_scope", "filtered")


@dataclass(frozen=True)
class Sample:
    """One value before and after; None is null."""

    native_id: str | None
    before: str | None
    after: str | None


@dataclass(frozen=True)
class FieldImpact:
    """A native field that would be written in so many records."""

    name: str
    records: int
    samples: tuple[Sample, ...]


@dataclass(frozen=True)
class MemberImpact:
    """What becomes of the records of one member. ``known``: linked records; ``anyhow``: writes that are due without the change."""

    sync: str
    connection: str
    resource: str
    known: int
    created: int = 0
    written: int = 0
    deleted: int = 0
    rejected: int = 0
    review: int = 0
    left_scope: int = 0
    anyhow: int = 0
    fields: tuple[FieldImpact, ...] = ()

    @property
    def calls(self) -> int:
        """Requests that the writes take, one each."""
        return self.created + self.written + self.deleted

    @property
    def touched(self) -> int:
        """Records for which anything would be otherwise."""
        return self.calls + self.rejected + self.review + self.left_scope


@dataclass(frozen=True)
class Impact:
    """What would become of all that is known. ``stopped_by``: guards that would stop the run.

    ``sampled``: per object of which there were too many, how many records were looked at, and of how many.
    ``rows``: the values that were wanted, as far as they are known.
    """

    environment: str
    records: int
    members: tuple[MemberImpact, ...]
    stopped_by: tuple[str, ...] = ()
    sampled: tuple[tuple[str, int, int], ...] = ()
    rows: Mapping[Wanted, KnownRows] = field(default_factory=dict)


def impact_of(
    before: Release,
    after: Release,
    environment: str | Binding | None,
    data: Path,
    progress: Progress = lambda stage, what: None,
    wanted: Collection[Wanted] = (),
) -> Impact:
    """Tell what a release would do to a state that another one has made; the state is left as it is.

    ``data``: a state folder, at rest or in use; ``environment``: whose it is, or a binding for both releases;
    ``wanted``: values of records that are given along.
    Raises UsageError where there is no state, StateError where it cannot be used.
    """
    binding = _bound(before, environment)
    with _copied(data) as folder:
        options = Options(state=folder, offline=True, progress=progress)
        anyhow = _Measure(before, folder, None)
        asyncio.run(make_plan(before, binding, options, anyhow.decide))
        kept = folder / "spool" / ANYHOW
        then = _Measure(after, folder, kept if kept.exists() else None, before, wanted)
        result = asyncio.run(make_plan(after, _bound(after, environment or binding.environment), options, then.decide))
        records = sum(one.known for one in then.found)
        stopped = () if then.sampled else tuple(map(str, result.findings))  # a part says nothing about shares of all
        return Impact(binding.environment, records, tuple(then.found), stopped, tuple(then.sampled), then.rows)


def _bound(release: Release, environment: str | Binding | None) -> Binding:
    return environment if isinstance(environment, Binding) else release.binding(environment)


class _Measure:
    """One decision over all that is known.

    ``anyhow``: the writes of the present release (``before``), where they are known.
    """

    def __init__(
        self,
        release: Release,
        folder: Path,
        anyhow: Path | None,
        before: Release | None = None,
        wanted: Collection[Wanted] = (),
    ) -> None:
        self._release, self._folder, self._anyhow, self._before = release, folder, anyhow, before
        self._wanted = wanted
        self.rows: Mapping[Wanted, KnownRows] = {}
        self._factors: dict[str, float] = {}
        self.found: list[MemberImpact] = []
        self.sampled: list[tuple[str, int, int]] = []

    async def decide(self, run: RunContext) -> RunResult:
        """Decide, and count what came of it."""
        bind_links(run)
        if self._before is not None:
            self._narrow(run, self._before)
            self.rows = known_rows(run, self._before, self._release, self._wanted)
        await decide(run, _read_nothing)
        self._bind_anyhow(run)
        for plan in run.plans:
            for member in plan.members:
                self.found.append(self._of(run, plan, member))
        if self._anyhow is None:
            self._keep(run)
        return RunResult(run.run_id, ChangeSet("", ()), [], [], [], {}, guard(run))

    def _narrow(self, run: RunContext, before: Release) -> None:
        """Let only records be decided for which anything may differ, and not more than a run of this kind bears."""
        run.state.empty("considered", {"object": "VARCHAR", "_cid": "VARCHAR"})
        for plan in run.plans:
            was = before.plans.get(plan.name)
            differing = differing_records(run, was, plan) if was is not None else every_record(plan)
            run.state.make("differing", differing)
            found = run.state.scalar("SELECT count(*) FROM differing")
            taken = min(found, MOST_DECIDED)
            run.state.execute(
                f"INSERT INTO considered SELECT {text(plan.object)}, _cid FROM differing ORDER BY hash(_cid), _cid LIMIT {taken}"
            )
            if taken < found:
                self.sampled.append((plan.object, taken, found))
                self._factors[plan.name] = found / taken
        run.only = True

    def _bind_anyhow(self, run: RunContext) -> None:
        columns = dict.fromkeys(("sync", "connection", "_cid", "operation", "part", "payload"), "VARCHAR")
        run.state.empty("anyhow", columns)
        if self._anyhow is not None:
            run.state.execute(f"INSERT INTO anyhow SELECT * FROM read_parquet({text(str(self._anyhow.resolve()))})")

    def _keep(self, run: RunContext) -> None:
        """Keep the writes that are due under the present release."""
        writes = [
            f"SELECT {text(plan.name)} AS sync, {text(member.connection)} AS connection, _cid, operation, part, payload "
            f"FROM {quoted(f'{prefix_of(plan, member)}/intents')}"
            for plan in run.plans
            if plan.name in run.touched
            for member in plan.members
        ]
        if writes:
            path = text(str((self._folder / "spool" / ANYHOW).resolve()))
            run.state.execute(f"COPY ({' UNION ALL '.join(writes)}) TO {path} (FORMAT parquet)")

    def _of(self, run: RunContext, plan: Plan, member: Member) -> MemberImpact:
        prefix = prefix_of(plan, member)
        base = quoted(f"base:{prefix}")
        known = run.state.scalar(f"SELECT count(*) FROM {base} WHERE _status = 'linked'")
        told = MemberImpact(plan.name, member.connection, member.resource, known)
        if plan.name not in run.touched:
            return told
        run.state.bind(
            "impact",
            f"SELECT w.* FROM {quoted(f'{prefix}/intents')} AS w ANTI JOIN anyhow AS a ON a.sync = {text(plan.name)} "
            f"AND a.connection = {text(member.connection)} AND a._cid = w._cid AND a.operation = w.operation "
            "AND a.part = w.part AND a.payload = w.payload",
        )
        counted = dict(run.state.rows("SELECT operation, count(*) FROM impact GROUP BY 1"))
        aside = dict(
            run.state.rows(
                f"SELECT p.status, count(*) FROM {quoted(f'{prefix}/parked')} AS p "
                f"JOIN {base} AS b ON b._native_id = p._native_id AND b._status <> p.status GROUP BY 1"
            )
        )
        reviewed = run.state.scalar(
            f"SELECT count(DISTINCT _cid) FROM {quoted(f'{prefix}/compare')} WHERE outcome = 'review'"
        )
        created, written, deleted = (counted.get(one, 0) for one in WRITES)
        total = run.state.scalar(f"SELECT count(*) FROM {quoted(f'{prefix}/intents')}")
        return replace(
            told,
            created=self._scaled(plan, created),
            written=self._scaled(plan, written),
            deleted=self._scaled(plan, deleted),
            rejected=self._scaled(plan, aside.get("rejected", 0)),
            review=self._scaled(plan, aside.get("review", 0) + reviewed),
            left_scope=self._scaled(plan, aside.get("left_scope", 0) + aside.get("filtered", 0)),
            anyhow=self._scaled(plan, total - created - written - deleted),
            fields=tuple(self._fields(run, plan, member)) if written else (),
        )

    def _scaled(self, plan: Plan, counted: int) -> int:
        """Give the number that a count in the records looked at stands for."""
        return round(counted * self._factors.get(plan.name, 1))

    def _fields(self, run: RunContext, plan: Plan, member: Member) -> Iterator[FieldImpact]:
        """Give the native fields that updates write, the ones written most first."""
        private = private_natives(self._release, plan.name, member.connection, member.resource)
        named = run.state.rows(
            "SELECT name, count(*) AS records FROM (SELECT unnest(json_keys(payload)) AS name FROM impact "
            "WHERE operation = 'update' AND part = '') GROUP BY 1 ORDER BY 2 DESC, 1"
        )
        for name, records in named:
            yield FieldImpact(
                name, self._scaled(plan, records), tuple(self._samples(run, plan, member, name, name in private))
            )

    def _samples(self, run: RunContext, plan: Plan, member: Member, name: str, private: bool) -> Iterator[Sample]:
        path = text('$."' + name.replace('"', '\\"') + '"')
        before = f"b.{quoted(f'native.{name}')}" if name in member.natives else "NULL"
        rows = run.state.rows(
            f"SELECT w._native_id, {before}, json_extract_string(w.payload, {path}) FROM impact AS w "
            f"LEFT JOIN {quoted(f'base:{prefix_of(plan, member)}')} AS b ON b._native_id = w._native_id "
            f"WHERE w.operation = 'update' AND w.part = '' AND list_contains(json_keys(w.payload), {text(name)}) "
            f"ORDER BY length(coalesce(json_extract_string(w.payload, {path}), '')), w._native_id LIMIT {SAMPLES}"
        )
        for native_id, old, new in rows:
            yield Sample(native_id, _masked(old, private), _masked(new, private))


def every_record(plan: Plan) -> str:
    """Give all records of a sync, as ``_cid``."""
    return " UNION ".join(
        f"SELECT _cid FROM {quoted(f'base:{prefix_of(plan, member)}')} WHERE _cid IS NOT NULL"
        for member in plan.members
    )


def differing_records(run: RunContext, was: Plan, now: Plan) -> str:
    """Give the records (``_cid``) that two plans may decide otherwise.

    Where they decide by the same steps and only read members otherwise, those are the records of which a value, or a fault, differs.
    """
    same_steps = all(
        [(one.output, one.sql) for one in getattr(was, stage)] == [(one.output, one.sql) for one in getattr(now, stage)]
        for stage in ("match", "merge", "diff")
    )
    shapes = [
        [(m.connection, m.resource, m.on_leave, m.when_deleted, m.slots) for m in plan.members] for plan in (was, now)
    ]
    if not same_steps or shapes[0] != shapes[1]:
        return every_record(now)
    changed = [(a, b) for a, b in zip(was.members, now.members, strict=True) if a.mapping != b.mapping]
    queries = [f"SELECT _cid FROM {quoted(_values_differ(run, now, old, new))}" for old, new in changed]
    return " UNION ".join(queries) or "SELECT NULL::VARCHAR AS _cid WHERE false"


def _values_differ(run: RunContext, plan: Plan, old: Member, new: Member) -> str:
    """Make a relation of the records that two mappings read otherwise; gives its name."""
    prefix = prefix_of(plan, new)
    base = quoted(f"base:{prefix}")
    for side, member in (("before", old), ("after", new)):
        natives = ", ".join(f"b.{quoted(f'native.{name}')}" for name in member.natives)
        run.state.bind(
            f"{prefix}/image",
            f"SELECT b._native_id, b._cid, false AS _moved, CAST(NULL AS VARCHAR) AS _unseen, {natives} FROM {base} AS b "
            "WHERE b._cid IS NOT NULL AND b._status <> 'gone'",
        )
        run_value_steps(run, member)
        step = member.step("values")
        assert step is not None  # every member normalises
        run.state.make(f"{prefix}/{side}", f"SELECT v._native_id, v._cid, hash(v) AS hash FROM ({step.sql}) AS v")
    name = f"{prefix}/differs"
    run.state.make(
        name,
        f"SELECT DISTINCT n._cid FROM {quoted(f'{prefix}/after')} AS n JOIN {quoted(f'{prefix}/before')} AS o "
        "ON o._native_id = n._native_id WHERE o.hash <> n.hash",
    )
    return name


def _masked(value: Any, private: bool) -> str | None:
    return MASK if private and value is not None else value


async def _read_nothing(run: RunContext) -> None:
    """Land no row: every record is what it is known to be."""
    for plan in run.plans:
        for member in plan.members:
            run.state.empty(landed_of(member), landed_columns(sorted(member.natives)))
            run.readings[member.connection, member.resource] = Reading(0, complete=False, mark=None)


@contextmanager
def _copied(data: Path) -> Iterator[Path]:
    """Give a copy of a state folder; segments are shared, since nobody changes them."""
    if not (data / FILE).is_file():
        raise UsageError(f"there is no state in {data}", mend="name a folder that `syncline run --state` has made")
    with TemporaryDirectory(prefix="syncline-impact-") as beside:
        folder = Path(beside)
        try:
            _copy_ledger(data / FILE, folder / FILE)
            for file in data.iterdir():
                if file.name == STATE_FILE:
                    shutil.copyfile(file, folder / STATE_FILE)
                elif file.name == SEGMENTS:
                    shutil.copytree(file, folder / SEGMENTS, copy_function=_share)
                elif file.is_file() and not file.name.startswith((FILE, STATE_FILE)):
                    shutil.copy2(file, folder / file.name)
        except (OSError, sqlite3.Error) as error:
            raise StateError(
                f"the state cannot be copied: {error}", place=str(data), mend="see to the disk, or copy it yourself"
            ) from None
        yield folder


def _copy_ledger(source: Path, target: Path) -> None:
    """Copy a ledger as it is at one moment, also while others write to it; one at rest may lie where nothing can be written."""
    at_rest = not source.with_name(f"{source.name}-wal").exists()
    with (
        closing(sqlite3.connect(f"file:{source}?{'immutable=1' if at_rest else 'mode=ro'}", uri=True)) as there,
        closing(sqlite3.connect(target)) as here,
    ):
        there.backup(here)


def _share(source: str, target: str) -> str:
    try:
        Path(target).hardlink_to(source)
    except OSError:
        shutil.copy2(source, target)
    return target
