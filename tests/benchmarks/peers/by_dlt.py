"""Rows put in the place of those with the same key, by dlt's merge into DuckDB: what the fold of a segment does.

The table that is merged into is filled first, unmeasured, by the same pipeline. The rows come as Arrow, which dlt hands
to the engine without looking at them one by one.
"""

from __future__ import annotations

import os
import shutil
from typing import Any

import dlt
import duckdb
import pyarrow.parquet as pq
from job import Job, given, measure

from benchmarks.measuring import Stopwatch

KEY, TABLE = "_native_id", "base"


def once(job: Job, watch: Stopwatch) -> Any:
    pipeline = _pipeline(job)
    with watch("fold"):
        rows = pq.read_table(job.result("fold_now.parquet"))
        pipeline.run(rows, table_name=TABLE, write_disposition="merge", primary_key=KEY)
    return pipeline


def keep(job: Job, found: Any) -> None:
    del found
    with duckdb.connect(str(job.result("dlt.duckdb"))) as connection:
        rows = f"SELECT * EXCLUDE (_dlt_id, _dlt_load_id) FROM folded.{TABLE}"
        connection.execute(f"COPY ({rows}) TO '{job.result('folded.parquet')}' (FORMAT parquet)")


def _pipeline(job: Job) -> Any:
    destination = dlt.destinations.duckdb(str(job.result("dlt.duckdb")))
    return dlt.pipeline("fold", str(job.result("pipelines")), destination=destination, dataset_name="folded")


def main() -> None:
    job = given()
    os.environ |= {
        "RUNTIME__DLTHUB_TELEMETRY": "false", "RUNTIME__LOG_LEVEL": "ERROR",
        "NORMALIZE__PARQUET_NORMALIZER__ADD_DLT_ID": "true", "NORMALIZE__PARQUET_NORMALIZER__ADD_DLT_LOAD_ID": "true",
    }  # fmt: skip
    shutil.rmtree(job.result("pipelines"), ignore_errors=True)
    before = pq.read_table(job.result("fold_before.parquet"))
    _pipeline(job).run(before, table_name=TABLE, write_disposition="merge", primary_key=KEY)
    measure(job, ("dlt", "duckdb"), once, keep)


if __name__ == "__main__":
    main()
