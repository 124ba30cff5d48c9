"""Read what is told of a system, whatever the form it is told in.

In: a file or a folder. Out: ``RemoteShape``. Raises DriftError. The form is recognised by what the document says of itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, get_args

from syncline_compiler.drift.describe import TYPES, read_describe
from syncline_compiler.drift.documents import read_document
from syncline_compiler.drift.json_schema import read_json_schema
from syncline_compiler.drift.openapi import read_openapi
from syncline_compiler.drift.remote import DriftError, RemoteShape, SourceKind
from syncline_compiler.drift.samples import FORMS, read_samples
from syncline_runtime.system import System

KINDS: tuple[SourceKind, ...] = get_args(SourceKind)
DOCUMENTS = (".json", ".yaml", ".yml")
MOST_FILES = 1_000


def read_shape(path: Path, kind: SourceKind | None, system: System, named: Mapping[str, str]) -> RemoteShape:
    """Read a document, or a folder of them; ``named`` says under which name the document has a resource."""
    _check_named(system, named)
    files = _files(path)
    if kind == "samples" or (kind is None and any(one.suffix not in DOCUMENTS for one in files.values())):
        return read_samples({name: one for name, one in files.items() if one.suffix in FORMS}, system, named)
    documents = {name: read_document(one) for name, one in files.items() if one.suffix in DOCUMENTS or len(files) == 1}
    meant = kind or _kind(documents, path)
    if meant == "samples":
        return read_samples(files, system, named)
    if meant == "json-schema":
        return read_json_schema(documents, system, named)
    if meant == "describe":
        return read_describe(documents, system, named)
    if len(documents) != 1:
        raise DriftError(f"{path}: one OpenAPI document is expected, and there are {len(documents)}")
    return read_openapi(next(iter(documents.values())), system, named)


def _check_named(system: System, named: Mapping[str, str]) -> None:
    known = [resource.name for resource in system.resources]
    for name in named:
        if name not in known:
            raise DriftError(f"{system.name} has no resource {name!r}; it has: {', '.join(known)}")


def _files(path: Path) -> Mapping[str, Path]:
    """Name the files of a folder, or the one that was named, by their stems."""
    if not path.is_dir():
        return {path.stem: path}
    found = sorted(one for one in path.iterdir() if one.suffix in (*DOCUMENTS, *FORMS) and not one.name.startswith("."))
    if not found:
        raise DriftError(f"{path} holds nothing to read: files named as resources are expected, such as Account.json")
    if len(found) > MOST_FILES:
        raise DriftError(f"{path} holds more than {MOST_FILES:,} files")
    return {one.stem: one for one in found}


def _kind(documents: Mapping[str, Any], path: Path) -> SourceKind:
    """Recognise a document by what it says of itself."""
    first = next(iter(documents.values()))
    if isinstance(first, Mapping):
        if "openapi" in first or "swagger" in first:
            return "openapi"
        if "$schema" in first or "$defs" in first or _is_schema(first):
            return "json-schema"
        if _describes(first):
            return "describe"
        return "samples"
    if isinstance(first, list):
        return "describe" if _describes(first) else "samples"
    raise DriftError(f"{path} is nothing that describes a system: name what it is with --kind {'|'.join(KINDS)}")


def _is_schema(document: Mapping[str, Any]) -> bool:
    return isinstance(document.get("properties"), Mapping) and document.get("type") in ("object", None)


def _describes(document: Any, levels: int = 4) -> bool:
    """Whether anything near the top looks like a field: it has a name, or is under one, and a type."""
    inner = document.values() if isinstance(document, Mapping) else document if isinstance(document, list) else ()
    few = [one for one in inner if isinstance(one, Mapping | list)][:50]
    fields = [one for one in few if isinstance(one, Mapping) and any(isinstance(one.get(key), str) for key in TYPES)]
    if fields and len(fields) == len(few):
        return isinstance(document, Mapping) or all(
            "name" in one or "field" in one or "column_name" in one for one in fields
        )
    return levels > 0 and any(_describes(one, levels - 1) for one in few)
