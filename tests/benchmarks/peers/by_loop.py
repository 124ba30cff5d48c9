"""The transform as a loop over dicts, with nothing but Python: from rows to writes and to what is then agreed.

For phase *changed* only: the CRM is read whole, the ERP tells nothing. Rows whose hash is as stored are left alone, as
everybody here does. The engine serves as a reader of Parquet, and gives tuples.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

import duckdb
import mapping
from job import Job, given, measure

from benchmarks.measuring import Stopwatch

Row = dict[str, Any]
STORED = """* EXCLUDE (_status, _version, _mapping, _open, _slots, _before, _written, _disputed, _synced, _unseen)
    REPLACE ("agreed.reviewed_at" AT TIME ZONE 'UTC' AS "agreed.reviewed_at")"""  # instants in UTC, as everywhere here
EPOCH = datetime(1970, 1, 1)


@dataclass(frozen=True)
class Found:
    """What is to be written, a tuple for each field; what the CRM lacks now; what is then agreed."""

    writes: list[tuple[Any, ...]]
    gone: set[str]
    agreed: list[Row]


@dataclass(frozen=True)
class Side:
    """Records of a member by canonical id: their values now, and the rows that were stored."""

    now: dict[str, Row]
    agreed: dict[str, Row]


def once(job: Job, watch: Stopwatch) -> Found:
    with watch("land"):
        rows = list(_rows(job, "crm_now", "_native_id, _raw_hash, COLUMNS('^native\\.')"))
        stored = {s: list(_rows(job, f"base_{s}", STORED)) for s in mapping.SIDES}
        numbers = {row["number"]: row["_cid"] for row in _rows(job, "canonical", "number, _cid")}
    reads = {side: _reader(job, side) for side in mapping.SIDES}
    with watch("normalise"):
        known = {row["_native_id"]: row for row in stored["crm"]}
        changed = [
            row for row in rows if (at := known.get(row["_native_id"])) is None or at["_raw_hash"] != row["_raw_hash"]
        ]
        gone = known.keys() - {row["_native_id"] for row in rows}
        read = [values for row in changed if (values := reads["crm"](row)) is not None]
    with watch("match"):
        linked = dict(_matched(job, read, known, numbers))
    with watch("merge"):
        crm = Side(linked, {row["_cid"]: row for row in stored["crm"]})
        at_erp = {row["_cid"]: row for row in stored["erp"] if row["_cid"] in linked}
        erp = Side({cid: values for cid, row in at_erp.items() if (values := reads["erp"](row)) is not None}, at_erp)
        golden = {cid: _winners(row, erp.now.get(cid), cid not in crm.agreed) for cid, row in crm.now.items()}
    with watch("diff"):
        writes: list[tuple[Any, ...]] = []
        agreed: list[Row] = []
        for name, side in (("crm", crm), ("erp", erp)):
            for cid, winner in golden.items():
                writes += _writes(name, cid, winner, side.now.get(cid))
            agreed += list(_agreed(name, golden, side))
    return Found(writes, gone, agreed)


def keep(job: Job, found: Found) -> None:
    names = ("connection", "operation", "canonical_id", "native_id", "field", "value")
    _write(job.result("writes.jsonl"), (dict(zip(names, write, strict=True)) for write in found.writes))
    _write(job.result("gone.jsonl"), ({"_native_id": native_id} for native_id in found.gone))
    _write(job.result("agreed.jsonl"), found.agreed)


def _write(path: Path, rows: Iterable[Row]) -> None:
    with path.open("w", encoding="utf-8") as file:
        file.writelines(json.dumps(row, default=str, ensure_ascii=False) + "\n" for row in rows)


def _rows(job: Job, name: str, columns: str) -> Iterator[Row]:
    connection = duckdb.connect(config={"threads": 1})
    connection.execute("SET TimeZone='UTC'")
    told = connection.execute(f"SELECT {columns} FROM read_parquet(?)", [str(job.file(name))])
    names = [column[0] for column in told.description or ()]
    while some := told.fetchmany(10_000):
        yield from (dict(zip(names, row, strict=True)) for row in some)


def _reader(job: Job, side: str) -> Callable[[Row], Row | None]:
    """Give what makes canonical values of a native row; None where one is not valid or a required one is missing."""
    reads = _reads(job, side)
    natives = {field: f"native.{mapping.native(field, side)}" for field in mapping.NATIVES}
    limit_currency = f"native.{mapping.LIMIT_CURRENCY[side]}"

    def read(row: Row) -> Row | None:
        values: Row = {"_native_id": row["_native_id"]}
        for field, column in natives.items():
            text = row[column]
            value = None if text is None else reads[field](text)
            if value is None and (text is not None or field in mapping.REQUIRED):
                return None
            values[field] = value
        return _with_money(values, row[limit_currency], reads["currency"])

    return read


def _with_money(values: Row, text: str | None, read: Callable[[str], Any]) -> Row | None:
    currency = None if text is None else read(text)
    amount = values["credit_limit"]
    if currency is None and (text is not None or amount is not None):
        return None
    values["credit_limit"] = None if amount is None else (amount, currency)
    return values


def _reads(job: Job, side: str) -> Mapping[str, Callable[[str], Any]]:
    countries, currencies = frozenset(job.countries), frozenset(job.currencies)
    email = re.compile(mapping.EMAIL)
    kinds: dict[str, Callable[[str], Any]] = {
        "text": lambda text: text,
        "squash": lambda text: " ".join(text.split()),
        "trim": str.strip,
        "upper": str.upper,
        "country": lambda text: text.upper() if text.upper() in countries else None,
        "currency": lambda text: text.upper() if text.upper() in currencies else None,
        "email": lambda text: _with_small_host(text) if email.fullmatch(text) else None,
        "money": _decimal("money", Decimal("0.0001")),
        "share": _decimal("share", Decimal("0.01")),
        "int": lambda text: int(text) if re.fullmatch(mapping.INTEGER, text) else None,
        "bool": mapping.BOOLS[side].get,
        "date": lambda text: _date(text, side),
        "instant": _instant if side == "crm" else lambda text: EPOCH + timedelta(seconds=int(text)),
    }
    kinds_of = {field: kinds[kind] for field, kind in mapping.KINDS.items() if kind != "code"}
    return kinds_of | {field: codes.get for field, codes in mapping.CODES[side].items()}


def _with_small_host(text: str) -> str:
    name, host = text.split("@")
    return f"{name}@{host.lower()}"


def _decimal(kind: str, places: Decimal) -> Callable[[str], Decimal | None]:
    shape = re.compile(mapping.DECIMAL[kind])

    def read(text: str) -> Decimal | None:
        try:
            return Decimal(text).quantize(places) if shape.fullmatch(text) else None
        except InvalidOperation:
            return None

    return read


def _date(text: str, side: str) -> date | None:
    try:
        return datetime.strptime(text, mapping.DATES[side]).date() if re.fullmatch(mapping.DATE[side], text) else None
    except ValueError:
        return None


def _instant(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(text[:-1]) if re.fullmatch(mapping.INSTANT, text) else None
    except ValueError:
        return None


def _matched(
    job: Job, read: Iterable[Row], known: Mapping[str, Row], numbers: Mapping[str, str]
) -> Iterator[tuple[str, Row]]:
    """Canonical ids of all that have one or get one; a number that comes twice, or that is taken, waits."""
    pool: dict[str, list[Row]] = defaultdict(list)
    for values in read:
        if stored := known.get(values["_native_id"]):
            yield stored["_cid"], values
        else:
            pool[values["number"]].append(values)
    for number, those in pool.items():
        if len(those) == 1 and number not in numbers:
            name = "\x1f".join((job.realm, "customer", "crm", those[0]["_native_id"], "0"))
            yield hashlib.sha256(name.encode()).hexdigest()[:32], those[0]


def _winners(crm: Row, erp: Row | None, new_in_crm: bool) -> Row:
    """The CRM owns all but three fields; an owner that knows a record for the first time lets the other's values in."""
    won = dict(crm)
    if erp is not None:
        for field in mapping.OWNED_BY_ERP:
            won[field] = crm[field] if new_in_crm and erp[field] is None else erp[field]
    return won


