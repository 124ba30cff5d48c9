"""What commands write: files of a project, releases, documentation.

Invariant: a release and a folder of pages appear at their place as a whole or not at all; a folder that holds something else is left
alone.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from collections.abc import Callable, Iterable, Mapping
from functools import cached_property
from pathlib import Path, PurePosixPath

from syncline_runtime.folders import exchange
from syncline_runtime.frozen import dataclass

RELEASE_FILE = "release.json"
RELEASE_PARTS = frozenset({RELEASE_FILE, "plans", "bindings", "systems", "sandbox", "syncline.lock"})
"""What a release of this or an earlier version may consist of, at its top."""


@dataclass(frozen=True)
class Kept:
    """A file of an earlier release that is taken over as it is, and its hash."""

    path: Path
    sha256: str


class Made(bytes):
    """A file of a release that was just made; its hash is asked for more than once."""

    @cached_property
    def sha256(self) -> str:
        """Give the hash by which the release names it."""
        return hashlib.sha256(self).hexdigest()


Content = Made | Kept


class ProjectRefusedError(Exception):
    """The folder that was named cannot be used; the text says why and what to do."""


def write_files(directory: Path, files: Mapping[str, str]) -> None:
    """Write files by their paths within a folder, which is made if need be."""
    try:
        for name, text in files.items():
            target = directory / name
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(text, encoding="utf-8", newline="")
    except OSError as error:
        raise ProjectRefusedError(f"{error.filename or directory} cannot be written: {error.strerror}") from None


def write_release(directory: Path, files: Iterable[tuple[str, bytes | Kept]]) -> int:
    """Write a release beside its place and rename it there; an older release is replaced. Gives how many files it has.

    ``files``: paths within the release, and contents. A folder that holds anything but a release is refused.
    """
    return _replace(directory, files, _is_release, "release")


def write_pages(directory: Path, pages: Mapping[str, str], mark: str) -> int:
    """Write pages as a folder; one with older pages is replaced, one with a file that does not begin with the mark refused."""
    files = ((path, text.encode("utf-8")) for path, text in pages.items())
    return _replace(directory, files, lambda folder: _is_marked(folder, mark.encode("utf-8")), "documentation")


def _replace(
    directory: Path, files: Iterable[tuple[str, bytes | Kept]], ours: Callable[[Path], bool], what: str
) -> int:
    target = directory.absolute()
    if target.is_symlink() or (target.exists() and not (target.is_dir() and ours(target))):
        raise ProjectRefusedError(f"{directory} is not empty and holds no {what}: name a new folder")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=f".{target.name}.", dir=target.parent) as beside:
            fresh = Path(beside) / "new"
            written = _write_files(fresh, files)
            exchange(fresh, target, Path(beside) / "old")
    except OSError as error:
        raise ProjectRefusedError(f"{error.filename or directory} cannot be written: {error.strerror}") from None
    return written


def write_text(path: Path, text: str) -> None:
    """Write a file's text as a whole; the permissions of one that is replaced stay."""
    try:
        with tempfile.TemporaryDirectory(prefix=f".{path.name}.", dir=path.parent) as beside:
            fresh = Path(beside) / path.name
            fresh.write_text(text, encoding="utf-8", newline="")
            if path.exists():
                fresh.chmod(path.stat().st_mode)
            os.replace(fresh, path.resolve())
    except OSError as error:
        raise ProjectRefusedError(f"{path} cannot be written: {error.strerror}") from None


def _write_files(folder: Path, files: Iterable[tuple[str, bytes | Kept]]) -> int:
    """Write files; they are not forced to the disk, for a release that was torn there is told by its hashes."""
    written = 0
    made: set[Path] = set()
    for name, content in files:
        path = folder / PurePosixPath(name)
        if path.parent not in made:
            path.parent.mkdir(parents=True, exist_ok=True)
            made.add(path.parent)
        if isinstance(content, bytes):
            path.write_bytes(content)
        else:
            _take_over(content.path, path)
        written += 1
    return written


def _take_over(old: Path, new: Path) -> None:
    """Give a file that nobody will change another place; it is the same file where the file system can do that."""
    try:
        os.link(old, new, follow_symlinks=False)
    except OSError:
        shutil.copyfile(old, new, follow_symlinks=False)


def _is_release(folder: Path) -> bool:
    """Whether a folder is empty or holds nothing but an older release."""
    present = {path.name for path in folder.iterdir()}
    return not present or (RELEASE_FILE in present and present <= RELEASE_PARTS)


def _is_marked(folder: Path, mark: bytes) -> bool:
    """Whether every file in a folder and in those within begins with our mark."""
    return all(_begins_with(path, mark) for path in folder.rglob("*") if path.is_symlink() or not path.is_dir())


def _begins_with(path: Path, mark: bytes) -> bool:
    if path.is_symlink() or not path.is_file():
        return False
    with path.open("rb") as stream:
        return stream.read(len(mark)) == mark
