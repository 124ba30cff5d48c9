"""The field dictionary: for every field what it means, what it may hold, who owns it, who provides it and who gets it.

In: a checked project and its specs as written. Out: ``FieldEntry`` values in the order of the specs. Everything follows from the
specs alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import Literal

from syncline_compiler.model.document import WrittenProject
from syncline_compiler.model.members import fields_read, fields_written
from syncline_compiler.model.resolved import Ownership, ResolvedField, ResolvedObject, ResolvedProject, ResolvedSync
from syncline_compiler.model.types import Type
from syncline_compiler.query.symbol import Symbol
from syncline_compiler.source import Span
from syncline_runtime.frozen import dataclass

_FORMATS: Mapping[str, str] = {
    "date": "ISO 8601 date, such as 2026-03-31",
    "instant": "ISO 8601 date and time in UTC, such as 2026-03-31T10:15:00Z",
    "local_datetime": "ISO 8601 date and time of a place, without a zone",
    "duration": "ISO 8601 duration, such as P1DT2H",
    "email": "email address, its domain in lower case",
    "phone": "E.164, such as +4930123456",
    "url": "absolute URL",
    "country": "ISO 3166-1 alpha-2, such as DE",
    "subdivision": "ISO 3166-2, such as DE-BE",
    "language": "ISO 639-1, such as de",
    "currency": "ISO 4217, such as EUR",
    "money": "amount and currency (ISO 4217)",
    "json": "JSON",
}
"""How values of a kind are written, which is the same in every system's canonical record."""
_FORMS: Mapping[str, str] = {
    "trim": "without spaces around it",
    "squash": "without spaces around it, single spaces within",
    "upper": "in upper case",
    "lower": "in lower case",
    "casefold": "upper and lower case are the same",
}


@dataclass(frozen=True)
class Place:
    """Where something is said: a file of the project and a line."""

    file: str
    line: int


@dataclass(frozen=True)
class Deprecation:
    """Since which version, until which day, and what to use instead."""

    since: str
    sunset: str
    use: str | None


@dataclass(frozen=True)
class Owner:
    """Who decides a field in one sync, and what becomes of values of others."""

    sync: str
    rule: Literal["owner", "newest", "max", "min", "union", "nobody"]  # nobody: no member provides it
    connection: str | None = None
    clocks: Mapping[str, str] | None = None  # newest: connection → native field
    unowned_edit: str | None = None
    first_link: str | None = None


@dataclass(frozen=True)
class FieldEntry:
    """One field of an object, as the dictionary has it."""

    object: str
    name: str
    kind: Literal["field", "part", "derived"]
    type: str
    place: Place
    label: str | None = None
    description: str | None = None
    unit: str | None = None
    values: tuple[str, ...] = ()
    format: str | None = None
    expression: str | None = None  # derived: as written
    required: bool = False
    nullable: bool = False
    critical: bool = False
    key: bool = False  # an identity rule goes by it
    pii: str | None = None
    steward: str | None = None
    deprecated: Deprecation | None = None
    owners: tuple[Owner, ...] = ()
    provided_by: tuple[str, ...] = ()  # connections from which values are read
    given_to: tuple[str, ...] = ()  # connections to which values are written

    @property
    def symbol(self) -> Symbol:
        """The field as a symbol."""
        return Symbol(self.kind, (self.object, self.name))


def place_of(span: Span) -> Place:
    """Give a place by its line."""
    return Place(span.path, span.line)


def dictionary(project: ResolvedProject, written: WrittenProject) -> Iterator[FieldEntry]:
    """Give the entry of every field, part and derived field of every object."""
    syncs: dict[str, list[ResolvedSync]] = {name: [] for name in project.objects}
    for sync in project.syncs:
        syncs[sync.object.name].append(sync)
    for name, item in sorted(project.objects.items()):
        yield from _Entries(item, syncs[name], written).entries()


