"""The relational IR: what ``lower`` makes of a sync and ``emit`` renders, one graph per sync.

Invariant: closed and dialect-free. Relations are named as in ``syncline_runtime.plan``; columns are plain names; the
behaviour hash of a sync is taken from these values, never from SQL text.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator
from functools import cache, cached_property
from operator import attrgetter
from typing import Literal

from syncline_runtime.frozen import dataclass
from syncline_runtime.plan import Stage

BLANK_NAME = re.compile("\u27ea([0-9]+)\u27eb")


class Node:
    """What every node of the IR is; its text is what hashes of behaviour are taken from."""

    def __repr__(self) -> str:
        kind: type = type(self)
        return f"{kind.__name__}{_members_of(kind)(self)!r}"


@cache
def _members_of(kind: type) -> Callable[[Node], tuple[object, ...]]:
    """Give what reads the members of a node."""
    names: tuple[str, ...] = kind.__match_args__  # type: ignore[attr-defined]  # every node is a dataclass
    return attrgetter(*names) if len(names) > 1 else lambda node: (getattr(node, names[0]),)


@dataclass(frozen=True, repr=False)
class Column(Node):
    """A column of a source, by the source's alias."""

    table: str
    name: str

    def __repr__(self) -> str:  # by far the most frequent node
        return f"Column({self.table!r}, {self.name!r})"


@dataclass(frozen=True, repr=False)
class Value(Node):
    """A constant; ``sql_type`` where the plain form would be read otherwise (dates, decimals, typed nulls)."""

    value: str | int | bool | None
    sql_type: str | None = None


@dataclass(frozen=True, repr=False)
class Call(Node):
    """A function. Lower-case names are the mapping language's library, capitals the relational words of ``emit``."""

    name: str
    arguments: tuple[Scalar, ...]
    options: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, repr=False)
class When(Node):
    """The value of the first branch whose condition is true."""

    branches: tuple[tuple[Scalar, Scalar], ...]
    default: Scalar | None = None


@dataclass(frozen=True, repr=False)
class Codes(Node):
    """A value through a constant table; null where the table has no row."""

    argument: Scalar
    rows: tuple[tuple[str, str], ...]


@dataclass(frozen=True, repr=False)
class Item(Node):
    """A member of the list element at hand, by dotted wire name; "" is the element itself."""

    name: str


@dataclass(frozen=True, repr=False)
class Elements(Node):
    """The elements of a JSON list (text): those for which ``where`` holds, each as ``value``.

    ``take``: ``first`` the first value or null; ``sorted`` a JSON list text sorted by ``value``'s text;
    ``kept`` a JSON list text in its own order; ``listed`` a list of the engine, for the words ``ITEMS …``.
    """

    list: Scalar
    where: Scalar | None
    value: Scalar
    take: Literal["first", "sorted", "kept", "listed"]


@dataclass(frozen=True, repr=False)
class Blank(Node):
    """The place of an operand in a form."""

    place: int


class Form:
    """IR in which some names, and some operands, are left blank: what many fields have in common, made once.

    Two forms are alike where their ``digest`` is; blank names read ``⟪0⟫``, blank operands are ``Blank`` nodes.
    """

    def __init__(self, made: Scalar | Select | Columns) -> None:
        self.made = made

    @cached_property
    def digest(self) -> str:
        """Give the SHA-256 of the form, abbreviated."""
        return hashlib.sha256(repr(self.made).encode()).hexdigest()[:24]

    @cached_property
    def read(self) -> tuple[str, ...]:
        """The relations that it reads, with blanks."""
        return tuple(_read(self.made))

    def __repr__(self) -> str:
        return self.digest


@dataclass(frozen=True, repr=False)
class Filled(Node):
    """A form with its blanks filled. The names are plain: no dialect escapes anything in them."""

    form: Form
    names: tuple[str, ...]
    operands: tuple[Scalar, ...] = ()

    def __repr__(self) -> str:
        return f"Filled({self.form.digest}, {self.names!r}, {self.operands!r})"


