"""Whether two expressions that are written otherwise mean the same: their normal forms are compared before, and here rows are tried.

In: an expression before and after, over one native record. Out: ``Proof``: the smallest row that tells them apart, or how many rows
did not. Rows are what a state knows, and are made of what the expressions themselves speak of: their constants, the closed values and
types of the fields they read, and what is at the edge of each. Nothing that is not proved is called equal.
"""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from syncline_compiler.changes.change import Change
from syncline_compiler.changes.gather import mapping_item
from syncline_compiler.emit.sql import render
from syncline_compiler.lowering import build as b
from syncline_compiler.lowering.expression import Frame, failures, lower
from syncline_compiler.model import ir, typed
from syncline_compiler.model.resolved import CodeTable, ResolvedProject
from syncline_compiler.model.typed import Expression
from syncline_compiler.review.report import Proof
from syncline_runtime.frozen import dataclass
from syncline_runtime.known_rows import NOTHING_KNOWN, KnownRows
from syncline_runtime.report import MASK
from syncline_runtime.state import Engine, quoted, scratch, text
from syncline_runtime.system import NativeField, Resource
from syncline_runtime.values import apply_function

ROWS = "rows"
MOST_ROWS = 2_000
SEED = 20_261_122
Row = tuple[str | None, ...]
_EDGES: Mapping[str, tuple[str, ...]] = {
    "text": ("", " ", "a", " A  b ", "Ä", "ß", "0", "a@B.example", "GB", "+41 44 668 18 00", "020 7946 0090"),
    "int": ("0", "1", "-1", "7", "1000000"),
    "decimal": ("0", "1", "-1", "0.5", "1.005", "99999.99"),
    "bool": ("true", "false"),
    "date": ("1999-12-31", "2024-02-29", "2026-11-22"),
    "instant": ("1999-12-31T23:30:00Z", "2024-02-29T12:00:00Z", "2026-03-29T01:30:00Z"),
    "local_datetime": ("1999-12-31T23:30:00", "2026-03-29T02:30:00"),
    "json": ("{}", "[]", '{"a":1}'),
    "list": ("[]", "[{}]"),
}

_PLAIN = "CAST(value AS VARCHAR)"
_AS_TEXT = {
    "money": "regexp_replace(CAST(value.amount AS VARCHAR), '(\\.[0-9]{2}[0-9]*?)0+$', '\\1') || ' ' || value.currency"
}
"""How a value is shown that is not one word; cents stay."""


def expression_of(change: Change, project: ResolvedProject) -> Expression | None:
    """Find the expression over native records that a change of a mapping is about, on one side."""
    kind, names = change.key
    mapping = next((one for one in project.mappings if mapping_item(one) == change.item), None)
    if mapping is None or len(names) > 1:
        return None
    if kind == "take":
        return mapping.take
    if kind == "reject":
        return next((one.condition for one in mapping.rejects if one.because == names[0]), None)
    if kind == "read":
        return next((line.get for line in mapping.lines if line.field == names[0] and line.get is not None), None)
    return None


def read_by(before: Expression, after: Expression) -> tuple[str, ...]:
    """Name the native fields that either expression reads."""
    return tuple(sorted({one.name for e in (before, after) for one in typed.fields_in(e) if one.scope == "native"}))


def told_apart(
    before: Expression,
    after: Expression,
    resource: Resource,
    projects: Sequence[ResolvedProject],
    known: KnownRows = NOTHING_KNOWN,
) -> Proof:
    """Look for a native record for which two expressions differ.

    ``projects`` give the code tables of each side; ``known``: rows of the fields that ``read_by`` names.
    """
    names = read_by(before, after)
    if any(map(_reaches_out, (before, after))) or any(name not in resource.by_name for name in names):
        return Proof("not proved")
    made = _rows([resource.native(name) for name in names], set(_constants(before)) | set(_constants(after)))
    seen = frozenset() if known.private else frozenset(known.rows)
    rows = (*known.rows, *(row for row in made if row not in seen))
    with scratch() as engine:
        columns = ", ".join(f"{quoted(f'native.{name}')} VARCHAR" for name in names) or "nothing VARCHAR"
        engine.execute(f"CREATE TABLE {quoted(ROWS)} (_row INTEGER, {columns})")
        listed = ", ".join(f"({n}, {', '.join(map(_literal, row)) or 'NULL'})" for n, row in enumerate(rows))
        engine.execute(f"INSERT INTO {quoted(ROWS)} VALUES {listed}")
        sides = [
            _answers(engine, e, project.codes, f"side{number}")
            for number, (e, project) in enumerate(zip((before, after), projects, strict=True))
        ]
    answers = list(zip(rows, *sides, strict=True))
    differing = [_Differing(n < len(known.rows), *answer) for n, answer in enumerate(answers) if answer[1] != answer[2]]
    tried = Proof("not proved", len(rows), len(known.rows), sum(one.of_data for one in differing))
    return _shown(tried, names, known.private, differing) if differing else tried


