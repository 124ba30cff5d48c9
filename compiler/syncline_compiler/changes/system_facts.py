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
from syncline_compiler.source import Span
from syncline_runtime.encoding import encode
from syncline_runtime.system import ListRead, NativeField, Resource, System, Write


def system_facts(system: System, declared: Declared[SystemSpec]) -> Iterator[Fact]:
    """Give what a system description says."""
    yield Fact(Key("system.label"), system.label, declared.at("label"))
    yield Fact(Key("protocol"), system.protocol, declared.at("protocol"))
    yield Fact(Key("zone"), system.zone, declared.at("zone"))
    yield Fact(Key("network"), system.network, declared.at("network"))
    yield Fact(Key("visible_after"), str(system.visible_after), declared.at("visible_after"))
    yield Fact(Key("auth"), _text(system.auth), declared.at("auth"), system.auth.kind)
    for environment, addresses in system.origins.items():
        for address in addresses:
            yield Fact(Key("origin", (environment, address)), "", declared.at("origins", environment))
    if system.limit is not None:
        per_hour = system.limit.requests * 3600 // max(system.limit.per, 1)
        yield Fact(Key("limit.rate"), str(per_hour), declared.at("limit"), f"{per_hour} requests an hour")
        yield Fact(Key("limit.concurrency"), str(system.limit.concurrency), declared.at("limit", "concurrency"))
    for scope in system.scopes:
        yield Fact(Key("scope", (scope,)), "", declared.at("scopes"))
    calls = {"headers": system.headers, "errors": system.errors, "tagged": system.tagged, "proofs": _proofs(system)}
    for name, value in calls.items():
        if value:
            yield Fact(Key("calls", (name,)), _text(value), declared.at("errors" if name == "errors" else name))
    for resource in system.resources:
        yield from _Told(resource, declared).facts()


def _proofs(system: System) -> list[Any]:
    return [one for one in (system.account, system.environment, system.granted) if one is not None]


@dataclasses.dataclass(frozen=True)
class _Told:
    """One resource, and where it is described."""

    resource: Resource
    declared: Declared[SystemSpec]

    def facts(self) -> Iterator[Fact]:  # noqa: C901 - one member after the other
        resource = self.resource
        yield self._fact("resource", "", self.declared.key("resources", resource.name))
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
        for verb, write in (("create", resource.create), ("update", resource.update), ("delete", resource.delete)):
            if write is not None:
                yield from self._write(verb, write)
        if resource.gone:
            yield self._fact("gone", _text(resource.gone), self._at("gone"))
        if resource.merged_into or resource.merged_from:
            told = f"{resource.merged_into or ''} {resource.merged_from or ''}".strip()
            yield self._fact("merges", told, self._at("merged_into"))
        if resource.scope_read is not None:
            yield self._fact("reads.scope", resource.scope_read, self._at("scope", "read"))

    def _field(self, field: NativeField) -> Iterator[Fact]:
        of, name = (field.name,), field.name
        where = self.declared.key("resources", self.resource.name, "fields", name)
        yield self._fact("native", "required" if field.required else "optional", where, *of)
        yield self._fact("native.type", _native_type(field), self._at("fields", name, "type"), *of)
        for value in field.values:
            yield self._fact("native.value", "", self._at("fields", name, "values"), *of, value)
        if not field.readable:
            yield self._fact("native.unreadable", "", self._at("fields", name, "read"), *of)
        if not field.writable:
            yield self._fact("native.unwritable", "", self._at("fields", name, "write"), *of)
        if field.partial:
            yield self._fact("native.partial", "", self._at("fields", name, "type"), *of)
        wire = [field.at, field.write_at, field.quoted, field.plain, field.empty_is_null, field.lookup]
        yield self._fact("native.wire", _text(wire), self._at("fields", name, "at"), *of, shown=field.at)
        for kind, scope in (("native.scope_read", field.scope_read), ("native.scope_write", field.scope_write)):
            if scope is not None:
                yield self._fact(kind, scope, self._at("fields", name, "scope"), *of)
        spec = self.declared.spec.resources[self.resource.name].fields[name]
        if spec.deprecated is not None:
            until = f"until {spec.deprecated.sunset}"
            yield self._fact("native.deprecated", until, self._at("fields", name, "deprecated"), *of)

    def _list(self, listed: ListRead) -> Iterator[Fact]:
        asked = [listed.request, listed.items, listed.paging, listed.also, listed.detail, listed.each, listed.table]
        yield self._fact("reads", _text(asked), self._at("list"), shown=listed.table or listed.request.path)
        yield self._fact("reads.complete", "complete" if listed.complete else "partly", self._at("list", "complete"))
        if listed.sweep:
            yield self._fact("sweep", str(listed.sweep), self._at("list", "sweep"))
        if listed.result_cap is not None:
            yield self._fact("result_cap", str(listed.result_cap), self._at("list", "result_cap"))
        if listed.cursor is not None:
            cursor = listed.cursor
            asked = [cursor.format, cursor.query, cursor.body]
            yield self._fact("cursor", f"{cursor.field} {_text(asked)}", self._at("list", "cursor"), shown=cursor.field)
            yield self._fact("cursor.granularity", str(cursor.granularity), self._at("list", "cursor", "granularity"))
            yield self._fact("cursor.lag", str(cursor.lag), self._at("list", "cursor", "lag"))

    def _write(self, verb: str, write: Write) -> Iterator[Fact]:
        at = self._at(verb)
        yield self._fact("write_by", "", at, verb)
        asked = [write.request, write.returns, write.record_at, write.id_at, write.sends, write.wrap, write.then_update]
        yield self._fact("write_by.call", _text([*asked, write.replaces]), at, verb, shown=write.request.path)
        safe = {
            "idempotency": [write.idempotency_header, write.idempotency_keeps] if write.idempotency_header else None,
            "external_id": write.external_id, "marker": [write.marker, write.find] if write.marker else None,
            "precondition": write.precondition_header,
        }  # fmt: skip
        for kind, value in safe.items():
            if value is not None:
                yield self._fact(f"write_by.{kind}", _text(value), self._at(verb, kind), verb)
        if write.batch is not None:
            yield self._fact("write_by.batch", _text(write.batch), self._at(verb, "batch"), verb)
        if write.scope is not None:
            yield self._fact("write_by.scope", write.scope, self._at(verb, "scope"), verb)

    def _fact(self, kind: str, value: str, span: Span, *names: str, shown: str = "") -> Fact:
        return Fact(Key(kind, (self.resource.name, *names)), value, span, shown)

    def _at(self, *place: str) -> Span:
        return self.declared.at("resources", self.resource.name, *place)


def _native_type(field: NativeField) -> str:
    measures = [str(one) for one in (field.length, field.precision, field.scale) if one is not None]
    said = f"{field.type}({','.join(measures)})" if measures else field.type
    return said + (f" -> {field.ref or field.of}" if field.ref or field.of else "")


def _text(value: Any) -> str:
    return json.dumps(encode(value), ensure_ascii=False, sort_keys=True, separators=(",", ":"))
