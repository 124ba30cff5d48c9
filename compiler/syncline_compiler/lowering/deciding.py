"""Rules by which a field is decided (design: *decide*): who says what it is, asked once for each field.

In: sides of members and what was decided before. Out: per rule, the columns in which it is found out who decides (``ask``), and over those
the value, the member it is from and, for *newest*, when (``decide``).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from syncline_compiler.lowering import build as b
from syncline_compiler.lowering.slots import OVERRULED
from syncline_compiler.model import ir
from syncline_runtime.frozen import dataclass

CANONICAL = "c"
NOBODY = -1  # no member: what was decided before stays
ASKED = "w"  # the rows of which it is known who decides


@dataclass(frozen=True)
class Told:
    """A field as members tell it; ``unknowable``: there are records of which some member does not tell it (yet)."""

    name: str
    unknowable: bool


def side_name(order: int) -> str:
    """Give the alias of a member's side in merge queries."""
    return f"s{order}"


@dataclass(frozen=True)
class Kept:
    """A part or field whose owner writes only: what is known stays.

    ``remembers``, as of the other rules: what was decided before counts though all that is told now is known.
    """

    remembers = True

    def ask(self, name: str) -> ir.Columns:
        """Give what was decided before, frozen where it got lost."""
        return (_before(name), (f"frozen.{name}", _lost(Told(name, False))))

    def decide(self, name: str) -> tuple[ir.Scalar, ...]:
        """Give value and source."""
        return b.col(ASKED, f"{CANONICAL}.{name}"), ir.Value(-1)


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

    def ask(self, name: str) -> ir.Columns:
        """Give who decides a field: the first rung that holds."""
        field, owner, others = Told(name, self.unknowable), self.owner, self.others
        known, based = _known(owner, field), _based(owner, field)
        ladder: list[tuple[ir.Scalar, int]] = []
        frozen: list[ir.Scalar] = []
        if self.unowned_edit == "adopt":
            quiet = b.negated(_changed(owner, field))
            for order in others:
                rivals = [o for o in others if o != order]
                sole = [
                    b.any_of([b.negated(_changed(r, field)), b.same(_now(r, field), _now(order, field))])
                    for r in rivals
                ]
                ladder.append((b.all_of([quiet, _changed(order, field), *sole]), order))
            frozen += _disagreeing([quiet], {o: _changed(o, field) for o in others}, field)
        empty = b.all_of([known, b.is_null(_now(owner, field))])
        if self.first_link != "owner":
            new = {
                o: b.all_of([b.negated(_based(o, field)), _told(o, field), b.negated(_overruled(o, field))])
                for o in others
            }
            if self.first_link == "fill":
                # what the owner has just emptied is an edit, which wins; but not where only its mapping has changed
                remapped = flag(owner, "_remapped")
                lacking = b.all_of([empty, b.any_of([b.negated(based), b.is_null(_agreed(owner, field)), remapped])])
                # decided before its owner was known, or not written to it yet: nobody who is new empties that or says otherwise
                due = b.all_of([_disputed(owner, field), b.negated(remapped)])
                kept = [b.any_of([b.negated(based), due]), _stored(field), b.present(b.col(CANONICAL, name))]
                ladder.append((b.all_of([lacking, *kept]), NOBODY))
                ladder += [(b.all_of([lacking, fills]), order) for order, fills in new.items()]
                frozen += _disagreeing([lacking, b.negated(b.all_of(kept))], new, field)
            elif new:
                frozen.append(b.all_of([empty, b.any_of(new.values())]))
        if self.unowned_edit == "adopt":
            # adopted before, whether or not the write to the owner got through
            meant = [based, b.negated(_changed(owner, field)), _stored(field), b.negated(flag(owner, "_remapped"))]
            ladder.append((b.all_of(meant), NOBODY))
        ladder += [(b.any_of([known, based]), owner), (_stored(field), NOBODY)]
        # where the owner has never said anything: what the others say, if that is one thing
        unsaid = [b.negated(known), b.negated(based), b.negated(_stored(field))]
        claims = {o: _told(o, field) for o in others}
        ladder += [(claim, order) for order, claim in claims.items()]
        frozen += _disagreeing(unsaid, claims, field)
        said = [_said(owner, field), *(_says(order, _now(order, field), name) for order in others)]
        return (_before(name), *said, *_found(name, ladder, frozen))

    def decide(self, name: str) -> tuple[ir.Scalar, ...]:
        """Give value and source."""
        return _of_whom(name, (self.owner, *self.others)), _whose(name)


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

    def ask(self, name: str) -> ir.Columns:
        """Give what the function makes of all, and what each member shows."""
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
        shown = [_says(o, _now(o, field), name) for o in self.readers]
        known = [(f"known.{side_name(o)}.{name}", _known(o, field)) for o in self.readers]
        value = b.when((anything, merged), default=b.col(CANONICAL, name))
        return (*shown, *known, (f"made.{name}", value), (f"frozen.{name}", b.FALSE))

    def decide(self, name: str) -> tuple[ir.Scalar, ...]:
        """Give value and source: the first who shows it."""
        value = b.col(ASKED, f"made.{name}")
        shows = (
            b.all_of([b.col(ASKED, f"known.{side_name(o)}.{name}"), b.same(_saying(o, name), value)])
            for o in self.readers
        )
        return value, b.when(*zip(shows, map(ir.Value, self.readers), strict=True), default=ir.Value(NOBODY))