@dataclass(frozen=True)
class _Entries:
    """The entries of one object."""

    item: ResolvedObject
    syncs: list[ResolvedSync]
    written: WrittenProject

    def entries(self) -> Iterator[FieldEntry]:
        for field in self.item.fields:
            yield self._of_field(field)
        spec = self.written.objects[self.item.name].spec
        for part in self.item.parts:
            yield FieldEntry(
                object=self.item.name, name=part.name, kind="part", type=f"list({part.of})", place=place_of(part.span),
                label=spec.parts[part.name].label, format=f"told apart by {part.key}", steward=self._steward(None),
                owners=self._owners(part.name), provided_by=self._members(part.name, reading=True),
                given_to=self._members(part.name, reading=False),
            )  # fmt: skip
        for derived in self.item.derived:
            said = spec.derived[derived.name]
            yield FieldEntry(
                object=self.item.name, name=derived.name, kind="derived", type=_shown(derived.type),
                place=place_of(derived.span), label=said.label, description=said.description, unit=said.unit,
                format=_format(derived.type, None), expression=said.value, nullable=derived.type.nullable,
                steward=self._steward(None), given_to=self._members(derived.name, reading=False),
            )  # fmt: skip

    def _of_field(self, field: ResolvedField) -> FieldEntry:
        said = self.written.objects[self.item.name].spec.fields[field.name]
        gone = said.deprecated
        return FieldEntry(
            object=self.item.name, name=field.name, kind="field", type=_shown(field.type), place=place_of(field.span),
            label=said.label, description=said.description, unit=said.unit, values=field.type.values,
            format=_format(field.type, field.form), required=field.required, nullable=field.type.nullable,
            critical=field.critical, key=any(field.name in rule.fields for rule in self.item.identity), pii=field.pii,
            steward=self._steward(said.steward),
            deprecated=Deprecation(gone.since, gone.sunset, gone.use) if gone is not None else None,
            owners=self._owners(field.name), provided_by=self._members(field.name, reading=True),
            given_to=self._members(field.name, reading=False),
        )  # fmt: skip

    def _steward(self, own: str | None) -> str | None:
        return own or self.written.objects[self.item.name].spec.steward or self.written.project.spec.steward

    def _owners(self, name: str) -> tuple[Owner, ...]:
        return tuple(_owner(sync, sync.owners.get(name), name) for sync in self.syncs)

    def _members(self, name: str, *, reading: bool) -> tuple[str, ...]:
        """Name the connections whose mapping reads the field, or writes it; each once, in the order of the syncs."""
        return tuple(
            dict.fromkeys(one.connection for one in self._mapped if name in (one.read if reading else one.written))
        )

    @cached_property
    def _mapped(self) -> tuple[_Mapped, ...]:
        members = (member for sync in self.syncs for member in sync.members)
        return tuple(
            _Mapped(one.connection, frozenset(fields_read(one.mapping)), frozenset(fields_written(one.mapping)))
            for one in members
        )


@dataclass(frozen=True)
class _Mapped:
    """A member, the fields that it provides, and those that it gets."""

    connection: str
    read: frozenset[str]
    written: frozenset[str]


def _owner(sync: ResolvedSync, rule: Ownership | None, name: str) -> Owner:
    if rule is None:
        return Owner(sync.name, "nobody")
    edit = sync.unowned_edit.get(name, sync.unowned_edit["*"])
    link = sync.first_link.get(name, sync.first_link["*"])
    return Owner(sync.name, rule.rule, rule.owner, rule.clocks, edit, link)


def _shown(kind: Type) -> str:
    """Give a type as it is written; the name of an enum is that of its field."""
    return str(kind).replace(f"enum {kind.name}", "enum") if kind.kind == "enum" else str(kind)


def _format(kind: Type, form: str | None) -> str | None:
    """Say how values are written: the one way of their kind, their length and digits, the field's form."""
    said = [_FORMATS.get(kind.kind), _measure(kind), _FORMS.get(form) if form is not None else None]
    return "; ".join(one for one in said if one is not None) or None


def _measure(kind: Type) -> str | None:
    if kind.kind == "text" and kind.length is not None:
        return f"at most {kind.length} characters"
    if kind.kind == "decimal" and kind.precision is not None:
        return f"{kind.precision} digits, {kind.scale or 0} of them behind the point"
    return None