@dataclass(frozen=True)
class _Differing:
    """A row, and what both expressions make of it."""

    of_data: bool
    row: Row
    before: str | None
    after: str | None


def _shown(tried: Proof, names: Sequence[str], private: frozenset[str], differing: Sequence[_Differing]) -> Proof:
    """Show the smallest row: one of the data, unless that may not be read and one that is made up shows it too."""
    one = min(differing, key=lambda one: (one.of_data == bool(private), _size(one.row)))
    masked = one.of_data and private
    row = (
        (name, MASK if masked and name in private and value else value)
        for name, value in zip(names, one.row, strict=True)
    )
    before, after = (MASK if masked and value else value for value in (one.before, one.after))
    return replace(tried, kind="differs", row=tuple(row), before=before, after=after, of_data=one.of_data)


def _reaches_out(e: Expression) -> bool:
    """Whether it asks for more than the record at hand."""
    return isinstance(e, (typed.Resolve, typed.Aggregate)) or any(map(_reaches_out, typed.parts_of(e)))


def _size(row: Row) -> tuple[int, int, Row]:
    """Order rows: fewest values first, then the shortest."""
    values = [value for value in row if value is not None]
    return len(values), sum(map(len, values)), tuple(value or "" for value in row)


def _answers(engine: Engine, e: Expression, codes: Mapping[str, CodeTable], name: str) -> list[str | None]:
    """Give what an expression makes of each row, as text; what fails says so."""
    frame = Frame(name, image=ROWS, codes=_rows_of(codes), inverse_codes=_rows_back(codes))
    value, failed = lower(e, frame), [failure.condition for failure in failures(e, frame)]
    columns = (("_row", b.col("i", "_row")), ("value", value), ("failed", b.holds(b.any_of(failed))))
    for made in frame.values:
        given = [row[0] for row in engine.execute(render(made.query)).fetchall()]
        engine.execute(f"CREATE TABLE {quoted(made.output)} (input VARCHAR, output VARCHAR)")
        for value_in in given:
            answer = apply_function(made.function, made.option, value_in)
            engine.execute(f"INSERT INTO {quoted(made.output)} VALUES ({text(value_in)}, {_literal(answer)})")
    query = render(ir.Select(columns, ir.Source(ROWS, "i"), tuple(frame.joins)))
    found = engine.execute(
        f"SELECT CASE WHEN failed THEN 'set aside' ELSE {_AS_TEXT.get(e.type.kind, _PLAIN)} END FROM ({query}) ORDER BY _row"
    ).fetchall()
    return [row[0] for row in found]


def _rows_of(codes: Mapping[str, CodeTable]) -> Mapping[str, tuple[tuple[str, str], ...]]:
    return {name: table.rows for name, table in codes.items()}


def _rows_back(codes: Mapping[str, CodeTable]) -> Mapping[str, tuple[tuple[str, str], ...]]:
    return {name: tuple(table.inverse.items()) for name, table in codes.items()}


def _literal(value: str | None) -> str:
    return "NULL" if value is None else text(value)


def _constants(e: Expression) -> Iterator[str]:
    """Give the values that an expression names."""
    if isinstance(e, typed.Constant) and e.value is not None:
        yield str(e.value).lower() if isinstance(e.value, bool) else str(e.value)
    for part in typed.parts_of(e):
        yield from _constants(part)


def _rows(fields: Sequence[NativeField], constants: Iterable[str]) -> Iterator[Row]:
    """Give records: all that can be made of the values, or, of too many, some by chance that is the same each time."""
    named = sorted(constants)
    choices = [tuple(dict.fromkeys(_choices(field, named))) for field in fields]
    total = 1
    for choice in choices:
        total *= len(choice)
    if total <= MOST_ROWS:
        yield from itertools.product(*choices)
        return
    chance = random.Random(SEED)
    yield from {tuple(chance.choice(choice) for choice in choices) for _ in range(MOST_ROWS)}


def _choices(field: NativeField, constants: Sequence[str]) -> Iterator[str | None]:
    yield None
    if field.values:
        yield from field.values
    yield from constants
    if field.type == "text":
        for constant in constants:
            yield from (constant.upper(), constant.lower(), f" {constant} ", f"{constant}x")
        length = field.length or 80
        yield from ("x" * length, "y" * (length + 1))
    if field.type in ("int", "decimal"):
        yield from (str(int(one) + step) for one in constants if one.lstrip("-").isdigit() for step in (-1, 1))
    if not field.values:
        yield from _EDGES[field.type]
