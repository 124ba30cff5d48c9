"""Guess renames: a field that is gone beside one that came, with a name like it and of a type that fits.

In: a resource and what was told of it. Out: ``Guess`` values with their evidence. Invariant: a guess is told as one; where two fields are
equally likely, there is none.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from difflib import SequenceMatcher

from syncline_compiler.drift.remote import RemoteField, RemoteObject
from syncline_runtime.frozen import dataclass
from syncline_runtime.system import NativeField, Resource

LIKENESS = 0.6
MOST_COMPARED = 1_000
"""New fields that are looked at: each is held against each that is gone."""


@dataclass(frozen=True)
class Guess:
    """That a field of a resource goes by another name there, and why that seems so."""

    resource: str
    field: str
    path: str
    evidence: str


def guessed(resource: Resource, remote: RemoteObject) -> Iterator[Guess]:
    """Pair fields that are gone with fields that came; samples prove nothing gone."""
    if remote.records is not None:
        return
    ours = {path for native in resource.fields for path in (native.at, native.write_at or native.at)}
    gone = [one for one in resource.fields if one.at not in remote.fields and not remote.silent_about(one.at)
            and (one.write_at or one.at) not in remote.fields]  # fmt: skip
    came = [told for path, told in remote.fields.items() if path not in ours][:MOST_COMPARED]
    pairs = [(likeness, one, told) for one in gone for told in came if (likeness := _likeness(one, told)) >= LIKENESS]
    for likeness, one, told in pairs:
        rivals = [other for other in pairs if (other[1] is one) != (other[2] is told) and other[0] >= likeness]
        if not rivals:
            yield Guess(resource.name, one.name, told.path, _evidence(one, told, likeness))


def _likeness(native: NativeField, told: RemoteField) -> float:
    """Give how alike names are, from 0 to 1; a shared list of values counts as much as a name."""
    if told.type is not None and told.type != native.type and not (native.type == "decimal" and told.type == "text"):
        return 0.0
    if native.values and told.values:
        shared = len({*native.values} & {*told.values}) / max(len(native.values), len(told.values))
        if shared >= LIKENESS:
            return shared
    full = _alike(_bare(native.at), _bare(told.path))
    last = _alike(_bare(native.at.rpartition(".")[2]), _bare(told.path.rpartition(".")[2]))
    return max(full, last * 0.95)


def _alike(one: str, other: str) -> float:
    matcher = SequenceMatcher(None, one, other, autojunk=False)
    return matcher.ratio() if matcher.real_quick_ratio() >= LIKENESS else 0.0


def _bare(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.casefold())[:60]


def _evidence(native: NativeField, told: RemoteField, likeness: float) -> str:
    values = {*native.values} & {*(told.values or ())}
    why = f"{len(values)} of its values are the same" if values else f"the names are {likeness:.0%} alike"
    kind = f", both hold {native.type}" if told.type is not None else ""
    return f"a guess: {native.at} is gone and {told.path} came; {why}{kind}"
