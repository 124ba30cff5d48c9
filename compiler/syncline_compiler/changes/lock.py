"""``syncline.lock``: what the specs said when their versions were last settled.

In: ``Facts`` and the text of the file. Out: the text, and ``Facts`` again. Invariant: equal facts, equal text; a line of it is one
fact, so that versions of it merge as text does; a file that was edited by hand is told by its hashes and never believed.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any, get_args

from syncline_compiler.changes.fact import OF_REVIEWS, Fact, Facts, Item, ItemFacts, ItemKind, Key
from syncline_compiler.changes.kinds import KINDS

FORMAT = 1


class LockError(Exception):
    """The text is no lock of ours, or not as we wrote it; the text says what is wrong."""


def dump_lock(facts: Facts) -> str:
    """Give the text of the lock."""
    items = {str(item): _plain(one) for item, one in sorted(facts.items.items())}
    return json.dumps({"lock": FORMAT, "items": items}, ensure_ascii=False, indent=1) + "\n"


def load_lock(text: str) -> Facts:
    """Read the text of a lock; LockError says what is wrong with it."""
    try:
        plain = json.loads(text)
        if plain["lock"] != FORMAT:
            raise LockError(f"it is of format {plain['lock']}, and this compiler knows {FORMAT}")
        return Facts.of(_item(name, one) for name, one in plain["items"].items())
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise LockError("it cannot be read: was it merged by hand?") from error


def kept(facts: Iterable[Fact]) -> list[Fact]:
    """Give the facts that the lock keeps, in its order."""
    return sorted((fact for fact in facts if KINDS[fact.key.kind].kept), key=lambda fact: fact.key)


def as_kept(facts: Facts) -> Facts:
    """Give facts as a lock would hold them: without labels and the like, and without what only reviews tell."""
    items = (one for one in facts.items.values() if one.item.kind not in OF_REVIEWS)
    return Facts.of(replace(one, facts=tuple(kept(one.facts))) for one in items)


def hash_of_facts(facts: Iterable[Fact]) -> str:
    """Give the SHA-256 of what facts say."""
    said = json.dumps([[*fact.key, fact.value] for fact in kept(facts)], ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(said.encode()).hexdigest()


def _plain(one: ItemFacts) -> Mapping[str, Any]:
    return {
        "version": one.version,
        "interface": hash_of_facts(fact for fact in one.facts if KINDS[fact.key.kind].interface),
        "behaviour": hash_of_facts(one.facts),
        "says": {_pointer(fact.key): fact.value for fact in kept(one.facts)},
    }


def _item(name: str, plain: Mapping[str, Any]) -> ItemFacts:
    kind, _, rest = name.partition(" ")
    if kind not in get_args(ItemKind) or not rest:
        raise LockError(f"it speaks of `{name}`, which is nothing that has a version")
    facts = tuple(Fact(_key(pointer), value) for pointer, value in plain["says"].items())
    if any(fact.key.kind not in KINDS for fact in facts):
        raise LockError("another version of the compiler wrote it")
    found = ItemFacts(Item(kind, rest), plain["version"], facts)  # type: ignore[arg-type]
    if plain["behaviour"] != hash_of_facts(facts):
        raise LockError(f"what it says of {name} was changed by hand")
    return found


def _pointer(key: Key) -> str:
    """Write a key as a JSON pointer (RFC 6901) does."""
    return "/".join(part.replace("~", "~0").replace("/", "~1") for part in (key.kind, *key.names))


def _key(pointer: str) -> Key:
    kind, *names = (part.replace("~1", "/").replace("~0", "~") for part in pointer.split("/"))
    return Key(kind, tuple(names))
