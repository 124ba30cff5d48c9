"""The transform written by hand in polars: lazy scans and joins, from landed Parquet to writes and to what is then agreed.

For phase *changed* only: the CRM is read whole, the ERP tells nothing. What is stored is Parquet here; of it the ids and
hashes are read, then the rows of those that differ. Nothing is landed: a stage ends where its frames are collected.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import mapping
import polars as pl
from job import Job, given, measure

from benchmarks.measuring import Stopwatch

FIELDS = tuple(mapping.NATIVES)
ID = ["_cid", "_native_id"]


@dataclass(frozen=True)
class Found:
    """All that is to be written, a row for each field; what the CRM lacks now; what is then agreed, a frame for each member."""

    writes: pl.DataFrame
    gone: pl.DataFrame
    agreed: Mapping[str, pl.DataFrame]


def once(job: Job, watch: Stopwatch) -> Found:
    with watch("normalise"):
        changes, gone = _changes(job)
        ids = changes.get_column("_native_id")
        rows = pl.scan_parquet(job.file("crm_now")).filter(pl.col("_native_id").is_in(ids.implode()))
        crm = _values(job, rows.join(changes.lazy(), on="_native_id"), "crm").collect()
    with watch("match"):
        crm = _linked(job, crm)
    with watch("merge"):
        known = {side: _stored(job, side, crm) for side in mapping.SIDES}
        sides = {"crm": crm, "erp": _values(job, known["erp"].lazy(), "erp").collect()}
        golden = _golden(sides, known["crm"])
    with watch("diff"):
        compared = {side: _compared(golden, rows) for side, rows in sides.items()}
        writes = pl.concat([one for side, rows in compared.items() for one in _writes(side, rows)])
        agreed = {side: _agreed(side, rows, known[side]) for side, rows in compared.items()}
    return Found(writes, gone, agreed)


def keep(job: Job, found: Found) -> None:
    found.writes.write_parquet(job.result("writes.parquet"))
    found.gone.write_parquet(job.result("gone.parquet"))
    for side, rows in found.agreed.items():
        rows.write_parquet(job.result(f"agreed_{side}.parquet"))


def _changes(job: Job) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Rows of the CRM that are new or not as stored, with the canonical id if they have one; and those that are gone."""
    now = pl.scan_parquet(job.file("crm_now")).select("_native_id", now="_raw_hash")
    before = pl.scan_parquet(job.file("base_crm")).select("_native_id", "_cid", before="_raw_hash")
    both = now.join(before, on="_native_id", how="full", coalesce=True)
    differs = both.filter(pl.col("now").ne_missing(pl.col("before"))).collect()
    told = differs.get_column("now").is_not_null()
    return differs.filter(told).select("_native_id", "_cid"), differs.filter(~told).select("_native_id")


def _values(job: Job, rows: pl.LazyFrame, side: str) -> pl.LazyFrame:
    """Canonical values of native rows; rows with a value that is not valid, or without one that is required, are left out."""
    values = {field: _value(job, field, side) for field in FIELDS}
    natives = {field: pl.col(f"native.{mapping.native(field, side)}") for field in FIELDS}
    limit = pl.col(f"native.{mapping.LIMIT_CURRENCY[side]}")
    read = rows.select(
        *ID,
        *(value.alias(field) for field, value in values.items()),
        _known_as(limit, job.currencies).alias("limit_currency"),
        *(natives[field].is_null().alias(f"untold.{field}") for field in FIELDS),
        limit.is_null().alias("untold.limit_currency"),
    )
    faults = [pl.col(field).is_null() & ~pl.col(f"untold.{field}") for field in (*FIELDS, "limit_currency")]
    faults += [pl.col(field).is_null() for field in mapping.REQUIRED]
    faults += [pl.col("credit_limit").is_not_null() & pl.col("limit_currency").is_null()]
    money = pl.struct(amount="credit_limit", currency="limit_currency")
    valid = read.filter(~pl.any_horizontal(faults))
    whole = valid.with_columns(credit_limit=pl.when(pl.col("credit_limit").is_not_null()).then(money))
    return whole.select(*ID, *FIELDS)