def _writes(side: str, cid: str, winner: Row, now: Row | None) -> Iterator[tuple[Any, ...]]:
    """One for each native field that is to be another."""
    if now is None:
        differing = [(field, winner[field]) for field in mapping.NATIVES if winner[field] is not None]
    else:
        differing = [(field, winner[field]) for field in mapping.NATIVES if winner[field] != now[field]]
    head = (side, "create" if now is None else "update", cid, now and now["_native_id"])
    for field, value in differing:
        if field == "credit_limit":
            amount, currency = value or (None, None)
            yield (*head, mapping.LIMIT_CURRENCY[side], currency)
            value = amount
        yield (*head, mapping.native(field, side), _text(field, side, value))


def _text(field: str, side: str, value: Any) -> str | None:
    """Spell a canonical value as a system does."""
    if value is None:
        return None
    match mapping.KINDS[field]:
        case "code":
            return next(text for text, meant in mapping.CODES[side][field].items() if meant == value)
        case "bool":
            return next(text for text, meant in mapping.BOOLS[side].items() if meant is value)
        case "date":
            return str(value.strftime(mapping.DATES[side]))
        case "instant":
            return str(value.strftime("%Y-%m-%dT%H:%M:%SZ") if side == "crm" else int((value - EPOCH).total_seconds()))
    return str(value)


def _agreed(name: str, golden: Mapping[str, Row], side: Side) -> Iterator[Row]:
    """What is then agreed: the values as they are, but what was before where they are about to be written."""
    for cid, now in side.now.items():
        winner = golden[cid]
        if name == "erp" and all(winner[field] == now[field] for field in mapping.NATIVES):
            continue
        before = side.agreed.get(cid, {})
        row = {"connection": name, "_native_id": now["_native_id"], "_cid": cid}
        for field in mapping.NATIVES:
            value = now[field] if winner[field] == now[field] else before.get(f"agreed.{field}")
            if isinstance(value, tuple):
                value = dict(zip(("amount", "currency"), value, strict=True))
            row[f"agreed.{field}"] = value
        yield row


if __name__ == "__main__":
    measure(given(), ("duckdb",), once, keep)
