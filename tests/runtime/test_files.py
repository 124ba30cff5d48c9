"""Files of a partner, written in the way of his country: what they mean comes in, and what does not fit is set aside with its line."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import duckdb
import pytest

from support.world import NAME_AND_KIND, World, problems, system, world, writes

PROJECT = """syncline: 1
project: t
environments: {t: {a: {origin: FOLDER}, b: {stand_in: true}}}
"""
AGENCY = """system: a
version: 1.0.0
protocol: files
zone: Europe/Berlin
resources:
  Rec:
    id: no
    fields:
      no: {type: text, at: "1", write: false}
      name: {type: text, at: "2", write: false, required: true}
      kind: {type: text, at: "3", write: false, empty_is_null: true}
      credit: {type: "decimal(12,2)", at: "4", write: false, empty_is_null: true}
      since: {type: date, at: "5", write: false, empty_is_null: true}
      seen: {type: local_datetime, at: "7", write: false, empty_is_null: true}
    files: {pattern: "*.csv", FILES}
"""
GERMAN = (
    "delimiter: ';', quote: \"'\", header: false, encoding: cp1252, nulls: ['NULL', '-'], locale: de, dates: '%d.%m.%Y', "
    "times: '%d.%m.%Y %H:%M'"
)
OBJECT = NAME_AND_KIND.replace(
    'kind: {type: "text?", label: Kind}',
    'kind: {type: "text?", label: Kind}, credit: {type: "decimal(12,2)?", label: Credit}, '
    'since: {type: "date?", label: Since}, seen: {type: "instant?", label: Seen}',
)
FIELDS = 'name: {type: text, required: true}, kind: text, credit: "decimal(12,2)", since: date, seen: instant'
FILES = {
    "o.yaml": OBJECT,
    "b.yaml": system("b", Rec=FIELDS),
    "a.map": "mapping a.Rec <-> rec@1\nname <- name\nkind <- kind\ncredit <- credit\nsince <- since\nseen <- seen | instant system\n",
    "b.map": "mapping b.Rec <-> rec@1\nname <-> name\nkind <-> kind\ncredit <-> credit\nsince <-> since\nseen <-> seen\n",
    "s.yaml": 'sync: rec\nobject: rec@1\nmembers: {a: a.Rec, b: b.Rec}\nexists: {originate: [a], hold: {b: true}}\nowners: {"*": a}\n',
}
ROWS = """1;Zürich;NULL;1.234,50;05.03.2024;x;05.07.2024 10:00
2;'Köln; Süd';-;-7;-;;-
3;Wien;a;1.23;05.03.2024;;
4;Graz;a;1;2024-03-05;;
"""


def partner(folder: Path, monkeypatch: pytest.MonkeyPatch, files: str = GERMAN) -> Any:
    """Serve what a partner drops into ``folder/drop`` to a system ``b``."""
    (folder / "drop").mkdir()
    project = PROJECT.replace("FOLDER", str(folder / "drop"))
    return world(folder, monkeypatch, {**FILES, "syncline.yaml": project, "a.yaml": AGENCY.replace("FILES", files)})


def dropped(made: World, name: str, text: str) -> Path:
    path = made.folder / "drop" / name
    path.write_text(text, encoding="cp1252")
    return path


def test_numbers_and_dates_of_another_country(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with partner(tmp_path, monkeypatch) as made:
        dropped(made, "x.csv", ROWS)
        result = made.run()
        by_name = made.by("name", "b")
        assert sorted(by_name) == ["Köln; Süd", "Zürich"]
        zurich, cologne = by_name["Zürich"], by_name["Köln; Süd"]
        assert [zurich[name] for name in ("kind", "credit", "since", "seen")] == [
            None, "1234.50", "2024-03-05", "2024-07-05T08:00:00Z",
        ]  # fmt: skip
        assert [cologne[name] for name in ("kind", "credit", "since", "seen")] == [None, "-7.00", None, None]
        # what fits no number or date of the country is set aside, with file and line; never read as another value
        assert problems(result) == [("SYN5001", "a", "credit"), ("SYN5001", "a", "since")]
        assert sorted(one["correlation_id"].partition("-")[2] for one in result.exceptions) == ["x.csv:3", "x.csv:4"]
        made.assert_whole()


def test_a_file_that_was_written_just_now_waits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with partner(tmp_path, monkeypatch, f"{GERMAN}, settles: 1m") as made:
        path = dropped(made, "x.csv", "1;Zürich;;;;;\n")
        now = made.clock.now() / 1e6
        os.utime(path, (now - 30, now - 30))
        made.run()
        assert made.records("b") == []
        made.clock.let_pass(31)
        made.run()
        assert len(made.records("b")) == 1


def test_a_file_is_whole_once_its_mark_is_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with partner(tmp_path, monkeypatch, f"{GERMAN}, ready: .ok, complete: true") as made:
        dropped(made, "x.csv", "1;Zürich;;;;;\n")
        assert "no x.csv.ok beside it" in made.run().unread["a.Rec"]
        dropped(made, "x.csv.ok", "")
        made.run()
        assert len(made.records("b")) == 1


HEADED = {"csv": "header: true, ", "parquet": ""}
NAMED = AGENCY
for number, name in enumerate(("no", "name", "kind", "credit", "since", "-", "seen"), 1):
    NAMED = NAMED.replace(f'at: "{number}"', f"at: {name}")


@pytest.mark.parametrize("form", ["csv", "parquet"])
def test_a_column_that_is_called_otherwise(form: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is known of its values: neither null for a new record, nor the last one for a known."""
    given = f'pattern: "*.{form}", format: {form}, {HEADED[form]}complete: true'
    agency = NAMED.replace('pattern: "*.csv", FILES', given).replace("kind: {type: text,", "kind: {type: text~,")
    (tmp_path / "drop").mkdir()
    project = PROJECT.replace("FOLDER", str(tmp_path / "drop"))
    with world(tmp_path, monkeypatch, {**FILES, "syncline.yaml": project, "a.yaml": agency}) as made:
        written(made, form, "no,name,credit,since,seen", "1,Ada,5,2024-03-05,2024-07-05T10:00:00")
        made.run()  # `kind` may be missing
        assert made.by("name", "b")["Ada"]["credit"] == "5.00"
        written(made, form, "no,name,limit,since,seen", "1,Ada,6,2024-03-05,2024-07-05T10:00:00")
        result = made.run()
        assert "the file has no column 'credit', which mappings read" in result.unread["a.Rec"]
        assert f"a.Rec x.{form}" in result.unread["a.Rec"]
        assert (writes(result), made.by("name", "b")["Ada"]["credit"]) == ([], "5.00")
        written(made, form, "number,name,credit,since,seen", "1,Ada,6,2024-03-05,2024-07-05T10:00:00")
        assert "no column 'no'" in made.run().unread["a.Rec"]
        made.assert_whole()


def written(made: World, form: str, header: str, row: str) -> None:
    """Drop a file of one row."""
    path = made.folder / "drop" / f"x.{form}"
    path.unlink(missing_ok=True)
    if form == "csv":
        path.write_text(f"{header}\n{row}\n")
        return
    cells = ", ".join(f"'{cell}' AS {name}" for name, cell in zip(header.split(","), row.split(","), strict=True))
    duckdb.sql(f"COPY (SELECT {cells}) TO '{path}' (FORMAT parquet)")
