"""One object made of an imported one and what a project adds to it.

In: two objects as written. Out: one, every part of which knows the file and place where it stands.
Diagnostics: SYN0215 (something that the imported object has already). Invariant: nothing of the imported object is
changed or lost, so that what others built on it still holds.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from syncline_compiler.diagnostics.diagnostic import Collector
from syncline_compiler.model.document import Declared, Document, Place
from syncline_compiler.model.spec import ObjectSpec
from syncline_compiler.source import Span

ADDED = ("fields", "parts", "derived", "invariants")


def extend(base: Declared[ObjectSpec], own: Declared[ObjectSpec], diagnostics: Collector) -> Declared[ObjectSpec]:
    """Add the project's fields, parts, derived fields, invariants and identity rules to an imported object."""
    _report_clashes(base, own, diagnostics)
    spec = own.spec.model_copy(
        update={
            **{section: _added(getattr(base.spec, section), getattr(own.spec, section)) for section in ADDED},
            "identity": [*base.spec.identity, *own.spec.identity],
            "label": own.spec.label or base.spec.label,
            "steward": own.spec.steward or base.spec.steward,
        }
    )
    first = len(base.spec.identity)
    document = Document(
        source=own.document.source,
        value=own.document.value,
        keys=_merged(base.document.keys, own.document.keys, first),
        values=_merged(base.document.values, own.document.values, first),
    )
    return Declared(spec, document)


def _added(base: Mapping[str, Any], own: Mapping[str, Any]) -> dict[str, Any]:
    """Put what is added behind what the imported object has, which stays as it is."""
    return {**base, **{name: member for name, member in own.items() if name not in base}}


def _report_clashes(base: Declared[ObjectSpec], own: Declared[ObjectSpec], diagnostics: Collector) -> None:
    taken = {name: section for section in ADDED for name in getattr(base.spec, section) if section != "invariants"}
    for section in ADDED:
        known = {name: "invariants" for name in base.spec.invariants} if section == "invariants" else taken
        for name in getattr(own.spec, section):
            if name in known:
                diagnostics.report(
                    "SYN0215", own.key(section, name), label=f"`{own.spec.extends}` has `{name}` already",
                    secondary=[(base.key(known[name], name), "declared here")],
                    help="give yours another name; what is imported stays as it is",
                )  # fmt: skip


def _merged(base: Mapping[Place, Span], own: Mapping[Place, Span], rules: int) -> dict[Place, Span]:
    """Give the places of both; where both have one, the imported member stands at its own, all else at the project's.

    The project's identity rules come after the imported ones, ``rules`` in number.
    """
    merged = dict(base)
    for place, span in own.items():
        if place[:1] == ("identity",) and len(place) > 1 and isinstance(place[1], int):
            merged["identity", place[1] + rules, *place[2:]] = span
        elif len(place) < 2 or place not in base:
            merged[place] = span
    return merged
