"""What the systems still hold of a record that leaves the state.

In: native ids. Out: per system whether the record is there, and whether its description lets us delete it. Nothing is
deleted here: a system's copy has an owner of its own, who decides.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

from syncline_runtime.connectors import ConnectionHandle, open_connection
from syncline_runtime.errors import SynclineError
from syncline_runtime.upkeep.session import Place

Native = tuple[str, str, str]  # connection, resource, native id


async def still_held(place: Place, natives: Sequence[Native]) -> list[dict[str, Any]]:
    """Ask every system for the records, each once."""
    told: list[dict[str, Any]] = []
    for connection in sorted({native[0] for native in natives}):
        mine = [native for native in natives if native[0] == connection]
        system = place.release.system_of(connection)
        try:
            bound = place.binding.connection(connection)
            async with open_connection(system, bound, place.around) as handle:
                if bound.account or bound.environment:
                    await handle.prove()
                told += await asyncio.gather(*(_ask(place, handle, native) for native in mine))
        except SynclineError as error:
            told += [_told(place, native, "unknown", str(error.message)) for native in mine]
    return told


async def _ask(place: Place, handle: ConnectionHandle, native: Native) -> dict[str, Any]:
    _, resource, native_id = native
    if handle.system.resource(resource).get is None:
        return _told(place, native, "unknown", "its description names no request that reads one record")
    try:
        row = await handle.get(resource, native_id)
    except SynclineError as error:
        return _told(place, native, "unknown", error.message)
    return _told(place, native, "no" if row is None or row.gone else "yes", "")


def _told(place: Place, native: Native, holds: str, why: str) -> dict[str, Any]:
    connection, resource, native_id = native
    system = place.release.system_of(connection)
    return {
        "connection": connection,
        "system": system.name,
        "resource": resource,
        "native_id": native_id,
        "holds": holds,
        "can_delete": system.resource(resource).delete is not None,
        "why": why,
    }
