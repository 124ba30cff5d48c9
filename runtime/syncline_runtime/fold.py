"""The fold: what registered segments come to, as tables of the state.

In: an open state, a release, the segments that the ledger has registered, in their order. Out: the tables that the release
needs, and beside them which segment each was last told by (``folded``), which segments were found whole (``verified``) and
whose state it is (``owner``). Invariant: the tables are what the segments fold to, whatever came first: ``rebuild`` makes
them again, row for row the same.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb

from syncline_runtime.encoding import digest
from syncline_runtime.errors import StateError
from syncline_runtime.moves import as_named_now, said_now
from syncline_runtime.packing import LINKS, LOOKED_UP, few, near, packed, packed_columns, table_of, unpacked
from syncline_runtime.plan import Release
from syncline_runtime.segments import Segment, SegmentStore
from syncline_runtime.state import LINK_COLUMNS, OUTCOME_COLUMNS, State, base_columns, canonical_columns, quoted, text

FOLD_VERSION = 4
ENGINE = duckdb.__version__  # keys are its hashes, and another version may hash otherwise
SAME_TYPE = {"TIMESTAMPTZ": "TIMESTAMP WITH TIME ZONE"}  # as we write it, as the engine does


def fold(state: State, release: Release, segments: Sequence[Segment]) -> None:
    """Apply registered segments that are not applied yet, in their order; make the tables a release needs."""
    state.execute("CREATE TABLE IF NOT EXISTS folded (subject VARCHAR, shape VARCHAR, seq BIGINT, last VARCHAR)")
    wanted = _tables(release)
    known = {row[0]: row[1:] for row in state.rows("SELECT subject, shape, seq, last FROM folded")}
    grouped: dict[str, list[Segment]] = {}
    for segment in as_named_now(release, segments):
        grouped.setdefault(f"{segment.kind}:{segment.subject}", []).append(segment)
    for subject, columns in wanted.items():
        moves = _moves(release, subject)
        said = said_now(release, subject, columns)
        shape = digest([FOLD_VERSION, ENGINE, list(columns.items()), *filter(None, (moves, said))])
        mine = grouped.get(subject, [])
        before = _applied(state, known.get(subject), shape, mine)
        if before is None:
            _fresh_table(state, subject, columns, shape)
        todo = [segment for segment in mine if segment.seq > (before or 0)]
        for segment in todo:
            _apply(state, subject, columns, segment, Renames(moves, said))


@dataclass(frozen=True)
class Renames:
    """How what segments say is said now."""

    columns: Mapping[str, str]  # before → now
    values: Mapping[str, str]  # column → SQL of what it says by today's names


def _applied(state: State, known: tuple[str, int, str] | None, shape: str, mine: Sequence[Segment]) -> int | None:
    """Say up to which sequence a table holds what is registered; None if it must be made anew.

    So it must where its shape is another, or where the segment that it was last told by is none of these any more.
    """
    if known is None or known[0] != shape:
        return None
    if known[1] > (mine[-1].seq if mine else 0):
        raise StateError(
            "the state knows more than the ledger: one of them is from another time",
            place=str(state.path),
            mend="put back the ledger that belongs to it, or make the state again with `syncline state rebuild`",
            code="SYN6012",
        )
    same = not known[1] or any((segment.seq, segment.path) == known[1:] for segment in mine)
    return known[1] if same else None


def compacted(state: State, subject: str, last: Segment, into: Segment) -> None:
    """Note that a segment folds to the same as those up to ``last``: what holds them holds it."""
    state.execute(
        "UPDATE folded SET last = ? WHERE subject = ? AND seq = ? AND last = ?",
        [into.path, subject, last.seq, last.path],
    )


def check(state: State, segments: Sequence[Segment]) -> None:
    """Look whether segments are what was registered: those whose files have changed since are read."""
    state.execute("CREATE TABLE IF NOT EXISTS verified (path VARCHAR, stamp VARCHAR)")
    known = dict(state.rows("SELECT path, stamp FROM verified"))
    stamps = {one.path: _stamp(state.store.verify(one, thorough=False)) for one in segments}
    due = [one for one in segments if known.get(one.path) != stamps[one.path]]
    for one in due:
        state.store.verify(one)
    if due or known.keys() - stamps.keys():
        state.execute("DELETE FROM verified")
        state.fill("stamps", {"path": "VARCHAR", "stamp": "VARCHAR"}, stamps.items())
        state.execute("INSERT INTO verified SELECT * FROM stamps")


def belongs_to(state: State, owner: str) -> None:
    """Note whose state this is; StateError (SYN6006) if it is another's."""
    state.execute("CREATE TABLE IF NOT EXISTS owner (name VARCHAR)")
    known = state.rows("SELECT name FROM owner")
    if not known:
        state.execute("INSERT INTO owner VALUES (?)", [owner])
    elif known != [(owner,)]:
        raise StateError(
            "this state was folded for another ledger or environment",
            place=str(state.path),
            mend="put back the one that belongs here, or make it again with `syncline state rebuild`",
            code="SYN6006",
        )


