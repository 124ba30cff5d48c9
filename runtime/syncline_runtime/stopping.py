"""A clean end before the work is done: asked for by SIGTERM, or because the time that a run has is over.

In: a run under way. Out: its ``stopping`` event, set; an error where nothing was sealed yet. Invariants: before the seal
nothing is kept and nothing was sent; after it what is under way ends and is recorded, and the next run goes on.
"""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from syncline_runtime.errors import Stopped
from syncline_runtime.stages.context import RunContext

T = TypeVar("T")


@contextmanager
def stoppable(run: RunContext, within: float | None) -> Iterator[None]:
    """Let SIGTERM, or the end of ``within`` seconds, stop a run."""
    loop = asyncio.get_running_loop()
    timer = None if within is None else loop.call_later(within, run.stopping.set)
    try:
        loop.add_signal_handler(signal.SIGTERM, run.stopping.set)
        listening = True
    except (NotImplementedError, RuntimeError, ValueError):  # no such signals here, or not the main thread
        listening = False
    try:
        yield
    finally:
        if timer is not None:
            timer.cancel()
        if listening:
            loop.remove_signal_handler(signal.SIGTERM)


async def unless_stopped(run: RunContext, work: Coroutine[Any, Any, T]) -> T:
    """Do what comes before the seal; Stopped if the run is to end before it is done."""
    working, stopping = asyncio.ensure_future(work), asyncio.ensure_future(run.stopping.wait())
    try:
        await asyncio.wait({working, stopping}, return_when=asyncio.FIRST_COMPLETED)
        if run.stopping.is_set():
            raise Stopped(
                "the run was stopped before anything was sent", mend="run again: it begins where this one began"
            )
        return working.result()
    finally:
        working.cancel()
        stopping.cancel()
        await asyncio.gather(working, stopping, return_exceptions=True)
