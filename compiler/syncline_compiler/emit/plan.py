"""Emit: lowered syncs to plans, a release and its bindings, as canonical bytes.

In: ``IrProject`` and the resolved project. Out: files and their bytes, equal for equal specs on any machine.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

from syncline_compiler.emit.sql import render
from syncline_compiler.lowering import build as b
from syncline_compiler.lowering.slots import MemberSlots
from syncline_compiler.lowering.winner import fields_of
from syncline_compiler.model import ir
from syncline_compiler.model.resolved import ConnectionBinding, ResolvedProject, ResolvedSync
from syncline_compiler.passes.lower import IrMember, IrProject, IrSync
from syncline_runtime.binding import Binding, Connection
from syncline_runtime.encoding import dumps
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
from syncline_runtime.system import System


def emit(project: ResolvedProject, lowered: IrProject) -> Iterator[tuple[str, bytes]]:
    """Give path and content of each file of the release; ``release.json`` names the others with their SHA-256."""
    plans, systems = [], []
    for one in lowered.syncs:
        file, content = f"plans/{one.sync.name}.json", dumps(emit_plan(one))
        plans.append(_entry(one.sync.name, file, content))
        yield file, content
    for name in sorted({member.system for sync in project.syncs for member in sync.members}):
        file, content = f"systems/{name}.json", dumps(project.systems[name])
        systems.append(_entry(name, file, content))
        yield file, content
    used = {entry.name for entry in systems}
    index = Index(
        project=project.name,
        plans=tuple(plans),
        systems=tuple(systems),
        order=lowered.order,
        decide=lowered.decide,
        connections={name: system for name, system in sorted(project.connections.items()) if system in used},
        scopes=_scopes(project),
    )
    yield "release.json", dumps(index)
    for environment, bound in sorted(project.environments.items()):
        made = Binding(project.name, environment, tuple(_connection(c, project) for c in bound))
        yield f"bindings/{environment}.json", dumps(made)


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
    )


def _entry(name: str, file: str, content: bytes) -> FileEntry:
    return FileEntry(name, file, hashlib.sha256(content).hexdigest())


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
        clocks=slots.clock_fields,
        when_deleted=policy if policy in ("keep", "review", "delete") else "review",  # type: ignore[arg-type]
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


def _connection(bound: ConnectionBinding, project: ResolvedProject) -> Connection:
    return Connection(
        name=bound.connection,
        system=project.connections.get(bound.connection, ""),
        origin=bound.origin,
        credential=dict(bound.credential),
        account=bound.account,
        environment=bound.environment,
        requests=bound.requests,
        per=bound.per,
        stand_in=bound.stand_in,
    )


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
    return tuple(Scope(connection, scope, use) for connection, scope, use in sorted(found))  # type: ignore[arg-type]
