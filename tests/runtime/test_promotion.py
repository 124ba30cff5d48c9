"""Promotion: what was reviewed gets to an environment, as it is, and nothing else does."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from syncline_compiler.cli_compile import compile_
from syncline_compiler.cli_review import diff
from syncline_compiler.project import create_project
from syncline_runtime.cli_promote import promote
from syncline_runtime.errors import ReleaseError, UsageError
from syncline_runtime.plan import load_release
from syncline_runtime.promotion import deployed, history
from syncline_runtime.promotion import promote as put


@pytest.fixture
def release(tmp_path: Path) -> Path:
    create_project(tmp_path / "shop")
    compiled(tmp_path, "--bump")
    return tmp_path / "release"


def compiled(folder: Path, *words: str) -> None:
    done = CliRunner().invoke(compile_, ["--project", str(folder / "shop"), "--out", str(folder / "release"), *words])
    assert done.exit_code == 0, done.output


def files(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_it_gets_there_as_it_is(release: Path, tmp_path: Path) -> None:
    store, hashed = tmp_path / "store", load_release(release).hash
    put(store, "sandbox", release, hashed[:12], "Ada")
    assert files(store / "sandbox") == files(release)
    (done,) = history(store)
    assert (done.environment, done.release, done.replaces, done.by) == ("sandbox", hashed, None, "Ada")
    assert sorted(os.listdir(store)) == ["promotions.jsonl", "sandbox"]


def test_another_than_the_reviewed_one_does_not(release: Path, tmp_path: Path) -> None:
    for reviewed in ("0" * 64, load_release(release).hash[:8], ""):
        with pytest.raises(ReleaseError, match="was reviewed"):
            put(tmp_path / "store", "sandbox", release, reviewed, "Ada")
    assert not (tmp_path / "store").exists()


def test_one_that_is_not_bound_for_it_does_not(release: Path, tmp_path: Path) -> None:
    with pytest.raises(ReleaseError, match="production"):
        put(tmp_path / "store", "production", release, load_release(release).hash, "Ada")


def test_one_that_was_edited_does_not(release: Path, tmp_path: Path) -> None:
    hashed = load_release(release).hash
    plan = next((release / "plans").glob("*.json"))
    plan.write_text(plan.read_text().replace("crm", "erp", 1))
    with pytest.raises(ReleaseError, match="sealed"):
        put(tmp_path / "store", "sandbox", release, hashed, "Ada")


def test_the_next_one_takes_its_place(release: Path, tmp_path: Path) -> None:
    store, first = tmp_path / "store", load_release(release).hash
    put(store, "sandbox", release, first, "Ada")
    specs = tmp_path / "shop" / "syncs" / "account.yaml"
    specs.write_text(specs.read_text().replace("freshness: 15m", "freshness: 30m"))

    def against() -> Result:
        words = ["--project", str(tmp_path / "shop"), "--against-deployed", "sandbox", "--store", str(store)]
        return CliRunner().invoke(diff, words)

    told = against()
    assert "freshness-raised" in told.stdout, told.output
    compiled(tmp_path, "--bump")
    second = load_release(release).hash
    put(store, "sandbox", release, second, "Bob")
    assert load_release(deployed(store, "sandbox")).hash == second
    assert [one.replaces for one in history(store)] == [None, first]
    assert "nothing changed" in against().stdout


def test_the_command(release: Path, tmp_path: Path) -> None:
    words = ["--store", str(tmp_path / "store")]
    hashed = load_release(release).hash
    done = CliRunner().invoke(
        promote, [*words, str(release), "--to", "sandbox", "--reviewed", hashed], standalone_mode=False
    )
    assert (done.exception, done.return_value) == (None, 0)
    assert f"release {hashed[:16]}" in done.output
    listed = CliRunner().invoke(promote, [*words, "--format", "json"], standalone_mode=False)
    assert [one["release"] for one in json.loads(listed.output)] == [hashed]
    with pytest.raises(UsageError, match="it has: sandbox"):
        deployed(tmp_path / "store", "production")
