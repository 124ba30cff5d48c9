"""A watchdog over the engine: what takes too long is ended.

In: when a statement begins and ends. Out: the engine is interrupted, between two of its steps; if it does not heed that either, the
process ends as if it had been killed, which every run is made for. Invariant: a statement that ended in time is left alone.
"""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

LOOKS: Final = 0.25  # seconds between two looks
GRACE: Final = 60.0  # seconds in which an interrupted statement must end
EXIT_CODE: Final = 5


class Watchdog:
    """Watches the statements of one connection, one at a time."""

    def __init__(self, interrupt: Callable[[], None], patience: float) -> None:
        """``patience`` is the longest time that a statement may take, in seconds."""
        self._interrupt, self.patience = interrupt, patience
        self._began: float | None = None
        self._one = threading.Lock()
        self._over = threading.Event()
        self.bit = False  # the last statement was ended
        self._thread = threading.Thread(target=self._watch, name="watchdog", daemon=True)
        self._thread.start()

    def begin(self) -> None:
        """Take note that a statement begins."""
        self.bit = False
        self._began = time.monotonic()

    def end(self) -> None:
        """Take note that it has ended; one that begins after this is not meant by a late interrupt."""
        with self._one:
            self._began = None

    @contextmanager
    def within(self, seconds: float) -> Iterator[None]:
        """Have less patience until the block ends."""
        before, self.patience = self.patience, min(seconds, self.patience)
        try:
            yield
        finally:
            self.patience = before

    def stop(self) -> None:
        """Watch no more, and let go of the engine."""
        self._over.set()
        if threading.current_thread() is not self._thread:  # garbage may be collected in it
            self._thread.join()

    def _watch(self) -> None:
        while not self._over.wait(LOOKS):
            with self._one:
                taken = 0.0 if self._began is None else time.monotonic() - self._began
                if taken > self.patience + GRACE:
                    sys.stderr.write("syncline: the engine hangs, and the process ends itself; run again\n")
                    sys.stderr.flush()
                    os._exit(EXIT_CODE)
                if taken > self.patience:
                    self.bit = True
                    self._interrupt()
