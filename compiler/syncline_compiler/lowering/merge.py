"""Merge: one winner per canonical id and field (design: *decide*).

In: per dirty id and member, its present values and its base. Out: ``side`` per member and ``golden`` per sync.
A member whose record was rejected, not read, late or has an intent in flight is *unknown*: its base stands in.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from syncline_compiler.lowering import build as b
from syncline_compiler.lowering.expression import Frame, failures, lower
from syncline_compiler.lowering.slots import MemberSlots, agreed_before
from syncline_compiler.lowering.winner import FieldOfSync, fields_of, lower_asked, lower_winner, unknowable_of
from syncline_compiler.model import ir, typed
from syncline_compiler.model.resolved import ResolvedObject, ResolvedSync
from syncline_runtime.frozen import dataclass


def lower_side(sync: ResolvedSync, member: MemberSlots, unknowable: frozenset[str]) -> ir.IrStep:
    """``now.*`` and ``agreed.*`` of one member beside each other, a row for every dirty canonical id.

    ``based.*``: the slot was agreed with the member before, be it as null.
    ``unknown.*``: nothing is known of the member's own value of a field that is ``unknowable``.
    """
    connection = member.member.connection
    prefix = f"{sync.name}/{connection}"
    columns: list[ir.Columns | ir.Listed] = [
        (ir.Carried("v", tuple(slot.name for slot in member.lines), to="now."),),
        b.several("more", _agreed_column, (((slot.name,), (slot.waits, bool(slot.partial))) for slot in member.lines)),
        tuple(
            (f"unknown.{slot.name}", b.any_of(_unknown(slot.name, slot.waits, bool(slot.partial))))
            for slot in member.lines
            if slot.may_be_unknown or slot.name in unknowable
        ),
    ]
    waiting = [b.holds(b.col("v", f"late.{slot.name}")) for slot in member.lines if slot.waits]
    columns.append((("_waits", b.any_of(waiting)),) if waiting else ())
    columns.append((ir.Carried("v", member.clock_fields, "clock.", "clock."),))
    more = tuple(made if isinstance(made, ir.Listed) else ir.Listed("more", (made,)) for made in columns)
    names = (prefix, f"{sync.name}/dirty", connection, f"{sync.name}/links")
    return ir.IrStep("merge", f"{prefix}/side", b.fill(_side, names, more))


def _side(prefix: str, dirty: str, connection: str, links: str, *more: ir.Listed) -> ir.Select:
    flight = b.all_of(
        [b.equal(b.col("f", "canonical_id"), b.col("d", "_cid")), b.equal(b.col("f", "connection"), b.text(connection))]
    )
    link = b.all_of(
        [
            b.equal(b.col("l", "canonical_id"), b.col("d", "_cid")),
            b.equal(b.col("l", "connection"), b.text(connection)),
        ]
    )
    return ir.Select(
        (
            ("_cid", b.col("d", "_cid")),
            (
                "_native_id",
                b.call("COALESCE", b.col("v", "_native_id"), b.col("b", "_native_id"), b.col("l", "native_id")),
            ),
            ("_known", b.all_of([b.present(b.col("v", "_cid")), b.is_null(b.col("f", "canonical_id"))])),
            ("_holds", b.present(b.col("l", "native_id"))),
            ("_in_flight", b.present(b.col("f", "canonical_id"))),
            ("_slots", b.call("COALESCE", b.col("b", "_slots"), b.text(""))),
            ("_remapped", b.holds(b.col("b", "_remapped"))),
            ("_synced", b.col("b", "_synced")),
            ("_open", b.holds(b.col("b", "_open"))),
            ("_disputed", ir.Call("CONCAT", (b.text(","), b.col("b", "_disputed"), b.text(",")))),
            ("_before", b.col("b", "_before")),
            ("_written", b.col("b", "_written")),
            *more,
        ),
        ir.Source(dirty, "d"),
        (
            ir.Join("left", ir.Source(f"{prefix}/values", "v"), b.equal(b.col("v", "_cid"), b.col("d", "_cid"))),
            ir.Join("left", ir.Source(f"{prefix}/base", "b"), b.equal(b.col("b", "_cid"), b.col("d", "_cid"))),
            ir.Join("left", ir.Source(links, "l"), link),
            ir.Join("left", ir.Source("in_flight", "f"), flight),
        ),
    )


def _unknown(name: str, waits: bool, partial: bool) -> tuple[ir.Scalar, ...]:
    """Give the conditions, over ``values``, under which nothing is known of a slot; none for most."""
    late = (b.holds(b.col("v", f"late.{name}")),) if waits else ()
    return (*late, *((b.holds(b.col("v", f"untold.{name}")),) if partial else ()))


def _agreed_column(name: str, waits: bool, partial: bool) -> ir.Columns:
    agreed = _agreed_under_this_plan(name, *_unknown(name, waits, partial))
    return ((f"agreed.{name}", agreed), (f"based.{name}", agreed_before(b.col("b", "_slots"), name)))


def _agreed_under_this_plan(name: str, *unknown: ir.Scalar) -> ir.Scalar:
    """Give the agreed value; where only the mapping changed, what the same image means now, so that it is no edit."""
    told, agreed = b.col("v", name), b.col("b", f"agreed.{name}")
    listed = ir.Call("CONCAT", (b.text(","), b.col("b", "_disputed"), b.text(",")))
    disputed = b.call("CONTAINS TEXT", listed, b.text(f",{name},"))
    only_the_plan = [
        b.holds(b.col("b", "_remapped")),
        b.negated(b.holds(b.col("v", "_moved"))),
        b.present(b.col("v", "_cid")),
    ]
    only_the_plan += map(b.negated, unknown)
    return b.when((b.all_of([*only_the_plan, b.negated(b.holds(disputed))]), told), default=agreed)


def lower_golden(
    sync: ResolvedSync, members: Sequence[MemberSlots], syncs: Mapping[str, ResolvedSync], frame: Frame
) -> list[ir.IrStep]:
    """``SYNC/asked``, ``SYNC/winner``, the sums that derived fields need, and ``SYNC/golden``.

    ``syncs``: those that keep objects, by object; ``frame`` brings the code tables.
    """
    fields = fields_of(sync, unknowable_of(members))
    steps = [
        ir.IrStep("merge", f"{sync.name}/asked", lower_asked(sync, members, fields)),
        ir.IrStep("merge", f"{sync.name}/winner", lower_winner(sync, members, fields)),
    ]
    aggregates = aggregates_of(sync.object)
    known: dict[typed.Aggregate, ir.Scalar] = {}
    lacking: list[tuple[ir.Scalar, str]] = []
    joins: list[ir.Join] = []
    for number, aggregate in enumerate(aggregates):
        relation, alias = f"{sync.name}/sum/{number}", f"a{number}"
        keeper = syncs[aggregate.object]
        failed = _fails(sync, aggregate, keeper, frame)
        steps.append(ir.IrStep("merge", relation, _aggregate(sync, aggregate, keeper.name, failed)))
        joins.append(ir.Join("left", ir.Source(relation, alias), b.equal(b.col(alias, "_cid"), b.col("w", "_cid"))))
        known[aggregate] = _or_zero(aggregate, alias)
        lacking += _lacking(aggregate, alias, failed)
    golden = _golden(sync, fields, replace(frame, aggregates=known), joins, lacking)
    steps.append(ir.IrStep("merge", f"{sync.name}/golden", golden))
    return steps


def aggregates_of(object_: ResolvedObject) -> list[typed.Aggregate]:
    """Give the sums over other objects that the object's derived fields and invariants need, each once."""
    values = [derived.value for derived in object_.derived] + [one.condition for one in object_.invariants]
    return list(dict.fromkeys(found for value in values for found in _aggregates_in(value)))


