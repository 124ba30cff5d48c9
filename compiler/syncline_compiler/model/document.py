"""A YAML document as values with places, and the specs read from documents.

Invariant: every key and value of the document has a span; a place that the document lacks answers with the nearest
one around it, so that a diagnostic always has somewhere to point.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import field, replace
from functools import cached_property
from typing import Any, Generic, TypeVar

from syncline_compiler.model.spec import CodesSpec, ObjectSpec, ProjectSpec, SyncSpec
from syncline_compiler.model.spec_event import EventSpec
from syncline_compiler.model.spec_identity import ModelSpec
from syncline_compiler.model.spec_policy import PolicySpec
from syncline_compiler.model.spec_scenario import ScenarioSpec
from syncline_compiler.model.spec_system import SystemSpec
from syncline_compiler.model.written import Written
from syncline_compiler.source import SourceFile, Span
from syncline_runtime.frozen import dataclass

LIBRARY_PACK = "syncline"
"""The pack that is shipped with the compiler; names without a pack come from it."""
_IMPORTABLE = re.compile(r"[a-z][a-z0-9_]*@[0-9]+")

Place = tuple[str | int, ...]
S = TypeVar("S", bound=Written, covariant=True)


@dataclass(frozen=True)
class Document:
    """One YAML document: its value, and where each part of it stands.

    The span of a one-line text is the text without its quotes: where its length is that of the text, an offset into
    the text is a column.
    """

    source: SourceFile
    value: Any
    keys: Mapping[Place, Span]
    values: Mapping[Place, Span]

    def key(self, *place: str | int) -> Span:
        """Find where the key of a member stands; for a list element or an absent member the nearest place around."""
        while place not in self.keys and place not in self.values:
            place = place[:-1]
        return self.keys.get(place) or self.values[place]

    def renamed(self, names: Mapping[Place, str | None]) -> Document:
        """Give the document with some keys under other names, or without them (None); each keeps its place in the file."""
        return replace(
            self,
            value=_renamed(self.value, (), names),
            keys={_moved(place, names): span for place, span in self.keys.items()},
            values={_moved(place, names): span for place, span in self.values.items()},
        )

    def at(self, *place: str | int) -> Span:
        """Find where a value stands; the nearest place around it if there is none."""
        while place not in self.values:
            place = place[:-1]
        return self.values[place]


def _renamed(value: Any, place: Place, names: Mapping[Place, str | None]) -> Any:
    if isinstance(value, list):
        return [_renamed(item, (*place, index), names) for index, item in enumerate(value)]
    if not isinstance(value, dict):
        return value
    members = ((names.get((*place, key), key), _renamed(item, (*place, key), names)) for key, item in value.items())
    return {key: item for key, item in members if key is not None}


def _moved(place: Place, names: Mapping[Place, str | None]) -> Place:
    return tuple(names.get(place[: index + 1]) or part for index, part in enumerate(place))


@dataclass(frozen=True)
class Declared(Generic[S]):
    """A spec as written, and its document."""

    spec: S
    document: Document

    def key(self, *place: str | int) -> Span:
        """Find where a key stands."""
        return self.document.key(*place)

    def at(self, *place: str | int) -> Span:
        """Find where a value stands."""
        return self.document.at(*place)


@dataclass(frozen=True)
class Pack:
    """A stock of specs to import from. ``files`` holds them by path within the pack: ``objects/account@1.yaml``."""

    name: str
    folder: str
    files: Mapping[str, SourceFile]

    def offers(self, section: str) -> list[str]:
        """Name what can be imported of one kind, ``account@1``; ``section`` is its folder in the pack, ``objects``."""
        return self._offered.get(section, [])

    @cached_property
    def _offered(self) -> Mapping[str, list[str]]:
        offered: dict[str, list[str]] = {}
        for path in self.files:
            folder, _, name = path.removesuffix(".yaml").partition("/")
            if _IMPORTABLE.fullmatch(name):
                offered.setdefault(folder, []).append(name)
        return offered


@dataclass(frozen=True)
class Import:
    """One import: a spec of a pack that belongs to the project since ``syncline.yaml`` names it at ``span``."""

    kind: str
    name: str
    pack: str
    span: Span


@dataclass(frozen=True)
class WrittenProject:
    """All specs of a project by kind and name, and the mappings as text.

    ``broken`` holds, by kind, the names whose specs have diagnostics of their own: uses of them are not reported again.
    """

    project: Declared[ProjectSpec]
    objects: Mapping[str, Declared[ObjectSpec]]
    systems: Mapping[str, Declared[SystemSpec]]
    codes: Mapping[str, Declared[CodesSpec]]
    syncs: Mapping[str, Declared[SyncSpec]]
    events: Mapping[str, Declared[EventSpec]]
    policies: Mapping[str, Declared[PolicySpec]]
    scenarios: Mapping[str, Declared[ScenarioSpec]]
    mappings: tuple[SourceFile, ...]
    broken: Mapping[str, frozenset[str]] = field(default_factory=dict)
    packs: Mapping[str, Pack] = field(default_factory=dict)
    imports: tuple[Import, ...] = ()
    models: Mapping[str, Declared[ModelSpec]] = field(default_factory=dict)

    def is_broken(self, kind: str, name: str) -> bool:
        """Whether a spec of that name exists but could not be understood."""
        return name in self.broken.get(kind, frozenset())

    def importable(self, section: str, name: str) -> str | None:
        """Give what to import for a name that the project lacks, ``account@1``, if a pack has it; the newest."""
        for pack, stock in sorted(self.packs.items()):
            majors = [int(one.partition("@")[2]) for one in stock.offers(section) if one.partition("@")[0] == name]
            if majors:
                return f"{'' if pack == LIBRARY_PACK else f'{pack}/'}{name}@{max(majors)}"
        return None
