"""The updates of ``delivery.py``, sent by drt: ``delivery_by_drt.py URL UPDATES TOGETHER``.

The address of drt's REST destination is the same for every record, so that each update goes to ``/rec/all`` and names its record
in the body. A sync sends one record after the other; as many syncs as are to be under way share the records, each in a thread, as
``drt run --threads`` has it.
"""

from __future__ import annotations

import json
import sqlite3
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from drt.config.credentials import SQLiteProfile
from drt.config.models import SyncConfig
from drt.destinations.rest_api import RestApiDestination
from drt.engine.sync import run_sync
from drt.sources.sqlite import SQLiteSource

from benchmarks.measuring import Stopwatch

BODY = '{"id": "{{ row.id }}", "name": "{{ row.name }}", "city": "{{ row.city }}", "tags": "{{ row.tags }}"}'


def main() -> None:
    url, updates, together = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    watch = Stopwatch()
    with tempfile.TemporaryDirectory() as name:
        profile = SQLiteProfile(type="sqlite", database=str(Path(name) / "model.sqlite"))
        with sqlite3.connect(profile.database) as model:
            model.execute("CREATE TABLE rec (number INTEGER, id TEXT, name TEXT, city TEXT, tags TEXT)")
            rows = ((n, f"n{n}", f"Name of {n}", "Łódź", "a, b, c") for n in range(updates))
            model.executemany("INSERT INTO rec VALUES (?, ?, ?, ?, ?)", rows)

        def part(number: int) -> int:
            sync = _sync(url, f"SELECT id, name, city, tags FROM rec WHERE number % {together} = {number}", number)
            return run_sync(sync, SQLiteSource(), RestApiDestination(), profile, Path(name)).success

        with watch("deliver"), ThreadPoolExecutor(together) as threads:
            count = sum(threads.map(part, range(together)))
    cpu, wall = watch.times["deliver"]
    print(json.dumps({"wall": wall, "cpu": cpu, "count": count}))


def _sync(url: str, model: str, number: int) -> SyncConfig:
    destination = {
        "type": "rest_api", "url": f"{url}/rec/all", "method": "PATCH", "body_template": BODY,
        "headers": {"Authorization": "Bearer x", "Content-Type": "application/json"},
        "rate_limit": {"requests_per_second": 1_000_000},
    }  # fmt: skip
    return SyncConfig.model_validate(
        {"name": f"part{number}", "model": model, "destination": destination, "sync": {"mode": "full"}}
    )


if __name__ == "__main__":
    main()
