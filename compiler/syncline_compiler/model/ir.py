"""The relational IR: what ``lower`` makes of a sync and ``emit`` renders, one graph per sync.

Invariant: closed and dialect-free. Relations are named as in ``syncline_runtime.plan``; columns are plain names; the
behaviour hash of a sync is taken from these values, never from SQL text.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from syncline_runtime.plan import Stage


@dataclass(frozen=True)
class Column:
    """A column of a source, by the source's alias."""

    table: str
    name: str


@dataclass(frozen=True)
class Value:
    """A constant; ``sql_type`` where the plain form would be read otherwise (dates, decimals, typed nulls)."""

    value: str | int | bool | None
    sql_type: str | None = None


@dataclass(frozen=True)
class Call:
    """A function. Lower-case names are the mapping language's library, capitals the relational words of ``emit``."""

    name: str
    arguments: tuple[Scalar, ...]
    options: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class When:
    """The value of the first branch whose condition is true."""

    branches: tuple[tuple[Scalar, Scalar], ...]
    default: Scalar | None = None


@dataclass(frozen=True)
class Codes:
    """A value through a constant table; null where the table has no row."""

    argument: Scalar
    rows: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Item:
    """A member of the list element at hand, by dotted wire name; "" is the element itself."""

    name: str


@dataclass(frozen=True)
class Elements:
    """The elements of a JSON list (text): those for which ``where`` holds, each as ``value``.

    ``take``: ``first`` the first value or null; ``sorted`` a JSON list text sorted by ``value``'s text;
    ``kept`` a JSON list text in its own order.
    """

    list: Scalar
    where: Scalar | None
    value: Scalar
    take: Literal["first", "sorted", "kept"]


Scalar = Column | Value | Call | When | Codes | Item | Elements


@dataclass(frozen=True)
class Source:
    """A relation under an alias."""

    relation: str
    alias: str


@dataclass(frozen=True)
class Join:
    """A join to a source; ``anti`` keeps rows without a partner."""

    kind: Literal["inner", "left", "cross", "anti"]
    source: Source
    on: Scalar | None = None


@dataclass(frozen=True)
class Select:
    """Columns of joined sources; with ``group`` aggregated, with ``distinct`` without repetition."""

    columns: tuple[tuple[str, Scalar], ...]
    source: Source
    joins: tuple[Join, ...] = ()
    where: Scalar | None = None
    group: tuple[Scalar, ...] = ()
    distinct: bool = False


@dataclass(frozen=True)
class Union:
    """The rows of several selects with the same columns. Empty: no rows of ``columns`` (name, SQL type)."""

    selects: tuple[Select, ...]
    columns: tuple[tuple[str, str], ...] = ()


Query = Select | Union


@dataclass(frozen=True)
class IrStep:
    """A named query of the graph."""

    stage: Stage
    output: str
    query: Query


@dataclass(frozen=True)
class IrValues:
    """Distinct texts on which a function runs that SQL cannot do."""

    function: str
    option: str
    query: Select
    output: str
