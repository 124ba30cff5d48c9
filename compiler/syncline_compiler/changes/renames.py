"""Renames that nobody declared: a field that is gone beside one that came, of the same type and fed by the same native fields."""

from __future__ import annotations

from syncline_compiler.changes.change import Change
from syncline_compiler.changes.classify import Classified
from syncline_compiler.changes.fact import Facts


def renamed_to(gone: Change, classified: Classified) -> str | None:
    """Name the field that seems to be the one that is gone; None where there is none, or there are several."""
    item, name = gone.item, gone.key.names[0]
    came = [
        change.key.names[0]
        for change in classified.of(item)
        if change.key.kind == "field" and change.direction.startswith("added")
    ]
    was = classified.before.value(item, "field.type", name)
    fed = _sources(classified.before, item.name, name)
    alike = [
        one
        for one in came
        if classified.after.value(item, "field.type", one) == was and _sources(classified.after, item.name, one) == fed
    ]
    return alike[0] if len(alike) == 1 else None


def _sources(facts: Facts, object_: str, field: str) -> frozenset[tuple[str, str]]:
    """Give the mappings that read a field, each with how."""
    return frozenset(
        (item.name, fact.value)
        for item, one in facts.items.items()
        if item.kind == "mapping" and item.name.endswith(f"/{object_}")
        for fact in one.facts
        if fact.key.kind == "read" and fact.key.names == (field,)
    )
