"""Source files and places in them; the only module that reads the project from disk.

In: the project's folder. Out: ``SourceFile`` values in the order of their paths, ``Unreadable`` for what is refused;
``Library``, the specs that are shipped with the compiler.
Invariant: nothing outside the folder and the library is read. Links are refused, hidden folders, ``build`` and other
projects skipped.
"""

from __future__ import annotations

import itertools
import os
import stat
from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache, partial
from pathlib import Path
from typing import NamedTuple

from syncline_runtime.frozen import dataclass

PROJECT_FILE = "syncline.yaml"
PACK_FILE = "pack.yaml"
"""Makes the folder that holds it a pack: a stock of specs, of which only what is imported belongs to the project."""
LOCK_FILE = "syncline.lock"
"""What the specs said when their versions were last settled; lies beside ``PROJECT_FILE``."""
REMOTE_FOLDER = "syncline.remote"
"""What systems were told to be when people last looked, a file for each; lies beside ``PROJECT_FILE``."""
LIBRARY = "<syncline>"
"""Where the paths of the library's files begin; no file of a project has such a path."""
SUFFIXES = (".yaml", ".yml", ".map")
SKIPPED_FOLDERS = frozenset({"build", "node_modules", "__pycache__"})
OTHER_ROOTS = (PROJECT_FILE, "pyvenv.cfg")
"""Files that make a folder below the project's own something else: another project, a Python environment."""
CHUNK = 1 << 13
MAX_BYTES = 1 << 20
MAX_LOCK = 64 << 20
MAX_REMOTE = 8 << 20
MAX_FILES = 50_000
MAX_IN_ALL = 64 << 20
MAX_ENTRIES = 200_000
"""Whatever lies below the project's folder, specs or not."""
ENTRIES_OF_A_FOLDER = 9
"""Opening a folder costs as much as looking at so many files."""


class Span(NamedTuple):
    """A range of a file: lines and columns count from 1, the end is exclusive, columns are characters."""

    path: str  # relative to the project, with forward slashes
    line: int
    column: int
    end_line: int
    end_column: int

    def __str__(self) -> str:
        return f"{self.path}:{self.line}:{self.column}"


span_of: Callable[[tuple[str, int, int, int, int]], Span] = partial(tuple.__new__, Span)
"""``Span(*members)`` without a call in between, for those who make one for every word."""


@lru_cache(maxsize=16)  # of the files that are being looked at, not of all
def _lines(text: str) -> tuple[str, ...]:
    return tuple(line.removesuffix("\r") for line in text.split("\n"))


CONFLICT = "a merge has left both sides here"
CONFLICT_REMEDY = "keep what is right of the lines from `<<<<<<<` to `>>>>>>>`, and take the marks out"


@dataclass(frozen=True)
class SourceFile:
    """One file of the project: its path relative to the root and its text."""

    path: str
    text: str

    @property
    def lines(self) -> tuple[str, ...]:
        """The text's lines, without their ends."""
        return _lines(self.text)

    def line(self, number: int) -> str:
        """Return line ``number`` (from 1) without its end; empty past the end."""
        return self.lines[number - 1] if 0 < number <= len(self.lines) else ""

    @property
    def conflict(self) -> Span | None:
        """The first mark of a merge that left both sides here, if there is one."""
        if "<<<<<<< " not in self.text:
            return None
        marks = (number for number, line in enumerate(self.lines, 1) if line.startswith("<<<<<<< "))
        found = next(marks, None)
        return Span(self.path, found, 1, found, len(self.line(found)) + 1) if found else None

    def text_at(self, span: Span) -> str:
        """Give what is written at a place, as one line."""
        lines = [self.line(number) for number in range(span.line, span.end_line + 1)]
        lines[-1] = lines[-1][: span.end_column - 1]
        lines[0] = lines[0][span.column - 1 :]
        return " ".join(line.strip() for line in lines)


@dataclass(frozen=True)
class Unreadable:
    """A file that belongs to the project but is not read: why, and what to do."""

    path: str
    why: str
    remedy: str
    code: str = "SYN0001"

    @property
    def span(self) -> Span:
        """The beginning of the file."""
        return Span(self.path, 1, 1, 1, 2)


class Library(Mapping[str, SourceFile]):
    """The specs that are shipped with the compiler, by path; each is read when it is asked for."""

    def __init__(self) -> None:
        shipped = Path(__file__).parent / "specs"
        # An editable install has them where they are written, in the repository.
        self.folder = shipped if shipped.is_dir() else Path(__file__).parents[2] / "specs"

    def __getitem__(self, path: str) -> SourceFile:
        try:
            return SourceFile(f"{LIBRARY}/{path}", (self.folder / path).read_text(encoding="utf-8"))
        except FileNotFoundError:
            raise KeyError(path) from None

    def __iter__(self) -> Iterator[str]:
        return iter(sorted(path.relative_to(self.folder).as_posix() for path in self.folder.rglob("*.yaml")))

    def __len__(self) -> int:
        return sum(1 for _ in self)


def find_root(start: Path) -> Path | None:
    """Find the folder that holds ``syncline.yaml``: ``start`` (a folder, or a file in one) or the nearest above it."""
    here = start.resolve()
    for folder in (here, *here.parents):
        if (folder / PROJECT_FILE).is_file():
            return folder
    return None


