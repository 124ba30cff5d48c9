"""The locked shape: what a system was told to be when people last looked, kept in ``syncline.remote/SYSTEM.json`` beside the specs.

In: a shape, and the text of the file. Out: the text, and the shape again. Invariants: equal shapes, equal text; a field is one line, so
that a review shows what a vendor changed; a file that was edited by hand is told by its digest and never believed. Samples are not locked:
they prove no shape, and hold values of records.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Mapping
from typing import Any, get_args

from syncline_compiler.drift.remote import DriftError, RemoteField, RemoteObject, RemoteShape, SourceKind
from syncline_runtime.frozen import dataclass

FORMAT = 1
_MEMBERS = {one.name: one.default for one in dataclasses.fields(RemoteField) if one.name not in ("path", "evidence")}


def dump_remote(system: str, source: str, shape: RemoteShape) -> str:
    """Give the text of the file; ``source`` names what told of the system."""
    if shape.kind == "samples":
        raise DriftError("samples prove no shape: lock what a document tells")
    resources = {name: _object(one) for name, one in sorted(shape.objects.items())}
    head = {"remote": FORMAT, "system": system, "kind": shape.kind, "from": source, "sha256": _digest(resources)}
    lines = [f" {json.dumps(key)}: {json.dumps(value, ensure_ascii=False)}" for key, value in head.items()]
    return "{\n" + ",\n".join([*lines, f' "resources": {_laid_out(resources)}']) + "\n}\n"


@dataclass(frozen=True)
class Locked:
    """What a system was told to be, and by what."""

    system: str
    source: str
    shape: RemoteShape


def load_remote(text: str) -> Locked:
    """Read the text of the file; DriftError says what is wrong with it."""
    try:
        plain = json.loads(text)
        if plain["remote"] != FORMAT:
            raise DriftError(f"it is of format {plain['remote']}, and this compiler knows {FORMAT}")
        kind: SourceKind = plain["kind"]
        if plain["sha256"] != _digest(plain["resources"]) or kind not in get_args(SourceKind):
            raise DriftError("it was changed by hand, or merged")
        objects = {str(name): _read(one) for name, one in plain["resources"].items()}
        return Locked(str(plain["system"]), str(plain["from"]), RemoteShape(kind, objects))
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        if isinstance(error, DriftError):
            raise
        raise DriftError("it cannot be read: was it merged by hand?") from None


def _object(one: RemoteObject) -> dict[str, Any]:
    fields = {path: _field(told) for path, told in sorted(one.fields.items())}
    batches = {"batches": dict(sorted(one.batches.items()))} if one.batches else {}
    told = {"origin": one.origin, "open": one.open, "page": one.page, **batches, "lacks": list(one.lacks)}
    return {**told, "fields": fields}


def _field(told: RemoteField) -> dict[str, Any]:
    """Give what is told of a field; what is not told has no member."""
    plain = {name: getattr(told, name) for name, default in _MEMBERS.items() if getattr(told, name) != default}
    return plain | ({"values": list(told.values)} if told.values is not None else {})


def _read(plain: Mapping[str, Any]) -> RemoteObject:
    fields = {path: RemoteField(path, **_members(told)) for path, told in plain["fields"].items()}
    told = {"origin": str(plain["origin"]), "page": plain["page"], "lacks": tuple(plain["lacks"])}
    told["batches"] = {str(verb): int(most) for verb, most in plain.get("batches", {}).items()}
    return RemoteObject(fields, bool(plain["open"]), **told)


def _members(told: Mapping[str, Any]) -> dict[str, Any]:
    known = {name: value for name, value in told.items() if name in _MEMBERS}
    return known | ({"values": tuple(known["values"])} if "values" in known else {})


def _digest(resources: Mapping[str, Any]) -> str:
    said = json.dumps(resources, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(said.encode()).hexdigest()


def _laid_out(resources: Mapping[str, Any]) -> str:
    """Lay resources out with a line for each field."""
    parts = []
    for name, one in resources.items():
        head = [f"   {json.dumps(key)}: {json.dumps(one[key], ensure_ascii=False)}" for key in one if key != "fields"]
        lines = [
            f"    {json.dumps(path, ensure_ascii=False)}: {json.dumps(told, ensure_ascii=False)}"
            for path, told in one["fields"].items()
        ]
        fields = "{\n" + ",\n".join(lines) + "\n   }" if lines else "{}"
        told = ",\n".join([*head, f'   "fields": {fields}'])
        parts.append(f"  {json.dumps(name, ensure_ascii=False)}: {{\n{told}\n  }}")
    return "{\n" + ",\n".join(parts) + "\n }" if parts else "{}"
