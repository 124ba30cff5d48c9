"""Writes: what is sent to a member, as payloads.

In: ``compare`` (slots that differ, with outcomes), ``golden``, ``side``. Out, per member: ``changed``, ``updates``,
``creates`` and ``children`` (records of child resources that `pick` writes), each with payload, wants, and the native
fields that have no value (``missing``) or into which the value does not fit (``unfit``); ``leavers`` and ``comers``
where the member deletes or unlinks what it need not hold any more; ``shown`` where it shows other values of that.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Any

from syncline_compiler.lowering import build as b
from syncline_compiler.lowering.expression import Frame, failures, how_it_fails, lower, lower_said, ways_to_fail
from syncline_compiler.lowering.outline import Outline, outline
from syncline_compiler.lowering.slots import MemberSlots, SlotLine, child_slot, native_collection
from syncline_compiler.model import ir, typed
from syncline_compiler.model.resolved import ResolvedSync
from syncline_runtime.frozen import dataclass
from syncline_runtime.system import NativeField

LEFT = -3  # the source of a value that ``on_leave`` sets
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
        self.shown = ir.Source(f"{self.prefix}/shown" if member.member.leaves_with else self.golden.relation, "g")
        self.wanted = {slot.name: slot.want(self.frame) for slot in member.written if not slot.wants_winner}
        self.sent = [sent for slot in member.written if slot.pick is None for sent in self._sent(slot)]

    def changed(self) -> ir.Query:
        """Give the slots to write per record; read by ``updates``."""
        plain = [slot.name for slot in self.member.written if slot.pick is None]
        listed = ir.Listed("list", tuple(map(b.text, plain or [""])))  # no slot has no name
        return b.fill(_changed, (f"{self.prefix}/compare",), (listed,))

    def updates(self) -> ir.Query:
        """One row per record with something to write: _cid, _native_id, wants, payload, missing, unfit."""
        everything = self.member.resource.update is not None and self.member.resource.update.sends == "all"
        members = b.several(
            "list", _update_said, (sent.item(_updated, sent.reference, everything) for sent in self.sent)
        )
        leaves = (self._leaves(),) if self.lets_go else ()
        return b.fill(
            _updates, (self.prefix, self.shown.relation), (members, self._missing(True), self._unfit(True), *leaves)
        )

    def shown_query(self) -> ir.Query:
        """Give the winners as the member shows them: with other values of some fields where it need not hold the record."""
        values = self.member.member.leaves_with
        types = {field.name: b.sql_type(field.type) for field in self.sync.object.fields}
        leaves = self._leaves()
        columns: list[tuple[str, ir.Scalar]] = []
        for name, value in values.items():
            for column, instead in (
                (name, ir.Value(value, types[name])),
                (f"from.{name}", ir.Value(LEFT)),
                (f"frozen.{name}", b.FALSE),
            ):
                columns.append((column, b.when((leaves, instead), default=b.col("g", column))))
        return ir.Select((ir.All("g", tuple(column for column, _ in columns)), *columns), self.golden)

    def leavers(self) -> ir.Query:
        """One row per record that the member holds and need not hold any more: _cid, _native_id.

        One that ends everywhere is none: it is deleted, not let go.
        """
        return ir.Select(
            (("_cid", b.col("g", "_cid")), ("_native_id", b.col("s", "_native_id"))),
            self.golden,
            (self._with_side(),),
            where=b.all_of(
                [
                    b.col("s", "_holds"),
                    b.col("s", "_known"),
                    b.negated(b.col("s", "_in_flight")),
                    b.col("g", "_exists"),
                    b.equal(b.col("g", "_broken"), b.text("")),
                    self._leaves(),
                ]
            ),
        )

    def comers(self) -> list[ir.IrStep]:
        """One row per record that the member should hold: _cid; asked where what it let go may have to come back."""
        if not self.lets_go or self.member.member.on_leave == "delete":
            return []
        fit = [b.col("g", "_exists"), b.equal(b.col("g", "_broken"), b.text("")), self._should_hold()]
        query = ir.Select((("_cid", b.col("g", "_cid")),), self.golden, where=b.all_of(fit))
        return [ir.IrStep("merge", f"{self.prefix}/comers", query)]

    @property
    def lets_go(self) -> bool:
        """Whether records that the member need not hold any more are deleted or unlinked, and so not written."""
        return self.member.member.on_leave in ("delete", "unlink") and not isinstance(self.member.member.hold, bool)

    def creates(self) -> ir.Query:
        """One row per record that the member lacks: _cid, wants, payload, missing required natives, unfit."""
        members = b.several("list", _create_said, (sent.item(_created, sent.reference) for sent in self.sent))
        operands = (self._wants(), members, self._missing(False), self._unfit(False), self._should_hold())
        return b.fill(_creates, (self.prefix, self.golden.relation), operands)

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
                ("wants", ir.Call("OBJECT", (b.text(slot.name), _as_text(slot.want(self.frame))))),
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
                            _is_write(),
                        ]
                    ),
                ),
            ),
            where=b.all_of(
                [
                    b.negated(b.col("s", "_in_flight")),
                    b.equal(b.col("g", "_broken"), b.text("")),
                    b.negated(self._leaves()) if self.lets_go else b.TRUE,
                    b.any_of(
                        [
                            b.all_of([b.present(changed), b.any_of([b.present(value), b.present(child_id)])]),
                            b.all_of([creating, b.col("g", "_exists"), self._should_hold(), b.present(value)]),
                        ]
                    ),
                ]
            ),
        )

    def _wants(self) -> ir.Scalar:
        items: list[b.Item] = []
        for slot in self.member.written:
            if slot.pick is None:
                want = self.wanted.get(slot.name)
                items.append(b.fill(_wanted, (slot.name,), (want,)) if want else ((slot.name,), ()))
        return ir.Call("OBJECT", (b.several("list", _wanted_itself, items),) if items else ())

    def _sent(self, slot: SlotLine) -> list[_Sent]:
        if slot.each is not None:
            native = self.member.resource.native(slot.each.list.name)
            return [_Sent(slot.name, native, native_collection(slot.each, b.col("g", slot.name)))]
        return [self._put(slot, put) for put in slot.puts]

    def _put(self, slot: SlotLine, put: typed.Put) -> _Sent:
        said, native = outline(put.value), self.member.resource.native(put.native)
        if said is not None:
            return _Sent(slot.name, native, None, said, tuple(range(len(how_it_fails(said[0], len(said[1]))))))
        conditions = tuple(failure.condition for failure in failures(put.value, self.frame))
        return _Sent(slot.name, native, lower(put.value, self.frame), None, conditions)

    def _unfit(self, changed: bool) -> ir.Scalar:
        """Native fields into which the winner's value does not fit: a null would be written in its place."""
        items = [
            sent.row(way, changed) if isinstance(way, int) else b.fill(_unfit_if, sent.names, (way,), changed)
            for sent in self.sent
            for way in sent.failures
        ]
        return ir.Call("CONCAT_WS", (b.text(","), b.several("list", _unfit_said, items))) if items else b.text("")

    def _missing(self, changed: bool) -> ir.Scalar:
        """Give required native fields for which there is no value; where ``changed`` only of slots that did."""
        items = [sent.item(_missing_if, changed) for sent in self.sent if sent.native.required]
        return ir.Call("CONCAT_WS", (b.text(","), b.several("list", _missing_said, items))) if items else b.text("")

    def _with_side(self) -> ir.Join:
        return ir.Join("inner", self.side, b.equal(b.col("s", "_cid"), b.col("g", "_cid")))

    def _should_hold(self) -> ir.Scalar:
        hold = self.member.member.hold
        if isinstance(hold, bool):
            return b.TRUE if hold else b.FALSE
        return b.holds(lower(hold, self.frame))

    def _leaves(self) -> ir.Scalar:
        """Tell that the condition for holding the record is certainly not met; one that is unknown deletes nothing."""
        hold = self.member.member.hold
        assert not isinstance(hold, bool)  # asked where there is a condition
        met = hold.arguments[0] if isinstance(hold, typed.Apply) and hold.function == "is_true" else hold
        return b.holds(b.negated(lower(met, self.frame)))


