"""Describe documents: lists of fields with their attributes, as systems give them about themselves.

In: documents and the system. Out: ``RemoteShape``. Fields are a list (``[{name, type, …}]``), or an object by name, found where the
description's ``describe`` says, else under ``fields``, ``result`` and the like. The attributes go by many names; those that are read are
listed here.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from syncline_compiler.drift.remote import MOST_FIELDS, DriftError, RemoteField, RemoteObject, RemoteShape
from syncline_runtime.connectors.templates import read_path
from syncline_runtime.system import Describe, NativeTypeName, Resource, System

NAMES = ("name", "field", "column", "column_name", "api_name", "apiName", "key", "id")
TYPES = ("type", "ttype", "data_type", "dataType", "field_type", "fieldType")
LENGTHS = ("length", "maxLength", "max_length", "size", "character_maximum_length")
VALUES = ("picklistValues", "selection", "values", "choices", "enum", "options", "allowed_values", "allowedValues")
NULLABLE = ("nillable", "nullable", "is_nullable", "null", "allow_null")
REQUIRED = ("required", "mandatory", "is_required")
READ_ONLY = ("readonly", "readOnly", "read_only")
WITHIN = ("fields", "columns", "properties", "attributes", "result", "data")
"""Where fields stand in a document."""
OBJECTS = ("objects", "resources", "entities", "tables", "models")
_WORDS: Mapping[NativeTypeName, str] = {
    "text": "string str text textarea char varchar nvarchar id picklist combobox select selection enum email "
    "phone url uuid html richtext markdown encryptedstring autonumber character",
    "int": "int integer bigint smallint long tinyint serial",
    "decimal": "decimal double float number numeric currency money monetary percent real",
    "bool": "bool boolean checkbox",
    "date": "date",
    "instant": "instant datetime timestamp timestamptz datetimetz",
    "json": "json jsonb object map address location",
    "list": "list array multipicklist multiselect one2many many2many",
}
"""A reference is none of them: what stands there may be an id, or more."""
TYPE_OF: Mapping[str, NativeTypeName] = {
    **{word: type_ for type_, words in _WORDS.items() for word in words.split()},
    "timestamp without time zone": "local_datetime",
}
_COMPOSED = ("json", "list", None)


def read_describe(documents: Mapping[str, Any], system: System, named: Mapping[str, str]) -> RemoteShape:
    """Read what a system tells of its fields; ``named``: under which name a resource is told, where it is another."""
    told = {name.casefold(): one for name, one in _objects(documents)}
    objects, untold = {}, []
    for resource in system.resources:
        found = told.get(named.get(resource.name, resource.name).casefold())
        if found is None and len(documents) == 1 and len(system.resources) == 1:
            found = next(iter(documents.values()))
        fields = _fields(found, resource) if found is not None else None
        if fields is None:
            untold.append(resource.name)
            continue
        objects[resource.name] = RemoteObject(
            {one.path: one for one in fields}, origin=named.get(resource.name, resource.name)
        )
    if not objects:
        raise DriftError("no fields were found: a list of fields with `name` and `type` is expected, for each resource")
    return RemoteShape("describe", objects, tuple(untold))


def _objects(documents: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Give what is told of single objects, by their names: the gathered ones of a document, or the document itself."""
    for name, document in documents.items():
        yield name, document
        if not isinstance(document, Mapping):
            continue
        own = _text(document, NAMES)
        if own is not None:
            yield own, document
        gathered = next((document[key] for key in OBJECTS if key in document), document)
        if isinstance(gathered, list):
            yield from ((own, one) for one in gathered if isinstance(one, Mapping) and (own := _text(one, NAMES)))
        elif isinstance(gathered, Mapping):
            yield from ((str(key), one) for key, one in gathered.items() if isinstance(one, Mapping | list))


def described_object(resource: Resource, told: Mapping[str, Any], origin: str) -> RemoteObject:
    """Read what is told of the fields of one resource, by their names."""
    fields = (_field(name, one, resource.describe) for name, one in told.items() if isinstance(one, Mapping))
    return RemoteObject({one.path: one for one in fields}, origin=origin)


def _fields(document: Any, resource: Resource) -> list[RemoteField] | None:
    """Find the fields that are told of one resource; None where there are none."""
    listed = _listed(document, resource.describe.items if resource.describe is not None else "")
    if listed is not None and resource.describe is None:  # nobody says where fields stand: what has no type is none
        listed = [one for one in listed if _first(one, TYPES) is not None]
    if not listed:
        return None
    if len(listed) > MOST_FIELDS:
        raise DriftError(f"{resource.name} has more than {MOST_FIELDS:,} fields")
    names = (resource.describe.name, *NAMES) if resource.describe is not None else NAMES
    return [_field(name, one, resource.describe) for one in listed if (name := _text(one, names)) is not None]


