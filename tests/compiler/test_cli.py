"""The compiler's commands: output, exit codes, and what they leave alone."""

from __future__ import annotations

import json
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result

from syncline_compiler import cache
from syncline_compiler.cli import COMMANDS
from syncline_compiler.writing import ProjectRefusedError, write_release

GROUP = click.Group("syncline", commands=dict(COMMANDS))


def run(*arguments: str | Path) -> Result:
    result = CliRunner().invoke(GROUP, [str(argument) for argument in arguments])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exc_info
    return result


def snapshot_of(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_help_has_examples(name: str) -> None:
    result = run(name, "--help")
    assert result.exit_code == 0
    assert f"  syncline {name}" in result.output


def test_init_makes_a_project_that_passes(tmp_path: Path) -> None:
    made = run("init", tmp_path / "shop")
    assert made.exit_code == 0
    assert "syncline check" in made.stderr
    assert str(tmp_path / "shop" / "syncline.yaml") in made.stdout
    checked = run("check", tmp_path / "shop")
    assert (checked.exit_code, checked.stdout) == (0, "")
    assert "no mistakes" in checked.stderr
    for spec in (tmp_path / "shop").rglob("*.yaml"):
        assert spec.read_text().count("yaml-language-server") == 1, spec


def test_init_refuses_a_folder_with_something_in_it(tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("x")
    result = run("init", tmp_path)
    assert result.exit_code == 2
    assert "not empty" in result.stderr
    assert snapshot_of(tmp_path) == {"mine": b"x"}


def test_init_takes_an_empty_folder_and_a_new_one_below(tmp_path: Path) -> None:
    assert run("init", tmp_path).exit_code == 0
    assert run("init", tmp_path / "a" / "b").exit_code == 0


def test_init_over_a_file(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    assert run("init", tmp_path / "file").exit_code == 2


def break_project(project: Path) -> None:
    path = project / "syncs" / "account.yaml"
    path.write_text(path.read_text().replace("credit_limit: erp", "credit_limit: epr"))


def test_check_shows_file_line_and_column(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    break_project(project)
    monkeypatch.chdir(project)
    result = run("check")
    assert result.exit_code == 1
    assert "error[SYN0205]: An unknown connection" in result.stdout
    assert "--> syncs/account.yaml:10:17" in result.stdout
    assert "\x1b" not in result.stdout


def test_check_shows_paths_from_here(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    break_project(project)
    monkeypatch.chdir(project.parent)
    assert "--> shop/syncs/account.yaml:10:17" in run("check", "--project", "shop").stdout
    monkeypatch.chdir(project / "objects")
    assert "--> ../syncs/account.yaml:10:17" in run("check").stdout


def test_check_as_json(project: Path) -> None:
    break_project(project)
    result = run("check", "--format", "json", project)
    document = json.loads(result.stdout)
    assert result.exit_code == 1
    assert (document["version"], document["errors"], document["diagnostics"][0]["code"]) == (1, 1, "SYN0205")


def test_check_as_annotations(project: Path) -> None:
    break_project(project)
    assert run("check", "--format", "github", project).stdout.startswith("::error file=")


def test_check_of_one_file_shows_that_file(project: Path) -> None:
    break_project(project)
    assert run("check", project / "objects" / "account.yaml").exit_code == 0
    assert run("check", project / "syncs" / "account.yaml").exit_code == 1
    assert run("check", project / "syncs").exit_code == 1


def test_check_without_a_project(tmp_path: Path) -> None:
    result = run("check", tmp_path)
    assert result.exit_code == 2
    assert "syncline init" in result.stderr
    assert run("check", tmp_path / "none").exit_code == 2
    assert run("check", "--format", "xml", tmp_path).exit_code == 2


def test_warnings_do_not_fail(project: Path) -> None:
    path = project / "mappings" / "erp_partner.map"
    path.write_text(path.read_text().replace("email        <-> mail | email\n", ""))
    result = run("check", project)
    assert result.exit_code == 0
    assert "warning[SYN0603]" in result.stdout
    assert "1 warning" in result.stdout


def test_compile_writes_a_release(project: Path, tmp_path: Path) -> None:
    out = tmp_path / "out" / "release"
    result = run("compile", "--project", project, "--out", out)
    assert (result.exit_code, result.stdout) == (0, "")
    assert {"release.json", "plans/account.json", "bindings/sandbox.json"} <= set(snapshot_of(out))
    assert [path.name for path in out.parent.iterdir()] == ["release"]


def test_compile_is_the_same_from_any_place(project: Path, tmp_path: Path) -> None:
    for name in ("one", "two"):
        assert run("compile", "--project", project, "--out", tmp_path / name).exit_code == 0
    assert snapshot_of(tmp_path / "one") == snapshot_of(tmp_path / "two")


def test_compile_changes_nothing_if_there_are_errors(project: Path, tmp_path: Path) -> None:
    out = tmp_path / "release"
    assert run("compile", "--project", project, "--out", out).exit_code == 0
    before = snapshot_of(out)
    break_project(project)
    result = run("compile", "--project", project, "--out", out)
    assert result.exit_code == 1
    assert "SYN0205" in result.stderr
    assert snapshot_of(out) == before


def test_compile_replaces_a_release_and_nothing_else(project: Path, tmp_path: Path) -> None:
    out = tmp_path / "release"
    assert run("compile", "--project", project, "--out", out).exit_code == 0
    assert run("compile", "--project", project, "--out", out).exit_code == 0
    (out / "notes.txt").write_text("mine")
    assert run("compile", "--project", project, "--out", out).exit_code == 2
    assert (out / "notes.txt").read_text() == "mine"
    assert run("compile", "--project", project, "--out", project).exit_code == 2


def test_a_release_that_cannot_be_put_in_place_leaves_the_old_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import os

    write_release(tmp_path / "r", [("release.json", b"old")])
    move = os.replace

    def fail_for_the_new_one(source: Path, target: Path) -> None:
        if Path(source).name == "new":
            raise OSError(28, "No space left on device", str(target))
        move(source, target)

    monkeypatch.setattr(os, "replace", fail_for_the_new_one)
    with pytest.raises(ProjectRefusedError, match="No space left"):
        write_release(tmp_path / "r", [("release.json", b"new")])
    assert snapshot_of(tmp_path) == {"r/release.json": b"old"}


def test_explain() -> None:
    result = run("explain", "syn0501")
    assert result.exit_code == 0
    assert result.stdout.startswith("SYN0501: A field that several members write has no owner\n")
    assert "## Mended" in result.stdout


def test_explain_a_function() -> None:
    assert "### round\n" in run("explain", "round").stdout
    assert "first(COLLECTION.FIELD, COLLECTION.ORDER" in run("explain", "first").stdout
    assert "Did you mean round?" in run("explain", "rond").stderr


def test_explain_an_unknown_code() -> None:
    result = run("explain", "SYN0599")
    assert result.exit_code == 2
    assert "SYN0501" in result.stderr
    assert run("explain").exit_code == 2
    assert run("explain", "nonsense").exit_code == 2


def test_explain_list() -> None:
    lines = run("explain", "--list").stdout.splitlines()
    assert "SYN0501  error        A field that several members write has no owner" in lines
    assert "SYN8100  at run time  A guard stopped the run" in lines


UNTIDY = "mapping erp.Partner <-> account@1\n\nname<->title\n"


def test_fmt_writes_the_one_format_and_then_has_nothing_to_do(project: Path) -> None:
    path = project / "mappings" / "erp_partner.map"
    path.write_text(UNTIDY)
    path.chmod(0o640)
    checked = run("fmt", "--check", "--diff", "--project", project)
    assert checked.exit_code == 1
    assert "-name<->title\n+name <-> title\n" in checked.stdout
    assert path.read_text() == UNTIDY
    result = run("fmt", "--project", project)
    assert (result.exit_code, result.stdout) == (0, "")
    assert "name <-> title\n" in path.read_text()
    assert path.stat().st_mode & 0o777 == 0o640
    assert [other.name for other in path.parent.iterdir() if other.name.startswith(".")] == []
    assert run("fmt", "--check", path).exit_code == 0


def test_fmt_leaves_what_it_cannot_read(project: Path) -> None:
    path = project / "mappings" / "erp_partner.map"
    path.write_text("mapping erp.Partner <-> account@1\nname<->(\n")
    result = run("fmt", path)
    assert result.exit_code == 1
    assert "error[SYN01" in result.stderr
    assert path.read_text() == "mapping erp.Partner <-> account@1\nname<->(\n"
    for name in ("x.map", "x.yaml"):
        (project / name).write_bytes(b"\xff")
        refused = run("fmt", project / name)
        assert (refused.exit_code, "error[SYN0001]" in refused.stderr) == (1, True)


def test_fmt_formats_specs_too(project: Path) -> None:
    path = project / "syncs" / "account.yaml"
    tidy = path.read_text()
    path.write_text(
        tidy.replace("exists:\n", "exists:   # who begins\n\n\n").replace("freshness: 15m", "freshness:   '15m'")
    )
    checked = run("fmt", "--check", "--diff", project / "syncs")
    assert checked.exit_code == 1
    assert "-freshness:   '15m'\n+freshness: 15m\n" in checked.stdout
    assert run("fmt", project).exit_code == 0
    assert path.read_text() == tidy.replace("exists:\n", "exists: # who begins\n")


def test_fmt_tells_what_is_wrong_with_a_spec_and_leaves_it(project: Path) -> None:
    path = project / "syncs" / "account.yaml"
    path.write_text("sync:   account\nsync: account\n")
    result = run("fmt", "--project", project)
    assert result.exit_code == 1
    assert "error[SYN0004]" in result.stderr
    assert path.read_text() == "sync:   account\nsync: account\n"


def test_fmt_follows_no_link(project: Path, tmp_path: Path) -> None:
    outside = tmp_path / "outside.yaml"
    outside.write_text("a:   1\n")
    (project / "link.yaml").symlink_to(outside)
    result = run("fmt", "--project", project)
    assert (result.exit_code, "error[SYN0001]" in result.stderr) == (1, True)
    assert outside.read_text() == "a:   1\n"


def test_the_template_is_in_the_one_format(project: Path) -> None:
    assert run("fmt", "--check", "--project", project).exit_code == 0


def test_a_release_that_is_made_on_the_way_is_told_in_a_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(cache.FOLDER, str(tmp_path / "cache"))
    run("init", tmp_path / "shop")
    sync = tmp_path / "shop" / "syncs" / "account.yaml"
    sync.write_text(sync.read_text() + "every: 5h\n")  # a warning: it promises 15 minutes
    words = ("compile", "--brief", "--project", tmp_path / "shop", "--out", tmp_path / "release")
    first, again = run(*words), run(*words)
    assert first.stderr == f"5 files written to {tmp_path / 'release'} (1 warning: see `syncline check`)\n"
    assert (again.exit_code, again.output) == (0, "")
    sync.write_text("sync: account\n")
    assert "error[SYN0007]" in run(*words).stderr
