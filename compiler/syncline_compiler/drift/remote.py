"""The remote shape: what a document or samples tell of a system's resources.

In: nothing. Out: the shapes. Invariant: None is what nothing tells, and never the same as no: a document that is silent about a length
says nothing of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from typing import Literal

from syncline_runtime.frozen import dataclass
from syncline_runtime.system import NativeTypeName

SourceKind = Literal["openapi", "json-schema", "describe", "samples"]
MOST_FIELDS = 5_000
"""Of one resource: what has more is no record."""


def counted(number: int, what: str) -> str:
    """Say how many there are of something."""
    return f"{number:,} {what}{'s' if number != 1 else ''}"


class DriftError(ValueError):
    """What was named cannot be compared with; the text says why and what to do."""


@dataclass(frozen=True)
class RemoteField:
    """One field as the system has it, by its path on the wire. ``open``: what lies below it is not listed."""

    path: str
    type: NativeTypeName | None = None
    length: int | None = None
    precision: int | None = None
    scale: int | None = None
    required: bool | None = None  # on create
    nullable: bool | None = None
    readable: bool | None = None
    writable: bool | None = None
    values: tuple[str, ...] | None = None  # the closed list; of samples, what was seen
    open: bool = False
    deprecated: bool = False  # to go, on a day that no document tells
    evidence: str = ""  # how it is known, where that is no document: on how many records


@dataclass(frozen=True)
class RemoteObject:
    """One resource. ``records``: that were looked at, for samples, which prove nothing of what they do not hold."""

    fields: Mapping[str, RemoteField]
    open: bool = False  # fields that are not listed may be there
    records: int | None = None
    origin: str = ""  # where in the document it is told
    page: int | None = None  # the most records that it lists at once
    batches: Mapping[str, int] = field(
        default_factory=dict
    )  # of create, update, delete: the most records in one request
    lacks: tuple[str, ...] = ()  # of create, update, delete: what the document has no request for

    def silent_about(self, path: str) -> bool:
        """Whether nothing is told of a path, not even that it is not there."""
        steps = path.split(".")
        for length in range(len(steps) - 1, 0, -1):
            around = self.fields.get(".".join(steps[:length]))
            if around is not None:
                return around.open or around.type == "list"
        return self.open


@dataclass(frozen=True)
class RemoteShape:
    """All that was told of a system, by resource; ``untold``: those of which nothing was, though it was looked for."""

    kind: SourceKind
    objects: Mapping[str, RemoteObject] = field(default_factory=dict)
    untold: tuple[str, ...] = ()