@dataclass(frozen=True)
class Newest:
    """The newest of the values that changed, if none newer has won before; a tie between the newest goes to review.

    ``readers`` are the members that read the field; each has a native field that is its clock.
    """

    unknowable: bool
    readers: tuple[int, ...]
    remembers = True

    def ask(self, name: str, *natives: str) -> ir.Columns:
        """Give who decides a field, whose readers have these clocks, and the newest clock of all."""
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

        ladder: list[tuple[ir.Scalar, int]] = []
        frozen: list[ir.Scalar] = []
        for order in clocks:
            rivals = [r for r in clocks if r != order]
            beats = [
                b.any_of([b.negated(moved(r)), b.call(">", clock(order), clock(r)), agree(order, r)]) for r in rivals
            ]
            ladder.append((b.all_of([moved(order), *beats]), order))
            for rival in (r for r in rivals if r > order):
                tie = [moved(order), moved(rival), b.equal(clock(order), clock(rival)), b.negated(agree(order, rival))]
                frozen.append(b.all_of([*tie, *(b.negated(beaten(order, r)) for r in rivals if r != rival)]))
        ladder.append((_stored(field), NOBODY))
        ladder += [(_based(o, field), o) for o in clocks]
        # the newest of all that moved, so that it does not hang on which of two that agree comes first
        moves = [b.when((moved(order), clock(order))) for order in clocks]
        newest = ((f"won.{name}", won), (f"at.{name}", ir.Call("GREATEST", (won, *moves))))
        return (_before(name), *(_said(o, field) for o in clocks), *_found(name, ladder, frozen), *newest)

    def decide(self, name: str) -> tuple[ir.Scalar, ...]:
        """Give value, source and the clock of what won, so that no older one wins later."""
        won, newest = b.col(ASKED, f"won.{name}"), b.col(ASKED, f"at.{name}")
        at = b.when((b.col(ASKED, f"frozen.{name}"), won), default=newest)
        return _of_whom(name, self.readers), _whose(name), at


def _now(order: int, field: Told) -> ir.Column:
    return b.col(side_name(order), f"now.{field.name}")


def _agreed(order: int, field: Told) -> ir.Column:
    return b.col(side_name(order), f"agreed.{field.name}")


def flag(order: int, name: str) -> ir.Column:
    """Give a column of a member's side."""
    return b.col(side_name(order), name)


def _known(order: int, field: Told) -> ir.Scalar:
    """Whether the member's own value is known now."""
    known = flag(order, "_known")
    return b.all_of([known, b.negated(flag(order, f"unknown.{field.name}"))]) if field.unknowable else known


def _told(order: int, field: Told) -> ir.Scalar:
    """Whether the member has a value now."""
    return b.all_of([_known(order, field), b.present(_now(order, field))])


def _disagreeing(where: Sequence[ir.Scalar], claims: Mapping[int, ir.Scalar], field: Told) -> list[ir.Scalar]:
    """Tell when two members that both may decide say two things: which it is must not hang on their order."""
    pairs = [
        b.all_of([claims[one], claims[other], b.differs(_now(one, field), _now(other, field))])
        for one in claims
        for other in claims
        if one < other
    ]
    return [b.all_of([*where, b.any_of(pairs)])] if pairs else []


def _based(order: int, field: Told) -> ir.Scalar:
    return flag(order, f"based.{field.name}")


def _disputed(order: int, field: Told) -> ir.Scalar:
    """Whether what was decided when the member was last seen had to be written to it, or waits for a person."""
    return b.holds(b.call("CONTAINS TEXT", flag(order, "_disputed"), b.text(f",{field.name},")))


def _overruled(order: int, field: Told) -> ir.Scalar:
    """Whether the member was new to the record when something else than it tells was decided, and has not got that yet."""
    return b.holds(b.call("CONTAINS TEXT", flag(order, "_disputed"), b.text(f",{field.name}{OVERRULED},")))


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


def _before(name: str) -> tuple[str, ir.Scalar]:
    """Carry what was decided before."""
    return f"{CANONICAL}.{name}", b.col(CANONICAL, name)


def _says(order: int, value: ir.Scalar, name: str) -> tuple[str, ir.Scalar]:
    """Carry what a member says of a field if it decides."""
    return f"{side_name(order)}.{name}", value


def _said(order: int, field: Told) -> tuple[str, ir.Scalar]:
    """Carry what a member says now; where that is not known, what was agreed with it."""
    return _says(order, b.when((_known(order, field), _now(order, field)), default=_agreed(order, field)), field.name)


def _saying(order: int, name: str) -> ir.Column:
    return b.col(ASKED, f"{side_name(order)}.{name}")


def _found(
    name: str, ladder: Iterable[tuple[ir.Scalar, int]], frozen: Sequence[ir.Scalar]
) -> tuple[tuple[str, ir.Scalar], ...]:
    """Say of whom a field is, by the first rung that holds, and whether that must not be decided."""
    steps = [(condition, ir.Value(order)) for condition, order in ladder]
    return (f"from.{name}", b.when(*steps, default=ir.Value(NOBODY))), (f"frozen.{name}", b.any_of(frozen))


def _of_whom(name: str, members: Iterable[int]) -> ir.Scalar:
    """Give what the one says of whom a field is; what was decided before if that is nobody."""
    source = b.col(ASKED, f"from.{name}")
    before = b.col(ASKED, f"{CANONICAL}.{name}")
    says = ((b.equal(source, ir.Value(order)), _saying(order, name)) for order in members)
    return b.when((b.col(ASKED, f"frozen.{name}"), before), *says, default=before)


def _whose(name: str) -> ir.Scalar:
    """Give the member of whom a field is."""
    return b.when((b.col(ASKED, f"frozen.{name}"), ir.Value(NOBODY)), default=b.col(ASKED, f"from.{name}"))
