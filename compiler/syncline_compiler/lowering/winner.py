"""Winners: who decides a field, and what is decided (design: *decide*), as columns of ``SYNC/winner``.

In: the members of a sync and who owns its fields. Out: per field the winner, where it is from, and whether it is frozen.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from syncline_compiler.lowering import build as b
from syncline_compiler.lowering.slots import MemberSlots, agreed_before, slot_names
from syncline_compiler.model import ir
from syncline_compiler.model.resolved import Ownership, ResolvedSync
from syncline_runtime.frozen import dataclass

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


@dataclass(frozen=True)
class Decision:
    """The winner of one field: its value, the member it is from (its order, -1: nobody now) and whether it is frozen.

    ``at``: for *newest*, the clock of the value that won, so that no older one wins later.
    """

    value: ir.Scalar
    source: ir.Scalar
    frozen: ir.Scalar
    at: ir.Scalar | None = None


def lower_winner(sync: ResolvedSync, members: Sequence[MemberSlots], fields: Sequence[FieldOfSync]) -> ir.Select:
    """Give the query of ``SYNC/winner``."""
    rows = [_rule(sync, members, field) for field in fields]
    exists = b.any_of(b.col(side_name(o), "_holds") for o in range(len(members)))
    joins = [_side_of(sync, member, order) for order, member in enumerate(members)]
    canonical = ir.Source(f"{sync.name}/canonical", CANONICAL)
    joins.append(ir.Join("left", canonical, b.equal(b.col(CANONICAL, "_cid"), b.col("d", "_cid"))))
    columns = (("_cid", b.col("d", "_cid")), b.several("more", _decided, rows), ("_exists", exists))
    return ir.Select(columns, ir.Source(f"{sync.name}/dirty", "d"), tuple(joins))


def lower_asked(sync: ResolvedSync, members: Sequence[MemberSlots], fields: Sequence[FieldOfSync]) -> ir.Select:
    """Give the query of ``SYNC/asked``: the records of whose winners what is stored may say something.

    Of all others every owner's values are known or agreed, and nobody tells one for the first time: what is stored need
    not be read.
    """
    rules: list[Any] = [_rule(sync, members, field)[1][-1] for field in fields]
    dirty, columns = ir.Source(f"{sync.name}/dirty", "d"), (("_cid", b.col("d", "_cid")),)
    if any(rule.remembers for rule in rules):
        return ir.Select(columns, dirty)
    owners = {rule.owner for rule in rules}
    joins = tuple(_side_of(sync, member, order) for order, member in enumerate(members))
    silent = b.any_of(b.negated(_speaks(order, member, order in owners)) for order, member in enumerate(members))
    return ir.Select(columns, dirty, joins, where=silent)


def _speaks(order: int, member: MemberSlots, owns: bool) -> ir.Scalar:
    """Whether all slots of a member were agreed before; of one that owns none, nothing may be known."""
    agreed = b.equal(_flag(order, "_slots"), b.text(slot_names(slot.name for slot in member.lines)))
    return agreed if owns else b.any_of([agreed, b.negated(b.holds(_flag(order, "_known")))])


def _side_of(sync: ResolvedSync, member: MemberSlots, order: int) -> ir.Join:
    alias = side_name(order)
    source = ir.Source(f"{sync.name}/{member.member.connection}/side", alias)
    return ir.Join("left", source, b.equal(b.col(alias, "_cid"), b.col("d", "_cid")))


def _decided(name: str, *clocks_and_rule: Any) -> ir.Columns:
    """Give the columns of one field: the winner, the member it is from, whether it is frozen and, for *newest*, when."""
    *clocks, rule = clocks_and_rule
    decision = rule.decide(name, *clocks)
    at = ((f"at.{name}", decision.at),) if decision.at is not None else ()
    return (
        (name, decision.value),
        (f"from.{name}", decision.source),
        (f"frozen.{name}", decision.frozen),
        *at,
    )


def _rule(sync: ResolvedSync, members: Sequence[MemberSlots], field: FieldOfSync) -> b.Row:
    """Give the names and the rule that decide a field over the members that read it."""
    name, readers = field.name, [order for order, member in enumerate(members) if member.reads(field.name)]
    if field.owner.rule == "newest":
        clocks = field.owner.clocks or {}
        natives = [clocks.get(members[order].member.connection, "") for order in readers]
        return (name, *natives), (Newest(field.unknowable, tuple(readers)),)
    if field.owner.rule in ("max", "min", "union"):
        return (name,), (Merged(field.unknowable, field.owner.rule, tuple(readers)),)
    owner = next((o for o in readers if members[o].member.connection == field.owner.owner), None)
    if owner is None:
        return (name,), (Kept(),)
    policy = sync.unowned_edit.get(name, sync.unowned_edit["*"])
    first = sync.first_link.get(name, sync.first_link.get("critical" if field.critical else "*", "fill"))
    return (name,), (Owned(field.unknowable, owner, tuple(o for o in readers if o != owner), policy, first),)


@dataclass(frozen=True)
class Kept:
    """A part or field whose owner writes only: what is known stays.

    ``remembers``, as of the other rules: what was decided before counts though all that is told now is known.
    """

    remembers = True

    def decide(self, name: str) -> Decision:
        """Give the decision of a field."""
        return Decision(b.col(CANONICAL, name), ir.Value(-1), _lost(Told(name, False)))


@dataclass(frozen=True)
class Owned:
    """One member decides; where it has nothing to say, what fills in is the rule's and the others' in their order."""

    unknowable: bool
    owner: int
    others: tuple[int, ...]
    unowned_edit: str
    first_link: str

    @property
    def remembers(self) -> bool:
        """Whether what others have changed was adopted, which nobody's base tells."""
        return self.unowned_edit == "adopt"

    def decide(self, name: str) -> Decision:
        """Give the decision of a field."""
        field, owner, others = Told(name, self.unknowable), self.owner, self.others
        ladder: list[tuple[ir.Scalar, ir.Scalar, int]] = []
        frozen: list[ir.Scalar] = []
        if self.unowned_edit == "adopt":
            quiet = b.negated(_changed(owner, field))
            for order in others:
                rivals = [o for o in others if o != order]
                sole = [
                    b.any_of([b.negated(_changed(r, field)), b.same(_now(r, field), _now(order, field))])
                    for r in rivals
                ]
                ladder.append((b.all_of([quiet, _changed(order, field), *sole]), _now(order, field), order))
                frozen += [
                    b.all_of(
                        [
                            quiet,
                            _changed(order, field),
                            _changed(r, field),
                            b.differs(_now(r, field), _now(order, field)),
                        ]
                    )
                    for r in rivals
                    if r > order
                ]
        empty = b.all_of([_known(owner, field), b.is_null(_now(owner, field))])
        if self.first_link != "owner":
            fills = {o: b.all_of([empty, b.negated(_based(o, field)), _told(o, field)]) for o in others}
            if self.first_link == "fill":
                ladder += [(fill, _now(order, field), order) for order, fill in fills.items()]
                frozen += _disagreeing(fills, field)
                # filled before, and the write to the owner did not get through
                filled = b.all_of([empty, b.negated(_based(owner, field)), _stored(field)])
                ladder.append((filled, b.col(CANONICAL, name), -1))
            else:
                frozen += fills.values()
        if self.unowned_edit == "adopt":
            # adopted before, whether or not the write to the owner got through
            quiet = b.all_of([_based(owner, field), b.negated(_changed(owner, field)), _stored(field)])
            meant = b.all_of([quiet, b.negated(b.holds(_flag(owner, "_remapped")))])
            ladder.append((meant, b.col(CANONICAL, name), -1))
        said = [
            (_known(owner, field), _now(owner, field), owner),
            (_based(owner, field), _agreed(owner, field), owner),
            (_stored(field), b.col(CANONICAL, field.name), -1),
        ]
        # where the owner has never said anything: what the others say, if that is one thing
        unsaid = [b.negated(condition) for condition, _, _ in said]
        claims = {o: b.all_of([*unsaid, _told(o, field)]) for o in others}
        ladder += [*said, *((_told(o, field), _now(o, field), o) for o in others)]
        frozen += _disagreeing(claims, field)
        return _decision(name, ladder, frozen)


