"""Slots: what is compared and agreed with a member.

A slot is a canonical field that the member's mapping reads or exchanges, a part held as a keyed list, or a native
field that is only written (``->Name``, compared in native text). In: a member's mapping. Out: ``MemberSlots``.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from functools import cached_property

from syncline_compiler.functions import native_text
from syncline_compiler.lowering import build as b
from syncline_compiler.lowering.expression import Frame, lower
from syncline_compiler.model import ir, typed
from syncline_compiler.model.resolved import ResolvedMember, ResolvedSync
from syncline_compiler.model.types import TEXT, Type
from syncline_runtime.frozen import dataclass
from syncline_runtime.system import NativeField, Resource, System

OVERRULED = "!"  # after a slot's name among those disputed: what the member told when it was new to the record lost


@dataclass(frozen=True)
class NativeWrite:
    """A native field that a slot writes, as payload JSON."""

    native: NativeField
    value: typed.Expression


@dataclass(frozen=True)
class SlotLine:
    """One slot of a member, with the line that makes it."""

    name: str
    sql_type: str
    reads: bool
    writes: bool
    get: typed.Expression | None
    line: typed.Line | None
    each: typed.Each | None
    puts: tuple[typed.Put, ...]
    pick: typed.PickPut | None
    native: NativeField | None  # written one-way: the field compared
    text: str
    place: str
    late: bool = False  # a reference that closes a cycle: known, and written, after the record itself
    partial: tuple[str, ...] = ()  # native fields that it is read from and that may be missing
    is_set: bool = False  # a list of which the order does not count

    @cached_property
    def waits(self) -> bool:
        """Whether its value is unknown for as long as nothing is known of the record that it refers to."""
        silent = isinstance(self.get, typed.OrElse) and self.get.action == "null"
        return self.late and self.get is not None and not silent

    @cached_property
    def may_be_unknown(self) -> bool:
        """Whether there are records of which the value is not known, which is neither a value nor null."""
        return self.waits or bool(self.partial)

    def now(self, frame: Frame) -> ir.Scalar:
        """Give the member's present value, over the image."""
        if self.each is not None:
            return _collection(self.each, frame)
        if self.get is not None:
            return self._as_set(lower(self.get, frame))
        if self.native is None or not self.native.readable:
            return b.null("VARCHAR")
        return lower(native_text(self.native), frame)

    @property
    def wants_winner(self) -> bool:
        """Whether the member should show the winner as it is, not as something that a written form makes of it."""
        as_it_is = self.line is None or self.line.identity or self.get is None or self.pick is not None
        return self.native is None and as_it_is

    def want(self, frame: Frame) -> ir.Scalar:
        """Say what the member should show once the winner is written, in the slot's own type."""
        if self.native is not None:
            return lower(self.puts[0].value, frame)
        if self.wants_winner or self.get is None:
            return frame.canonical(self.name)
        return self._as_set(lower(_through(self.get, {put.native: put.value for put in self.puts}), frame))

    def _as_set(self, value: ir.Scalar) -> ir.Scalar:
        return ir.Call("AS SET", (value,)) if self.is_set else value


@dataclass(frozen=True)
class MemberSlots:
    """All slots of one member."""

    member: ResolvedMember
    resource: Resource
    lines: tuple[SlotLine, ...]
    clock_fields: tuple[str, ...]

    @cached_property
    def written(self) -> tuple[SlotLine, ...]:
        """Slots that can cause a write."""
        return tuple(slot for slot in self.lines if slot.writes)

    @cached_property
    def _by_name(self) -> Mapping[str, SlotLine]:
        return {slot.name: slot for slot in self.lines}

    def line(self, name: str) -> SlotLine | None:
        """Give the slot of that name, if the member has it."""
        return self._by_name.get(name)

    def reads(self, name: str) -> bool:
        """Whether the member tells the canonical field's value."""
        slot = self.line(name)
        return slot is not None and slot.reads

    def clocks(self, frame: Frame) -> Iterator[tuple[str, ir.Scalar]]:
        """Native fields that order changes, as instants."""
        for name in self.clock_fields:
            yield name, ir.Call("CLOCK", (b.col(frame.native, f"native.{name}"),))


def slots_of(sync: ResolvedSync, member: ResolvedMember, system: System) -> MemberSlots:
    """Give the slots of one member of a sync, in the order of its mapping."""
    resource = system.resource(member.resource)
    lines = [_slot(sync, resource, line) for line in member.mapping.lines]
    lines += [_child_id(system, resource, slot) for slot in lines if slot.pick is not None]
    lines += [_part_slot(each) for each in member.mapping.parts]
    partial = frozenset(field.name for field in resource.fields if field.partial)
    if partial:
        lines = [replace(slot, partial=tuple(sorted(partial & _natives_read(slot)))) for slot in lines]
    clocks = {
        owner.clocks[member.connection]
        for owner in sync.owners.values()
        if owner.clocks and member.connection in owner.clocks
    }
    return MemberSlots(member, resource, tuple(lines), tuple(sorted(clocks)))


def _natives_read(slot: SlotLine) -> set[str]:
    """Name the native fields of which a slot's present value is made."""
    if slot.each is not None:
        return {slot.each.list.name}
    if slot.get is not None:
        return {field.name for field in typed.fields_in(slot.get) if field.scope == "native"}
    return {slot.native.name} if slot.native is not None else set()


