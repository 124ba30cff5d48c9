"""Gather the facts of a checked project: one item after the other.

In: ``ResolvedProject`` and the specs as written. Out: ``Facts``. Invariant: what nobody relies on (labels apart, which are facts of
their own kind) is no fact; expressions stand in their normal form.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from syncline_compiler.changes.fact import Fact, Facts, Item, ItemFacts, Key
from syncline_compiler.changes.normal_form import normal_form
from syncline_compiler.changes.system_facts import system_facts
from syncline_compiler.model.document import Declared, WrittenProject
from syncline_compiler.model.members import native_read
from syncline_compiler.model.resolved import (
    CodeTable,
    IdentityRule,
    Ownership,
    ResolvedEvent,
    ResolvedField,
    ResolvedMember,
    ResolvedObject,
    ResolvedProject,
    ResolvedSync,
)
from syncline_compiler.model.spec_event import EventSpec
from syncline_compiler.model.spec_policy import PolicySpec
from syncline_compiler.model.spec_system import SystemSpec
from syncline_compiler.model.typed import Line, PickPut, TypedMapping
from syncline_compiler.quantities import seconds, seconds_text
from syncline_compiler.source import SourceFile
from syncline_runtime.system import System

UNVERSIONED = "1.0.0"
"""The first version of what states none: the lock counts on from there."""


def gather(project: ResolvedProject, written: WrittenProject) -> Facts:
    """Give what a project says."""
    return Facts.of(items_of(project, written))


def mapping_item(mapping: TypedMapping) -> Item:
    """Name a mapping."""
    return Item("mapping", f"{mapping.system}.{mapping.resource}/{mapping.object}")


def items_of(project: ResolvedProject, written: WrittenProject, *, systems: bool = True) -> Iterator[ItemFacts]:
    """Give what a project, or an island of one, says of each item; ``systems``: of these too, which islands know in part."""
    for name, object_ in project.objects.items():
        declared = written.objects[name]
        yield ItemFacts(
            Item("object", name), object_.version, tuple(_object(object_, declared)), declared.at("version"),
            steward=declared.spec.steward, moved_from=object_.moved_from,
        )  # fmt: skip
    texts = {source.path: source for source in written.mappings}
    for mapping in project.mappings:
        facts = tuple(_mapping(mapping, texts))
        yield ItemFacts(
            mapping_item(mapping), UNVERSIONED, facts, mapping.span,
            versioned=False, moved_from=tuple(_former_names(mapping, project)),
        )  # fmt: skip
    for name, table in project.codes.items():
        codes = written.codes[name]
        facts = tuple(_codes(table, codes))
        yield ItemFacts(Item("codes", name), table.version, facts, codes.at("version"), steward=codes.spec.steward)
    for system in project.systems.values() if systems else ():
        yield item_of_system(system, written.systems[system.name])
    for sync in project.syncs:
        spec = written.syncs[sync.name]
        yield ItemFacts(
            Item("sync", sync.name), UNVERSIONED, tuple(_sync(sync, spec)), spec.at("sync"),
            versioned=False, steward=spec.spec.steward, moved_from=sync.moved_from,
        )  # fmt: skip
    for name, event in project.events.items():
        declared_event = written.events[name]
        facts = tuple(_event(event, declared_event))
        yield ItemFacts(Item("event", name), event.version, facts, declared_event.at("version"))
    for name, policy in written.policies.items():
        yield from item_of_policy(name, policy)


def item_of_system(system: System, declared: Declared[SystemSpec]) -> ItemFacts:
    """Give what a system description says."""
    facts, steward = tuple(system_facts(system, declared)), declared.spec.steward
    return ItemFacts(Item("system", system.name), system.version, facts, declared.at("version"), steward=steward)


def item_of_policy(name: str, declared: Declared[PolicySpec]) -> Iterator[ItemFacts]:
    """Give what a policy says, if it has a version."""
    version, steward = declared.spec.version, declared.spec.steward
    if version is not None:
        yield ItemFacts(
            Item("policy", name), version, tuple(_policy(declared)), declared.at("version"), steward=steward
        )


def _former_names(mapping: TypedMapping, project: ResolvedProject) -> Iterator[str]:
    """Give what a mapping was called while its object or its resource had another name."""
    object_ = project.objects.get(mapping.object)
    objects = (mapping.object, *(object_.moved_from if object_ else ()))
    resource = project.systems[mapping.system].resource(mapping.resource)
    resources = (mapping.resource, *resource.moved_from)
    return (f"{mapping.system}.{one}/{other}" for one in resources for other in objects)


def _object(item: ResolvedObject, declared: Declared[Any]) -> Iterator[Fact]:
    if declared.spec.label is not None:
        yield Fact(Key("object.label"), item.label, declared.at("label"))
    for field in item.fields:
        yield from _field(field, declared)
    for part in item.parts:
        yield Fact(Key("part", (part.name,)), f"{part.of} by {part.key}", part.span)
    for derived in item.derived:
        shown = declared.spec.derived[derived.name].value
        yield Fact(Key("derived", (derived.name,)), normal_form(derived.value), derived.span, shown)
    for invariant in item.invariants:
        shown = declared.spec.invariants[invariant.name]
        yield Fact(Key("invariant", (invariant.name,)), normal_form(invariant.condition), invariant.span, shown)
    for rule, said in zip(item.identity, declared.spec.identity, strict=False):
        unless = f" unless {said.unless}" if said.unless else ""
        yield Fact(Key("identity", (rule.said,)), _identity(rule), rule.span, f"{rule.then}{unless}{_closeness(rule)}")
    order = " > ".join(rule.said for rule in item.identity)
    if len(item.identity) > 1:
        yield Fact(Key("identity.order"), order, item.identity[0].span)


def _field(field: ResolvedField, declared: Declared[Any]) -> Iterator[Fact]:
    name, spec = field.name, declared.spec.fields[field.name]
    of = (name,)
    need, type_ = "required" if field.required else "optional", _type_text(spec.type)
    yield Fact(Key("field", of), need, field.span, f"{type_}, {need}")
    yield Fact(Key("field.type", of), type_, declared.at("fields", name, "type"))
    for number, value in enumerate(field.type.values):
        yield Fact(Key("field.value", (name, value)), "", declared.at("fields", name, "values", number))
    said = {
        "field.form": field.form, "field.pii": field.pii, "field.critical": "critical" if field.critical else None,
        "field.inverse": field.inverse, "field.historical": "historical" if spec.historical else None,
        "field.label": spec.label, "field.unit": spec.unit,
    }  # fmt: skip
    for kind, value in said.items():
        if value is not None:
            yield Fact(Key(kind, of), value, declared.at("fields", name, kind.partition(".")[2]))
    if field.moved_from is not None:
        yield Fact(Key("field.moved", of), field.moved_from, declared.at("fields", name, "moved"))
    if spec.deprecated is not None:
        use = f", use {spec.deprecated.use}" if spec.deprecated.use else ""
        said_so = f"since {spec.deprecated.since} until {spec.deprecated.sunset}{use}"
        yield Fact(Key("field.deprecated", of), said_so, declared.at("fields", name, "deprecated"))


def _type_text(text: str) -> str:
    return text.replace(" ", "")


def _identity(rule: IdentityRule) -> str:
    """Give all of a rule but the fields that tell it from others."""
    unless = f" unless {normal_form(rule.unless)}" if rule.unless is not None else ""
    weighed = rule.probability
    weights = _canonical([weighed.model, weighed.least, weighed.weights]) if weighed is not None else ""
    return f"{rule.then}{unless}{_closeness(rule)} {weights}".rstrip()


def _closeness(rule: IdentityRule) -> str:
    """Give how alike values have to be, as text."""
    parts = [
        " ".join([
            one.field, " or ".join(f"{way} {amount}".rstrip() for way, amount in one.ways),
            *(["or missing"] if one.missing else []), *map(_canonical, sorted(one.placeholders)),
        ])
        for one in rule.similar
    ]  # fmt: skip
    parts += [f"swapped {', '.join(rule.swapped)}"] if rule.swapped else []
    parts += [f"at least {rule.at_least}"] if rule.at_least is not None else []
    parts += [f"{rule.may_differ} may differ"] if rule.may_differ is not None else []
    parts += ["closest"] if rule.closest else []
    parts += [f"probability {rule.probability.threshold}"] if rule.probability is not None else []
    return "".join(f"; {part}" for part in parts)


def _mapping(mapping: TypedMapping, texts: Mapping[str, SourceFile]) -> Iterator[Fact]:
    if mapping.take is not None:
        span = mapping.taken or mapping.span
        yield Fact(Key("take"), normal_form(mapping.take), span, texts[span.path].text_at(span))
    for line in mapping.lines:
        yield from _line(line, ())
    for part in mapping.parts:
        yield Fact(Key("each", (part.part,)), f"{part.direction} {part.list.name}", part.span)
        for line in part.lines:
            yield from _line(line, (part.part,))
    for native in native_read(mapping):
        yield Fact(Key("uses", (native,)))
    for reject in mapping.rejects:
        shown = texts[reject.span.path].text_at(reject.span)
        yield Fact(Key("reject", (reject.because,)), normal_form(reject.condition), reject.span, shown)


def _line(line: Line, within: tuple[str, ...]) -> Iterator[Fact]:
    if line.get is not None and line.field is not None:
        yield Fact(Key("read", (*within, line.field)), normal_form(line.get), line.span, line.text)
    for put in line.puts:
        value = normal_form(put.value)
        if isinstance(put, PickPut):
            key = Key("write", (*within, put.native, put.item))
            yield Fact(key, f"{value} where {normal_form(put.where)}", line.span, line.text)
        else:
            yield Fact(Key("write", (*within, put.native)), value, line.span, line.text)


def _codes(table: CodeTable, declared: Declared[Any]) -> Iterator[Fact]:
    if table.meaning_of is not None:
        yield Fact(Key("codes.for"), table.meaning_of, declared.at("for"))
    for code, meaning in table.rows:
        yield Fact(Key("row", (code,)), meaning, declared.at("rows", code))
    for meaning, code in table.inverse.items():
        yield Fact(Key("row.back", (meaning,)), code, declared.at("inverse", meaning))


def _sync(sync: ResolvedSync, declared: Declared[Any]) -> Iterator[Fact]:
    yield Fact(Key("sync.object"), sync.object.name, declared.at("object"))
    for member in sync.members:
        yield from _member(member, declared)
    for field, owner in sync.owners.items():
        yield Fact(Key("owner", (field,)), _owner(owner), owner.span)
    for kind, policies in (("unowned_edit", sync.unowned_edit), ("first_link", sync.first_link)):
        for field, policy in policies.items():
            yield Fact(Key(kind, (field,)), policy, declared.at(kind, field))
    for connection, what in sync.when_deleted_in.items():
        sets = sync.set_when_deleted.get(connection, {})
        yield Fact(Key("when_deleted_in", (connection,)), _with(what, sets), declared.at("when_deleted_in", connection))
    said = {"guard.change": sync.change_guard, "guard.delete": sync.delete_guard}
    for kind, share in said.items():
        if share is not None:
            yield Fact(Key(kind), share, declared.at("guards", kind.partition(".")[2]))
    if sync.freshness is not None:
        yield Fact(Key("freshness"), str(sync.freshness), declared.at("freshness"), seconds_text(sync.freshness))
    every, fallback = declared.spec.every, declared.spec.fallback
    yield Fact(Key("every"), seconds_text(seconds(every)) if every else "as it is started", declared.at("every"))
    yield Fact(Key("attempts"), str(sync.attempts), declared.at("delivery", "attempts"))
    yield Fact(Key("within"), str(sync.within), declared.at("delivery", "within"), seconds_text(sync.within))
    said_so = _canonical(fallback.model_dump()) if fallback is not None else "not said"
    yield Fact(Key("fallback"), said_so, declared.at("fallback"))
    yield Fact(Key("weight"), sync.weight, declared.at("weight"))


def _member(member: ResolvedMember, declared: Declared[Any]) -> Iterator[Fact]:
    name, of = member.connection, (member.connection,)
    yield Fact(Key("member", of), f"{member.system}.{member.resource}", member.span)
    if member.moved_from:
        yield Fact(Key("member.moved", of), " ".join(member.moved_from), member.span)
    if member.originates:
        yield Fact(Key("originate", of), "", declared.at("exists", "originate"))
    if member.hold is not False:
        hold = "always" if member.hold is True else normal_form(member.hold)
        shown = hold if member.hold is True else str(declared.spec.exists.hold[name])
        yield Fact(Key("hold", of), hold, declared.at("exists", "hold", name), shown)
    yield Fact(Key("on_leave", of), _with(member.on_leave, member.leaves_with), declared.at("exists", "on_leave", name))
    if member.many:
        yield Fact(Key("many", of), "", declared.at("exists", "many"))


def _owner(owner: Ownership) -> str:
    if owner.rule == "owner":
        return owner.owner or ""
    clocks = ", ".join(f"{name} {clock}" for name, clock in sorted((owner.clocks or {}).items()))
    return f"{owner.rule} by {clocks}" if clocks else owner.rule


def _with(what: str, sets: Mapping[str, str]) -> str:
    return f"{what} {_canonical(sets)}" if sets else what


def _event(event: ResolvedEvent, declared: Declared[EventSpec]) -> Iterator[Fact]:
    yield Fact(Key("event.source"), f"{event.system}.{event.resource} for {event.object}", event.span)
    yield Fact(Key("event.webhook"), event.webhook, event.span)
    yield Fact(Key("event.when"), _canonical(event.when), event.span)
    yield Fact(Key("event.carries"), event.carries, event.span)
    for what, path in event.at.items():
        yield Fact(Key("event.at", (what,)), path, event.span)
    signature = declared.spec.comes_in.signature
    if signature is not None:
        said = f"{signature.kind} in {signature.header}"
        yield Fact(Key("event.signature"), said, declared.at("comes_in", "signature"))
    # Without a contract of its own an event holds what the resource says: that is told of the system.
    for name in declared.spec.fields:
        yield Fact(Key("event.field", (name,)), "optional", declared.at("fields"))
    if declared.spec.contract:
        yield Fact(Key("event.body"), _own(event.contract), event.span)
        yield from _contract(event.contract, (), event)


def _contract(schema: Any, path: tuple[str, ...], event: ResolvedEvent) -> Iterator[Fact]:
    """Give what a JSON Schema asks of the members of objects."""
    if not isinstance(schema, Mapping):
        return
    required = schema.get("required", ())
    for name, one in sorted(schema.get("properties", {}).items()):
        at = (*path, name)
        yield Fact(Key("event.field", at), "required" if name in required else "optional", event.span)
        if isinstance(one, Mapping):
            yield Fact(Key("event.field.type", at), _own(one), event.span)
            yield from _contract(one, at, event)


def _own(schema: Mapping[str, Any]) -> str:
    """Give what a JSON Schema asks of a value itself."""
    return _canonical(
        {key: value for key, value in schema.items() if key not in ("properties", "required", "description")}
    )


def _policy(declared: Declared[PolicySpec]) -> Iterator[Fact]:
    for name, rule in declared.spec.rules.items():
        asks = _canonical([rule.select, rule.where, rule.require])
        yield Fact(Key("rule", (name,)), asks, declared.key("rules", name), rule.require)
        yield Fact(Key("rule.severity", (name,)), rule.severity, declared.at("rules", name, "severity"))


def _canonical(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"), default=str)
