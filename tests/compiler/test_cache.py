"""What is remembered of a project: the same as what would be found again, and nothing that is not certain."""

from __future__ import annotations

import random
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from benchmarks.large_project import write_large_project
from syncline_compiler import cache, piecewise
from syncline_compiler.cli import COMMANDS
from syncline_compiler.diagnostics import catalogue
from syncline_compiler.pipeline import compile_project

FOUND_ANEW = "compiled or checked again"


@pytest.fixture
def kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of the cache; it does not exist yet."""
    folder = tmp_path / "cache"
    monkeypatch.setenv(cache.FOLDER, str(folder))
    return folder


@pytest.fixture
def from_memory(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """From now on nothing can be compiled or checked: what is told is remembered."""

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError(FOUND_ANEW)

    def forget() -> None:
        monkeypatch.setattr(piecewise, "release_pieces", refuse)
        monkeypatch.setattr(piecewise, "check_pieces", refuse)

    return forget


def call(name: str, *arguments: object) -> Result:
    return CliRunner().invoke(COMMANDS[name], list(map(str, arguments)), prog_name=name)


def told(result: Result) -> tuple[str, str, int]:
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result.stdout, result.stderr, result.exit_code


def anew(result: Result) -> bool:
    return FOUND_ANEW in str(result.exception)


@pytest.mark.parametrize("form", ["text", "json", "github"])
@pytest.mark.parametrize("mistaken", [True, False])
def test_what_is_remembered_reads_as_what_was_found(
    project: Path, kept: Path, from_memory: Callable[[], None], form: str, mistaken: bool
) -> None:
    if mistaken:
        path = project / "mappings" / "erp_partner.map"
        path.write_text(path.read_text().replace("status <->", "statsu <->").replace("email <->", "emial <->"))
        sync = project / "syncs" / "account.yaml"
        sync.write_text(sync.read_text() + "unknown: 1\n")
    found = told(call("check", "--project", project, "--format", form))
    assert found[2] == mistaken
    from_memory()
    assert told(call("check", "--project", project, "--format", form)) == found
    assert kept.exists()


SHOWN = [code for code in catalogue.codes() if catalogue.page(code).files("Fails")][::6]


@pytest.mark.parametrize("code", sorted({*SHOWN, "SYN0944"}))
def test_what_is_remembered_is_drawn_as_what_was_found(
    project: Path, kept: Path, from_memory: Callable[[], None], code: str
) -> None:
    for path, text in catalogue.page(code).files("Fails").items():
        (project / path).parent.mkdir(exist_ok=True)
        (project / path).write_text(text)
    found = told(call("check", "--project", project))
    from_memory()
    assert told(call("check", "--project", project)) == found


@pytest.mark.parametrize("code", ["SYN0940", "SYN0941", "SYN0942", "SYN0943"])
def test_what_is_remembered_of_locks_is_drawn_as_what_was_found(
    project: Path, kept: Path, from_memory: Callable[[], None], tmp_path: Path, code: str
) -> None:
    words = ("--project", project, "--out", tmp_path / "release")
    account = project / "objects/account.yaml"
    account.write_text(account.read_text().replace("  credit_limit:", "  spare: text?\n  credit_limit:"))
    call("compile", *words, "--bump")
    if code == "SYN0943":
        (project / "syncline.lock").write_text("{}")
    else:
        path, old, new = {
            "SYN0940": ("objects/account.yaml", "text?", "int?"),
            "SYN0941": ("syncs/account.yaml", "owners:", "every: 3h\nowners:"),
            "SYN0942": ("objects/account.yaml", "  spare: text?\n", ""),
        }[code]
        text = (project / path).read_text()
        assert old in text
        (project / path).write_text(text.replace(old, new, 1))
    found = told(call("compile", *words))
    assert code in found[1]
    from_memory()
    assert told(call("compile", *words)) == found


def test_a_release_is_remembered_while_it_is_whole(
    project: Path, kept: Path, from_memory: Callable[[], None], tmp_path: Path
) -> None:
    out = tmp_path / "release"
    assert told(call("compile", "--project", project, "--out", out))[2] == 0
    from_memory()
    assert "nothing changed" in told(call("compile", "--project", project, "--out", out))[1]
    assert anew(call("compile", "--project", project, "--out", tmp_path / "elsewhere"))
    plan = next((out / "plans").iterdir())
    content = plan.read_bytes()
    other = content[:-1] + b"]"
    for spoil in (lambda: plan.write_bytes(other), lambda: (out / "more").touch(), plan.unlink):
        spoil()
        assert anew(call("compile", "--project", project, "--out", out))
        plan.write_bytes(content)
        (out / "more").unlink(missing_ok=True)
    copied = shutil.copytree(out, tmp_path / "copied")
    assert "nothing changed" in told(call("compile", "--project", project, "--out", copied))[1]


def test_whatever_changes_is_looked_at(
    project: Path, kept: Path, from_memory: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    day = ("--today", "2026-01-01")
    call("check", "--project", project, *day)
    from_memory()
    assert not anew(call("check", "--project", project, *day))
    assert anew(call("check", "--project", project, "--today", "2026-01-02"))
    note = project / "objects" / "note.yaml"
    note.write_text("# a comment\n")
    assert anew(call("check", "--project", project, *day))
    note.unlink()
    (project / "link.yaml").symlink_to(note)
    assert anew(call("check", "--project", project, *day))
    (project / "link.yaml").unlink()
    monkeypatch.setattr(cache, "_compiler", lambda: "a later one")
    assert anew(call("check", "--project", project, *day))


def test_a_damaged_entry_counts_as_none(project: Path, kept: Path, from_memory: Callable[[], None]) -> None:
    call("check", "--project", project)
    (entry,) = kept.iterdir()
    whole = entry.read_bytes()
    from_memory()
    assert not anew(call("check", "--project", project))
    chance = random.Random(7)
    for _ in range(60):
        place = chance.randrange(len(whole))
        entry.write_bytes(chance.choice([whole[:place], whole[:place] + b"\xff" + whole[place + 1 :], whole[place:]]))
        assert entry.read_bytes() == whole or anew(call("check", "--project", project))


def test_without_a_place_nothing_is_kept(
    project: Path, from_memory: Callable[[], None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "file"
    file.touch()
    for place in ("", str(file), str(file / "below")):
        monkeypatch.setenv(cache.FOLDER, place)
        assert told(call("check", "--project", project))[2] == 0
    from_memory()
    assert anew(call("check", "--project", project))


def test_only_so_many_are_kept(project: Path, kept: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(cache, "ENTRIES", 2)
    for number in range(4):
        project = project.rename(tmp_path / f"shop{number}")
        call("check", "--project", project)
    assert len(list(kept.iterdir())) == 2


def test_one_changed_file_is_one_island_looked_at(tmp_path: Path, kept: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of the others nothing is read again, their plans are the very files that lay there; and that whatever the cache holds."""
    root, out = tmp_path / "large", tmp_path / "out"
    write_large_project(root, 8)
    question = ("compile", "--project", root, "--out", out)
    assert told(call(*question))[2] == 0
    read: list[str] = []
    alone = piecewise.load_alone
    monkeypatch.setattr(piecewise, "load_alone", lambda file: read.append(file.path) or alone(file))
    before = {path.name: path.stat().st_ino for path in (out / "plans").iterdir()}
    change(root / "mappings" / "m5.map")
    assert told(call(*question))[2] == 0
    assert sorted(read) == ["objects/o2.yaml", "syncline.yaml", "syncs/o2.yaml", "systems/s0.yaml", "systems/s1.yaml"]
    after = {path.name: path.stat().st_ino for path in (out / "plans").iterdir()}
    assert [name for name in before if before[name] != after[name]] == ["o2.json"]
    (parts,) = kept.glob("*.parts")
    chance, whole = random.Random(3), parts.read_bytes()
    for _ in range(5):
        place = chance.randrange(len(whole))
        parts.write_bytes(chance.choice([whole[:place], whole[:place] + b"\xff" + whole[place + 1 :], whole[place:]]))
        change(root / "mappings" / "m3.map")
        assert told(call(*question))[2] == 0
    made = compile_project(root)
    assert files_of(out) == made.files


def change(mapping: Path) -> None:
    mapping.write_text(mapping.read_text() + "take when Key is not null\n")


def files_of(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
