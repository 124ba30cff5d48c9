"""How deep a syntax tree is, found without recursion, so that passes which do recurse cannot run out of stack."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from syncline_compiler.model import syntax
from syncline_compiler.source import Span


def deeper_than(bound: int, roots: Sequence[Any]) -> Span | None:
    """Find a node that lies more than ``bound`` levels below its statement; None if there is none."""
    waiting = [(node, 0) for node in roots]
    while waiting:
        node, depth = waiting.pop()
        if depth > bound:
            span: Span = node.span
            return span
        waiting.extend((child, depth + _weight(node)) for child in _children(node))
    return None


def _weight(node: Any) -> int:
    return 1 + len(node.steps) if isinstance(node, syntax.Pipeline) else 1


def _children(node: Any) -> Iterable[Any]:
    match node:
        case syntax.Literal() | syntax.Name():
            return ()
        case syntax.Operation():
            return node.operands
        case syntax.Pipeline():
            return (node.value, *(argument for step in node.steps for argument in _arguments(step)))
        case syntax.Call():
            return (*node.arguments, node.where) if node.where is not None else node.arguments
        case syntax.Nullness():
            return (node.operand,)
        case syntax.Membership():
            return (node.operand, *node.options) if isinstance(node.options, tuple) else (node.operand,)
        case syntax.Case():
            rest = (node.default,) if node.default is not None else ()
            return (*(part for branch in node.branches for part in branch), *rest)
        case syntax.Pick():
            return (node.where,) if node.where is not None else ()
    return _statement_children(node)


def _statement_children(node: Any) -> Iterable[Any]:
    match node:
        case syntax.Line():
            return (node.left, node.right)
        case syntax.Let():
            return (node.value,)
        case syntax.Take() | syntax.Reject():
            return (node.condition,)
    return ()


def _arguments(step: syntax.Step | syntax.Otherwise) -> tuple[syntax.Expression, ...]:
    return step.arguments if isinstance(step, syntax.Step) else ()
