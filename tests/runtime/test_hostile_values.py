"""Values full of SQL, quotes and control characters stay values: landed, compared, written as they are; the engine is locked."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from support.world import World, system, world
from syncline_runtime.segments import SegmentStore
from syncline_runtime.state import State

EVIL = [
    "'; DROP TABLE links; --", '"; DROP TABLE intents; --', "Robert'); DELETE FROM base WHERE ('1'='1", "\\'; SELECT 1; --",
    "$1 ? :name %s {0} {id} ${HOME} {{x}}", "a\x01b\x1b[31mc\x7fd", "tab\there\nline\r\nend", "\u202eevil\u202c \ufeff\u200b",
    "' UNION SELECT content FROM read_text('/etc/passwd') --", "=cmd|' /C calc'!A0", "<script>alert(1)</script>", "\u2028\u2029",
    "/*", "*/", "--", "''", '""', "`x`", "[x]", "NULL", "null", "true", "NaN", "1e999", "0x1F", "%00%2e%2e/", "../../etc/passwd",
    "😀 𝒳 ß İ ı", "\u0000nul", "x" * 60,
]  # fmt: skip
FIELDS = "Name: {type: text(200), required: true}, Note: text"
FILES = {
    "rec.yaml": "object: rec\nversion: 1.0.0\nidentity: [{same: [name]}]\n"
    "fields: {name: {type: text(200), required: true}, note: text?}\n",
    "a.yaml": system("a", Rec=FIELDS),
    "b.yaml": system("b", Rec=FIELDS),
    "a.map": "mapping a.Rec <-> rec@1\nname <-> Name\nnote <-> Note\n",
    "b.map": "mapping b.Rec <-> rec@1\nname <-> Name\nnote <-> Note\n",
    "rec_sync.yaml": "sync: rec\nobject: rec@1\nmembers: {a: a.Rec, b: b.Rec}\nexists: {originate: [a], hold: {b: true}}\n"
    'owners: {"*": a}\nfreshness: 15m\n',
}


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    with world(tmp_path, monkeypatch, FILES) as made:
        yield made


def test_values_come_through_as_they_are(here: World) -> None:
    for number, text in enumerate(EVIL):
        here.add("a", Name=f"r{number}", Note=text)
    here.run()
    assert {one["Name"]: one["Note"] for one in here.records("b")} == {f"r{n}": text for n, text in enumerate(EVIL)}
    here.assert_whole()
    assert here.plan().changes.writes == ()
    for record, text in zip(here.records("a"), reversed(EVIL), strict=True):
        here.edit("a", record["id"], Note=text)
    here.run()
    wanted = {f"r{number}": text for number, text in enumerate(reversed(EVIL))}
    assert {one["Name"]: one["Note"] for one in here.records("b")} == wanted
    here.assert_whole()
    assert here.plan().changes.writes == ()


def test_keys_by_which_records_are_known(here: World) -> None:
    """Identity, exceptions and the crosswalk hold what is in a key."""
    for text in EVIL:
        here.add("a", Name=text, Note=text)
        here.add("b", Name=text, Note="old")
    here.run()
    assert sorted((one["Name"], one["Note"]) for one in here.records("b")) == sorted((text, text) for text in EVIL)
    here.assert_whole()


ESCAPES = [
    "SELECT * FROM read_text('/etc/passwd')",
    "SELECT * FROM read_blob('{outside}')",
    "SELECT * FROM read_csv('{state}/../outside.csv')",
    "SELECT * FROM read_parquet('https://127.0.0.1:1/x.parquet')",
    "SELECT * FROM '{outside}'",
    "SELECT * FROM glob('/etc/*')",
    "COPY (SELECT 1) TO '{outside}.new'",
    "COPY (SELECT 1) TO '{state}/../new.csv'",
    "ATTACH '{outside}.db'",
    "ATTACH '/tmp/../etc/passwd' AS x",
    "EXPORT DATABASE '{outside}.d'",
    "INSTALL httpfs",
    "LOAD httpfs",
    "LOAD '{outside}'",
    "SET enable_external_access=true",
    "SET lock_configuration=false",
    "RESET enable_external_access",
    "SET allowed_directories=['/']",
    "SET allowed_paths=['/etc/passwd']",
    "SET temp_directory='/tmp'",
    "SET memory_limit='1TB'",
    "PRAGMA enable_profiling='json'",
    "PRAGMA profiling_output='{outside}.p'",
    "CREATE SECRET s (TYPE s3)",
    "SELECT getenv('HOME')",
]


@pytest.mark.parametrize("statement", ESCAPES)
def test_no_statement_reaches_out(tmp_path: Path, statement: str) -> None:
    """Whatever a hostile value or plan made the engine run, it could read and write nothing but its state."""
    outside = tmp_path / "outside.csv"
    outside.write_text("secret\n1\n")
    before = {path for path in tmp_path.rglob("*") if "state" not in path.parts}
    state = State(tmp_path / "state", SegmentStore(tmp_path / "state" / "segments"))
    try:
        with pytest.raises(duckdb.Error):
            state._connection.execute(statement.format(outside=outside, state=tmp_path / "state")).fetchall()
    finally:
        state.close()
    assert {path for path in tmp_path.rglob("*") if "state" not in path.relative_to(tmp_path).parts} <= before | {
        outside
    }
    assert os.listdir("/etc")


def test_the_engine_reads_its_own_segments(tmp_path: Path) -> None:
    state = State(tmp_path / "state", SegmentStore(tmp_path / "state" / "segments"))
    try:
        place = tmp_path / "state" / "segments" / "x.parquet"
        place.parent.mkdir(exist_ok=True)
        state._connection.execute(f"COPY (SELECT 1 AS x) TO '{place}'")
        assert state._connection.execute(f"FROM '{place}'").fetchall() == [(1,)]
    finally:
        state.close()
