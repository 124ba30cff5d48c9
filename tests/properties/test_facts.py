"""What the checker concludes from conditions is so in the engine: every clause holds in every row that passes."""

from __future__ import annotations

from functools import cache
from itertools import product

import duckdb
from hypothesis import example, given, settings
from hypothesis import strategies as st
from sqlglot import exp

from language import CRM, NAMES, engine, tree
from syncline_compiler.checking import facts
from syncline_compiler.checking.expressions import Typer
from syncline_compiler.checking.names import native_scope
from syncline_compiler.diagnostics.diagnostic import Collector
from syncline_compiler.passes.parse_mapping import parse_expression
from syncline_compiler.source import Span

ROWS = list(product([None, "", "a", "b"], [None, "a", "b"], [None, "1", "5"], [None, "true", "false"]))
FIELDS = ("Text", "Other", "Whole", "Flag")

TEXTS = st.sampled_from(["Text", "Other", '"a"', '""', "null"])
WIDER_TEXTS = st.one_of(
    TEXTS,
    st.tuples(TEXTS, TEXTS).map(lambda pair: f"({pair[0]} ?? {pair[1]})"),
    st.tuples(TEXTS, TEXTS).map(lambda pair: f"({pair[0]} + {pair[1]})"),
    TEXTS.map(lambda text: f"({text} | trim | upper)"),
    TEXTS.map(lambda text: f'({text} | date "%Y" else null | text)'),
)
NUMBERS = st.sampled_from(["Whole", "1", "5", "(Whole ?? 1)", "(Whole + 1)", "length(Text)", "(length(Other) ?? 0)"])
SIMPLE = st.one_of(
    st.sampled_from(["Flag", "(Flag ?? false)", "(Flag ?? true)"]),
    st.tuples(WIDER_TEXTS, st.sampled_from(["==", "!="]), WIDER_TEXTS).map(" ".join),
    st.tuples(NUMBERS, st.sampled_from(["<", "<=", ">", ">=", "==", "!="]), NUMBERS).map(" ".join),
    st.tuples(WIDER_TEXTS, st.sampled_from(["is null", "is not null", 'in ("a")', 'not in ("a", null)'])).map(" ".join),
)
CONDITIONS = st.recursive(
    SIMPLE,
    lambda inner: st.one_of(
        st.tuples(inner, st.sampled_from(["and", "or"]), inner).map(lambda parts: f"({' '.join(parts)})"),
        inner.map(lambda text: f"not ({text})"),
    ),
    max_leaves=5,
)


@cache
def _duck() -> duckdb.DuckDBPyConnection:
    connection = engine()
    connection.execute(f"CREATE TABLE rows ({', '.join(f'{name} VARCHAR' for name in FIELDS)})")
    connection.executemany("INSERT INTO rows VALUES (?, ?, ?, ?)", ROWS)
    return connection


@settings(max_examples=300, deadline=None)
@given(CONDITIONS)
@example("not (Text is null and Other is null)")
@example('(Text ?? "") != ""')
@example('Text == Other and Text != "a"')
def test_conclusions_hold(condition: str) -> None:
    diagnostics = Collector()
    parsed = parse_expression(condition, Span("o.yaml", 1, 1, 1, 2), diagnostics)
    assert parsed is not None
    typed = Typer(NAMES, native_scope(CRM, CRM.resource("Account")), diagnostics).condition(parsed)
    if diagnostics.failed:  # such as a text beside a number: nothing to run
        return
    sql = tree(typed, {name: exp.column(name) for name in FIELDS}).sql("duckdb")
    # As `take` and `reject` test them: what is null counts as false.
    found = _duck().execute(f"SELECT *, coalesce({sql}, false) FROM rows").fetchall()
    for *values, held in found:
        row = dict(zip(FIELDS, values, strict=True))
        for clause in facts.when_true(parsed) if held else facts.when_false(parsed):
            assert any(_says(statement, row) is there for statement, there in clause), (condition, row, clause)


def _says(statement: str, row: dict[str, str | None]) -> bool:
    """Tell whether a name is there, or whether two are equal, as nulls are too."""
    one, equals, other = statement.partition(" == ")
    if not equals:
        return row[one] is not None
    left, right = (side[1:-1] if side.startswith('"') else row[side] for side in (one, other))
    return left == right
