"""What differs between a table as it is and as it was, found by drt: the comparison only, as a dry run with ``compute_diff``.

drt compares where a database can answer: its DuckDB source only reads. Hence both tables are put into PostgreSQL first,
unmeasured: the model (the CRM as it is read), drt's own snapshot of what it was before, and the destination, which holds
that too. Measured are the snapshot of the model, its comparison with the one before, the rows that come of it, and their
comparison with the destination, field by field. CPU seconds are those of this process and of the server together.
"""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import Any

import psycopg2
from drt.config.credentials import PostgresProfile
from drt.config.models import SyncConfig
from drt.destinations.postgres import PostgresDestination
from drt.engine.diff import DiffResult
from drt.engine.sync import run_sync
from drt.sources.postgres import PostgresSource
from job import Job, given, measure

from benchmarks.measuring import Stopwatch

TICK = os.sysconf("SC_CLK_TCK")
SYNC = "customers"


def once(job: Job, watch: Stopwatch) -> Any:
    sync, profile = _sync(job), _profile(job)
    with watch("diff"):
        return run_sync(
            sync,
            PostgresSource(),
            PostgresDestination(),
            profile,
            Path(job.out),
            dry_run=True,
            compute_diff=True,
            diff_limit=10**9,
        )


def keep(job: Job, found: Any) -> None:
    changed = [
        {"_native_id": new["id"], "what": "changed", "field": f"native.{field}", "value": value}
        for old, new in found.diff.updated
        for field, (_, value) in DiffResult.changed_fields(old, new).items()
    ]
    new = [{"_native_id": row["id"], "what": "new", "field": None, "value": None} for row in found.diff.added]
    gone = [{"_native_id": row["id"], "what": "gone", "field": None, "value": None} for row in found.diff_removed_keys]
    with job.result("found.jsonl").open("w", encoding="utf-8") as file:
        file.writelines(json.dumps(row) + "\n" for row in (*changed, *new, *gone))


def _profile(job: Job) -> PostgresProfile:
    return PostgresProfile(type="postgres", host="127.0.0.1", port=job.more["port"], dbname="postgres", user="syncline")


def _sync(job: Job) -> SyncConfig:
    destination = {
        "type": "postgres", "host": "127.0.0.1", "port": job.more["port"], "dbname": "postgres", "user": "syncline",
        "table": "held", "upsert_key": ["id"],
    }  # fmt: skip
    how = {"mode": "upsert", "incremental_strategy": "diff"}
    return SyncConfig.model_validate(
        {"name": SYNC, "model": "SELECT * FROM now", "destination": destination, "sync": how}
    )


def _prepare(job: Job) -> None:
    """Fill the tables, and let drt take its snapshot of how things were."""
    fields = job.more["fields"]
    columns = ", ".join(f'"{field}" text' for field in fields if field != "id")
    with _connected(job) as connection, connection.cursor() as cursor:
        for table, file in (("now", "now.csv"), ("held", "before.csv")):
            cursor.execute(f"CREATE TABLE {table} (id text PRIMARY KEY, {columns})")
            with job.result(file).open(encoding="utf-8") as rows:
                cursor.copy_expert(f"COPY {table} FROM STDIN (FORMAT csv, NULL '\\N')", rows)
            cursor.execute(f"ANALYZE {table}")
    source, profile = PostgresSource(), _profile(job)
    source.extract_snapshot_diff("SELECT * FROM held", profile, sync_name=SYNC, key_columns=["id"], hash_columns="all")
    source.commit_snapshot_diff(profile, SYNC)


def _connected(job: Job) -> Any:
    return psycopg2.connect(host="127.0.0.1", port=job.more["port"], dbname="postgres", user="syncline")


def _server(job: Job) -> int:
    """The process that all of the server's processes are children of."""
    with _connected(job) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        return int(_stat(cursor.fetchone()[0])[1])


def _stat(process: int) -> list[str]:
    """State, parent and what follows, as the system tells them of a process."""
    return Path(f"/proc/{process}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()


def _cpu(server: int) -> float:
    """Seconds of this process, of the server, of its children that live, and of those that ended."""
    ticks = 0
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            stat = _stat(int(entry.name))
        except OSError:
            continue
        if int(entry.name) == server:
            ticks += sum(map(int, stat[11:15]))
        elif int(stat[1]) == server:
            ticks += sum(map(int, stat[11:13]))
    return time.process_time() + ticks / TICK


def main() -> None:
    job = given()
    _prepare(job)
    server = _server(job)
    measure(job, ("drt-core",), once, keep, lambda: _cpu(server))


if __name__ == "__main__":
    main()
