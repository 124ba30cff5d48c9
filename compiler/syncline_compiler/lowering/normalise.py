"""Normalise: native rows to canonical values, and what is wrong with them.

In: a member's typed mapping. Out: the relations ``values`` (one row per image row) and ``faults``.
"""

from __future__ import annotations

from syncline_compiler.lowering import build as b
from syncline_compiler.lowering.expression import Failure, Frame, failures, lower, part_failures
from syncline_compiler.lowering.slots import MemberSlots, SlotLine, untold
from syncline_compiler.model import ir, typed
from syncline_compiler.model.resolved import ResolvedMember, ResolvedObject
from syncline_runtime.frozen import dataclass

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
        ("_take", _take(member.mapping, slots, frame)),
    ]
    checks: list[tuple[str, str, Failure]] = []
    for slot in slots.lines:
        columns.append((slot.name, slot.now(frame)))
        checks += _checks_of(slot, frame, len(checks))
    checks += _untold_checks(object_, member.mapping, slots)
    for number, reject in enumerate(member.mapping.rejects):
        condition = b.holds(lower(reject.condition, frame))
        if partial := _partial_in(slots, reject.condition):
            condition = b.all_of([b.negated(untold(partial)), condition])
        checks.append((f"?reject.{number}", "", Failure(condition, "SYN5003", reject.because)))
    columns += [(name, b.holds(failure.condition)) for name, _, failure in checks]
    columns += [(f"untold.{slot.name}", untold(slot.partial)) for slot in slots.lines if slot.partial]
    columns += [(f"clock.{name}", expression) for name, expression in slots.clocks(frame)]
    values = ir.Select(tuple(columns), ir.Source(frame.image, "i"), tuple(frame.joins))
    faults = _faults(prefix, object_, slots, checks)
    return Normalised(
        (ir.IrStep("normalise", f"{prefix}/values", values), ir.IrStep("normalise", f"{prefix}/faults", faults)),
        tuple(frame.values),
    )


def _take(mapping: typed.TypedMapping, slots: MemberSlots, frame: Frame) -> ir.Scalar:
    """Whether the row is taken; one of which that cannot be said yet is, and has a fault."""
    if mapping.take is None:
        return b.TRUE
    return b.any_of([b.holds(lower(mapping.take, frame)), untold(_partial_in(slots, mapping.take))])


def _partial_in(slots: MemberSlots, condition: typed.Expression) -> list[str]:
    named = {field.name for field in typed.fields_in(condition) if field.scope == "native"}
    return [field.name for field in slots.resource.fields if field.partial and field.name in named]


def _untold_checks(
    object_: ResolvedObject, mapping: typed.TypedMapping, slots: MemberSlots
) -> list[tuple[str, str, Failure]]:
    """Give what sets a row aside until it is told: what decides whether it is taken, who it is, and what it must have."""
    conditions = [*([mapping.take] if mapping.take else []), *(reject.condition for reject in mapping.rejects)]
    deciding = {name for condition in conditions for name in _partial_in(slots, condition)}
    identity = {name for rule in object_.identity for name in rule.same}
    required = {field.name for field in object_.fields if field.required}
    checks = [(name, untold([name]), "take") for name in sorted(deciding)]
    unlinked = b.is_null(b.col("i", "_cid"))
    for slot in slots.lines:
        if slot.partial and slot.reads and slot.name in required:
            checks.append((slot.name, untold(slot.partial), "required"))
        elif slot.partial and slot.reads and slot.name in identity:
            checks.append((slot.name, b.all_of([unlinked, untold(slot.partial)]), "identity"))
    return [(f"?untold.{rule}.{name}", name, Failure(condition, "SYN5016", rule)) for name, condition, rule in checks]


def _checks_of(slot: SlotLine, frame: Frame, start: int) -> list[tuple[str, str, Failure]]:
    if slot.each is not None and slot.reads:
        parts = [one for one in part_failures(slot.each, frame) if one.action != "null"]
        return [(f"?{start + number}.{slot.name}", slot.name, failure) for number, failure in enumerate(parts)]
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
    values = f"{prefix}/values"
    selects = [
        b.fill(_fault, (values, field, name, failure.rule), (), failure.code, failure.action)
        for name, field, failure in checks
        if failure.action != "null"
    ]
    for slot in slots.lines:
        field = object_.field(slot.name)
        if field is not None and field.required and slot.get is not None:
            failed = tuple(name for name, of, _ in checks if of == slot.name)
            selects.append(b.fill(_empty, (values, slot.name, *failed)))
    return ir.Union(
        tuple(selects), tuple((name, "VARCHAR") for name in ("_native_id", "field", "code", "rule", "action"))
    )


def _fault(values: str, field: str, flag: str, rule: str, code: str, action: str) -> ir.Select:
    """Give the rows for which a step failed."""
    return _fault_where(values, b.col("v", flag), field, code, rule, action)


def _empty(values: str, field: str, *flags: str) -> ir.Select:
    """Give the rows without a required field, but for those for which a step of it failed."""
    missing = b.all_of([b.is_null(b.col("v", field)), *(b.negated(b.col("v", flag)) for flag in flags)])
    return _fault_where(values, missing, field, "SYN5002", "required", "reject")


def _fault_where(values: str, condition: ir.Scalar, field: str, code: str, rule: str, action: str) -> ir.Select:
    told = (("field", field), ("code", code), ("rule", rule), ("action", action))
    return ir.Select(
        (ir.Carried("v", ("_native_id",)), *((name, b.text(text)) for name, text in told)),
        ir.Source(values, "v"),
        where=b.all_of([b.col("v", "_take"), condition]),
    )
