"""Resolve scenarios: every name in given, when and expect bound, every value fit for its type.

In: ``ScenarioSpec`` with its document, syncs, objects, systems, events. Out: ``ResolvedScenario``.
Diagnostics: SYN0202 … SYN0205, SYN0218 (a value that does not fit), SYN0219 (an unknown sync or event), SYN0222 (a record
without what is required), and those of expressions. Invariant: what runs a scenario meets no unknown name and no value that its
field cannot hold.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from syncline_compiler.checking.values import misfit, native_misfit, report_missing
from syncline_compiler.diagnostics import catalogue
from syncline_compiler.diagnostics.diagnostic import Collector
from syncline_compiler.lookups import find_object, native_in, resource_in
from syncline_compiler.model.document import Declared, Place, WrittenProject
from syncline_compiler.model.resolved import ResolvedObject, ResolvedScenario
from syncline_compiler.model.spec_scenario import ANY_SYNC, ScenarioSpec
from syncline_compiler.model.typed import Expression
from syncline_compiler.model.types import Type
from syncline_compiler.source import Span
from syncline_compiler.spelling import Advice, did_you_mean
from syncline_runtime.frozen import dataclass
from syncline_runtime.system import Resource, System

_Declared = Declared[ScenarioSpec]
Condition = Callable[[str, Span, ResolvedObject], Expression | None]


@dataclass(frozen=True)
class Stage:
    """What scenarios play on: connections with the system behind each, and how a condition is typed."""

    objects: Mapping[str, ResolvedObject]
    systems: Mapping[str, System]
    connections: Mapping[str, str]  # connection → system
    condition: Condition


def resolve_scenarios(project: WrittenProject, stage: Stage, diagnostics: Collector) -> Mapping[str, ResolvedScenario]:
    """Resolve every scenario of the project, by name."""
    conditions = {
        name: _Scenario(declared, project, stage, diagnostics).check()
        for name, declared in sorted(project.scenarios.items())
    }
    return {
        name: ResolvedScenario(
            name=name,
            label=declared.spec.label or name,
            sync=declared.spec.sync,
            covers=frozenset(declared.spec.covers),
            span=declared.at("scenario"),
            conditions=conditions[name],
        )
        for name, declared in sorted(project.scenarios.items())
        if declared.spec.sync in project.syncs
    }


@dataclass(frozen=True)
class _Scenario:
    """One scenario at its check."""

    declared: _Declared
    project: WrittenProject
    stage: Stage
    diagnostics: Collector

    def check(self) -> tuple[Expression | None, ...]:
        """Check all of it; gives the conditions on expected records, typed."""
        self.known("sync", self.declared.spec.sync, self.project.syncs, ("sync",))
        self.check_given()
        for index in range(len(self.declared.spec.when)):
            self.check_step(("when", index))
        return self.check_expected()

    def check_given(self) -> None:
        for connection, resources in self.declared.spec.given.items():
            system = self.system(connection, self.declared.key("given", connection))
            if system is None:
                continue
            for name, records in resources.items():
                place: Place = ("given", connection, name)
                resource = resource_in(system, name, self.declared.key(*place), self.diagnostics)
                for index, record in enumerate(records):
                    self.check_whole(resource, record, (*place, index))

    def check_step(self, place: Place) -> None:
        step = self.declared.spec.when[int(place[1])]
        if step.target is not None:
            verb, name = step.target
            resource = self.resource(name, (*place, verb))
            self.check_native(resource, step.to, (*place, "to"))
            if step.add is not None:
                self.check_whole(resource, step.record, (*place, "record"))
        elif step.fail is not None:
            connection, _, resource_name = step.fail.partition(".")
            system = self.system(connection, self.declared.at(*place, "fail"))
            if system is not None and resource_name:
                resource_in(system, resource_name, self.declared.at(*place, "fail"), self.diagnostics)
        elif step.event is not None:
            self.known("event", step.event, self.project.events, (*place, "event"))
        elif step.run is not None and step.run != ANY_SYNC:
            self.known("sync", step.run, self.project.syncs, (*place, "run"))

    def check_expected(self) -> tuple[Expression | None, ...]:
        expect = self.declared.spec.expect
        for index, write in enumerate(expect.writes or ()):
            verb, name = write.target
            resource = self.resource(name, ("expect", "writes", index, verb))
            self.check_native(resource, write.with_, ("expect", "writes", index, "with"))
        for index, exception in enumerate(expect.exceptions or ()):
            place: Place = ("expect", "exceptions", index)
            self.resource(exception.at, (*place, "at"))
            if exception.code not in catalogue.codes() or not catalogue.page(exception.code).at_run_time:
                known = [code for code in catalogue.codes() if catalogue.page(code).at_run_time]
                self.report("SYN0219", (*place, "code"), f"no run sets a record aside for `{exception.code}`",
                            did_you_mean(exception.code, known, kind="codes"))  # fmt: skip
        return tuple(self.check_canonical(("expect", "records", index)) for index in range(len(expect.records)))

    def check_canonical(self, place: Place) -> Expression | None:
        expected = self.declared.spec.expect.records[int(place[2])]
        span = self.declared.at(*place, "of")
        item = find_object(expected.of, None, span, self.project, self.stage.objects, self.diagnostics)
        if item is None:
            return None
        condition = None
        if expected.where is not None:
            condition = self.stage.condition(expected.where, self.declared.at(*place, "where"), item)
        types = {name: kind.or_null() for name, kind in _canonical_types(item)}
        for name, value in expected.has.items():
            if name not in types:
                label = f"`{item.name}` has no field `{name}`"
                remedy = did_you_mean(name, types, kind=f"fields of `{item.name}`")
                self.diagnostics.report("SYN0203", self.declared.key(*place, "has", name), label=label, help=remedy)
            else:
                self.check_value(misfit(value, types[name]), (*place, "has", name))
        return condition

    def check_whole(self, resource: Resource | None, record: Mapping[str, Any], place: Place) -> None:
        """Check a record that a system holds: it has an id, by which the rest of the scenario can name it."""
        if resource is None:
            return
        if resource.id not in record:
            label = f"a record of `{resource.name}` has its `{resource.id}`, and this one has none"
            self.report("SYN0218", place, label, f"add `{resource.id}: …`")
        # A name that is misspelt is told, and nulls are; what was there under an earlier release may lack what is new.
        elif self.declared.spec.begins_with is None and record.keys() <= {field.name for field in resource.fields}:
            report_missing(resource, dict.fromkeys(record, True), self.declared.at(*place), self.diagnostics)
        self.check_native(resource, record, place)

    def check_native(self, resource: Resource | None, record: Mapping[str, Any], place: Place) -> None:
        if resource is None:
            return
        systems = self.stage.systems.values()
        system = next(one.name for one in systems if any(known is resource for known in one.resources))
        for name, value in record.items():
            native = native_in(system, resource, name, self.declared.key(*place, name), self.diagnostics)
            if native is not None:
                self.check_value(native_misfit(value, native), (*place, name))

    def check_value(self, problem: str | None, place: Place) -> None:
        if problem is not None:
            self.report("SYN0218", place, problem, "")

    def resource(self, reference: str, place: Place) -> Resource | None:
        """Find the resource that ``connection.Resource`` names."""
        connection, _, name = reference.partition(".")
        system = self.system(connection, self.declared.at(*place))
        return resource_in(system, name, self.declared.at(*place), self.diagnostics) if system is not None else None

    def system(self, connection: str, span: Span) -> System | None:
        """Find the system behind a connection."""
        known = self.stage.connections
        if connection not in known and not self.project.broken.get("sync"):
            label = f"no sync has a member `{connection}`"
            remedy = did_you_mean(connection, known, kind="connections of the syncs")
            self.diagnostics.report("SYN0205", span, label=label, help=remedy)
        return self.stage.systems.get(known.get(connection, ""))

    def known(self, kind: str, name: str, names: Mapping[str, object], place: Place) -> None:
        if name not in names and not self.project.is_broken(kind, name):
            label = f"no {kind} is called `{name}`"
            self.report("SYN0219", place, label, did_you_mean(name, names, kind=f"{kind}s"))

    def report(self, code: str, place: Place, label: str, remedy: Advice) -> None:
        self.diagnostics.report(code, self.declared.at(*place), label=label, help=remedy)


def _canonical_types(item: ResolvedObject) -> Iterator[tuple[str, Type]]:
    yield from ((field.name, field.type) for field in item.fields)
    yield from ((field.name, field.type) for field in item.derived)
