"""Samples: records of a system in files, and what they prove.

In: a folder with files named ``RESOURCE.json``, ``.jsonl`` or ``.csv``, or one file, and the system. Out: ``RemoteShape``. Invariant: a
sample never proves that a field is gone or a value impossible; what it tells, it tells with the number of records.
"""

from __future__ import annotations

import csv
import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from decimal import Decimal
from io import StringIO
from itertools import islice
from pathlib import Path
from typing import Any

from syncline_compiler.drift.documents import read_text
from syncline_compiler.drift.remote import MOST_FIELDS, DriftError, RemoteField, RemoteObject, RemoteShape, counted
from syncline_runtime.connectors.templates import ABSENT, read_path
from syncline_runtime.system import NativeField, NativeTypeName, Resource, System

MOST_RECORDS = 100_000
FORMS = (".json", ".jsonl", ".ndjson", ".csv")
MOST_VALUES = 1_000
"""Different values that are kept of one field."""
_INT = re.compile(r"-?\d{1,40}", re.ASCII)
_TIME = r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?"
_READ_AS: Mapping[NativeTypeName, re.Pattern[str]] = {
    "bool": re.compile(r"true|false|[01]", re.IGNORECASE),
    "int": _INT,
    "decimal": re.compile(r"-?\d{1,40}\.\d{1,40}", re.ASCII),
    "date": re.compile(r"\d{4}-\d\d-\d\d", re.ASCII),
    "instant": re.compile(rf"{_TIME} ?(?:Z|[+-]\d\d:?\d\d)?", re.ASCII),
    "local_datetime": re.compile(_TIME, re.ASCII),
}

_TIMES: tuple[NativeTypeName, ...] = ("date", "instant")
_TEXTS: tuple[NativeTypeName, ...] = (*_TIMES, "bool", "int", "decimal")
"""What texts of JSON, and those of CSV, are taken for where nobody says what they are."""


def read_samples(files: Mapping[str, Path], system: System, named: Mapping[str, str]) -> RemoteShape:
    """Look through records; ``files`` by resource, or ``CONNECTION.RESOURCE``."""
    objects, untold = {}, []
    by_name = {name.rpartition(".")[2].casefold(): path for name, path in files.items()}
    for resource in system.resources:
        path = by_name.get(named.get(resource.name, resource.name).casefold())
        if path is None and len(files) == 1 and len(system.resources) == 1:
            path = next(iter(files.values()))
        if path is None:
            untold.append(resource.name)
            continue
        listed = resource.list.items if resource.list is not None else ""
        records = list(islice(_records(path, listed), MOST_RECORDS))
        objects[resource.name] = look_through(records, resource, path.name, texts=path.suffix == ".csv")
    if not objects:
        raise DriftError(f"no file is a sample of {system.name}: name files as resources, such as {untold[0]}.json")
    return RemoteShape("samples", objects, tuple(untold))


def look_through(records: list[Any], resource: Resource, origin: str, *, texts: bool = False) -> RemoteObject:
    """Tell what records prove of a resource; ``texts``: they hold nothing but texts, as CSV does."""
    if not records:
        raise DriftError(f"{origin} holds no records: nothing can be told from it")
    known = {field.at: field for field in resource.fields}
    fields = {at: _judged(at, [read_path(one, at) for one in records], field, texts) for at, field in known.items()}
    others = dict.fromkeys(
        name for record in records if isinstance(record, Mapping) for name in record
        if name not in known and not any(at.startswith(f"{name}.") for at in known)
    )  # fmt: skip
    if len(others) > MOST_FIELDS:
        raise DriftError(
            f"{origin}: the records have more than {MOST_FIELDS:,} fields: they are no records of one kind"
        )
    for name in others:
        fields[name] = _judged(
            name, [one.get(name, ABSENT) for one in records if isinstance(one, Mapping)], None, texts
        )
    return RemoteObject(fields, open=True, records=len(records), origin=origin)


