"""Merge: one winner per canonical id and field (design: *decide*).

In: per dirty id and member, its present values and its base. Out: ``side`` per member and ``golden`` per sync.
A member whose record was rejected, not read, late or has an intent in flight is *unknown*: its base stands in.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from syncline_compiler.lowering import build as b
from syncline_compiler.lowering.expression import Frame, lower
from syncline_compiler.lowering.slots import MemberSlots, SlotLine, agreed_before
from syncline_compiler.model import ir, typed
from syncline_compiler.model.resolved import Ownership, ResolvedObject, ResolvedSync

CANONICAL = "c"


@dataclass(frozen=True)
class Told:
    """A field as members tell it; ``unknowable``: there are records of which some member does not tell it (yet)."""

    name: str
    unknowable: bool


@dataclass(frozen=True)
class FieldOfSync(Told):
    """A field or part as the merge sees it, with its SQL type and who decides it."""

    sql_type: str
    owner: Ownership
    critical: bool


def unknowable_of(members: Sequence[MemberSlots]) -> frozenset[str]:
    """Name the fields that some member may not tell (yet)."""
    return frozenset(slot.name for member in members for slot in member.lines if slot.reads and slot.may_be_unknown)


def fields_of(sync: ResolvedSync, unknowable: frozenset[str] = frozenset()) -> tuple[FieldOfSync, ...]:
    """Every field and part that some member maps, in the object's order."""
    known = [(field.name, b.sql_type(field.type), field.critical) for field in sync.object.fields]
    known += [(part.name, "VARCHAR", False) for part in sync.object.parts]
    return tuple(
        FieldOfSync(n, n in unknowable, t, sync.owners[n], critical) for n, t, critical in known if n in sync.owners
    )


def side_name(order: int) -> str:
    """Give the alias of a member's side in merge queries."""
    return f"s{order}"


def lower_side(sync: ResolvedSync, member: MemberSlots, unknowable: frozenset[str]) -> ir.IrStep:
    """``now.*`` and ``agreed.*`` of one member beside each other, per dirty canonical id.

    ``unknown.*``: nothing is known of the member's own value of a field that is ``unknowable``.
    """
    connection = member.member.connection
    prefix = f"{sync.name}/{connection}"
    known = b.all_of([b.present(b.col("v", "_cid")), b.is_null(b.col("f", "canonical_id"))])
    columns: list[tuple[str, ir.Scalar] | ir.Carried] = [
        ("_cid", b.col("d", "_cid")),
        ("_native_id", b.call("COALESCE", b.col("v", "_native_id"), b.col("b", "_native_id"), b.col("l", "native_id"))),
        ("_known", known),
        ("_holds", b.present(b.col("l", "native_id"))),
        ("_in_flight", b.present(b.col("f", "canonical_id"))),
        ("_slots", b.call("COALESCE", b.col("b", "_slots"), b.text(""))),
        ("_remapped", b.holds(b.col("b", "_remapped"))),
        ("_synced", b.col("b", "_synced")),
        ("_open", b.holds(b.col("b", "_open"))),
        ("_before", b.col("b", "_before")),
        ("_written", b.col("b", "_written")),
    ]
    columns.append(ir.Carried("v", tuple(slot.name for slot in member.lines), to="now."))
    columns += [
        (f"agreed.{slot.name}", b.fill(_agreed_under_this_plan, (slot.name,), _unknown(slot))) for slot in member.lines
    ]
    columns += [
        (f"unknown.{slot.name}", b.any_of(_unknown(slot)))
        for slot in member.lines
        if slot.may_be_unknown or slot.name in unknowable
    ]
    waiting = [b.holds(b.col("v", f"late.{slot.name}")) for slot in member.lines if slot.waits]
    columns += [("_waits", b.any_of(waiting))] if waiting else []
    columns.append(ir.Carried("v", member.clock_fields, "clock.", "clock."))
    flight = b.all_of(
        [b.equal(b.col("f", "canonical_id"), b.col("d", "_cid")), b.equal(b.col("f", "connection"), b.text(connection))]
    )
    link = b.all_of(
        [
            b.equal(b.col("l", "canonical_id"), b.col("d", "_cid")),
            b.equal(b.col("l", "connection"), b.text(connection)),
            b.equal(b.col("l", "object"), b.text(sync.object.name)),
        ]
    )
    query = ir.Select(
        tuple(columns),
        ir.Source(f"{sync.name}/dirty", "d"),
        (
            ir.Join("left", ir.Source(f"{prefix}/values", "v"), b.equal(b.col("v", "_cid"), b.col("d", "_cid"))),
            ir.Join("left", ir.Source(f"{prefix}/base", "b"), b.equal(b.col("b", "_cid"), b.col("d", "_cid"))),
            ir.Join("left", ir.Source("links", "l"), link),
            ir.Join("left", ir.Source("in_flight", "f"), flight),
        ),
    )
    return ir.IrStep("merge", f"{prefix}/side", query)


