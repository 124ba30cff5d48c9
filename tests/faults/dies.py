"""Run as a program: does one thing to a state folder, and is killed at a moment of it.

    python dies.py RELEASE STATE MOMENT MODULE FUNCTION [ARGUMENT ...]

MOMENT is ``module:name:n``: the process kills itself when that function is entered for the n-th time, or `-` for never.
"""

from __future__ import annotations

import importlib
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

from syncline_runtime.plan import load_release
from syncline_runtime.upkeep.session import Place


def done_to(place: Place, moment: str, module: str, function: str, *arguments: str) -> int:
    """Do it in a process of its own; returns the exit code, negative if it was killed."""
    words = [sys.executable, __file__, str(place.release.folder), str(place.folder), moment, module, function]
    done = subprocess.run([*words, *arguments], capture_output=True, text=True, timeout=120)
    assert done.returncode in (0, -signal.SIGKILL), done.stderr
    return done.returncode


def _arm(moment: str) -> None:
    name, attribute, number = moment.split(":")
    owner: Any = importlib.import_module(name)
    *path, last = attribute.split(".")
    for step in path:
        owner = getattr(owner, step)
    inner, calls = getattr(owner, last), [0]

    def dying(*arguments: Any, **named: Any) -> Any:
        calls[0] += 1
        if calls[0] == int(number):
            os.kill(os.getpid(), signal.SIGKILL)
        return inner(*arguments, **named)

    setattr(owner, last, dying)


def main() -> None:
    folder, state, moment, module, function, *arguments = sys.argv[1:]
    release = load_release(folder)
    if moment != "-":
        _arm(moment)
    doing = getattr(importlib.import_module(module), function)
    doing(
        Place(release, release.binding(None), Path(state)),
        *(int(a) if len(a) > 12 and a.isdigit() else a for a in arguments),
    )


if __name__ == "__main__":
    main()
