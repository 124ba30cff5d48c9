"""Resolve systems: specs as written become what the runtime knows of a system.

In: ``SystemSpec`` with its document. Out: ``syncline_runtime.system.System``. Diagnostics: SYN0204 (unknown field of a
resource), SYN0202 (unknown resource), SYN0207 (unknown type).
Invariant: every field and resource that the result names exists in it; durations are whole numbers.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import cast

from syncline_compiler.checking.files import files_of
from syncline_compiler.checking.requests import auth_of, plain, probe_of, request_of
from syncline_compiler.diagnostics.diagnostic import Collector
from syncline_compiler.model import spec_system as written
from syncline_compiler.model.document import Declared, Place, WrittenProject
from syncline_compiler.model.spec_request import RequestSpec
from syncline_compiler.model.templates import texts_in
from syncline_compiler.model.types import TEXT, Type
from syncline_compiler.quantities import microseconds, seconds
from syncline_compiler.spelling import did_you_mean, nearest
from syncline_compiler.type_text import ELSEWHERE, NATIVE_KINDS, TypeTextError, parse_native_type
from syncline_runtime import system as compiled

FIXED_ZONES = frozenset({"UTC", "Etc/UTC", "GMT", "Etc/GMT"})
SET_BACK = "2h"
"""The most by which clocks are set back anywhere."""

_Declared = Declared[written.SystemSpec]


def resolve_systems(project: WrittenProject, diagnostics: Collector) -> Mapping[str, compiled.System]:
    """Resolve every system of the project, by name."""
    return {name: _system(declared, diagnostics) for name, declared in sorted(project.systems.items())}


def _system(declared: _Declared, diagnostics: Collector) -> compiled.System:
    spec = declared.spec
    for name in spec.resources:
        _check_names(declared, name, diagnostics)
    for name in spec.sandbox:
        _check_known(declared, name, ("sandbox", name), diagnostics)
    return compiled.System(
        name=spec.system,
        version=spec.version,
        label=spec.label or spec.system,
        resources=tuple(_resource(declared, name, diagnostics) for name in spec.resources),
        protocol=spec.protocol,
        zone=spec.zone,
        network=spec.network,
        origins={name: tuple(origins) for name, origins in spec.origins.items()},
        auth=auth_of(spec.auth),
        headers=plain(spec.headers),
        account=probe_of(spec.account),
        environment=probe_of(spec.environment),
        granted=probe_of(spec.granted),
        limit=_limit(spec.limit),
        visible_after=seconds(spec.visible_after),
        tagged=_tagged(spec.tagged),
        errors=tuple(_error(rule) for rule in spec.errors),
        error_code_at=spec.error_code_at,
        error_message_at=spec.error_message_at,
        scopes=tuple(spec.scopes),
        sandbox=plain(spec.sandbox),
    )


def _resource(declared: _Declared, name: str, diagnostics: Collector) -> compiled.Resource:
    spec = declared.spec.resources[name]
    place = ("resources", name)
    return compiled.Resource(
        name=name,
        label=spec.label or name,
        id=spec.id,
        fields=tuple(_field(declared, (*place, "fields", field), diagnostics) for field in spec.fields),
        version=spec.version,
        list=_list(declared.spec, spec),
        files=files_of(spec.files),
        get=request_of(spec.get, "GET") if spec.get else None,
        get_at=spec.get_at,
        create=_write(spec.create, "POST", spec.scope.write),
        update=_write(spec.update, "PATCH", spec.scope.write),
        delete=_write(spec.delete, "DELETE", spec.scope.write),
        gone=plain(spec.gone),
        moved_from=tuple(spec.moved.from_) if spec.moved else (),
        merged_into=spec.merged_into,
        merged_from=spec.merged_from,
        merged_answer=compiled.MergedAnswer(**dict(spec.merged_answer)) if spec.merged_answer else None,
        parent=spec.parent,
        scope_read=spec.scope.read,
        transitions=tuple(_transition(transition) for transition in spec.transitions),
        describe=_describe(spec.describe) if spec.describe else None,
    )


def _field(declared: _Declared, place: Place, diagnostics: Collector) -> compiled.NativeField:
    name = str(place[-1])
    spec = declared.spec.resources[str(place[1])].fields[name]
    native = _type(declared, spec.type, place, diagnostics)
    if native.missing and name == declared.spec.resources[str(place[1])].id:
        label = "an id is never missing: without it nothing tells records apart"
        diagnostics.report("SYN0008", declared.at(*place, "type"), label=label, help="take the `~` away")
    return compiled.NativeField(
        name=name,
        type=cast(compiled.NativeTypeName, native.kind),
        at=spec.at or name,
        required=spec.required,
        partial=native.missing,
        readable=spec.read,
        writable=spec.write,
        length=native.length,
        precision=native.precision,
        scale=native.scale,
        values=tuple(spec.values),
        ref=spec.ref,
        of=spec.of,
        pii=spec.pii,
        empty_is_null=spec.empty_is_null,
        scope_read=spec.scope.read,
        scope_write=spec.scope.write,
        write_at=spec.write_at,
        quoted=spec.quoted,
        plain=spec.plain,
        lookup=compiled.Lookup(request_of(spec.lookup.request, "GET"), spec.lookup.at) if spec.lookup else None,
    )


def _transition(spec: written.TransitionSpec) -> compiled.Transition:
    return compiled.Transition(spec.field, spec.source, spec.target, request_of(spec.request, "POST"), spec.first)


def _type(declared: _Declared, text: str, place: Place, diagnostics: Collector) -> Type:
    try:
        return parse_native_type(text)
    except TypeTextError as error:
        diagnostics.report("SYN0207", declared.at(*place, "type"), label=str(error), help=error.remedy)
        return _meant(text)


def _meant(text: str) -> Type:
    """Take a misspelt type for the nearest one, so that its values do not seem to be of another."""
    kind, bracket, rest = text.partition("(")
    guess = ELSEWHERE.get(kind.casefold()) or nearest(kind, NATIVE_KINDS) or "text"
    for spelled in (f"{guess.partition('(')[0]}{bracket}{rest}", guess, ELSEWHERE["number"]):
        try:
            return parse_native_type(spelled)
        except TypeTextError:
            continue
    return TEXT


def _list(system: written.SystemSpec, resource: written.ResourceSpec) -> compiled.ListRead | None:
    spec = resource.list_
    if spec is None:
        return None
    return compiled.ListRead(
        request=request_of(spec.request or RequestSpec(), "GET"),
        table=spec.table,
        items=spec.items,
        paging=compiled.Paging(**spec.paging.model_dump()),
        cursor=_cursor(system, resource, spec.cursor) if spec.cursor else None,
        sweep=seconds(spec.sweep.every) if spec.sweep else 0,
        keys=_keys(resource, spec.sweep.keys) if spec.sweep and spec.sweep.keys else None,
        complete=spec.complete,
        result_cap=spec.result_cap,
        windows=spec.result_cap is not None and _has_windows(spec.cursor),
        also=tuple(spec.also),
        detail=spec.detail,
        each=spec.each,
    )


def _keys(resource: written.ResourceSpec, spec: written.KeysSpec) -> compiled.KeyList:
    field = resource.fields.get(resource.id)
    return compiled.KeyList(
        request=request_of(spec.request or RequestSpec(), "GET"),
        items=spec.items,
        paging=compiled.Paging(**spec.paging.model_dump()),
        id=(field.at if field is not None and field.at else resource.id) if spec.id is None else spec.id,
        result_cap=spec.result_cap,
    )


def _has_windows(cursor: written.CursorSpec | None) -> bool:
    """Whether changes can be asked for up to a moment, too."""
    if cursor is None or cursor.format == "text":
        return False
    return any("{until}" in text for one in (cursor.query, cursor.body) for _, text in texts_in(one))


def _cursor(system: written.SystemSpec, resource: written.ResourceSpec, spec: written.CursorSpec) -> compiled.Cursor:
    field = resource.fields.get(spec.field)
    kind = field.type.rstrip("?") if field is not None else ""
    granularity = spec.granularity or ("1d" if kind == "date" else "1s")
    return compiled.Cursor(
        field=spec.field,
        granularity=microseconds(granularity),
        lag=max(microseconds(lag) for lag in _lags(system, kind, spec)),
        format="iso_naive" if _is_local_column(resource, kind) else spec.format,
        query=plain(spec.query),
        body=plain(spec.body),
    )


def _is_local_column(resource: written.ResourceSpec, kind: str) -> bool:
    return kind == "local_datetime" and resource.list_ is not None and resource.list_.table is not None


def _lags(system: written.SystemSpec, kind: str, spec: written.CursorSpec) -> Iterator[str]:
    """Give the durations by which a change may show after its time: the longest is the overlap of two reads.

    A change is found no sooner than a read sees it; a local time that comes twice when clocks are set back may lie
    before the newest one seen.
    """
    yield spec.lag
    yield system.visible_after
    if (kind == "local_datetime" or spec.format == "iso_naive") and system.zone not in FIXED_ZONES:
        yield SET_BACK


def _write(spec: written.WriteSpec | None, method: str, scope: str | None) -> compiled.Write | None:
    if spec is None:
        return None
    repeat = spec.idempotency
    return compiled.Write(
        request=request_of(spec.request or RequestSpec(), method),
        returns=spec.returns or ("nothing" if method == "DELETE" else "record"),
        record_at=spec.record_at,
        id_at=spec.id_at,
        sends="all" if spec.replaces else spec.sends,
        wrap=spec.wrap,
        idempotency_header=repeat.header if repeat else None,
        idempotency_keeps=seconds(repeat.keeps) if repeat and repeat.keeps else None,
        external_id=spec.external_id,
        marker=spec.marker,
        find=_find(spec),
        precondition_header=spec.precondition.header if spec.precondition else None,
        scope=spec.scope or scope,
        then_update=tuple(spec.then_update),
        replaces=spec.replaces,
        batch=_batch(spec, method) if spec.batch else None,
    )


def _batch(spec: written.WriteSpec, method: str) -> compiled.BatchWrite | None:
    if spec.batch is None:
        return None
    told = spec.batch.model_dump(include={
        "rows", "bytes", "answers", "failed", "status", "record_at", "id_at", "error_code_at", "error_message_at", "merged_at",
    })  # fmt: skip
    return compiled.BatchWrite(
        request=request_of(spec.batch.request, "POST"),
        item=plain(spec.batch.item),
        done=plain(spec.batch.done),
        echo=spec.batch.echo.sent if spec.batch.echo else None,
        echo_at=tuple(spec.batch.echo.at) if spec.batch.echo else (),
        returns=spec.batch.returns or spec.returns or ("nothing" if method == "DELETE" else "record"),
        **told,
    )


def _find(spec: written.WriteSpec) -> compiled.FindBy | None:
    if spec.find is None:
        return None
    field = spec.find.field or spec.marker or spec.external_id or ""
    return compiled.FindBy(
        field=field,
        request=request_of(spec.find.request, "GET"),
        items=spec.find.items,
        paging=compiled.Paging(**spec.find.paging.model_dump()),
    )


def _describe(spec: written.DescribeSpec) -> compiled.Describe:
    request = request_of(spec.request, "GET")
    return compiled.Describe(request, spec.items, spec.name, spec.read, spec.create, spec.update)


def _limit(spec: written.SystemLimitSpec | None) -> compiled.Limit | None:
    if spec is None:
        return None
    return compiled.Limit(
        spec.requests, max(seconds(spec.per), 1), spec.concurrency, spec.left, spec.total, spec.reset,
        kept=int(spec.kept_for_people.rstrip("%")),
    )  # fmt: skip


def _tagged(spec: written.TaggedSpec | None) -> compiled.TaggedValues | None:
    if spec is None:
        return None
    return compiled.TaggedValues(spec.key, {tag: tuple(parts) for tag, parts in spec.types.items()}, dict(spec.native))


def _error(spec: written.ErrorSpec) -> compiled.ErrorRule:
    return compiled.ErrorRule(spec.category, tuple(spec.status), plain(spec.where), spec.retry, tuple(spec.given))


def _check_names(declared: _Declared, resource: str, diagnostics: Collector) -> None:
    """Check every name that a resource uses for one of its own fields, or for another resource."""
    place: Place = ("resources", resource)
    spec = declared.spec.resources[resource]
    for used, at in used_fields(spec, place):
        if used not in spec.fields:
            _report_field(declared, used, resource, at, diagnostics)
    for name, field in spec.fields.items():
        successor = field.deprecated.use if field.deprecated is not None else None
        if successor is not None and successor not in spec.fields:
            _report_field(declared, successor, resource, (*place, "fields", name, "deprecated", "use"), diagnostics)
        for key, target in (("ref", field.ref), ("of", field.of)):
            if target is not None:
                _check_known(declared, target, (*place, "fields", name, key), diagnostics)
    if spec.list_ is not None and spec.list_.each is not None:
        _check_known(declared, spec.list_.each, (*place, "list", "each"), diagnostics)


def used_fields(spec: written.ResourceSpec, place: Place) -> Iterable[tuple[str, Place]]:
    """Name the fields that the description of a resource goes by itself, and where it names them."""
    yield spec.id, (*place, "id")
    if spec.version is not None:
        yield spec.version, (*place, "version")
    if spec.merged_into is not None:
        yield spec.merged_into, (*place, "merged_into")
    if spec.merged_from is not None:
        yield spec.merged_from, (*place, "merged_from")
    if spec.parent is not None:
        yield spec.parent, (*place, "parent")
    if spec.list_ is not None and spec.list_.cursor is not None:
        yield spec.list_.cursor.field, (*place, "list", "cursor", "field")
    for index, transition in enumerate(spec.transitions):
        yield transition.field, (*place, "transitions", index, "field")
    for verb, write in (("create", spec.create), ("update", spec.update), ("delete", spec.delete)):
        if write is not None:
            yield from _fields_of_write(write, (*place, verb))


def _fields_of_write(write: written.WriteSpec, place: Place) -> Iterable[tuple[str, Place]]:
    if write.external_id is not None:
        yield write.external_id, (*place, "external_id")
    if write.marker is not None:
        yield write.marker, (*place, "marker")
    for index, name in enumerate(write.then_update):
        yield name, (*place, "then_update", index)
    if write.find is not None and write.find.field is not None:
        yield write.find.field, (*place, "find", "field")


def _report_field(declared: _Declared, name: str, resource: str, place: Place, diagnostics: Collector) -> None:
    diagnostics.report(
        "SYN0204",
        declared.at(*place),
        label=f"`{declared.spec.system}.{resource}` has no field `{name}`",
        help=did_you_mean(name, declared.spec.resources[resource].fields, kind=f"fields of `{resource}`"),
        secondary=[(declared.key("resources", resource, "fields"), "its fields are declared here")],
    )


def _check_known(declared: _Declared, resource: str, place: Place, diagnostics: Collector) -> None:
    known = declared.spec.resources
    if resource not in known:
        span = declared.at(*place) if place[0] == "resources" else declared.key(*place)
        label = f"`{declared.spec.system}` has no resource `{resource}`"
        diagnostics.report("SYN0202", span, label=label, help=did_you_mean(resource, known, kind="resources"))
