"""Preflight: ask every system of a binding who it is, before anything is run.

In: release and binding. Out: a document with one entry per connection: reachable, proved account and environment, what
the first page of each resource says. Reads only.
"""

from __future__ import annotations

import asyncio
from typing import Any

from syncline_runtime.binding import Binding
from syncline_runtime.connectors import Surroundings, open_connection
from syncline_runtime.errors import SynclineError
from syncline_runtime.plan import Release


def preflight(release: Release, binding: Binding) -> dict[str, Any]:
    """Check every connection that the release uses; nothing is raised for one that cannot be used."""
    return {"version": 1, "environment": binding.environment, "connections": asyncio.run(_all(release, binding))}


async def _all(release: Release, binding: Binding) -> list[dict[str, Any]]:
    return list(await asyncio.gather(*(_one(release, binding, name) for name in sorted(release.index.connections))))


async def _one(release: Release, binding: Binding, name: str) -> dict[str, Any]:
    system = release.system_of(name)
    told: dict[str, Any] = {"connection": name, "system": system.name, "ok": False}
    try:
        bound = binding.connection(name)
        async with open_connection(system, bound, Surroundings()) as handle:
            proof = await handle.prove()
            told |= {"account": proof.account, "environment": proof.environment}
            resources = {m.resource for plan in release.in_order for m in plan.members if m.connection == name}
            told["notes"] = [await _readable(handle, resource) for resource in sorted(resources)]
            told["ok"] = True
    except SynclineError as error:
        told |= {"error": error.message, "code": error.error_code, "help": error.mend, "category": error.category}
    needed = [scope.scope for scope in release.index.scopes if scope.connection == name]
    return told | ({"scopes_needed": sorted(set(needed))} if needed else {})


async def _readable(handle: Any, resource: str) -> str:
    """Read one page of a resource; raises what reading raises."""
    async for page in handle.read(resource):
        rows = len(page.rows) if hasattr(page, "rows") else "a file"
        return f"{resource}: readable ({rows} on the first page)"
    return f"{resource}: readable (empty)"
