"""Ledger writes of many tasks, committed together: one wait for the disk for all that are ready instead of one each.

In: the lease of a run, and steps that write to the ledger. Out: what each step returned, once it is on disk.
Invariants: a step has its result only after the commit; a step that fails takes no other with it. (Group commit, as in
DeWitt et al., Implementation Techniques for Main Memory Database Systems, 1984.)
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, TypeVar

from syncline_runtime.ledger import Lease, Ledger

T = TypeVar("T")
_Waiting = tuple[Callable[[], Any], "asyncio.Future[Any]"]


class Journal:
    """The ledger as concurrent tasks write to it."""

    def __init__(self, ledger: Ledger, lease: Lease) -> None:
        self._ledger, self._lease = ledger, lease
        self._waiting: list[_Waiting] = []
        self._committing: asyncio.Task[None] | None = None

    async def write(self, step: Callable[[], T]) -> T:
        """Do a step that writes to the ledger and wait until that is durable; raises what the step raises."""
        done: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._waiting.append((step, done))
        if self._committing is None:
            self._committing = asyncio.create_task(self._commit())
            self._committing.add_done_callback(self._ended)
        return await done

    async def _commit(self) -> None:
        while self._waiting:
            await asyncio.sleep(0)  # those whose answers have come as well join
            batch = list(self._waiting)
            told = await asyncio.to_thread(self._together, batch)
            self._waiting = self._waiting[len(batch) :]
            for (_, done), (result, error) in zip(batch, told, strict=True):
                if done.cancelled():  # nobody waits any more for what is on disk now
                    continue
                if error is None:
                    done.set_result(result)
                else:
                    done.set_exception(error)
        self._committing = None

    def _ended(self, committing: asyncio.Task[None]) -> None:
        """Let nobody wait for a commit that will not be: the one under way was broken off."""
        if self._committing is committing:
            self._committing = None
            waiting, self._waiting = self._waiting, []
            for _, done in waiting:
                done.cancel()

    def _together(self, batch: list[_Waiting]) -> list[tuple[Any, Exception | None]]:
        if len(batch) > 1:
            try:
                with self._ledger.together(self._lease):
                    return [(step(), None) for step, _ in batch]
            except Exception:
                pass  # nothing was recorded: each by itself shows which one it was
        return [_alone(step) for step, _ in batch]


def _alone(step: Callable[[], Any]) -> tuple[Any, Exception | None]:
    try:
        return step(), None
    except Exception as error:
        return None, error
