"""Resolve owners: every field that some member maps gets the one rule that decides it.

In: a ``ResolvedSync`` without owners, and its spec. Out: the same with owners. Diagnostics: SYN0203, SYN0204, SYN0501,
SYN0502, SYN0503, SYN0508, SYN0513.
Invariant: an owner provides the field; ``newest`` has a clock for every member that provides it. Derived fields are
owned by nobody. A field that only one member provides needs no rule.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from syncline_compiler.diagnostics.diagnostic import Collector
from syncline_compiler.model.document import Declared, WrittenProject
from syncline_compiler.model.members import fields_mapped, fields_read, resource_of
from syncline_compiler.model.resolved import Ownership, ResolvedSync
from syncline_compiler.model.spec import OwnerSpec, SyncSpec
from syncline_compiler.model.types import Type
from syncline_compiler.source import Span
from syncline_compiler.spelling import did_you_mean, nearest
from syncline_runtime.frozen import dataclass
from syncline_runtime.system import Resource, System

ANY = "*"
ORDERED = ("int", "decimal", "bool", "date", "instant", "local_datetime", "duration")
TEXTS = ("text", "email", "phone", "url", "country", "language", "currency")


@dataclass(frozen=True)
class _Sync:
    """A sync whose owners are looked for: what is written, and by connection what each member provides."""

    resolved: ResolvedSync
    declared: Declared[SyncSpec]
    systems: Mapping[str, System]
    read: Mapping[str, Mapping[str, Span]]
    mapped: Mapping[str, Mapping[str, Span]]
    diagnostics: Collector
    meant: Mapping[str, str]  # field → the misspelt name under which its rule stands

    def readers(self, name: str) -> list[str]:
        return [connection for connection, fields in self.read.items() if name in fields]

    def complete(self) -> bool:
        """Whether every member could be bound; if not, who provides a field is not known."""
        return len(self.resolved.members) == len(self.declared.spec.members)


def resolve_owners(
    sync: ResolvedSync, project: WrittenProject, systems: Mapping[str, System], diagnostics: Collector
) -> ResolvedSync:
    """Find the owner, or the clocks, of every mapped field."""
    bound = _Sync(
        resolved=sync,
        declared=project.syncs[sync.name],
        systems=systems,
        read={member.connection: fields_read(member.mapping) for member in sync.members},
        mapped={member.connection: fields_mapped(member.mapping) for member in sync.members},
        diagnostics=diagnostics,
        meant=_meant(project.syncs[sync.name].spec, sync),
    )
    _check_owned_names(bound)
    owners = {name: _ownership(name, bound) for name in _mapped_names(bound)}
    _report_unowned(bound)
    return replace(sync, owners={name: rule for name, rule in owners.items() if rule is not None})


def _meant(spec: SyncSpec, sync: ResolvedSync) -> dict[str, str]:
    """Tell which fields the rules with unknown names are probably for: those fields are not without a rule."""
    known = {field.name for field in sync.object.fields} | {part.name for part in sync.object.parts}
    unknown = [name for name in spec.owners if name not in known and name != ANY]
    return {guess: name for name in unknown if (guess := nearest(name, known - set(spec.owners))) is not None}


def _mapped_names(bound: _Sync) -> Iterator[str]:
    """Name the fields and parts that some member maps, in the object's order."""
    item = bound.resolved.object
    for name in [*(field.name for field in item.fields), *(part.name for part in item.parts)]:
        if any(name in fields for fields in bound.mapped.values()):
            yield name


def _ownership(name: str, bound: _Sync) -> Ownership | None:
    rules = bound.declared.spec.owners
    written = name if name in rules else bound.meant.get(name, ANY)
    if not bound.readers(name):
        _report_unprovided(name, bound)
        return None
    if written not in rules:
        return _only_reader(name, bound)
    match rules[written].by:
        case "newest":
            return _newest(name, written, rules[written], bound)
        case "max" | "min" | "union":
            return _merged(name, written, rules[written], bound)
    return _owner(name, written, rules[written], bound)


