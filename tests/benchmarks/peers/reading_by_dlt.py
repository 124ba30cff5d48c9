"""The list of ``reading.py``, read into DuckDB by dlt's REST source: ``reading_by_dlt.py URL``."""

from __future__ import annotations

import json
import os
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

os.environ |= {"RUNTIME__DLTHUB_TELEMETRY": "false", "RUNTIME__LOG_LEVEL": "ERROR"}

import dlt
from dlt.sources.rest_api import rest_api_source

from benchmarks.measuring import Stopwatch

STREAM = "customers"


def main() -> None:
    pages = {"type": "cursor", "cursor_path": "next", "cursor_param": "after"}
    listed = {"path": STREAM, "data_selector": "items", "paginator": pages}
    config = {"client": {"base_url": sys.argv[1]}, "resources": [{"name": STREAM, "endpoint": listed}]}
    watch = Stopwatch()
    with tempfile.TemporaryDirectory() as name:
        with watch("read"):
            into = dlt.destinations.duckdb(str(Path(name) / "read.duckdb"))
            pipeline = dlt.pipeline("reading", str(Path(name) / "pipelines"), destination=into, dataset_name="landed")
            pipeline.run(rest_api_source(config))
        with pipeline.sql_client() as client:
            ((count,),) = client.execute_sql(f"SELECT count(*) FROM {STREAM}")
    cpu, wall = watch.times["read"]
    print(json.dumps({"wall": wall, "cpu": cpu, "count": count}))


if __name__ == "__main__":
    main()
