"""Diff: the winner against every member (design: *compare*), what is to be written, and the base as it then is.

In: ``golden`` and each member's ``side``. Out, per member: ``pairs`` (the records of which some slot differs, winner
and side beside each other), ``compare`` (their slots that differ, each with one outcome), ``candidates`` (every record
that the member holds or should hold), ``updates``, ``creates``, ``children``, ``next``.

Outcomes: *update*, *restore*, *overwrite*, *first_link*, *remapped* lead to a write; *review* freezes;
*converged* and *accepted* only move the base.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from typing import Any

from syncline_compiler.lowering import build as b
from syncline_compiler.lowering.slots import OVERRULED, SlotLine, slot_names
from syncline_compiler.lowering.writes import WRITES, MemberWrites
from syncline_compiler.model import ir

HELD_BACK = (*WRITES, "review")
SETTLED = ("converged", "accepted")
PREFIX = "native."


class MemberDiff(MemberWrites):
    """The diff of one member of a sync: holds what its queries share, has no state of its own."""

    def steps(self) -> list[ir.IrStep]:
        """All diff steps of the member, in the order they run."""
        queries: list[tuple[str, ir.Query]] = [
            *([("leavers", self.leavers())] if self.lets_go else ()),
            *([("shown", self.shown_query())] if self.member.member.leaves_with else ()),
            *([("pairs", self.pairs())] if self.member.written else ()),
            ("compare", self.compare()),
            ("candidates", self.candidates()),
            ("changed", self.changed()),
            ("updates", self.updates()),
            ("creates", self.creates()),
            ("children", self.children()),
            ("pending", self.listed(HELD_BACK)),
            ("settled", self.listed(SETTLED)),
            ("next", self.next_base()),
        ]
        return [ir.IrStep("diff", f"{self.prefix}/{role}", query) for role, query in queries]

    def compare(self) -> ir.Query:
        """One row per slot that differs in any way: _cid, slot, outcome, source, want, now, agreed (as text)."""
        columns = (("_cid", "VARCHAR"), ("_native_id", "VARCHAR"), ("slot", "VARCHAR"), ("outcome", "VARCHAR"),
                   ("source", "INTEGER"), ("want", "VARCHAR"), ("now", "VARCHAR"), ("agreed", "VARCHAR"))  # fmt: skip
        if not self.member.written:
            return ir.Union((), columns)
        return ir.Union((b.several("union", _compared_itself, map(self._compare, self.member.written)),), columns)

    def pairs(self) -> ir.Query:
        """Winner and side of each record of which some slot differs: whoever is as decided is looked at no further."""
        written = self.member.written
        itself = [((slot.name,), ()) for slot in written if slot.name not in self.wanted]
        others = [
            (f"moved.{name}", b.fill(_winner_moved, (name,), (self.wanted[name],)))
            for name in (slot.name for slot in written)
            if name in self.wanted
        ]
        moved = ir.Listed("more", (*b.several("more", _moved_itself, itself).parts, tuple(others)))
        differs = b.several("any", _differs_itself, (self._item(_differs, slot, self._how(slot)) for slot in written))
        return b.fill(_pairs, (self.shown.relation, self.side.relation), (moved, differs))

    def _compare(self, slot: SlotLine) -> b.Item:
        """Give the comparison of a slot; one that should show the winner as it is differs from others in names only."""
        policy = "restore"
        if slot.native is None:
            policy = self.sync.unowned_edit.get(slot.name, self.sync.unowned_edit["*"])
        rest = (*self._how(slot), self.order, policy)
        names, want = (slot.name, f"{self.prefix}/pairs"), self.wanted.get(slot.name)
        return b.fill(_compared, names, (want,), *rest) if want else (names, rest)

    def _item(self, build: Callable[..., Any], slot: SlotLine, rest: tuple[Hashable, ...]) -> b.Item:
        want = self.wanted.get(slot.name)
        return b.fill(build, (slot.name,), (want,), *rest) if want else ((slot.name,), rest)

    def _decided(self, slot: SlotLine) -> bool:
        return slot.native is None and slot.name in self.sync.owners

    def _how(self, slot: SlotLine) -> tuple[bool, bool]:
        """Whether it is a field with an owner, and whether there are records of which it is not known."""
        return self._decided(slot), slot.may_be_unknown

    def candidates(self) -> ir.Query:
        """Every record that the member holds or should hold: _cid, operation and why it is held back ("" if not)."""
        names = (self.golden.relation, self.side.relation)
        return b.fill(_candidates, names, (self._should_hold(),))

    def next_base(self) -> ir.Query:
        """Give the member's base rows once this run is sealed: what was seen, and what is agreed so far."""
        slots = self.member.lines
        natives = tuple(field.name for field in self.member.resource.fields if field.readable)
        pending = {slot.name for slot in self.member.written}
        kept = [((slot.name,), (slot.name in pending or slot.may_be_unknown, slot.may_be_unknown)) for slot in slots]
        operands = (
            ir.Listed("more", ((ir.Carried("i", natives, PREFIX, PREFIX),),)),
            b.several("more", _agreed_next, kept),
            b.several("list", _agreed_name, (((slot.name,), (slot.may_be_unknown,)) for slot in slots)),
            b.each("all", _is_known, [slot.name for slot in slots if slot.may_be_unknown]),
            b.text(slot_names(slot.name for slot in slots)),
        )
        return b.fill(_next, (self.prefix,), operands, any(slot.waits for slot in slots))

    def listed(self, outcomes: Sequence[str]) -> ir.Query:
        """Per record the slots with one of these outcomes, as list and as text; read by ``next``."""
        return b.fill(_listed, (f"{self.prefix}/compare",), (), tuple(outcomes))


