"""Facts: what specs say, one thing each, so that two states of a project can be compared, and one be kept in the lock.

In: nothing. Out: the shapes. Invariant: equal facts mean the same to everybody who relies on them; how they are written, labels
and order among them are facts of kinds that the lock leaves out.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import field
from functools import cached_property
from typing import Literal, NamedTuple

from syncline_compiler.source import Span
from syncline_runtime.frozen import dataclass

ItemKind = Literal["object", "mapping", "codes", "system", "sync", "event", "policy", "environment", "project"]
OF_REVIEWS: frozenset[ItemKind] = frozenset({"environment", "project"})
"""What locks and releases hold nothing of."""


class Item(NamedTuple):
    """Something that is compared as one, by kind and name; a mapping is named ``crm.Account/account``."""

    kind: ItemKind
    name: str

    def __str__(self) -> str:
        return f"{self.kind} {self.name}"


class Key(NamedTuple):
    """What a fact is about: a kind of ``kinds.KINDS``, and the names that tell it from others of its kind."""

    kind: str
    names: tuple[str, ...] = ()

    def __str__(self) -> str:
        return ".".join(self.names) or self.kind


@dataclass(frozen=True, slots=True)
class Fact:
    """One thing that a spec says. ``value`` is comparable text; ``shown`` is how it is written."""

    key: Key
    value: str = ""
    span: Span | None = None
    shown: str = ""

    @property
    def text(self) -> str:
        """What it says, for people."""
        return self.shown or self.value


@dataclass(frozen=True)
class ItemFacts:
    """All that is said of one item. ``versioned``: its spec states the version, at ``span``."""

    item: Item
    version: str
    facts: tuple[Fact, ...]
    span: Span | None = None
    versioned: bool = True
    steward: str | None = None
    moved_from: tuple[str, ...] = ()

    @cached_property
    def by_key(self) -> Mapping[Key, Fact]:
        """The facts by what they are about."""
        return {fact.key: fact for fact in self.facts}


@dataclass(frozen=True)
class Facts:
    """What a project says, item by item."""

    items: Mapping[Item, ItemFacts] = field(default_factory=dict)

    @staticmethod
    def of(items: Iterable[ItemFacts]) -> Facts:
        """Put items together, in their order."""
        return Facts({one.item: one for one in sorted(items, key=lambda one: one.item)})

    def __getitem__(self, item: Item) -> ItemFacts:
        return self.items[item]

    def value(self, item: Item, kind: str, *names: str) -> str | None:
        """Give what is said of something, if anything is."""
        found = self.items.get(item)
        fact = found.by_key.get(Key(kind, names)) if found else None
        return fact.value if fact else None