@dataclass(frozen=True)
class Merged:
    """What a function makes of the values of all members: commutative, associative, idempotent.

    ``max``, ``min``: of what there is. ``union``: what was decided before, with what some member has added since it last
    agreed and without what some member has taken away since. It is measured by what was decided and not by what the
    members still show, so that a write which did not get through brings nothing back. Of a member whose value is not
    known now, what was agreed stands in.
    """

    unknowable: bool
    function: str
    readers: tuple[int, ...]
    remembers = True

    def decide(self, name: str) -> Decision:
        """Give the decision of a field."""
        field = Told(name, self.unknowable)
        nothing = b.text("[]") if self.function == "union" else None  # of who has no record: that is no null
        values = [
            b.when((_known(o, field), _now(o, field)), (_based(o, field), _agreed(o, field)), default=nothing)
            for o in self.readers
        ]
        if self.function == "union":
            before = [b.when((_based(o, field), _agreed(o, field))) for o in self.readers]
            decided = b.when((_stored(field), b.col(CANONICAL, name)))
            merged = ir.Call("UNION", (decided, *values, *before))
        else:
            merged = ir.Call({"max": "GREATEST", "min": "LEAST"}[self.function], tuple(values))
        anything = b.any_of(b.any_of([_known(o, field), _based(o, field)]) for o in self.readers)
        value = b.when((anything, merged), default=b.col(CANONICAL, name))
        sources = tuple(
            (b.all_of([_known(o, field), b.same(_now(o, field), value)]), ir.Value(o)) for o in self.readers
        )
        return Decision(value, ir.When(sources, ir.Value(-1)), b.FALSE)