def _value(job: Job, field: str, side: str) -> pl.Expr:
    text, kind = pl.col(f"native.{mapping.native(field, side)}"), mapping.KINDS[field]
    match kind:
        case "code":
            return _coded(text, mapping.CODES[side][field], pl.String)
        case "bool":
            return _coded(text, mapping.BOOLS[side], pl.Boolean)
        case "country" | "currency":
            return _known_as(text, job.countries if kind == "country" else job.currencies)
        case "money" | "share":
            precise = pl.Decimal(18, 4) if kind == "money" else pl.Decimal(5, 2)
            return _shaped(text, mapping.DECIMAL[kind]).cast(precise, strict=False)
        case "int":
            return _shaped(text, mapping.INTEGER).cast(pl.Int64, strict=False)
        case "date":
            return _shaped(text, mapping.DATE[side]).str.to_date(mapping.DATES[side], strict=False)
        case "instant":
            return _instant(text, side)
    return _form(text, kind)


def _form(text: pl.Expr, kind: str) -> pl.Expr:
    """Give texts in the form of their field."""
    match kind:
        case "squash":
            return text.str.replace_all(mapping.MARGIN, " ").str.strip_chars(" ")
        case "trim":
            return text.str.strip_chars()
        case "upper":
            return text.str.to_uppercase()
        case "email":
            host = text.str.extract("@(.*)$").str.to_lowercase()
            return pl.concat_str(_shaped(text, mapping.EMAIL).str.extract("^([^@]*@)"), host)
    return text


def _instant(text: pl.Expr, side: str) -> pl.Expr:
    if side == "erp":
        return (text.cast(pl.Int64, strict=False) * 1_000_000).cast(pl.Datetime("us", "UTC"))
    told = _shaped(text, mapping.INSTANT)
    return told.str.to_datetime("%Y-%m-%dT%H:%M:%SZ", time_unit="us", strict=False).dt.replace_time_zone("UTC")


def _shaped(text: pl.Expr, shape: str) -> pl.Expr:
    return pl.when(text.str.contains(f"^(?:{shape})$")).then(text)


def _known_as(text: pl.Expr, codes: Sequence[str]) -> pl.Expr:
    upper = text.str.to_uppercase()
    return pl.when(upper.is_in(codes)).then(upper)


def _coded(text: pl.Expr, codes: Mapping[str, object], kind: type[pl.DataType]) -> pl.Expr:
    return text.replace_strict(list(codes), list(codes.values()), default=None, return_dtype=kind)


def _linked(job: Job, crm: pl.DataFrame) -> pl.DataFrame:
    """Give new records a canonical id by their number; a number that comes twice, or that is taken, waits."""
    pool = crm.filter(pl.col("_cid").is_null())
    taken = pl.scan_parquet(job.file("canonical")).filter(pl.col("number").is_in(pool.get_column("number").implode()))
    alone = pool.filter(pl.col("number").is_unique()).join(taken.select("number").collect(), on="number", how="anti")
    made = [_canonical_id(job.realm, native_id) for native_id in alone.get_column("_native_id")]
    new = alone.with_columns(_cid=pl.Series(made, dtype=pl.String))
    return pl.concat([crm.filter(pl.col("_cid").is_not_null()), new])


def _canonical_id(realm: str, native_id: str) -> str:
    """Polars has no SHA-256, and there are few of these."""
    return hashlib.sha256("\x1f".join((realm, "customer", "crm", native_id, "0")).encode()).hexdigest()[:32]


def _stored(job: Job, side: str, concerned: pl.DataFrame) -> pl.DataFrame:
    return (
        pl.scan_parquet(job.file(f"base_{side}"))
        .filter(pl.col("_cid").is_in(concerned.get_column("_cid").implode()))
        .select("_cid", "_native_id", pl.col("^(native|agreed)\\..*$"))
        .collect()
    )


