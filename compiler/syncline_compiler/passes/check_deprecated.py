"""Check deprecated fields: who still uses them, and whether their day has passed.

In: the project, checked, and today's date. Diagnostics: SYN0930, SYN0931.
Invariant: the date decides what is reported and nothing of what is compiled.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

from syncline_compiler.diagnostics.diagnostic import Collector
from syncline_compiler.model.document import WrittenProject
from syncline_compiler.model.members import native_read, native_written
from syncline_compiler.model.resolved import ResolvedObject, ResolvedProject
from syncline_compiler.model.typed import Expression, TypedMapping, fields_in
from syncline_compiler.quantities import day
from syncline_compiler.source import Span
from syncline_runtime.frozen import dataclass


@dataclass(frozen=True)
class _Deprecated:
    """A field on its way out: what it is called, where that is said, when it goes and what to use."""

    name: str
    span: Span
    sunset: date
    use: str | None


def check_deprecated(project: ResolvedProject, written: WrittenProject, today: date, diagnostics: Collector) -> None:
    """Report every use of a deprecated field, once for a line."""
    objects = {name: dict(_of_object(name, written)) for name in project.objects}
    for mapping in project.mappings:
        natives = dict(_of_resource(mapping, written))
        for used, span in _used_in(mapping) if objects[mapping.object] or natives else ():
            deprecated = objects[mapping.object].get(used[1]) if used[0] else natives.get(used[1])
            if deprecated is not None:
                _report(deprecated, span, today, diagnostics)
    for name, item in project.objects.items():
        for field, span in _used_by(item) if objects[name] else ():
            if field in objects[name]:
                _report(objects[name][field], span, today, diagnostics)
    for sync in project.syncs:
        for field in written.syncs[sync.name].spec.owners if objects[sync.object.name] else ():
            if field in objects[sync.object.name]:
                span = written.syncs[sync.name].key("owners", field)
                _report(objects[sync.object.name][field], span, today, diagnostics)


def _of_object(name: str, written: WrittenProject) -> Iterator[tuple[str, _Deprecated]]:
    declared = written.objects[name]
    for field, spec in declared.spec.fields.items():
        if spec.deprecated is not None:
            span = declared.key("fields", field, "deprecated")
            yield field, _Deprecated(field, span, day(spec.deprecated.sunset), spec.deprecated.use)


def _of_resource(mapping: TypedMapping, written: WrittenProject) -> Iterator[tuple[str, _Deprecated]]:
    declared = written.systems[mapping.system]
    for field, spec in declared.spec.resources[mapping.resource].fields.items():
        if spec.deprecated is not None:
            span = declared.key("resources", mapping.resource, "fields", field, "deprecated")
            yield field, _Deprecated(field, span, day(spec.deprecated.sunset), spec.deprecated.use)


def _used_in(mapping: TypedMapping) -> Iterator[tuple[tuple[bool, str], Span]]:
    """Name what the lines use, canonical (True) and native (False) fields."""
    for line in mapping.lines:
        if line.field is not None:
            yield (True, line.field), line.span
        for put in line.puts:
            yield from (((True, one.name), line.span) for one in fields_in(put.value) if one.scope == "canonical")
    for names in (native_read(mapping), native_written(mapping)):
        yield from (((False, name), span) for name, span in names.items())


def _used_by(item: ResolvedObject) -> Iterator[tuple[str, Span]]:
    """Name the fields that an object's own rules use."""
    expressions: list[tuple[Expression, Span]] = [(one.value, one.span) for one in item.derived]
    expressions += [(one.condition, one.span) for one in item.invariants]
    for expression, span in expressions:
        yield from ((one.name, span) for one in fields_in(expression) if one.scope == "canonical")
    for rule in item.identity:
        yield from ((name, rule.span) for name in rule.fields)


def _report(deprecated: _Deprecated, span: Span, today: date, diagnostics: Collector) -> None:
    past = deprecated.sunset <= today
    when = "was to be gone" if past else "goes"
    instead = f"use `{deprecated.use}`" if deprecated.use is not None else "do without it"
    late = ", or set a later `sunset` if it is still there" if past else ""
    diagnostics.report(
        "SYN0931" if past else "SYN0930", span, label=f"`{deprecated.name}` {when} on {deprecated.sunset}",
        secondary=[(deprecated.span, "said here")], help=f"{instead}{late}",
    )  # fmt: skip
