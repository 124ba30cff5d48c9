"""sqlglot's trees, imported when the first is made: whoever only checks, or finds all SQL rendered, does not wait for it.

``exp`` is ``sqlglot.exp``; ``later.EQ`` stands for a class of it that is not needed before something is made of it.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sqlglot import exp

    later = exp
    Tree = exp.Expression
else:

    class _Exp:
        def __getattr__(self, name: str) -> Any:
            found = getattr(import_module("sqlglot").exp, name)
            setattr(self, name, found)
            return found

    class _Later:
        def __getattr__(self, name: str) -> Any:
            return lambda *given, **named: getattr(exp, name)(*given, **named)

    exp, later, Tree = _Exp(), _Later(), Any

__all__ = ["Tree", "exp", "later"]
