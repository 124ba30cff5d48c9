"""What can be compared where a side has mistakes: what is written there and not understood is no change, since the mistake is told.

In: the facts of one side, the other side. Out: the facts of the one, without what only a mistake keeps from being facts of the other.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from syncline_compiler.changes.fact import Facts, ItemFacts, Key
from syncline_compiler.changes.renaming import OF_MEMBERS
from syncline_compiler.model.document import WrittenProject
from syncline_compiler.pipeline import Compilation


def understood(facts: Facts, other: Compilation | None, known: Facts) -> Facts:
    """Leave out what the other side has written and no fact of; ``known`` are its facts."""
    # every project says something of itself: a side of which nothing is known cannot be read, and does not lack it
    facts = Facts.of(one for one in facts.items.values() if one.item.kind != "project" or one.item in known.items)
    if other is None or other.written is None or not other.diagnostics.errors:
        return facts
    kept = (
        _of_known_members(one, known.items.get(one.item), other.written)
        for one in facts.items.values()
        if one.item in known.items or not _is_written(one, other.written)
    )
    return Facts.of(kept)


def _is_written(one: ItemFacts, written: WrittenProject) -> bool:
    if one.item.kind == "mapping":
        return one.span is not None and one.span.path in {source.path for source in written.mappings}
    specs: Mapping[str, Mapping[str, object]] = {
        "object": written.objects, "system": written.systems, "codes": written.codes, "sync": written.syncs,
        "event": written.events, "policy": written.policies, "environment": written.project.spec.environments,
    }  # fmt: skip
    return one.item.name in specs[one.item.kind]


def _of_known_members(one: ItemFacts, known: ItemFacts | None, written: WrittenProject) -> ItemFacts:
    sync = written.syncs.get(one.item.name) if one.item.kind == "sync" else None
    if sync is None or known is None:
        return one
    lost = {name for name in sync.spec.members if Key("member", (name,)) not in known.by_key}
    facts = (fact for fact in one.facts if fact.key.kind not in OF_MEMBERS or not lost.intersection(fact.key.names))
    return replace(one, facts=tuple(facts)) if lost else one
