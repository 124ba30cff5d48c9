"""The facts of a system description: what can be read and written there, how records are told apart, how often it may be asked.

In: ``System`` and its spec. Out: facts. Requests and templates are facts as a whole: who changes how a vendor is asked changes it.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator
from typing import Any

from syncline_compiler.changes.fact import Fact, Key
from syncline_compiler.model.document import Declared
from syncline_compiler.model.spec_system import SystemSpec
from syncline_compiler.quantities import duration_text, seconds_text
from syncline_compiler.source import Span
from syncline_runtime.encoding import encode
from syncline_runtime.system import ListRead, NativeField, Resource, System, Write


def system_facts(system: System, declared: Declared[SystemSpec]) -> Iterator[Fact]:
    """Give what a system description says."""
    if declared.spec.label is not None:
        yield Fact(Key("system.label"), system.label, declared.at("label"))
    yield Fact(Key("protocol"), system.protocol, declared.at("protocol"))
    yield Fact(Key("zone"), system.zone, declared.at("zone"))
    yield Fact(Key("network"), system.network, declared.at("network"))
    later = system.visible_after
    yield Fact(Key("visible_after"), str(later), declared.at("visible_after"), seconds_text(later))
    yield Fact(Key("auth"), _text(system.auth), declared.at("auth"), system.auth.kind)
    yield from _allowed(system, declared)
    calls = {"headers": system.headers, "errors": system.errors, "tagged": system.tagged}
    for name, value in calls.items():
        if value:
            yield Fact(Key("calls", (name,)), _text(value), declared.at(name))
    proofs = {"account": system.account, "environment": system.environment, "granted": system.granted}
    for name, probe in proofs.items():
        if probe is not None:
            yield Fact(Key("proof", (name,)), _text(probe), declared.at(name), f"{probe.request.path} {probe.at}")
    for resource in system.resources:
        yield from _Told(resource, declared).facts()


def _allowed(system: System, declared: Declared[SystemSpec]) -> Iterator[Fact]:
    """Give where it may be, how often it may be asked, and what may go there."""
    if any(system.origins.values()):
        yield Fact(Key("origins"), "", declared.at("origins"))
    for environment, addresses in system.origins.items():
        for address in addresses:
            yield Fact(Key("origin", (environment, address)), "", declared.at("origins", environment))
    if system.limit is not None:
        per_hour = system.limit.requests * 3600 // max(system.limit.per, 1)
        yield Fact(Key("limit.rate"), str(per_hour), declared.at("limit"), f"{per_hour:,} an hour")
        yield Fact(Key("limit.concurrency"), str(system.limit.concurrency), declared.at("limit", "concurrency"))
    for scope in system.scopes:
        yield Fact(Key("scope", (scope,)), "", declared.at("scopes"))
    if declared.spec.cleared_for is not None:
        yield Fact(Key("clearances"), "", declared.at("cleared_for"))
        for privacy in declared.spec.cleared_for:
            yield Fact(Key("cleared", (privacy,)), "", declared.at("cleared_for"))


@dataclasses.dataclass(frozen=True)
class _Told:
    """One resource, and where it is described."""

    resource: Resource
    declared: Declared[SystemSpec]

    def facts(self) -> Iterator[Fact]:  # noqa: C901 - one member after the other
        resource = self.resource
        yield self._fact("resource", "", self.declared.key("resources", resource.name))
        if resource.moved_from:
            yield self._fact("resource.moved", " ".join(resource.moved_from), self._at("moved"))
        yield self._fact("id", resource.id, self._at("id"))
        for kind, value in (("version", resource.version), ("parent", resource.parent)):
            if value is not None:
                yield self._fact(kind, value, self._at(kind))
        for field in resource.fields:
            yield from self._field(field)
        if resource.list is not None:
            yield from self._list(resource.list)
        if resource.files is not None:
            yield self._fact("reads", _text(resource.files), self._at("files"))
        if resource.get is not None:
            asked = {"request": resource.get, "record_at": resource.get_at}
            yield self._fact("get", _text(asked), self._at("get"), shown=resource.get.path)
        for one in resource.transitions:
            told = f"{one.source} → {one.target}"
            asked = {"request": one.request, "first": one.first}
            yield self._fact(
                "transition", _text(asked), self._at("transitions"), one.field, told, shown=one.request.path
            )
        for verb, write in (("create", resource.create), ("update", resource.update), ("delete", resource.delete)):
            if write is not None:
                yield from self._write(verb, write)
        if resource.gone:
            yield self._fact("gone", _text(resource.gone), self._at("gone"))
        if resource.merged_into or resource.merged_from or resource.merged_answer:
            answer = _text(resource.merged_answer) if resource.merged_answer else ""
            told = " ".join(filter(None, (resource.merged_into, resource.merged_from, answer)))
            yield self._fact("merges", told, self._at("merged_answer" if answer else "merged_into"))
        if resource.scope_read is not None:
            yield self._fact("reads.scope", resource.scope_read, self._at("scope", "read"))
        writes = self.declared.spec.resources[resource.name].scope.write
        if writes is not None:
            yield self._fact("writes.scope", writes, self._at("scope", "write"))

    def _field(self, field: NativeField) -> Iterator[Fact]:
        of, name = (field.name,), field.name
        where = self.declared.key("resources", self.resource.name, "fields", name)
        need, type_ = "required" if field.required else "optional", native_type(field)
        yield self._fact("native", need, where, *of, shown=f"{type_}, {need}")
        yield self._fact("native.type", type_, self._at("fields", name, "type"), *of)
        for value in field.values:
            yield self._fact("native.value", "", self._at("fields", name, "values"), *of, value)
        if not field.readable:
            yield self._fact("native.unreadable", "", self._at("fields", name, "read"), *of)
        if not field.writable:
            yield self._fact("native.unwritable", "", self._at("fields", name, "write"), *of)
        if field.partial:
            yield self._fact("native.partial", "", self._at("fields", name, "type"), *of)
        wire = {
            "at": field.at, "write_at": field.write_at, "quoted": field.quoted, "plain": field.plain,
            "empty_is_null": field.empty_is_null, "lookup": field.lookup,
        }  # fmt: skip
        yield self._fact("native.wire", _text(wire), self._at("fields", name, "at"), *of, shown=field.at)
        for kind, scope in (("native.scope_read", field.scope_read), ("native.scope_write", field.scope_write)):
            if scope is not None:
                yield self._fact(kind, scope, self._at("fields", name, "scope"), *of)
        spec = self.declared.spec.resources[self.resource.name].fields.get(name)  # none of what only the system has
        if spec is not None and spec.deprecated is not None:
            until = f"until {spec.deprecated.sunset}"
            yield self._fact("native.deprecated", until, self._at("fields", name, "deprecated"), *of)

    def _list(self, listed: ListRead) -> Iterator[Fact]:
        asked: dict[str, Any] = {
            "request": listed.request, "items": listed.items, "paging": listed.paging, "also": listed.also,
            "detail": listed.detail, "each": listed.each, "table": listed.table, "keys": listed.keys,
        }  # fmt: skip
        yield self._fact("reads", _text(asked), self._at("list"), shown=listed.table or listed.request.path)
        yield self._fact("reads.complete", "complete" if listed.complete else "partly", self._at("list", "complete"))
        if listed.sweep:
            shown = seconds_text(listed.sweep)
            yield self._fact("sweep", str(listed.sweep), self._at("list", "sweep"), shown=shown)
        if listed.result_cap is not None:
            yield self._fact("result_cap", str(listed.result_cap), self._at("list", "result_cap"))
        if listed.cursor is not None:
            cursor = listed.cursor
            asked = {"field": cursor.field, "format": cursor.format, "query": cursor.query, "body": cursor.body}
            yield self._fact("cursor", _text(asked), self._at("list", "cursor"), shown=cursor.field)
            for kind, micros in (("granularity", cursor.granularity), ("lag", cursor.lag)):
                at, shown = self._at("list", "cursor", kind), duration_text(micros)
                yield self._fact(f"cursor.{kind}", str(micros), at, shown=shown)

    def _write(self, verb: str, write: Write) -> Iterator[Fact]:
        at = self._at(verb)
        yield self._fact("write_by", "", at, verb)
        asked = {
            "request": write.request, "returns": write.returns, "record_at": write.record_at, "id_at": write.id_at,
            "sends": write.sends, "wrap": write.wrap, "then_update": write.then_update, "replaces": write.replaces,
        }  # fmt: skip
        yield self._fact("write_by.call", _text(asked), at, verb, shown=write.request.path)
        safe = {
            "idempotency": write.idempotency_header,
            "external_id": write.external_id,
            "marker": {"field": write.marker, "find": write.find} if write.marker else None,
            "precondition": write.precondition_header,
        }  # fmt: skip
        for kind, value in safe.items():
            if value is not None:
                said, shown = (value, "") if isinstance(value, str) else (_text(value), write.marker or "")
                yield self._fact(f"write_by.{kind}", said, self._at(verb, kind), verb, shown=shown)
        if write.idempotency_keeps is not None:
            keeps, shown = str(write.idempotency_keeps), seconds_text(write.idempotency_keeps)
            yield self._fact("write_by.keeps", keeps, self._at(verb, "idempotency"), verb, shown=shown)
        if write.batch is not None:
            shown = f"{write.batch.rows} to {write.batch.request.path}"
            yield self._fact("write_by.batch", _text(write.batch), self._at(verb, "batch"), verb, shown=shown)
        if write.scope is not None and write.scope != self.declared.spec.resources[self.resource.name].scope.write:
            yield self._fact("write_by.scope", write.scope, self._at(verb, "scope"), verb)

    def _fact(self, kind: str, value: str, span: Span, *names: str, shown: str = "") -> Fact:
        return Fact(Key(kind, (self.resource.name, *names)), value, span, shown)

    def _at(self, *place: str) -> Span:
        return self.declared.at("resources", self.resource.name, *place)


def native_type(field: NativeField) -> str:
    """Give a native type with its measures, and what it refers to."""
    measures = [str(one) for one in (field.length, field.precision, field.scale) if one is not None]
    said = f"{field.type}({','.join(measures)})" if measures else field.type
    return said + (f" -> {field.ref or field.of}" if field.ref or field.of else "")


def _text(value: Any) -> str:
    return json.dumps(encode(value), ensure_ascii=False, sort_keys=True, separators=(",", ":"))
