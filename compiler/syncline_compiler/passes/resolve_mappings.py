"""Resolve mappings: the header of each ``.map`` file bound to a resource and an object.

In: mappings as written. Out: ``BoundMapping`` values. Diagnostics: SYN0010, SYN0201, SYN0202.
Invariant: between one resource and one object there is one mapping, whatever the order of the files.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from syncline_compiler.diagnostics.diagnostic import Collector
from syncline_compiler.lookups import find_object, find_resource
from syncline_compiler.model import syntax
from syncline_compiler.model.document import WrittenProject
from syncline_compiler.model.resolved import ResolvedObject
from syncline_compiler.source import Span
from syncline_runtime.system import System


@dataclass(frozen=True)
class BoundMapping:
    """A mapping as written, and what its header names."""

    written: syntax.Mapping
    system: System
    resource: str
    object: ResolvedObject

    @property
    def key(self) -> tuple[str, str, str]:
        """System, resource and object."""
        return (self.system.name, self.resource, self.object.name)


def resolve_mappings(
    mappings: Iterable[syntax.Mapping],
    project: WrittenProject,
    systems: Mapping[str, System],
    objects: Mapping[str, ResolvedObject],
    diagnostics: Collector,
) -> Iterator[BoundMapping]:
    """Bind every header; a mapping whose names are unknown, or a second one for the same two, is left out."""
    first: dict[tuple[str, str, str], Span] = {}
    for mapping in mappings:
        bound = _bind(mapping, project, systems, objects, diagnostics)
        if bound is None:
            continue
        span = mapping.header.resource.span
        if first.setdefault(bound.key, span) is span:
            yield bound
            continue
        diagnostics.report(
            "SYN0010", span, label=f"there is a mapping between `{mapping.header.resource.text}` and "
            f"`{bound.object.name}` already", secondary=[(first[bound.key], "first mapped here")],
            help="keep one of the two",
        )  # fmt: skip


def _bind(
    mapping: syntax.Mapping,
    project: WrittenProject,
    systems: Mapping[str, System],
    objects: Mapping[str, ResolvedObject],
    diagnostics: Collector,
) -> BoundMapping | None:
    header = mapping.header
    item = find_object(header.object.text, header.version, header.object.span, project, objects, diagnostics)
    found = find_resource(header.resource.text, header.resource.span, project, systems, diagnostics)
    if item is None or found is None:
        return None
    system, resource = found
    return BoundMapping(mapping, system, resource.name, item)