def _golden(sides: Mapping[str, pl.DataFrame], known: pl.DataFrame) -> pl.DataFrame:
    """The CRM owns all but three fields; an owner that knows a record for the first time lets the other's values in."""
    both = sides["crm"].join(sides["erp"], on="_cid", how="left", suffix=".erp")
    new_in_crm, in_erp = (
        ~pl.col("_cid").is_in(known.get_column("_cid").implode()),
        pl.col("_native_id.erp").is_not_null(),
    )
    owned = [
        pl.when(in_erp & ~(new_in_crm & pl.col(f"{field}.erp").is_null()))
        .then(pl.col(f"{field}.erp"))
        .otherwise(pl.col(field))
        .alias(field)
        for field in mapping.OWNED_BY_ERP
    ]
    return both.with_columns(owned).select("_cid", *FIELDS)


def _compared(golden: pl.DataFrame, side: pl.DataFrame) -> pl.DataFrame:
    """Winners beside what a member has now (``.now``), and whether they differ (``.differs``)."""
    both = golden.join(side, on="_cid", how="left", suffix=".now")
    return both.with_columns(
        *(_differs(field).alias(f"{field}.differs") for field in FIELDS),
        operation=pl.when(pl.col("_native_id").is_null()).then(pl.lit("create")).otherwise(pl.lit("update")),
    )


def _differs(field: str) -> pl.Expr:
    winner, now = pl.col(field), pl.col(f"{field}.now")
    if mapping.KINDS[field] != "money":
        return winner.ne_missing(now)
    parts = ("amount", "currency")
    return pl.any_horizontal(winner.struct.field(p).ne_missing(now.struct.field(p)) for p in parts)


def _writes(side: str, rows: pl.DataFrame) -> Iterator[pl.DataFrame]:
    """One frame for each native field: those that are to be another."""
    texts = {mapping.native(field, side): (field, _text(field, side)) for field in FIELDS}
    texts[mapping.LIMIT_CURRENCY[side]] = ("credit_limit", pl.col("credit_limit").struct.field("currency"))
    for native, (field, text) in texts.items():
        yield rows.filter(f"{field}.differs").select(
            pl.lit(side).alias("connection"),
            "operation",
            pl.col("_cid").alias("canonical_id"),
            pl.col("_native_id").alias("native_id"),
            pl.lit(native).alias("field"),
            text.alias("value"),
        )


def _text(field: str, side: str) -> pl.Expr:
    """Spell canonical values as a system does."""
    value = pl.col(field)
    match mapping.KINDS[field]:
        case "code":
            codes = mapping.CODES[side][field]
            return value.replace_strict(list(codes.values()), list(codes), default=None, return_dtype=pl.String)
        case "bool":
            spelled = {meant: text for text, meant in mapping.BOOLS[side].items()}
            return pl.when(value).then(pl.lit(spelled[True])).when(~value).then(pl.lit(spelled[False]))
        case "date":
            return value.dt.strftime(mapping.DATES[side])
        case "instant" if side == "crm":
            return value.dt.strftime("%Y-%m-%dT%H:%M:%SZ")
        case "instant":
            return value.dt.epoch("s").cast(pl.String)
        case "money":
            return value.struct.field("amount").cast(pl.String)
    return value.cast(pl.String)


def _agreed(side: str, rows: pl.DataFrame, known: pl.DataFrame) -> pl.DataFrame:
    """The values as they are now, but what was agreed before where they are about to be written."""
    here = rows.filter(pl.col("operation") == "update")
    if side == "erp":
        here = here.filter(pl.any_horizontal(f"{field}.differs" for field in FIELDS))
    told = here.join(known.select("_cid", pl.col("^agreed\\..*$")), on="_cid", how="left")
    return told.select(
        pl.lit(side).alias("connection"),
        "_native_id",
        "_cid",
        *(
            pl.when(f"{field}.differs")
            .then(pl.col(f"agreed.{field}"))
            .otherwise(pl.col(f"{field}.now"))
            .alias(f"agreed.{field}")
            for field in FIELDS
        ),
    )


if __name__ == "__main__":
    measure(given(), ("polars",), once, keep)
