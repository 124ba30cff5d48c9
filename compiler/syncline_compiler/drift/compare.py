"""Compare: a system as it is described, as the same system seen through what was told of it.

In: a ``System`` and a ``RemoteShape``. Out: ``Overlay``: the system as it seems to be, and why. Invariant: what nothing tells stays
as it is described, so that two systems differ only where something was told.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import field, replace
from typing import Any

from syncline_compiler.changes.change import Change
from syncline_compiler.changes.classify import classify
from syncline_compiler.changes.fact import Facts, Item
from syncline_compiler.changes.system_facts import system_facts
from syncline_compiler.drift.guess import Guess, guessed
from syncline_compiler.drift.remote import RemoteField, RemoteObject, RemoteShape
from syncline_compiler.model.document import Declared
from syncline_compiler.model.spec_system import SystemSpec
from syncline_runtime.frozen import dataclass
from syncline_runtime.request import Template
from syncline_runtime.system import ListRead, NativeField, NativeTypeName, Resource, System, Write

FITS: Mapping[NativeTypeName, frozenset[NativeTypeName]] = {
    "text": frozenset({"text", "date", "instant"}),
    "int": frozenset({"int"}),
    "decimal": frozenset({"decimal", "int", "text"}),
    "bool": frozenset({"bool"}),
    "date": frozenset({"date", "text"}),
    "instant": frozenset({"instant", "text"}),
    "local_datetime": frozenset({"local_datetime", "instant", "text"}),
    "json": frozenset({"json", "list", "text", "int", "decimal", "bool", "date", "instant"}),
    "list": frozenset({"list"}),
}
"""What stands on the wire for a native type: there are more native types than kinds of JSON."""
DIGITS = (18, 6)
"""Of a decimal of which nothing tells how many it has."""


@dataclass(frozen=True)
class Overlay:
    """A system as it seems to be; ``evidence`` by resource and field, where it is no document's plain word."""

    system: System
    guesses: tuple[Guess, ...] = ()
    evidence: Mapping[tuple[str, str], str] = field(default_factory=dict)
    undescribed: Mapping[str, int] = field(default_factory=dict)  # fields by resource that the description does without
    deprecated: tuple[str, ...] = ()  # described fields that are to go there
    strange: tuple[str, ...] = ()  # resources of which no field was told: it seems to be something else

    def why(self, change: Change) -> str:
        """Say how a change is known, where no document plainly says it."""
        kind, names = change.key
        if kind != "reads" and len(names) < 2:
            return ""
        return self.evidence.get((names[0], "" if kind == "reads" else names[1]), "")

    def without(self, names: Iterable[str]) -> Overlay:
        """Give the same without resources that went."""
        gone = frozenset(names)
        kept = tuple(resource for resource in self.system.resources if resource.name not in gone)
        return replace(self, system=replace(self.system, resources=kept))


def seen_through(system: System, shape: RemoteShape, *, everything: bool = False) -> Overlay:
    """Lay what was told over a system; ``everything``: fields that the description does without are told, too."""
    guesses: list[Guess] = []
    evidence: dict[tuple[str, str], str] = {}
    undescribed: dict[str, int] = {}
    resources, strange, deprecated = [], [], []
    for resource in system.resources:
        remote = shape.objects.get(resource.name)
        if remote is None:
            resources.append(resource)
            continue
        if remote.records is None and not any(native.at in remote.fields for native in resource.fields):
            strange.append(resource.name)
            resources.append(resource)
            continue
        looked = _Looked(system, resource, remote, {one.field: one for one in guessed(resource, remote)})
        paged = _paged(resource.list, remote.page)
        fields = [*looked.described(), *looked.new(everything=everything)]
        guesses += looked.renamed.values()
        evidence |= {(resource.name, name): text for name, text in looked.evidence(fields)}
        if paged is not resource.list:
            evidence[resource.name, ""] = f"it lists no more than {remote.page:,} at once"
        undescribed[resource.name] = len({told.path.partition(".")[0] for told in looked.undescribed})
        deprecated += [f"{resource.name}.{name}" for name in looked.deprecated()]
        writes: dict[str, Any] = {}
        for verb, most in remote.batches.items():
            writes[verb] = _batched(getattr(resource, verb), most)
            evidence[resource.name, verb] = f"it takes no more than {most:,} at once"
        writes |= dict.fromkeys(remote.lacks)
        resources.append(replace(resource, fields=tuple(fields), list=paged, **writes))
    return Overlay(
        replace(system, resources=tuple(resources)),
        tuple(guesses),
        evidence,
        undescribed,
        tuple(deprecated),
        tuple(strange),
    )


