"""Only the project's own files are read."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from syncline_compiler.source import MAX_BYTES, SourceFile, Unreadable, find_root, read_sources


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "syncline.yaml").write_text("syncline: 1\nproject: a\n")
    return tmp_path


def read(root: Path) -> dict[str, SourceFile | Unreadable]:
    return {file.path: file for file in read_sources(root)}


def test_files_in_order_of_path(root: Path) -> None:
    for path in ("b/z.yaml", "a.map", "b/a.yml", "notes.md", "b/c/d.yaml"):
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text("x")
    assert list(read(root)) == ["a.map", "b/a.yml", "b/c/d.yaml", "b/z.yaml", "syncline.yaml"]


def test_skipped_folders(root: Path) -> None:
    for path in (".git/x.yaml", "build/x.yaml", "node_modules/x.yaml", ".x.yaml", "env/pyvenv.cfg", "env/x.yaml",
                 "other/syncline.yaml", "other/x.yaml"):  # fmt: skip
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text("x")
    assert list(read(root)) == ["syncline.yaml"]


def test_links_are_refused(root: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    outside = tmp_path_factory.mktemp("outside")
    (outside / "secret.yaml").write_text("secret")
    (root / "file.yaml").symlink_to(outside / "secret.yaml")
    (root / "folder").symlink_to(outside)
    (root / "dangling.map").symlink_to(outside / "none")
    found = read(root)
    for name in ("file.yaml", "folder", "dangling.map"):
        file = found[name]
        assert isinstance(file, Unreadable)
        assert "link" in file.why


def test_not_utf8(root: Path) -> None:
    (root / "a.yaml").write_bytes(b"a: 1\nb: \xff\n")
    file = read(root)["a.yaml"]
    assert isinstance(file, Unreadable)
    assert "line 2" in file.why


def test_byte_order_mark_is_no_text(root: Path) -> None:
    (root / "a.yaml").write_bytes(b"\xef\xbb\xbfa: 1\n")
    file = read(root)["a.yaml"]
    assert isinstance(file, SourceFile)
    assert file.text == "a: 1\n"


def test_too_large(root: Path) -> None:
    (root / "a.yaml").write_bytes(b"#" * (MAX_BYTES + 1))
    (root / "b.yaml").write_bytes(b"#" * MAX_BYTES)
    found = read(root)
    assert isinstance(found["a.yaml"], Unreadable)
    assert found["a.yaml"].code == "SYN0005"
    assert isinstance(found["b.yaml"], SourceFile)


def test_a_pipe_does_not_block(root: Path) -> None:
    os.mkfifo(root / "a.yaml")
    assert isinstance(read(root)["a.yaml"], Unreadable)


def test_a_folder_named_like_a_file(root: Path) -> None:
    (root / "a.yaml").mkdir()
    (root / "a.yaml" / "b.yaml").write_text("x")
    assert list(read(root)) == ["a.yaml/b.yaml", "syncline.yaml"]


def test_a_name_that_is_no_text(root: Path) -> None:
    (Path(os.fsdecode(os.fsencode(root) + b"/\xff.yaml"))).write_text("x")
    assert "\N{REPLACEMENT CHARACTER}.yaml" in read(root)


def test_deep_folders(root: Path) -> None:
    deep = root.joinpath(*["d"] * 500)
    deep.mkdir(parents=True)
    (deep / "a.yaml").write_text("x")
    assert len(read(root)) == 2


def test_root_is_found_from_below(root: Path) -> None:
    below = root / "a" / "b"
    below.mkdir(parents=True)
    (below / "x.map").write_text("x")
    assert find_root(below) == root
    assert find_root(below / "x.map") == root
    assert find_root(Path("/")) is None
