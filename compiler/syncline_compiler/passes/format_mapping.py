"""Brings mappings into the one format.

In: the text of a ``.map`` file. Out: the text laid out anew, or as it was if it has a syntax error.
Invariant: the result means the same, with the same comments in the same order; formatting it again changes nothing.
"""

from __future__ import annotations

import dataclasses
from typing import Any

from syncline_compiler.diagnostics.diagnostic import Collector
from syncline_compiler.parsing.layout import laid_out
from syncline_compiler.parsing.places import Places
from syncline_compiler.parsing.reader import Reading

_PLACES = frozenset({"span", "text"})


def format_mapping(text: str) -> str:
    """Format a mapping; a text with a syntax error is given back as it is."""
    meaning = _meaning(text)
    if meaning is None:
        return text
    formatted = laid_out(text.replace("\r\n", "\n"))
    return formatted if _meaning(formatted) == meaning else text


def _meaning(text: str) -> list[Any] | None:
    statements = Reading(text + "\n", Places(""), Collector()).read("mapping_file")
    return [_without_places(statement) for statement in statements] if statements is not None else None


def _without_places(node: Any) -> Any:
    if isinstance(node, tuple):
        return tuple(_without_places(part) for part in node)
    if not dataclasses.is_dataclass(node):
        return node
    parts = (field.name for field in dataclasses.fields(node) if field.name not in _PLACES)
    return (type(node).__name__, *(_without_places(getattr(node, name)) for name in parts))
