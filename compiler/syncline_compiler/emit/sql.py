"""Relational IR to SQL, built as a tree and rendered by sqlglot.

In: IR queries. Out: SQL text of a dialect (DuckDB). Identifiers and literals reach the text only through the tree.
Every operand that is not atomic is parenthesised here, so that no builder needs to know precedence.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

from sqlglot import exp

from syncline_compiler.emit.words import WORDS, call, literal, path_of
from syncline_compiler.functions import REGISTRY
from syncline_compiler.model import ir

DIALECT = "duckdb"
ELEMENT = "x"  # the lambda variable of list elements


def render(query: ir.Query) -> str:
    """Give the SQL text of a query."""
    return tree(query).sql(dialect=DIALECT)


def tree(query: ir.Query) -> exp.Expression:
    """Give the sqlglot tree of a query."""
    if isinstance(query, ir.Select):
        return _select(query)
    if not query.selects:
        return _no_rows(query.columns)
    made: exp.Expression = _select(query.selects[0])
    for select in query.selects[1:]:
        made = exp.Union(this=made, expression=_select(select), distinct=False)
    return made


def scalar(value: ir.Scalar) -> exp.Expression:
    """Give the sqlglot tree of a scalar."""
    match value:
        case ir.Column(table, name):
            return exp.Column(
                this=exp.Identifier(this=name, quoted=True), table=exp.Identifier(this=table, quoted=True)
            )
        case ir.Value():
            return _literal(value)
        case ir.Call():
            return _call(value)
        case ir.When():
            return _when(value)
        case ir.Codes():
            return _codes(value)
        case ir.Item(name):
            element = exp.Column(this=exp.Identifier(this=ELEMENT, quoted=False))
            return call("json_extract_string", element, literal(path_of(name)))
        case ir.Elements():
            return _elements(value)


def _call(value: ir.Call) -> exp.Expression:
    arguments = [_atomic(scalar(argument)) for argument in value.arguments]
    word = WORDS.get(value.name)
    if word is not None:
        return word(arguments, dict(value.options))
    build = REGISTRY[value.name].sql
    assert build is not None  # functions of the runtime are joined, never called
    return build(arguments, dict(value.options))


ATOMIC = (exp.Column, exp.Literal, exp.Paren, exp.Func, exp.Null, exp.Boolean, exp.Cast, exp.Case, exp.Bracket, exp.Dot)
LOGICAL = (exp.And, exp.Or)


def _atomic(e: exp.Expression) -> exp.Expression:
    if isinstance(e, ATOMIC) and not isinstance(e, LOGICAL):
        return e
    return exp.Paren(this=e)


def _literal(value: ir.Value) -> exp.Expression:
    match value.value:
        case None:
            made: exp.Expression = exp.Null()
        case bool():
            made = exp.Boolean(this=value.value)
        case int():
            made = exp.Literal(this=str(value.value), is_string=False)
        case _:
            made = literal(value.value)
    return exp.Cast(this=made, to=sql_type(value.sql_type)) if value.sql_type else made


@cache
def sql_type(text: str) -> exp.DataType:
    """Give the sqlglot type of an SQL type text; shared, so never changed."""
    return exp.DataType.build(text, dialect=DIALECT)


def _when(value: ir.When) -> exp.Expression:
    branches = [exp.If(this=scalar(c), true=_atomic(scalar(v))) for c, v in value.branches]
    return exp.Case(ifs=branches, default=_atomic(scalar(value.default)) if value.default is not None else None)


def _codes(value: ir.Codes) -> exp.Expression:
    keys = exp.Array(expressions=[literal(key) for key, _ in value.rows])
    meanings = exp.Array(expressions=[literal(meaning) for _, meaning in value.rows])
    return call("map_extract_value", call("MAP", keys, meanings), scalar(value.argument))


def _elements(value: ir.Elements) -> exp.Expression:
    elements: exp.Expression = exp.Cast(this=_atomic(scalar(value.list)), to=sql_type("JSON[]"))
    if value.where is not None:
        elements = call("list_filter", elements, _lambda(scalar(value.where)))
    made = call("list_transform", elements, _lambda(scalar(value.value)))
    if value.take == "first":
        return call("list_extract", made, exp.Literal(this="1", is_string=False))
    if value.take == "sorted":
        made = call("list_sort", made)
    return exp.Paren(
        this=exp.DPipe(
            this=exp.DPipe(this=literal("["), expression=call("array_to_string", made, literal(","))),
            expression=literal("]"),
        )
    )


def _lambda(body: exp.Expression) -> exp.Expression:
    return exp.Lambda(this=body, expressions=[exp.Identifier(this=ELEMENT, quoted=False)])


def _source(source: ir.Source) -> exp.Table:
    return exp.Table(
        this=exp.Identifier(this=source.relation, quoted=True),
        alias=exp.TableAlias(this=exp.Identifier(this=source.alias, quoted=True)),
    )


def _select(query: ir.Select) -> exp.Select:
    columns = [exp.Alias(this=_atomic(scalar(v)), alias=exp.Identifier(this=n, quoted=True)) for n, v in query.columns]
    made = exp.Select(expressions=columns)
    made.set("from_", exp.From(this=_source(query.source)))
    if query.joins:
        made.set("joins", [_join(join) for join in query.joins])
    if query.where is not None:
        made.set("where", exp.Where(this=scalar(query.where)))
    if query.group:
        made.set("group", exp.Group(expressions=[scalar(key) for key in query.group]))
    if query.distinct:
        made.set("distinct", exp.Distinct())
    return made


JOINS: dict[str, Callable[[exp.Table, exp.Expression | None], exp.Join]] = {
    "inner": lambda table, on: exp.Join(this=table, on=on),
    "left": lambda table, on: exp.Join(this=table, side="LEFT", on=on),
    "anti": lambda table, on: exp.Join(this=table, kind="ANTI", on=on),
    "cross": lambda table, _on: exp.Join(this=table, kind="CROSS"),
}


def _join(join: ir.Join) -> exp.Join:
    return JOINS[join.kind](_source(join.source), scalar(join.on) if join.on is not None else None)


def _no_rows(columns: tuple[tuple[str, str], ...]) -> exp.Expression:
    made = exp.Select(
        expressions=[
            exp.Alias(this=exp.Cast(this=exp.Null(), to=sql_type(t)), alias=exp.Identifier(this=n, quoted=True))
            for n, t in columns
        ]
    )
    made.set("where", exp.Where(this=exp.Boolean(this=False)))
    return made