def _fresh_table(state: State, subject: str, columns: dict[str, str], shape: str) -> None:
    table = table_of(subject)
    kept = columns if table == subject else packed_columns(columns)
    listed = ", ".join(f"{quoted(name)} {kind}" for name, kind in kept.items())
    state.execute("BEGIN")
    state.execute(f"CREATE OR REPLACE TABLE {quoted(table)} ({listed})")
    if table != subject:
        if state.rows(f"SELECT 1 FROM duckdb_tables() WHERE table_name = {text(subject)} AND NOT temporary"):
            state.execute(f"DROP TABLE {quoted(subject)}")  # of a fold that did not pack
        rows = f"SELECT * FROM {quoted(table)}"
        state.execute(f"CREATE OR REPLACE VIEW {quoted(subject)} AS {unpacked(columns, rows)}")
    state.execute(f"DELETE FROM folded WHERE subject = {text(subject)}")
    state.execute(f"INSERT INTO folded VALUES ({text(subject)}, {text(shape)}, 0, '')")
    state.execute("COMMIT")


def _apply(state: State, subject: str, columns: dict[str, str], segment: Segment, renames: Renames) -> None:
    """Put a segment's rows in the place of those that it tells again: in a transaction of its own.

    Of rows that the same transaction has inserted, the engine (2.0.0) fetches some other memory when they are asked for by
    rowid, as ``_told_again`` does: it crashes, or other columns of them are null from then on.
    """
    key, table = key_of(subject), table_of(subject)
    state.store.verify(segment)
    path = (state.store.root / segment.path).resolve()
    source = f"read_parquet({text(str(path))})"
    there = state.columns_of(path)
    if said := {name: sql for name, sql in renames.values.items() if name in there}:
        listed = ", ".join(f"{sql} AS {quoted(name)}" for name, sql in said.items())
        source = f"(SELECT * REPLACE ({listed}) FROM {source})"
    due = {old: new for old, new in renames.columns.items() if old in there and new not in there}
    if due:
        source, there = _renamed(source, due, subject), {due.get(name, name): kind for name, kind in there.items()}
    values = {name: f"TRY_CAST({quoted(name)} AS {kind})" for name, kind in columns.items() if name in there}
    values |= _without_lost(subject, columns, there)
    if table != subject:
        values = packed(columns, values)
    state.execute("BEGIN")
    if key:
        state.execute(f"DELETE FROM {_told_again(table, key, source)}")
    state.execute(
        f"INSERT INTO {quoted(table)} ({', '.join(map(quoted, values))}) SELECT {', '.join(values.values())} FROM {source}"
    )
    state.execute(f"UPDATE folded SET seq = {segment.seq}, last = {text(segment.path)} WHERE subject = {text(subject)}")
    state.execute("COMMIT")


def _told_again(table: str, key: Sequence[str], source: str) -> str:
    """Give the rows that those of a source replace, as what to delete: a relation ``t`` and a condition."""
    on = " AND ".join(f"s.{quoted(k)} IS NOT DISTINCT FROM t.{quoted(k)}" for k in key)
    looked_up = next((name for name in key if name in LOOKED_UP), None)
    if looked_up is None or table.partition(":")[0] != "stored":
        return f"{quoted(table)} AS t USING {source} AS s WHERE {on}"
    rows = near(table, looked_up, f"SELECT {quoted(looked_up)} FROM {source}")
    known = few(table, rows, ", ".join(["rowid AS _row", *map(quoted, key)]))
    return f"{quoted(table)} WHERE rowid IN (SELECT t._row FROM {known} AS t, {source} AS s WHERE {on})"


def contents(state: State, release: Release) -> dict[str, str]:
    """Give a digest of every table's rows, whatever their order: equal states have equal contents."""
    return {
        subject: str(
            state.scalar(
                f"SELECT count(*)::VARCHAR || ':' || coalesce(bit_xor(hash(t))::VARCHAR, '') "
                f"FROM {quoted(table_of(subject))} t"
            )
        )
        for subject in _tables(release)
    }


