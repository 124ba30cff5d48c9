"""What has a name in a project: symbols, where they are declared, where they are used.

Invariant: a symbol is a value; two parts of the project that mean the same thing give equal symbols.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

from syncline_compiler.model import syntax
from syncline_compiler.model.resolved import ResolvedObject
from syncline_compiler.model.types import Type
from syncline_compiler.source import Span
from syncline_runtime.frozen import dataclass

Kind = Literal[
    "object", "field", "part", "derived", "inverse", "invariant", "system", "resource", "native_field", "list_member",
    "codes", "code", "mapping", "let", "connection", "sync", "event", "policy", "rule", "scenario", "function", "constant",
]  # fmt: skip


class Symbol(NamedTuple):
    """One named thing. ``path`` leads to it: object and field; system, resource and native field; table and code.

    ``inverse``: the name by which an object sees records that refer to it. ``list_member``: of the elements of a list that no
    resource describes. ``constant``: a value that a line writes out, the beginning of lineage only.
    """

    kind: Kind
    path: tuple[str, ...]

    @property
    def name(self) -> str:
        """Its own name, the last of the path."""
        return self.path[-1]

    @property
    def address(self) -> str:
        """The whole way to it: ``account.email``, ``crm.Account.mail``."""
        return ".".join(self.path)


@dataclass(frozen=True, slots=True)
class Definition:
    """Where a symbol is declared, and what is said of it there. Without ``span``: Syncline brings it along."""

    symbol: Symbol
    span: Span | None
    type: str | None = None
    label: str | None = None
    description: str | None = None


@dataclass(frozen=True, slots=True)
class Use:
    """A place where a symbol is named. The span is that of the name alone where the text is in one piece."""

    symbol: Symbol
    span: Span


@dataclass(frozen=True, slots=True)
class TypedPlace:
    """An expression or a step of a pipeline, and the type of its value."""

    span: Span
    type: Type


def canonical(item: ResolvedObject, name: str) -> Symbol | None:
    """Give the symbol that a name is on an object: a field, a part, a derived field; None if it is none."""
    path = (item.name, name)
    if item.field(name) is not None:
        return Symbol("field", path)
    if any(part.name == name for part in item.parts):
        return Symbol("part", path)
    if any(derived.name == name for derived in item.derived):
        return Symbol("derived", path)
    return None


def span_of(name: syntax.Name) -> Span:
    """Give the place of a name without the dot that a member begins with."""
    span = name.span
    dotted = span.line == span.end_line and span.end_column - span.column == len(name.text) + 1
    return span._replace(column=span.column + 1) if dotted else span


def piece(span: Span, parts: tuple[str, ...], index: int) -> Span:
    """Give the place of one part of a dotted name; the whole place where the name is quoted or its text is folded."""
    if span.line != span.end_line or span.end_column - span.column != len(".".join(parts)):
        return span
    start = span.column + sum(len(part) + 1 for part in parts[:index])
    return Span(span.path, span.line, start, span.line, start + len(parts[index]))


def within(span: Span, text: str, start: int, length: int) -> Span:
    """Give the place of a stretch of a text that stands at ``span``; the whole place where its text is folded."""
    if span.line != span.end_line or span.end_column - span.column != len(text):
        return span
    return Span(span.path, span.line, span.column + start, span.line, span.column + start + length)
