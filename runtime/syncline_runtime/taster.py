"""The process in which a statement over foreign records is tried: ``python -m syncline_runtime.taster``, asked on standard input.

In: JSON with the statement, the folder in which its files lie, and bounds. Out: exit code 0 if the engine can stand it. Whatever
happens, a crash included, happens to this process alone; it is given no secret and reads nothing but that folder.
"""

from __future__ import annotations

import json
import resource
import sys
from pathlib import Path
from typing import Final

from syncline_runtime.state import taste

_BESIDE: Final = 3 * 1024**3  # bytes of address space for the interpreter and the engine themselves


def main() -> None:
    """Try one statement."""
    asked = json.load(sys.stdin)
    space, seconds = int(asked["memory"]) * 1024**2 + _BESIDE, int(asked["seconds"]) + 1
    resource.setrlimit(resource.RLIMIT_AS, (space, space))
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    taste(asked["statement"], Path(asked["folder"]), f"{asked['memory']}MB")


if __name__ == "__main__":
    main()
