"""A request to an external system as a template, without environment or secrets.

A *template* is a JSON value whose strings may hold ``{name}`` placeholders. A string that is one placeholder only
takes the value's own type; inside longer text the value is written as text. An object with the single member
``$base64url_json`` or ``$json`` stands for its (filled) value encoded so, ``$base64`` for its text in base64, ``$join``
for the texts of its list put together, ``$when`` for its ``then`` if any value under ``given`` is there and all under
``known`` are not null, else for its ``else``, ``$each`` for the objects of its list ``of``, each with the members
``add`` too, ``$path`` for a path in which each value is one percent-encoded segment. Connectors know these words and no
vendor's.
Placeholders: ``{id}`` ``{cursor}`` ``{until}`` ``{size}`` ``{offset}`` ``{page}`` ``{token}`` ``{marker}`` ``{key}`` ``{version}``
``{parent}`` ``{account}`` ``{value}`` ``{row}`` ``{items}``, ``{record}`` for the whole wire record and ``{field.NAME}``
for one native field of it. A member or item whose lone placeholder has no value is left out.
Paths into JSON (``at``) are dotted names, ``items.0.id``; the empty path is the whole value.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any, Literal

from syncline_runtime.frozen import dataclass

Call = Literal["", "rpc", "graphql"]
Template = Any


@dataclass(frozen=True)
class Request:
    """One HTTP request as a template. With ``rpc`` it is a JSON-RPC call and ``body`` holds the parameters."""

    path: str
    method: str = "GET"
    query: Mapping[str, Template] = dataclasses.field(default_factory=dict)
    headers: Mapping[str, Template] = dataclasses.field(default_factory=dict)
    body: Template = None  # absent: the record itself for writes, nothing for reads
    encoding: Literal["json", "form"] = "json"
    rpc: str | None = None
    graphql: str | None = None  # the document that is asked; ``body`` holds its variables, the answer is its ``data``

    @property
    def call(self) -> Call:
        """In what the request and its answer are wrapped."""
        return "rpc" if self.rpc else "graphql" if self.graphql else ""


@dataclass(frozen=True)
class Probe:
    """A harmless request whose answer proves something; ``at`` is where the proof stands."""

    request: Request
    at: str = ""
