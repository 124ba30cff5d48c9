"""Preflight: ask every system of a binding who it is and what we may do there, before anything is run.

In: release and binding. Out: a document with one entry per connection: reachable, proved account and environment, scopes
and field permissions granted against needed, the far clock, requests left, what the first page of each resource says.
Reads only.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from typing import Any, Final

from syncline_runtime.binding import Binding
from syncline_runtime.connectors import ConnectionHandle, Page, Surroundings, open_connection
from syncline_runtime.errors import SynclineError
from syncline_runtime.plan import Member, Release

CLOCK_MATTERS: Final = 30.0  # seconds


def preflight(release: Release, binding: Binding, around: Surroundings | None = None) -> dict[str, Any]:
    """Check every connection that the release uses; nothing is raised for one that cannot be used."""
    connections = asyncio.run(_all(release, binding, around or Surroundings()))
    return {"version": 1, "environment": binding.environment, "connections": connections}


async def _all(release: Release, binding: Binding, around: Surroundings) -> list[dict[str, Any]]:
    names = sorted(release.index.connections)
    return list(await asyncio.gather(*(_one(release, binding, name, around) for name in names)))


async def _one(release: Release, binding: Binding, name: str, around: Surroundings) -> dict[str, Any]:
    system = release.system_of(name)
    told: dict[str, Any] = {"connection": name, "system": system.name, "ok": False, "reachable": False, "problems": []}
    needed = sorted({scope.scope for scope in release.index.scopes if scope.connection == name})
    members = [member for plan in release.in_order for member in plan.members if member.connection == name]
    try:
        async with open_connection(system, binding.connection(name), around) as handle:
            try:
                await _look(handle, needed, members, told)
            finally:
                told["reachable"] = handle.observed().reached
            told["ok"] = not any(problem["severity"] == "error" for problem in told["problems"])
    except SynclineError as error:
        told |= {"error": error.message, "code": error.error_code, "help": error.mend, "category": error.category}
    return told | ({"scopes_needed": needed} if needed else {})


async def _look(
    handle: ConnectionHandle, needed: Sequence[str], members: Sequence[Member], told: dict[str, Any]
) -> None:
    proof = await handle.prove()
    told |= {"account": proof.account, "environment": proof.environment}
    told["problems"] += await _scopes(handle, needed, told)
    for resource in sorted({member.resource for member in members}):
        told["problems"] += await _resource(handle, resource, members, told)
    told["problems"] += _observations(handle, told)


async def _scopes(handle: ConnectionHandle, needed: Sequence[str], told: dict[str, Any]) -> list[dict[str, str]]:
    """Compare scopes granted with those needed; where nothing tells, nothing is said."""
    granted = await handle.granted()
    if granted is None:
        return []
    told["scopes_granted"] = sorted(granted)
    missing = [scope for scope in needed if scope not in granted]
    help_ = f"have {', '.join(missing)} granted to this credential"
    return [_problem("error", f"not granted: {', '.join(missing)}", help_)] if missing else []


async def _resource(
    handle: ConnectionHandle, resource: str, members: Sequence[Member], told: dict[str, Any]
) -> list[dict[str, str]]:
    """Read one page of a resource, and ask what may be done with the fields that its mappings name."""
    of = [member for member in members if member.resource == resource]
    read = {name for member in of for name in member.reads}
    written = {name for member in of for name in member.writes}
    page = await _first_page(handle, resource)
    rows = page.rows if isinstance(page, Page) else ()
    first = "empty" if page is None else f"{len(rows)} on the first page" if isinstance(page, Page) else "a file"
    told.setdefault("notes", []).append(f"{resource}: readable ({first})")
    permissions = await handle.permissions(resource)
    denied = permissions.denied if permissions else {}
    problems = []
    described = handle.system.resource(resource)
    uses = (("read", read), ("create", written if described.create else set()))
    for use, fields in (*uses, ("update", written if described.update else set())):
        if lacking := sorted(fields & denied.get(use, frozenset())):
            problems.append(_field_problem(resource, use, lacking))
    partial = {name for member in of for name in member.partial}
    unseen = sorted(read - partial - {name for row in rows for name in row.natives} - denied.get("read", frozenset()))
    if rows and unseen:
        what = f"{resource}: no record of the first page holds {', '.join(unseen)}"
        help_ = "check that the credential may read them, and where the system description says they stand"
        of_columns = described.files is not None and described.files.format == "csv"
        problems.append(_problem("error" if of_columns else "warning", what, help_))  # a run refuses such a file
    return problems


def _field_problem(resource: str, use: str, fields: Sequence[str]) -> dict[str, str]:
    verb = {"read": "be read", "create": "be set on create", "update": "be changed"}[use]
    what = f"{resource}: {', '.join(fields)} may not {verb}"
    return _problem("error", what, "have the permission on these fields granted, or take the lines out")


async def _first_page(handle: ConnectionHandle, resource: str) -> object | None:
    """Read one page of a resource; raises what reading raises."""
    async for page in handle.read(resource):
        return page
    return None


def _observations(handle: ConnectionHandle, told: dict[str, Any]) -> Iterator[dict[str, str]]:
    observed = handle.observed()
    if observed.ahead is not None:
        told["clock_ahead_seconds"] = round(observed.ahead)
        if abs(observed.ahead) > CLOCK_MATTERS:
            yield _problem(
                "warning", f"its clock is {_apart(observed.ahead)} ours", "set the clock of this machine by NTP"
            )
    if observed.left is not None:
        told["requests_left"], told["requests_in_all"] = observed.left, observed.total
        if observed.left == 0:
            yield _problem("warning", "no requests are left", "wait, or have the limit raised, before a run")


def _apart(ahead: float) -> str:
    return f"{abs(ahead):.0f} s {'ahead of' if ahead > 0 else 'behind'}"


def _problem(severity: str, message: str, help_: str) -> dict[str, str]:
    return {"severity": severity, "message": message, "help": help_}
