"""What was found of a project the last time, so that one in which nothing changed is not looked through again.

In: everything that a finding is made from: the files of the project, the question (command and day) and the compiler.
Out: the finding of the same question about the same files. Invariant: an entry is used only if it is whole and was made
by this very compiler from these very texts; whatever else is found counts as nothing. Entries lie in the user's own
cache, never in the project: what comes with a pull request must not say of itself that it has no mistakes.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import sys
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import field
from functools import cache
from pathlib import Path
from typing import Any

import syncline_runtime
from syncline_compiler.diagnostics.diagnostic import Collector, diagnostic_of
from syncline_compiler.memory import Memory, dump_memory, hash_of, load_memory
from syncline_compiler.source import LIBRARY, Library, SourceFile, Unreadable, is_shown
from syncline_compiler.writing import Content, Kept
from syncline_runtime.frozen import dataclass

FOLDER = "SYNCLINE_CACHE_DIR"
"""The variable that names the folder of the cache; empty: nothing is kept."""
ENTRIES = 64
"""Projects and questions that are remembered; the ones longest unused go first."""


@dataclass(frozen=True)
class Finding:
    """What was found: diagnostics, how many waivers cover, and the SHA-256 of each file of the release if there is one.

    ``sources`` are the files that the diagnostics are about, and others.
    """

    diagnostics: Collector
    sources: Mapping[str, SourceFile]
    waived: int = 0
    released: Mapping[str, str] | None = None
    files: int = 0  # how many there are, those of the library counted
    stamps: Mapping[str, list[int]] = field(default_factory=dict)  # of the release, as it was written

    def __post_init__(self) -> None:
        """Count the files where all are given."""
        object.__setattr__(self, "files", self.files or len(self.sources))


class Cache:
    """Keeps the last finding of one question about one project."""

    def __init__(self, root: Path, question: str, files: Iterable[SourceFile | Unreadable]) -> None:
        self._sources = {file.path: file for file in files if isinstance(file, SourceFile) and is_shown(file.path)}
        self._made_from = hash_of([_compiler(), question, *(part for file in files for part in _parts(file))])
        folder = _folder()
        name = hash_of([os.fspath(root.resolve()), question.partition(" ")[0]])
        self._entry = folder / f"{name[:32]}.json" if folder is not None else None
        self._parts = self._entry.with_suffix(".parts") if self._entry is not None else None

    def recall(self) -> Finding | None:
        """Give what was found; None if nothing is known of this question about these files."""
        content = _read(self._entry, self._made_from)
        with contextlib.suppress(ValueError, TypeError, KeyError, IndexError):
            return _finding(json.loads(content), self._sources) if content is not None else None
        return None

    def memory(self) -> Memory:
        """Give what is known of the islands of the project, whatever its files are now."""
        content = _read(self._parts, _compiler())
        with contextlib.suppress(ValueError, TypeError, KeyError, IndexError):
            return load_memory(content) if content is not None else Memory()
        return Memory()

    def keep(self, finding: Finding, memory: Memory | None = None) -> None:
        """Remember a finding in the place of the one before; where that cannot be, nothing is remembered."""
        if self._entry is None:
            return
        with contextlib.suppress(OSError):
            self._entry.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            # What an edit is, are its members.
            _write(self._entry, self._made_from, json.dumps(_plain(finding), default=vars, separators=(",", ":")))
            if self._parts is not None and memory is not None:
                _write(self._parts, _compiler(), dump_memory(memory))
            _forget_oldest(self._entry.parent)


def _read(entry: Path | None, made_from: str) -> str | None:
    """Read an entry; None if it is not there, not whole, or made from something else."""
    with contextlib.suppress(OSError, ValueError):
        before, whole, content = entry.read_text(encoding="utf-8").split("\n", 2) if entry is not None else ("", "", "")
        if entry is not None and before == made_from and whole == hash_of([content]):
            os.utime(entry)
            return content
    return None


def _write(entry: Path, made_from: str, content: str) -> None:
    with tempfile.TemporaryDirectory(prefix=".", dir=entry.parent) as beside:
        fresh = Path(beside) / entry.name
        fresh.write_text("\n".join([made_from, hash_of([content]), content]), encoding="utf-8")
        os.replace(fresh, entry)


def hashed(files: Iterable[tuple[str, Content]], into: dict[str, str]) -> Iterator[tuple[str, Content]]:
    """Pass files on and note the SHA-256 of each."""
    for path, content in files:
        into[path] = content.sha256
        yield path, content


def stamps(folder: Path) -> Mapping[str, list[int]]:
    """Give what tells each file of a folder from one that was written since, without reading it; {} if there is none."""
    found = {}
    for within, _, names in os.walk(folder):
        for name in names:
            path = os.path.join(within, name)
            with contextlib.suppress(OSError):
                seen = os.lstat(path)
                found[os.path.relpath(path, folder)] = [seen.st_ino, seen.st_size, seen.st_mtime_ns, seen.st_ctime_ns]
    return found


def kept_files(folder: Path, memory: Memory) -> dict[str, Kept]:
    """Give the files of the release that was remembered which lie untouched in a folder."""
    now = stamps(folder)
    return {
        path: Kept(folder.absolute() / path, hashed)
        for path, hashed in memory.released.items()
        if path in now and now[path] == memory.stamps.get(path)
    }


def holds(folder: Path, finding: Finding) -> bool:
    """Whether a folder holds the release that was found, and nothing else: untouched since, or else the same in content."""
    if finding.released is None or stamps(folder) == finding.stamps:
        return True
    try:
        found = {
            path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
            for path in folder.rglob("*")
            if not path.is_dir() or path.is_symlink()
        }
    except OSError:
        return False
    return found == finding.released


def _folder() -> Path | None:
    """Find the folder of the cache, as the platform has it; None if nothing is to be kept."""
    named = os.environ.get(FOLDER)
    if named is not None:
        return Path(named) if named else None
    if sys.platform == "win32":
        base = os.environ.get("LOCALAPPDATA")
    elif sys.platform == "darwin":
        base = os.path.expanduser("~/Library/Caches")
    else:
        base = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    return Path(base) / "syncline" if base and os.path.isabs(base) else None


def _parts(file: SourceFile | Unreadable) -> tuple[str, ...]:
    if isinstance(file, SourceFile):
        return ("text", file.path, file.text)
    return ("unreadable", file.path, file.why, file.remedy, file.code)


@cache
def _compiler() -> str:
    """Tell this compiler from every other: its files, the interpreter, and the libraries that are installed."""
    folders = [Path(__file__).parent, Path(str(syncline_runtime.__file__)).parent, Library().folder]
    parts = [sys.version]
    for folder in folders:
        for within, _, names in sorted(os.walk(folder)):
            for name in sorted(names):
                if not name.endswith(".pyc"):
                    seen = os.stat(os.path.join(within, name))
                    parts.append(f"{within}/{name} {seen.st_size} {seen.st_mtime_ns}")
    for place in sys.path:  # installing or removing a library changes the folder that it is in
        with contextlib.suppress(OSError):
            parts.append(f"{place} {os.stat(place or '.').st_mtime_ns}")
    return hash_of(parts)


def _forget_oldest(folder: Path) -> None:
    entries = sorted(folder.glob("*.json"), key=lambda entry: entry.stat().st_mtime)
    for entry in entries[:-ENTRIES]:
        entry.unlink()
        entry.with_suffix(".parts").unlink(missing_ok=True)


def _plain(finding: Finding) -> dict[str, Any]:
    diagnostics = finding.diagnostics
    return {
        "diagnostics": [dict(vars(diagnostic)) for diagnostic in diagnostics],
        "beyond": diagnostics.beyond,
        "waived": finding.waived,
        "files": finding.files,
        "stamps": dict(finding.stamps),
        "released": None if finding.released is None else dict(finding.released),
    }


def _finding(plain: Mapping[str, Any], sources: Mapping[str, SourceFile]) -> Finding:
    found = [diagnostic_of(one) for one in plain["diagnostics"]]
    diagnostics = Collector.of(found, sources, beyond=plain["beyond"])
    shipped = Library()
    places = {at.path for one in found for at in (one.span, *(at for at, _ in (*one.secondary, *one.again)))}
    imported = {path: shipped[path.removeprefix(f"{LIBRARY}/")] for path in places if path.startswith(f"{LIBRARY}/")}
    return Finding(
        diagnostics, {**sources, **imported}, plain["waived"], plain["released"], plain["files"], plain["stamps"]
    )
