"""What was said before, in the names of today: a rename that is declared is one change, wherever the name stands.

In: both states. Out: facts of before under the names of after. Invariant: texts in quotes are values and stay as they are.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from syncline_compiler.changes.fact import Fact, Facts, Item, ItemFacts, Key
from syncline_compiler.changes.kinds import KINDS

_WORDS = re.compile(r'"(?:[^"\\]|\\.)*"|[A-Za-z_][A-Za-z0-9_]*')
KEYED = frozenset({"owner", "unowned_edit", "first_link"})
"""Facts of syncs that are about one field."""
OF_MEMBERS = frozenset({"member", "originate", "hold", "on_leave", "many", "when_deleted_in"})
"""Facts of syncs that are about one member."""
NAMING = frozenset({"write", "derived", "invariant", "identity", "identity.order", "hold"})
"""Facts whose values name fields of the object."""


def words_of(expression: str) -> Iterable[str]:
    """Give the names in an expression."""
    return (word for word in _WORDS.findall(expression) if not word.startswith('"'))


OF_OBJECTS = frozenset({"sync.object", "codes.for", "part", "field.type", "event.source"})
"""Facts whose values name objects."""

OF_RESOURCES = frozenset({"member", "event.source"})
"""Facts whose values begin with a resource."""


class Renaming:
    """The objects, resources, fields and members that have another name by now."""

    def __init__(self, before: Facts, after: Facts) -> None:
        self._objects = {
            former.name: item.name
            for item, now in after.items.items()
            if item.kind == "object" and (former := _former(now, before)) in before.items and former != item
        }
        self._resources = {
            f"{item.name}.{old}": f"{item.name}.{new}"
            for item, now in after.items.items()
            if item.kind == "system"
            for old, new in _renamed("resource", now, before.items.get(item)).items()
        }
        self._of_objects = {
            item.name: renamed
            for item, now in after.items.items()
            if item.kind == "object" and (renamed := _renamed("field", now, before.items.get(_former(now, before))))
        }

    def fields(self, object_: str) -> Mapping[str, str]:
        """Give the former names of an object's fields and what they are called now."""
        return self._of_objects.get(object_, {})

    def of(self, was: ItemFacts, now: ItemFacts) -> Mapping[Key, str]:
        """Give what of an item has another name, by what says so, with the former name."""
        kind = {"object": "field", "sync": "member", "system": "resource"}.get(now.item.kind)
        renamed = _renamed(kind, now, was) if kind is not None else {}
        return {Key(f"{kind}.moved", (new,)): old for old, new in renamed.items()}

    def facts(self, was: ItemFacts, now: ItemFacts) -> Mapping[Key, Fact]:
        """Give what was said of an item, under the names of today."""
        fields = self.fields(_object_of(now)) if self._of_objects else {}
        members = _renamed("member", now, was) if now.item.kind == "sync" else {}
        if not fields and not members and not self._objects and not self._resources:
            return was.by_key
        if now.item.kind == "system":
            return {fact.key: fact for fact in (self._described(one, now.item.name) for one in was.facts)}
        said = (self._said(fact, fields, members) for fact in was.facts)
        return {fact.key: fact for fact in said}

    def _said(self, fact: Fact, fields: Mapping[str, str], members: Mapping[str, str]) -> Fact:
        said = _said(fact, fields, members)
        if self._objects and fact.key.kind in OF_OBJECTS:
            said = Fact(said.key, _in(said.value, self._objects), said.span, said.shown)
        if fact.key.kind in OF_RESOURCES:
            place, _, rest = said.value.partition(" ")
            return Fact(said.key, f"{self._resources.get(place, place)} {rest}".rstrip(), said.span, said.shown)
        return said

    def _described(self, fact: Fact, system: str) -> Fact:
        """Give what was said of a resource, under its name of today."""
        kind, names = fact.key
        if not KINDS[kind].within:
            return fact
        name = self._resources.get(f"{system}.{names[0]}", "").rpartition(".")[2] or names[0]
        return Fact(Key(kind, (name, *names[1:])), fact.value, fact.span, fact.shown)


def _former(now: ItemFacts, before: Facts) -> Item:
    names = (now.item.name, *now.moved_from)
    return next((item for name in names if (item := now.item._replace(name=name)) in before.items), now.item)


def _renamed(kind: str, now: ItemFacts, was: ItemFacts | None) -> dict[str, str]:
    if was is None:
        return {}
    said = [fact for fact in now.facts if fact.key.kind == f"{kind}.moved"]
    moved = {old: fact.key.names[0] for fact in said for old in fact.value.split()}
    here, there = was.by_key, now.by_key
    return {old: new for old, new in moved.items() if Key(kind, (old,)) in here and Key(kind, (old,)) not in there}


def _object_of(one: ItemFacts) -> str:
    if one.item.kind == "mapping":
        return one.item.name.rpartition("/")[2]
    fact = one.by_key.get(Key("sync.object"))
    return fact.value if fact is not None else one.item.name


def _said(fact: Fact, fields: Mapping[str, str], members: Mapping[str, str]) -> Fact:
    kind, names = fact.key
    if names and (kind.startswith("field") or kind in KEYED or (kind == "read" and len(names) == 1)):
        names = (fields.get(names[0], names[0]), *names[1:])
    elif kind in OF_MEMBERS:
        names = (members.get(names[0], names[0]),)
    elif kind == "identity":
        names = tuple(_in(name, fields) for name in names)
    value = _in(fact.value, fields) if kind in NAMING else fact.value
    if kind == "owner":
        value = _in(value, members)
    return Fact(Key(kind, names), value, fact.span, fact.shown)


def _in(text: str, renamed: Mapping[str, str]) -> str:
    return _WORDS.sub(lambda found: renamed.get(found[0], found[0]), text)
