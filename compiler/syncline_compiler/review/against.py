"""The other side of a comparison: a revision of git, a folder with a project, or the folder of a release.

In: what was named. Out: ``Side``. Invariant: git is only asked for what it holds (objects by their hashes): no hook, filter or attribute
of a repository runs, and what comes out of it is bounded as files of a project are.
"""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import field
from pathlib import Path, PurePosixPath

from syncline_compiler.changes.fact import Facts
from syncline_compiler.changes.lock import LockError, load_lock
from syncline_compiler.source import (
    LOCK_FILE,
    MAX_BYTES,
    MAX_FILES,
    MAX_LOCK,
    PROJECT_FILE,
    SUFFIXES,
    SourceFile,
    Unreadable,
    read_beside,
    read_sources,
)
from syncline_compiler.writing import RELEASE_FILE
from syncline_runtime.frozen import dataclass

GIT_SECONDS = 60
BASES = ("origin/HEAD", "origin/main", "origin/master", "main", "master")
"""Where a branch usually comes from, the surest first."""
TARGETS = ("GITHUB_BASE_REF", "CI_MERGE_REQUEST_TARGET_BRANCH_NAME", "CHANGE_TARGET")
"""Variables by which continuous integration tells the branch that a request goes to."""
EXTRA = (LOCK_FILE, "syncline.approvals")


class AgainstError(Exception):
    """The other side cannot be had; the text says why and what to do."""


@dataclass(frozen=True)
class Side:
    """One side: its specs, or of a release what its lock says. ``label`` is how people know it."""

    label: str
    files: tuple[SourceFile | Unreadable, ...] = ()
    beside: Mapping[str, SourceFile] = field(default_factory=dict)
    facts: Facts | None = None
    release: Path | None = None


def read_side(root: Path, named: str | None) -> Side:
    """Read what a project is compared with; by default where its branch left the branch it goes to.

    Raises AgainstError.
    """
    if named is not None and (folder := Path(named)).is_dir():
        if (folder / RELEASE_FILE).is_file():
            return _release(folder)
        if (folder / PROJECT_FILE).is_file():
            beside = {path: file for path in EXTRA if isinstance(file := read_beside(folder, path), SourceFile)}
            return Side(named, tuple(read_sources(folder)), beside)
        raise AgainstError(f"{named} holds neither {PROJECT_FILE} nor {RELEASE_FILE}")
    revision = _revision(root, named) if named is not None else _left(root)[1]
    with _checked_out(root, revision) as folder:
        files = tuple(read_sources(folder))
        beside = {path: file for path in EXTRA if (file := _beside(folder, path)) is not None}
    if not files:
        raise AgainstError(
            f"there was no project in {named or revision[:12]}: name an older or newer revision, or a folder"
        )
    return Side(named or f"merge base {revision[:12]}", files, beside)


def read_trusted(root: Path, named: str | None, side: Side) -> Side:
    """Read what a request is held to: the branch that it goes to as it is now, and not as it was where the request left it.

    Else what was agreed to, and is withdrawn since, would still count. ``side`` is what was ``named``: where that is a folder,
    or a revision and nobody tells of a branch, it is the one. Raises AgainstError.
    """
    if named is not None and (Path(named).is_dir() or not _told()):
        return side
    tip = next(iter(_told()), None) or _left(root)[0]
    if not _is_known(root, tip):
        branch = tip.removeprefix("origin/")
        raise AgainstError(
            f"{tip}, to whose budgets, approvals and policies the request is held, is not known here: "
            f"git fetch origin +refs/heads/{branch}:refs/remotes/{tip}"
        )
    return read_side(root, tip)


def _release(folder: Path) -> Side:
    lock = folder / LOCK_FILE
    if not lock.is_file():
        raise AgainstError(
            f"{folder} was compiled without a {LOCK_FILE}, so that it does not say what its specs said: "
            "name the revision or the folder that it was made from"
        )
    try:
        return Side(str(folder), facts=load_lock(lock.read_text(encoding="utf-8")), release=folder)
    except (LockError, UnicodeDecodeError, OSError) as error:
        raise AgainstError(f"{lock} cannot be used: {error}") from None


def _beside(folder: Path, name: str) -> SourceFile | None:
    path = folder / name
    return SourceFile(name, path.read_text(encoding="utf-8", errors="replace")) if path.is_file() else None