@dataclass(frozen=True)
class _Sent:
    """What is sent to one native field of a slot: a value, or the outline and names of one.

    ``failures`` are the conditions under which it fails; of an outline, their numbers.
    """

    slot: str
    native: NativeField
    value: ir.Scalar | None
    said: tuple[Outline, tuple[str, ...]] | None = None
    failures: tuple[int | ir.Scalar, ...] = ()

    @property
    def names(self) -> tuple[str, str]:
        """The slot and the native field."""
        return self.slot, self.native.name

    @property
    def reference(self) -> bool:
        """Whether it is a symbolic reference, in whose place delivery puts a native id."""
        return isinstance(self.value, ir.Call) and self.value.name == "REFERENCE"

    def row(self, *rest: Hashable) -> b.Row:
        """Give the row of an outline."""
        assert self.said is not None  # who asks knows that it has one
        return (*self.names, *self.said[1]), (self.said[0], *rest)

    def item(self, build: Callable[..., Any], *rest: Hashable) -> b.Item:
        """Give the row of an outline, or what ``build`` makes of the value."""
        return self.row(*rest) if self.value is None else b.fill(build, self.names, (self.value,), *rest)


def _as_json(value: ir.Scalar, reference: bool) -> ir.Scalar:
    """Give a value as JSON: references are objects that only we make, everything else (JSON of lists too) is text."""
    return value if reference else ir.Call("JSON", (value,))


