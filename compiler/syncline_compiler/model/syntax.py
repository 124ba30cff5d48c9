"""Mappings and expressions as written: what ``parse_mapping`` makes and ``check_types`` reads.

Invariant: every node knows its place; names are not bound yet; nothing of the text that has a meaning is lost.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from typing import Literal as OneOf

from syncline_compiler.source import Span
from syncline_runtime.frozen import dataclass

Direction = OneOf["both", "read", "write"]


@dataclass(frozen=True, slots=True)
class Literal:
    """A value written out. Numbers keep their digits; ``kind`` tells ``1`` from ``1.0`` from ``"1"``."""

    kind: OneOf["text", "int", "decimal", "bool", "null"]
    value: str | int | bool | None
    span: Span


@dataclass(frozen=True, slots=True)
class Name:
    """A name, dotted or not: a field, a ``let``, a member of a list element; in step arguments also a bare word."""

    parts: tuple[str, ...]
    span: Span

    @property
    def text(self) -> str:
        """The whole name, with dots."""
        return ".".join(self.parts)


@dataclass(frozen=True, slots=True)
class Call:
    """``function(arguments where condition)``; the condition belongs to aggregates."""

    function: Name
    arguments: tuple[Expression, ...]
    where: Expression | None
    span: Span


@dataclass(frozen=True, slots=True)
class Operation:
    """An operator over its operands, named as its library function; ``and`` and ``or`` take two or more."""

    operator: str
    operands: tuple[Expression, ...]
    span: Span


@dataclass(frozen=True, slots=True)
class Nullness:
    """``operand is null`` or ``operand is not null``."""

    operand: Expression
    negated: bool
    span: Span


@dataclass(frozen=True, slots=True)
class Membership:
    """``operand in (…)``, or ``operand in table``: one of the native codes of a code table."""

    operand: Expression
    options: tuple[Expression, ...] | Name
    negated: bool
    span: Span


@dataclass(frozen=True, slots=True)
class Case:
    """``case when … then … else … end``."""

    branches: tuple[tuple[Expression, Expression], ...]
    default: Expression | None
    span: Span


@dataclass(frozen=True, slots=True)
class Pick:
    """``pick list where condition .member``."""

    list: Name
    where: Expression | None
    member: Name
    span: Span


@dataclass(frozen=True, slots=True)
class Step:
    """``| function argument…``: the value so far is the function's first argument."""

    function: Name
    arguments: tuple[Expression, ...]
    span: Span


@dataclass(frozen=True, slots=True)
class Otherwise:
    """``else null``, ``else reject "…"`` or ``else review``: what happens when a step before it fails."""

    action: OneOf["null", "reject", "review"]
    message: str | None
    span: Span


@dataclass(frozen=True, slots=True)
class Pipeline:
    """A value and the steps it goes through, in order."""

    value: Expression
    steps: tuple[Step | Otherwise, ...]
    span: Span


Expression = Literal | Name | Call | Operation | Nullness | Membership | Case | Pick | Pipeline


@dataclass(frozen=True, slots=True)
class Header:
    """``mapping system.Resource <-> object@version``; the version may be left out."""

    resource: Name  # system and resource
    object: Name
    version: str | None
    span: Span


@dataclass(frozen=True, slots=True)
class Take:
    """``take when condition``: records for which it does not hold are none of ours."""

    condition: Expression
    span: Span


@dataclass(frozen=True, slots=True)
class Let:
    """``let name = expression`` over the native record."""

    name: Name
    value: Expression
    span: Span


@dataclass(frozen=True, slots=True)
class Reject:
    """``reject when condition because "…"``."""

    condition: Expression
    because: str
    span: Span


@dataclass(frozen=True, slots=True)
class Line:
    """``left <-> right``, ``left <- right`` or ``left -> right``; the left is canonical, the right native."""

    direction: Direction
    left: Expression
    right: Expression
    span: Span
    text: str


@dataclass(frozen=True, slots=True)
class Each:
    """``part <-> each list { … }``."""

    direction: Direction
    part: Name
    list: Name
    lines: tuple[Line, ...]
    span: Span


@dataclass(frozen=True, slots=True)
class Mapping:
    """A whole ``.map`` file; statements of one kind in the order written."""

    header: Header
    takes: tuple[Take, ...]
    lets: tuple[Let, ...]
    lines: tuple[Line, ...]
    parts: tuple[Each, ...]
    rejects: tuple[Reject, ...]
    span: Span


def children_of(node: Any) -> Iterable[Any]:
    """Give the expressions that an expression or a statement is made of."""
    match node:
        case Literal() | Name():
            return ()
        case Operation():
            return node.operands
        case Pipeline():
            return (node.value, *(argument for step in node.steps for argument in _arguments(step)))
        case Call():
            return (*node.arguments, node.where) if node.where is not None else node.arguments
        case Nullness():
            return (node.operand,)
        case Membership():
            return (node.operand, *node.options) if isinstance(node.options, tuple) else (node.operand,)
        case Case():
            rest = (node.default,) if node.default is not None else ()
            return (*(part for branch in node.branches for part in branch), *rest)
        case Pick():
            return (node.where,) if node.where is not None else ()
    return _statement_children(node)


def _statement_children(node: Any) -> Iterable[Any]:
    match node:
        case Line():
            return (node.left, node.right)
        case Let():
            return (node.value,)
        case Take() | Reject():
            return (node.condition,)
    return ()


def _arguments(step: Step | Otherwise) -> tuple[Expression, ...]:
    return step.arguments if isinstance(step, Step) else ()