def _listed(document: Any, at: str) -> list[Mapping[str, Any]] | None:
    found = document
    for step in at.split(".") if at else ():
        found = found.get(step) if isinstance(found, Mapping) else None
    for _ in range(len(WITHIN)):
        if found is None:
            return _listed(document, "") if at else None
        inside = next((found[key] for key in WITHIN if key in found), None) if isinstance(found, Mapping) else None
        if not isinstance(inside, Mapping | list):
            break
        found = inside
    if isinstance(found, Mapping):
        found = [{"name": name, **one} for name, one in found.items() if isinstance(one, Mapping)]
    if not isinstance(found, list):
        return None
    return [one for one in found if isinstance(one, Mapping)]


def _field(name: str, told: Mapping[str, Any], described: Describe | None) -> RemoteField:
    word = str(_first(told, TYPES)).casefold().partition("(")[0].strip()
    type_ = TYPE_OF.get(word) or TYPE_OF.get(word.partition(" ")[0])
    if type_ == "decimal" and _whole(_first(told, ("scale",))) == 0 and word in ("double", "numeric", "number"):
        type_ = "int"
    precision, scale = _digits(told) if type_ == "decimal" else (None, None)
    nullable, read_only = _bool(_first(told, NULLABLE)), _bool(_first(told, READ_ONLY))
    length = _whole(_first(told, LENGTHS)) or None
    return RemoteField(
        name,
        type_,
        length=length if type_ == "text" else None,
        precision=precision,
        scale=scale,
        required=_is_required(told, nullable),
        nullable=nullable,
        readable=_at(told, described.read) if described is not None else _bool(told.get("readable")),
        writable=_is_writable(told, read_only, described),
        values=_values(_first(told, VALUES)) if type_ == "text" else None,
        open=type_ in _COMPOSED,
    )


def _is_writable(told: Mapping[str, Any], read_only: bool | None, described: Describe | None) -> bool | None:
    uses = [_bool(told.get(key)) for key in ("createable", "creatable", "updateable", "updatable")]
    if described is not None:
        uses += [_at(told, described.create), _at(told, described.update)]
    if any(use is not None for use in uses):
        return True in uses
    return not read_only if read_only is not None else None


def _is_required(told: Mapping[str, Any], nullable: bool | None) -> bool | None:
    """Whether a create has to name it: what has a default, or is filled by the system, has not."""
    said = _bool(_first(told, REQUIRED))
    filled = [_bool(told.get(key)) for key in ("defaultedOnCreate", "has_default", "calculated", "autoNumber")]
    if True in filled or _bool(told.get("createable")) is False or _bool(_first(told, READ_ONLY)) is True:
        return False
    if said is not None:
        return said
    return not nullable if nullable is not None else None


def _digits(told: Mapping[str, Any]) -> tuple[int | None, int | None]:
    both = told.get("digits")
    if isinstance(both, list) and len(both) == 2:
        return _whole(both[0]), _whole(both[1])
    precision, scale = (
        _whole(_first(told, ("precision", "numeric_precision"))),
        _whole(_first(told, ("scale", "numeric_scale", "decimals"))),
    )
    return (precision or None, scale) if precision and scale is not None and scale <= precision else (None, scale)


def _values(value: Any) -> tuple[str, ...] | None:
    """Read a closed list: texts, pairs of value and label, or objects with a ``value``; inactive ones are none."""
    if not isinstance(value, list) or not value:
        return None
    found = []
    for one in value:
        if isinstance(one, Mapping):
            one = None if _bool(one.get("active")) is False else _first(one, ("value", "id", "name"))
        elif isinstance(one, list):
            one = one[0] if one else None
        if isinstance(one, str | int) and not isinstance(one, bool) and str(one).strip():
            found.append(str(one))
    return tuple(dict.fromkeys(found)) or None


def _at(told: Mapping[str, Any], path: str | None) -> bool | None:
    return _bool(read_path(told, path)) if path is not None else None


def _first(told: Mapping[str, Any], keys: Iterable[str]) -> Any:
    return next((told[key] for key in keys if told.get(key) is not None), None)


def _text(told: Mapping[str, Any], keys: Iterable[str]) -> str | None:
    return next((told[key] for key in keys if isinstance(told.get(key), str) and told[key]), None)


def _bool(value: Any) -> bool | None:
    if isinstance(value, str):
        return {"yes": True, "true": True, "no": False, "false": False}.get(value.casefold())
    return value if isinstance(value, bool) else None


def _whole(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 1_000_000_000 else None