def _concerned(slot: str, changed: bool) -> ir.Scalar:
    """Whether a slot is to be written; all are unless it is asked which ``changed``."""
    return b.call("CONTAINS", b.col("c", "slots"), b.text(slot)) if changed else b.TRUE


def _updated(slot: str, native: str, value: ir.Scalar, reference: bool, everything: bool) -> ir.Scalar:
    """Give the member of an update's payload, if its slot is to be written."""
    return b.call("MEMBER", _concerned(slot, not everything), b.text(native), _as_json(value, reference))


def _update_said(slot: str, native: str, *said: Any) -> ir.Scalar:
    *names, shape, reference, everything = said
    return _updated(slot, native, lower_said(shape, names), reference, everything)


def _created(slot: str, native: str, value: ir.Scalar, reference: bool) -> ir.Scalar:
    """Give the member of a create's payload, if there is a value."""
    del slot
    return b.call("PRESENT MEMBER", b.text(native), _as_json(value, reference))


def _create_said(slot: str, native: str, *said: Any) -> ir.Scalar:
    *names, shape, reference = said
    return _created(slot, native, lower_said(shape, names), reference)


def _missing_if(slot: str, native: str, value: ir.Scalar, changed: bool) -> ir.Scalar:
    return b.when((b.all_of([_concerned(slot, changed), b.is_null(value)]), b.text(native)))


def _missing_said(slot: str, native: str, *said: Any) -> ir.Scalar:
    *names, shape, changed = said
    return _missing_if(slot, native, lower_said(shape, names), changed)


def _unfit_if(slot: str, native: str, condition: ir.Scalar, changed: bool) -> ir.Scalar:
    return b.when((b.all_of([_concerned(slot, changed), condition]), b.text(native)))


def _unfit_said(slot: str, native: str, *said: Any) -> ir.Scalar:
    *names, shape, number, changed = said
    return _unfit_if(slot, native, ways_to_fail(shape, names)[number].condition, changed)


def _wanted(slot: str, want: ir.Scalar) -> ir.Scalar:
    return ir.Listed("list", (b.text(slot), _as_text(want)))


def _wanted_itself(slot: str) -> ir.Scalar:
    return _wanted(slot, b.col("g", slot))


def _as_text(value: ir.Scalar) -> ir.Scalar:
    return ir.Call("TEXT", (value,))


def _is_write() -> ir.Scalar:
    return ir.Call("IN", (b.col("c", "outcome"), *map(b.text, WRITES)))


def _changed(compare: str, slots: ir.Scalar) -> ir.Select:
    return ir.Select(
        (
            ("_cid", b.col("c", "_cid")),
            ("slots", b.call("LIST", b.col("c", "slot"))),
            ("wants", b.call("GROUP OBJECT", b.col("c", "slot"), b.col("c", "want"))),
        ),
        ir.Source(compare, "c"),
        where=b.all_of([_is_write(), b.call("IN", b.col("c", "slot"), slots)]),
        group=(b.col("c", "_cid"),),
    )


def _side_of(prefix: str) -> ir.Join:
    return ir.Join("inner", ir.Source(f"{prefix}/side", "s"), b.equal(b.col("s", "_cid"), b.col("g", "_cid")))


def _updates(
    prefix: str, golden: str, members: ir.Listed, missing: ir.Scalar, unfit: ir.Scalar, *leaves: ir.Scalar
) -> ir.Select:
    return ir.Select(
        (
            ("_cid", b.col("g", "_cid")),
            ("_native_id", b.col("s", "_native_id")),
            ("wants", b.col("c", "wants")),
            ("payload", b.call("PAYLOAD", members)),
            ("missing", missing),
            ("unfit", unfit),
        ),
        ir.Source(f"{prefix}/changed", "c"),
        (
            ir.Join("inner", ir.Source(golden, "g"), b.equal(b.col("g", "_cid"), b.col("c", "_cid"))),
            _side_of(prefix),
        ),
        where=b.negated(leaves[0]) if leaves else None,
    )


def _creates(
    prefix: str,
    golden: str,
    wants: ir.Scalar,
    members: ir.Listed,
    missing: ir.Scalar,
    unfit: ir.Scalar,
    should_hold: ir.Scalar,
) -> ir.Select:
    return ir.Select(
        (
            ("_cid", b.col("g", "_cid")),
            ("_native_id", b.null("VARCHAR")),
            ("wants", wants),
            ("payload", b.call("PAYLOAD", members)),
            ("missing", missing),
            ("unfit", unfit),
        ),
        ir.Source(golden, "g"),
        (_side_of(prefix),),
        where=b.all_of(
            [
                b.negated(b.col("s", "_holds")),
                b.negated(b.col("s", "_in_flight")),
                b.col("g", "_exists"),
                b.equal(b.col("g", "_broken"), b.text("")),
                should_hold,
            ]
        ),
    )
