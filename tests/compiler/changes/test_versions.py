"""Versions and the lock: what compile refuses, and what --bump writes."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from syncline_compiler.changes.fact import Facts
from syncline_compiler.changes.lock import LockError, dump_lock, load_lock
from syncline_compiler.changes.versions import raised
from syncline_compiler.cli_compile import compile_
from syncline_compiler.project import create_project
from syncline_compiler.source import LOCK_FILE


class Project:
    """A new project with its versions settled."""

    def __init__(self, folder: Path) -> None:
        self.root = folder / "project"
        self.out = folder / "release"
        create_project(self.root)
        assert self.compile("--bump").exit_code == 0

    def compile(self, *words: str) -> Result:
        return CliRunner().invoke(compile_, ["--project", str(self.root), "--out", str(self.out), *words])

    def edit(self, path: str, old: str, new: str) -> None:
        file = self.root / path
        text = file.read_text()
        assert old in text
        file.write_text(text.replace(old, new, 1))

    def version(self, path: str) -> str:
        found = re.search(r"^version: (\S+)", (self.root / path).read_text(), re.MULTILINE)
        assert found is not None
        return found[1]

    def lock(self) -> dict[str, dict[str, str]]:
        return json.loads((self.root / LOCK_FILE).read_text())["items"]


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path)


def test_nothing_changed(project: Project) -> None:
    before = (project.root / LOCK_FILE).read_text()
    assert project.compile().exit_code == 0
    assert project.compile("--bump").exit_code == 0
    assert (project.root / LOCK_FILE).read_text() == before


def test_a_change_needs_its_version(project: Project) -> None:
    project.edit("objects/account.yaml", "fields:\n", 'fields:\n  fax: "text(20)?"\n')
    project.edit("systems/crm.yaml", "resources:\n", "visible_after: 5s\nresources:\n")
    refused = project.compile()
    assert refused.exit_code == 1
    assert refused.output.count("SYN0940") == 2
    assert "this needs 1.1.0" in refused.output
    assert project.compile("--bump").exit_code == 0
    assert project.version("objects/account.yaml") == "1.1.0"
    assert project.lock()["object account"]["version"] == "1.1.0"
    assert project.compile().exit_code == 0


def test_labels_need_none(project: Project) -> None:
    text = (project.root / "objects/account.yaml").read_text()
    (project.root / "objects/account.yaml").write_text(re.sub(r"label: .*", "label: Another", text, count=1))
    assert project.compile().exit_code == 0


def test_a_version_that_was_raised_by_hand_stays(project: Project) -> None:
    project.edit("objects/account.yaml", "fields:\n", 'fields:\n  fax: "text(20)?"\n')
    project.edit("systems/crm.yaml", "resources:\n", "visible_after: 5s\nresources:\n")
    for path in ("objects/account.yaml", "systems/crm.yaml"):
        project.edit(path, "version: 1.0.0", "version: 1.7.0")
    told = project.compile()
    assert (told.exit_code, "SYN0941" in told.output) == (1, True), told.output
    assert project.compile("--bump").exit_code == 0
    assert project.version("objects/account.yaml") == "1.7.0"


def test_a_field_goes_only_after_its_day(project: Project) -> None:
    project.edit("objects/account.yaml", "fields:\n", 'fields:\n  fax: "text(20)?"\n')
    assert project.compile("--bump").exit_code == 0
    project.edit("objects/account.yaml", '  fax: "text(20)?"\n', "")
    told = project.compile("--bump")
    assert (told.exit_code, "SYN0942" in told.output) == (1, True), told.output
    project.edit("objects/account.yaml", "fields:\n", 'fields:\n  telefax: "text(20)?"\n')
    assert "moved: {from: fax}" in project.compile().output
    project.edit("objects/account.yaml", '  telefax: "text(20)?"\n', "")
    deprecated = '  fax: {type: "text(20)?", deprecated: {since: 1.1.0, sunset: 2027-03-01}}\n'
    project.edit("objects/account.yaml", "fields:\n", f"fields:\n{deprecated}")
    assert project.compile("--bump", "--today", "2026-12-01").exit_code == 0
    project.edit("objects/account.yaml", deprecated, "")
    early = project.compile("--today", "2027-02-28").output
    assert ("stays until 2027-03-01" in early, "put it back until that day" in early) == (True, True), early
    after = project.compile("--bump", "--today", "2027-03-01")
    assert "write `account@2` after looking at what changed" in after.output
    assert project.version("objects/account.yaml") == "2.0.0"


def test_a_rename_that_is_declared_is_one(project: Project) -> None:
    project.edit("objects/account.yaml", "fields:\n", 'fields:\n  fax: "text(20)?"\n')
    assert project.compile("--bump").exit_code == 0
    project.edit("objects/account.yaml", 'fax: "text(20)?"', 'telefax: {type: "text(20)?", moved: {from: fax}}')
    told = project.compile()
    assert "SYN0942" not in told.output
    assert "field-renamed" in told.output
    assert "this needs 2.0.0" in told.output


@pytest.mark.parametrize("text", ["", "{", "[]", '{"lock": 9, "items": {}}', '{"lock": 1, "items": {"sync": {}}}'])
def test_a_lock_that_is_none(project: Project, text: str) -> None:
    (project.root / LOCK_FILE).write_text(text)
    assert "SYN0943" in project.compile().output
    assert project.compile("--bump").exit_code == 0
    assert project.compile().exit_code == 0


def test_a_lock_of_a_compiler_that_told_less(project: Project) -> None:
    said = load_lock((project.root / LOCK_FILE).read_text())
    items = [
        replace(item, facts=tuple(one for one in item.facts if one.key.kind != "every")) for item in said.items.values()
    ]
    (project.root / LOCK_FILE).write_text(dump_lock(Facts.of(items)))
    told = project.compile()
    assert ("SYN0941" in told.output, told.exit_code) == (True, 1), told.output
    assert project.compile("--bump").exit_code == 0
    assert load_lock((project.root / LOCK_FILE).read_text()) == said


def test_a_lock_that_was_edited_is_not_believed(project: Project) -> None:
    text = (project.root / LOCK_FILE).read_text()
    with pytest.raises(LockError, match="by hand"):
        load_lock(text.replace('"text(80)"', '"text(90)"', 1))
    assert dump_lock(load_lock(text)) == text


@pytest.mark.parametrize(
    ("version", "level", "next_"),
    [
        ("1.2.3", "major", "2.0.0"),
        ("1.2.3", "minor", "1.3.0"),
        ("1.2.3", "none", "1.2.3"),
        ("0.2.3", "major", "0.3.0"),
        ("0.2.3", "minor", "0.2.4"),
    ],
)
def test_next_version(version: str, level: str, next_: str) -> None:
    assert raised(version, level) == next_  # type: ignore[arg-type]
