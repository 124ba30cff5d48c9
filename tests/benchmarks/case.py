"""The case that is measured: a compiled project, and states and landed rows of two systems, generated in the engine.

In: a folder and a number of records. Out: ``Case``, whose files every contender reads. Two states are made, one that
knows nothing (phase *first*) and one in which all customers are linked and agreed (phases *changed* and *no-op*); and a
*plain* one that knows the same with every column of its own, as one would keep it by hand.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import duckdb

from syncline_compiler.pipeline import compile_project
from syncline_compiler.writing import write_release
from syncline_runtime.fold import fold
from syncline_runtime.packing import LINKS, packed, stored_table, table_of
from syncline_runtime.plan import Member, Plan, Release, load_release
from syncline_runtime.segments import SegmentStore
from syncline_runtime.stages.context import landed_of, prefix_of
from syncline_runtime.state import LINK_COLUMNS, State, base_columns, canonical_columns, landed_columns, quoted, text

HERE = Path(__file__).parent
REALM = "benchmark/bench"
PHASES = ("first", "changed", "no-op", "delta")
DELTA = 1_000
"""How many changes an incremental read brings in phase *delta*."""
LANDED: Mapping[str, Mapping[str, str]] = {
    "first": {"crm": "crm_now", "erp": "erp_first"},
    "changed": {"crm": "crm_now"},
    "no-op": {"crm": "crm_before"},
    "delta": {"crm": "crm_delta"},
}
"""Phase → connection → what was read of it; the ERP tells nothing new where it is not named."""

GENERATES_WITHIN = "5GB"  # the rest of the machine is others'


@dataclass(frozen=True)
class Case:
    """Where the files of one benchmark run are."""

    folder: str
    records: int
    threads: int
    members: int = 2

    @property
    def root(self) -> Path:
        return Path(self.folder)

    @property
    def files(self) -> Path:
        """Parquet files, the only folder besides the state's that a state may read."""
        return self.root / "files"

    def release(self) -> Release:
        return load_release(self.root / "release")

    def state_folder(self, phase: str, *, plain: bool = False) -> Path:
        if phase == "first":
            return self.root / "empty"
        return self.root / ("plain" if plain else "known")

    def state(self, phase: str, *, plain: bool = False) -> State:
        return State(self.state_folder(phase, plain=plain), SegmentStore(self.files), threads=self.threads)

    def landed(self, plan: Plan, phase: str) -> list[tuple[Member, Path | None]]:
        """Every member, and the file of what was read of it."""
        names = LANDED[phase]
        return [
            (m, self.files / f"{names[m.connection]}.parquet" if m.connection in names else None) for m in plan.members
        ]

    def dump(self) -> str:
        return json.dumps(asdict(self))


def prepare(folder: Path, records: int, threads: int, members: int = 2) -> Case:
    """Compile the project, generate the rows, fill both states. A third member has what the ERP has."""
    case = Case(str(folder), records, threads, members)
    compiled = compile_project(_project(folder / "project", members))
    if compiled.release is None:
        raise SystemExit("\n".join(map(str, compiled.diagnostics)))
    write_release(folder / "release", compiled.release)
    case.files.mkdir()
    release = case.release()
    (plan,) = release.in_order
    _generate(case, plan)
    for phase, plain in (("first", False), ("changed", False), ("changed", True)):
        state = case.state(phase, plain=plain)
        if plain:
            _fill_plainly(case, plan, state)
        else:
            fold(state, release, [])
        if phase == "changed" and not plain:
            _fill(case, plan, state)
        state.execute("CHECKPOINT")
        state.close()
    return case


def _project(folder: Path, members: int) -> Path:
    shutil.copytree(HERE / "project", folder)
    if members == 3:
        for name, after, more in (
            ("syncline.yaml", "    erp: {stand_in: true}\n", "    shop: {stand_in: true}\n"),
            ("syncs/customer.yaml", "erp: erp.Debtor", ", shop: erp.Debtor"),
            ("syncs/customer.yaml", "erp: true", ", shop: true"),
        ):
            text = (folder / name).read_text(encoding="utf-8")
            (folder / name).write_text(text.replace(after, after + more), encoding="utf-8")
    return folder


def _generate(case: Case, plan: Plan) -> None:
    spilled = {"memory_limit": GENERATES_WITHIN, "temp_directory": str(case.files / "spilled")}
    connection = duckdb.connect(config={"threads": 2, **spilled})
    connection.execute("SET TimeZone='UTC'; SET preserve_insertion_order=false")
    connection.execute(f"SET VARIABLE records = {case.records}; SET VARIABLE realm = '{REALM}'")
    connection.execute((HERE / "data.sql").read_text(encoding="utf-8"))
    crm, erp = plan.member("crm"), plan.member("erp")
    bases = {f"base_{m.connection}": _base(m, "crm_before" if m is crm else "erp_before") for m in plan.members}
    queries = {
        "crm_before": _landed(crm, "crm_before"),
        "crm_now": _landed(crm, "crm_now"),
        "erp_first": _landed(erp, "erp_first"),
        **bases,
        "links": _links(plan),
        "canonical": _canonical(plan),
    }
    for name, query in queries.items():
        path = case.files / f"{name}.parquet"
        connection.execute(f"COPY ({query}) TO {text(str(path))} (FORMAT parquet, COMPRESSION zstd)")
    connection.execute(f"COPY ({_delta(case)}) TO {text(str(case.files / 'crm_delta.parquet'))} (FORMAT parquet)")
    connection.close()


