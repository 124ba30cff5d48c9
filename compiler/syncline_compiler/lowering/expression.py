"""Typed expressions to scalar IR.

In: a typed expression and a ``Frame`` that says where its names stand. Out: scalar IR; the joins it needs are
collected in the frame. ``failures`` gives the conditions under which steps of an expression fail.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import field, replace
from functools import cache
from typing import Any

from syncline_compiler.functions import REGISTRY
from syncline_compiler.lowering import build as b
from syncline_compiler.lowering.outline import Outline, outline
from syncline_compiler.model import ir, typed
from syncline_compiler.model.types import BOOL, INT
from syncline_runtime.frozen import dataclass

LINKS = "ids"


def _of_golden(name: str) -> ir.Scalar:
    return b.col("g", name)


@dataclass
class Frame:
    """Where names stand while one expression, or one row of expressions, is lowered.

    ``relation`` prefixes relations of this member; ``connection`` and ``inputs`` serve links and value functions.
    """

    relation: str
    connection: str = ""
    native: str = "i"
    canonical: Callable[[str], ir.Scalar] = _of_golden
    child: str = "k"
    aggregates: Mapping[typed.Aggregate, ir.Scalar] = field(default_factory=dict)
    codes: Mapping[str, tuple[tuple[str, str], ...]] = field(default_factory=dict)
    inverse_codes: Mapping[str, tuple[tuple[str, str], ...]] = field(default_factory=dict)
    resources: Mapping[str, str] = field(default_factory=dict)
    keepers: Mapping[str, str] = field(default_factory=dict)  # object → the sync that keeps it
    joins: list[ir.Join] = field(default_factory=list)
    values: list[ir.IrValues] = field(default_factory=list)
    image: str = ""
    cast_items: bool = False  # canonical names are members of a list element, held as text

    @property
    def plain(self) -> bool:
        """Whether fields stand where they do in most frames, so that what is lowered is the same in all of them."""
        return self.canonical is _of_golden and self.native == "i" and not self.cast_items


PLAIN = Frame("")


@dataclass(frozen=True)
class Failure:
    """A step that can fail: when, and what is to happen then."""

    condition: ir.Scalar
    code: str
    rule: str
    action: str = "reject"


def lower(e: typed.Expression, frame: Frame) -> ir.Scalar:
    """Lower one expression; one that is said of many fields is lowered once."""
    known = outline(e) if frame.plain and not isinstance(e, (typed.Field, typed.Constant)) else None
    if known is None:
        return _lower(e, frame)
    return b.fill(_outlined, known[1], (), known[0])


def failures(e: typed.Expression, frame: Frame) -> list[Failure]:
    """Give the ways in which evaluating ``e`` can fail, innermost first."""
    if isinstance(e, (typed.Field, typed.Constant)):
        return []
    known = outline(e) if frame.plain else None
    if known is None:
        return _failures(e, frame)
    shape, names = known
    return [
        Failure(b.fill(_outlined_failure, names, (), shape, number), failure.code, failure.rule, failure.action)
        for number, failure in enumerate(how_it_fails(shape, len(names)))
    ]


def lower_said(shape: Outline, names: Sequence[str]) -> ir.Scalar:
    """Lower the expression of an outline with these names, over the rows that most frames have."""
    return _lower(shape.of(names), PLAIN)


def ways_to_fail(shape: Outline, names: Sequence[str]) -> list[Failure]:
    """Give the ways in which an outline with these names can fail, over the rows that most frames have."""
    return _failures(shape.of(names), PLAIN)


@cache
def how_it_fails(shape: Outline, names: int) -> tuple[Failure, ...]:
    """Give the ways in which an outline with so many names can fail, whatever the names are."""
    return tuple(ways_to_fail(shape, b.BLANK_NAMES[:names]))


def _outlined(*names_and_outline: Any) -> ir.Scalar:
    *names, shape = names_and_outline
    return lower_said(shape, names)


def _outlined_failure(*names_and_outline: Any) -> ir.Scalar:
    *names, shape, number = names_and_outline
    failed: Failure = ways_to_fail(shape, names)[number]
    return failed.condition


def _lower(e: typed.Expression, frame: Frame) -> ir.Scalar:
    match e:
        case typed.Constant():
            return _constant(e)
        case typed.Field():
            return _field(e, frame)
        case typed.Apply():
            return _apply(e, frame)
        case typed.Case():
            branches = tuple((b.holds(_lower(c, frame)), _lower(v, frame)) for c, v in e.branches)
            return ir.When(branches, _lower(e.default, frame) if e.default else None)
        case typed.Lookup():
            rows = (frame.inverse_codes if e.inverse else frame.codes)[e.codes]
            return ir.Codes(_lower(e.argument, frame), rows)
        case typed.Resolve():
            return _resolve(e, frame)
        case typed.Pick() | typed.Items():
            return _elements(e, frame)
        case typed.OrElse():
            return _lower(e.value, frame)
        case typed.Aggregate():
            return frame.aggregates[e]


def _failures(e: typed.Expression, frame: Frame) -> list[Failure]:
    match e:
        case typed.OrElse():
            found = _failures(e.value, frame)
            if e.action == "null":
                return []
            rule = e.message or "a step failed"
            return [Failure(f.condition, f.code, e.message or f.rule or rule, e.action) for f in found]
        case typed.Case():
            return _case_failures(e, frame)
        case typed.Apply():
            inner = [f for argument in e.arguments for f in _failures(argument, frame)]
            # `given` fails for want of a value, every other step because of one
            code, rule = ("SYN5002", "required") if e.function == "given" else ("SYN5001", e.function)
            return inner + ([_own_failure(e, _excused(e), code, rule, frame)] if e.can_fail else [])
        case typed.Lookup():
            return [*_failures(e.argument, frame), _own_failure(e, (e.argument,), "SYN5004", f"code {e.codes}", frame)]
        case typed.Resolve() if not e.inverse:
            rule = f"ref {e.object}" + (f" by {e.by}" if e.by else "")
            own = _own_failure(e, (e.argument,), "SYN5005", rule, frame)
            return [*_failures(e.argument, frame), own]
        case typed.Pick():
            return [*_failures(e.list, frame), _no_list(e.list, frame)]
        case typed.Items():
            return _items_failures(e, frame)
        case _:
            return []


def _elements(e: typed.Pick | typed.Items, frame: Frame) -> ir.Scalar:
    of, where, value = _lower(e.list, frame), b.holds(_lower(e.where, frame)), _lower(e.value, frame)
    if isinstance(e, typed.Pick):
        return ir.Elements(of, where, value, "first")
    return ir.Call(f"ITEMS {e.function}", (ir.Elements(of, where, value, "listed"),), (("type", b.sql_type(e.type)),))


def _items_failures(e: typed.Items, frame: Frame) -> list[Failure]:
    """Let a value that cannot be read fail the whole, and a sum that is too large."""
    found = [_no_list(e.list, frame).condition]
    found += [b.is_null(_lower(e, frame))] if e.function == "sum" else []
    if e.unread is not None:
        unread = typed.Apply("and", (e.where, e.unread), BOOL)
        counted = typed.Items("count", e.list, unread, typed.Constant(1, INT), None, INT)
        found.append(b.call(">", _lower(counted, frame), ir.Value(0)))
    return [Failure(condition, "SYN5001", f"{e.function} {e.list.name}") for condition in found]


def part_failures(each: typed.Each, frame: Frame) -> list[Failure]:
    """Give what makes a part unreadable: it is no list, or a value of an element cannot be read, or is not there."""
    found = [_no_list(each.list, frame)]
    for line in each.lines:
        if line.get is None:
            continue
        steps = failures(line.get, frame)
        if not line.get.type.nullable:
            missing = b.all_of([b.is_null(lower(line.get, frame)), *(b.negated(f.condition) for f in steps)])
            steps = [*steps, Failure(missing, "SYN5002", f"{line.field} required")]
        found += [replace(f, condition=_of_some(each.list, f.condition, frame)) for f in steps]
    return found


def _no_list(of: typed.Field, frame: Frame) -> Failure:
    """Say that something is there which is no list."""
    listed = _lower(of, frame)
    unread = b.is_null(ir.Elements(listed, None, ir.Item(""), "kept"))
    return Failure(b.all_of([b.present(listed), unread]), "SYN5001", f"list {of.name}")


def _of_some(of: typed.Field, condition: ir.Scalar, frame: Frame) -> ir.Scalar:
    """Whether a condition holds for an element of a list."""
    these = ir.Elements(_lower(of, frame), b.holds(condition), ir.Value(1), "listed")
    return b.call(">", ir.Call("ITEMS count", (these,)), ir.Value(0))


def _own_failure(
    e: typed.Expression, arguments: tuple[typed.Expression, ...], code: str, rule: str, frame: Frame
) -> Failure:
    given = [b.present(_lower(a, frame)) for a in arguments if not isinstance(a, typed.Constant)]
    return Failure(b.all_of([*given, b.is_null(_lower(e, frame))]), code, rule)


def _excused(e: typed.Apply) -> tuple[typed.Expression, ...]:
    """Give the arguments whose absence makes a null result no failure."""
    entry = REGISTRY.get(e.function)
    if entry is None or entry.excused is None:
        return e.arguments
    return tuple(e.arguments[place] for place in entry.excused if place < len(e.arguments))


def _case_failures(e: typed.Case, frame: Frame) -> list[Failure]:
    found: list[Failure] = []
    before: list[ir.Scalar] = []
    for condition, value in e.branches:
        taken = b.holds(_lower(condition, frame))
        found += [
            Failure(b.all_of([*map(b.negated, before), taken, f.condition]), f.code, f.rule, f.action)
            for f in _failures(value, frame)
        ]
        before.append(taken)
    if e.default is not None:
        found += [
            Failure(b.all_of([*map(b.negated, before), f.condition]), f.code, f.rule, f.action)
            for f in _failures(e.default, frame)
        ]
    return found


def _constant(e: typed.Constant) -> ir.Scalar:
    plain = e.type.kind in ("bool", "int", "null") or b.sql_type(e.type) == "VARCHAR"
    return ir.Value(e.value, None if plain else b.sql_type(e.type))


def _field(e: typed.Field, frame: Frame) -> ir.Scalar:
    match e.scope:
        case "native":
            return b.col(frame.native, f"native.{e.name}")
        case "canonical":
            if frame.cast_items:
                return ir.Call("CAST", (ir.Item(e.name),), (("type", b.sql_type(e.type)),))
            return frame.canonical(e.name)
        case "child":
            return b.col(frame.child, e.name)
        case "item":
            return ir.Item(e.name)
        case "run":
            return b.col("run", e.name)


def _apply(e: typed.Apply, frame: Frame) -> ir.Scalar:
    arguments = tuple(_lower(a, frame) for a in e.arguments)
    entry = REGISTRY.get(e.function)
    if entry is None or entry.runtime is None:
        return ir.Call(e.function, arguments, e.options)
    return _value_function(entry.runtime, arguments[0], dict(e.options), frame)


def _value_function(function: str, argument: ir.Scalar, options: Mapping[str, str], frame: Frame) -> ir.Scalar:
    option = ",".join(f"{key}={value}" for key, value in sorted(options.items()))
    for join in frame.joins:
        made = next((v for v in frame.values if v.output == join.source.relation), None)
        if made and (made.function, made.option, made.argument) == (function, option, argument):
            return b.col(join.source.alias, "output")
    alias = f"v{len(frame.values)}"
    output = f"{frame.relation}/value.{len(frame.values)}"
    query = ir.Select(
        (("input", argument),), ir.Source(frame.image, frame.native), where=b.present(argument), distinct=True
    )
    frame.values.append(ir.IrValues(function, option, argument, query, output))
    frame.joins.append(ir.Join("left", ir.Source(output, alias), b.equal(b.col(alias, "input"), argument)))
    return b.col(alias, "output")


def _resolve(e: typed.Resolve, frame: Frame) -> ir.Scalar:
    argument = _lower(e.argument, frame)
    if e.inverse:
        resource = b.text(e.resource)
        return ir.Call("REFERENCE", (b.text(e.object), resource, argument))
    if e.by:
        return _known_by(e.object, e.by, argument, frame)
    alias = f"l{len(frame.joins)}"
    on = b.all_of(
        [
            b.equal(b.col(alias, "object"), b.text(e.object)),
            b.equal(b.col(alias, "connection"), b.text(frame.connection)),
            b.equal(b.col(alias, "resource"), b.text(e.resource)),
            b.equal(b.col(alias, "native_id"), argument),
        ]
    )
    for join in frame.joins:
        if join.source.relation == LINKS and _moved(join.on, join.source.alias, alias) == on:
            return b.col(join.source.alias, "canonical_id")
    frame.joins.append(ir.Join("left", ir.Source(LINKS, alias), on))
    return b.col(alias, "canonical_id")


def _known_by(object_: str, field: str, argument: ir.Scalar, frame: Frame) -> ir.Scalar:
    """Give the canonical id of the record that has this value in a field; null where no sync keeps the object."""
    keeper = frame.keepers.get(object_)
    if keeper is None:
        return b.null("VARCHAR")
    alias = f"k{len(frame.joins)}"
    relation = f"{keeper}/by/{field}"
    for join in frame.joins:
        if join.source.relation == relation and join.on == b.equal(b.col(join.source.alias, "key"), argument):
            return b.col(join.source.alias, "_cid")
    frame.joins.append(ir.Join("left", ir.Source(relation, alias), b.equal(b.col(alias, "key"), argument)))
    return b.col(alias, "_cid")


def _moved(condition: ir.Scalar | None, old: str, new: str) -> ir.Scalar | None:
    """Give the same condition over another alias."""
    match condition:
        case ir.Column(table, name) if table == old:
            return ir.Column(new, name)
        case ir.Call(name, arguments, options):
            moved = tuple(_moved(a, old, new) or a for a in arguments)
            return ir.Call(name, moved, options)
        case _:
            return condition
