"""Check units: a number that passes from one field to another unreckoned is counted in one unit on both sides.

In: every typed mapping, specs as written. Diagnostics: SYN0316. Invariant (of a mapping without it): where both fields say their
unit, and the value only changes its form, the units are the same. What is multiplied or divided is taken for converted.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from syncline_compiler.diagnostics.diagnostic import Collector
from syncline_compiler.model.document import Declared, WrittenProject
from syncline_compiler.model.spec import ObjectSpec
from syncline_compiler.model.spec_system import SystemSpec
from syncline_compiler.model.typed import Apply, Constant, Expression, Field, Line, OrElse, Put, TypedMapping
from syncline_compiler.source import Span
from syncline_runtime.frozen import dataclass


@dataclass(frozen=True)
class _Unit:
    """What a field counts in, and where it says so."""

    name: str
    span: Span


Units = Mapping[str, _Unit]


def check_units(mappings: Iterable[TypedMapping], project: WrittenProject, diagnostics: Collector) -> None:
    """Report lines that give a number from a field with one unit to a field with another."""
    canonical = {name: dict(_of_object(declared)) for name, declared in project.objects.items()}
    native = {
        (name, resource): dict(_of_resource(declared, resource))
        for name, declared in project.systems.items()
        for resource in declared.spec.resources
    }
    for mapping in mappings:
        ours, theirs = canonical[mapping.object], native[mapping.system, mapping.resource]
        for line in mapping.lines if ours and theirs else ():
            _check(line, ours, theirs, diagnostics)


def _of_object(declared: Declared[ObjectSpec]) -> Iterator[tuple[str, _Unit]]:
    for section, fields in (("fields", declared.spec.fields), ("derived", declared.spec.derived)):
        for name, field in fields.items():
            if field.unit is not None:
                yield name, _Unit(field.unit, declared.at(section, name, "unit"))


def _of_resource(declared: Declared[SystemSpec], resource: str) -> Iterator[tuple[str, _Unit]]:
    for name, field in declared.spec.resources[resource].fields.items():
        if field.unit is not None:
            yield name, _Unit(field.unit, declared.at("resources", resource, "fields", name, "unit"))


def _check(line: Line, ours: Units, theirs: Units, diagnostics: Collector) -> None:
    """Look at one line, once: a two-way line that goes wrong in goes wrong out too."""
    pairs = [(line.field, _carried(line.get))] if line.get is not None else [
        (_carried(put.value), put.native) for put in line.puts if isinstance(put, Put)
    ]  # fmt: skip
    for field, native in pairs:
        if field is None or native is None or field not in ours or native not in theirs:
            continue
        here, there = ours[field], theirs[native]
        if here.name != there.name:
            diagnostics.report(
                "SYN0316", line.span, label=f"`{native}` counts in {there.name}, `{field}` in {here.name}",
                secondary=[(there.span, f"`{native}`"), (here.span, f"`{field}`")],
                help=f"convert it, each way on a line of its own: `{field} <- {native} * …` and `{field} / … -> {native}`",
            )  # fmt: skip


def _carried(value: Expression | None) -> str | None:
    """Name the field whose number comes through unreckoned: read, rounded, or with another value for null."""
    match value:
        case Field(scope="native" | "canonical"):
            return value.name
        case Apply(arguments=(first, *others)) if all(isinstance(one, Constant) for one in others):
            return _carried(first) if not others or value.function == "coalesce" else None
        case OrElse():
            return _carried(value.value)
    return None
