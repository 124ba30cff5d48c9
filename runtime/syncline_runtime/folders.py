"""Folders: the names of some below that of a state, and how one takes another's place as a whole."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

PLANNED: Final = "planned"  # change sets as they were planned


def exchange(fresh: Path, target: Path, old: Path) -> None:
    """Put the fresh folder in the target's place; what was there goes to ``old``, and comes back if that fails."""
    if target.exists():
        os.replace(target, old)
    try:
        os.replace(fresh, target)
    except OSError:
        if old.exists():
            os.replace(old, target)
        raise
