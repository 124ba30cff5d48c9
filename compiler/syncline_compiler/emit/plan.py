"""Emit: lowered syncs to plans, a release and its bindings, as canonical bytes.

In: ``IrProject`` and the resolved project. Out: files and their bytes, equal for equal specs on any machine; ``Share``: what
the release as a whole says of some syncs, so that it can be put together from several.
"""

from __future__ import annotations

import hashlib
from collections.abc import Generator, Iterator, Mapping, Sequence
from dataclasses import astuple

from pydantic_core import to_json

from syncline_compiler.emit.sql import render
from syncline_compiler.lowering import build as b
from syncline_compiler.lowering.slots import MemberSlots
from syncline_compiler.lowering.winner import fields_of
from syncline_compiler.model import ir
from syncline_compiler.model.members import native_read, native_written
from syncline_compiler.model.resolved import ConnectionBinding, ResolvedMember, ResolvedProject, ResolvedSync
from syncline_compiler.model.share import Share
from syncline_compiler.passes.lower import IrMember, IrProject, IrSync, ordered
from syncline_compiler.writing import Made
from syncline_runtime.binding import Binding, Connection
from syncline_runtime.encoding import encode
from syncline_runtime.plan import (
    ChildWrite,
    FileEntry,
    Index,
    LateReference,
    Member,
    Plan,
    PlanField,
    Scope,
    Slot,
    Step,
    ValueStep,
)
from syncline_runtime.system import Resource, System


def emit(project: ResolvedProject, lowered: IrProject) -> Iterator[tuple[str, Made]]:
    """Give path and content of each file of the release; ``release.json`` names the others with their SHA-256."""
    share = yield from emit_plans(project, lowered)
    systems = {}
    for name in share.systems:
        file, content = emit_system(project.systems[name])
        systems[name] = content.sha256
        yield file, content
    yield from emit_index(project.name, [share], systems)


def emit_plans(project: ResolvedProject, lowered: IrProject) -> Generator[tuple[str, Made], None, Share]:
    """Give path and content of each plan, and at the end the share that the syncs have in the release."""
    plans = {}
    for one in lowered.syncs:
        content = canonical(emit_plan(one))
        plans[one.sync.name] = content.sha256
        yield plan_file(one.sync.name), content
    used = {member.system for sync in project.syncs for member in sync.members}
    return Share(
        plans=plans,
        refers=lowered.refers,
        sums=lowered.sums,
        systems=tuple(sorted(used)),
        connections={name: system for name, system in project.connections.items() if system in used},
        scopes=_scopes(project),
        bindings={
            environment: tuple(connection_of(one, project) for one in bound)
            for environment, bound in project.environments.items()
        },
    )


def emit_system(system: System) -> tuple[str, Made]:
    """Give path and content of a system's file."""
    return f"systems/{system.name}.json", canonical(system)


def emit_index(project: str, shares: Sequence[Share], systems: Mapping[str, str]) -> Iterator[tuple[str, Made]]:
    """Give ``release.json`` and the bindings of a project; ``systems`` are the SHA-256 of their files, by name."""
    plans = {name: hashed for share in shares for name, hashed in share.plans.items()}
    connections = {name: system for share in shares for name, system in share.connections.items()}
    index = Index(
        project=project,
        plans=tuple(FileEntry(name, plan_file(name), hashed) for name, hashed in sorted(plans.items())),
        systems=tuple(FileEntry(name, f"systems/{name}.json", hashed) for name, hashed in sorted(systems.items())),
        order=ordered({name: of for share in shares for name, of in share.refers.items()}),
        decide=ordered({name: of for share in shares for name, of in share.sums.items()}),
        connections=dict(sorted(connections.items())),
        scopes=tuple(sorted({scope for share in shares for scope in share.scopes}, key=astuple)),
    )
    yield "release.json", canonical(index)
    for environment in sorted({name for share in shares for name in share.bindings}):
        bound = {one.name: one for share in shares for one in share.bindings.get(environment, ())}
        made = Binding(project, environment, tuple(one for _, one in sorted(bound.items())))
        yield f"bindings/{environment}.json", canonical(made)


def canonical(value: object) -> Made:
    """Give the bytes that the runtime's ``dumps`` would give, in a fourth of the time."""
    return Made(to_json(encode(value)))


def plan_file(sync: str) -> str:
    """Give the path of a sync's plan in the release."""
    return f"plans/{sync}.json"


def emit_plan(lowered: IrSync) -> Plan:
    """Give the plan of one sync."""
    sync = lowered.sync
    members = tuple(_member(sync, member) for member in lowered.members)
    return Plan(
        name=sync.name,
        object=sync.object.name,
        version=sync.object.version,
        fields=_fields(sync),
        members=members,
        match=tuple(map(_step, lowered.match)),
        merge=tuple(map(_step, lowered.merge)),
        diff=tuple(map(_step, lowered.diff)),
        behaviour=_hash((lowered.match, lowered.merge, lowered.diff, [member.mapping for member in members])),
        aggregates=tuple(sorted(lowered.aggregated)),
        aggregate_refs=lowered.aggregated,
        refs=lowered.refs,
        freshness=sync.freshness,
        change_guard=sync.change_guard,
        delete_guard=sync.delete_guard,
        attempts=sync.attempts,
        within=sync.within,
        weight=sync.weight,
        moved_from=sync.moved_from,
        object_moved_from=sync.object.moved_from,
    )


