"""A newcomer's first five minutes: init, check, compile, sandbox, plan, run."""

from __future__ import annotations

import signal
import subprocess
from pathlib import Path

import pytest

from end_to_end.stage import clean_environment, program, type_in

pytestmark = pytest.mark.slow


def test_from_init_to_a_run_that_has_nothing_to_do(tmp_path: Path) -> None:
    project = tmp_path / "shop"
    made = type_in(tmp_path, "init", "shop")
    assert made.code == 0
    assert "syncline check" in made.err
    checked = type_in(project, "check")
    assert (checked.code, checked.out) == (0, "")
    assert type_in(project, "fmt", "--check").code == 0
    assert type_in(project, "compile", "--out", "release").code == 0
    assert (project / "release" / "release.json").is_file()
    with subprocess.Popen(
        [program(), "sandbox", "--port", "0"], cwd=project, env=clean_environment(), stdout=subprocess.PIPE, text=True
    ) as sandbox:
        assert sandbox.stdout
        assert sandbox.stdout.readline().startswith("sandbox ready at http://127.0.0.1:")
        try:
            # inside a project neither --release nor --env is needed: it is compiled first, and has one environment
            planned = type_in(project, "plan")
            assert (planned.code, "would write" in planned.out) == (3, True), planned.err
            assert type_in(project, "run").code == 0
            again = type_in(project, "run")
            assert (again.code, "nothing to write" in again.out) == (0, True), again.out
            told = type_in(project, "status", "--format", "json").json
            assert [run["summary"]["writes"] > 0 for run in told["runs"]] == [False, True]
        finally:
            sandbox.send_signal(signal.SIGTERM)
    assert sandbox.returncode == 0
    assert not (project / ".syncline" / "sandbox.json").exists()


def test_help_without_anything_lists_the_commands(tmp_path: Path) -> None:
    told = type_in(tmp_path, "--help")
    assert told.code == 0
    for word in ("init", "check", "compile", "plan", "run", "status", "exceptions", "trace", "sandbox"):
        assert f"  {word} " in told.out


@pytest.mark.parametrize("words", [("plan",), ("run",), ("check",), ("sandbox",)])
def test_outside_a_project_every_command_says_what_to_do(tmp_path: Path, words: tuple[str, ...]) -> None:
    done = type_in(tmp_path, *words)
    assert done.code in (1, 2)
    assert "syncline.yaml" in done.err or "--release" in done.err


def test_init_leaves_a_folder_with_files_alone(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    assert type_in(tmp_path, "init", ".").code == 2
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]
