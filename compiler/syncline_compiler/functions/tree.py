"""Building blocks of SQL trees for the library's functions.

Invariant: text of users reaches SQL only as literal nodes. A node may stand in several places of a tree: trees are
rendered, never rewritten, so that nothing needs copying.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

from syncline_compiler.sql_tree import Tree as Node
from syncline_compiler.sql_tree import exp


def text(value: str) -> Node:
    """Give a text literal."""
    return exp.Literal(this=value, is_string=True)


def number(value: int) -> Node:
    """Give a whole number."""
    return exp.Literal(this=str(value), is_string=False) if value >= 0 else exp.Paren(this=exp.Neg(this=number(-value)))


def boolean(value: bool) -> Node:
    """Give TRUE or FALSE."""
    return exp.Boolean(this=value)


def call(name: str, *arguments: Node) -> Node:
    """Give a call of an engine function."""
    return exp.Anonymous(this=name, expressions=list(arguments))


@cache
def _type(name: str) -> exp.DataType:
    return exp.DataType.build(name, dialect="duckdb")


def cast(node: Node, to: str) -> Node:
    """Give a cast that cannot fail."""
    return exp.Cast(this=node, to=_type(to))


def try_cast(node: Node, to: str) -> Node:
    """Give a cast that gives null where it fails."""
    return exp.TryCast(this=node, to=_type(to))


def decimal(precision: str | int, scale: str | int) -> str:
    """Give the engine's name of a decimal type."""
    return f"DECIMAL({precision}, {scale})"


def operand(node: Node) -> Node:
    """Give the node in brackets where it stands beside an operator and needs them."""
    needs_brackets = isinstance(node, (exp.Binary, exp.Unary, exp.Between, exp.In, exp.Lambda))
    if needs_brackets and not isinstance(node, (exp.Paren, exp.Dot)):
        return exp.Paren(this=node)
    return node


def when(*branches: tuple[Node, Node], otherwise: Node | None = None) -> Node:
    """``CASE WHEN … THEN … ELSE … END``."""
    return exp.Case(ifs=[exp.If(this=condition, true=value) for condition, value in branches], default=otherwise)


def matched(node: Node, pattern: str) -> Node:
    """Give the text if it has the shape of the RE2 pattern, which is anchored here, else null."""
    return exp.Nullif(this=shaped(node, pattern), expression=text(""))


def shaped(node: Node, pattern: str) -> Node:
    """Give the text if it has the shape, else ''; for casts, which make null of ''."""
    return call("REGEXP_EXTRACT", node, text(whole(pattern)))


def whole(pattern: str) -> str:
    """Give a pattern for the whole of a text; ``$`` would let a line end stand behind it in other engines."""
    return rf"^(?:{pattern})\z"


def member(node: Node, name: str) -> Node:
    """Give a member of a struct."""
    return call("STRUCT_EXTRACT", node, text(name))


def struct(**members: Node) -> Node:
    """Give a struct."""
    pairs = [exp.PropertyEQ(this=exp.to_identifier(name), expression=value) for name, value in members.items()]
    return exp.Struct(expressions=pairs)


def equal(left: Node, right: Node) -> Node:
    """``left = right``."""
    return exp.EQ(this=operand(left), expression=operand(right))


def bound(node: Node, build: Callable[[Node], Node]) -> Node:
    """Give what ``build`` makes of a value that is needed in many places, so that it is written and reckoned once."""
    name = exp.Identifier(this="v", quoted=False)
    made = exp.Lambda(this=build(exp.Column(this=name)), expressions=[name])
    return call("LIST_EXTRACT", call("LIST_TRANSFORM", exp.Array(expressions=[node]), made), number(1))
