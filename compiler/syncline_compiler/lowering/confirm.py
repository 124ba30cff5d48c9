"""Confirm: what acks make of the base.

In: ``ack`` (one row per acknowledged record: _native_id, _cid, _creating,
_unfinished, _wants, _at), the rows that came back as
``image`` and ``values``. Out: ``acked``, the base rows. Agreed is what the member returned; where that differs from
what was wanted (trimmed, rounded, defaulted), the wanted text is kept in ``_synced`` so that it is not fought.
"""

from __future__ import annotations

from syncline_compiler.lowering import build as b
from syncline_compiler.lowering.diff import PREFIX
from syncline_compiler.lowering.slots import MemberSlots, agreed_before
from syncline_compiler.model import ir


def lower_acked(sync: str, member: MemberSlots) -> ir.IrStep:
    """``SYNC/CONNECTION/acked``."""
    prefix = f"{sync}/{member.member.connection}"
    natives = tuple(field.name for field in member.resource.fields if field.readable)
    names = [slot.name for slot in member.lines]
    left_out = [slot.name for slot in member.lines if slot.late and slot.writes]
    # What cannot be read is taken to be as it was sent; it could never be told otherwise.
    written = [
        ((slot.name,), (slot.native is not None and not slot.native.readable,)) for slot in member.lines if slot.writes
    ]
    operands = (
        b.each("more", _agreed, names),
        b.several("list", _agreed_name, (((slot.name,), (bool(slot.partial),)) for slot in member.lines)),
        b.each("any", _moved_elsewhere, names),
        # the next decision writes it if nothing else has
        b.each("any", _left_out, left_out),
        b.several("list", _altered, written),
        ir.Listed("more", ((ir.Carried("i", natives, PREFIX, PREFIX),),)),
    )
    return ir.IrStep("confirm", f"{prefix}/acked", b.fill(_acked, (prefix,), operands))


def _acked(
    prefix: str,
    agreed: ir.Listed,
    agreed_names: ir.Listed,
    moved: ir.Listed,
    left_out: ir.Listed,
    altered: ir.Listed,
    natives: ir.Listed,
) -> ir.Select:
    return ir.Select(
        (
            ("_native_id", b.col("a", "_native_id")),
            ("_cid", b.col("a", "_cid")),
            ("_status", b.text("linked")),
            ("_version", b.col("i", "_version")),
            ("_raw_hash", b.col("i", "_raw_hash")),
            ("_mapping", b.col("i", "_mapping")),
            ("_open", b.any_of([b.col("a", "_unfinished"), moved, left_out])),
            ("_slots", b.call("CONCAT", b.text(","), agreed_names)),
            ("_before", b.col("b", "_raw_hash")),
            ("_written", b.col("a", "_at")),
            ("_disputed", b.text("")),
            (
                "_synced",
                b.call(
                    "PATCHED",
                    b.call("COALESCE", b.col("b", "_synced"), b.text("{}")),
                    b.call("PAYLOAD", altered),
                ),
            ),
            ("_unseen", b.col("i", "_unseen")),
            natives,
            agreed,
        ),
        ir.Source(f"{prefix}/ack", "a"),
        (
            ir.Join(
                "inner", ir.Source(f"{prefix}/image", "i"), b.equal(b.col("i", "_native_id"), b.col("a", "_native_id"))
            ),
            ir.Join(
                "left", ir.Source(f"{prefix}/values", "v"), b.equal(b.col("v", "_native_id"), b.col("a", "_native_id"))
            ),
            ir.Join(
                "left", ir.Source(f"{prefix}/base", "b"), b.equal(b.col("b", "_native_id"), b.col("a", "_native_id"))
            ),
        ),
    )


def _sent(name: str) -> ir.Scalar:
    return b.holds(b.call("HAS KEY", b.col("a", "_wants"), b.text(name)))


def _fresh(name: str) -> ir.Scalar:
    """Whether what the member shows of a slot is what this write made of it."""
    return b.any_of([b.col("a", "_creating"), _sent(name), b.is_null(b.col("b", "_native_id"))])


def _agreed(name: str) -> ir.Columns:
    agreed = b.when((_fresh(name), b.col("v", name)), default=b.col("b", f"agreed.{name}"))
    return ((f"agreed.{name}", agreed),)


def _agreed_name(name: str, partial: bool) -> ir.Scalar:
    """Give the slot's name if something is agreed of it; ``partial``: the member may not have told it."""
    told = b.all_of([_fresh(name), b.negated(b.holds(b.col("v", f"untold.{name}")))]) if partial else _fresh(name)
    known = b.any_of([told, agreed_before(b.col("b", "_slots"), name)])
    return b.when((known, b.text(f"{name},")), default=b.text(""))


def _moved_elsewhere(name: str) -> ir.Scalar:
    return b.all_of([b.negated(_fresh(name)), b.differs(b.col("v", name), b.col("b", f"agreed.{name}"))])


def _left_out(name: str) -> ir.Scalar:
    return b.all_of([b.col("a", "_creating"), b.negated(_sent(name))])


def _told(name: str, unread: bool) -> ir.Scalar:
    return _sent(name) if unread else b.all_of([_sent(name), b.negated(b.col("a", "_unfinished"))])


def _altered(name: str, unread: bool) -> ir.Scalar:
    """Give the slot with what was wanted, as a JSON list, where the member made something else of it."""
    wanted = b.call("WANT", b.col("a", "_wants"), b.text(name))
    differs = b.differs(ir.Call("TEXT", (b.col("v", name),)), wanted)
    return b.call("MEMBER", _told(name, unread), b.text(name), b.when((differs, ir.Call("JSON LIST", (wanted,)))))