def _judged(path: str, values: list[Any], field: NativeField | None, texts: bool) -> RemoteField:
    """Say what the values of one field prove."""
    empty = texts or field is None or field.empty_is_null
    seen = [value for value in values if value is not ABSENT]
    there = [value for value in seen if value is not None and not (value == "" and empty)]
    if not there:
        what = "in none of" if not seen else "empty in all of"
        return RemoteField(path, evidence=f"{what} {counted(len(values), 'record')}", nullable=True if seen else None)
    nulls = len(seen) - len(there)
    without = f"; {nulls:,} of {counted(len(values), 'record')} have none" if nulls else ""
    kinds = Counter(_kind(value, field, texts) for value in there)
    whole, scale = _digits(there) if {"int", "decimal"} >= set(kinds) else (0, 0)
    named = dict.fromkeys(str(value) for value in there if isinstance(value, str | int))
    type_ = _type(kinds)
    return RemoteField(
        path,
        type_,
        length=max((len(value) for value in there if isinstance(value, str)), default=0) or None,
        precision=whole + scale if type_ == "decimal" else None,
        scale=scale if type_ == "decimal" else None,
        nullable=True if nulls else None,
        values=tuple(islice(named, MOST_VALUES)) if field is not None and field.values else None,
        open=type_ in ("json", "list"),
        evidence=f"{_on(kinds)}{without}",
    )


def _on(kinds: Counter[NativeTypeName]) -> str:
    """Say on how many records something rests."""
    mixed = f": {', '.join(f'{number:,} {kind}' for kind, number in kinds.most_common())}" if len(kinds) > 1 else ""
    return f"of {counted(kinds.total(), 'record')} that hold it{mixed}"


def _type(counts: Counter[NativeTypeName]) -> NativeTypeName:
    """Choose the type that all values are of; text where they are mixed."""
    kinds = set(counts)
    if len(kinds) == 1:
        return next(iter(kinds))
    if kinds == {"int", "decimal"}:
        return "decimal"
    return "json" if kinds & {"json", "list"} else "text"


def _kind(value: Any, field: NativeField | None, texts: bool) -> NativeTypeName:
    """Say of which type a value is; that of its field, where it can be read so."""
    if isinstance(value, bool):
        return "bool"
    if isinstance(value, int):
        return "bool" if field is not None and field.type == "bool" and value in (0, 1) else "int"
    if isinstance(value, Decimal):
        return "decimal"
    if isinstance(value, list):
        return "list"
    if isinstance(value, Mapping):
        return "json"
    return _kind_of_text(str(value), field.type if field is not None else None, texts)


def _kind_of_text(text: str, wanted: NativeTypeName | None, texts: bool) -> NativeTypeName:
    if wanted is not None and wanted not in _READ_AS and texts:
        return wanted
    if wanted is not None and wanted in _READ_AS and _READ_AS[wanted].fullmatch(text):
        return wanted
    if wanted == "decimal" and _INT.fullmatch(text):
        return "int"
    return next((kind for kind in (_TEXTS if texts else _TIMES) if _READ_AS[kind].fullmatch(text)), "text")


def _digits(values: list[Any]) -> tuple[int, int]:
    """Give how many digits numbers have before the point, and after it."""
    told = [Decimal(value).normalize().as_tuple() for value in values]
    ends = [(len(one.digits), one.exponent if isinstance(one.exponent, int) else 0) for one in told]
    return max(max(0, digits + end) for digits, end in ends), max(max(0, -end) for _, end in ends)


def _records(path: Path, items: str) -> Iterator[Any]:
    text = read_text(path)
    try:
        if path.suffix == ".csv":
            yield from csv.DictReader(StringIO(text, newline=""))
        elif path.suffix == ".json":
            yield from _of_json(json.loads(text, parse_float=Decimal), items, path)
        else:
            yield from (json.loads(line, parse_float=Decimal) for line in text.splitlines() if line.strip())
    except RecursionError:
        raise DriftError(f"{path}: nested too deep to be records") from None
    except (ValueError, csv.Error) as error:
        raise DriftError(f"{path}: {str(error)[:200]}") from None


def _of_json(value: Any, items: str, path: Path) -> list[Any]:
    """Find the records in a file: a list, one as the system answers with it, or one record."""
    if isinstance(value, list):
        return value
    found = read_path(value, items) if items else ABSENT
    if isinstance(found, list):
        return found
    if isinstance(value, Mapping):
        return [value]
    raise DriftError(f"{path} holds no records: a list of objects is expected")