def _unknown(slot: SlotLine) -> tuple[ir.Scalar, ...]:
    """Give the conditions, over ``values``, under which nothing is known of a slot; none for most."""
    late = (b.holds(b.col("v", f"late.{slot.name}")),) if slot.waits else ()
    return (*late, *((b.holds(b.col("v", f"untold.{slot.name}")),) if slot.partial else ()))


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
    sync: ResolvedSync, members: Sequence[MemberSlots], of_object: Mapping[str, str], frame: Frame
) -> list[ir.IrStep]:
    """``SYNC/winner``, the sums that derived fields need, and ``SYNC/golden``.

    ``of_object`` gives for an object the sync that keeps it; ``frame`` brings the code tables.
    """
    winner = _winner(sync, members)
    steps = [ir.IrStep("merge", f"{sync.name}/winner", winner)]
    aggregates = aggregates_of(sync.object)
    known: dict[typed.Aggregate, ir.Scalar] = {}
    joins: list[ir.Join] = []
    for number, aggregate in enumerate(aggregates):
        relation, alias = f"{sync.name}/sum/{number}", f"a{number}"
        steps.append(ir.IrStep("merge", relation, _aggregate(sync, aggregate, of_object[aggregate.object])))
        joins.append(ir.Join("left", ir.Source(relation, alias), b.equal(b.col(alias, "_cid"), b.col("w", "_cid"))))
        known[aggregate] = _or_zero(aggregate, alias)
    steps.append(ir.IrStep("merge", f"{sync.name}/golden", _golden(sync, replace(frame, aggregates=known), joins)))
    return steps


def _winner(sync: ResolvedSync, members: Sequence[MemberSlots]) -> ir.Select:
    columns: list[tuple[str, ir.Scalar]] = [("_cid", b.col("d", "_cid"))]
    for field in fields_of(sync, unknowable_of(members)):
        decision = decide(sync, members, field)
        columns += [
            (field.name, decision.value),
            (f"from.{field.name}", decision.source),
            (f"frozen.{field.name}", decision.frozen),
        ]
        if decision.at is not None:
            columns.append((f"at.{field.name}", decision.at))
    columns.append(("_exists", b.any_of(b.col(side_name(o), "_holds") for o in range(len(members)))))
    joins = [
        ir.Join(
            "left",
            ir.Source(f"{sync.name}/{member.member.connection}/side", side_name(order)),
            b.equal(b.col(side_name(order), "_cid"), b.col("d", "_cid")),
        )
        for order, member in enumerate(members)
    ]
    canonical = ir.Source(f"{sync.name}/canonical", CANONICAL)
    joins.append(ir.Join("left", canonical, b.equal(b.col(CANONICAL, "_cid"), b.col("d", "_cid"))))
    return ir.Select(tuple(columns), ir.Source(f"{sync.name}/dirty", "d"), tuple(joins))


@dataclass(frozen=True)
class Decision:
    """The winner of one field: its value, the member it is from (its order, -1: nobody now) and whether it is frozen.

    ``at``: for *newest*, the clock of the value that won, so that no older one wins later.
    """

    value: ir.Scalar
    source: ir.Scalar
    frozen: ir.Scalar
    at: ir.Scalar | None = None


def decide(sync: ResolvedSync, members: Sequence[MemberSlots], field: FieldOfSync) -> Decision:
    """Give the winner of one field over the members that read it."""
    readers = [order for order, member in enumerate(members) if member.reads(field.name)]
    if field.owner.rule == "newest":
        return _newest(members, readers, field)
    owner = next((o for o in readers if members[o].member.connection == field.owner.owner), None)
    if owner is None:  # a part or field whose owner writes only: what is known stays
        return Decision(b.col(CANONICAL, field.name), ir.Value(-1), _lost(field))
    policy = sync.unowned_edit.get(field.name, sync.unowned_edit["*"])
    first = sync.first_link.get(field.name, sync.first_link.get("critical" if field.critical else "*", "fill"))
    rule = Rule(field.sql_type, field.unknowable, owner, tuple(o for o in readers if o != owner), policy, first)
    return Decision(*(b.fill(part, (field.name,), (), rule) for part in (_owned_value, _owned_source, _owned_frozen)))


def _now(order: int, field: Told) -> ir.Column:
    return b.col(side_name(order), f"now.{field.name}")


def _agreed(order: int, field: Told) -> ir.Column:
    return b.col(side_name(order), f"agreed.{field.name}")


def _flag(order: int, name: str) -> ir.Column:
    return b.col(side_name(order), name)


