"""JSON Schema: one schema for each resource, in one document or in a folder of them.

In: documents by the names under which they were found, and the system. Out: ``RemoteShape``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from syncline_compiler.drift.remote import DriftError, RemoteObject, RemoteShape
from syncline_compiler.drift.schemas import Schemas, objects_of
from syncline_compiler.spelling import nearest
from syncline_runtime.system import System


def read_json_schema(documents: Mapping[str, Any], system: System, named: Mapping[str, str]) -> RemoteShape:
    """Read schemas: of a resource is the one named for it, the one under its name, or the only one for the only resource."""
    known = dict(_known(documents))
    objects, untold = {}, []
    for resource in system.resources:
        wanted = named.get(resource.name)
        if wanted is not None and wanted not in known:
            guess = nearest(wanted, known)
            raise DriftError(f"there is no schema `{wanted}`" + (f": did you mean `{guess}`?" if guess else ""))
        name = wanted or _of(resource.name, known)
        if name is None and len(system.resources) == 1 and len(documents) == 1:
            name = next(iter(documents))
        if name is None:
            untold.append(resource.name)
            continue
        document, node = known[name]
        schemas = Schemas(document)
        seen = schemas.seen(node)
        if not seen.properties:
            raise DriftError(f"the schema `{name}` lists no `properties`: it is none of a record")
        objects[resource.name] = RemoteObject(
            schemas.fields(seen, objects_of(resource)), seen.is_open, origin=f"schema {name}"
        )
    return RemoteShape("json-schema", objects, tuple(untold))


def _known(documents: Mapping[str, Any]) -> Iterator[tuple[str, tuple[Any, Any]]]:
    """Give every schema that can be meant, by its name: those within documents, and documents themselves."""
    for name, document in documents.items():
        if not isinstance(document, Mapping):
            raise DriftError(f"{name} is no JSON Schema: an object is expected")
        for key in ("$defs", "definitions"):
            within = document.get(key)
            yield from ((one, (document, node)) for one, node in (within or {}).items() if isinstance(within, Mapping))
        title = document.get("title")
        if isinstance(title, str):
            yield title, (document, document)
        yield name, (document, document)


def _of(resource: str, known: Mapping[str, Any]) -> str | None:
    return next((name for name in known if name.casefold() == resource.casefold()), None)