def read_sources(root: Path) -> Iterator[SourceFile | Unreadable]:
    """Read every spec, mapping and locked shape below ``root``, in the order of their paths."""
    found = _found(os.fspath(root))
    if isinstance(found, Unreadable):
        yield found
        return
    size = 0
    for name, path in found:
        file = _read(path, _shown(name), MAX_REMOTE if is_remote(name) else MAX_BYTES)
        size += len(file.text) if isinstance(file, SourceFile) else 0
        if size > MAX_IN_ALL:
            yield _too_large(f"its files hold more than {MAX_IN_ALL >> 20} MiB together")
            return
        yield file


def is_remote(path: str) -> bool:
    """Whether a file of the project is the locked shape of a system."""
    return path.startswith(f"{REMOTE_FOLDER}/") and path.endswith(".json")


def is_shown(path: str) -> bool:
    """Whether lines of a file are shown with what is said of it: not of those that machines write, which nobody reads by the line."""
    return path != LOCK_FILE and not is_remote(path)


def read_lock(root: Path) -> SourceFile | Unreadable | None:
    """Read the project's lock; None if it has none."""
    return read_beside(root, LOCK_FILE, MAX_LOCK)


def read_beside(root: Path, name: str, most: int = MAX_BYTES) -> SourceFile | Unreadable | None:
    """Read a file beside ``PROJECT_FILE`` that is no spec; None if there is none. Links are refused as among specs."""
    path = root / name
    return _read(os.fspath(path), name, most) if os.path.lexists(path) else None


def read_with_lock(root: Path) -> Iterator[SourceFile | Unreadable]:
    """Read every spec and mapping below ``root``, and the lock if there is one."""
    yield from read_sources(root)
    lock = read_lock(root)
    if lock is not None:
        yield lock


def read_one(path: Path, most: int = MAX_BYTES) -> SourceFile | Unreadable:
    """Read one file, named as it was given."""
    return _read(os.fspath(path), _shown(path.as_posix()), most)


def _found(root: str) -> list[tuple[str, str]] | Unreadable:
    """Find the project's files, each by its path within the project, in order; refused if there are too many."""
    try:
        found = sorted(itertools.islice(_paths(root), MAX_FILES + 1))
    except _CrowdedError:
        return _too_large(f"it has more than {MAX_ENTRIES:,} files and folders of any kind")
    return found if len(found) <= MAX_FILES else _too_large(f"it has more than {MAX_FILES:,} files")


def _too_large(why: str) -> Unreadable:
    remedy = "make several projects of it, or move what is no spec into a folder whose name begins with a dot"
    return Unreadable(PROJECT_FILE, f"the project is too large: {why}", remedy, "SYN0005")


class _CrowdedError(Exception):
    """There is more below the project's folder than anybody has time to look through."""


def _paths(root: str) -> Iterator[tuple[str, str]]:
    """Find the project's files without following links: each by its path within the project, with forward slashes.

    Links and closed folders come too, to be reported.
    """
    open_folders, left = [("", root)], MAX_ENTRIES
    while open_folders:
        within, folder = open_folders.pop()
        with os.scandir(folder) as entries:
            found = list(itertools.islice(entries, left))
        left -= len(found) + ENTRIES_OF_A_FOLDER
        if left <= 0:
            raise _CrowdedError
        if within and any(entry.name in OTHER_ROOTS for entry in found):
            continue
        for entry in found:
            if entry.name.startswith(".") or entry.name in SKIPPED_FOLDERS:
                continue
            name = within + entry.name
            if entry.is_dir(follow_symlinks=False) and os.access(entry.path, os.R_OK | os.X_OK):
                open_folders.append((f"{name}/", entry.path))
            elif entry.name.endswith(SUFFIXES) or entry.is_dir() or is_remote(name):
                yield name, entry.path


def _read(path: str, name: str, most: int = MAX_BYTES) -> SourceFile | Unreadable:
    try:
        # O_NOFOLLOW and fstat on the open file: what is checked is what is read.
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0))
    except OSError as error:
        if os.path.islink(path):
            return Unreadable(name, "this is a link", "put the file itself here: nothing outside is read")
        return Unreadable(name, f"reading it failed: {error.strerror}", "make it readable for you")
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            return Unreadable(name, "this is no regular file", "remove it, or give it another name")
        content = _content(descriptor, status.st_size, most)
    finally:
        os.close(descriptor)
    if len(content) > most:
        return Unreadable(name, f"the file is larger than {most >> 20} MiB", "split it into several files", "SYN0005")
    return _decode(content, name)


def _content(descriptor: int, size: int, most: int) -> bytes:
    """Read a file that seems to have this size; of one that is too large a part."""
    content = os.read(descriptor, min(size, most) + 1)
    while len(content) <= most and (more := os.read(descriptor, CHUNK)):
        content += more
    return content


def _decode(content: bytes, name: str) -> SourceFile | Unreadable:
    try:
        return SourceFile(name, content.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        return Unreadable(name, f"it is not UTF-8 (line {line} has a byte that UTF-8 does not)", "save it as UTF-8")


def _shown(name: str) -> str:
    """Give a path as text; bytes of a name that are no text show as the replacement character."""
    return name if name.isascii() else os.fsencode(name).decode("utf-8", "replace")
