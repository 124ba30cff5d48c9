"""Check conditions: whether each of them can hold for some records and not for others.

In: objects with their expressions, resolved syncs, typed mappings. Diagnostics: SYN0314.
Invariant (of a project without these): no condition contradicts itself, none is met by every record, and none compares a
text with what it never is. What is not understood counts as possible (``model/exclusive``).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from syncline_compiler.diagnostics.diagnostic import Collector
from syncline_compiler.model.document import WrittenProject
from syncline_compiler.model.exclusive import always_holds, never_holds
from syncline_compiler.model.resolved import ResolvedObject, ResolvedSync
from syncline_compiler.model.typed import (
    Aggregate,
    Apply,
    Case,
    Constant,
    Expression,
    Field,
    Pick,
    TypedMapping,
    parts_of,
)
from syncline_compiler.source import Span
from syncline_compiler.spelling import did_you_mean
from syncline_runtime.frozen import dataclass

COMPARED = frozenset({"eq", "ne", "same", "differs", "in"})


@dataclass(frozen=True)
class _Written:
    """A condition with its place, and what becomes of records where it is never met, and where it always is."""

    condition: Expression
    span: Span
    never: str
    always: str


def check_conditions(
    objects: Mapping[str, ResolvedObject],
    syncs: Sequence[ResolvedSync],
    mappings: Iterable[TypedMapping],
    project: WrittenProject,
    diagnostics: Collector,
) -> None:
    """Check every condition, and every comparison with a derived field."""
    for mapping in mappings:
        _check_mapping(mapping, objects[mapping.object], objects, diagnostics)
    for sync in syncs:
        for member in sync.members:
            if not isinstance(member.hold, bool):
                span = project.syncs[sync.name].at("exists", "hold", member.connection)
                never = f"`{member.connection}` is given no record"
                held = _Written(member.hold, span, never, f"`{member.connection}` is given every record")
                _check(held, sync.object, objects, diagnostics)
    for item in objects.values():
        for invariant in item.invariants:
            breaks = _Written(invariant.condition, invariant.span, "every record breaks it", "no record breaks it")
            _check(breaks, item, objects, diagnostics)
        for derived in item.derived:
            _check_within(derived.value, derived.span, item, objects, diagnostics)


def _check_mapping(
    mapping: TypedMapping, item: ResolvedObject, objects: Mapping[str, ResolvedObject], diagnostics: Collector
) -> None:
    if mapping.take is not None:
        span = mapping.taken or mapping.span
        _check(_Written(mapping.take, span, "no record is read", "every record is"), item, objects, diagnostics)
    for reject in mapping.rejects:
        told = _Written(reject.condition, reject.span, "no record is set aside", "every record is set aside")
        _check(told, item, objects, diagnostics)
    for line in mapping.lines:
        for value in (*([line.get] if line.get is not None else []), *(put.value for put in line.puts)):
            if not isinstance(value, Field):
                _check_within(value, line.span, item, objects, diagnostics)


def _check(written: _Written, item: ResolvedObject, objects: Mapping[str, ResolvedObject], to: Collector) -> None:
    if never_holds(written.condition):
        label, remedy = (
            f"this is never met: {written.never}",
            "what it asks for at once excludes each other: was `or` meant?",
        )
    elif always_holds(written.condition):
        label, remedy = f"this is always met: {written.always}", "what is not the one is the other: was `and` meant?"
    else:
        _check_within(written.condition, written.span, item, objects, to)
        return
    to.report("SYN0314", written.span, label=label, help=remedy)


def _check_within(
    expression: Expression, span: Span, item: ResolvedObject, objects: Mapping[str, ResolvedObject], to: Collector
) -> None:
    """Check the conditions inside an expression, and what it compares."""
    for inner in _conditions(expression):
        if never_holds(inner):
            label = "a condition in here is never met"
            to.report(
                "SYN0314", span, label=label, help="what it asks for at once excludes each other: was `or` meant?"
            )
    if isinstance(expression, Aggregate):
        item = objects.get(expression.object, item)
    if isinstance(expression, Apply) and expression.function in COMPARED:
        _check_compared(expression, span, item, to)
    for part in parts_of(expression):
        if not isinstance(part, Field | Constant):
            _check_within(part, span, item, objects, to)


def _conditions(expression: Expression) -> Iterator[Expression]:
    match expression:
        case Case():
            yield from (condition for condition, _ in expression.branches)
        case Pick():
            yield expression.where
        case Aggregate() if expression.where is not None:
            yield expression.where


def _check_compared(expression: Apply, span: Span, item: ResolvedObject, to: Collector) -> None:
    """Check that a text with a closed list of values is compared with one of them."""
    told = ((one, known) for one in expression.arguments if (known := _values(one, item)))
    subject, known = next(told, (None, ()))
    for value in expression.arguments if subject is not None else ():
        if isinstance(value, Constant) and isinstance(value.value, str) and value.value not in known:
            what = f"`{subject.name}`" if isinstance(subject, Field) else "this"
            remedy = did_you_mean(value.value, known, kind="values")
            to.report("SYN0314", span, label=f'{what} is never "{value.value[:60]}"', help=remedy)


def _values(expression: Expression, item: ResolvedObject) -> tuple[str, ...]:
    """Give all texts that an expression can be; none where that is not known."""
    match expression:
        case Field(scope="canonical" | "child"):
            derived = next((one for one in item.derived if one.name == expression.name), None)
            return (
                tuple(sorted(set(_results(derived.value)))) if derived is not None and _is_closed(derived.value) else ()
            )
        case Apply(function="text_of_code", arguments=(inner,)):
            return inner.type.values
    return ()


def _is_closed(value: Expression) -> bool:
    match value:
        case Constant():
            return isinstance(value.value, str) or value.value is None
        case Case():
            default = (value.default,) if value.default is not None else ()
            return all(map(_is_closed, (*(made for _, made in value.branches), *default)))
    return False


def _results(value: Expression) -> Iterator[str]:
    match value:
        case Constant(value=str() as text):
            yield text
        case Case():
            for made in (*(made for _, made in value.branches), *((value.default,) if value.default else ())):
                yield from _results(made)
