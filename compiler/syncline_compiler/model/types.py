"""The types of the mapping language.

In: type texts of specs (``text(200)?``). Out: ``Type`` values with presence tracked.
Invariant: a ``Type`` is a value; two equal types are interchangeable.
"""

from __future__ import annotations

from dataclasses import replace
from functools import cached_property
from typing import Literal

from syncline_runtime.frozen import dataclass

Kind = Literal[
    "bool", "int", "decimal", "text", "enum", "money", "currency", "country", "subdivision", "language",
    "date", "instant", "local_datetime", "duration", "email", "phone", "url", "json", "ref", "list", "null", "unknown",
]  # fmt: skip

MONEY_PRECISION, MONEY_SCALE = 18, 4
"""What ``money`` holds without arguments: exact to a ten-thousandth, in 64 bits."""


@dataclass(frozen=True)
class Type:
    """A type: kind, presence (``?`` may be null, ``~`` may be missing) and the kind's own measures.

    ``unknown`` is the type of an expression that already has a diagnostic; it agrees with everything.
    """

    kind: Kind
    nullable: bool = False
    missing: bool = False
    precision: int | None = None  # decimal, money
    scale: int | None = None  # decimal, money
    length: int | None = None  # text: greatest number of characters
    values: tuple[str, ...] = ()  # enum
    name: str | None = None  # enum: its identity, "account.status"; ref: the object's name
    element: Type | None = None  # list

    def present(self) -> Type:
        """Give the same type, neither null nor missing."""
        return self._present if self.nullable or self.missing else self

    def or_null(self) -> Type:
        """Give the same type, possibly null."""
        return self if self.nullable else self._or_null

    @cached_property
    def _present(self) -> Type:
        return replace(self, nullable=False, missing=False)

    @cached_property
    def _or_null(self) -> Type:
        return replace(self, nullable=True)

    def __str__(self) -> str:
        match self.kind:
            case "text" if self.length is not None:
                body = f"text({self.length})"
            case "decimal" if self.precision is not None:
                body = f"decimal({self.precision},{self.scale or 0})"
            case "ref":
                body = f"ref({self.name})"
            case "list" if self.element is not None:
                body = f"list({self.element})"
            case "enum" if self.name:
                body = f"enum {self.name}"
            case _:
                body = self.kind
        return body + ("?" if self.nullable else "") + ("~" if self.missing else "")


BOOL = Type("bool")
INT = Type("int")
TEXT = Type("text")
MONEY = Type("money", precision=MONEY_PRECISION, scale=MONEY_SCALE)
CURRENCY = Type("currency")
INSTANT = Type("instant")
NULL = Type("null", nullable=True)
UNKNOWN = Type("unknown")
