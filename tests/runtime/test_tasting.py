"""What ends, hangs or exhausts the engine takes one record with it, never the run; and never a whole list in silence."""

from __future__ import annotations

import re
import subprocess
import sys
import time
from pathlib import Path

import pytest

from support.world import FROM_A_TO_B, NAME_AND_KIND, problems, system, world, writes
from syncline_runtime.errors import StateError, SystemFailure
from syncline_runtime.segments import SegmentStore
from syncline_runtime.stages import gathering, landing, tasting
from syncline_runtime.state import State

FIELDS = "name: {type: text, required: true}, kind: text"
FILES = {
    "o.yaml": NAME_AND_KIND,
    "s.yaml": FROM_A_TO_B,
    "a.yaml": system("a", Rec=FIELDS),
    "b.yaml": system("b", Rec=FIELDS),
    "a.map": "mapping a.Rec <-> rec@1\nname <-> name\nkind <-> kind\n",
    "b.map": "mapping b.Rec <-> rec@1\nname <-> name\nkind <-> kind\n",
}
BOMB = """CASE WHEN "name" = 'bomb' THEN CAST(error('boom') AS BOOLEAN) ELSE false END"""
ENDLESS = "SELECT sum(a.range * b.range) AS n FROM range(10000000) AS a, range(10000000) AS b"


def test_a_process_that_dies_takes_nothing_with_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert tasting.stands("SELECT 1 AS n", tmp_path)
    assert not tasting.stands("SELECT repeat('x', 2000000000) AS n", tmp_path)  # more memory than it may take
    assert not tasting.stands("SELECT * FROM read_text('/etc/hostname')", tmp_path)
    monkeypatch.setattr(tasting, "SECONDS", 1.0)
    began = time.monotonic()
    assert not tasting.stands(ENDLESS, tmp_path)
    assert time.monotonic() - began < 20


def test_a_state_that_nobody_closes_is_let_go(tmp_path: Path) -> None:
    program = (
        "import sys; from pathlib import Path; from syncline_runtime.segments import SegmentStore; "
        "from syncline_runtime.state import State; folder = Path(sys.argv[1]); "
        "state = State(folder, SegmentStore(folder / 'segments')); print(state.scalar('SELECT 1'))"
    )
    done = subprocess.run([sys.executable, "-c", program, str(tmp_path)], capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == ("1\n", "")


def test_a_statement_that_takes_too_long_is_ended(tmp_path: Path) -> None:
    state = State(tmp_path, SegmentStore(tmp_path / "segments"), patience=0.5)
    with pytest.raises(StateError, match=r"took more than 0.5 s") as ended:
        state.execute(ENDLESS)
    assert ended.value.error_code == "SYN6019"
    assert state.scalar("SELECT 1") == 1
    state.close()


def test_lines_are_parted_and_never_most_of_them(tmp_path: Path) -> None:
    path = tmp_path / "x.jsonl"
    lines = [f'{{"n": {number}}}\n'.encode() for number in range(100)]
    path.write_bytes(b"".join(lines))
    bad = {lines[3], lines[97]}
    assert tasting.parted(path, lambda trial: not bad & set(trial.read_bytes().splitlines(True)), "a.Rec") == [
        lines[3], lines[97],
    ]  # fmt: skip
    assert path.read_bytes() == b"".join(line for line in lines if line not in bad)
    for stands in (lambda trial: False, lambda trial: not trial.stat().st_size):
        with pytest.raises(SystemFailure, match="cannot stand what this list shows"):
            tasting.parted(path, stands, "a.Rec")


def stand(statement: str) -> bool:
    """Say what a process of its own would find out, without one."""
    (path,) = re.findall(r"read_json\('([^']+)'", statement)
    return "CASE WHEN \"name\" = 'bomb'" not in statement or b'"bomb"' not in Path(path).read_bytes()


def test_one_record_is_set_aside_and_the_others_go_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with world(tmp_path, monkeypatch, FILES) as made:
        bomb = made.add("a", name="was", kind="x")
        made.add("a", name="one", kind="x")
        made.run()
        made.edit("a", bomb, name="bomb")
        made.add("a", name="two", kind="x")
        tried: list[str] = []
        monkeypatch.setattr(gathering, "stands", lambda statement, _: not tried.append(statement) and stand(statement))
        with monkeypatch.context() as biting:
            biting.setattr(landing, "_gone", lambda _: BOMB)
            result = made.run()
            assert [(one["code"], one["connection"], one["native_id"]) for one in result.exceptions] == [
                ("SYN5019", "a", bomb)
            ]
            assert sorted(made.by("name", "b")) == ["one", "two", "was"]  # nothing is taken as deleted
            tried.clear()
            assert (writes(result := made.run()), problems(result)) == ([], [("SYN5019", "a", "")])
            assert tried  # what bit once is tasted first
        made.run()
        assert sorted(made.by("name", "b")) == ["bomb", "one", "two"]
        tried.clear()
        assert (made.run().exceptions, tried) == ([], [])
        made.assert_whole()


def test_what_was_being_read_when_a_run_died_is_tasted_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with world(tmp_path, monkeypatch, FILES) as made:
        made.add("a", name="one", kind="x")
        dying = tasting.Note(made.options.state / "spool", "landed/a/Rec")
        (made.options.state / "spool").mkdir(parents=True)
        dying.write()
        tried: list[str] = []
        monkeypatch.setattr(gathering, "stands", lambda statement, _: not tried.append(statement))
        made.run()
        assert (len(made.records("b")), len(tried), dying.found) == (1, 2, False)