def _known(order: int, field: Told) -> ir.Scalar:
    """Whether the member's own value is known now."""
    known = b.holds(_flag(order, "_known"))
    return b.all_of([known, b.negated(_flag(order, f"unknown.{field.name}"))]) if field.unknowable else known


def _based(order: int, field: Told) -> ir.Scalar:
    return agreed_before(_flag(order, "_slots"), field.name)


def _changed(order: int, field: Told) -> ir.Scalar:
    return b.all_of(
        [
            _known(order, field),
            _based(order, field),
            b.differs(_now(order, field), _agreed(order, field)),
        ]
    )


@dataclass(frozen=True)
class Rule:
    """What the winner of an owned field depends on, besides its name."""

    sql_type: str
    unknowable: bool
    owner: int
    others: tuple[int, ...]
    unowned_edit: str
    first_link: str


def _owned_value(name: str, rule: Rule) -> ir.Scalar:
    return _owned(name, rule).value


def _owned_source(name: str, rule: Rule) -> ir.Scalar:
    return _owned(name, rule).source


def _owned_frozen(name: str, rule: Rule) -> ir.Scalar:
    return _owned(name, rule).frozen


def _owned(name: str, rule: Rule) -> Decision:
    """Let the owner decide; where it has nothing to say, what fills in is the rule's and the others' in their order."""
    field, owner, others = Told(name, rule.unknowable), rule.owner, rule.others
    ladder: list[tuple[ir.Scalar, ir.Scalar, int]] = []
    frozen: list[ir.Scalar] = []
    if rule.unowned_edit == "adopt":
        quiet = b.negated(_changed(owner, field))
        for order in others:
            rivals = [o for o in others if o != order]
            sole = [
                b.any_of([b.negated(_changed(r, field)), b.same(_now(r, field), _now(order, field))]) for r in rivals
            ]
            ladder.append((b.all_of([quiet, _changed(order, field), *sole]), _now(order, field), order))
            frozen += [
                b.all_of(
                    [quiet, _changed(order, field), _changed(r, field), b.differs(_now(r, field), _now(order, field))]
                )
                for r in rivals
                if r > order
            ]
    for order in others if rule.first_link != "owner" else []:
        empty = [
            _known(owner, field),
            b.is_null(_now(owner, field)),
            _known(order, field),
            b.negated(_based(order, field)),
            b.present(_now(order, field)),
        ]
        if rule.first_link == "fill":
            ladder.append((b.all_of(empty), _now(order, field), order))
        else:
            frozen.append(b.all_of(empty))
    ladder.append((_known(owner, field), _now(owner, field), owner))
    ladder.append((_based(owner, field), _agreed(owner, field), owner))
    ladder.append((_stored(field), b.col(CANONICAL, field.name), -1))
    ladder += [(_known(o, field), _now(o, field), o) for o in others]
    return _decision(ladder, b.null(rule.sql_type), frozen)


def _stored(field: Told) -> ir.Scalar:
    """Whether a value is known from before."""
    return b.all_of([b.present(b.col(CANONICAL, "_cid")), b.negated(_lost(field))])


def _lost(field: Told) -> ir.Scalar:
    """Whether a value was known, of a type that the field has no longer and into which it did not fit."""
    return b.holds(b.call("CONTAINS TEXT", b.col(CANONICAL, "_lost"), b.text(f",{field.name},")))


def _newest(members: Sequence[MemberSlots], readers: list[int], field: FieldOfSync) -> Decision:
    """Give the newest of the values that changed, if none newer has won before; a tie between the newest goes to review."""
    clocks = field.owner.clocks or {}
    won = b.col(CANONICAL, f"at.{field.name}")

    def clock(order: int) -> ir.Scalar:
        native = clocks.get(members[order].member.connection, "")
        return b.call("COALESCE", b.col(side_name(order), f"clock.{native}"), ir.Value("0001-01-01", "TIMESTAMPTZ"))

    def moved(order: int) -> ir.Scalar:
        first = b.all_of([_known(order, field), b.negated(_based(order, field)), b.present(_now(order, field))])
        older = b.holds(b.call(">", won, clock(order)))
        return b.all_of([b.any_of([_changed(order, field), first]), b.negated(older)])

    def beaten(order: int, by: int) -> ir.Scalar:
        return b.all_of([moved(by), b.call(">", clock(by), clock(order))])

    def agree(order: int, other: int) -> ir.Scalar:
        return b.same(_now(other, field), _now(order, field))

    ladder: list[tuple[ir.Scalar, ir.Scalar, int]] = []
    frozen: list[ir.Scalar] = []
    for order in readers:
        rivals = [r for r in readers if r != order]
        beats = [b.any_of([b.negated(moved(r)), b.call(">", clock(order), clock(r)), agree(order, r)]) for r in rivals]
        ladder.append((b.all_of([moved(order), *beats]), _now(order, field), order))
        for rival in (r for r in rivals if r > order):
            tie = [moved(order), moved(rival), b.equal(clock(order), clock(rival)), b.negated(agree(order, rival))]
            frozen.append(b.all_of([*tie, *(b.negated(beaten(order, r)) for r in rivals if r != rival)]))
    at = ir.When(tuple((condition, clock(order)) for condition, _, order in ladder), won)
    ladder.append((_stored(field), b.col(CANONICAL, field.name), -1))
    ladder += [(_based(o, field), _agreed(o, field), o) for o in readers]
    return replace(_decision(ladder, b.null(field.sql_type), frozen), at=at)


