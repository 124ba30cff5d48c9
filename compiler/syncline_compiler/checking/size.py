"""How large and how deep typed expressions are with every name written out, found without writing them out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field

from syncline_compiler.diagnostics.diagnostic import Collector
from syncline_compiler.functions import REGISTRY
from syncline_compiler.model.typed import Apply, Constant, Expression, Field, parts_of
from syncline_compiler.source import Span
from syncline_runtime.frozen import dataclass

LARGEST = 4_000
"""Nodes of one expression as its SQL holds them, where some functions write an argument several times."""
LARGEST_IN_ALL = 50_000
"""Nodes of all expressions of one mapping, or of one object."""
DEEPEST = 130
"""Levels of one typed expression: what later passes, which recurse, are sure to manage."""


@dataclass
class Bounds:
    """Measures the expressions of one mapping or object, each shared node once.

    ``named``: parts and levels of the derived fields, which stand for their values. Holds the nodes, so that no id is used
    again.
    """

    named: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    known: dict[int, tuple[Expression, int, int]] = field(default_factory=dict)
    total: int = 0

    def hold(self, expression: Expression, span: Span, diagnostics: Collector) -> bool:
        """Tell whether an expression is within bounds; report it if not."""
        size, depth = self.measure(expression)
        self.total += size
        if size <= LARGEST and depth <= DEEPEST and self.total <= LARGEST_IN_ALL:
            return True
        many = f"{LARGEST:,} parts" if size > LARGEST else f"{DEEPEST} levels"
        label = f"with every name written out this has more than {many}"
        if size <= LARGEST and depth <= DEEPEST:
            label = f"with every name written out, what stands up to here has more than {LARGEST_IN_ALL:,} parts"
        diagnostics.report("SYN0102", span, label=label)
        return False

    def takes(self, size: int) -> bool:
        """Add an expression that is known to be within bounds but for what stands before it; false if it is beyond them."""
        within = self.total + size <= LARGEST_IN_ALL
        self.total += size * within
        return within

    def measure(self, expression: Expression) -> tuple[int, int]:
        """Count nodes and levels; a node counts as often as it is written and is visited once."""
        if (
            self.named
            and isinstance(expression, Field)
            and expression.scope == "canonical"
            and expression.name in self.named
        ):
            return self.named[expression.name]
        if isinstance(expression, (Field, Constant)):
            return 1, 1
        if id(expression) not in self.known:
            parts = [self.measure(part) for part in parts_of(expression)]
            size = 1 + _uses(expression) * sum(size for size, _ in parts)
            depth = 1 + max((depth for _, depth in parts), default=0)
            self.known[id(expression)] = (expression, size, depth)
        return self.known[id(expression)][1:]


def _uses(expression: Expression) -> int:
    return REGISTRY[expression.function].uses if isinstance(expression, Apply) else 1
