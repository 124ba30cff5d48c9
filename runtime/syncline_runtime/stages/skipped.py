"""What a list skips that is walked by counting: a record that goes meanwhile pulls another one over the edge of a page.

And what a list shows no more because it is part of another record, where that is told to who asks (``merged_answer``).

In: a whole walk as it was landed, and what is known to be there. Out: the same with what the walk did not show. Invariants: only
what the system does not have when asked is absent; a list that misses known records may miss others, of which nobody knows
and which would be created again: it is walked again until it has shown all that it shows at all.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from typing import Final

from syncline_runtime.connectors import ConnectionHandle, MergedAwayError, Page, Row
from syncline_runtime.errors import SystemFailure
from syncline_runtime.frozen import dataclass
from syncline_runtime.stages.context import RunContext
from syncline_runtime.stages.gathering import Landed, land_more
from syncline_runtime.state import quoted
from syncline_runtime.system import Resource

MOST_ASKED_FOR: Final = 200  # records; where more are missing, the guard decides
MOST_WALKS: Final = 4


@dataclass(frozen=True)
class Missed:
    """Known records that no walk has shown and that are there; ``lately``: written so lately that lists may not show them."""

    rows: tuple[Row, ...]
    lately: frozenset[str]
    more: bool  # there are more than were asked for

    @property
    def strange(self) -> frozenset[str]:
        """Those that a list should have shown."""
        return frozenset(row.native_id for row in self.rows if not row.gone) - self.lately


async def land_skipped(
    run: RunContext,
    handle: ConnectionHandle,
    resource: Resource,
    known: str,
    relation: str,
    columns: dict[str, str],
    landed: Landed,
) -> Landed:
    """Land what a walk did not show of ``known``, a query of (_native_id, _written)."""
    counted = resource.list is not None and resource.list.paging.kind in ("page", "offset")
    if not (counted or resource.merged_answer) or resource.get is None or resource.parent is not None:
        return landed
    missed, shown, walks = await missed_of(run, handle, resource, known, relation), landed.rows, 1
    while counted and missed.strange:
        if walks == MOST_WALKS:
            raise SystemFailure(
                f"each of {walks} walks through the list showed records that the others did not show",
                place=f"{handle.name}.{resource.name}",
                mend="run again; if it stays so, describe a list with a cursor or a next link",
            )
        before, start = missed.strange, landed.rows
        pages = handle.read_lines(resource.name, None, None)
        landed = await land_more(run, handle, resource, relation, columns, landed, pages)
        missed = await missed_of(run, handle, resource, known, relation)
        if missed.strange == before and landed.rows - start >= shown:
            break  # not skipped: the list never shows them
        shown, walks = landed.rows - start, walks + 1
    rows = () if missed.more else missed.rows
    return await land_more(run, handle, resource, relation, columns, landed, as_pages(rows))


async def missed_of(run: RunContext, handle: ConnectionHandle, resource: Resource, known: str, relation: str) -> Missed:
    """Ask for what is known to be there and does not stand in a relation of ids, one by one."""
    unshown = (
        f"SELECT _native_id, max(coalesce(_written, 0)) FROM ({known}) "
        f"WHERE _native_id NOT IN (SELECT _native_id FROM {quoted(relation)}) GROUP BY 1 ORDER BY 1"
    )
    async with run.engine:
        found = await asyncio.to_thread(run.state.rows, f"{unshown} LIMIT {MOST_ASKED_FOR + 1}")
    asked, since = found[:MOST_ASKED_FOR], run.now() - handle.system.visible_after * 1_000_000
    rows = await asyncio.gather(*(ask_for(run, handle, resource, native_id) for native_id, _ in asked))
    lately = frozenset(native_id for native_id, written in asked if written > since)
    return Missed(tuple(row for row in rows if row is not None), lately, len(found) > len(asked))


async def ask_for(run: RunContext, handle: ConnectionHandle, resource: Resource, native_id: str) -> Row | None:
    """Read one record; None if there is none any more, also because it is part of another: that is noted."""
    try:
        return await handle.get(resource.name, native_id)
    except MergedAwayError as error:
        run.answered.add((handle.name, resource.name, native_id, error.into))
        return None


async def as_pages(rows: Iterable[Row]) -> AsyncIterator[Page]:
    """Give rows as what a read shows."""
    yield Page(tuple(rows))
