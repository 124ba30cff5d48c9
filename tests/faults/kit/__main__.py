"""Play worlds and tell what came of them.

    PYTHONPATH=tests python -m faults.kit --seeds 300 --table
    PYTHONPATH=tests python -m faults.kit --first 201 --seeds 30    # one world again

A world is given by its first seed and how many play in it (``--lanes``): the same two give the same story.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from contextlib import nullcontext
from pathlib import Path

from faults.kit.specs import releases
from faults.kit.story import Ended, tell
from faults.kit.table import table, told
from faults.kit.worlds import LANES, chosen, worlds
from support import postgres


def main() -> int:
    """Play them all; the exit code says whether anything did not hold."""
    parser = argparse.ArgumentParser(prog="python -m faults.kit", description=__doc__)
    parser.add_argument("--seeds", type=int, default=300)
    parser.add_argument("--first", type=int, default=1)
    parser.add_argument("--lanes", type=int, default=LANES, help="seeds that play side by side in one world")
    parser.add_argument("--minutes", type=float, default=None, help="begin no further world after so long")
    parser.add_argument("--table", action="store_true")
    parser.add_argument("--tale", action="store_true", help="tell everything that happened")
    parser.add_argument("--postgres", action="store_true", help="keep the ledgers on a PostgreSQL server")
    asked = parser.parse_args()
    with postgres.running() if asked.postgres else nullcontext() as postgres.chosen:
        return _play(asked)


def _play(asked: argparse.Namespace) -> int:
    ended: list[Ended] = []
    end = time.monotonic() + 60 * asked.minutes if asked.minutes is not None else None
    with tempfile.TemporaryDirectory(prefix="syncline-kit-") as folder:
        made = releases(Path(folder))
        for number, seeds in enumerate(worlds(asked.first, asked.seeds, asked.lanes)):
            if end is not None and time.monotonic() > end:
                break
            story = tell(chosen(made, seeds), Path(folder) / f"world{number}", seeds)
            ended.append(story)
            lines = story.tale if asked.tale else told(story) if story.violations else ()
            for line in lines:
                print(line, flush=True)
    print(table(ended) if asked.table else table(ended).splitlines()[-1])
    return 1 if any(story.violations for story in ended) else 0


if __name__ == "__main__":
    sys.exit(main())