def _pairs(golden: str, side: str, moved: ir.Listed, differs: ir.Scalar) -> ir.Select:
    beside = ir.Select(
        (ir.All("g"), ir.All("s", ("_cid",)), moved),
        ir.Source(golden, "g"),
        (ir.Join("inner", ir.Source(side, "s"), b.equal(b.col("s", "_cid"), b.col("g", "_cid"))),),
        where=b.col("s", "_known"),
    )
    return ir.Select((ir.All("g"),), ir.Inner(beside, "g"), where=b.all_of([b.col("g", "_holds"), differs]))


def _winner_moved(name: str, want: ir.Scalar) -> ir.Scalar:
    """Whether the winner is another than what was agreed, or than what was wanted where the far side keeps something else."""
    synced = b.call("SYNCED", b.col("s", "_synced"), b.text(name))
    altered = b.holds(b.call("HAS KEY", b.col("s", "_synced"), b.text(name)))
    as_wanted = b.differs(ir.Call("TEXT", (want,)), synced)
    return b.when((altered, as_wanted), default=b.differs(want, b.col("s", f"agreed.{name}")))


def _moved_itself(name: str) -> ir.Columns:
    return ((f"moved.{name}", _winner_moved(name, b.col("g", name))),)


def _differs(name: str, want: ir.Scalar, decided: bool, unknowable: bool) -> ir.Scalar:
    """Whether a slot of ``pairs`` differs in any way."""
    now, agreed, based = (b.col("g", f"{what}.{name}") for what in ("now", "agreed", "based"))
    moved = b.any_of([b.differs(now, agreed), b.col("g", f"moved.{name}")])
    ways = [b.all_of([b.negated(based), b.differs(want, now)]), b.all_of([based, moved])]
    differs = b.any_of([*ways, b.col("g", f"frozen.{name}")] if decided else ways)
    return b.all_of([b.negated(b.col("g", f"unknown.{name}")), differs]) if unknowable else differs


def _differs_itself(name: str, *rest: Any) -> ir.Scalar:
    return _differs(name, b.col("g", name), *rest)


