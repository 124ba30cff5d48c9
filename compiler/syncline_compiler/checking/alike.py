"""Lines that look alike: what came of one comes of the others too, with their names.

In: a line that reads one native field through steps with literals only, ``name <-> Name | upper``, and what it stands between.
Out: what tells it from lines that are not alike; its typed form under other names.
Invariant: lines alike differ in nothing but names, spans and their text; a line about which anything was reported is
never remembered, so that each mistake is found where it stands.
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import fields
from operator import attrgetter

from syncline_compiler.checking.names import STARTED, Names, Scope
from syncline_compiler.model import syntax
from syncline_compiler.model.resolved import ResolvedField
from syncline_compiler.model.typed import Apply, Constant, Expression, Field, Line, OrElse, Put
from syncline_runtime.frozen import dataclass
from syncline_runtime.system import NativeField

Traits = tuple[Hashable, ...]

MOST = 10_000
"""Lines that are remembered."""
_LOOKING_ELSEWHERE = frozenset({"code", "ref"})
_NAMING = frozenset({"name", "at", "write_at", "lookup"})
"""What a native field is called, and where it stands; one with a ``lookup`` is never remembered."""
_QUALITIES = attrgetter(*(one.name for one in fields(NativeField) if one.name not in _NAMING))


@dataclass(frozen=True, slots=True)
class Example:
    """A line in which there was no mistake, and how many parts it adds to its mapping."""

    line: Line
    size: int

    def of(self, written: syntax.Line) -> Line:
        """Give the typed form of a line alike."""
        line, read = self.line, native_of(written)
        assert read is not None  # lines alike name both
        assert isinstance(written.left, syntax.Name)
        native, canonical = read.text, written.left.text
        get = _renamed(line.get, native, canonical) if line.get is not None else None
        puts = tuple([Put(native, _renamed(put.value, native, canonical)) for put in line.puts])
        return Line(line.direction, canonical, get, puts, line.identity, written.span, written.text)


_examples: dict[Traits, Example] = {}


def example(traits: Traits | None) -> Example | None:
    """Give a line alike that was typed before."""
    return _examples.get(traits) if traits is not None else None


def remember(traits: Traits | None, line: Line, size: int) -> None:
    """Remember a line about which nothing was reported."""
    reached = [line.get, *(put.value for put in line.puts)]
    if traits is not None and len(_examples) < MOST and all(one is None or _is_plain(one) for one in reached):
        _examples[traits] = Example(line, size)


def native_of(line: syntax.Line) -> syntax.Name | None:
    """Give the one name that a line reads, if its right side begins with a name."""
    right = line.right.value if isinstance(line.right, syntax.Pipeline) else line.right
    return right if isinstance(right, syntax.Name) else None


def traits_of(line: syntax.Line, target: ResolvedField | None, scope: Scope, names: Names) -> Traits | None:
    """Tell a line from all that are not alike; None if what comes of it hangs on more than the two fields and its steps."""
    name = native_of(line)
    if name is None or target is None or scope.kind != "native" or names.heard is not None:
        return None
    text = name.text
    native = scope.native(text)
    steps = _steps(line.right)
    if native is None or native.lookup is not None or steps is None or text in scope.lets or name.parts == STARTED:
        return None
    is_id = scope.resource is not None and scope.resource.id == text
    is_there = bool(scope.facts) and frozenset({(text, True)}) in scope.facts
    zone = scope.system.zone if scope.system is not None else None
    asked = (target.type, target.form, target.required)
    return (line.direction, steps, asked, _QUALITIES(native), is_id, is_there, zone)


def _steps(right: syntax.Expression) -> tuple[Hashable, ...] | None:
    """Give the steps behind the name; None if one looks at more than the value and literals."""
    if not isinstance(right, syntax.Pipeline):
        return ()
    steps: list[Hashable] = []
    for step in right.steps:
        if isinstance(step, syntax.Otherwise):
            steps.append((step.action, step.message))
            continue
        literals = [(one.kind, one.value) for one in step.arguments if isinstance(one, syntax.Literal)]
        if step.function.text in _LOOKING_ELSEWHERE or len(literals) < len(step.arguments):
            return None
        steps.append((step.function.text, *literals))
    return tuple(steps)


def _is_plain(expression: Expression) -> bool:
    match expression:
        case Field() | Constant():
            return True
        case Apply():
            return all(map(_is_plain, expression.arguments))
        case OrElse():
            return _is_plain(expression.value)
    return False


def _renamed(e: Expression, native: str, canonical: str) -> Expression:
    match e:
        case Field():
            return Field(e.scope, native if e.scope == "native" else canonical, e.type)
        case Apply():
            arguments = tuple([_renamed(one, native, canonical) for one in e.arguments])
            return Apply(e.function, arguments, e.type, e.can_fail, e.options)
        case OrElse():
            return OrElse(_renamed(e.value, native, canonical), e.action, e.message, e.type)
    return e
