"""Diff: the winner against every member (design: *compare*), what is to be written, and the base as it then is.

In: ``golden`` and each member's ``side``. Out, per member: ``compare`` (slots that differ, each with one outcome),
``candidates`` (every record that the member holds or should hold), ``updates``, ``creates``, ``children``, ``next``.

Outcomes: *update*, *restore*, *overwrite*, *first_link*, *remapped* lead to a write; *review* freezes;
*converged* and *accepted* only move the base.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from syncline_compiler.lowering import build as b
from syncline_compiler.lowering.expression import Frame, failures, lower
from syncline_compiler.lowering.merge import FieldOfSync, fields_of
from syncline_compiler.lowering.slots import (
    MemberSlots,
    SlotLine,
    agreed_before,
    child_slot,
    native_collection,
    slot_names,
)
from syncline_compiler.model import ir, typed
from syncline_compiler.model.resolved import ResolvedSync
from syncline_runtime.system import NativeField

WRITES = ("update", "restore", "overwrite", "first_link", "remapped")
HELD_BACK = (*WRITES, "review")
SETTLED = ("converged", "accepted")
PREFIX = "native."


class MemberDiff:
    """The diff of one member of a sync: holds what its queries share, has no state of its own."""

    def __init__(self, sync: ResolvedSync, member: MemberSlots, order: int, codes: Frame) -> None:
        self.sync, self.member, self.order = sync, member, order
        self.connection = member.member.connection
        self.prefix = f"{sync.name}/{self.connection}"
        self.golden = ir.Source(f"{sync.name}/golden", "g")
        self.side = ir.Source(f"{self.prefix}/side", "s")
        self.frame = Frame(self.prefix, codes=codes.codes, inverse_codes=codes.inverse_codes)
        self.fields: Mapping[str, FieldOfSync] = {field.name: field for field in fields_of(sync)}

    def steps(self) -> list[ir.IrStep]:
        """All diff steps of the member, in the order they run."""
        queries: list[tuple[str, ir.Query]] = [
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

    # what differs

    def compare(self) -> ir.Query:
        """One row per slot that differs in any way: _cid, slot, outcome, source, want, now, agreed (as text)."""
        columns = (("_cid", "VARCHAR"), ("_native_id", "VARCHAR"), ("slot", "VARCHAR"), ("outcome", "VARCHAR"),
                   ("source", "INTEGER"), ("want", "VARCHAR"), ("now", "VARCHAR"), ("agreed", "VARCHAR"))  # fmt: skip
        return ir.Union(tuple(self._compare(slot) for slot in self.member.written), columns)

    def _compare(self, slot: SlotLine) -> ir.Select:
        want = slot.want(self.frame)
        now, agreed = b.col("s", f"now.{slot.name}"), b.col("s", f"agreed.{slot.name}")
        synced = b.call("SYNCED", b.col("s", "_synced"), b.text(slot.name))
        altered = b.holds(b.call("HAS KEY", b.col("s", "_synced"), b.text(slot.name)))
        winner_moved = b.when((altered, b.differs(ir.Call("TEXT", (want,)), synced)), default=b.differs(want, agreed))
        member_moved = b.differs(now, agreed)
        based, equal = agreed_before(b.col("s", "_slots"), slot.name), b.same(want, now)
        is_field = slot.native is None
        source = b.col("g", f"from.{slot.name}") if is_field and slot.name in self.fields else ir.Value(-1)
        frozen = b.col("g", f"frozen.{slot.name}") if is_field and slot.name in self.fields else b.FALSE
        mine = b.equal(source, ir.Value(self.order))
        policy = self.sync.unowned_edit.get(slot.name, self.sync.unowned_edit["*"]) if is_field else "restore"
        edit = {"restore": "restore", "review": "review", "adopt": "restore"}[policy]
        outcome = b.when(
            (frozen, b.text("review")),
            (b.all_of([equal, mine]), b.text("accepted")),
            (equal, b.text("converged")),
            (b.negated(based), b.text("first_link")),
            (b.col("s", "_remapped"), b.text("remapped")),
            (b.negated(member_moved), b.text("update")),
            (b.negated(winner_moved), b.text(edit)),
            default=b.text("overwrite"),
        )
        return ir.Select(
            (
                ("_cid", b.col("g", "_cid")),
                ("_native_id", b.col("s", "_native_id")),
                ("slot", b.text(slot.name)),
                ("outcome", outcome),
                ("source", source),
                ("want", ir.Call("TEXT", (want,))),
                ("now", ir.Call("TEXT", (now,))),
                ("agreed", ir.Call("TEXT", (agreed,))),
            ),
            self.golden,
            (self._with_side(),),
            where=b.all_of(
                [
                    b.col("s", "_known"),
                    b.col("s", "_holds"),
                    b.any_of(
                        [
                            b.all_of([b.negated(based), b.negated(equal)]),
                            b.all_of([based, b.any_of([winner_moved, member_moved])]),
                            frozen,
                        ]
                    ),
                ]
            ),
        )

    # what stands where

    def candidates(self) -> ir.Select:
        """Every record that the member holds or should hold: _cid, operation and why it is held back ("" if not)."""
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
            self.golden,
            (self._with_side(),),
            where=b.any_of([b.col("s", "_holds"), b.all_of([b.col("g", "_exists"), self._should_hold()])]),
        )

    def _should_hold(self) -> ir.Scalar:
        hold = self.member.member.hold
        if isinstance(hold, bool):
            return ir.Value(hold)
        return b.holds(lower(hold, self.frame))

    # what is written

    def updates(self) -> ir.Query:
        """One row per record with something to write: _cid, _native_id, wants, payload, missing, unfit."""
        plain = [slot for slot in self.member.written if slot.pick is None]
        everything = self.member.resource.update is not None and self.member.resource.update.sends == "all"
        members = []
        for slot in plain:
            sent = b.TRUE if everything else b.call("CONTAINS", b.col("c", "slots"), b.text(slot.name))
            for native, value in self._natives(slot):
                members.append((sent, native.name, self._payload_value(value)))
        return ir.Select(
            (
                ("_cid", b.col("g", "_cid")),
                ("_native_id", b.col("s", "_native_id")),
                ("wants", b.col("c", "wants")),
                ("payload", self._payload(members)),
                ("missing", self._missing(plain, b.col("c", "slots"))),
                ("unfit", self._unfit(plain, b.col("c", "slots"))),
            ),
            ir.Source(f"{self.prefix}/changed", "c"),
            (ir.Join("inner", self.golden, b.equal(b.col("g", "_cid"), b.col("c", "_cid"))), self._with_side()),
        )

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

    def creates(self) -> ir.Query:
        """One row per record that the member lacks: _cid, wants, payload, missing required natives, unfit."""
        plain = [slot for slot in self.member.written if slot.pick is None]
        members = []
        for slot in plain:
            for native, value in self._natives(slot):
                written = self._payload_value(value)
                members.append((b.present(written), native.name, written))
        return ir.Select(
            (
                ("_cid", b.col("g", "_cid")),
                ("_native_id", b.null("VARCHAR")),
                ("wants", self._wants(plain)),
                ("payload", self._payload(members)),
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
        fixed = [(b.is_null(child_id), name, ir.Call("JSON", (b.text(constant),))) for name, constant in pick.fixed]
        payload = self._payload([(b.TRUE, pick.item, ir.Call("JSON", (value,))), *fixed])
        changed = b.col("c", "slot")
        return ir.Select(
            (
                ("_cid", b.col("g", "_cid")),
                ("_native_id", b.col("s", "_native_id")),
                ("slot", b.text(slot.name)),
                ("wants", ir.Call("OBJECT", (b.text(slot.name), ir.Call("TEXT", (slot.want(self.frame),))))),
                ("operation", operation),
                ("child_id", child_id),
                ("payload", payload),
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
                    b.any_of(
                        [
                            b.all_of([b.present(changed), b.any_of([b.present(value), b.present(child_id)])]),
                            b.all_of([creating, b.col("g", "_exists"), self._should_hold(), b.present(value)]),
                        ]
                    ),
                ]
            ),
        )

    # the base afterwards

    def next_base(self) -> ir.Select:
        """Give the member's base rows once this run is sealed: what was seen, and what is agreed so far."""
        slots = self.member.lines
        image = [
            (f"{PREFIX}{field.name}", b.col("i", f"{PREFIX}{field.name}"))
            for field in self.member.resource.fields
            if field.readable
        ]
        pending = [slot.name for slot in self.member.written]
        columns: list[tuple[str, ir.Scalar]] = [
            ("_native_id", b.col("i", "_native_id")),
            ("_cid", b.col("s", "_cid")),
            ("_status", b.text("linked")),
            ("_version", b.col("i", "_version")),
            ("_raw_hash", b.col("i", "_raw_hash")),
            ("_mapping", b.col("i", "_mapping")),
            ("_open", b.FALSE),
            ("_slots", self._agreed_slots(slots)),
            ("_before", b.col("s", "_before")),
            ("_written", b.col("s", "_written")),
            ("_disputed", b.call("COALESCE", b.col("p", "slots"), b.text(""))),
            ("_synced", b.call("PATCHED", b.col("s", "_synced"), b.col("q", "patch"))),
            *image,
        ]
        for slot in slots:
            now, agreed = b.col("s", f"now.{slot.name}"), b.col("s", f"agreed.{slot.name}")
            value: ir.Scalar = now
            if slot.name in pending:
                waits = b.call("CONTAINS", b.col("p", "list"), b.text(slot.name))
                value = b.when((b.holds(waits), agreed), default=now)
            columns.append((f"agreed.{slot.name}", value))
        return ir.Select(
            tuple(columns),
            self.side,
            (
                ir.Join(
                    "inner",
                    ir.Source(f"{self.prefix}/image", "i"),
                    b.equal(b.col("i", "_native_id"), b.col("s", "_native_id")),
                ),
                ir.Join(
                    "left", ir.Source(f"{self.prefix}/pending", "p"), b.equal(b.col("p", "_cid"), b.col("s", "_cid"))
                ),
                ir.Join(
                    "left", ir.Source(f"{self.prefix}/settled", "q"), b.equal(b.col("q", "_cid"), b.col("s", "_cid"))
                ),
            ),
            where=b.all_of(
                [
                    b.col("s", "_known"),
                    b.col("s", "_holds"),
                    b.any_of(
                        [
                            b.col("i", "_fresh"),
                            b.col("s", "_open"),
                            b.present(b.col("p", "_cid")),
                            b.present(b.col("q", "_cid")),
                        ]
                    ),
                ]
            ),
        )

    def _agreed_slots(self, slots: Sequence[SlotLine]) -> ir.Scalar:
        """``_slots`` afterwards: all, but for those that wait and were never agreed."""
        kept: list[ir.Scalar] = [b.text(",")]
        for slot in slots:
            waits = b.holds(b.call("CONTAINS", b.col("p", "list"), b.text(slot.name)))
            agreed = b.any_of([b.negated(waits), agreed_before(b.col("s", "_slots"), slot.name)])
            kept.append(b.when((agreed, b.text(f"{slot.name},")), default=b.text("")))
        everything = b.text(slot_names(slot.name for slot in slots))
        return b.when((b.is_null(b.col("p", "_cid")), everything), default=ir.Call("CONCAT", tuple(kept)))

    def listed(self, outcomes: Sequence[str]) -> ir.Select:
        """Per record the slots with one of these outcomes, as list and as text; read by ``next``."""
        slots = b.call("LIST", b.col("c", "slot"))
        return ir.Select(
            (
                ("_cid", b.col("c", "_cid")),
                ("list", slots),
                ("slots", b.call("JOINED", slots)),
                ("patch", b.call("GROUP OBJECT", b.col("c", "slot"), b.null("VARCHAR"))),
            ),
            ir.Source(f"{self.prefix}/compare", "c"),
            where=ir.Call("IN", (b.col("c", "outcome"), *map(b.text, outcomes))),
            group=(b.col("c", "_cid"),),
        )

    # pieces

    def _with_side(self) -> ir.Join:
        return ir.Join("inner", self.side, b.equal(b.col("s", "_cid"), b.col("g", "_cid")))

    def _wants(self, slots: Sequence[SlotLine]) -> ir.Scalar:
        parts: list[ir.Scalar] = []
        for slot in slots:
            parts += [b.text(slot.name), ir.Call("TEXT", (slot.want(self.frame),))]
        return ir.Call("OBJECT", tuple(parts))

    def _is_write(self, alias: str) -> ir.Scalar:
        return ir.Call("IN", (b.col(alias, "outcome"), *map(b.text, WRITES)))

    def _slot_in(self, names: Sequence[str]) -> ir.Scalar:
        return ir.Call("IN", (b.col("c", "slot"), *map(b.text, names))) if names else b.FALSE

    def _natives(self, slot: SlotLine) -> list[tuple[NativeField, ir.Scalar]]:
        if slot.each is not None:
            native = self.member.resource.native(slot.each.list.name)
            return [(native, native_collection(slot.each, b.col("g", slot.name)))]
        return [(self.member.resource.native(put.native), lower(put.value, self.frame)) for put in slot.puts]

    def _payload_value(self, value: ir.Scalar) -> ir.Scalar:
        """Give the value as JSON: references are objects that only we make, everything else (JSON of lists too) is text."""
        if isinstance(value, ir.Call) and value.name == "REFERENCE":
            return value
        return ir.Call("JSON", (value,))

    def _payload(self, members: Sequence[tuple[ir.Scalar, str, ir.Scalar]]) -> ir.Scalar:
        parts: list[ir.Scalar] = []
        for condition, name, value in members:
            parts += [condition, b.text(name), value]
        return ir.Call("PAYLOAD", tuple(parts))

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
