"""The body of `syncline sandbox`: serve until told to stop.

In: system descriptions and a port. Out: one ready line, and a note in ``.syncline/sandbox.json`` by which other
commands started in the same folder find the sandbox while it runs.
"""

from __future__ import annotations

import json
import os
import signal
import threading
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Final

from syncline_runtime.connectors.origin import SANDBOX_DEFAULT, SANDBOX_NOTE
from syncline_runtime.sandbox.server import serve
from syncline_runtime.system import System

DEFAULT_PORT: Final = int(SANDBOX_DEFAULT.rpartition(":")[2])


def sandbox_command_body(
    systems: Iterable[System] | Mapping[str, System],
    port: int = DEFAULT_PORT,
    *,
    echo: Callable[[str], object] = print,
    note: Path = SANDBOX_NOTE,
) -> int:
    """Serve stand-ins until SIGTERM or SIGINT, and give the exit code. Must run in the main thread."""
    told = threading.Event()
    before = {number: signal.signal(number, lambda *_: told.set()) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        with serve(systems, port=port) as sandbox:
            _write_note(note, sandbox.url)
            try:
                names = ", ".join(sandbox.describe()["systems"])
                echo(f"sandbox ready at {sandbox.url} ({names}); stop it with Ctrl-C")
                told.wait()
            finally:
                _remove_note(note)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    return 0


def _write_note(note: Path, url: str) -> None:
    note.parent.mkdir(parents=True, exist_ok=True)
    partial = note.with_suffix(".part")
    partial.write_text(json.dumps({"url": url, "pid": os.getpid()}), encoding="utf-8")
    partial.replace(note)


def _remove_note(note: Path) -> None:
    """Remove our own note; another sandbox may have written its own since."""
    try:
        ours = json.loads(note.read_text(encoding="utf-8")).get("pid") == os.getpid()
    except (OSError, ValueError):
        return
    if ours:
        note.unlink(missing_ok=True)
