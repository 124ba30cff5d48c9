"""Winners: who decides a field, and what is decided (design: *decide*), as columns of ``SYNC/winner``.

In: the members of a sync and who owns its fields. Out: per field the winner, where it is from, and whether it is frozen.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from syncline_compiler.lowering import build as b
from syncline_compiler.lowering.deciding import (
    ASKED,
    CANONICAL,
    Kept,
    Merged,
    Newest,
    Owned,
    Told,
    flag,
    side_name,
)
from syncline_compiler.lowering.slots import MemberSlots, slot_names
from syncline_compiler.model import ir
from syncline_compiler.model.resolved import Ownership, ResolvedSync
from syncline_runtime.frozen import dataclass


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


def lower_winner(sync: ResolvedSync, members: Sequence[MemberSlots], fields: Sequence[FieldOfSync]) -> ir.Select:
    """Give the query of ``SYNC/winner``: who decides each field, and around it what that one says.

    What decides is asked once: value and origin both follow from who it is.
    """
    rows = [_rule(sync, members, field) for field in fields]
    exists = b.any_of(b.col(side_name(o), "_holds") for o in range(len(members)))
    joins = [_side_of(sync, member, order) for order, member in enumerate(members)]
    canonical = ir.Source(f"{sync.name}/canonical", CANONICAL)
    joins.append(ir.Join("left", canonical, b.equal(b.col(CANONICAL, "_cid"), b.col("d", "_cid"))))
    asked = ir.Select(
        (("_cid", b.col("d", "_cid")), b.several("more", _asked, rows), ("_exists", exists)),
        ir.Source(f"{sync.name}/dirty", "d"),
        tuple(joins),
    )
    columns = (("_cid", b.col(ASKED, "_cid")), b.several("more", _decided, rows), ("_exists", b.col(ASKED, "_exists")))
    return ir.Select(columns, ir.Inner(asked, ASKED))


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
    """Whether all slots of a member were agreed before, and none of an owner's is disputed; of one that owns none, nothing may be known."""
    agreed = b.equal(flag(order, "_slots"), b.text(slot_names(slot.name for slot in member.lines)))
    if owns:
        return b.all_of([agreed, b.equal(flag(order, "_disputed"), b.text(",,"))])
    return b.any_of([agreed, b.negated(flag(order, "_known"))])


def _side_of(sync: ResolvedSync, member: MemberSlots, order: int) -> ir.Join:
    alias = side_name(order)
    source = ir.Source(f"{sync.name}/{member.member.connection}/side", alias)
    return ir.Join("left", source, b.equal(b.col(alias, "_cid"), b.col("d", "_cid")))


def _asked(name: str, *clocks_and_rule: Any) -> ir.Columns:
    """Give what the rule of a field finds out, with what each may say who may be found."""
    *clocks, rule = clocks_and_rule
    found: ir.Columns = rule.ask(name, *clocks)
    return found


def _decided(name: str, *clocks_and_rule: Any) -> ir.Columns:
    """Give the columns of one field: the winner, the member it is from, whether it is frozen and, for *newest*, when.

    The member is its order, -1 for nobody now: what was decided before stays.
    """
    *_, rule = clocks_and_rule
    value, source, *at = rule.decide(name)
    columns = ((name, value), (f"from.{name}", source), (f"frozen.{name}", b.col(ASKED, f"frozen.{name}")))
    return (*columns, *((f"at.{name}", when) for when in at))


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
