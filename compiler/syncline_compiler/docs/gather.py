"""From a checked project its documentation.

In: a query over a project without mistakes, and what governs its checks. Out: ``Documentation``.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TypeVar

from syncline_compiler.docs.documentation import (
    VERSION,
    CodeRow,
    CodesDoc,
    CodeSource,
    Condition,
    Documentation,
    EdgeDoc,
    EndDoc,
    EventDoc,
    FallbackDoc,
    MemberDoc,
    NativeDoc,
    ObjectDoc,
    PolicyDoc,
    ResourceDoc,
    RuleDoc,
    ScenarioDoc,
    SyncDoc,
    SystemDoc,
    WaiverDoc,
)
from syncline_compiler.model.resolved import ResolvedSync
from syncline_compiler.model.resolved_policy import Governance
from syncline_compiler.model.spec import FallbackSpec
from syncline_compiler.model.spec_identity import IdentitySpec
from syncline_compiler.query.dictionary import place_of
from syncline_compiler.query.lineage import Edge
from syncline_compiler.query.project_query import ProjectQuery
from syncline_runtime.system import Resource

K = TypeVar("K")
V = TypeVar("V")


def gather(query: ProjectQuery, governance: Governance | None) -> Documentation:
    """Gather all that is to be said of a project."""
    return _Gathering(query, governance or Governance((), (), {})).documentation()


class _Gathering:
    """One project, and what is looked up in it often."""

    def __init__(self, query: ProjectQuery, governance: Governance) -> None:
        self.query, self.project, self.written = query, query.project, query.written
        self.governance = governance
        self.everyone = query.written.project.spec.steward
        self.mapped = _grouped(((one.system, one.resource), one.object) for one in self.project.mappings)
        self.synced = _grouped((sync.object.name, sync.name) for sync in self.project.syncs)
        self.entries = _grouped((entry.object, entry) for entry in query.fields())
        self.coded = _grouped(
            (step.removeprefix("code "), edge.source)
            for edge in query.lineage.edges
            for step in edge.steps
            if step.startswith("code ") and edge.direction == "read" and edge.source.kind == "native_field"
        )

    def documentation(self) -> Documentation:
        spec = self.written.project.spec
        return Documentation(
            version=VERSION,
            project=spec.project,
            label=spec.label,
            steward=spec.steward,
            objects=tuple(self.objects()),
            systems=tuple(self.systems()),
            codes=tuple(self.codes()),
            syncs=tuple(self.syncs()),
            events=tuple(self.events()),
            policies=tuple(self.policies()),
            lineage=tuple(map(_edge, self.query.lineage.edges)),
        )

    def objects(self) -> Iterator[ObjectDoc]:
        for name, item in sorted(self.project.objects.items()):
            spec = self.written.objects[name].spec
            yield ObjectDoc(
                name=name, version=item.version, label=spec.label, description=spec.description,
                steward=spec.steward or self.everyone, place=place_of(item.span), fields=tuple(self.entries.get(name, ())),
                identity=tuple(map(_rule_of_identity, spec.identity)),
                invariants=tuple(Condition(*one) for one in spec.invariants.items()),
                syncs=tuple(self.synced.get(name, ())),
            )  # fmt: skip

    def systems(self) -> Iterator[SystemDoc]:
        for name, system in sorted(self.project.systems.items()):
            declared = self.written.systems[name]
            limit = declared.spec.limit
            yield SystemDoc(
                name=name, version=system.version, label=declared.spec.label,
                steward=declared.spec.steward or self.everyone, protocol=system.protocol, zone=system.zone,
                limit=f"{limit.requests} requests per {limit.per}" if limit is not None else None,
                connections=tuple(one for one, of in sorted(self.project.connections.items()) if of == name),
                cleared_for=tuple(declared.spec.cleared_for) if declared.spec.cleared_for is not None else None,
                place=place_of(declared.at("system")),
                resources=tuple(self.resource(name, resource) for resource in system.resources),
            )  # fmt: skip

    def resource(self, system: str, resource: Resource) -> ResourceDoc:
        declared, spec = self.written.systems[system], self.written.systems[system].spec.resources[resource.name]
        place = ("resources", resource.name)
        fields = []
        for field in resource.fields:
            said = spec.fields[field.name]
            fields.append(NativeDoc(
                name=field.name, type=said.type, label=said.label, description=said.description, unit=said.unit,
                values=field.values, required=field.required, readable=field.readable, writable=field.writable,
                pii=field.pii, refers_to=field.ref or field.of,
                sunset=said.deprecated.sunset if said.deprecated is not None else None,
                place=place_of(declared.key(*place, "fields", field.name)),
            ))  # fmt: skip
        return ResourceDoc(
            name=resource.name, label=spec.label, creates=resource.create is not None,
            updates=resource.update is not None, deletes=resource.delete is not None,
            incremental=resource.list is not None and resource.list.cursor is not None,
            objects=tuple(sorted(self.mapped.get((system, resource.name), ()))), place=place_of(declared.key(*place)), fields=tuple(fields),
        )  # fmt: skip

    def codes(self) -> Iterator[CodesDoc]:
        for name, table in sorted(self.project.codes.items()):
            spec = self.written.codes[name].spec
            owner, _, field = (table.meaning_of or "").partition(".")
            found = self.project.objects[owner].field(field) if table.meaning_of is not None else None
            meanings = found.type.values if found is not None else ()
            reached = {meaning for _, meaning in table.rows}
            yield CodesDoc(
                name=name, version=table.version, label=spec.label, steward=spec.steward or self.everyone,
                meaning_of=table.meaning_of, place=place_of(table.span),
                rows=tuple(CodeRow(code, meaning, table.inverse.get(meaning) == code) for code, meaning in table.rows),
                unwritten=tuple(one for one in meanings if one not in table.inverse),
                unread=tuple(one for one in meanings if one not in reached),
                sources=tuple(self.code_sources(name, {code for code, _ in table.rows})),
            )  # fmt: skip

    def code_sources(self, name: str, known: set[str]) -> Iterator[CodeSource]:
        """Find the native fields that a table reads."""
        for source in sorted(set(self.coded.get(name, ()))):
            system, resource, field = source.path
            values = self.project.systems[system].resource(resource).native(field).values
            yield CodeSource(system, resource, field, bool(values), tuple(one for one in values if one not in known))

    def syncs(self) -> Iterator[SyncDoc]:
        for sync in sorted(self.project.syncs, key=lambda sync: sync.name):
            declared = self.written.syncs[sync.name]
            spec = declared.spec
            yield SyncDoc(
                name=sync.name, label=spec.label, object=sync.object.name, steward=spec.steward or self.everyone,
                place=place_of(sync.span), members=tuple(self.members(sync)),
                weight=sync.weight, freshness=spec.freshness,
                every=spec.every, change_guard=sync.change_guard, delete_guard=sync.delete_guard,
                attempts=sync.attempts, within=spec.delivery.within,
                fallback=_fallback(spec.fallback) if spec.fallback is not None else None,
                scenarios=tuple(
                    ScenarioDoc(name, self.written.scenarios[name].spec.label, tuple(sorted(one.covers)))
                    for name, one in sorted(self.project.scenarios.items()) if one.sync == sync.name
                ),
            )  # fmt: skip

    def members(self, sync: ResolvedSync) -> Iterator[MemberDoc]:
        written = self.written.syncs[sync.name].spec.exists.hold
        for member in sync.members:
            holds = {True: "always", False: "never"}[member.hold] if isinstance(member.hold, bool) else (
                str(written.get(member.connection))
            )  # fmt: skip
            deleted = sync.when_deleted_in.get(member.connection) or sync.when_deleted_in.get("*", "review")
            yield MemberDoc(
                member.connection, member.system, member.resource, member.originates, holds, member.on_leave, deleted
            )

    def events(self) -> Iterator[EventDoc]:
        for name, event in sorted(self.project.events.items()):
            spec = self.written.events[name].spec
            yield EventDoc(
                name=name, version=event.version, label=spec.label, object=event.object, system=event.system,
                resource=event.resource, carries=event.carries, webhook=event.webhook,
                signed=spec.comes_in.signature is not None, place=place_of(event.span),
            )  # fmt: skip

    def policies(self) -> Iterator[PolicyDoc]:
        rules: dict[str, list[RuleDoc]] = {}
        for rule in self.governance.rules:
            doc = RuleDoc(rule.name, rule.severity, rule.summary, rule.text, rule.docs)
            rules.setdefault(rule.name.partition(".")[0], []).append(doc)
        for name, declared in sorted(self.written.policies.items()):
            spec = declared.spec
            yield PolicyDoc(
                name=name, version=spec.version, label=spec.label, steward=spec.steward or self.everyone,
                place=place_of(declared.at("policy")), rules=tuple(rules.get(name, ())),
                waivers=tuple(
                    WaiverDoc(one.rule, tuple(one.at), one.reason, one.owner, one.expires) for one in spec.waivers
                ),
            )  # fmt: skip


def _grouped(pairs: Iterable[tuple[K, V]]) -> dict[K, list[V]]:
    groups: dict[K, list[V]] = {}
    for key, value in pairs:
        groups.setdefault(key, []).append(value)
    return groups


def _edge(edge: Edge) -> EdgeDoc:
    return EdgeDoc(
        source=EndDoc(edge.source.kind, edge.source.address),
        target=EndDoc(edge.target.kind, edge.target.address),
        direction=edge.direction,
        role=edge.role,
        steps=edge.steps,
        loss=edge.loss,
        two_way=edge.two_way,
        text=edge.text,
        mapping=edge.mapping.address if edge.mapping is not None else None,
        place=place_of(edge.span),
    )


def _rule_of_identity(rule: IdentitySpec) -> str:
    """Say a rule in words."""
    similar = " and ".join(rule.similar)
    if rule.at_least is not None:
        similar = f"at least {rule.at_least} of {', '.join(rule.similar)}"
    if rule.probability is not None:
        similar = f"{', '.join(rule.similar)}, weighed by the model {rule.probability.model}"
    parts = [f"the same {' and '.join(rule.same)}"] if rule.same else []
    parts += [f"similar {similar}"] if similar else []
    said = " and ".join(parts) + (f", unless {rule.unless}" if rule.unless is not None else "")
    return (
        said
        + {"link": "", "review": ", after a person has looked", "create": ": these are two, whatever else is alike"}[
            rule.then
        ]
    )


def _fallback(spec: FallbackSpec) -> FallbackDoc:
    return FallbackDoc(spec.after, spec.who, tuple(spec.steps), tuple(spec.recognised_by))
