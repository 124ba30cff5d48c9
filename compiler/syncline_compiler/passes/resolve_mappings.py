"""Resolve mappings: the header of each ``.map`` file bound to a resource and an object.

In: mappings as written. Out: ``BoundMapping`` values. Diagnostics: SYN0010, SYN0201, SYN0202, SYN0203,
SYN0204 (a header above the lines of another mapping).
Invariant: between one resource and one object there is one mapping, whatever the order of the files.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Protocol

from syncline_compiler.diagnostics.diagnostic import Collector
from syncline_compiler.lookups import find_object, find_resource
from syncline_compiler.model import syntax
from syncline_compiler.model.document import WrittenProject
from syncline_compiler.model.resolved import ResolvedObject
from syncline_compiler.source import Span
from syncline_runtime.frozen import dataclass
from syncline_runtime.system import System


class _Named(Protocol):
    @property
    def name(self) -> str: ...


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
        if _is_for_another(bound, objects, diagnostics):
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


def _is_for_another(bound: BoundMapping, objects: Mapping[str, ResolvedObject], diagnostics: Collector) -> bool:
    """Report a header that was left standing when a mapping was copied: its lines name what another one has."""
    header, lines = bound.written.header, bound.written.lines
    natives, canonical = _named(line.right for line in lines), _named(line.left for line in lines)
    unknown = _mostly_unknown(natives, _names(bound.system.resource(bound.resource).fields))
    others = {one.name: _names(one.fields) for one in bound.system.resources} if unknown else {}
    meant = _other(bound.resource, natives, others)
    if meant is not None:
        remedy = f"did you mean `mapping {bound.system.name}.{meant}`? It has all that is named here"
        _report_header("SYN0204", header.resource.span, header.resource.text, unknown, remedy, diagnostics)
        return True
    unknown = _mostly_unknown(canonical, _names(bound.object.fields) | _names(bound.object.derived))
    known = {name: _names(one.fields) | _names(one.derived) for name, one in objects.items()} if unknown else {}
    meant = _other(bound.object.name, canonical, known)
    if meant is not None:
        remedy = f"did you mean `{meant}`? It has all that is named here"
        _report_header("SYN0203", header.object.span, bound.object.name, unknown, remedy, diagnostics)
    return meant is not None


def _named(sides: Iterable[syntax.Expression]) -> set[str]:
    """Give the plain names with which sides of lines begin."""
    begins = (side.value if isinstance(side, syntax.Pipeline) else side for side in sides)
    return {side.text for side in begins if isinstance(side, syntax.Name)}


def _names(fields: Iterable[_Named]) -> set[str]:
    return {field.name for field in fields}


def _mostly_unknown(names: set[str], own: set[str]) -> list[str]:
    """Give the names that its own does not have; none if it has more than half of them."""
    unknown = sorted(names - own)
    return unknown if len(unknown) >= 2 and 2 * len(unknown) >= len(names) else []


def _other(own: str, names: set[str], known: Mapping[str, set[str]]) -> str | None:
    """Give the one other that has all of the names."""
    others = [name for name, fields in known.items() if name != own and names <= fields]
    return others[0] if len(others) == 1 else None


def _report_header(code: str, span: Span, of: str, unknown: list[str], remedy: str, diagnostics: Collector) -> None:
    listed = ", ".join(f"`{name}`" for name in unknown[:3]) + (f" and {len(unknown) - 3} more" if unknown[3:] else "")
    diagnostics.report(code, span, label=f"`{of}` has no fields {listed}", help=remedy)
