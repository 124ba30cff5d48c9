"""Seed files for systems that are folders.

In: a system of protocol ``files`` and a folder. Out: one file per resource, in the format of its description.
Parquet is not written here: only the engine reads and writes it.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from syncline_runtime.connectors import jsontext
from syncline_runtime.connectors.files import dialect
from syncline_runtime.connectors.templates import wrapped
from syncline_runtime.connectors.wire import assemble, flatten
from syncline_runtime.system import FileRead, NativeField, Resource, System

Rows = list[dict[str, str | None]]


def seed_rows(system: System, seeds: Mapping[str, Any]) -> dict[str, Rows]:
    """Give seed records as natives, by resource."""
    return {
        resource.name: [flatten(resource, row, system) for row in seeds.get(resource.name, ())]
        for resource in system.resources
    }


def write_drops(system: System, seeds: Mapping[str, Rows], folder: Path) -> None:
    """Write the records of each resource, as natives, to a file that its pattern finds."""
    for resource in system.resources:
        if resource.files and resource.files.format != "parquet":
            rows = seeds.get(resource.name, [])
            path = folder / _file_name(resource, resource.files)
            path.parent.mkdir(parents=True, exist_ok=True)
            _write(system, resource, resource.files, rows, path)


def _file_name(resource: Resource, files: FileRead) -> str:
    name = files.pattern.replace("**/", "").replace("?", "0")
    return name.replace("*", f"{resource.name.lower()}-1", 1).replace("*", "1")


def _write(system: System, resource: Resource, files: FileRead, rows: Rows, path: Path) -> None:
    with path.open("w", encoding=files.encoding, newline="") as file:
        if files.format == "csv":
            writer = csv.writer(file, dialect(files))
            columns = _columns(resource, files)
            if files.header:
                writer.writerow([field.at if field else "" for field in columns])
            writer.writerows([_cell(files, field, row) if field else "" for field in columns] for row in rows)
            return
        records = [assemble(resource, row, system, sending=False) for row in rows]
        if files.format == "jsonl":
            file.writelines(jsontext.render(record) + "\n" for record in records)
        else:
            file.write(jsontext.render(wrapped(files.items, records)) + "\n")


def _columns(resource: Resource, files: FileRead) -> list[NativeField | None]:
    """List the fields in the order of their columns; where columns have numbers only, some may be nobody's."""
    if files.header:
        return list(resource.fields)
    numbered = {int(field.at): field for field in resource.fields}
    return [numbered.get(number) for number in range(1, max(numbered) + 1)]


def _cell(files: FileRead, field: NativeField, row: dict[str, str | None]) -> str:
    value = row.get(field.name)
    if not value:
        return files.nulls[0] if files.nulls and value is None else ""
    if files.numbers and field.type in ("int", "decimal"):
        return value.replace(".", files.numbers.point)
    written = {"date": files.dates, "local_datetime": files.times}.get(field.type)
    return datetime.fromisoformat(value).strftime(written.format) if written else value