def _compared_itself(name: str, pairs: str, *rest: Any) -> ir.Select:
    """Give the row of a slot that should show the winner as it is."""
    return _compared(name, pairs, b.col("g", name), *rest)


def _compared(
    name: str, pairs: str, want: ir.Scalar, decided: bool, unknowable: bool, order: int, policy: str
) -> ir.Select:
    """Give the row of a slot that differs in any way; ``decided``: it is a field with an owner, under ``policy``."""
    now, agreed, moved = (b.col("g", f"{what}.{name}") for what in ("now", "agreed", "moved"))
    member_moved = b.differs(now, agreed)
    based, equal = b.col("g", f"based.{name}"), b.same(want, now)
    source: ir.Scalar = b.col("g", f"from.{name}") if decided else ir.Value(-1)
    frozen: ir.Scalar = b.col("g", f"frozen.{name}") if decided else b.FALSE
    mine = b.equal(source, ir.Value(order))
    edit = {"restore": "restore", "review": "review", "adopt": "restore"}[policy]
    outcome = b.when(
        (frozen, b.text("review")),
        (b.all_of([equal, mine]), b.text("accepted")),
        (equal, b.text("converged")),
        (b.negated(based), b.text("first_link")),
        (b.col("g", "_remapped"), b.text("remapped")),
        (b.negated(member_moved), b.text("update")),
        (b.negated(moved), b.text(edit)),
        default=b.text("overwrite"),
    )
    differs = b.any_of(
        [
            b.all_of([b.negated(based), b.negated(equal)]),
            b.all_of([based, b.any_of([moved, member_moved])]),
            frozen,
        ]
    )
    return ir.Select(
        (
            ("_cid", b.col("g", "_cid")),
            ("_native_id", b.col("g", "_native_id")),
            ("slot", b.text(name)),
            ("outcome", outcome),
            ("source", source),
            ("want", ir.Call("TEXT", (want,))),
            ("now", ir.Call("TEXT", (now,))),
            ("agreed", ir.Call("TEXT", (agreed,))),
        ),
        ir.Source(pairs, "g"),
        where=b.all_of([b.negated(b.col("g", f"unknown.{name}")), differs]) if unknowable else differs,
    )


def _is_unknown(name: str) -> ir.Scalar:
    return b.col("s", f"unknown.{name}")


def _waits(name: str, unknowable: bool) -> ir.Scalar:
    """Whether nothing new is agreed on the slot: it is to be written first, or its value is not known yet."""
    pending = b.holds(b.call("CONTAINS", b.col("p", "list"), b.text(name)))
    return b.any_of([pending, _is_unknown(name)]) if unknowable else pending


def _is_known(name: str) -> ir.Scalar:
    return b.negated(_is_unknown(name))


def _agreed_next(name: str, moves: bool, unknowable: bool) -> ir.Columns:
    """Give what is agreed of a slot afterwards: as before while something waits on it."""
    now = b.col("s", f"now.{name}")
    if not moves:
        return ((f"agreed.{name}", now),)
    return ((f"agreed.{name}", b.when((_waits(name, unknowable), b.col("s", f"agreed.{name}")), default=now)),)


def _agreed_name(name: str, unknowable: bool) -> ir.Scalar:
    """Give the slot's name if it is agreed afterwards."""
    agreed = b.any_of([b.negated(_waits(name, unknowable)), b.col("s", f"based.{name}")])
    return b.when((agreed, b.text(f"{name},")), default=b.text(""))


