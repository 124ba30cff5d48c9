"""Promotion: a release moves from environment to environment as it is, by its hash.

In: a store, a release (a folder, or the one of another environment), the hash that was reviewed. Out: the release in its place, and a line
in the store's record. A *store* is a folder with one release per environment (``STORE/production``) and ``promotions.jsonl``. Invariant:
what lies in an environment is whole and is what was promoted; a release that differs from the reviewed one never gets there.
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path

from syncline_runtime.clock import SYSTEM_CLOCK, Clock
from syncline_runtime.errors import ReleaseError, StateError, UsageError
from syncline_runtime.folders import exchange
from syncline_runtime.plan import load_release

RECORD = "promotions.jsonl"
RELEASE = "release.json"
FEWEST = 12
"""Digits of a hash that tell a release."""


@dataclass(frozen=True)
class Promotion:
    """One line of the record: which release came where, in place of which, by whom and when (microseconds UTC)."""

    environment: str
    release: str
    replaces: str | None
    source: str
    by: str
    at: int


def promote(
    store: Path, environment: str, source: Path, reviewed: str, by: str, clock: Clock = SYSTEM_CLOCK
) -> Promotion:
    """Put a release into an environment of a store.

    ``reviewed``: the hash of the release that people agreed to, or at least its first twelve digits. Raises ReleaseError where the release
    is damaged, another one, or not bound for the environment; StateError where the store cannot be written.
    """
    release = load_release(source)
    if len(reviewed) < FEWEST or not release.hash.startswith(reviewed):
        raise ReleaseError(
            f"this is release {release.hash[:16]}, and {reviewed[:16]} was reviewed",
            place=str(source),
            mend=f"promote the release that was reviewed, or review this one: at least {FEWEST} digits of its hash are named",
        )
    release.binding(environment)  # refused where the release is not bound for it
    target = store / environment
    try:
        store.mkdir(parents=True, exist_ok=True)
        before = load_release(target).hash if (target / RELEASE).is_file() else None
        _put(source, target)
        done = Promotion(environment, release.hash, before, str(source), by, clock.now())
        with (store / RECORD).open("a", encoding="utf-8") as record:
            record.write(json.dumps(asdict(done), sort_keys=True) + "\n")
            record.flush()
            os.fsync(record.fileno())
    except OSError as error:
        raise StateError(
            f"the store cannot be written: {error.strerror}",
            place=str(error.filename or store),
            mend="see to the disk, and promote again",
        ) from None
    return done


def deployed(store: Path, environment: str) -> Path:
    """Give the folder of the release that an environment has; UsageError where it has none."""
    folder = store / environment
    if not (folder / RELEASE).is_file():
        there = sorted(path.parent.name for path in store.glob(f"*/{RELEASE}")) if store.is_dir() else []
        raise UsageError(
            f"{store} has no release for {environment!r}",
            mend=f"it has: {', '.join(there) or 'none'}; `syncline promote` brings one there",
        )
    return folder


def history(store: Path) -> list[Promotion]:
    """Give all promotions of a store, the oldest first."""
    try:
        lines = (store / RECORD).read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return []
    return [Promotion(**json.loads(line)) for line in lines if line.strip()]


def _put(source: Path, target: Path) -> None:
    """Copy a release beside its place and exchange the folders; what was there is gone only then."""
    with tempfile.TemporaryDirectory(prefix=f".{target.name}.", dir=target.parent) as beside:
        fresh, old = Path(beside) / "new", Path(beside) / "old"
        shutil.copytree(source, fresh)
        load_release(fresh)  # what was copied is what was there
        exchange(fresh, target, old)
