"""Relational IR to SQL: every shape is rendered once by sqlglot, from a tree with marks, and then filled in.

In: IR queries. Out: SQL text of a dialect (DuckDB). A project of a thousand mappings says the same few dozen things
about other names; building and rendering a tree for each costs fifty times what filling in costs. Identifiers and
literals are quoted as the dialect says, so that no text of a spec can be anything else. Every operand that is not
atomic is parenthesised here, so that no builder needs to know precedence.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from functools import cache, lru_cache
from operator import itemgetter

from syncline_compiler.emit.likeness import WORDS
from syncline_compiler.emit.words import call, literal, path_of
from syncline_compiler.functions import REGISTRY
from syncline_compiler.lowering.build import MOST
from syncline_compiler.model import ir
from syncline_compiler.sql_tree import exp

DIALECT = "duckdb"
OPEN = CLOSE = '"'  # around names, as the dialect has it
FIRST_OPERAND = MOST  # marks of a form's operands count from here, its names from nought
NO_NAMES = ("",) * MOST
ELEMENT = "x"  # the lambda variable of list elements
TEXT = re.compile(r"[^'\\\x00-\x1f]*").fullmatch  # literals in which the dialect escapes nothing
MARK = re.compile("\u27e6([0-9]+)\u27e7")  # an operand of a shape
SEPARATORS = {"list": ", ", "more": ", ", "all": " AND ", "any": " OR ", "union": " UNION ALL "}
BLANK = re.compile("[\u27e6\u27ea]([0-9]+)[\u27e7\u27eb]")  # an operand, or a name, of a form


class Shape:
    """Text with places to fill: the rendering of a tree with marks, by the number in the mark."""

    def __init__(self, text: str, marks: re.Pattern[str] = MARK, *, atomic: bool = True) -> None:
        parts = marks.split(text)
        self.atomic = atomic
        self._format = "%s".join(piece.replace("%", "%%") for piece in parts[::2])
        self._places = tuple(map(int, parts[1::2]))

    def fill(self, filling: Sequence[str]) -> str:
        """Give the text with the places filled."""
        return self._format % tuple([filling[place] for place in self._places])

    def fill_each(self, rows: Iterable[tuple[str, ...]]) -> list[str]:
        """Give the text once for every row of names."""
        if len(self._places) < 2:
            return [self.fill(row) for row in rows]
        take, text = itemgetter(*self._places), self._format
        return [text % take(row) for row in rows]


def render(query: ir.Query) -> str:
    """Give the SQL text of a query."""
    if not isinstance(query, ir.Union):
        return _selected(query)
    if not query.selects:
        return _no_rows(query.columns)
    return _union_shape(len(query.selects)).fill([_selected(select) for select in query.selects])


def scalar(value: ir.Scalar) -> str:
    """Give the SQL text of a scalar."""
    return _RENDER[type(value)](value)[0]


Rendered = tuple[str, bool]  # text, and whether it is atomic


def _scalar(value: ir.Scalar) -> Rendered:
    return _RENDER[type(value)](value)


def _atomic(value: ir.Scalar) -> str:
    text, atomic = _RENDER[type(value)](value)
    return text if atomic else f"({text})"


def _column(value: ir.Column) -> Rendered:
    return f"{identifier(value.table)}.{identifier(value.name)}", True


def _call(value: ir.Call) -> Rendered:
    shape = _call_shape(value.name, value.options, len(value.arguments))
    word = WORDS.get(value.name)
    if word is None or word.spell is None:
        return shape.fill([_atomic(argument) for argument in value.arguments]), shape.atomic
    filling = []
    for place, argument in enumerate(value.arguments):
        spelt = word.spell(place, argument.value) if isinstance(argument, ir.Value) else None
        filling.append(_atomic(argument) if spelt is None else quoted(spelt))
    return shape.fill(filling), shape.atomic


@cache
def _call_shape(name: str, options: tuple[tuple[str, str], ...], arity: int) -> Shape:
    word = WORDS.get(name)
    build = word.build if word is not None else REGISTRY[name].sql
    assert build is not None  # functions of the runtime are joined, never called
    return _shape(build([_mark(place) for place in range(arity)], dict(options)))


def _mark(place: int) -> exp.Column:
    return exp.Column(this=exp.Identifier(this=_mark_text(place), quoted=False))


def _mark_text(place: int) -> str:
    return f"\u27e6{place}\u27e7"


def _shape(tree: exp.Expression) -> Shape:
    kinds = (
        exp.Column,
        exp.Literal,
        exp.Paren,
        exp.Func,
        exp.Null,
        exp.Boolean,
        exp.Cast,
        exp.Case,
        exp.Bracket,
        exp.Dot,
    )
    atomic = isinstance(tree, kinds) and not isinstance(tree, (exp.And, exp.Or))
    return Shape(tree.sql(dialect=DIALECT), atomic=atomic)


def _blank(value: ir.Blank) -> Rendered:
    return _mark_text(FIRST_OPERAND + value.place), True


def _filled(value: ir.Filled) -> Rendered:
    shape = _form(value.form)
    return shape.fill(_filling(value)), shape.atomic


def _filling(value: ir.Filled) -> Sequence[str]:
    """Give the names, and from ``FIRST_OPERAND`` on the operands."""
    if not value.operands:
        return value.names
    return (*value.names, *NO_NAMES[len(value.names) :], *map(_atomic, value.operands))


@cache
def _form(form: ir.Form) -> Shape:
    if isinstance(form.made, ir.Select):
        return Shape(_select(form.made), BLANK)
    if isinstance(form.made, tuple):
        return Shape(_columns(form.made), BLANK)
    text, atomic = _scalar(form.made)
    return Shape(text, BLANK, atomic=atomic)


def _listed(value: ir.Listed) -> Rendered:
    separator, texts = SEPARATORS[value.kind], [text for part in value.parts for text in _parts(part)]
    if value.kind == "more":
        return "".join([separator + text for text in texts if text]), True
    return separator.join(texts) or "''", value.kind == "list" or len(texts) < 2


def _parts(part: ir.Scalar | ir.Each | ir.Columns | ir.Select) -> list[str]:
    if isinstance(part, tuple):
        return [_columns(part)]
    if isinstance(part, ir.Select):
        return [_select(part)]
    if not isinstance(part, ir.Each):
        return [_atomic(part)]
    shape = _form(part.form)
    texts = shape.fill_each(part.rows)
    return texts if shape.atomic else [f"({text})" for text in texts]


def _value(value: ir.Value) -> Rendered:
    if value.sql_type is None and isinstance(value.value, str):
        return quoted(value.value), True
    return _constant(value.value, value.sql_type)


@lru_cache(maxsize=None, typed=True)  # True and 1 are equal keys otherwise
def _constant(value: str | int | bool | None, sql_type: str | None) -> Rendered:
    match value:
        case None:
            made: exp.Expression = exp.Null()
        case bool():
            made = exp.Boolean(this=value)
        case int():
            made = exp.Literal(this=str(value), is_string=False)
        case _:
            made = literal(value)
    cast = exp.Cast(this=made, to=_sql_type(sql_type)) if sql_type else made
    return cast.sql(dialect=DIALECT), True


@cache
def _sql_type(text: str) -> exp.DataType:
    return exp.DataType.build(text, dialect=DIALECT)


def _when(value: ir.When) -> Rendered:
    filling = []
    for condition, result in value.branches:
        filling.append(scalar(condition))
        filling.append(_atomic(result))
    if value.default is not None:
        filling.append(_atomic(value.default))
    shape = _when_shape(len(value.branches), value.default is not None)
    return shape.fill(filling), shape.atomic


@cache
def _when_shape(branches: int, default: bool) -> Shape:
    ifs = [exp.If(this=_mark(2 * place), true=_mark(2 * place + 1)) for place in range(branches)]
    return _shape(exp.Case(ifs=ifs, default=_mark(2 * branches) if default else None))


def _codes(value: ir.Codes) -> Rendered:
    shape = _codes_shape(value.rows)
    return shape.fill([scalar(value.argument)]), shape.atomic


@cache
def _codes_shape(rows: tuple[tuple[str, str], ...]) -> Shape:
    keys = exp.Array(expressions=[literal(key) for key, _ in rows])
    meanings = exp.Array(expressions=[literal(meaning) for _, meaning in rows])
    return _shape(call("map_extract_value", call("MAP", keys, meanings), _mark(0)))


def _item(value: ir.Item) -> Rendered:
    shape = _item_shape()
    return shape.fill([quoted(path_of(value.name))]), shape.atomic


@cache
def _item_shape() -> Shape:
    return _shape(call("json_extract_string", _element(), _mark(0)))


def _element() -> exp.Column:
    return exp.Column(this=exp.Identifier(this=ELEMENT, quoted=False))


def _elements(value: ir.Elements) -> Rendered:
    shape = _elements_shape(value.take, value.where is not None)
    where = scalar(value.where) if value.where is not None else ""
    return shape.fill([_atomic(value.list), where, scalar(value.value)]), shape.atomic


@cache
def _elements_shape(take: str, filtered: bool) -> Shape:
    elements: exp.Expression = exp.TryCast(this=_mark(0), to=_sql_type("JSON[]"))
    if filtered:
        elements = call("list_filter", elements, _lambda(_mark(1)))
    made: exp.Expression = call("list_transform", elements, _lambda(_mark(2)))
    if take == "first":
        return _shape(call("list_extract", made, exp.Literal(this="1", is_string=False)))
    if take == "listed":
        return _shape(made)
    if take == "sorted":
        made = call("list_sort", made)
    listed = exp.DPipe(this=literal("["), expression=call("array_to_string", made, literal(",")))
    return _shape(exp.Paren(this=exp.DPipe(this=listed, expression=literal("]"))))


def _lambda(body: exp.Expression) -> exp.Expression:
    return exp.Lambda(this=body, expressions=[exp.Identifier(this=ELEMENT, quoted=False)])


_RENDER: dict[type, Callable[[object], Rendered]] = {
    ir.Column: _column,  # type: ignore[dict-item]  # each takes the node it stands for
    ir.Value: _value,  # type: ignore[dict-item]
    ir.Call: _call,  # type: ignore[dict-item]
    ir.When: _when,  # type: ignore[dict-item]
    ir.Codes: _codes,  # type: ignore[dict-item]
    ir.Item: _item,  # type: ignore[dict-item]
    ir.Elements: _elements,  # type: ignore[dict-item]
    ir.Blank: _blank,  # type: ignore[dict-item]
    ir.Filled: _filled,  # type: ignore[dict-item]
    ir.Listed: _listed,  # type: ignore[dict-item]
}


def _selected(select: ir.Select | ir.Filled | ir.Listed) -> str:
    return _select(select) if isinstance(select, ir.Select) else _scalar(select)[0]


def _columns(columns: ir.Columns) -> str:
    text = ""
    for column in columns:
        if isinstance(column, (ir.Blank, ir.Listed)):
            text += _scalar(column)[0]  # more columns; each begins with a comma
        elif named := _named(column):
            text += f", {named}" if text else named
    return text


def _select(query: ir.Select) -> str:
    columns = _columns(query.columns)
    sources = " ".join([_source(query.source), *map(_join, query.joins)])
    where = scalar(query.where) if query.where is not None else ""
    group = ", ".join(map(scalar, query.group))
    return _select_shape(query.distinct, bool(where), bool(group)).fill([columns, sources, where, group])


def _named(column: tuple[str, ir.Scalar] | ir.Carried | ir.All) -> str:
    if isinstance(column, ir.All):
        return _all(column.table, column.but)
    if isinstance(column, ir.Carried):
        table, of, to = identifier(column.table), column.of, column.to
        return ", ".join([f"{table}.{identifier(of + name)} AS {identifier(to + name)}" for name in column.names])
    name, value = column
    return f"{_atomic(value)} AS {identifier(name)}"


@cache
def _all(table: str, but: tuple[str, ...]) -> str:
    star = exp.Star(except_=[exp.Identifier(this=name, quoted=True) for name in but])
    return exp.Column(this=star, table=exp.Identifier(this=table, quoted=True)).sql(dialect=DIALECT)


@cache
def _select_shape(distinct: bool, where: bool, group: bool) -> Shape:
    made = exp.Select(expressions=[_mark(0)])
    made.set("from_", exp.From(this=exp.Table(this=_mark(1))))
    if where:
        made.set("where", exp.Where(this=_mark(2)))
    if group:
        made.set("group", exp.Group(expressions=[_mark(3)]))
    if distinct:
        made.set("distinct", exp.Distinct())
    return _shape(made)


def _source(source: ir.Source | ir.Inner) -> str:
    if isinstance(source, ir.Inner):
        return f"({_select(source.select)}) AS {identifier(source.alias)}"
    return f"{identifier(source.relation)} AS {identifier(source.alias)}"


def _join(join: ir.Join) -> str:
    on = scalar(join.on) if join.on is not None else ""
    return _join_shape(join.kind, bool(on)).fill([_source(join.source), on])


@cache
def _join_shape(kind: str, on: bool) -> Shape:
    words = {"inner": {}, "left": {"side": "LEFT"}, "anti": {"kind": "ANTI"}, "cross": {"kind": "CROSS"}}[kind]
    joined = exp.Join(this=exp.Table(this=_mark(0)), on=_mark(1) if on else None, **words)
    return Shape(joined.sql(dialect=DIALECT).lstrip())


@cache
def _union_shape(selects: int) -> Shape:
    made: exp.Expression = exp.Select(expressions=[_mark(0)])
    for place in range(1, selects):
        made = exp.Union(this=made, expression=exp.Select(expressions=[_mark(place)]), distinct=False)
    return Shape(made.sql(dialect=DIALECT).replace("SELECT ", ""))  # a mark stands for a whole select


def _no_rows(columns: tuple[tuple[str, str], ...]) -> str:
    listed = ", ".join(f"{_constant(None, kind)[0]} AS {identifier(name)}" for name, kind in columns)
    return _no_rows_shape().fill([listed])


@cache
def _no_rows_shape() -> Shape:
    made = exp.Select(expressions=[_mark(0)])
    made.set("where", exp.Where(this=exp.Boolean(this=False)))
    return _shape(made)


def identifier(name: str) -> str:
    """Give a name as the dialect quotes it."""
    if CLOSE not in name:
        return f"{OPEN}{name}{CLOSE}"
    return exp.Identifier(this=name, quoted=True).sql(dialect=DIALECT)


def quoted(text: str) -> str:
    """Give a text literal of the dialect."""
    return f"'{text}'" if TEXT(text) else literal(text).sql(dialect=DIALECT)
