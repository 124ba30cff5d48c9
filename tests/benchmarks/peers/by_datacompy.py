"""What differs between the CRM as it is read and as it is stored, found by datacompy over polars: the comparison only.

Records that are new or gone, and the native fields of the others that are not what they were.
"""

from __future__ import annotations

import polars as pl
from datacompy import PolarsCompare
from job import Job, given, measure

from benchmarks.measuring import Stopwatch

ID = "_native_id"


def once(job: Job, watch: Stopwatch) -> pl.DataFrame:
    with watch("land"):
        now, before = (pl.read_parquet(job.file(name), columns=_columns(job)) for name in ("crm_now", "base_crm"))
    with watch("diff"):
        compared = PolarsCompare(now, before, join_columns=ID, df1_name="now", df2_name="before")
        parts = [
            compared.df1_unq_rows.select(
                ID, what=pl.lit("new"), field=pl.lit(None, pl.String), value=pl.lit(None, pl.String)
            ),
            compared.df2_unq_rows.select(
                ID, what=pl.lit("gone"), field=pl.lit(None, pl.String), value=pl.lit(None, pl.String)
            ),
        ]
        for field in now.columns:
            if field != ID:
                differing = compared.intersect_rows.filter(~pl.col(f"{field}_match"))
                parts.append(differing.select(ID, what=pl.lit("changed"), field=pl.lit(field), value=f"{field}_now"))
        return pl.concat(parts)


def _columns(job: Job) -> list[str]:
    return [ID, *(name for name in pl.read_parquet_schema(job.file("crm_now")) if name.startswith("native."))]


def keep(job: Job, found: pl.DataFrame) -> None:
    found.write_parquet(job.result("found.parquet"))


if __name__ == "__main__":
    measure(given(), ("datacompy", "polars"), once, keep)
