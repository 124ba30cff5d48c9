"""Classify: the facts of two states of a project to changes, each with the rule that speaks of it.

In: ``Facts`` before and after. Out: ``Change`` values, the gravest first. Invariant: every fact that differs is told, by itself or as a
consequence of one that is told (``folding``, and what stands below something that came or went).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property
from typing import Literal, get_args

from syncline_compiler.changes.change import Change
from syncline_compiler.changes.fact import Fact, Facts, Item, ItemFacts, Key
from syncline_compiler.changes.folding import folded
from syncline_compiler.changes.kinds import KINDS, Direction, compared
from syncline_compiler.changes.renaming import Renaming
from syncline_compiler.changes.rules import VERDICTS, Role, rules_about
from syncline_compiler.source import Span
from syncline_runtime.frozen import dataclass

EVERY_ROLE: frozenset[Role] = frozenset(get_args(Role))
REACH: frozenset[Role] = frozenset({"reach"})


@dataclass(frozen=True)
class Appeared:
    """An item that is new, or gone, or has another name."""

    item: Item
    how: Literal["added", "removed", "renamed"]
    span: Span | None
    former: str | None = None
    steward: str | None = None


@dataclass(frozen=True)
class Classified:
    """All that changed."""

    before: Facts
    after: Facts
    items: tuple[Appeared, ...]
    changes: tuple[Change, ...]
    rewritten: tuple[tuple[Fact, Fact], ...] = ()  # written otherwise, and proved equal

    def of(self, item: Item) -> tuple[Change, ...]:
        """Give what changed of one item."""
        return self._by_item.get(item, ())

    @cached_property
    def _by_item(self) -> Mapping[Item, tuple[Change, ...]]:
        found: dict[Item, list[Change]] = defaultdict(list)
        for change in self.changes:
            found[change.item].append(change)
        return {item: tuple(changes) for item, changes in found.items()}

    def former(self, item: Item) -> ItemFacts | None:
        """Give what was said of an item before, also under another name."""
        now = self.after.items.get(item)
        return self.before.items.get((_former_item(now, self.before) if now is not None else None) or item)


def classify(before: Facts, after: Facts) -> Classified:
    """Compare two states of a project."""
    items = tuple(_appeared(before, after))
    roles, renaming = _Roles(before, after), Renaming(before, after)
    found = [
        change
        for item, now in after.items.items()
        if (was := before.items.get(_former_item(now, before) or item)) is not None
        for change in _of_item(was, now, renaming, roles)
    ]
    whole = [_whole(one, roles) for one in items]
    changes = tuple(folded([*whole, *found]))
    return Classified(before, after, items, changes, tuple(_rewritten(before, after, changes)))


def _rewritten(before: Facts, after: Facts, changes: Iterable[Change]) -> Iterator[tuple[Fact, Fact]]:
    """Give what is written otherwise and has the same normal form, a line of two ways once."""
    told = {change.span for change in changes}
    for item, now in after.items.items():
        was = before.items.get(item)
        for key, fact in now.by_key.items() if was is not None else ():
            old = was.by_key.get(key) if was is not None else None
            if KINDS[key.kind].compare != "expression" or old is None or old.value != fact.value:
                continue
            if not old.shown or fact.span in told:
                continue
            if old.shown.split() != fact.shown.split():
                told.add(fact.span)
                yield old, fact


def _whole(one: Appeared, roles: _Roles) -> Change:
    """Give the change that a spec's coming or going is."""
    key = Key(one.item.kind)
    before = Fact(key, one.former or "", one.span) if one.how != "added" else None
    after = Fact(key, one.item.name if one.former else "", one.span) if one.how != "removed" else None
    return _change(one.item, key, one.how, before, after, roles)


def _former_item(now: ItemFacts, before: Facts) -> Item | None:
    """Find the item under a name that it had before."""
    if now.item in before.items:
        return None
    return next((one for name in now.moved_from if (one := Item(now.item.kind, name)) in before.items), None)


def _appeared(before: Facts, after: Facts) -> Iterator[Appeared]:
    former = {}
    for item, now in after.items.items():
        was = _former_item(now, before)
        if was is not None:
            former[was] = item
            if item.kind == "mapping":
                continue  # its object has another name, which is told
            yield Appeared(item, "renamed", now.span, was.name, now.steward)
        elif item not in before.items:
            yield Appeared(item, "added", now.span, steward=now.steward)
    for item, one in before.items.items():
        if item not in after.items and item not in former:
            yield Appeared(item, "removed", one.span, steward=one.steward)