def _aggregates_in(e: typed.Expression) -> Iterator[typed.Aggregate]:
    if isinstance(e, typed.Aggregate):
        yield e
        return
    for part in typed.parts_of(e):
        yield from _aggregates_in(part)


def _aggregate(sync: ResolvedSync, aggregate: typed.Aggregate, child_sync: str, failed: ir.Scalar) -> ir.Select:
    frame = Frame("", child="k")
    value = lower(aggregate.value, frame)
    by = (lower(aggregate.by, frame),) if aggregate.by is not None else ()
    conditions = [b.holds(lower(aggregate.where, frame))] if aggregate.where is not None else []
    conditions += map(b.present, by)
    if conditions:
        value = b.when((b.all_of(conditions), value))
    ordered = (*by, b.col("k", "_cid")) if by else ()
    options = (("type", b.sql_type(aggregate.type)),)
    return ir.Select(
        (
            ("_cid", b.col("d", "_cid")),
            ("value", ir.Call(f"AGGREGATE {aggregate.function}", (value, *ordered), options)),
            ("count", ir.Call("AGGREGATE count", (value,))),
            *((("failed", ir.Call("AGGREGATE count", (b.when((failed, ir.Value(1))),))),) if failed != b.FALSE else ()),
        ),
        ir.Source(f"{sync.name}/dirty", "d"),
        (
            ir.Join(
                "inner", ir.Source(f"{child_sync}/current", "k"), b.equal(b.col("k", aggregate.ref), b.col("d", "_cid"))
            ),
        ),
        group=(b.col("d", "_cid"),),
    )


