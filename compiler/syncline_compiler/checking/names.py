"""What the names in expressions can mean: fields, lets, list members, and what is known of them.

In: syntax names. Out: typed expressions. Invariant: a scope never reports; it answers what it knows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import field, replace
from functools import lru_cache
from typing import Literal

from syncline_compiler.checking.facts import NOTHING, Facts, equality, settled
from syncline_compiler.functions import from_native
from syncline_compiler.model import syntax
from syncline_compiler.model.resolved import CodeTable, ResolvedObject
from syncline_compiler.model.typed import Expression, Field
from syncline_compiler.model.typed import Scope as ScopeName
from syncline_compiler.model.types import INSTANT, Type
from syncline_runtime.frozen import dataclass
from syncline_runtime.system import NativeField, Resource, System

LANDED = Type("text", nullable=True)
"""Every native value reaches SQL as text."""
RUN = Field("run", "started_at", INSTANT)
STARTED = ("run", "started_at")

Heard = syntax.Expression | syntax.Step | syntax.Otherwise


@dataclass(frozen=True)
class Names:
    """The project's names."""

    objects: Mapping[str, ResolvedObject]
    systems: Mapping[str, System]
    codes: Mapping[str, CodeTable]
    broken: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """By kind, the names of specs that have diagnostics of their own: uses of them are not reported."""
    heard: Callable[[Heard, Expression, Scope], None] | None = None
    """Is told of all that is typed, with what came of it and the scope in which it stands; nobody listens to a check."""

    def is_broken(self, kind: str, name: str | None = None) -> bool:
        """Whether a spec of that name, or any of that kind, could not be understood."""
        names = self.broken.get(kind, frozenset())
        return bool(names) if name is None else name in names


@dataclass(frozen=True)
class Scope:
    """Where one expression stands: what its names mean and which of them are known not to be null."""

    kind: ScopeName
    of: str  # for messages: "`crm.Account`"
    unknown: str  # code of an unknown name
    facts: Facts = NOTHING
    resource: Resource | None = None  # native; item: the child resource, where it is described
    object: ResolvedObject | None = None  # canonical, child
    prefix: str | None = None  # child, item: the name by which what is aggregated is seen
    system: System | None = None
    lets: Mapping[str, Expression] = field(default_factory=dict)

    def knowing(self, facts: Facts) -> Scope:
        """Give the same scope where this is known too."""
        if facts <= self.facts:
            return self
        names = {name for clause in facts if len(clause) > 1 for name, _ in clause}
        return replace(self, facts=settled(self.facts | facts, filter(self._never_null, names)))

    def there(self, names: Iterable[str]) -> bool:
        """Tell whether one of these names is certainly not null."""
        wanted = frozenset((name, True) for name in names)
        return any(clause <= wanted for clause in self.facts)

    def equal(self, one: str, other: str) -> bool:
        """Tell whether two names, or a name and a text in quotes, are certainly equal."""
        return one == other or frozenset({(equality(one, other), True)}) in self.facts

    def find(self, parts: tuple[str, ...]) -> Expression | None:
        """Tell what a name means; None if nothing."""
        if parts == STARTED:
            return RUN
        name = ".".join(parts)
        found = self.lets[name] if name in self.lets else self._find(parts, name)
        return _known(found) if found is not None and frozenset({(name, True)}) in self.facts else found

    def known(self) -> list[str]:
        """Every name that means something here."""
        if self.object is not None:
            return [one.name for one in self.object.fields] + [one.name for one in self.object.derived]
        members = [one.name for one in self.resource.fields] if self.resource is not None else []
        return [*members, *self.lets]

    def native(self, name: str) -> NativeField | None:
        """Give the native field of that name; within list elements also by its place on the wire."""
        if self.resource is None:
            return None
        found = self.resource.by_name.get(name)
        if found is not None or self.kind != "item":
            return found
        return next((one for one in self.resource.fields if one.at == name), None)

    def _never_null(self, name: str) -> bool:
        found = self.find(tuple(name.split(".")))
        return found is not None and not found.type.nullable

    def _find(self, parts: tuple[str, ...], name: str) -> Expression | None:
        beyond = len(parts) > 1 and parts[0] == self.prefix  # under the name by which it is seen
        if self.object is not None:
            return self._canonical(parts[1:] if beyond else parts)
        name = ".".join(parts[1:]) if beyond else name
        native = self.native(name)
        if self.kind == "item":
            member = Field("item", native.at, _landed(self, native)) if native else Field("item", name, LANDED)
            return from_native(native, member) if native is not None else (member if self.resource is None else None)
        if native is None:
            return None
        return from_native(native, Field("native", native.name, _landed(self, native)))

    def _canonical(self, parts: tuple[str, ...]) -> Expression | None:
        assert self.object is not None
        if len(parts) != 1:
            return None
        found = self.object.field(parts[0])
        if found is not None:
            return Field(self.kind, found.name, found.type)
        derived = next((one for one in self.object.derived if one.name == parts[0]), None)
        return Field(self.kind, derived.name, derived.type) if derived is not None else None


def _landed(scope: Scope, native: NativeField) -> Type:
    """Give the type of a native field as landed; only required fields and the record's id are never null."""
    nullable = not (native.required or (scope.resource is not None and scope.resource.id == native.name))
    length = native.length if native.type == "text" else None
    return _text_type(native.type if native.type in ("json", "list") else "text", nullable, length)


@lru_cache(maxsize=4096)
def _text_type(kind: Literal["text", "json", "list"], nullable: bool, length: int | None) -> Type:
    return Type(kind, nullable=nullable, length=length)


def _known(value: Expression) -> Expression:
    return replace(value, type=value.type.present())


def native_scope(system: System, resource: Resource) -> Scope:
    """Give the scope of native expressions of a mapping."""
    return Scope("native", f"`{system.name}.{resource.name}`", "SYN0204", resource=resource, system=system)


def canonical_scope(item: ResolvedObject) -> Scope:
    """Give the scope of expressions over a canonical object."""
    return Scope("canonical", f"`{item.name}`", "SYN0203", object=item)


def item_scope(system: System, items: NativeField) -> Scope:
    """Give the scope of expressions over the elements of a native list."""
    child = next((one for one in system.resources if one.name == items.of), None)
    return Scope("item", f"the elements of `{items.name}`", "SYN0204", resource=child, system=system)


def child_scope(item: ResolvedObject, prefix: str) -> Scope:
    """Give the scope of aggregates: the fields of the other object, with or without the name it is seen by."""
    return Scope("child", f"`{item.name}`", "SYN0203", object=item, prefix=prefix)