@dataclass(frozen=True)
class Newest:
    """The newest of the values that changed, if none newer has won before; a tie between the newest goes to review.

    ``readers`` are the members that read the field; each has a native field that is its clock.
    """

    unknowable: bool
    readers: tuple[int, ...]
    remembers = True

    def decide(self, name: str, *natives: str) -> Decision:
        """Give the decision of a field, whose readers have these clocks."""
        field, clocks = Told(name, self.unknowable), dict(zip(self.readers, natives, strict=True))
        won = b.col(CANONICAL, f"at.{field.name}")

        def clock(order: int) -> ir.Scalar:
            return b.call(
                "COALESCE", b.col(side_name(order), f"clock.{clocks[order]}"), ir.Value("0001-01-01", "TIMESTAMPTZ")
            )

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
        for order in clocks:
            rivals = [r for r in clocks if r != order]
            beats = [
                b.any_of([b.negated(moved(r)), b.call(">", clock(order), clock(r)), agree(order, r)]) for r in rivals
            ]
            ladder.append((b.all_of([moved(order), *beats]), _now(order, field), order))
            for rival in (r for r in rivals if r > order):
                tie = [moved(order), moved(rival), b.equal(clock(order), clock(rival)), b.negated(agree(order, rival))]
                frozen.append(b.all_of([*tie, *(b.negated(beaten(order, r)) for r in rivals if r != rival)]))
        # the newest of all that moved, so that it does not hang on which of two that agree comes first
        moves = [b.when((moved(order), clock(order))) for order in clocks]
        at = b.when((b.any_of(frozen), won), default=ir.Call("GREATEST", (won, *moves)))
        ladder.append((_stored(field), b.col(CANONICAL, field.name), -1))
        ladder += [(_based(o, field), _agreed(o, field), o) for o in clocks]
        return replace(_decision(name, ladder, frozen), at=at)


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


def _told(order: int, field: Told) -> ir.Scalar:
    """Whether the member has a value now."""
    return b.all_of([_known(order, field), b.present(_now(order, field))])


def _disagreeing(claims: Mapping[int, ir.Scalar], field: Told) -> list[ir.Scalar]:
    """Tell when two members that both may decide say two things: which it is must not hang on their order."""
    return [
        b.all_of([claims[one], claims[other], b.differs(_now(one, field), _now(other, field))])
        for one in claims
        for other in claims
        if one < other
    ]


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


def _stored(field: Told) -> ir.Scalar:
    """Whether a value is known from before."""
    return b.all_of([b.present(b.col(CANONICAL, "_cid")), b.negated(_lost(field))])


def _lost(field: Told) -> ir.Scalar:
    """Whether a value was known, of a type that the field has no longer and into which it did not fit."""
    return b.holds(b.call("CONTAINS TEXT", b.col(CANONICAL, "_lost"), b.text(f",{field.name},")))


def _decision(name: str, ladder: list[tuple[ir.Scalar, ir.Scalar, int]], frozen: list[ir.Scalar]) -> Decision:
    stuck = b.any_of(frozen)
    steps = [(condition, value) for condition, value, _ in ladder]
    sources: list[tuple[ir.Scalar, ir.Scalar]] = [(condition, ir.Value(order)) for condition, _, order in ladder]
    if frozen:
        steps.insert(0, (stuck, b.col(CANONICAL, name)))
        sources.insert(0, (stuck, ir.Value(-1)))
    return Decision(ir.When(tuple(steps)), ir.When(tuple(sources), ir.Value(-1)), stuck)
