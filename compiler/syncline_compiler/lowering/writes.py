"""Writes: what is sent to a member, as payloads.

In: ``compare`` (slots that differ, with outcomes), ``golden``, ``side``. Out, per member: ``changed``, ``updates``,
``creates`` and ``children`` (records of child resources that `pick` writes), each with payload, wants, and the native
fields that have no value (``missing``) or into which the value does not fit (``unfit``); ``deletes`` where the member
deletes what it need not hold any more.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from syncline_compiler.lowering import build as b
from syncline_compiler.lowering.expression import Frame, failures, lower
from syncline_compiler.lowering.merge import FieldOfSync, fields_of
from syncline_compiler.lowering.slots import MemberSlots, SlotLine, child_slot, native_collection
from syncline_compiler.model import ir, typed
from syncline_compiler.model.resolved import ResolvedSync
from syncline_runtime.system import NativeField

WRITES = ("update", "restore", "overwrite", "first_link", "remapped")


class MemberWrites:
    """The writes to one member of a sync: holds what its queries share, has no state of its own."""

    def __init__(self, sync: ResolvedSync, member: MemberSlots, order: int, codes: Frame) -> None:
        self.sync, self.member, self.order = sync, member, order
        self.connection = member.member.connection
        self.prefix = f"{sync.name}/{self.connection}"
        self.golden = ir.Source(f"{sync.name}/golden", "g")
        self.side = ir.Source(f"{self.prefix}/side", "s")
        self.frame = Frame(self.prefix, codes=codes.codes, inverse_codes=codes.inverse_codes)
        self.fields: Mapping[str, FieldOfSync] = {field.name: field for field in fields_of(sync)}

    def changed(self) -> ir.Select:
        """Give the slots to write per record; read by ``updates``."""
        plain = [slot.name for slot in self.member.written if slot.pick is None]
        return ir.Select(
            (
                ("_cid", b.col("c", "_cid")),
                ("slots", b.call("LIST", b.col("c", "slot"))),
                ("wants", b.call("GROUP OBJECT", b.col("c", "slot"), b.col("c", "want"))),
            ),
            ir.Source(f"{self.prefix}/compare", "c"),
            where=b.all_of([self._is_write("c"), self._slot_in(plain)]),
            group=(b.col("c", "_cid"),),
        )

    def updates(self) -> ir.Query:
        """One row per record with something to write: _cid, _native_id, wants, payload, missing, unfit."""
        plain = [slot for slot in self.member.written if slot.pick is None]
        everything = self.member.resource.update is not None and self.member.resource.update.sends == "all"
        members = []
        for slot in plain:
            for native, value in self._natives(slot):
                names = (slot.name, native.name)
                members.append(b.fill(_updated, names, (value,), _is_reference(value), everything))
        return ir.Select(
            (
                ("_cid", b.col("g", "_cid")),
                ("_native_id", b.col("s", "_native_id")),
                ("wants", b.col("c", "wants")),
                ("payload", ir.Call("PAYLOAD", tuple(members))),
                ("missing", self._missing(plain, b.col("c", "slots"))),
                ("unfit", self._unfit(plain, b.col("c", "slots"))),
            ),
            ir.Source(f"{self.prefix}/changed", "c"),
            (ir.Join("inner", self.golden, b.equal(b.col("g", "_cid"), b.col("c", "_cid"))), self._with_side()),
            where=b.negated(self._leaves()) if self.deletes_leavers else None,
        )

    def deletes(self) -> ir.Query:
        """One row per record that the member holds and need not hold any more: _cid, _native_id."""
        return ir.Select(
            (("_cid", b.col("g", "_cid")), ("_native_id", b.col("s", "_native_id"))),
            self.golden,
            (self._with_side(),),
            where=b.all_of(
                [
                    b.col("s", "_holds"),
                    b.col("s", "_known"),
                    b.negated(b.col("s", "_in_flight")),
                    b.equal(b.col("g", "_broken"), b.text("")),
                    self._leaves(),
                ]
            ),
        )

    @property
    def deletes_leavers(self) -> bool:
        """Whether the member deletes records that it need not hold any more."""
        return self.member.member.on_leave == "delete" and not isinstance(self.member.member.hold, bool)

    def creates(self) -> ir.Query:
        """One row per record that the member lacks: _cid, wants, payload, missing required natives, unfit."""
        plain = [slot for slot in self.member.written if slot.pick is None]
        members = []
        for slot in plain:
            for native, value in self._natives(slot):
                members.append(b.fill(_created, (native.name,), (value,), _is_reference(value)))
        return ir.Select(
            (
                ("_cid", b.col("g", "_cid")),
                ("_native_id", b.null("VARCHAR")),
                ("wants", self._wants(plain)),
                ("payload", ir.Call("PAYLOAD", tuple(members))),
                ("missing", self._missing(plain)),
                ("unfit", self._unfit(plain)),
            ),
            self.golden,
            (self._with_side(),),
            where=b.all_of(
                [
                    b.negated(b.col("s", "_holds")),
                    b.negated(b.col("s", "_in_flight")),
                    b.col("g", "_exists"),
                    b.equal(b.col("g", "_broken"), b.text("")),
                    self._should_hold(),
                ]
            ),
        )

    def children(self) -> ir.Query:
        """One row per child record that a `pick` slot writes: _cid, slot, resource, operation, child id, payload."""
        columns = (("_cid", "VARCHAR"), ("_native_id", "VARCHAR"), ("slot", "VARCHAR"), ("wants", "VARCHAR"),
                   ("operation", "VARCHAR"), ("child_id", "VARCHAR"), ("payload", "VARCHAR"),
                   ("unfit", "VARCHAR"))  # fmt: skip
        picks = [slot for slot in self.member.written if slot.pick is not None]
        return ir.Union(tuple(self._child(slot, slot.pick) for slot in picks if slot.pick is not None), columns)

    def _child(self, slot: SlotLine, pick: typed.PickPut) -> ir.Select:
        value = ir.Call("TEXT", (lower(pick.value, self.frame),))
        child_id = b.col("s", f"now.{child_slot(slot.name)}")
        creating = b.negated(b.col("s", "_holds"))
        operation = b.when(
            (b.is_null(value), b.text("delete")), (b.is_null(child_id), b.text("create")), default=b.text("update")
        )
        members = [b.call("MEMBER", b.TRUE, b.text(pick.item), ir.Call("JSON", (value,)))]
        for name, constant in pick.fixed:
            members.append(b.call("MEMBER", b.is_null(child_id), b.text(name), ir.Call("JSON", (b.text(constant),))))
        changed = b.col("c", "slot")
        return ir.Select(
            (
                ("_cid", b.col("g", "_cid")),
                ("_native_id", b.col("s", "_native_id")),
                ("slot", b.text(slot.name)),
                ("wants", ir.Call("OBJECT", (b.text(slot.name), ir.Call("TEXT", (slot.want(self.frame),))))),
                ("operation", operation),
                ("child_id", child_id),
                ("payload", ir.Call("PAYLOAD", tuple(members))),
                ("unfit", b.flag_text([(f.condition, slot.name) for f in failures(pick.value, self.frame)])),
            ),
            self.golden,
            (
                self._with_side(),
                ir.Join(
                    "left",
                    ir.Source(f"{self.prefix}/compare", "c"),
                    b.all_of(
                        [
                            b.equal(b.col("c", "_cid"), b.col("g", "_cid")),
                            b.equal(b.col("c", "slot"), b.text(slot.name)),
                            self._is_write("c"),
                        ]
                    ),
                ),
            ),
            where=b.all_of(
                [
                    b.negated(b.col("s", "_in_flight")),
                    b.equal(b.col("g", "_broken"), b.text("")),
                    b.negated(self._leaves()) if self.deletes_leavers else b.TRUE,
                    b.any_of(
                        [
                            b.all_of([b.present(changed), b.any_of([b.present(value), b.present(child_id)])]),
                            b.all_of([creating, b.col("g", "_exists"), self._should_hold(), b.present(value)]),
                        ]
                    ),
                ]
            ),
        )

    def _wants(self, slots: Sequence[SlotLine]) -> ir.Scalar:
        parts: list[ir.Scalar] = []
        for slot in slots:
            parts += [b.text(slot.name), ir.Call("TEXT", (slot.want(self.frame),))]
        return ir.Call("OBJECT", tuple(parts))

    def _slot_in(self, names: Sequence[str]) -> ir.Scalar:
        return ir.Call("IN", (b.col("c", "slot"), *map(b.text, names))) if names else b.FALSE

    def _natives(self, slot: SlotLine) -> list[tuple[NativeField, ir.Scalar]]:
        if slot.each is not None:
            native = self.member.resource.native(slot.each.list.name)
            return [(native, native_collection(slot.each, b.col("g", slot.name)))]
        return [(self.member.resource.native(put.native), lower(put.value, self.frame)) for put in slot.puts]

    def _unfit(self, slots: Sequence[SlotLine], changed: ir.Scalar | None = None) -> ir.Scalar:
        """Native fields into which the winner's value does not fit: a null would be written in its place."""
        flags = []
        for slot in slots:
            concerned = b.call("CONTAINS", changed, b.text(slot.name)) if changed else b.TRUE
            for put in slot.puts:
                conditions = (failure.condition for failure in failures(put.value, self.frame))
                flags += [(b.all_of([concerned, condition]), put.native) for condition in conditions]
        return b.flag_text(flags)

    def _missing(self, slots: Sequence[SlotLine], changed: ir.Scalar | None = None) -> ir.Scalar:
        """Give required native fields for which there is no value; with ``changed`` only of those slots."""
        flags = []
        for slot in slots:
            concerned = b.call("CONTAINS", changed, b.text(slot.name)) if changed else b.TRUE
            for native, value in self._natives(slot):
                if native.required:
                    flags.append((b.all_of([concerned, b.is_null(value)]), native.name))
        return b.flag_text(flags)

    def _with_side(self) -> ir.Join:
        return ir.Join("inner", self.side, b.equal(b.col("s", "_cid"), b.col("g", "_cid")))

    def _should_hold(self) -> ir.Scalar:
        hold = self.member.member.hold
        if isinstance(hold, bool):
            return ir.Value(hold)
        return b.holds(lower(hold, self.frame))

    def _leaves(self) -> ir.Scalar:
        """Tell that the condition for holding the record is certainly not met; one that is unknown deletes nothing."""
        hold = self.member.member.hold
        assert not isinstance(hold, bool)  # asked where there is a condition
        met = hold.arguments[0] if isinstance(hold, typed.Apply) and hold.function == "is_true" else hold
        return b.holds(b.negated(lower(met, self.frame)))

    def _is_write(self, alias: str) -> ir.Scalar:
        return ir.Call("IN", (b.col(alias, "outcome"), *map(b.text, WRITES)))


def _is_reference(value: ir.Scalar) -> bool:
    return isinstance(value, ir.Call) and value.name == "REFERENCE"


def _as_json(value: ir.Scalar, reference: bool) -> ir.Scalar:
    """Give a value as JSON: references are objects that only we make, everything else (JSON of lists too) is text."""
    return value if reference else ir.Call("JSON", (value,))


def _updated(slot: str, native: str, value: ir.Scalar, reference: bool, everything: bool) -> ir.Scalar:
    """Give the member of an update's payload, if its slot is to be written."""
    sent = b.TRUE if everything else b.call("CONTAINS", b.col("c", "slots"), b.text(slot))
    return b.call("MEMBER", sent, b.text(native), _as_json(value, reference))


def _created(native: str, value: ir.Scalar, reference: bool) -> ir.Scalar:
    """Give the member of a create's payload, if there is a value."""
    written = _as_json(value, reference)
    return b.call("MEMBER", b.present(written), b.text(native), written)
