"""Play worlds and tell what came of them.

    PYTHONPATH=tests python -m faults.kit --seeds 300 --table
    PYTHONPATH=tests python -m faults.kit --first 201 --seeds 50 --tale    # one world again
    PYTHONPATH=tests python -m faults.kit --seeds 5000 --keep    # and the table into README.md

A world is given by its first seed and how many play in it (``--lanes``): the same two give the same story.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
import time
from contextlib import nullcontext
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from faults.kit.specs import releases
from faults.kit.story import Ended, tell
from faults.kit.table import table, told
from faults.kit.worlds import LANES, chosen, worlds
from support import postgres

README: Final = Path(__file__).parents[1] / "README.md"
LAST: Final = "## The last table"


def main() -> int:
    """Play them all; the exit code says whether anything did not hold."""
    parser = argparse.ArgumentParser(prog="python -m faults.kit", description=__doc__)
    parser.add_argument("--seeds", type=int, default=300)
    parser.add_argument("--first", type=int, default=1)
    parser.add_argument("--lanes", type=int, default=LANES, help="seeds that play side by side in one world")
    parser.add_argument("--minutes", type=float, default=None, help="begin no further world after so long")
    parser.add_argument("--table", action="store_true")
    parser.add_argument("--keep", action="store_true", help="put the table into README.md")
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
            shutil.rmtree(Path(folder) / f"world{number}")
            ended.append(story)
            lines = story.tale if asked.tale else told(story) if story.violations else ()
            for line in lines:
                print(line, flush=True)
    tables = table(ended)
    print(tables if asked.table else tables.splitlines()[-1])
    if asked.keep:
        _keep(tables, datetime.now(UTC).date().isoformat())
    return 1 if any(story.violations for story in ended) else 0


def _keep(tables: str, day: str) -> None:
    before = README.read_text(encoding="utf-8").partition(LAST)[0]
    README.write_text(
        f"{before}{LAST}\n\n{day}: `python -m faults.kit {' '.join(sys.argv[1:])}`\n\n{tables}\n", encoding="utf-8"
    )


if __name__ == "__main__":
    sys.exit(main())
