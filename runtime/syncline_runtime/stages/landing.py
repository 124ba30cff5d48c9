"""Landing: pages as lines become landed rows in the engine, many pages at a time.

In: ``Lines`` of one resource, whose ids and members the connector has checked. Out: rows of the landed relation, the same
ones that ``wire.flatten`` and ``raw_hash`` would make of the records (a test holds the two together), and the greatest
values of the cursor field.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from syncline_runtime.connectors import UNTOLD, is_gone_by, leaf_paths
from syncline_runtime.frozen import dataclass
from syncline_runtime.state import State, quoted, text
from syncline_runtime.system import NativeField, Resource


@dataclass(frozen=True)
class Batch:
    """A file of lines: the number of its first row, whose run it is, and whether some of its fields are not told."""

    path: Path
    start: int
    run: str
    partial: bool


def land_batch(state: State, resource: Resource, relation: str, columns: Iterable[str], batch: Batch) -> list[str]:
    """Append a batch to the landed relation; returns values of the cursor field, the greatest one among them."""
    state.execute(f"INSERT INTO {quoted(relation)} BY NAME {landing_query(resource, columns, batch)}")
    return _greatest(state, resource, relation, columns, batch)


def landing_query(resource: Resource, columns: Iterable[str], batch: Batch) -> str:
    """Give the query over a batch whose rows are landed."""
    fields = [field for field in resource.fields if field.readable]
    values = ", ".join(f"{_value(resource, field)} AS {quoted(f'native.{field.name}')}" for field in fields)
    return (
        f"SELECT {_columns(resource, fields, columns, batch)} FROM "
        f"(SELECT row_number() OVER () - 1 AS n, {_gone(resource)} AS gone, {values} FROM {_lines(resource, batch.path)})"
    )


def _lines(resource: Resource, path: Path) -> str:
    tree: dict[str, object] = {}
    texts = _kept_as_json(resource)
    for leaf in leaf_paths(resource):
        *around, name = leaf.split(".")
        at = tree
        for part in around:
            at = at.setdefault(part, {})  # type: ignore[assignment]
        at[name] = "JSON" if leaf in texts else "VARCHAR"
    shape = ", ".join(f"{text(name)}: {text(_type(kind))}" for name, kind in tree.items())
    return (
        f"read_json({text(str(path))}, format='newline_delimited', columns={{{shape}}}, maximum_object_size=67108864)"
    )


def _type(kind: object) -> str:
    if not isinstance(kind, dict):
        return str(kind)
    return f"STRUCT({', '.join(f'{quoted(name)} {_type(inner)}' for name, inner in kind.items())})"


def _kept_as_json(resource: Resource) -> set[str]:
    """List the paths whose values are looked at as JSON: there 1 and "1" are told apart."""
    return set(resource.gone) | {field.at for field in resource.fields if field.type == "bool"}


def _at(path: str) -> str:
    first, *rest = path.split(".")
    value = quoted(first)
    for part in rest:
        value = f"struct_extract({value}, {text(part)})"
    return value


def _value(resource: Resource, field: NativeField) -> str:
    """Give a field as native text, ``UNTOLD`` where the record does not hold it."""
    value = _at(field.at)
    if field.at in _kept_as_json(resource):
        plain = f"CAST({value} AS VARCHAR)"
        number = f"WHEN {plain} = '0' THEN 'false' WHEN {plain} = '1' THEN 'true' " if field.type == "bool" else ""
        value = f"CASE {number}WHEN starts_with({plain}, '\"') THEN {value} ->> '$' ELSE {plain} END"
    if field.ref is None and field.name != resource.id:
        value = f"nfc_normalize({value})"
    return f"nullif({value}, '')" if field.empty_is_null else value


def _columns(resource: Resource, fields: list[NativeField], columns: Iterable[str], batch: Batch) -> str:
    names = {name.removeprefix("native.") for name in columns if name.startswith("native.")}
    told = [field.name for field in fields if field.name in names]
    missing = _missing(told, sorted(names.difference(told)), batch)
    made = {
        "_native_id": quoted(f"native.{resource.id}"),
        "_op": f"CASE WHEN gone THEN 'delete' WHEN len({missing}) > 0 THEN 'partial' ELSE 'full' END",
        "_version": _plain(resource.version, batch) if resource.version else "NULL",
        "_seq": f"{batch.start} + n",
        "_raw_hash": _raw_hash([field.name for field in fields], batch),
        "_missing": missing,
        "_correlation": f"{text(batch.run)} || '-' || ({batch.start} + n)",
        **{f"native.{name}": _plain(name, batch) for name in told},
    }
    return ", ".join(f"{value} AS {quoted(name)}" for name, value in made.items())


def _plain(name: str, batch: Batch) -> str:
    column = quoted(f"native.{name}")
    return f"nullif({column}, {text(UNTOLD)})" if batch.partial else column


def _missing(told: list[str], never: list[str], batch: Batch) -> str:
    always = f"CAST([{', '.join(map(text, never))}] AS VARCHAR[])"
    if not batch.partial:
        return always
    each = ", ".join(f"CASE WHEN {quoted(f'native.{name}')} = {text(UNTOLD)} THEN {text(name)} END" for name in told)
    return f"list_concat({always}, list_filter(CAST([{each}] AS VARCHAR[]), lambda name: name IS NOT NULL))"


def _raw_hash(names: list[str], batch: Batch) -> str:
    """Hash as ``connectors.results.raw_hash`` does."""
    return f"md5(concat({', '.join(_hashed(name, batch) for name in sorted(names))}))"


def _hashed(name: str, batch: Batch) -> str:
    """Give what of a field is put together: one long row of parts takes half the time of parts within parts."""
    column, null, told = quoted(f"native.{name}"), text(f"{UNTOLD}{name}~"), text(f"{UNTOLD}{name}=")
    untold = f"WHEN {column} = {text(UNTOLD)} THEN '' " if batch.partial else ""
    return f"CASE WHEN {column} IS NULL THEN {null} {untold}ELSE {told} END, {_plain(name, batch)}"


def _gone(resource: Resource) -> str:
    """Give whether a record says of itself that it was deleted."""
    if not resource.gone:
        return "false"
    each = (
        f"coalesce(CAST({_at(path)} AS VARCHAR) IN ({', '.join(map(text, is_gone_by(wanted)))}), false)"
        for path, wanted in resource.gone.items()
    )
    return " AND ".join(each)


def _greatest(state: State, resource: Resource, relation: str, columns: Iterable[str], batch: Batch) -> list[str]:
    """Find the greatest cursor values: texts of one length, offset and mark between day and time order as instants do."""
    cursor = resource.list.cursor if resource.list else None
    if cursor is None:
        return []
    value, source = _value(resource, resource.native(cursor.field)), _lines(resource, batch.path)
    if (column := f"native.{cursor.field}") in columns:
        value, source = quoted(column), f"{quoted(relation)} WHERE _seq >= {batch.start}"
    zone = "regexp_extract(v, '(?:[Zz]|[+-][0-9]{2}:?[0-9]{2})$')"
    spelt = f"CASE WHEN v LIKE '__________T%Z' THEN 'TZ' ELSE substr(v, 11, 1) || {zone} END"  # most are: no pattern is sought
    rows = state.rows(
        f"SELECT max(v) FROM (SELECT {value} AS v FROM {source}) WHERE v <> '' AND v <> {text(UNTOLD)} "
        f"GROUP BY {'true' if cursor.format == 'text' else f'length(v), {spelt}'}"
    )
    return [str(row[0]) for row in rows]
