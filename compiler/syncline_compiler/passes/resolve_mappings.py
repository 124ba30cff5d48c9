"""Resolve mappings: the header of each ``.map`` file bound to a resource and an object.

In: mappings as written. Out: ``BoundMapping`` values. Diagnostics: SYN0010, SYN0201, SYN0202.
Invariant: between one resource and one object there is one mapping, whatever the order of the files.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from syncline_compiler.diagnostics.diagnostic import Collector
from syncline_compiler.model import syntax
from syncline_compiler.model.document import WrittenProject
from syncline_compiler.model.resolved import ResolvedObject
from syncline_compiler.source import Span
from syncline_compiler.spelling import did_you_mean
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
    system_name, _, resource = mapping.header.resource.text.partition(".")
    item = _object(mapping.header, project, objects, diagnostics)
    system = systems.get(system_name)
    span = mapping.header.resource.span
    if system is None:
        if not project.is_broken("system", system_name):
            remedy = did_you_mean(system_name, systems, kind="systems")
            diagnostics.report("SYN0202", span, label=f"no system is called `{system_name}`", help=remedy)
        return None
    known = [candidate.name for candidate in system.resources]
    if resource not in known:
        remedy = did_you_mean(resource, known, kind=f"resources of `{system_name}`")
        diagnostics.report("SYN0202", span, label=f"`{system_name}` has no resource `{resource}`", help=remedy)
        return None
    return BoundMapping(mapping, system, resource, item) if item is not None else None


def _object(
    header: syntax.Header, project: WrittenProject, objects: Mapping[str, ResolvedObject], diagnostics: Collector
) -> ResolvedObject | None:
    name = header.object.text
    item = objects.get(name)
    if item is None:
        if not project.is_broken("object", name):
            remedy = did_you_mean(name, objects, kind="objects")
            diagnostics.report("SYN0201", header.object.span, label=f"no object is called `{name}`", help=remedy)
        return None
    major = item.version.partition(".")[0]
    if header.version is not None and header.version != major:
        diagnostics.report(
            "SYN0201", header.object.span, label=f"`{name}` is at version {item.version}",
            secondary=[(item.span, "declared here")], help=f"write `{name}@{major}` after looking at what changed",
        )  # fmt: skip
    return item
