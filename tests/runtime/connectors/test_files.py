"""Dropped files: read strictly, named with their line, never shortened in silence."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from syncline_runtime.connectors import ParquetFile
from syncline_runtime.connectors.files import read_files
from syncline_runtime.connectors.results import Row
from syncline_runtime.errors import ReleaseError, RequestFailed
from syncline_runtime.sandbox.drops import write_drops
from syncline_runtime.system import FileRead, MomentText, NativeField, NumberText, Resource, System

FIELDS = (
    NativeField("no", "text", "Order No."),
    NativeField("amount", "decimal", "amount"),
    NativeField("note", "text", "note", empty_is_null=True),
    NativeField("city", "text", "place"),
)


def reading(folder: Path, files: FileRead, fields: tuple[NativeField, ...] = FIELDS) -> list[Row]:
    resource = Resource("Order", "Order", "no", fields, files=files)
    system = System("drop", "1.0.0", "Drop", (resource,), protocol="files")
    pages = read_files(system, resource, folder, "partner.Order")
    return [row for page in pages for row in page.rows]  # type: ignore[union-attr]


def failure(folder: Path, name: str, content: bytes, files: FileRead | None = None) -> str:
    path = folder / name
    path.write_bytes(content)
    with pytest.raises(RequestFailed) as failed:
        reading(folder, files or FileRead("*.csv"))
    assert path.read_bytes() == content
    assert failed.value.exit_code == 4
    return str(failed.value)


def test_csv_with_bom_quotes_and_empty_cells(tmp_path: Path) -> None:
    text = '\ufeffOrder No.,amount,note,other\r\n1,1.50,,x\r\n"2","2","a ""b""\r\nc",\r\n\r\n'
    (tmp_path / "b.csv").write_text(text, encoding="utf-8", newline="")
    rows = reading(tmp_path, FileRead("*.csv"))
    assert [row.natives for row in rows] == [
        {"no": "1", "amount": "1.50", "note": None},
        {"no": "2", "amount": "2", "note": 'a "b"\r\nc'},
    ]


def test_files_are_read_by_name_and_unfinished_ones_left_alone(tmp_path: Path) -> None:
    for name in ("b.csv", "a.csv", ".hidden.csv", "c.csv.part", "d.tmp"):
        (tmp_path / name).write_text(f"Order No.\n{name}\n")
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "e.csv").write_text("Order No.\ne\n")
    assert [row.native_id for row in reading(tmp_path, FileRead("*"))] == ["a.csv", "b.csv"]
    assert [row.native_id for row in reading(tmp_path, FileRead("**/*.csv"))] == ["a.csv", "b.csv", "e"]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "x.csv:1: the file line has no header line; it seems to be half written"),
        (
            b"Order No.,amount\n1,2\n3",
            "x.csv:3: the file line has 1 cells where the first line has 2; it seems to be half",
        ),
        (b"Order No.,amount\n1\n3,4\n", "x.csv:2: the line has 1 cells where the first line has 2"),
        (b"Order No.,amount\n1,2,3", "x.csv:2: the line has 3 cells"),
        (b'Order No.,amount\n1,"2', "x.csv:2: the file line ends inside a quoted cell; it seems to be half written"),
        (b'Order No.,amount\n1,"2"x\n', "x.csv:2: the line is not proper CSV"),
        (b"Order No.,amount\n1,2\n\xff,3\n", "x.csv:3: the line is not utf-8 text"),
        (b"Order No.,amount\n1,2\n\0\0\0\0", "x.csv:3: the file line holds zero bytes"),
        (b"Order No.,Order No.\n", "x.csv:1: the line names a column twice"),
        (b"no,amount\n", "x.csv:1: the line has no column 'Order No.'"),
        (b"Order No.,amount\n,2\n", "x.csv:2: the line has no 'no', which tells records apart"),
    ],
)
def test_bad_csv(tmp_path: Path, content: bytes, words: str) -> None:
    assert words in failure(tmp_path, "x.csv", content)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b'{"Order No.": "1"}\n{"Order No', "x.jsonl:2: the file line ends in the middle"),
        (b'{"Order No.": "1"}\n{"Order No\n', "x.jsonl:2: the line is not JSON at line 1"),
        (b'{"Order No.": NaN}\n', "x.jsonl:1: the line is NaN or Infinity"),
        (b"[1]\n", "x.jsonl:1: the line is no JSON object"),
    ],
)
def test_bad_json_lines(tmp_path: Path, content: bytes, words: str) -> None:
    assert words in failure(tmp_path, "x.jsonl", content, FileRead("*.jsonl", "jsonl"))


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b'{"rows": [{"Order', "it seems to be half written"),
        (b'{"data": []}', "holds no list at 'rows'"),
        (b'{"rows": [1]}', "as record 1"),
        (b'{"rows": [Infinity]}', "NaN or Infinity"),
    ],
)
def test_bad_json(tmp_path: Path, content: bytes, words: str) -> None:
    assert words in failure(tmp_path, "x.json", content, FileRead("*.json", "json", items="rows"))


def test_json_keeps_digits(tmp_path: Path) -> None:
    fields = (NativeField("no", "int", "no"), NativeField("amount", "decimal", "sum.amount"))
    (tmp_path / "x.json").write_text('{"rows": [{"no": 1, "sum": {"amount": 1.10}}]}')
    (tmp_path / "x.jsonl").write_text('{"no": 1, "sum": {"amount": 1.10}}\n\n{"no": 2}')
    rows = reading(tmp_path, FileRead("*.json", "json", items="rows"), fields)
    assert rows[0].natives == {"no": "1", "amount": "1.10"}
    assert [r.native_id for r in reading(tmp_path, FileRead("*.jsonl", "jsonl"), fields)] == ["1", "2"]


def test_utf_16(tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_text("Order No.;place\r\n1;Köln\r\n", encoding="utf-16", newline="")
    rows = reading(tmp_path, FileRead("*.csv", delimiter=";", encoding="utf-16"))
    assert rows[0].natives == {"no": "1", "city": "Köln"}


def test_a_file_that_changes_while_it_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "x.csv"
    path.write_text("Order No.\n1\n2\n")
    monkeypatch.setattr("syncline_runtime.connectors.files.ROWS_PER_PAGE", 1)
    resource = Resource("Order", "Order", "no", FIELDS, files=FileRead("*.csv"))
    system = System("drop", "1.0.0", "Drop", (resource,), protocol="files")
    pages: Iterator[object] = read_files(system, resource, tmp_path, "partner.Order")
    next(pages)
    with path.open("a") as file:
        file.write("3\n")
    with pytest.raises(RequestFailed, match="changed while it was read"):
        list(pages)


def test_nothing_outside_the_folder_is_read(tmp_path: Path) -> None:
    (tmp_path / "secret.csv").write_text("Order No.\n1\n")
    folder = tmp_path / "drop"
    folder.mkdir()
    (folder / "x.csv").symlink_to(tmp_path / "secret.csv")
    with pytest.raises(RequestFailed, match="leads out of the folder"):
        reading(folder, FileRead("*.csv"))
    with pytest.raises(ReleaseError, match="leads out of the folder"):
        reading(folder, FileRead("../*.csv"))


def test_a_missing_folder_is_not_an_empty_one(tmp_path: Path) -> None:
    with pytest.raises(RequestFailed, match="is not there"):
        reading(tmp_path / "nowhere", FileRead("*.csv"))


@pytest.mark.skipif(os.geteuid() == 0, reason="root can read everything")
def test_an_unreadable_file(tmp_path: Path) -> None:
    (tmp_path / "x.csv").touch(mode=0o000)
    with pytest.raises(RequestFailed, match="cannot be read"):
        reading(tmp_path, FileRead("*.csv"))


def test_parquet_is_left_to_the_engine(tmp_path: Path) -> None:
    (tmp_path / "x.parquet").touch()
    resource = Resource("Order", "Order", "no", FIELDS, files=FileRead("*.parquet", "parquet"))
    system = System("drop", "1.0.0", "Drop", (resource,), protocol="files")
    found = list(read_files(system, resource, tmp_path, "partner.Order"))
    assert found == [ParquetFile(tmp_path / "x.parquet", "x.parquet")]


def test_a_dialect_of_its_own(tmp_path: Path) -> None:
    fields = (NativeField("no", "text", "1"), NativeField("city", "text", "3"))
    (tmp_path / "x.csv").write_text("1|a|Köl^'n\n'2|2'|b|'^'|'\n", encoding="cp1252")
    rows = reading(
        tmp_path, FileRead("*.csv", delimiter="|", quote="'", escape="^", header=False, encoding="cp1252"), fields
    )
    assert [(row.natives, row.place) for row in rows] == [
        ({"no": "1", "city": "Köl'n"}, "x.csv:1"),
        ({"no": "2|2", "city": "'|"}, "x.csv:2"),
    ]
    (tmp_path / "x.csv").write_text('1|a|"b\n')
    assert (
        reading(tmp_path, FileRead("*.csv", delimiter="|", quote="", header=False), fields)[0].natives["city"] == '"b'
    )
    (tmp_path / "x.csv").write_text("")
    assert reading(tmp_path, FileRead("*.csv", header=False), fields) == []


def test_what_the_sandbox_writes_is_read_back(tmp_path: Path) -> None:
    fields = (
        NativeField("no", "text", "4"),
        NativeField("sum", "decimal", "1"),
        NativeField("day", "date", "2"),
        NativeField("at", "local_datetime", "6"),
    )
    spec = FileRead(
        "*.csv",
        header=False,
        quote="'",
        nulls=("NULL",),
        numbers=NumberText("de", "[0-9.,]+", "[.]", ","),
        dates=MomentText("%d.%m.%Y", ".*"),
        times=MomentText("%d.%m.%Y %H:%M", ".*"),
    )
    resource = Resource("Order", "Order", "no", fields, files=spec)
    system = System("drop", "1.0.0", "Drop", (resource,), protocol="files")
    row = {"no": "7", "sum": "1234.5", "day": None, "at": "2026-01-31T10:05:00"}
    write_drops(system, {"Order": [row]}, tmp_path)
    assert (tmp_path / "order-1.csv").read_text() == "'1234,5',NULL,,7,,31.01.2026 10:05\n"
    assert reading(tmp_path, spec, fields)[0].natives == {
        "no": "7",
        "sum": "1234,5",
        "day": "NULL",
        "at": "31.01.2026 10:05",
    }
