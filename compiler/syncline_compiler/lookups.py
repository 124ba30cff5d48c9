"""Finds what specs name: objects at a major version, resources of systems, fields.

In: a name and its place. Out: what it is bound to, or None after a report: SYN0201 (object), SYN0202 (resource),
SYN0204 (native field). Invariant: a spec that exists but could not be understood is not reported again where it is
named.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from syncline_compiler.diagnostics.diagnostic import Collector
from syncline_compiler.model.document import WrittenProject
from syncline_compiler.model.resolved import ResolvedObject
from syncline_compiler.source import PROJECT_FILE, Span
from syncline_compiler.spelling import Advice, did_you_mean
from syncline_runtime.system import NativeField, Resource, System


def find_object(
    name: str,
    major: str | None,
    span: Span,
    project: WrittenProject,
    objects: Mapping[str, ResolvedObject],
    diagnostics: Collector,
) -> ResolvedObject | None:
    """Find an object; one at another major version than the one asked for is reported, and found all the same."""
    item = objects.get(name)
    if item is None:
        if not project.is_broken("object", name):
            report_object(name, span, project, objects, diagnostics)
        return None
    present = item.version.partition(".")[0]
    if major and major != present:
        diagnostics.report(
            "SYN0201", span, label=f"`{name}` is at version {item.version}",
            secondary=[(item.span, "declared here")], help=f"write `{name}@{present}` after looking at what changed",
        )  # fmt: skip
    return item


def report_object(
    name: str, span: Span, project: WrittenProject, objects: Iterable[str], diagnostics: Collector
) -> None:
    """Report an object that is neither declared nor imported."""
    remedy = _what_to_do(name, "objects", objects, project)
    diagnostics.report("SYN0201", span, label=f"no object is called `{name}`", help=remedy)


def find_resource(
    reference: str, span: Span, project: WrittenProject, systems: Mapping[str, System], diagnostics: Collector
) -> tuple[System, Resource] | None:
    """Find the resource that ``system.Resource`` names."""
    name, _, wanted = reference.partition(".")
    system = systems.get(name)
    if system is None:
        if not project.is_broken("system", name):
            remedy = _what_to_do(name, "systems", systems, project)
            diagnostics.report("SYN0202", span, label=f"no system is called `{name}`", help=remedy)
        return None
    resource = resource_in(system, wanted, span, diagnostics)
    return (system, resource) if resource is not None else None


def resource_in(system: System, name: str, span: Span, diagnostics: Collector) -> Resource | None:
    """Find a resource of a system."""
    known = {resource.name: resource for resource in system.resources}
    if name not in known:
        remedy = did_you_mean(name, known, kind=f"resources of `{system.name}`")
        diagnostics.report("SYN0202", span, label=f"`{system.name}` has no resource `{name}`", help=remedy)
    return known.get(name)


def native_in(system: str, resource: Resource, name: str, span: Span, diagnostics: Collector) -> NativeField | None:
    """Find a native field of a system's resource."""
    known = {field.name: field for field in resource.fields}
    if name not in known:
        remedy = did_you_mean(name, known, kind=f"fields of `{resource.name}`")
        diagnostics.report("SYN0204", span, label=f"`{system}.{resource.name}` has no field `{name}`", help=remedy)
    return known.get(name)


def _what_to_do(name: str, section: str, known: Iterable[str], project: WrittenProject) -> Advice:
    """Say what to import, where a pack has what is missing, or else what was probably meant."""
    offered = project.importable(section, name)
    if offered is not None:
        return f"import it: add `{offered}` to `imports: {{{section}: […]}}` in {PROJECT_FILE}"
    return did_you_mean(name, known, kind=section)