def _report_unprovided(name: str, bound: _Sync) -> None:
    if not bound.complete():
        return
    span = next(fields[name] for fields in bound.mapped.values() if name in fields)
    bound.diagnostics.report(
        "SYN0508", span, label=f"`{name}` is written here, and no member of `{bound.resolved.name}` reads it",
        help="write `<->` or `<-` in the mapping of the member that knows the value",
        secondary=[(bound.declared.key("members"), "the members")],
    )  # fmt: skip


def _only_reader(name: str, bound: _Sync) -> Ownership | None:
    readers = bound.readers(name)
    if len(readers) == 1:
        return Ownership("owner", owner=readers[0], span=bound.declared.key("owners"))
    return None


def _report_unowned(bound: _Sync) -> None:
    """Report all fields without a rule at once: most often one line about ``*`` is missing."""
    rules = bound.declared.spec.owners
    names = [
        name
        for name in _mapped_names(bound)
        if name not in rules and name not in bound.meant and len(bound.readers(name)) > 1
    ]
    if ANY in rules or not names:
        return
    listed = ", ".join(f"`{name}`" for name in names[:4]) + (f" and {len(names) - 4} more" if names[4:] else "")
    first, readers = names[0], bound.readers(names[0])
    bound.diagnostics.report(
        "SYN0501", bound.declared.key("owners"), label=f"nothing says who decides {listed}",
        secondary=[(bound.read[reader][first], f"`{reader}` provides `{first}`") for reader in readers],
        help=f"under `owners` write `{first}: {readers[0]}`, or a rule for all fields: `\"*\": {readers[0]}`",
    )  # fmt: skip


def _owner(name: str, written: str, rule: OwnerSpec, bound: _Sync) -> Ownership | None:
    span = bound.declared.at("owners", written, "owner")
    if rule.owner is None:
        bound.diagnostics.report(
            "SYN0007", span, label="this rule names neither an owner nor `by`", help="write `owner: …`"
        )  # fmt: skip
        return None
    readers = bound.readers(name)
    if rule.owner in readers:
        return Ownership("owner", owner=rule.owner, span=span)
    if rule.owner in bound.read:
        _report_owner(name, written, rule.owner, readers, bound)
    return None


def _report_owner(name: str, written: str, owner: str, readers: list[str], bound: _Sync) -> None:
    mapped = bound.mapped[owner].get(name)
    how = "only writes" if mapped else "does not map"
    at_lines = [(bound.read[reader][name], f"`{reader}` provides it") for reader in readers]
    remedy = f"`{name}: {readers[0]}` under `owners`"
    bound.diagnostics.report(
        "SYN0502", bound.declared.at("owners", written, "owner"), label=f"`{owner}` {how} `{name}`",
        secondary=at_lines + ([(mapped, f"`{owner}` only writes it")] if mapped else []),
        help=f"write {remedy}, or let the mapping of `{owner}` read it" if written == ANY else f"write {remedy}",
    )  # fmt: skip


def _newest(name: str, written: str, rule: OwnerSpec, bound: _Sync) -> Ownership | None:
    if rule.owner is not None:
        label = "a field has an owner or goes by the newest change, not both"
        bound.diagnostics.report("SYN0008", bound.declared.at("owners", written), label=label, help="remove `owner`")
        return None
    readers = bound.readers(name)
    absent = [connection for connection in readers if connection not in rule.clock]
    if absent and not rule.clock.keys() <= bound.declared.spec.members.keys():
        return None  # A clock stands under a name that is no member, which is said there.
    if absent:
        _report_clock(name, written, absent, bound)
        return None
    known = [_is_clock(connection, written, rule, bound) for connection in rule.clock]
    if not all(known):
        return None
    clocks = {connection: rule.clock[connection] for connection in readers}
    return Ownership("newest", clocks=clocks, tie=rule.tie, span=bound.declared.at("owners", written))