def _of_item(before: ItemFacts, after: ItemFacts, renaming: Renaming, roles: _Roles) -> Iterator[Change]:
    was = renaming.facts(before, after)
    differing = {}
    for key in dict.fromkeys((*was, *after.by_key)):
        old, new = was.get(key), after.by_key.get(key)
        direction = compared(KINDS[key.kind], old.value if old else None, new.value if new else None)
        if direction is not None and rules_about(key.kind, direction):  # else it is what another compiler did not tell
            differing[key] = (direction, old, new)
    for key, name in renaming.of(before, after).items():
        span = after.by_key[key].span
        yield _change(after.item, key, "renamed", Fact(key, name), Fact(key, key.names[0], span), roles)
    for key, (direction, old, new) in differing.items():
        if not _is_below(key, differing):
            yield _change(after.item, key, direction, old, new, roles)


def _is_below(key: Key, differing: Mapping[Key, tuple[Direction, Fact | None, Fact | None]]) -> bool:
    """Whether what it stands below came or went, which says it all."""
    below = KINDS[key.kind].below
    while below is not None:
        above = [Key(below, key.names[:length]) for length in range(len(key.names) + 1)]
        if not key.names:
            above = [one for one in differing if one.kind == below]
        if any((found := differing.get(one)) is not None and None in found[1:] for one in above):
            return True
        below = KINDS[below].below
    return False


def _change(
    item: Item, key: Key, direction: Direction, before: Fact | None, after: Fact | None, roles: _Roles
) -> Change:
    values = (before.value if before else None, after.value if after else None)
    about = [rule for rule in rules_about(key.kind, direction) if rule.speaks_of(*values)]
    narrowed = [rule for rule in about if rule.to or rule.of] or about
    played = roles.of(item, key)
    fitting = [rule for rule in narrowed if rule.role in played] or narrowed
    return Change(item, key, direction, min(fitting, key=lambda rule: VERDICTS.index(rule.verdict)), before, after)


class _Roles:
    """In which roles fields stand, before or after: what they are to those who use them."""

    def __init__(self, before: Facts, after: Facts) -> None:
        self._states = (before, after)

    def of(self, item: Item, key: Key) -> frozenset[Role]:
        """Give the roles of what a key is about."""
        if item.kind == "object" and key.kind.startswith("field"):
            return frozenset({"identity"}) if key.names[0] in self._keys[item.name] else frozenset({"canonical"})
        if item.kind == "system" and key.kind.startswith("native") and len(key.names) > 1:
            native = (item.name, *key.names[:2])
            written: frozenset[Role] = frozenset({"written"} if native in self._written else ())
            read: frozenset[Role] = frozenset({"read"} if native in self._read or not written else ())
            if key.kind == "native" and native[:2] in self._created:
                written = frozenset({"written"})  # what a create has to name concerns all who create
            return read | written | REACH
        return EVERY_ROLE

    @cached_property
    def _keys(self) -> Mapping[str, frozenset[str]]:
        keys: dict[str, set[str]] = defaultdict(set)
        for state in self._states:
            for item, one in state.items.items():
                if item.kind == "object":
                    for fact in one.facts:
                        if fact.key.kind == "identity":
                            keys[item.name].update(fact.key.names[0].replace(",", " ").split())
        return defaultdict(frozenset, {name: frozenset(found) for name, found in keys.items()})

    @cached_property
    def _created(self) -> frozenset[tuple[str, str]]:
        """Give the resources, by system, of which records are created."""
        filled = {native[:2] for native in self._written}
        return frozenset(
            place for place in filled for state in self._states
            if state.value(Item("system", place[0]), "write_by", place[1], "create") is not None
        )  # fmt: skip

    @cached_property
    def _read(self) -> frozenset[tuple[str, str, str]]:
        return frozenset(self._named("uses"))

    @cached_property
    def _written(self) -> frozenset[tuple[str, str, str]]:
        return frozenset(self._named("write"))

    def _named(self, kind: str) -> Iterator[tuple[str, str, str]]:
        for state in self._states:
            for item, one in state.items.items():
                if item.kind == "mapping":
                    system, _, resource = item.name.partition("/")[0].partition(".")
                    yield from ((system, resource, fact.key.names[0]) for fact in one.facts if fact.key.kind == kind)
