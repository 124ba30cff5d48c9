"""Settle versions: what changed since the lock gets the versions it needs, and the lock is written anew.

In: a project's folder. Out: the files that are to change, by path. Invariant: a project with mistakes is left as it is, and so is one in
which a field goes before its day: what is still used is no question of a number.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from pathlib import Path

from syncline_compiler.changes.classify import classify
from syncline_compiler.changes.fact import Facts
from syncline_compiler.changes.gather import gather
from syncline_compiler.changes.lock import LockError, dump_lock, load_lock
from syncline_compiler.changes.versions import raises, settled
from syncline_compiler.diagnostics.diagnostic import Edit
from syncline_compiler.diagnostics.mend import edited
from syncline_compiler.pipeline import Compilation, check_sources
from syncline_compiler.source import LIBRARY, LOCK_FILE, SourceFile, read_lock, read_sources


def bumped(root: Path, today: date) -> Mapping[str, str]:
    """Give the files that change, by path: specs with their versions raised, and the lock."""
    lock = read_lock(root)
    sources = list(read_sources(root))
    found = check_sources([*sources, *([lock] if lock else [])], today, waivers_end=False)
    settled_later = {"SYN0940", "SYN0941", "SYN0943"}
    if any(one.severity == "error" and one.code not in settled_later for one in found.diagnostics):
        return {}
    checked = check_sources(sources, today, waivers_end=False)
    return _settled(checked, _before(lock)) if checked.project is not None else {}


def _before(lock: object) -> Facts:
    if isinstance(lock, SourceFile):
        try:
            return load_lock(lock.text)
        except LockError:
            pass  # one that cannot be used says nothing of what was
    return Facts()


def _settled(checked: Compilation, before: Facts) -> Mapping[str, str]:
    assert checked.project is not None
    assert checked.written is not None
    classified = classify(before, gather(checked.project, checked.written))
    edits: dict[str, list[Edit]] = {}
    for one in raises(classified):
        span = one.item.span
        if one.item.versioned and one.is_due and span is not None and not span.path.startswith(LIBRARY):
            edits.setdefault(span.path, []).append(Edit(span, one.needed))
    changed = {path: edited(checked.sources[path].text, found) for path, found in edits.items()}
    return {**changed, LOCK_FILE: dump_lock(settled(classified))}