def _merged(name: str, written: str, rule: OwnerSpec, bound: _Sync) -> Ownership | None:
    """Give a rule that merges the values of all members; the order of members does not matter to what it makes."""
    assert rule.by in ("max", "min", "union")  # asked for these
    place = ("owners", written)
    for other in ("owner", "clock"):
        if getattr(rule, other):
            label = f"`by: {rule.by}` looks at the values of all members, it knows no `{other}`"
            bound.diagnostics.report("SYN0008", bound.declared.at(*place), label=label, help=f"remove `{other}`")
            return None
    field = bound.resolved.object.field(name)
    if field is None or not _merges(rule.by, field.type):
        _report_unmerged(name, place, rule.by, field.type if field is not None else None, bound)
        return None
    return Ownership(rule.by, span=bound.declared.at(*place))


def _merges(by: str, kind: Type) -> bool:
    if by == "union":
        return kind.kind == "list" and kind.element is not None and kind.element.kind in TEXTS
    return kind.kind in ORDERED


def _report_unmerged(name: str, place: tuple[str, str], by: str, kind: Type | None, bound: _Sync) -> None:
    has = f"`{name}` is {kind}" if kind is not None else f"`{name}` is a part"
    help_ = (
        "declare the field as `list(text)`, and let mappings `| split` a text into it"
        if by == "union"
        else "numbers, dates, times and booleans have an order; for others name an owner"
    )
    bound.diagnostics.report("SYN0513", bound.declared.at(*place, "by"), label=has, help=help_)


def _report_clock(name: str, written: str, absent: list[str], bound: _Sync) -> None:
    place = ("owners", written, "clock") if bound.declared.spec.owners[written].clock else ("owners", written, "by")
    listed = " and ".join(f"`{connection}`" for connection in absent)
    bound.diagnostics.report(
        "SYN0503", bound.declared.key(*place), label=f"no clock says when `{name}` changed in {listed}",
        secondary=[(bound.read[connection][name], f"`{connection}` provides it") for connection in absent],
        help="name the native field that rises with each change: " + _suggested_clock(absent[0], bound),
    )  # fmt: skip


def _suggested_clock(connection: str, bound: _Sync) -> str:
    member = next(member for member in bound.resolved.members if member.connection == connection)
    version = resource_of(member, bound.systems).version
    return f"`clock: {{{connection}: {version or '…'}}}`"


def _is_clock(connection: str, written: str, rule: OwnerSpec, bound: _Sync) -> bool:
    member = next((member for member in bound.resolved.members if member.connection == connection), None)
    if member is None:
        return False
    resource = resource_of(member, bound.systems)
    known = [field.name for field in resource.fields]
    if rule.clock[connection] in known:
        return _is_always_told(connection, written, rule, resource, bound)
    bound.diagnostics.report(
        "SYN0204", bound.declared.at("owners", written, "clock", connection),
        label=f"`{member.system}.{resource.name}` has no field `{rule.clock[connection]}`",
        help=did_you_mean(rule.clock[connection], known, kind=f"fields of `{resource.name}`"),
    )  # fmt: skip
    return False


def _check_owned_names(bound: _Sync) -> None:
    """Check that rules are for fields and parts of the object; a derived field has no owner."""
    item = bound.resolved.object
    known = [field.name for field in item.fields] + [part.name for part in item.parts]
    derived = {field.name: field.span for field in item.derived}
    for name in bound.declared.spec.owners:
        span = bound.declared.key("owners", name)
        if name in derived:
            label = f"`{name}` is derived: it follows from other fields, and nobody owns it"
            bound.diagnostics.report(
                "SYN0203", span, label=label, secondary=[(derived[name], "derived here")], help="remove this line"
            )  # fmt: skip
        elif name not in (*known, ANY):
            remedy = did_you_mean(name, known, kind=f"fields of `{item.name}`")
            bound.diagnostics.report("SYN0203", span, label=f"`{item.name}` has no field `{name}`", help=remedy)


def _is_always_told(connection: str, written: str, rule: OwnerSpec, resource: Resource, bound: _Sync) -> bool:
    if not resource.native(rule.clock[connection]).partial:
        return True
    bound.diagnostics.report(
        "SYN0503", bound.declared.at("owners", written, "clock", connection),
        label=f"`{rule.clock[connection]}` may be missing, and then no clock says when the record changed",
        help="name a field that is always told, or take the `~` of this one away",
    )  # fmt: skip
    return False
