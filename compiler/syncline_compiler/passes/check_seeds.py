"""Check seeds: what a stand-in holds at its start are records that the system could show.

In: systems, as written and resolved. Diagnostics: SYN0204 (a member that is no field's), SYN0218 (a value that its field cannot
hold), SYN0222 (a record without what is required). Invariant: what `syncline sandbox` shows of its
seeds is read without exceptions.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal, InvalidOperation
from typing import Any

from syncline_compiler.checking.values import native_misfit, report_missing
from syncline_compiler.diagnostics.diagnostic import Collector
from syncline_compiler.model.document import Declared, Place, WrittenProject
from syncline_compiler.model.spec_system import SystemSpec
from syncline_compiler.spelling import did_you_mean
from syncline_runtime.frozen import dataclass
from syncline_runtime.system import NativeField, Resource, System

_Path = tuple[str, ...]


def check_seeds(project: WrittenProject, systems: Mapping[str, System], diagnostics: Collector) -> None:
    """Report what no stand-in should begin with."""
    for name, declared in sorted(project.systems.items()):
        if name not in systems:
            continue
        resources = {resource.name: resource for resource in systems[name].resources}
        for resource, rows in declared.spec.sandbox.items():
            if resource in resources:  # else it is reported
                seeds = _Seeds(declared, resources[resource], diagnostics)
                for number, row in enumerate(rows):
                    seeds.check(row, ("sandbox", resource, number))


@dataclass(frozen=True)
class _Seeds:
    """The seeds of a resource at their check."""

    declared: Declared[SystemSpec]
    resource: Resource
    diagnostics: Collector

    def check(self, row: Mapping[str, Any], place: Place) -> None:
        """Check one record in wire form."""
        fields = [tuple(at.split(".")) for one in self.resource.fields for at in (one.at, one.write_at) if at]
        unknown = list(_unknown(row, (), fields))
        for path in unknown:
            known = sorted({one[len(path) - 1] for one in fields if one[: len(path) - 1] == path[:-1]})
            label = f"`{self.declared.spec.system}.{self.resource.name}` has no field `{'.'.join(path)}`"
            remedy = did_you_mean(path[-1], known, kind=f"fields of `{self.resource.name}`")
            self.diagnostics.report("SYN0204", self.declared.key(*place, *path), label=label, help=remedy)
        values = {one.name: _value_at(row, one.at.split(".")) for one in self.resource.fields}
        if not unknown:  # else what is missing may be what is misspelt
            report_missing(self.resource, values, self.declared.at(*place), self.diagnostics)
        for field in self.resource.fields:
            problem = self._misfit(values[field.name], field)
            if problem is not None:
                self.diagnostics.report("SYN0218", self.declared.at(*place, *field.at.split(".")), label=problem)

    def _misfit(self, value: Any, field: NativeField) -> str | None:
        """Say why a wire value is none of a field; numbers may be texts, and files write them in ways of their own."""
        if isinstance(value, (dict, list, bool)) or value in (None, ""):
            return None
        if field.values or field.type == "text":
            return native_misfit(str(value), field)
        if field.type in ("int", "decimal") and self.resource.files is None:
            try:
                Decimal(str(value))
            except InvalidOperation:
                return "a number is expected"
        return None


def _unknown(value: Any, path: _Path, fields: list[_Path]) -> Iterator[_Path]:
    """Give the places of members at and below which no field stands."""
    if any(path[: len(one)] == one for one in fields):
        return
    if not any(one[: len(path)] == path for one in fields):
        yield path
    elif isinstance(value, dict):
        for name, item in value.items():
            yield from _unknown(item, (*path, str(name)), fields)


def _value_at(value: Any, path: Sequence[str]) -> Any:
    for step in path:
        if isinstance(value, dict):
            value = value.get(step)
        elif isinstance(value, list) and step.isdecimal():
            value = value[int(step)] if int(step) < len(value) else None
        else:
            return None
    return value
