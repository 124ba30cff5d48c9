"""How large and how deep typed expressions are with every ``let`` written out, found without writing them out."""

from __future__ import annotations

from dataclasses import dataclass, field

from syncline_compiler.diagnostics.diagnostic import Collector
from syncline_compiler.functions import REGISTRY
from syncline_compiler.model.typed import Apply, Expression, parts_of
from syncline_compiler.source import Span

LARGEST = 4_000
"""Nodes of one expression as its SQL holds them, where some functions write an argument several times."""
DEEPEST = 130
"""Levels of one typed expression: what later passes, which recurse, are sure to manage."""


@dataclass
class Bounds:
    """Measures the expressions of one mapping, each shared node once. Holds the nodes, so that no id is used again."""

    known: dict[int, tuple[Expression, int, int]] = field(default_factory=dict)

    def hold(self, expression: Expression, span: Span, diagnostics: Collector) -> bool:
        """Tell whether an expression is within bounds; report it if not."""
        size, depth = self.measure(expression)
        if size <= LARGEST and depth <= DEEPEST:
            return True
        many = f"{LARGEST} parts" if size > LARGEST else f"{DEEPEST} levels"
        diagnostics.report("SYN0102", span, label=f"with every `let` written out this has more than {many}")
        return False

    def measure(self, expression: Expression) -> tuple[int, int]:
        """Count nodes and levels; a node counts as often as it is written and is visited once."""
        if id(expression) not in self.known:
            parts = [self.measure(part) for part in parts_of(expression)]
            size = 1 + _uses(expression) * sum(size for size, _ in parts)
            depth = 1 + max((depth for _, depth in parts), default=0)
            self.known[id(expression)] = (expression, size, depth)
        return self.known[id(expression)][1:]


def _uses(expression: Expression) -> int:
    return REGISTRY[expression.function].uses if isinstance(expression, Apply) else 1
