"""Training: the records of a sync as identity rules see them, for who learns from them.

In: a release, a binding, a sync. Out: the rows of its ``pool``: every valid record of every member, read anew into a state that
is thrown away. Nothing is sent, and no state of the project is looked at or changed.
"""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from syncline_runtime.binding import Binding
from syncline_runtime.options import Options
from syncline_runtime.plan import Release
from syncline_runtime.result import ChangeSet, RunResult
from syncline_runtime.run import make_plan
from syncline_runtime.stages.context import Progress, RunContext
from syncline_runtime.stages.extract import extract
from syncline_runtime.stages.match import bind_links
from syncline_runtime.stages.normalise import normalise, wake
from syncline_runtime.state import quoted


def read_pool(
    release: Release, binding: Binding, sync: str, columns: Sequence[str], progress: Progress
) -> list[tuple[Any, ...]]:
    """Give connection, native id and the columns asked for (as text) of every record. SystemFailure if one is not read."""
    found: list[tuple[Any, ...]] = []

    async def decide(run: RunContext) -> RunResult:
        bind_links(run)
        await extract(run)
        for reading in run.readings.values():
            if reading.error is not None:
                raise reading.error
        (plan,) = run.plans
        normalise(run, plan)
        wake(run, plan)
        pool = plan.match[0]
        run.state.make(pool.output, pool.sql)
        listed = ", ".join(f"CAST({quoted(name)} AS VARCHAR)" for name in columns)
        found.extend(
            run.state.rows(f"SELECT connection, _native_id, {listed} FROM {quoted(pool.output)} ORDER BY 1, 2")
        )
        return RunResult(run.run_id, ChangeSet("", ()), [], [], [], {}, [])

    with tempfile.TemporaryDirectory() as folder:
        options = Options(state=Path(folder), syncs=(sync,), progress=progress)
        asyncio.run(make_plan(release, binding, options, decide))
    return found