def untold(natives: Iterable[str]) -> ir.Scalar:
    """Whether one of these native fields of the image has never been told."""
    return b.any_of(b.holds(b.call("CONTAINS TEXT", b.col("i", "_unseen"), b.text(f",{name},"))) for name in natives)


def _slot(sync: ResolvedSync, resource: Resource, line: typed.Line) -> SlotLine:
    puts = tuple(put for put in line.puts if isinstance(put, typed.Put))
    pick = next((put for put in line.puts if isinstance(put, typed.PickPut)), None)
    place = f"{line.span.path}:{line.span.line}"
    if line.direction == "write":
        native, late = resource.native(puts[0].native), _refers_late(puts[0].value, sync)
        return SlotLine(
            f"->{native.name}", "VARCHAR", False, True, None, line, None, puts, None, native, line.text, place, late
        )
    assert line.field is not None  # reading lines name their field
    field = sync.object.field(line.field)
    assert field is not None  # checked by resolve
    writes, late, kind = line.direction == "both", line.field in sync.late, b.sql_type(field.type)
    rule = sync.owners.get(line.field)
    is_set = rule is not None and rule.rule == "union"
    return SlotLine(
        line.field, kind, True, writes, line.get, line, None, puts, pick, None, line.text, place, late, is_set=is_set
    )


def _refers_late(put: typed.Expression, sync: ResolvedSync) -> bool:
    """Whether a native id is written that is known only after the record itself."""
    of = put.argument if isinstance(put, typed.Resolve) and put.inverse else None
    return isinstance(of, typed.Field) and of.scope == "canonical" and of.name in sync.late


def agreed_before(slots: ir.Scalar, name: str) -> ir.Scalar:
    """Whether a slot was ever agreed with the member; ``slots`` is its base's ``_slots``, names between commas.

    One that never was, be it that the record or that the field is new to the member, is compared as a first link.
    """
    return b.holds(b.call("CONTAINS TEXT", slots, b.text(f",{name},")))


def slot_names(names: Iterable[str]) -> str:
    """Give the text of ``_slots`` for these names."""
    return "," + "".join(f"{name}," for name in names)


def child_slot(slot: str) -> str:
    """Give the read-only slot that holds the native id of the child record a `pick` slot writes."""
    return f"{slot}#id"


def _child_id(system: System, resource: Resource, slot: SlotLine) -> SlotLine:
    assert slot.pick is not None  # asked for picks only
    of = resource.native(slot.pick.native).of
    child = system.resource(of) if of else None
    at = child.native(child.id).at if child else "id"
    source = typed.Field("native", slot.pick.native, Type("json", nullable=True))
    get = typed.Pick(source, slot.pick.where, typed.Field("item", at, TEXT), TEXT.or_null())
    return SlotLine(
        child_slot(slot.name),
        "VARCHAR",
        True,
        False,
        get,
        None,
        None,
        (),
        None,
        None,
        f"{slot.text} (its id)",
        slot.place,
    )


def _part_slot(each: typed.Each) -> SlotLine:
    place = f"{each.span.path}:{each.span.line}"
    reads, writes = each.direction != "write", each.direction != "read"
    return SlotLine(each.part, "VARCHAR", reads, writes, None, None, each, (), None, None, f"each {each.part}", place)


def _collection(each: typed.Each, frame: Frame) -> ir.Scalar:
    """Give the part's rows in canonical form: a JSON list of objects, sorted, so that order does not count."""
    members: list[ir.Scalar] = []
    for line in each.lines:
        if line.field is not None and line.get is not None:
            members += [b.text(line.field), ir.Call("TEXT", (lower(line.get, frame),))]
    return ir.Elements(lower(each.list, frame), None, ir.Call("OBJECT", tuple(members)), "sorted")


def native_collection(each: typed.Each, part: ir.Scalar) -> ir.Scalar:
    """Give the part's canonical list as the native list that is written."""
    frame = Frame("", cast_items=True)
    members: list[ir.Scalar] = []
    for line in each.lines:
        for put in line.puts:
            if isinstance(put, typed.Put):
                members += [b.text(put.native), lower(put.value, frame)]
    return ir.Elements(part, None, ir.Call("OBJECT", tuple(members)), "kept")


def _through(get: typed.Expression, written: Mapping[str, typed.Expression]) -> typed.Expression:
    """``get`` over what ``put`` writes: native fields replaced by the values written to them."""
    return _replace(get, written)


def _replace(e: typed.Expression, written: Mapping[str, typed.Expression]) -> typed.Expression:
    match e:
        case typed.Field(scope="native"):
            return written.get(e.name, e)
        case typed.Apply():
            return typed.Apply(
                e.function, tuple(_replace(a, written) for a in e.arguments), e.type, e.can_fail, e.options
            )
        case typed.Case():
            branches = tuple((_replace(c, written), _replace(v, written)) for c, v in e.branches)
            return typed.Case(branches, _replace(e.default, written) if e.default else None, e.type)
        case typed.Lookup():
            return typed.Lookup(e.codes, e.inverse, _replace(e.argument, written), e.type)
        case typed.OrElse():
            return typed.OrElse(_replace(e.value, written), e.action, e.message, e.type)
        case _:
            return e