def _delta(case: Case) -> str:
    """Give records that were edited, from anywhere, as an incremental read brings them."""
    now, before = (f"read_parquet({text(str(case.files / f'crm_{state}.parquet'))})" for state in ("now", "before"))
    return (
        f"SELECT n.* FROM {now} AS n JOIN {before} AS b ON b._native_id = n._native_id "
        f"WHERE n._raw_hash <> b._raw_hash ORDER BY hash(n._native_id) LIMIT {DELTA}"
    )


def _version(member: Member) -> str:
    return quoted("native.updated_at" if member.connection == "crm" else "native.changed_at")


def _raw_hash(member: Member) -> str:
    natives = ", ".join(f"coalesce({quoted(f'native.{name}')}, chr(30))" for name in member.natives)
    return f"sha256(concat_ws(chr(31), {natives}))"


def _landed(member: Member, relation: str) -> str:
    """Landed rows in the shape of the plan's inputs."""
    return f"""
        SELECT _native_id, 'full' AS _op, {_version(member)} AS _version, row_number() OVER () - 1 AS _seq,
               {_raw_hash(member)} AS _raw_hash, CAST([] AS VARCHAR[]) AS _missing,
               'bench-' || _native_id AS _correlation, COLUMNS('^native\\.')
        FROM {relation}
    """


def _base(member: Member, relation: str) -> str:
    """Base rows of linked customers on which nothing is open, in the columns of their segment."""
    known = {
        "_native_id": "r._native_id",
        "_cid": _cid("t.i"),
        "_status": "'linked'",
        "_version": _version(member),
        "_raw_hash": _raw_hash(member),
        "_mapping": text(member.mapping),
        "_slots": text("," + "".join(f"{slot.name}," for slot in member.slots)),
        "_disputed": "''",
    }
    known |= {f"native.{name}": quoted(f"native.{name}") for name in member.natives}
    known |= {f"agreed.{slot.name}": f"t.{quoted(slot.name)}" for slot in member.slots}
    rows = f"{relation} AS r JOIN known AS t ON t.i = CAST(substr(r._native_id, 2) AS BIGINT)"
    return f"SELECT {_columns(base_columns(member), known)} FROM {rows}"


def _canonical(plan: Plan) -> str:
    """Canonical rows on which nothing is open, in the columns of their segment."""
    known = {"_cid": _cid("i"), "_run": "'earlier'", "_plan": text(plan.behaviour)}
    known |= {field.name: quoted(field.name) for field in plan.fields}
    known |= {f"from.{field.name}": text(field.owner) for field in plan.fields}
    return f"SELECT {_columns(canonical_columns(plan), known)} FROM known"


def _columns(columns: Mapping[str, str], known: Mapping[str, str]) -> str:
    """All columns of a table; false or null where there is nothing to say."""
    quiet = {name: "false" if kind == "BOOLEAN" else f"CAST(NULL AS {kind})" for name, kind in columns.items()}
    return ", ".join(f"{known.get(name, quiet[name])} AS {quoted(name)}" for name in columns)


def _links(plan: Plan) -> str:
    sides = [
        f"SELECT {text(plan.object)} AS object, {text(member.connection)} AS connection, "
        f"{text(member.resource)} AS resource, {shape} AS native_id, {_cid('i')} AS canonical_id, "
        f"{how} AS how, 'same number' AS rule, 'earlier' AS run, 'live' AS state, 0 AS generation, "
        '\'\' AS "by", 0 AS "at" FROM known'
        for member in plan.members
        for shape, how in [_how_linked(member)]
    ]
    return " UNION ALL ".join(sides)


def _how_linked(member: Member) -> tuple[str, str]:
    """Give a customer's native id in a member, and how it came to be linked."""
    if member.connection == "crm":
        return "format('c{:08d}', i)", "'originated'"
    return "format('D{:07d}', i)", "'identity'"


def _cid(number: str) -> str:
    return f"canonical_id(format('c{{:08d}}', {number}))"


def _fill(case: Case, plan: Plan, state: State) -> None:
    for member in plan.members:
        columns = base_columns(member)
        rows = packed(columns, {name: quoted(name) for name in columns})
        load(state, stored_table(prefix_of(plan, member)), case.files / f"base_{member.connection}.parquet", rows)
    links = packed(LINK_COLUMNS, {name: quoted(name) for name in LINK_COLUMNS})
    load(state, table_of(LINKS), case.files / "links.parquet", links)
    load(state, f"canonical:{plan.name}", case.files / "canonical.parquet")


def _fill_plainly(case: Case, plan: Plan, state: State) -> None:
    files = {f"base:{prefix_of(plan, member)}": f"base_{member.connection}" for member in plan.members}
    for table, file in (files | {"links:all": "links", f"canonical:{plan.name}": "canonical"}).items():
        path = case.files / f"{file}.parquet"
        state.execute(f"CREATE TABLE {quoted(table)} AS SELECT * FROM read_parquet({text(str(path))})")


def load(state: State, table: str, path: Path, columns: Mapping[str, str] | None = None) -> None:
    """Append a generated file to a table; ``columns``: SQL values by column."""
    chosen = ", ".join(f"{value} AS {quoted(name)}" for name, value in columns.items()) if columns else "*"
    state.execute(f"INSERT INTO {quoted(table)} BY NAME SELECT {chosen} FROM read_parquet({text(str(path))})")


def land(case: Case, plan: Plan, state: State, phase: str, *, copied: bool = True) -> None:
    """Make the landed relations of a phase from Parquet; what reads them once need not have them ``copied``."""
    for member, path in case.landed(plan, phase):
        if path is not None and not copied:
            state.bind(landed_of(member), f"SELECT * FROM read_parquet({text(str(path))})")
            continue
        state.empty(landed_of(member), landed_columns(sorted(member.natives)))
        if path is not None:
            load(state, landed_of(member), path)
