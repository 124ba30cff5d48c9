"""Normalise: native rows to canonical values, and what is wrong with them.

In: a member's typed mapping. Out: the relations ``values`` (one row per image row) and ``faults``.
"""

from __future__ import annotations

from dataclasses import dataclass

from syncline_compiler.lowering import build as b
from syncline_compiler.lowering.expression import Failure, Frame, failures, lower
from syncline_compiler.lowering.slots import MemberSlots, SlotLine
from syncline_compiler.model import ir, typed
from syncline_compiler.model.resolved import ResolvedMember, ResolvedObject

UNKNOWN_REFERENCE = "SYN5005"


@dataclass(frozen=True)
class Normalised:
    """The lowered normalise stage of one member."""

    steps: tuple[ir.IrStep, ...]
    values: tuple[ir.IrValues, ...]


def lower_normalise(
    prefix: str, member: ResolvedMember, object_: ResolvedObject, slots: MemberSlots, frame: Frame
) -> Normalised:
    """``prefix/values`` and ``prefix/faults`` of one member."""
    frame.image = f"{prefix}/image"
    columns: list[tuple[str, ir.Scalar]] = [
        ("_native_id", b.col("i", "_native_id")),
        ("_cid", b.col("i", "_cid")),
        ("_moved", b.col("i", "_moved")),
        ("_take", b.holds(lower(member.mapping.take, frame)) if member.mapping.take else b.TRUE),
    ]
    checks: list[tuple[str, str, Failure]] = []
    for slot in slots.lines:
        columns.append((slot.name, slot.now(frame)))
        checks += _checks_of(slot, frame, len(checks))
    for number, reject in enumerate(member.mapping.rejects):
        condition = b.holds(lower(reject.condition, frame))
        checks.append((f"?reject.{number}", "", Failure(condition, "SYN5003", reject.because)))
    columns += [(name, b.holds(failure.condition)) for name, _, failure in checks]
    columns += [(f"clock.{name}", expression) for name, expression in slots.clocks(frame)]
    values = ir.Select(tuple(columns), ir.Source(frame.image, "i"), tuple(frame.joins))
    faults = _faults(prefix, object_, slots, checks)
    return Normalised(
        (ir.IrStep("normalise", f"{prefix}/values", values), ir.IrStep("normalise", f"{prefix}/faults", faults)),
        tuple(frame.values),
    )


def _checks_of(slot: SlotLine, frame: Frame, start: int) -> list[tuple[str, str, Failure]]:
    if slot.get is None:
        return []
    found = [f for f in failures(slot.get, frame) if not (slot.late and f.code == UNKNOWN_REFERENCE)]
    checks = [(f"?{start + number}.{slot.name}", slot.name, failure) for number, failure in enumerate(found)]
    return [*checks, *_late_check(slot, slot.get, frame)] if slot.late else checks


def _late_check(slot: SlotLine, get: typed.Expression, frame: Frame) -> list[tuple[str, str, Failure]]:
    """``late.SLOT``: there is a reference of which nothing is known yet. It is no fault of the record, which goes on."""
    told = get.value if isinstance(get, typed.OrElse) else get
    unknown = [failure for failure in failures(told, frame) if failure.code == UNKNOWN_REFERENCE]
    condition, rule = b.any_of(failure.condition for failure in unknown), unknown[0].rule if unknown else "ref"
    failure = Failure(condition, UNKNOWN_REFERENCE, rule, "wait" if slot.waits else "null")
    return [(f"late.{slot.name}", slot.name, failure)]


def _faults(
    prefix: str, object_: ResolvedObject, slots: MemberSlots, checks: list[tuple[str, str, Failure]]
) -> ir.Union:
    relation = ir.Source(f"{prefix}/values", "v")
    taken = b.col("v", "_take")

    def fault(field: str, failure: Failure, condition: ir.Scalar) -> ir.Select:
        return ir.Select(
            (
                ("_native_id", b.col("v", "_native_id")),
                ("field", b.text(field)),
                ("code", b.text(failure.code)),
                ("rule", b.text(failure.rule)),
                ("action", b.text(failure.action)),
            ),
            relation,
            where=b.all_of([taken, condition]),
        )

    told = [check for check in checks if check[2].action != "null"]
    selects = [fault(field, failure, b.col("v", name)) for name, field, failure in told]
    for slot in slots.lines:
        field = object_.field(slot.name)
        if field is None or not field.required or slot.get is None:
            continue
        failed = [b.negated(b.col("v", name)) for name, of, _ in checks if of == slot.name]
        missing = b.all_of([b.is_null(b.col("v", slot.name)), *failed])
        selects.append(fault(slot.name, Failure(missing, "SYN5002", "required"), missing))
    return ir.Union(
        tuple(selects), tuple((name, "VARCHAR") for name in ("_native_id", "field", "code", "rule", "action"))
    )
