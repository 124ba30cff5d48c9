"""Mappings and expressions as written: what ``parse_mapping`` makes and ``check_types`` reads.

Invariant: every node knows its place; names are not bound yet; nothing of the text that has a meaning is lost.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal as OneOf

from syncline_compiler.source import Span

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
