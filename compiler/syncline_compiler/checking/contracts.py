"""JSON Schemas of event contracts: made from a resource's fields, or checked where a spec brings its own.

In: a resource and the fields an event carries, or a schema as written. Out: a schema (2020-12) as plain values, or the
place and words of what is wrong with it. Invariant: nothing outside the schema is read: references lead within it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from syncline_compiler.spelling import did_you_mean
from syncline_runtime.system import NativeField

DIALECT = "https://json-schema.org/draft/2020-12/schema"
JSON_TYPES = ("array", "boolean", "integer", "null", "number", "object", "string")
Path = tuple[str | int, ...]

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


def problems_of(schema: Mapping[str, Any]) -> Iterator[tuple[Path, str]]:
    """Find what is wrong with a schema as written: place within it, and words."""
    # Imported here: few projects bring schemas of their own, and all would wait for the import.
    from jsonschema import Draft202012Validator
    from jsonschema.exceptions import best_match

    if schema.get("$schema", DIALECT).rstrip("#") != DIALECT:
        yield ("$schema",), "only the dialect of 2020-12 is understood"
        return
    error = best_match(Draft202012Validator(Draft202012Validator.META_SCHEMA).iter_errors(dict(schema)))
    if error is not None:
        yield tuple(error.absolute_path), _in_words(tuple(error.absolute_path), error.instance, error.message)
        return
    yield from _foreign(schema, ())


def _in_words(place: Path, value: Any, message: str) -> str:
    """Say what is wrong; a misspelt type is the common case, and the validator's words for it are poor."""
    if place[-1:] == ("type",) and isinstance(value, str):
        return f"JSON Schema has no type `{value[:60]}`: {did_you_mean(value, JSON_TYPES, kind='types')}"
    return message[:160]


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


def _foreign(value: Any, place: Path) -> Iterator[tuple[Path, str]]:
    """Find references that lead out of the schema."""
    if isinstance(value, Mapping):
        for key, item in value.items():
            if key in ("$ref", "$dynamicRef") and isinstance(item, str) and not item.startswith("#"):
                yield (*place, key), "this leads out of the schema, and nothing outside is read"
            yield from _foreign(item, (*place, key))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _foreign(item, (*place, index))
