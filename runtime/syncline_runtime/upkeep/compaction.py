"""Compaction: many small segments become one; landed rows, outcomes and what was sent go once past their retention.

In: an open state and the registered segments. Out: a register that names fewer of them and folds to the same state, row
for row. Invariants: a segment is removed only after the register has stopped naming it, so that a kill at any moment
leaves a whole register; what is past its retention goes only where nothing is open that began before.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from syncline_runtime.fold import compacted, fold, key_of
from syncline_runtime.ledger import Lease, Ledger
from syncline_runtime.ledger.ids import first_id
from syncline_runtime.report import DOCUMENT_VERSION
from syncline_runtime.segments import Segment
from syncline_runtime.stages.context import Progress
from syncline_runtime.state import State, quoted, text
from syncline_runtime.upkeep.check import check_segments
from syncline_runtime.upkeep.session import Place, under_lease
from syncline_runtime.upkeep.strays import sweep

AGED = (
    "landed",
    "outcomes",
    "before",
)  # kinds that tell the past; of the others, what stands is kept for as long as it stands
KEPT = 90 * 86_400_000_000  # microseconds
MANY = 32  # so many small segments of one subject are worth one larger
SMALL = 10_000  # rows
GROWTH = 4  # an older segment joins newer ones only if it is not this many times as large as all of them
FILE, PLACE = "_file", "_place"


@dataclass(frozen=True)
class Compacted:
    """What became of the segments."""

    before: int
    after: int
    bytes_before: int
    bytes_after: int
    dropped: int  # rows past their retention
    forgotten: int  # bodies of writes that are
    strays: int  # files of interrupted work that were removed


def compact_now_and_then(state: State, ledger: Ledger, held: Lease, now: int) -> None:
    """Compact what has grown into many small segments; costs nothing worth naming where nothing has."""
    grouped = by_subject(ledger.register.segments())
    floor = _floor(ledger, now - KEPT)
    due = {
        subject: list(mine if past(mine, floor) else tail(mine))
        for subject, mine in grouped.items()
        if len(tail(mine)) >= MANY or past(mine, floor)
    }
    if due:
        _replace(state, ledger, held, due, floor)
        if any(past(mine, floor) for mine in grouped.values()):
            ledger.intents.forget(held, floor)
        sweep(state.store, ledger)


def compact_state(place: Place, keep: int, progress: Progress = lambda stage, what: None) -> dict[str, Any]:
    """Compact everything; ``keep``: the age, in microseconds, at which landed rows, outcomes and what was sent go."""
    with under_lease(place) as at:
        check_segments(place.store, at.ledger)
        done = compact(at.state, at.ledger, at.lease, place.now() - keep, progress)
        fold(at.state, place.release, at.ledger.register.segments())
    return {
        "version": DOCUMENT_VERSION,
        "before": {"segments": done.before, "bytes": done.bytes_before},
        "after": {"segments": done.after, "bytes": done.bytes_after},
        "rows_dropped": done.dropped,
        "bodies_dropped": done.forgotten,
        "strays_removed": done.strays,
    }


def compact(state: State, ledger: Ledger, held: Lease, before: int, progress: Progress) -> Compacted:
    """Make one segment of all of each subject; what tells the past of runs begun before a time goes."""
    grouped, floor = by_subject(ledger.register.segments()), _floor(ledger, before)
    dropped = _replace(state, ledger, held, grouped, floor, progress)
    forgotten = ledger.intents.forget(held, floor)
    strays = sweep(state.store, ledger)
    old, new = [one for mine in grouped.values() for one in mine], ledger.register.segments()
    return Compacted(
        len(old), len(new), sum(o.bytes for o in old), sum(n.bytes for n in new), dropped, forgotten, strays
    )


def by_subject(segments: Iterable[Segment]) -> dict[str, list[Segment]]:
    """Sort segments by kind and subject; each list keeps the order of the register."""
    grouped: dict[str, list[Segment]] = {}
    for segment in segments:
        grouped.setdefault(f"{segment.kind}:{segment.subject}", []).append(segment)
    return grouped


def tail(mine: Sequence[Segment]) -> Sequence[Segment]:
    """Give the newest segments, back to the first that is much larger than all behind it.

    So the work of compacting grows with what is new, and every row is written again only a few times in its life.
    """
    start, rows = len(mine), 0
    while start and mine[start - 1].rows <= GROWTH * max(rows, SMALL):
        start -= 1
        rows += mine[start].rows
    return mine[start:]


def past(mine: Sequence[Segment], floor: str) -> bool:
    """Tell whether some segment tells of nothing but runs before the floor."""
    return mine[0].kind in AGED and any(one.rows and one.run < floor for one in mine)


def _floor(ledger: Ledger, before: int) -> str:
    """Give the first run whose rows are kept: of what is open, all that has been read and decided since it began."""
    opened = [one.run for one in ledger.intents.unfinished()]
    opened += [one.first_run for one in ledger.exceptions.find()]
    return min([first_id(max(before, 0)), *opened])


def _replace(
    state: State,
    ledger: Ledger,
    held: Lease,
    due: Mapping[str, Sequence[Segment]],
    floor: str,
    progress: Progress = lambda stage, what: None,
) -> int:
    """Put new segments in the place of old ones, a subject at a time; returns how many rows went."""
    dropped = 0
    for subject, mine in sorted(due.items()):
        for alike in _alike(state, mine):
            kept = floor if mine[0].kind in AGED else ""
            if len(alike) == 1 and not (kept and alike[0].rows):
                continue
            progress("compact", f"{subject}: {len(alike)} segments")
            new = _written(state, subject, alike, kept)
            gone = sum(one.rows for one in alike) - new.rows
            if len(alike) == 1 and not gone:
                state.store.locate(new).unlink()
                continue
            if new.kind in AGED and gone:
                dropped += gone
            else:
                new = new.at(alike[-1].seq)  # the state stands where it stood
            ledger.register.replace(held, alike, [new])
            if new.seq:
                compacted(state, subject, alike[-1], new)
            for one in alike:
                state.store.locate(one).unlink(missing_ok=True)
    return dropped


def _alike(state: State, mine: Sequence[Segment]) -> Iterator[list[Segment]]:
    """Give neighbours that agree on the types of the columns they share.

    What a changed type cannot hold is told of the segment that holds it, so that types are never mixed.
    """
    key = key_of(f"{mine[0].kind}:{mine[0].subject}")
    together: list[Segment] = []
    types: dict[str, str] = {}
    for segment in mine:
        there = state.columns_of(state.store.verify(segment).resolve())
        if (together and any(types.get(name, kind) != kind for name, kind in there.items())) or set(key) - set(there):
            yield together
            together, types = [], {}
        together.append(segment)
        types |= there
    yield together


def _written(state: State, subject: str, alike: Sequence[Segment], floor: str) -> Segment:
    last = alike[-1]
    sql = folded(state, subject, alike, floor)
    written = state.write_segment(last.kind, last.subject, last.run, sql, bare=True)
    assert written is not None  # bare ones are written too
    return written


def folded(state: State, subject: str, alike: Sequence[Segment], floor: str) -> str:
    """Give the query of what segments fold to: of each key the rows of the last that has it, else all rows."""
    paths = [str(state.store.locate(one).resolve()) for one in alike]
    source = f"read_parquet([{', '.join(map(text, paths))}], union_by_name=true, filename={text(FILE)})"
    order = ", ".join(
        f"({text(path)}, {place}, {text(one.run)})" for place, (path, one) in enumerate(zip(paths, alike, strict=True))
    )
    rows = f"SELECT r.*, o.{PLACE}, o.of_run FROM {source} AS r JOIN (VALUES {order}) AS o({FILE}, {PLACE}, of_run) ON o.{FILE} = r.{FILE}"
    own = f"EXCLUDE ({FILE}, {PLACE}, of_run)"
    if key := key_of(subject):
        listed = ", ".join(map(quoted, key))
        return (
            f"WITH r AS ({rows}), last AS (SELECT {listed}, max({PLACE}) AS {PLACE} FROM r GROUP BY {listed}) "
            f"SELECT r.* {own} FROM r SEMI JOIN last AS l ON l.{PLACE} = r.{PLACE} AND "
            + " AND ".join(f"l.{name} IS NOT DISTINCT FROM r.{name}" for name in map(quoted, key))
        )
    if alike[0].kind == "landed":
        known = any("_run" in state.columns_of(state.store.locate(one).resolve()) for one in alike)
        run = "coalesce(r._run, r.of_run)" if known else "r.of_run"
        without = f"EXCLUDE ({FILE}, {PLACE}, of_run{', _run' if known else ''})"
        return f"WITH r AS ({rows}) SELECT r.* {without}, {run} AS _run FROM r WHERE {run} >= {text(floor)}"
    return f"WITH r AS ({rows}) SELECT r.* {own} FROM r WHERE r.run >= {text(floor)}"