def _fails(sync: ResolvedSync, aggregate: typed.Aggregate, keeper: ResolvedSync, frame: Frame) -> ir.Scalar:
    """Whether a record has no part in an aggregate though it should: what it brings in cannot be worked out.

    Of records of the same object derived fields are not known yet.
    """
    derived = {one.name: one for one in keeper.object.derived if keeper.name != sync.name}
    child = _Decided(keeper.object, frozenset(field.name for field in fields_of(keeper)), frame, frame.child)

    def ways(e: typed.Expression) -> list[ir.Scalar]:
        found = [failure.condition for failure in failures(e, frame)]
        for name in sorted({field.name for field in typed.fields_in(e)} & derived.keys()):
            made = derived[name].value
            if not made.type.nullable:
                found.append(b.is_null(b.col(frame.child, name)))
            elif not any(_aggregates_in(made)):
                found += child.failures(made)
        return found

    brought = [way for e in (aggregate.value, aggregate.by) if e is not None for way in ways(e)]
    if aggregate.where is None:
        return b.any_of(brought)
    counts = [b.all_of([b.holds(lower(aggregate.where, frame)), b.any_of(brought)])] if brought else []
    return b.any_of([*ways(aggregate.where), *counts])


def _or_zero(aggregate: typed.Aggregate, alias: str) -> ir.Scalar:
    """Give the sum or count; of nothing it is zero, of money zero in no currency yet."""
    value = b.col(alias, "value")
    if aggregate.function not in ("sum", "count"):
        return value
    kind = b.sql_type(aggregate.type)
    zero: ir.Scalar = ir.Value(0, kind)
    if aggregate.type.kind == "money":
        zero = ir.Value("{'amount': 0, 'currency': NULL}", kind)
    nothing = b.equal(b.call("COALESCE", b.col(alias, "count"), ir.Value(0)), ir.Value(0))
    return b.when((nothing, zero), default=value)


def _lacking(aggregate: typed.Aggregate, alias: str, failed: ir.Scalar) -> Iterator[tuple[ir.Scalar, str]]:
    """Give what an aggregate lacks: records whose part cannot be worked out, one currency of amounts in several."""
    if failed != b.FALSE:
        yield b.call(">", b.col(alias, "failed"), ir.Value(0)), f"every {aggregate.object} can be worked out"
    if aggregate.function == "sum" and aggregate.type.kind == "money":
        counted = b.call(">", b.col(alias, "count"), ir.Value(0))
        yield b.all_of([counted, b.is_null(b.col(alias, "value"))]), f"one currency in {aggregate.object}s"


def _golden(
    sync: ResolvedSync,
    fields: Sequence[FieldOfSync],
    frame: Frame,
    joins: Sequence[ir.Join],
    lacking: Sequence[tuple[ir.Scalar, str]],
) -> ir.Select:
    decided = _Decided(sync.object, frozenset(field.name for field in fields), frame)
    columns: list[tuple[str, ir.Scalar] | ir.All] = [ir.All("w")]
    columns += [(derived.name, decided.value(derived.value)) for derived in sync.object.derived]
    broken = [
        (b.negated(b.call("COALESCE", decided.value(one.condition), b.TRUE)), one.name)
        for one in sync.object.invariants
    ]
    broken += lacking
    for derived in sync.object.derived:
        if failed := decided.failures(derived.value):
            broken.append((b.any_of(failed), f"{derived.name} can be worked out"))
    columns.append(("_broken", b.flag_text(broken)))
    return ir.Select(tuple(columns), ir.Source(f"{sync.name}/winner", "w"), tuple(joins))


@dataclass(frozen=True)
class _Decided:
    """What names mean once all fields are decided: a field of the winner, or a derived field, which is made of some."""

    object: ResolvedObject
    own: frozenset[str]
    frame: Frame
    row: str = "w"

    def value(self, e: typed.Expression) -> ir.Scalar:
        """Lower an expression over decided fields."""
        return lower(e, self._over)

    def failures(self, e: typed.Expression) -> list[ir.Scalar]:
        """Give the conditions under which an expression over decided fields has no value though what it is made of has."""
        return [failure.condition for failure in failures(e, self._over)]

    @property
    def _over(self) -> Frame:
        return replace(self.frame, canonical=self._canonical)

    def _canonical(self, name: str) -> ir.Scalar:
        derived = next((one for one in self.object.derived if one.name == name), None)
        if derived is not None:
            return self.value(derived.value)
        return b.col(self.row, name) if name in self.own else b.null(_type_of(self.object, name))


def _type_of(object_: ResolvedObject, name: str) -> str:
    field = object_.field(name)
    return b.sql_type(field.type) if field else "VARCHAR"