@dataclass(frozen=True, repr=False)
class Each(Node):
    """A form, without operands, said of many: once for each row of plain names."""

    form: Form
    rows: tuple[tuple[str, ...], ...]

    def __repr__(self) -> str:
        return f"Each({self.form.digest}, {self.rows!r})"


@dataclass(frozen=True, repr=False)
class Listed(Node):
    """Like things one after the other: what an ``Each`` makes, and others between.

    ``list``: arguments of a call that joins texts; ``all``, ``any``: conditions, at least one, of which all must hold,
    or one; ``more``: columns behind others; ``union``: the rows of selects, at least one.
    """

    kind: Literal["list", "all", "any", "more", "union"]
    parts: tuple[Scalar | Each | Columns | Select, ...]


Scalar = Column | Value | Call | When | Codes | Item | Elements | Blank | Filled | Listed


@dataclass(frozen=True, repr=False)
class Source(Node):
    """A relation under an alias."""

    relation: str
    alias: str


@dataclass(frozen=True, repr=False)
class Inner(Node):
    """The rows of a select, under an alias: what is asked once and used more than once."""

    select: Select
    alias: str


@dataclass(frozen=True, repr=False)
class Join(Node):
    """A join to a source; ``anti`` keeps rows without a partner."""

    kind: Literal["inner", "left", "cross", "anti"]
    source: Source
    on: Scalar | None = None


@dataclass(frozen=True, repr=False)
class Carried(Node):
    """Columns of a source that are carried on: ``of`` + name becomes ``to`` + name."""

    table: str
    names: tuple[str, ...]
    of: str = ""
    to: str = ""


@dataclass(frozen=True, repr=False)
class All(Node):
    """All columns of a source that is a relation of the plan, but for some."""

    table: str
    but: tuple[str, ...] = ()


Columns = tuple[tuple[str, Scalar] | Carried | All | Blank | Listed, ...]


@dataclass(frozen=True, repr=False)
class Select(Node):
    """Columns of joined sources; with ``group`` aggregated, with ``distinct`` without repetition."""

    columns: Columns
    source: Source | Inner
    joins: tuple[Join, ...] = ()
    where: Scalar | None = None
    group: tuple[Scalar, ...] = ()
    distinct: bool = False


@dataclass(frozen=True, repr=False)
class Union(Node):
    """The rows of several selects with the same columns. Empty: no rows of ``columns`` (name, SQL type)."""

    selects: tuple[Select | Filled | Listed, ...]
    columns: tuple[tuple[str, str], ...] = ()


Query = Select | Union | Filled


@dataclass(frozen=True, repr=False)
class IrStep(Node):
    """A named query of the graph."""

    stage: Stage
    output: str
    query: Query


@dataclass(frozen=True, repr=False)
class IrValues(Node):
    """Distinct texts on which a function runs that SQL cannot do."""

    function: str
    option: str
    argument: Scalar
    query: Select
    output: str


def blank_name(place: int) -> str:
    """Give the blank that stands for a name in a form."""
    return f"\u27ea{place}\u27eb"


def relations(query: Query) -> tuple[str, ...]:
    """Give the relations that a query reads, sorted."""
    return tuple(sorted(set(_read(query))))


def _read(part: object) -> Iterator[str]:
    match part:
        case Select():
            yield from _read(part.source.select) if isinstance(part.source, Inner) else (part.source.relation,)
            for join in part.joins:
                yield join.source.relation
        case Union():
            for select in part.selects:
                yield from _read(select)
        case Listed():
            for listed in part.parts:
                yield from _read(listed)
        case Filled():
            yield from (named(relation, part.names) for relation in part.form.read)
        case Each():
            for relation in part.form.read:
                yield from {named(relation, row) for row in part.rows}


def named(name: str, names: tuple[str, ...]) -> str:
    """Give a name of a form as it reads with its blanks filled."""
    text, places = _blanks_in(name)
    return text % tuple([names[place] for place in places])


@cache
def _blanks_in(name: str) -> tuple[str, tuple[int, ...]]:
    """Give a form's name as a format, and the places of the names that are filled in."""
    parts = BLANK_NAME.split(name)
    return "%s".join([part.replace("%", "%%") for part in parts[::2]]), tuple(map(int, parts[1::2]))