def _revision(root: Path, named: str) -> str:
    found = _git(root, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{named}^{{commit}}")
    if found is None:
        raise AgainstError(
            f"{named} is no folder, and no revision that git knows here: fetch it first, or name another"
        )
    return found.decode().strip()


def _left(root: Path) -> tuple[str, str]:
    """Find the branch that this one goes to, and the revision at which this one left it."""
    if _git(root, "rev-parse", "--verify", "HEAD") is None:
        raise AgainstError("there is no git repository with a commit here: say with --against what to compare with")
    for base in (*_told(), *BASES):
        if not _is_known(root, base):
            continue
        found = _git(root, "merge-base", "HEAD", base)
        if found is not None:
            return base, found.decode().strip()
    raise AgainstError(
        "no branch is known that this one goes to, or it was not fetched far enough back: say with --against what to compare with"
    )


def _told() -> list[str]:
    """Name the branch that continuous integration says the request goes to, if it does."""
    return [f"origin/{os.environ[name]}" for name in TARGETS if os.environ.get(name)]


def _is_known(root: Path, revision: str) -> bool:
    return _git(root, "rev-parse", "--verify", "--quiet", f"{revision}^{{commit}}") is not None


@contextmanager
def _checked_out(root: Path, revision: str) -> Iterator[Path]:
    """Give a folder with the specs of a revision."""
    prefix = (_git(root, "rev-parse", "--show-prefix") or b"").decode().strip()
    listed = _git(root, "ls-tree", "-r", "-z", "--full-tree", revision, "--", *([prefix] if prefix else []))
    if listed is None:
        raise AgainstError(f"git cannot list what revision {revision[:12]} holds: fetch it whole")
    blobs = dict(_blobs(listed.decode("utf-8", "surrogateescape"), prefix))
    if len(blobs) > MAX_FILES:
        raise AgainstError(f"revision {revision[:12]} has more than {MAX_FILES:,} files")
    with tempfile.TemporaryDirectory(prefix="syncline-against-") as beside:
        folder = Path(beside)
        for path, content in _contents(root, blobs):
            target = folder / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(content)
        yield folder


def _blobs(listed: str, prefix: str) -> Iterator[tuple[str, str]]:
    """Give the path within the project and the object of each file that belongs to specs."""
    for line in listed.split("\0"):
        told, _, path = line.partition("\t")
        mode, kind, name = [*told.split(" "), "", ""][:3]
        within = path.removeprefix(prefix)
        parts = PurePosixPath(within).parts
        plain = all(part not in ("..", "") and not part.startswith(".") for part in parts)
        if kind == "blob" and mode.startswith("100") and plain and (within.endswith(SUFFIXES) or within in EXTRA):
            yield within, name


def _contents(root: Path, blobs: Mapping[str, str]) -> Iterator[tuple[str, bytes]]:
    asked = "".join(f"{name}\n" for name in blobs.values()).encode()
    answer = _git(root, "cat-file", "--batch", given=asked) or b""
    place = 0
    for path in blobs:
        head, _, _ = answer[place : place + 200].partition(b"\n")
        size = int(head.rsplit(b" ", 1)[1])
        place += len(head) + 1
        most = MAX_LOCK if path in EXTRA else MAX_BYTES + 1  # one more: the reader tells that it is too large
        yield path, answer[place : place + min(size, most)]
        place += size + 1


def _git(root: Path, *words: str, given: bytes | None = None) -> bytes | None:
    """Ask git; None where it refuses."""
    quiet = {"GIT_OPTIONAL_LOCKS": "0", "GIT_TERMINAL_PROMPT": "0", "GIT_NO_LAZY_FETCH": "1", "LC_ALL": "C"}
    command = ["git", "-c", "core.fsmonitor=", "-c", "core.hooksPath=/dev/null", "-C", os.fspath(root), *words]
    try:
        done = subprocess.run(
            command, input=given, capture_output=True, check=False, timeout=GIT_SECONDS, env={**os.environ, **quiet}
        )
    except FileNotFoundError:
        raise AgainstError("git is not installed: name a folder with --against") from None
    except subprocess.TimeoutExpired:
        raise AgainstError(f"git did not answer within {GIT_SECONDS} seconds: name a folder with --against") from None
    return done.stdout if done.returncode == 0 else None
