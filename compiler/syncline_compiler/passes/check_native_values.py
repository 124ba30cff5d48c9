"""Check native values: where a system has a closed list of them, no other is compared with, and no other is written.

In: every typed mapping, systems, code tables. Diagnostics: SYN0314, SYN0717.
Invariant (of a mapping without these): every condition over such a field can hold, and every code that is written is one
that the system takes, of records that the mapping takes. What is read through a code table is checked there.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from syncline_compiler.diagnostics.diagnostic import Collector, Secondary
from syncline_compiler.model.document import WrittenProject
from syncline_compiler.model.exclusive import never_holds, never_together
from syncline_compiler.model.resolved import CodeTable
from syncline_compiler.model.typed import (
    Apply,
    Case,
    Constant,
    Expression,
    Field,
    Lookup,
    Pick,
    Put,
    TypedMapping,
    parts_of,
)
from syncline_compiler.model.types import BOOL
from syncline_compiler.source import Span
from syncline_compiler.spelling import did_you_mean
from syncline_runtime.frozen import dataclass
from syncline_runtime.system import NativeField, Resource, System

COMPARED = frozenset({"eq", "ne", "same", "differs", "in"})


@dataclass(frozen=True)
class _Mapping:
    """A mapping, the resource it is of, and what its codes mean."""

    typed: TypedMapping
    resource: Resource
    system: System
    codes: Mapping[str, CodeTable]
    project: WrittenProject
    diagnostics: Collector

    def check(self) -> None:
        """Check conditions and values of all lines."""
        for expression, span in self._read():
            self._check_compared(expression, self.resource, span)
        for line in self.typed.lines:
            for put in line.puts:
                native = self._named(put.native) if isinstance(put, Put) else None
                if native is not None and native.values:
                    for value, table in _written(put.value, self.codes):
                        self._refuse(value, native, self.resource, line.span, table)
                        self._check_reached(value, native, line.span, table)

    def _read(self) -> Iterator[tuple[Expression, Span]]:
        if self.typed.take is not None:
            yield self.typed.take, self.typed.taken or self.typed.span
        yield from ((reject.condition, reject.span) for reject in self.typed.rejects)
        yield from ((line.get, line.span) for line in self.typed.lines if line.get is not None)

    def _check_compared(self, expression: Expression, resource: Resource | None, span: Span) -> None:
        if isinstance(expression, Pick):
            of = self._named(expression.list.name)
            resource = next((one for one in self.system.resources if of is not None and one.name == of.of), None)
        if isinstance(expression, Apply) and expression.function in COMPARED and resource is not None:
            named = [one for one in expression.arguments if isinstance(one, Field)]
            native = next((one for field in named if (one := _native(field, resource)) is not None), None)
            for value in expression.arguments if native is not None else ():
                if native is not None and isinstance(value, Constant) and isinstance(value.value, str):
                    self._refuse(value.value, native, resource, span, None)
        for part in parts_of(expression):
            self._check_compared(part, resource, span)

    def _named(self, name: str) -> NativeField | None:
        return next((field for field in self.resource.fields if field.name == name), None)

    def _check_reached(self, value: str, native: NativeField, span: Span, table: CodeTable | None) -> None:
        """Check that where a field moves by steps, some step leads to the value, or begins with it."""
        steps = [step for step in self.resource.transitions if step.field == native.name]
        if not steps or value not in native.values or any(value in (step.source, step.target) for step in steps):
            return
        described = (
            self.project.systems[self.system.name].key("resources", self.resource.name, "transitions"),
            "the steps",
        )
        said = f"`{table.name}` gives `{value}`, and" if table is not None else f"`{value}` is written, and"
        self.diagnostics.report(
            "SYN0717", span, label=f"{said} no step leads there",
            secondary=[described, *([(table.span, "the table")] if table is not None else [])],
            help=f"steps lead to {', '.join(f'`{one}`' for one in dict.fromkeys(step.target for step in steps))}",
        )  # fmt: skip

    def _refuse(self, value: str, native: NativeField, resource: Resource, span: Span, table: CodeTable | None) -> None:
        if value in native.values:
            return
        place = ("resources", resource.name, "fields", native.name)
        described: Secondary = (self.project.systems[self.system.name].key(*place), "its values are listed here")
        said = f"`{table.name}` gives `{value}`, which" if table is not None else f"`{value}`"
        self.diagnostics.report(
            "SYN0717", span, label=f"{said} is no value of `{self.system.name}.{resource.name}.{native.name}`",
            secondary=[described, *([(table.span, "the table")] if table is not None else [])],
            help=did_you_mean(value, native.values, kind="values"),
        )  # fmt: skip


def check_native_values(
    mappings: Iterable[TypedMapping],
    project: WrittenProject,
    systems: Mapping[str, System],
    codes: Mapping[str, CodeTable],
    diagnostics: Collector,
) -> None:
    """Check every mapping of a resource that has a field with a closed list of values, or a list of such records."""
    for typed in mappings:
        system = systems[typed.system]
        resource = system.resource(typed.resource)
        told = diagnostics.told
        if any(field.values or field.of for field in resource.fields):
            _Mapping(typed, resource, system, codes, project, diagnostics).check()
        if typed.take is not None and diagnostics.told == told and not never_holds(typed.take):
            _check_taken_back(typed, typed.take, diagnostics)


def _check_taken_back(mapping: TypedMapping, take: Expression, diagnostics: Collector) -> None:
    """Check that a record which is written with a fixed value is one that is taken."""
    for line in mapping.lines:
        for put in line.puts if line.direction == "write" else ():
            if isinstance(put, Put) and isinstance(put.value, Constant) and isinstance(put.value.value, str):
                written = Apply("eq", (Field("native", put.native, put.value.type), put.value), BOOL)
                if never_together(take, written):
                    diagnostics.report(
                        "SYN0314", mapping.taken or mapping.span, label="a record that is written from here is not taken",
                        secondary=[(line.span, f'`{put.native}` is "{put.value.value[:60]}" then')],
                        help="take what is written, and write what is taken: values are compared letter by letter",
                    )  # fmt: skip


def _native(field: Field, resource: Resource) -> NativeField | None:
    """Find the field with a closed list that a name stands for; list members are named by their place on the wire."""
    for one in resource.fields:
        if one.values and field.name == (one.at if field.scope == "item" else one.name):
            return one if field.scope in ("native", "item") else None
    return None


def _written(value: Expression, codes: Mapping[str, CodeTable]) -> Iterator[tuple[str, CodeTable | None]]:
    """Give the texts that a value may be, where they are known: constants, and the codes of a table."""
    match value:
        case Constant(value=str() as text):
            yield text, None
        case Lookup(inverse=True) if value.codes in codes:
            table = codes[value.codes]
            wanted = value.argument.type.values or tuple(table.inverse)
            yield from ((table.inverse[meaning], table) for meaning in wanted if meaning in table.inverse)
        case Case():
            for branch in (*(found for _, found in value.branches), *((value.default,) if value.default else ())):
                yield from _written(branch, codes)
