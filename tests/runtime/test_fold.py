"""What segments fold to: what one tells again takes the place of what was told, however many are folded at once."""

from __future__ import annotations

from pathlib import Path

from support.world import compiled, system
from syncline_runtime.fold import contents, fold
from syncline_runtime.plan import Release
from syncline_runtime.segments import Segment, SegmentStore
from syncline_runtime.state import LINK_COLUMNS, State, base_columns, quoted

BASE = "thing/a"
SEGMENTS, ROWS = 24, 3000  # rows enough that the engine does not take all they say into one vector
FILES = {
    "a.yaml": system("a", Rec="key: {type: text, required: true}, name: text"),
    "thing.yaml": """
        object: thing
        version: 1.0.0
        fields:
          key: {type: text, label: Key}
          name: {type: "text?", label: Name}
        identity: [{same: [key]}]
        """,
    "b.yaml": system("b", Rec="key: {type: text, required: true}"),
    "sync.yaml": """
        sync: thing
        object: thing@1
        members: {a: a.Rec, b: b.Rec}
        exists: {originate: [a], hold: {b: true}}
        owners: {"*": a}
        """,
    "a.map": "mapping a.Rec <-> thing@1\n\nkey <-> key\nname <-> name\n",
    "b.map": "mapping b.Rec <-> thing@1\n\nkey <-> key\n",
}


def test_segments_folded_at_once_come_to_what_they_come_to_one_by_one(tmp_path: Path) -> None:
    release = compiled(FILES, tmp_path)
    store = SegmentStore(tmp_path / "segments")
    segments = _told_again_and_again(release, State(tmp_path / "writing", store, threads=1))
    for upto in range(0, len(segments), 8):
        at_once = State(tmp_path / "at_once", store, threads=1)
        fold(at_once, release, segments[: upto + 8])
        at_once.close()
    one_by_one = State(tmp_path / "one_by_one", store, threads=1)
    for upto in range(len(segments)):
        fold(one_by_one, release, segments[: upto + 1])
    at_once = State(tmp_path / "at_once", store, threads=1)
    assert contents(at_once, release) == contents(one_by_one, release)
    told = f'SELECT _native_id, _cid, "native.name" FROM {quoted(f"base:{BASE}")} ORDER BY 1'
    assert at_once.rows(told) == sorted(
        (f"rec_{row:04}", None if row % 7 == 0 else f"{row:032x}", f"as of {_last_told(row)}") for row in range(ROWS)
    )
    for state in (at_once, one_by_one):
        state.close()


def _last_told(row: int) -> int:
    return max(number for number in range(SEGMENTS) if _tells(number, row))


def _tells(number: int, row: int) -> bool:
    return number == 0 or (row * 31 + number * 17) % 5 < 2


def _told_again_and_again(release: Release, writing: State) -> list[Segment]:
    """Segments of base rows and links in turn; all of them tell some rows that were told before."""
    columns = base_columns(release.plans["thing"].members[0])
    segments = []
    for number in range(SEGMENTS):
        rows = [row for row in range(ROWS) if _tells(number, row)]
        base = {
            row: {
                "_native_id": f"rec_{row:04}",
                "_cid": None if row % 7 == 0 else f"{row:032x}",
                "_status": "linked",
                "_slots": ",key,name,",
                "native.key": f"k{row}",
                "native.name": f"as of {number}",
            }
            for row in rows
        }
        links = {
            row: {
                "object": "thing",
                "connection": "a",
                "resource": "Rec",
                "native_id": f"rec_{row:04}",
                "generation": 0,
            }
            | {"canonical_id": f"{row:032x}", "state": "live" if number % 2 else "left"}
            for row in rows
        }
        for kind, subject, told, names in (("base", BASE, base, columns), ("links", "all", links, LINK_COLUMNS)):
            writing.fill("told", names, [[one.get(name) for name in names] for one in told.values()])
            segment = writing.write_segment(kind, subject, f"run{number}", "SELECT * FROM told")
            assert segment is not None
            segments.append(segment.at(len(segments) + 1))
    writing.close()
    return segments
