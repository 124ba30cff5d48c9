"""Contracts of events, made from what a system's description says of its records.

In: the native fields an event carries, and where things stand in its body. Out: a JSON Schema as plain values.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from syncline_compiler.checking.json_schema import DIALECT
from syncline_runtime.system import NativeField

_TYPES: Mapping[str, Mapping[str, Any]] = {
    "text": {"type": "string"},
    "int": {"type": ["integer", "string"], "pattern": "^-?[0-9]+$"},
    "decimal": {"type": ["number", "string"], "pattern": "^-?[0-9]+(\\.[0-9]+)?$"},
    "bool": {"type": "boolean"},
    "date": {"type": "string"},
    "instant": {"type": ["string", "number"]},
    "local_datetime": {"type": "string"},
    "list": {"type": "array"},
    "json": {},
}
"""What the wire may hold for a native type; numbers may come as text, with all their digits."""


def contract_of(
    fields: Sequence[NativeField], paths: Sequence[str], record: str, when: Mapping[str, Any]
) -> dict[str, Any]:
    """Make the schema of a body that holds ``fields`` below ``record``, something at ``paths``, and ``when``."""
    body: dict[str, Any] = {"$schema": DIALECT, "type": "object"}
    for field in fields:
        place = ".".join(part for part in (record, field.at) if part)
        _put(body, place.split("."), _of_field(field), required=field.required)
    for path in paths:
        _put(body, path.split("."), {}, required=True)
    for path, value in when.items():
        _put(body, path.split("."), {"const": value}, required=True)
    return body


def _of_field(field: NativeField) -> dict[str, Any]:
    schema = dict(_TYPES[field.type])
    if field.values:
        schema["enum"] = [*field.values] if field.required else [*field.values, None]
    elif field.type == "text" and field.length is not None:
        schema["maxLength"] = field.length
    if not field.required and "type" in schema:
        kinds = schema["type"]
        schema["type"] = [*(kinds if isinstance(kinds, list) else [kinds]), "null"]
    return schema


def _put(body: dict[str, Any], path: Sequence[str], schema: dict[str, Any], *, required: bool) -> None:
    """Put a schema at a dotted path; the way to what is required is required too."""
    holder = body
    for part in path[:-1]:
        _require(holder, part, required)
        holder = holder.setdefault("properties", {}).setdefault(part, {"type": "object"})
    _require(holder, path[-1], required)
    holder.setdefault("properties", {}).setdefault(path[-1], {}).update(schema)


def _require(holder: dict[str, Any], name: str, required: bool) -> None:
    if required and name not in holder.setdefault("required", []):
        holder["required"].append(name)
