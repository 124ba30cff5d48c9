"""Check systems: placeholders that something fills, no secret in a request.

In: ``System`` and its spec. Diagnostics: SYN0006, SYN0007, SYN0008, SYN0204, SYN0301, SYN0704, SYN0707, SYN0718, SYN0801.
Invariant (of a system without these): no request sends braces as they stand.
"""

from __future__ import annotations

from collections.abc import Mapping

from syncline_compiler.checking.batches import check_batches
from syncline_compiler.checking.files import check_files
from syncline_compiler.diagnostics.diagnostic import Collector
from syncline_compiler.model.document import Declared, Place, WrittenProject
from syncline_compiler.model.spec_system import SystemSpec
from syncline_compiler.model.templates import IN_AUTH, IN_GRANTED, PLACEHOLDER, PLACEHOLDERS, texts_in
from syncline_compiler.source import Span
from syncline_compiler.spelling import did_you_mean
from syncline_runtime.system import Resource, System

SENSITIVE_HEADERS = frozenset(
    {"authorization", "proxy-authorization", "cookie", "x-api-key", "api-key", "x-auth-token"}
)
SENSITIVE_QUERY = frozenset({"api_key", "apikey", "access_token", "token", "key", "secret", "password"})
SENSITIVE_BODY = frozenset({"client_secret", "refresh_token", "password", "assertion", "token", "api_key"})
ONLY_READ = {"sql": "databases", "files": "folders of files"}
_TEMPLATES = ("path", "query", "headers", "body", "session", "signs", "claims", "item", "sent")

_Declared = Declared[SystemSpec]


def check_systems(project: WrittenProject, systems: Mapping[str, System], diagnostics: Collector) -> None:
    """Check every system of the project."""
    for name, system in systems.items():
        declared = project.systems[name]
        _check_only_read(declared, diagnostics)
        for resource in system.resources:
            _check_replacing(resource, declared, diagnostics)
            _check_table(resource, declared, diagnostics)
            _check_merges(resource, declared, diagnostics)
            check_files(resource, declared, diagnostics)
            check_batches(resource, declared, diagnostics)
        value = {key: item for key, item in declared.document.value.items() if key != "sandbox"}
        for place, template in texts_in(value):
            _check_placeholders(place, template, declared, diagnostics)
            _check_secret(place, template, declared, diagnostics)


def _check_replacing(resource: Resource, declared: _Declared, diagnostics: Collector) -> None:
    """Check that a record which is deleted and made again can be deleted, made, and found where that was cut off."""
    if resource.update is None or not resource.update.replaces:
        return
    if resource.delete is not None and resource.create is not None and resource.create.find is not None:
        return
    diagnostics.report(
        "SYN0007", declared.key("resources", resource.name, "update"),
        label="to replace a record it must be found, deleted and made again",
        help="describe `delete`, and `create` with `find`",
    )  # fmt: skip


def _check_only_read(declared: _Declared, diagnostics: Collector) -> None:
    """Check that nothing is to be asked of, or written to, a system that is only read."""
    what = ONLY_READ.get(declared.spec.protocol)
    if what is None:
        return
    for probe in ("account", "environment", "granted"):
        if getattr(declared.spec, probe) is not None:
            remedy = "take it out; `origins` can say where the system has to be"
            diagnostics.report("SYN0006", declared.key(probe), label=f"{what} answer no requests", help=remedy)
    for name, resource in declared.spec.resources.items():
        for request in ("get", "create", "update", "delete", "describe"):
            if getattr(resource, request) is not None:
                remedy = "take it out, and let mappings only read what is there: `<-`"
                span = declared.key("resources", name, request)
                diagnostics.report("SYN0006", span, label=f"{what} are read, and never written or asked", help=remedy)


def _check_table(resource: Resource, declared: _Declared, diagnostics: Collector) -> None:
    """Check that tables are read from databases, and nothing else is."""
    database = declared.spec.protocol == "sql"
    if resource.list is None or (resource.list.table is not None) == database:
        return
    label = "a database answers no requests" if database else "only a database has tables"
    remedy = "name the `table` that is read" if database else "write `protocol: sql`, or the `request` that is sent"
    if declared.spec.protocol == "files":
        label, remedy = "a folder of files has no lists", "say which files are read: `files: {pattern: …}`"
    diagnostics.report("SYN0007", declared.key("resources", resource.name, "list"), label=label, help=remedy)


def _check_merges(resource: Resource, declared: _Declared, diagnostics: Collector) -> None:
    """Check that what tells of merges can be read or asked, and holds one id or a list of them."""
    answer = resource.merged_answer
    if answer is not None and (resource.get is None or not (answer.redirect or answer.at or answer.record)):
        unasked = "no record is asked for alone" if resource.get is None else "nothing is said of how it is told"
        help_ = "describe `get`" if resource.get is None else "write `redirect: true`, `record: true` or `at`"
        diagnostics.report(
            "SYN0007", declared.key("resources", resource.name, "merged_answer"), label=unasked, help=help_
        )
    for key, name in (("merged_into", resource.merged_into), ("merged_from", resource.merged_from)):
        field = resource.by_name.get(name or "")
        if field is None:
            continue  # there is none, or it is told that the resource has no such field
        place = declared.at("resources", resource.name, key)
        if not field.readable:
            label = f"`{field.name}` cannot be read: nothing tells what was merged"
            diagnostics.report("SYN0704", place, label=label, help="name a field that can be read, or take this out")
        elif (field.type == "list") != (key == "merged_from"):
            wanted = "a list of ids" if key == "merged_from" else "one id"
            label = f"`{field.name}` is {field.type}, and {wanted} is expected"
            diagnostics.report(
                "SYN0301", place, label=label, help="`merged_into` names one record, `merged_from` lists them"
            )


def _check_placeholders(place: Place, text: str, declared: _Declared, diagnostics: Collector) -> None:
    if not any(part in _TEMPLATES for part in place):
        return
    for match in PLACEHOLDER.finditer(text):
        known = {"auth": IN_AUTH, "granted": IN_GRANTED}.get(str(place[0]), PLACEHOLDERS)
        if match[1] not in known:
            remedy = did_you_mean(match[1], known, kind="placeholders")
            diagnostics.report("SYN0707", declared.at(*place), label=f"nothing fills `{match[0]}`", help=remedy)
        elif match[1] == "field" and place[0] == "resources":
            _check_field(str(place[1]), match[2] or "", declared.at(*place), declared, diagnostics)


def _check_field(resource: str, name: str, span: Span, declared: _Declared, diagnostics: Collector) -> None:
    known = declared.spec.resources[resource].fields
    if name not in known:
        remedy = did_you_mean(name, known, kind=f"fields of `{resource}`")
        label = f"`{declared.spec.system}.{resource}` has no field `{name}`"
        diagnostics.report("SYN0204", span, label=label, help=remedy)


def _check_secret(place: Place, text: str, declared: _Declared, diagnostics: Collector) -> None:
    """Check for a credential in a request: it would be compiled into the release."""
    if len(place) < 2 or PLACEHOLDER.search(text):
        return
    holder, name = place[-2], str(place[-1]).casefold()
    in_headers = holder == "headers" and name in SENSITIVE_HEADERS
    in_query = holder == "query" and name in SENSITIVE_QUERY
    in_auth = place[0] == "auth" and "body" in place and name in SENSITIVE_BODY
    if in_headers or in_query or in_auth:
        diagnostics.report(
            "SYN0801", declared.at(*place), label="this would be part of the release",
            help="remove it and describe `auth`; the secret itself belongs into `credential` of an environment",
        )  # fmt: skip
