"""Live: what a system itself says of its fields, and records of it, read through the runtime's own connection.

In: the project, a system, an environment. Out: ``RemoteShape``. Raises DriftError, and SynclineError where the system cannot be reached or
is not the one that the environment says. Invariant: nothing is written; as much is read as a few pages hold, and nothing of it is kept.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from syncline_compiler.drift.describe import described_object
from syncline_compiler.drift.remote import DriftError, RemoteObject, RemoteShape
from syncline_compiler.drift.samples import look_through
from syncline_compiler.emit.plan import connection_of
from syncline_compiler.model.resolved import ResolvedProject
from syncline_runtime.binding import Connection
from syncline_runtime.connectors import ConnectionHandle, Page, Row, Surroundings, open_connection
from syncline_runtime.connectors.templates import write_path
from syncline_runtime.frozen import dataclass
from syncline_runtime.system import Resource, System

MOST_ROWS = 1_000
"""Of one resource: samples prove little, and more of them little more."""


@dataclass(frozen=True)
class Live:
    """Where a system is asked: an environment, and one of its connections where the system has several."""

    environment: str | None = None
    connection: str | None = None


def read_live(project: ResolvedProject, system: str, live: Live, around: Surroundings | None = None) -> RemoteShape:
    """Ask a system; ``around``: clock and transport, for tests."""
    connection = _connection(project, system, live)
    return asyncio.run(_read(project.systems[system], connection, around or Surroundings()))


def _connection(project: ResolvedProject, system: str, live: Live) -> Connection:
    environments = sorted(project.environments)
    name = live.environment or (environments[0] if len(environments) == 1 else None)
    if name is None or name not in project.environments:
        raise DriftError(f"name the environment with --env: {', '.join(environments) or 'the project has none'}")
    bound = [connection_of(one, project) for one in project.environments[name]]
    found = [one for one in bound if one.system == system and live.connection in (None, one.name)]
    if len(found) != 1:
        several = ", ".join(one.name for one in found)
        what = f"several connections to {system}: name one with --connection: {several}"
        raise DriftError(f"environment {name} has {what if found else f'no such connection to {system}'}")
    return found[0]


async def _read(system: System, connection: Connection, around: Surroundings) -> RemoteShape:
    objects: dict[str, RemoteObject] = {}
    untold: list[str] = []
    async with open_connection(system, connection, around) as handle:
        await handle.prove()
        for resource in system.resources:
            described = await handle.described(resource.name)
            if described is not None:
                objects[resource.name] = described_object(resource, described, connection.name)
            elif resource.list is None and resource.files is None:
                untold.append(resource.name)
            elif records := [_wire(resource, row.natives) for row in await _rows(handle, resource.name)]:
                objects[resource.name] = look_through(records, resource, connection.name, texts=True)
            else:
                untold.append(resource.name)
    kind = "samples" if any(one.records is not None for one in objects.values()) else "describe"
    return RemoteShape(kind, objects, tuple(untold))  # type: ignore[arg-type]


async def _rows(handle: ConnectionHandle, resource: str) -> list[Row]:
    rows: list[Row] = []
    async for page in handle.read(resource):
        rows += page.rows if isinstance(page, Page) else ()
        if len(rows) >= MOST_ROWS or not isinstance(page, Page):
            break
    return rows[:MOST_ROWS]


def _wire(resource: Resource, natives: Mapping[str, str | None]) -> dict[str, Any]:
    """Put natives where they stand on the wire."""
    record: dict[str, Any] = {}
    for name, text in natives.items():
        write_path(record, resource.native(name).at, text)
    return record
