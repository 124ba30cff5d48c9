"""Resolve syncs: members, existence and policies bound to objects, systems and mappings.

In: ``SyncSpec`` with its document, objects, systems, typed mappings. Out: ``ResolvedSync`` with ``owners`` still empty
(``resolve_owners`` fills them). Diagnostics: SYN0010, SYN0012, SYN0201, SYN0202, SYN0203, SYN0205, SYN0208,
SYN0221.
Invariant: a member whose names cannot be bound is left out, and so is a sync whose object cannot be.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar, cast

from syncline_compiler.checking.values import misfit
from syncline_compiler.diagnostics.diagnostic import Collector
from syncline_compiler.lookups import find_object, find_resource
from syncline_compiler.model.document import Declared, Place, WrittenProject
from syncline_compiler.model.members import named_members
from syncline_compiler.model.resolved import ResolvedMember, ResolvedObject, ResolvedSync
from syncline_compiler.model.spec import DeletedSpec, LeavingSpec, SyncSpec
from syncline_compiler.model.typed import Expression, TypedMapping
from syncline_compiler.quantities import seconds
from syncline_compiler.source import Span
from syncline_compiler.spelling import did_you_mean
from syncline_runtime.frozen import dataclass
from syncline_runtime.system import System

_Declared = Declared[SyncSpec]
MappingKey = tuple[str, str, str]
"""System, resource, object: there is one mapping between the two."""
Condition = Callable[[str, Span, ResolvedObject], Expression | None]
"""Types a condition over a canonical object; None if it has diagnostics."""
P = TypeVar("P")

ANY = "*"
CRITICAL = "critical"


@dataclass(frozen=True)
class Bound:
    """What the names of syncs are bound to.

    ``unusable`` mappings exist but have diagnostics of their own; not ``complete``: there are some of which not even
    the header could be read.
    """

    objects: Mapping[str, ResolvedObject]
    systems: Mapping[str, System]
    mappings: Mapping[MappingKey, TypedMapping]
    unusable: frozenset[MappingKey]
    complete: bool
    condition: Condition

    @property
    def mapped(self) -> frozenset[MappingKey] | None:
        """What mappings join, also those with diagnostics; None if not all headers could be read."""
        return self.unusable.union(self.mappings) if self.complete else None


def resolve_syncs(project: WrittenProject, bound: Bound, diagnostics: Collector) -> tuple[ResolvedSync, ...]:
    """Resolve every sync of the project, by name."""
    connections: dict[str, tuple[str, Span]] = {}
    syncs = []
    for _, declared in sorted(project.syncs.items()):
        _check_connections(declared, bound.systems, connections, diagnostics)
        resolved = _sync(declared, project, bound, diagnostics)
        if resolved is not None:
            syncs.append(resolved)
    return tuple(syncs)


def _sync(declared: _Declared, project: WrittenProject, bound: Bound, diagnostics: Collector) -> ResolvedSync | None:
    spec = declared.spec
    name, _, major = spec.object.partition("@")
    item = find_object(name, major, declared.at("object"), project, bound.objects, diagnostics)
    _check_names_of_members(declared, diagnostics)
    if item is None:
        return None
    members = [_member(declared, name, item, project, bound, diagnostics) for name in spec.members]
    return ResolvedSync(
        name=spec.sync,
        object=item,
        members=tuple(member for member in members if member is not None),
        owners={},
        unowned_edit=_policies(declared, "unowned_edit", spec.unowned_edit, "restore", item, diagnostics),
        first_link=_policies(declared, "first_link", spec.first_link, "fill", item, diagnostics),
        when_deleted_in=_when_deleted(declared),
        set_when_deleted=_set_when_deleted(declared, item, diagnostics),
        freshness=seconds(spec.freshness) if spec.freshness else None,
        change_guard=spec.guards.change,
        delete_guard=spec.guards.delete,
        attempts=spec.delivery.attempts,
        within=seconds(spec.delivery.within),
        span=declared.at("sync"),
        weight=spec.weight,
        moved_from=tuple(spec.moved.from_) if spec.moved else (),
    )


def _member(
    declared: _Declared, name: str, item: ResolvedObject, project: WrittenProject, bound: Bound, diagnostics: Collector
) -> ResolvedMember | None:
    target, span = declared.spec.members[name], declared.at("members", name)
    found = find_resource(target, span, project, bound.systems, diagnostics)
    if found is None:
        return None
    system, resource = found
    key = (system.name, resource.name, item.name)
    if key not in bound.mappings:
        if not _is_elsewhere(key, declared, bound) and bound.complete:
            label = f"no mapping says how `{target}` and `{item.name}` belong together"
            remedy = f"write a .map file that begins with `mapping {target} <-> {item.name}`"
            diagnostics.report("SYN0208", span, label=label, help=remedy)
        return None
    exists = declared.spec.exists
    leaving = exists.on_leave.get(name, "keep")
    return ResolvedMember(
        connection=name,
        system=system.name,
        resource=resource.name,
        mapping=bound.mappings[key],
        originates=name in exists.originate,
        hold=_hold(declared, name, item, bound),
        on_leave=leaving if isinstance(leaving, str) else "deactivate",
        leaves_with=_leaves_with(declared, name, item, diagnostics),
        many=name in exists.many,
        moved_from=tuple(declared.spec.moved.members.get(name, ())) if declared.spec.moved else (),
        span=declared.key("members", name),
    )


def _is_elsewhere(key: MappingKey, declared: _Declared, bound: Bound) -> bool:
    """Whether there is a mapping with mistakes of its own that is this one, perhaps under the name of another resource."""
    system, _, item = key
    members = set(declared.spec.members.values())
    alike = (f"{one}.{resource}" for one, resource, of in bound.unusable if (one, of) == (system, item))
    return key in bound.unusable or any(target not in members for target in alike)


def _hold(declared: _Declared, name: str, item: ResolvedObject, bound: Bound) -> bool | Expression:
    """Type the condition; one with diagnostics counts as ``true``, so that what holding asks for is checked."""
    written = declared.spec.exists.hold.get(name, False)
    if isinstance(written, bool):
        return written
    typed = bound.condition(written, declared.at("exists", "hold", name), item)
    return typed if typed is not None else True


def _policies(
    declared: _Declared,
    section: str,
    written: Mapping[str, P],
    default: str,
    item: ResolvedObject,
    diagnostics: Collector,
) -> dict[str, P]:
    """Expand ``critical`` to the critical fields; what is said of a field goes before it, ``*`` is always there."""
    policies = {ANY: written.get(ANY, cast(P, default))}
    if CRITICAL in written:
        policies |= {field.name: written[CRITICAL] for field in item.fields if field.critical}
    known = _owned_names(item)
    for name in written:
        if name in known:
            policies[name] = written[name]
        elif name not in (ANY, CRITICAL):
            label = f"`{item.name}` has no field `{name}`"
            remedy = did_you_mean(name, known, kind=f"fields of `{item.name}`")
            diagnostics.report("SYN0203", declared.key(section, name), label=label, help=remedy)
    return policies


def _when_deleted(declared: _Declared) -> dict[str, str]:
    written = declared.spec.when_deleted_in
    policies = {name: policy if isinstance(policy, str) else "set" for name, policy in written.items()}
    return {ANY: "review"} | policies


def _set_when_deleted(declared: _Declared, item: ResolvedObject, diagnostics: Collector) -> dict[str, dict[str, str]]:
    """Give the values that fields take once a system has deleted a record, as text that the engine reads."""
    sets: dict[str, dict[str, str]] = {}
    for name, policy in declared.spec.when_deleted_in.items():
        if isinstance(policy, DeletedSpec):
            place = ("when_deleted_in", name, "set")
            sets[name] = _values_set(declared, place, policy.set_, item, diagnostics)
    return sets


def _leaves_with(declared: _Declared, name: str, item: ResolvedObject, diagnostics: Collector) -> dict[str, str]:
    """Give the values that fields show in a member which need not hold the record any more."""
    leaving = declared.spec.exists.on_leave.get(name)
    if not isinstance(leaving, LeavingSpec):
        return {}
    place = ("exists", "on_leave", name, "deactivate")
    return _values_set(declared, place, leaving.deactivate, item, diagnostics)


def _values_set(
    declared: _Declared, at: Place, written: Mapping[str, Any], item: ResolvedObject, diagnostics: Collector
) -> dict[str, str]:
    """Give values that a rule sets, by field, as text that the engine reads."""
    values: dict[str, str] = {}
    for field, value in written.items():
        place = declared.key(*at, field)
        known = item.field(field)
        if known is None:
            remedy = did_you_mean(field, [one.name for one in item.fields], kind=f"fields of `{item.name}`")
            label = f"`{item.name}` has no field `{field}`"
            diagnostics.report("SYN0203", place, label=label, help=remedy)
        elif known.type.kind in ("money", "list", "json"):
            label = f"{known.type.present()} cannot be set by a rule yet"
            diagnostics.report("SYN0012", place, label=label, help="set a field of one plain value")
        elif value is None:
            help_ = "set a value, or leave the field as it is"
            diagnostics.report("SYN0012", place, label="a rule cannot empty a field yet", help=help_)
        elif problem := misfit(value, known.type):
            diagnostics.report("SYN0221", place, label=problem)
        else:
            values[field] = str(value).lower() if isinstance(value, bool) else str(value)
    return values


def _owned_names(item: ResolvedObject) -> list[str]:
    return [field.name for field in item.fields] + [part.name for part in item.parts]


def _check_names_of_members(declared: _Declared, diagnostics: Collector) -> None:
    """Report every connection that is named somewhere in the sync and is no member."""
    members = declared.spec.members
    for name, place, is_key in named_members(declared.spec):
        if name not in members:
            span = declared.key(*place) if is_key else declared.at(*place)
            diagnostics.report(
                "SYN0205", span, label=f"`{name}` is no member of `{declared.spec.sync}`",
                help=did_you_mean(name, members, kind="members"), secondary=[(declared.key("members"), "the members")],
            )  # fmt: skip


def _check_connections(
    declared: _Declared,
    systems: Mapping[str, System],
    connections: dict[str, tuple[str, Span]],
    diagnostics: Collector,
) -> None:
    """Check that a connection leads to the same system in every sync."""
    for name, target in declared.spec.members.items():
        system, span = target.partition(".")[0], declared.at("members", name)
        if system not in systems:
            continue
        known, first = connections.setdefault(name, (system, span))
        if known != system:
            diagnostics.report(
                "SYN0010", span, label=f"`{name}` is a connection to `{system}` here",
                secondary=[(first, f"and to `{known}` here")],
                help="a connection leads to one system: give one of the two another name",
            )  # fmt: skip
