"""OpenAPI 3.0 and 3.1: the schemas behind the very requests that the system description makes.

In: a document and the system. Out: ``RemoteShape``. A resource is found by the paths of its requests; one whose paths are not in the
document, by a schema of its name, or the one that is named for it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

from syncline_compiler.drift.remote import DriftError, RemoteField, RemoteObject, RemoteShape
from syncline_compiler.drift.schemas import Schemas, Seen, objects_of
from syncline_runtime.frozen import dataclass
from syncline_runtime.request import Request, Template
from syncline_runtime.system import ListRead, Resource, System, Write

_PLACEHOLDER = re.compile(r"\{[^{}]*\}")
_METHODS = ("get", "put", "post", "patch", "delete")


def read_openapi(document: Any, system: System, named: Mapping[str, str]) -> RemoteShape:
    """Read what an OpenAPI document tells of a system's resources; ``named``: the schema of a resource, where it is said."""
    version = document.get("openapi") if isinstance(document, Mapping) else None
    if not str(version).startswith("3."):
        what = (
            "Swagger 2.0: convert it to OpenAPI 3 first"
            if isinstance(document, Mapping) and "swagger" in document
            else "no OpenAPI 3 document"
        )
        raise DriftError(f"this is {what}")
    reader = _Reader(Schemas(document))
    objects, untold = {}, []
    for resource in system.resources:
        found = reader.resource(resource, named.get(resource.name))
        if found is None:
            untold.append(resource.name)
        else:
            objects[resource.name] = found
    return RemoteShape("openapi", objects, tuple(untold))


@dataclass(frozen=True)
class _Operation:
    """One request of the document, and where it stands."""

    place: str
    node: Mapping[str, Any]


class _Reader:
    def __init__(self, schemas: Schemas) -> None:
        self.schemas = schemas
        self._paths = _mapping(schemas.document.get("paths"))
        self._bases = [""] + [
            urlsplit(_PLACEHOLDER.sub("{}", server["url"])).path.rstrip("/")
            for server in schemas.document.get("servers") or ()
            if isinstance(server, Mapping) and isinstance(server.get("url"), str)
        ]

    def resource(self, resource: Resource, named: str | None) -> RemoteObject | None:
        """Find what the document tells of a resource."""
        if named is None:
            found = self._by_requests(resource)
            if found is not None:
                return found
        name = named or resource.name
        schema = self._schema(name)
        if schema is None and named is not None:
            raise DriftError(f"the document has no schema `{named}`")
        if schema is None:
            return None
        seen = self.schemas.seen(schema)
        return RemoteObject(self.schemas.fields(seen, objects_of(resource)), seen.is_open, origin=f"schema {name}")

    def _schema(self, name: str) -> Any:
        listed = _mapping(_mapping(self.schemas.document.get("components")).get("schemas"))
        return listed.get(name) or next((one for key, one in listed.items() if _bare(key) == _bare(name)), None)

    def _by_requests(self, resource: Resource) -> RemoteObject | None:
        read = self._read(resource)
        create = self._written(resource.create)
        update = self._written(resource.update)
        if read is None and create is None and update is None:
            return None
        origin = next(one[0] for one in (read, create, update) if one is not None)
        seen = [one[1] for one in (read, create, update) if one is not None and one[1] is not None]
        if not seen:
            return None
        fields = _put_together(
            *(
                self.schemas.fields(one[1], objects_of(resource)) if one is not None and one[1] is not None else None
                for one in (read, create, update)
            )
        )
        return RemoteObject(
            fields,
            all(one.is_open for one in seen),
            origin=origin,
            page=self._page(resource.list) if resource.list is not None else None,
            batches=dict(self._batches(resource)),
            lacks=tuple(self._lacking(resource)),
        )

    def _read(self, resource: Resource) -> tuple[str, Seen | None] | None:
        """Find the schema of a record that is read: in the list, else in the answer about one."""
        asked = []
        if resource.get is not None:
            asked.append((resource.get, resource.get_at, False))
        if resource.list is not None and resource.list.table is None:
            asked.insert(0 if not resource.list.detail else 1, (resource.list.request, resource.list.items, True))
        for request, at, listed in asked:
            operation = self._operation(request)
            schema = self._answer(operation) if operation is not None else None
            schema = self.schemas.below(schema, at) if schema is not None else None
            seen = self.schemas.seen(schema) if schema is not None else None
            if operation is not None and seen is not None and listed:
                seen = self.schemas.seen(seen.items) if seen.items is not None else None
            if operation is not None and seen is not None and seen.properties:
                return operation.place, seen
        return None

    def _written(self, write: Write | None) -> tuple[str, Seen | None] | None:
        operation = self._operation(write.request) if write is not None and not write.replaces else None
        if write is None or operation is None:
            return None
        body = _mapping(self.schemas.resolved(operation.node.get("requestBody")))
        schema = self._content(body)
        schema = self.schemas.below(schema, write.wrap) if schema is not None and write.wrap else schema
        seen = self.schemas.seen(schema) if schema is not None else None
        return operation.place, seen if seen is not None and seen.properties else None

    def _lacking(self, resource: Resource) -> Iterator[str]:
        """Name the writes whose path is in the document, and whose method is not."""
        for verb, write in (("create", resource.create), ("update", resource.update), ("delete", resource.delete)):
            if write is None or write.replaces or write.request.call:
                continue
            paths = self._at(write.request.path)
            if paths and all(_method(write.request) not in _mapping(self._paths[path]) for path in paths):
                yield verb

    def _page(self, listed: ListRead) -> int | None:
        """Give the most records that a list gives at once: the maximum of the parameter that takes our page size."""
        named = {name for name, value in listed.request.query.items() if value == "{size}"}
        found = [path for path in self._at(listed.request.path) if "get" in _mapping(self._paths[path])]
        if listed.request.call or not named or not found:
            return None
        path = _mapping(self._paths[found[0]])
        told = [*(path.get("parameters") or ()), *(_mapping(path["get"]).get("parameters") or ())]
        parameters = [_mapping(self.schemas.resolved(one)) for one in told]
        most = [self.schemas.seen(one.get("schema")).most for one in parameters if one.get("name") in named]
        return next((int(one) for one in reversed(most) if one is not None and 0 < one < 1_000_000), None)

    def _batches(self, resource: Resource) -> Iterator[tuple[str, int]]:
        """Give the most records that a request with many takes: how long the list may be in which we send them."""
        for verb, write in (("create", resource.create), ("update", resource.update), ("delete", resource.delete)):
            batch = write.batch if write is not None else None
            operation = self._operation(batch.request) if batch is not None else None
            path = _items_at(batch.request.body) if batch is not None else None
            if operation is None or path is None:
                continue
            body = self._content(_mapping(self.schemas.resolved(operation.node.get("requestBody"))))
            listed = self.schemas.below(body, path) if body is not None else None
            most = self.schemas.seen(listed).count if listed is not None else None
            if most:
                yield verb, most

    def _operation(self, request: Request) -> _Operation | None:
        if request.call:
            return None
        for path in self._at(request.path):
            node = _mapping(self.schemas.resolved(self._paths[path])).get(_method(request))
            if isinstance(node, Mapping):
                return _Operation(f"{request.method} {path}", node)
        return None

    def _at(self, path: str) -> list[str]:
        """Find the document's paths that a template of ours is; what the document has as a word comes first."""
        ours = _steps(path)
        found = [
            told
            for told in self._paths
            if any(
                _alike(ours, _steps(base + told)) or _alike(_steps(base) + ours, _steps(told)) for base in self._bases
            )
        ]
        return sorted(found, key=lambda told: (told.count("{"), told))

    def _answer(self, operation: _Operation) -> Any:
        answers = _mapping(operation.node.get("responses"))
        for status in ("200", "201", "202", "2XX", "default"):
            schema = self._content(_mapping(self.schemas.resolved(answers.get(status))))
            if schema is not None:
                return schema
        return None

    @staticmethod
    def _content(node: Mapping[str, Any]) -> Any:
        content = _mapping(node.get("content"))
        named = sorted(content, key=lambda kind: ("json" not in kind, kind))
        return next((one["schema"] for kind in named if "schema" in (one := _mapping(content[kind]))), None)