def _step(step: ir.IrStep) -> Step:
    return Step(step.stage, step.output, ir.relations(step.query), render(step.query))


def _fields(sync: ResolvedSync) -> tuple[PlanField, ...]:
    described = {field.name: field for field in sync.object.fields}
    made = []
    for known in fields_of(sync):
        field = described.get(known.name)
        made.append(
            PlanField(
                known.name,
                known.sql_type,
                (field.label if field else None) or known.name,
                known.owner.owner if known.owner.rule == "owner" and known.owner.owner else known.owner.rule,
                known.critical,
                field.pii if field else None,
                field.type.name if field and field.type.kind == "ref" else None,
                kind=field.type.kind if field else "list",
                values=field.type.values if field else (),
                length=field.type.length if field else None,
                required=bool(field and field.required),
                moved_from=field.moved_from if field else None,
            )
        )
    made += [PlanField(d.name, b.sql_type(d.type), d.label or d.name, "derived") for d in sync.object.derived]
    return tuple(made)


def _member(sync: ResolvedSync, lowered: IrMember) -> Member:
    slots, member = lowered.slots, lowered.slots.member
    policy = sync.when_deleted_in.get(member.connection, sync.when_deleted_in.get("*", "review"))
    return Member(
        connection=member.connection,
        system=member.system,
        resource=member.resource,
        mapping=behaviour(lowered),
        originates=member.originates,
        holds=member.hold is not False,
        natives=tuple(field.name for field in slots.resource.fields if field.readable),
        slots=tuple(Slot(s.name, s.sql_type, s.reads, s.writes, s.text, s.place, bool(s.partial)) for s in slots.lines),
        steps=(*map(_step, lowered.normalise.steps), _step(lowered.acked)),
        values=tuple(
            ValueStep(v.function, v.option, render(v.query), v.output, ir.relations(v.query))
            for v in lowered.normalise.values
        ),
        children=_children(slots),
        late=_late(slots),
        partial=tuple(field.name for field in slots.resource.fields if field.readable and field.partial),
        reads=tuple(sorted(native_read(member.mapping))),
        writes=tuple(sorted(native_written(member.mapping))),
        clocks=slots.clock_fields,
        moved_from=member.moved_from,
        when_deleted=policy,  # type: ignore[arg-type]
        sets=sync.set_when_deleted.get(member.connection if member.connection in sync.when_deleted_in else "*", {}),
        on_leave=member.on_leave,
    )


def behaviour(lowered: IrMember) -> str:
    """Give the behaviour hash of a member's mapping: of its IR, never of SQL text."""
    return _hash(lowered.normalise)


def _hash(of: object) -> str:
    return hashlib.sha256(repr(of).encode()).hexdigest()[:16]


def _children(slots: MemberSlots) -> tuple[ChildWrite, ...]:
    made = []
    for slot in slots.written:
        if slot.pick is not None:
            of = slots.resource.native(slot.pick.native).of
            made.append(ChildWrite(slot.name, of or "", slot.pick.native))
    return tuple(made)


def _late(slots: MemberSlots) -> tuple[LateReference, ...]:
    return tuple(
        LateReference(slot.name, slot.reads, slot.puts[0].native if slot.writes else "")
        for slot in slots.lines
        if slot.late
    )


def connection_of(bound: ConnectionBinding, project: ResolvedProject) -> Connection:
    """Give a connection as the runtime knows it."""
    return Connection(
        name=bound.connection,
        system=project.connections.get(bound.connection, ""),
        origin=bound.origin,
        token_origin=bound.token_origin,
        credential=dict(bound.credential),
        account=bound.account,
        environment=bound.environment,
        requests=bound.requests,
        per=bound.per,
        stand_in=bound.stand_in,
    )


def _field_scopes(member: ResolvedMember, resource: Resource) -> Iterator[tuple[str, str]]:
    """Name the scopes that single fields need which the mapping reads or writes."""
    guarded = [field for field in resource.fields if field.scope_read or field.scope_write]
    if not guarded:
        return
    read, written = native_read(member.mapping), native_written(member.mapping)
    for field in guarded:
        if field.scope_read and field.name in read:
            yield field.scope_read, "read"
        if field.scope_write and field.name in written:
            yield field.scope_write, "write"


def _scopes(project: ResolvedProject) -> tuple[Scope, ...]:
    found: set[tuple[str, str, str]] = set()
    for sync in project.syncs:
        for member in sync.members:
            system: System = project.systems[member.system]
            resource = system.resource(member.resource)
            if resource.scope_read:
                found.add((member.connection, resource.scope_read, "read"))
            for write in (resource.create, resource.update):
                if write is not None and write.scope:
                    found.add((member.connection, write.scope, "write"))
            found.update((member.connection, scope, use) for scope, use in _field_scopes(member, resource))
    return tuple(Scope(connection, scope, use) for connection, scope, use in sorted(found))  # type: ignore[arg-type]
