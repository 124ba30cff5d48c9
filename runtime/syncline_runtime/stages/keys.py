"""Keys: the ids of all live records, read beside what has changed, so that deletions are seen without reading everything.

In: a list of keys as described, and what is known to be there. Out: ``keys_of`` a member: the ids, and whether they tell who is
absent. Invariants: an empty list tells nothing; what a list that is walked by counting may have skipped is asked for one by
one; more than the delete guard allows is not believed without approval, as with a whole read.
"""

from __future__ import annotations

from syncline_runtime.connectors import ConnectionHandle
from syncline_runtime.stages.context import RunContext, keys_of
from syncline_runtime.stages.gathering import NOTHING, Landed, land_more
from syncline_runtime.stages.skipped import as_pages, missed_of
from syncline_runtime.state import landed_columns, quoted
from syncline_runtime.system import Resource, keys_only


async def land_keys(run: RunContext, handle: ConnectionHandle, resource: Resource, known: str, relation: str) -> Landed:
    """Land the ids of all live records; ``known`` is a query of (_native_id, _written), ``relation`` what was read already."""
    keys, columns, listed = keys_of(relation), landed_columns([]), keys_only(resource)
    async with run.engine:
        run.state.empty(keys, columns)
    pages = handle.read_keys(resource.name)
    landed = await land_more(run, handle, listed, keys, columns, NOTHING, pages)
    counted = listed.list is not None and listed.list.paging.kind in ("page", "offset")
    if not landed.rows or not counted or resource.get is None or resource.parent is not None:
        return landed
    seen = f"{keys}/seen"
    async with run.engine:
        run.state.bind(seen, " UNION ALL ".join(f"SELECT _native_id FROM {quoted(name)}" for name in (keys, relation)))
    missed = await missed_of(run, handle, resource, known, seen)
    there = () if missed.more else tuple(row for row in missed.rows if not row.gone)
    return await land_more(run, handle, listed, keys, columns, landed, as_pages(there))
