"""Checked expressions and mapping lines: what ``check_types`` leaves for ``lower``.

Invariant: every node has its type; names are bound; ``let`` is expanded; implicit conversions stand as ``Apply``;
no node needs the text of the spec again (spans stay for diagnostics and lineage only).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Literal

from syncline_compiler.model.types import Type
from syncline_compiler.source import Span
from syncline_runtime.frozen import dataclass

Scope = Literal["native", "canonical", "item", "child", "run"]


@dataclass(frozen=True, slots=True)
class Constant:
    """A literal; decimals and dates as text, null as None."""

    value: str | int | bool | None
    type: Type


@dataclass(frozen=True, slots=True)
class Field:
    """A value of the row at hand.

    native: a field of the mapped resource, by native field name, as landed: text, or JSON text of a list;
    canonical: a field of the canonical object; item: a member of the list element inside ``pick`` and ``each``,
    by dotted wire name; child: a canonical field of the aggregated object; run: ``started_at``.
    """

    scope: Scope
    name: str
    type: Type


@dataclass(frozen=True, slots=True)
class Apply:
    """A library function or operator over arguments (operators have names too: ``eq``, ``and``, ``add``, …).

    ``can_fail``: the result may be null though every argument is present; that is a failed step.
    ``options``: literal settings the function was written with (code table name, zone, format …).
    """

    function: str
    arguments: tuple[Expression, ...]
    type: Type
    can_fail: bool = False
    options: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Case:
    """``case when … then … else … end``; without a default the type is nullable."""

    branches: tuple[tuple[Expression, Expression], ...]
    default: Expression | None
    type: Type


@dataclass(frozen=True, slots=True)
class Lookup:
    """A value through a code table; fails where the table has no row."""

    codes: str
    inverse: bool  # False: native → canonical
    argument: Expression
    type: Type


@dataclass(frozen=True, slots=True)
class Resolve:
    """A native id to the canonical id of the object it stands for in the same connection, or back (``inverse``).

    Forward it fails where no link is known. Back it yields a symbolic reference that delivery resolves. With ``by`` the
    argument is no native id but the value of that field of the object, by which its records are known everywhere.
    """

    object: str
    resource: str  # resource of the same system whose ids these are
    argument: Expression
    type: Type
    inverse: bool = False
    by: str | None = None


@dataclass(frozen=True, slots=True)
class Pick:
    """The first element of a native list for which ``where`` (over ``item``) holds, then ``value`` over it."""

    list: Field
    where: Expression
    value: Expression
    type: Type


@dataclass(frozen=True, slots=True)
class Aggregate:
    """sum, count, min, max, first or last over the records of ``object`` whose ref field ``ref`` points at this record.

    ``by``: what tells the first record from the last.
    """

    function: Literal["sum", "count", "min", "max", "first", "last"]
    object: str
    ref: str
    value: Expression  # over scope child
    where: Expression | None
    type: Type
    by: Expression | None = None


@dataclass(frozen=True, slots=True)
class Items:
    """sum, count, min, max or last over the elements of a native list for which ``where`` holds, each as ``value``.

    ``unread``: holds for an element whose value is there and is none of its type; with one of these all of it fails.
    """

    function: Literal["sum", "count", "min", "max", "last"]
    list: Field
    where: Expression
    value: Expression  # over scope item
    unread: Expression | None
    type: Type


@dataclass(frozen=True, slots=True)
class OrElse:
    """What happens when ``value`` fails: ``null``, ``reject`` or ``review``. Without it a failure rejects the record."""

    value: Expression
    action: Literal["null", "reject", "review"]
    message: str | None
    type: Type


Expression = Constant | Field | Apply | Case | Lookup | Resolve | Pick | Aggregate | Items | OrElse


def parts_of(expression: Expression) -> Iterable[Expression]:
    """Give the expressions that an expression is made of."""
    match expression:
        case Apply():
            return expression.arguments
        case Case():
            default = (expression.default,) if expression.default is not None else ()
            return (*(part for branch in expression.branches for part in branch), *default)
        case Lookup() | Resolve():
            return (expression.argument,)
        case Pick():
            return (expression.list, expression.where, expression.value)
        case Items():
            parts = (expression.list, expression.where, expression.value, expression.unread)
            return tuple(part for part in parts if part is not None)
        case Aggregate():
            of_records = (expression.value, expression.where, expression.by)
            return tuple(part for part in of_records if part is not None)
        case OrElse():
            return (expression.value,)
    return ()


def fields_in(expression: Expression) -> Iterator[Field]:
    """Give every field that an expression names, each as often as it stands there."""
    if isinstance(expression, Field):
        yield expression
    for part in parts_of(expression):
        yield from fields_in(part)


@dataclass(frozen=True, slots=True)
class Put:
    """A value written to one native field; ``value`` is over scope canonical."""

    native: str
    value: Expression


@dataclass(frozen=True, slots=True)
class PickPut:
    """A value written to one member of the picked list element (``item``, dotted wire name).

    ``fixed`` are the members that make a new element satisfy the ``where`` (name → constant).
    """

    native: str  # the list field
    where: Expression
    item: str
    fixed: tuple[tuple[str, str], ...]
    value: Expression


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a mapping. ``both`` has get and puts; ``read`` only get; ``write`` only puts.

    ``identity`` says that get(put(v)) = v without any change of form, so that comparing needs no round trip.
    """

    direction: Literal["both", "read", "write"]
    field: str | None  # canonical field; None for a written expression over several
    get: Expression | None
    puts: tuple[Put | PickPut, ...]
    identity: bool
    span: Span
    text: str  # the line as written, for trace and reviews


@dataclass(frozen=True, slots=True)
class Each:
    """``part <-> each list { … }``: rows of a native list as keyed children.

    Lines' get is over scope item, puts' ``native`` is a member of the element (dotted wire name).
    """

    direction: Literal["both", "read", "write"]
    part: str
    list: Field
    lines: tuple[Line, ...]
    span: Span


@dataclass(frozen=True, slots=True)
class Reject:
    """``reject when … because "…"``."""

    condition: Expression
    because: str
    span: Span


@dataclass(frozen=True, slots=True)
class TypedMapping:
    """A checked ``.map`` file: resource of a system ↔ object."""

    system: str
    resource: str
    object: str
    take: Expression | None
    lines: tuple[Line, ...]
    parts: tuple[Each, ...]
    rejects: tuple[Reject, ...]
    span: Span
    taken: Span | None = None  # the first `take`
