"""Sets of kinds that parameters accept."""

from __future__ import annotations

from typing import get_args

from syncline_compiler.model.types import Kind

ONLY_TEXT: frozenset[Kind] = frozenset({"text"})
TEXTUAL: frozenset[Kind] = frozenset(
    {"text", "email", "phone", "url", "country", "currency", "language", "subdivision"}
)
"""Kinds that may stand where text is expected: each is held as text."""
FORMED: frozenset[Kind] = frozenset({"text", "email", "url"})
"""Kinds whose fields may declare a form: the others are held in one already."""
NUMERIC: frozenset[Kind] = frozenset({"int", "decimal"})
ORDERED: frozenset[Kind] = TEXTUAL | NUMERIC | {"date", "instant", "local_datetime", "duration"}
ANY: frozenset[Kind] = frozenset(get_args(Kind))