def _paged(listed: ListRead | None, most: int | None) -> ListRead | None:
    """Ask for no more records at once than it lists."""
    if listed is None or most is None or listed.paging.kind == "none" or listed.paging.size <= most:
        return listed
    return replace(listed, paging=replace(listed.paging, size=most))


def _batched(write: Write | None, most: int) -> Write | None:
    """Send no more records together than it takes."""
    if write is None or write.batch is None or write.batch.rows <= most:
        return write
    return replace(write, batch=replace(write.batch, rows=most))


def changes_between(said: Facts, before: System, after: System, declared: Declared[SystemSpec]) -> tuple[Change, ...]:
    """Give what is otherwise between two readings of one system; ``said``: by what a project says, it matters to whom."""

    def with_(system: System) -> Facts:
        item = Item("system", system.name)
        return Facts({**said.items, item: replace(said[item], facts=tuple(system_facts(system, declared)))})

    return classify(with_(before), with_(after)).changes


@dataclass(frozen=True)
class _Looked:
    """One resource, and what was told of it."""

    system: System
    resource: Resource
    remote: RemoteObject
    renamed: Mapping[str, Guess]

    def described(self) -> Iterator[NativeField]:
        """Give the fields of the description as they seem to be; without those that are gone."""
        for native in self.resource.fields:
            told = self._told(native)
            if told is not None:
                yield self._as_told(native, told)
            elif native.name in self.renamed:
                guess = self.renamed[native.name]
                yield self._as_told(replace(native, at=guess.path), self.remote.fields[guess.path])
            elif self.remote.silent_about(native.at):
                yield native

    def _told(self, native: NativeField) -> RemoteField | None:
        """Give what is told of a field: of the place where it is read, and of the one where it is written."""
        told = self.remote.fields.get(native.at)
        if native.of is not None and told is not None:
            return replace(told, required=None, writable=None)  # its records are written one by one, elsewhere
        if native.write_at in (None, native.at):
            return told
        written = self.remote.fields.get(native.write_at or native.at)
        if written is None or told is None:
            return told or written
        return replace(told, required=written.required, writable=written.writable, length=written.length or told.length)

    def _as_told(self, native: NativeField, told: RemoteField) -> NativeField:
        typed = self._typed(native, told)
        return replace(
            typed,
            required=self._required(native, told),
            values=self._values(native, told),
            readable=native.readable and told.readable is not False,
            writable=native.writable and told.writable is not False,
        )

    def _typed(self, native: NativeField, told: RemoteField) -> NativeField:
        if told.type is None:
            return native
        if not self._fits(native, told.type):
            return _of_type(native, told)
        if native.type == "text":
            return replace(native, length=self._length(native, told))
        if native.type == "decimal" and told.type == "decimal" and told.scale is not None:
            return self._measured(native, told)
        return native

    def _fits(self, native: NativeField, type_: NativeTypeName) -> bool:
        """Whether values of that type are read, and written, as the description has it; what is only read comes as text, too."""
        if self._is_sampled and type_ == "text" and native.type not in ("text", "json"):
            return False  # its values were looked at, and some are none of that type
        tagged = self.system.tagged is not None and type_ == "json"
        shown = native.type == "text" and not native.writable and type_ in ("int", "decimal")
        return tagged or shown or type_ in FITS[native.type] or (native.quoted and type_ == "text")

    def _length(self, native: NativeField, told: RemoteField) -> int | None:
        """Give the length that is told; samples prove only that more fits than is described."""
        if told.length is None or (self._is_sampled and (native.length is None or told.length <= native.length)):
            return native.length
        return told.length

    def _measured(self, native: NativeField, told: RemoteField) -> NativeField:
        before, scale = (native.precision or 0) - (native.scale or 0), told.scale or 0
        whole = told.precision - scale if told.precision is not None else before
        if self._is_sampled:
            scale, whole = max(scale, native.scale or 0), max(whole, before)
        return replace(native, precision=max(1, min(whole + scale, 38)), scale=min(scale, 38))

    def _values(self, native: NativeField, told: RemoteField) -> tuple[str, ...]:
        """Give the closed list, in the description's order; where it has none, it is not asked for one."""
        if not native.values or told.values is None:
            return native.values
        new = tuple(value for value in told.values if value not in native.values)
        return (*(value for value in native.values if self._is_sampled or value in told.values), *new)

    def _required(self, native: NativeField, told: RemoteField) -> bool:
        """Say whether a create has to name it; where nothing creates, whether it is never null."""
        if not native.writable and self.resource.create is not None:
            return native.required and told.nullable is not True
        if self.resource.create is not None and told.required is not None:
            return told.required or (native.required and told.nullable is False)
        return native.required and told.nullable is not True

    @property
    def _is_sampled(self) -> bool:
        return self.remote.records is not None

    @property
    def undescribed(self) -> tuple[RemoteField, ...]:
        """The fields that the description does without; objects are told by what is in them."""
        ours = {path for native in self.resource.fields for path in (native.at, native.write_at or native.at)}
        ours |= {guess.path for guess in self.renamed.values()}
        around = {path.rpartition(".")[0] for path in self.remote.fields}
        return tuple(
            told for path, told in self.remote.fields.items()
            if path not in ours and path not in around
            and not any(path.startswith(f"{one}.") or one.startswith(f"{path}.") for one in ours)
        )  # fmt: skip

    def new(self, *, everything: bool) -> Iterator[NativeField]:
        """Give fields that the description lacks: those that a create has to name, or all."""
        taken, filled = {native.name for native in self.resource.fields}, self._filled()
        for told in self.undescribed:
            needed = told.required is True and self.resource.create is not None and told.path not in filled
            if needed or everything:
                name = _name(told.path, taken)
                taken.add(name)
                yield _of_type(NativeField(name, "text", told.path, required=needed, values=told.values or ()), told)

    def _filled(self) -> frozenset[str]:
        """Give the paths that the template of a create fills by itself."""
        create = self.resource.create
        body = create.request.body if create is not None else None
        around = f"{create.wrap}." if create is not None and create.wrap else ""
        return frozenset(path.removeprefix(around) for path in _paths(body))

    def deprecated(self) -> Iterator[str]:
        """Name the described fields that are to go."""
        return (one.name for one in self.resource.fields if (told := self._told(one)) is not None and told.deprecated)

    def evidence(self, fields: list[NativeField]) -> Iterator[tuple[str, str]]:
        """Give what a document does not plainly say: guesses, and on how many records something rests."""
        for native in (*fields, *self.resource.fields):
            if native.name in self.renamed:
                yield native.name, self.renamed[native.name].evidence
            elif (told := self._told(native)) is not None and told.evidence:
                yield native.name, told.evidence


def _of_type(native: NativeField, told: RemoteField) -> NativeField:
    """Give a field the type that it has there."""
    type_ = told.type or "text"
    precision, scale = (told.precision, told.scale) if told.precision is not None else DIGITS
    decimal = type_ == "decimal"
    return replace(
        native,
        type=type_,
        length=told.length if type_ == "text" else None,
        precision=precision if decimal else None,
        scale=scale if decimal else None,
        writable=native.writable and told.writable is not False,
        readable=native.readable and told.readable is not False,
    )


def _paths(template: Template, prefix: str = "") -> Iterator[str]:
    """Give the paths of the members of a template."""
    for name, inner in template.items() if isinstance(template, Mapping) else ():
        yield f"{prefix}{name}"
        yield from _paths(inner, f"{prefix}{name}.")


def _name(path: str, taken: set[str]) -> str:
    """Name a field by its last step, or by more of them where that is taken, in letters that names have."""
    steps = re.sub(r"[^A-Za-z0-9_.]", "_", path).split(".")
    names = ("_".join(steps[-count:]) for count in range(1, len(steps) + 1))
    return next((name for name in names if name not in taken and not name[:1].isdigit()), f"field_{len(taken)}")
