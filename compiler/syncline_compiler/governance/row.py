"""Rows of the spec model: what policy rules are asked of."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property

from syncline_compiler.model.document import WrittenProject
from syncline_compiler.model.resolved import ResolvedProject, ResolvedSync
from syncline_compiler.source import Span
from syncline_runtime.frozen import dataclass

Value = str | int | bool | None


@dataclass(frozen=True)
class Row:
    """One thing of the project: its attributes, the name by which a waiver finds it, and where it stands."""

    address: str
    span: Span
    values: Mapping[str, Value]


@dataclass(frozen=True)
class Governed:
    """The project that rules are asked of: as checked, and as written."""

    project: ResolvedProject
    written: WrittenProject

    @cached_property
    def syncs_of(self) -> Mapping[str, ResolvedSync]:
        """The sync of each object; the first by name where there are several."""
        return {sync.object.name: sync for sync in reversed(sorted(self.project.syncs, key=lambda sync: sync.name))}

    @cached_property
    def used_resources(self) -> frozenset[tuple[str, str]]:
        """System and resource of every member of a sync."""
        return frozenset((member.system, member.resource) for sync in self.project.syncs for member in sync.members)

    @cached_property
    def _imports(self) -> frozenset[tuple[str, str]]:
        return frozenset((one.kind, one.name) for one in self.written.imports)

    def imported(self, kind: str, name: str) -> bool:
        """Whether a spec comes from a pack."""
        return (kind, name) in self._imports