def _put_together(
    read: Mapping[str, RemoteField] | None,
    create: Mapping[str, RemoteField] | None,
    update: Mapping[str, RemoteField] | None,
) -> dict[str, RemoteField]:
    """Put together what is read and what is written: what a create demands, and what may be set at all."""
    writes = [one for one in (create, update) if one is not None]
    paths = dict.fromkeys(path for one in (read, create, update) for path in one or ())
    found = {}
    for path in paths:
        told = [one[path] for one in (read, *writes) if one is not None and path in one]
        first, written = told[0], next((one[path] for one in writes if path in one), None)
        found[path] = replace(
            first,
            length=written.length if written is not None and written.length is not None else first.length,
            required=path in create and create[path].required if create is not None else None,
            nullable=read[path].nullable if read is not None and path in read else None,
            readable=first.readable if read is None else path in read and read[path].readable is not False,
            writable=False if any(one.writable is False for one in told) else written is not None if writes else None,
        )
    return found


def _items_at(template: Template, path: str = "") -> str | None:
    """Find where a body has the list of what is sent together."""
    if template == "{items}":
        return path
    members = template.items() if isinstance(template, Mapping) else ()
    found = (_items_at(inner, f"{path}.{name}" if path else name) for name, inner in members)
    return next((one for one in found if one is not None), None)


def _method(request: Request) -> str:
    return request.method.lower()


def _steps(path: str) -> list[str]:
    return [step for step in urlsplit(_PLACEHOLDER.sub("{}", path)).path.split("/") if step]


def _alike(ours: list[str], theirs: list[str]) -> bool:
    """Whether a path of ours is one of theirs: a word of ours may stand where they have a placeholder."""
    return len(ours) == len(theirs) and all(a == b or b == "{}" for a, b in zip(ours, theirs, strict=True))


def _bare(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.casefold())


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