def _decision(ladder: list[tuple[ir.Scalar, ir.Scalar, int]], default: ir.Scalar, frozen: list[ir.Scalar]) -> Decision:
    stuck = b.any_of(frozen)
    steps = [(condition, value) for condition, value, _ in ladder]
    sources = [(condition, ir.Value(order)) for condition, _, order in ladder]
    if frozen:
        steps.insert(0, (stuck, ladder[-1][1] if not steps else b.col(CANONICAL, _name(ladder))))
        sources.insert(0, (stuck, ir.Value(-1)))
    return Decision(
        ir.When(tuple(steps), default),
        ir.When(tuple((c, s) for c, s in sources), ir.Value(-1)),
        stuck,
    )


def _name(ladder: list[tuple[ir.Scalar, ir.Scalar, int]]) -> str:
    value = next(v for _, v, order in ladder if order == -1)
    assert isinstance(value, ir.Column)  # the canonical column
    return value.name


def aggregates_of(object_: ResolvedObject) -> list[typed.Aggregate]:  # noqa: C901 - one case a node
    """Give the sums over other objects that the object's derived fields and invariants need, each once."""
    found: list[typed.Aggregate] = []

    def walk(e: typed.Expression | None) -> None:
        match e:
            case typed.Aggregate():
                if e not in found:
                    found.append(e)
            case typed.Apply():
                for argument in e.arguments:
                    walk(argument)
            case typed.Case():
                for condition, value in e.branches:
                    walk(condition)
                    walk(value)
                walk(e.default)
            case typed.Lookup() | typed.Resolve():
                walk(e.argument)
            case typed.OrElse():
                walk(e.value)
            case _:
                return

    for derived in object_.derived:
        walk(derived.value)
    for invariant in object_.invariants:
        walk(invariant.condition)
    return found


def _aggregate(sync: ResolvedSync, aggregate: typed.Aggregate, child_sync: str) -> ir.Select:
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
        ),
        ir.Source(f"{sync.name}/dirty", "d"),
        (
            ir.Join(
                "inner", ir.Source(f"{child_sync}/current", "k"), b.equal(b.col("k", aggregate.ref), b.col("d", "_cid"))
            ),
        ),
        group=(b.col("d", "_cid"),),
    )


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


def _mixed(aggregates: Sequence[typed.Aggregate]) -> list[tuple[ir.Scalar, str]]:
    """Give sums that have no value though there is something to sum: amounts in several currencies."""
    return [
        (
            b.all_of([b.call(">", b.col(f"a{n}", "count"), ir.Value(0)), b.is_null(b.col(f"a{n}", "value"))]),
            f"one currency in {aggregate.object}s",
        )
        for n, aggregate in enumerate(aggregates)
        if aggregate.function == "sum" and aggregate.type.kind == "money"
    ]


def _golden(sync: ResolvedSync, frame: Frame, joins: list[ir.Join]) -> ir.Select:
    columns: list[tuple[str, ir.Scalar] | ir.Carried] = [ir.Carried("w", ("_cid", "_exists"))]
    for field in fields_of(sync):
        carried = [field.name, f"from.{field.name}", f"frozen.{field.name}"]
        if field.owner.rule == "newest":
            carried.append(f"at.{field.name}")
        columns.append(ir.Carried("w", tuple(carried)))
    own = {field.name for field in fields_of(sync)}
    derived = {d.name: d.value for d in sync.object.derived}

    def canonical(name: str) -> ir.Scalar:
        if name in derived:
            return lower(derived[name], frame)
        return b.col("w", name) if name in own else b.null(_type_of(sync.object, name))

    frame.canonical = canonical
    columns += [(name, lower(value, frame)) for name, value in derived.items()]
    broken = [
        (b.negated(b.call("COALESCE", lower(i.condition, frame), b.TRUE)), i.name) for i in sync.object.invariants
    ]
    columns.append(("_broken", b.flag_text([*broken, *_mixed(aggregates_of(sync.object))])))
    return ir.Select(tuple(columns), ir.Source(f"{sync.name}/winner", "w"), tuple(joins))


def _type_of(object_: ResolvedObject, name: str) -> str:
    field = object_.field(name)
    return b.sql_type(field.type) if field else "VARCHAR"
