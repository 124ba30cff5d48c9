"""Versions: what a change demands of the version of what changed, and what the lock is to say then.

In: what changed since the lock. Out: ``Raise`` values and settled ``Facts``. Invariant: what states its version in its spec keeps the say;
the lock counts on for what states none (mappings, syncs).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from syncline_compiler.changes.change import Change
from syncline_compiler.changes.classify import Classified
from syncline_compiler.changes.fact import Facts, Item, ItemFacts
from syncline_compiler.changes.lock import hash_of_facts
from syncline_compiler.changes.rules import Bump
from syncline_runtime.frozen import dataclass

Stand = tuple[str, str, str]
"""An item, the version that it states ("" if none), and the hash of what it says."""
COUNTED = ("mapping", "sync")
"""Kinds of items that state no version."""

_LEVELS: tuple[Bump, ...] = ("none", "minor", "major")


@dataclass(frozen=True)
class Raise:
    """An item whose version has to rise: from, at least to, and the changes that ask for it, the gravest first."""

    item: ItemFacts
    former: str
    needed: str
    changes: tuple[Change, ...]

    @property
    def is_due(self) -> bool:
        """Whether the spec states a lower version still."""
        return _parts(self.item.version) < _parts(self.needed)


def raises(classified: Classified) -> Iterator[Raise]:
    """Give every item that changed in a way that its version shows."""
    for item, now in classified.after.items.items():
        changes = classified.of(item)
        was = classified.former(item)
        if was is None or not changes:
            continue
        level = max((change.rule.bump for change in changes), key=_LEVELS.index)
        if level != "none":
            asking = tuple(change for change in changes if change.rule.bump == level)
            yield Raise(now, was.version, raised(was.version, level), asking)


def settled(classified: Classified) -> Facts:
    """Give what the lock is to say: every item with its version."""
    due = {one.item.item: one.needed for one in raises(classified)}
    return Facts.of(_settled(now, due.get(item), classified) for item, now in classified.after.items.items())


def _settled(now: ItemFacts, needed: str | None, classified: Classified) -> ItemFacts:
    if now.versioned:
        return replace(now, version=max(now.version, needed or now.version, key=_parts))
    was = classified.former(now.item)
    return replace(now, version=needed or (was.version if was else now.version))


def stale(classified: Classified) -> tuple[Item, ...]:
    """Name the items of which the lock says something else than they are."""
    want, have = settled(classified).items, classified.before.items
    differ = {item for item in want.keys() & have.keys() if _said(want[item]) != _said(have[item])}
    return tuple(sorted(differ | (want.keys() ^ have.keys())))


def _said(one: ItemFacts) -> tuple[str, str]:
    return one.version, hash_of_facts(one.facts)


def stand_of(one: ItemFacts) -> Stand:
    """Give the stand of an item: while the lock has the same of every item, no version is due."""
    version, said = _said(one)
    return str(one.item), "" if one.item.kind in COUNTED else version, said


def raised(version: str, level: Bump) -> str:
    """Give the next version of a level; before 1.0.0 a major step is the second number, as is the custom."""
    major, minor, patch = _parts(version)
    if level == "none":
        return version
    if level == "major":
        return f"{major + 1}.0.0" if major else f"0.{minor + 1}.0"
    return f"{major}.{minor + 1}.0" if major else f"0.{minor}.{patch + 1}"


def _parts(version: str) -> tuple[int, int, int]:
    major, minor, patch = (int(part) for part in version.split("."))
    return major, minor, patch