def _candidates(golden: str, side: str, should_hold: ir.Scalar) -> ir.Select:
    held = b.when(
        (b.call("<>", b.col("g", "_broken"), b.text("")), b.text("invariant")),
        (b.col("s", "_in_flight"), b.text("in_flight")),
        (b.all_of([b.col("s", "_holds"), b.negated(b.col("s", "_known"))]), b.text("unknown")),
        default=b.text(""),
    )
    operation = b.when((b.col("s", "_holds"), b.text("update")), default=b.text("create"))
    return ir.Select(
        (
            ("_cid", b.col("g", "_cid")),
            ("_native_id", b.col("s", "_native_id")),
            ("operation", operation),
            ("held", held),
            ("broken", b.col("g", "_broken")),
        ),
        ir.Source(golden, "g"),
        (ir.Join("inner", ir.Source(side, "s"), b.equal(b.col("s", "_cid"), b.col("g", "_cid"))),),
        where=b.any_of([b.col("s", "_holds"), b.all_of([b.col("g", "_exists"), should_hold])]),
    )


def _next(
    prefix: str,
    natives: ir.Listed,
    agreed: ir.Listed,
    agreed_names: ir.Listed,
    all_known: ir.Scalar,
    everything: ir.Scalar,
    waits: bool,
) -> ir.Select:
    # `_slots` afterwards: all, but for those that wait and were never agreed
    nothing_waits = b.all_of([b.is_null(b.col("p", "_cid")), all_known])
    slots = b.when((nothing_waits, everything), default=b.call("CONCAT", b.text(","), agreed_names))
    # what nobody agreed on before and is now as decided, without a write, is agreed on from now on
    agreed_first = b.differs(b.col("s", "_slots"), everything if all_known is b.TRUE else slots)
    changed = b.any_of(
        [
            b.col("i", "_fresh"),
            b.col("s", "_open"),
            b.present(b.col("p", "_cid")),
            b.present(b.col("q", "_cid")),
            agreed_first,
        ]
    )
    return ir.Select(
        (
            ("_native_id", b.col("i", "_native_id")),
            ("_cid", b.col("s", "_cid")),
            ("_status", b.text("linked")),
            ("_version", b.col("i", "_version")),
            ("_raw_hash", b.col("i", "_raw_hash")),
            ("_mapping", b.col("i", "_mapping")),
            ("_open", b.col("s", "_waits") if waits else b.FALSE),
            ("_slots", slots),
            ("_before", b.col("s", "_before")),
            ("_written", b.col("s", "_written")),
            ("_disputed", b.call("COALESCE", b.col("p", "slots"), b.text(""))),
            ("_synced", b.call("PATCHED", b.col("s", "_synced"), b.col("q", "patch"))),
            ("_unseen", b.col("i", "_unseen")),
            natives,
            agreed,
        ),
        ir.Source(f"{prefix}/side", "s"),
        (
            ir.Join(
                "inner", ir.Source(f"{prefix}/image", "i"), b.equal(b.col("i", "_native_id"), b.col("s", "_native_id"))
            ),
            ir.Join("left", ir.Source(f"{prefix}/pending", "p"), b.equal(b.col("p", "_cid"), b.col("s", "_cid"))),
            ir.Join("left", ir.Source(f"{prefix}/settled", "q"), b.equal(b.col("q", "_cid"), b.col("s", "_cid"))),
        ),
        where=b.all_of([b.col("s", "_known"), b.col("s", "_holds"), changed]),
    )


def _listed(compare: str, outcomes: tuple[str, ...]) -> ir.Select:
    slot = b.col("c", "slot")
    # marked as well: what a member told of a slot when it was new to the record, and lost
    marked = ir.Call("CONCAT", (slot, b.text(","), slot, b.text(OVERRULED)))
    disputed = b.when((b.equal(b.col("c", "outcome"), b.text("first_link")), marked), default=slot)
    return ir.Select(
        (
            ("_cid", b.col("c", "_cid")),
            ("list", b.call("LIST", slot)),
            ("slots", b.call("JOINED", b.call("LIST", disputed))),
            ("patch", b.call("GROUP OBJECT", b.col("c", "slot"), b.null("VARCHAR"))),
        ),
        ir.Source(compare, "c"),
        where=ir.Call("IN", (b.col("c", "outcome"), *map(b.text, outcomes))),
        group=(b.col("c", "_cid"),),
    )
