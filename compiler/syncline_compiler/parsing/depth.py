"""How deep and how large a syntax tree is, found without recursion: passes which do recurse cannot run out of stack."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from syncline_compiler.model import syntax
from syncline_compiler.model.syntax import children_of
from syncline_compiler.source import Span

DEEPEST = 64
"""Levels of brackets, operators and steps within one another."""
LARGEST = 2_000
"""Parts of one statement: names, values, operators and steps."""


def beyond_bounds(statements: Sequence[Any]) -> tuple[Span, str] | None:
    """Find what is too deep or too large, and say how; None if nothing is."""
    for statement in statements:
        found = _beyond(statement)
        if found is not None:
            return found
    return None


def _beyond(statement: Any) -> tuple[Span, str] | None:
    waiting, size = [(statement, 0)], 0
    while waiting:
        node, depth = waiting.pop()
        weight = _weight(node)
        size += weight
        if depth > DEEPEST:
            return node.span, f"more than {DEEPEST} levels deep"
        if size > LARGEST:
            return statement.span, f"more than {LARGEST:,} parts"
        waiting.extend((child, depth + weight) for child in children_of(node))
    return None


def _weight(node: Any) -> int:
    return 1 + len(node.steps) if isinstance(node, syntax.Pipeline) else 1