def rebuild(folder: Path, store: SegmentStore, release: Release, segments: Sequence[Segment]) -> State:
    """Make the state again from the segments, beside the old one, which gives way once the new one is whole."""
    beside = folder / "spool" / "rebuilt"
    _clear(beside)
    try:
        made = State(beside, store)
        try:
            fold(made, release, segments)
        finally:
            made.close()
        path = folder / made.path.name
        Path(f"{path}.wal").unlink(missing_ok=True)
        made.path.replace(path)
    finally:
        _clear(beside)
    return State(folder, store)


def _clear(folder: Path) -> None:
    for path in folder.glob("state.duckdb*"):
        path.unlink()


def _tables(release: Release) -> dict[str, dict[str, str]]:
    """Give the tables that a release needs: subject (kind:subject) → columns."""
    tables: dict[str, dict[str, str]] = {LINKS: LINK_COLUMNS}
    for plan in release.in_order:
        tables[f"canonical:{plan.name}"] = canonical_columns(plan)
        tables[f"outcomes:{plan.name}"] = OUTCOME_COLUMNS
        for member in plan.members:
            tables[f"base:{plan.name}/{member.connection}"] = base_columns(member)
    return tables


def _moves(release: Release, subject: str) -> dict[str, str]:
    """Give the columns that had other names in earlier releases: before → now."""
    kind, _, place = subject.partition(":")
    plan = release.plans.get(place.partition("/")[0]) if kind in ("base", "canonical") else None
    prefixes = ("agreed.",) if kind == "base" else ("", "from.", "at.")
    moved = {field.moved_from: field.name for field in plan.fields if field.moved_from} if plan else {}
    return {prefix + old: prefix + new for old, new in moved.items() for prefix in prefixes}


def _renamed(source: str, due: Mapping[str, str], subject: str) -> str:
    """Give a segment with the names that its columns have now, also where they are named in texts."""
    names = ", ".join(f"{quoted(old)} AS {quoted(new)}" for old, new in due.items())
    if not subject.startswith("base:"):
        return f"(SELECT * RENAME ({names}) FROM {source})"
    slots, synced = quoted("_slots"), quoted("_synced")
    for old, new in due.items():
        before, now = old.removeprefix("agreed."), new.removeprefix("agreed.")
        slots = f"replace({slots}, {text(f',{before},')}, {text(f',{now},')})"
        key, renamed = text('"' + before + '":['), text('"' + now + '":[')
        synced = f"replace({synced}, {key}, {renamed})"
    return f"(SELECT * REPLACE ({slots} AS _slots, {synced} AS _synced) RENAME ({names}) FROM {source})"


def _without_lost(subject: str, columns: dict[str, str], there: dict[str, str]) -> dict[str, str]:
    """Give the columns that say of values what a changed type cannot hold: nothing is agreed there, and it is no null."""
    lost = {}
    for name, old in there.items():
        new = columns.get(name, old)
        if old != SAME_TYPE.get(new, new) and not name.startswith(("_", "from.")):
            back = f"TRY_CAST(TRY_CAST({quoted(name)} AS {new}) AS {old})"
            lost[name.removeprefix("agreed.")] = f"{back} IS DISTINCT FROM {quoted(name)}"
    if not lost:
        return {}
    if subject.startswith("canonical:"):
        told = ", ".join(f"CASE WHEN {condition} THEN {text(name + ',')} END" for name, condition in lost.items())
        return {"_lost": f"nullif(concat(',', {told}), ',')"}
    if not subject.startswith("base:"):
        return {}
    slots = quoted("_slots")
    for name, condition in lost.items():
        slots = f"CASE WHEN {condition} THEN replace({slots}, {text(f',{name},')}, ',') ELSE {slots} END"
    return {"_slots": slots}


def key_of(subject: str) -> tuple[str, ...]:
    """Say what a later row replaces an earlier one by."""
    kind = subject.partition(":")[0]
    return {
        "links": ("object", "connection", "resource", "native_id", "generation"),
        "canonical": ("_cid",),
        "base": ("_native_id",),
    }.get(kind, ())


def _stamp(path: Path) -> str:
    """Give what changes when a file is written."""
    told = path.stat()
    return f"{told.st_mtime_ns}-{told.st_size}-{told.st_ino}"
