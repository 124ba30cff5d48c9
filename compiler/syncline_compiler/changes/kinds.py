"""The kinds of facts: how two values of one compare, what they stand below, whether the lock keeps them.

Comparing gives a *direction*. ``there``: added or removed. ``need``: that, and required or optional, since what has to be given is another
thing than what may be. ``type``, ``schema`` (a JSON Schema): wider, narrower or another. ``amount``: raised or lowered. ``choice``,
``expression``: changed. ``follows``: changed; that it comes or goes follows from another fact. ``aside``: never told.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import Literal

from syncline_compiler.changes.json_schemas import width
from syncline_compiler.type_text import TypeTextError, parse_type
from syncline_runtime.frozen import dataclass

Compare = Literal["there", "need", "type", "amount", "choice", "expression", "schema", "follows", "aside"]
Direction = Literal[
    "added", "added required", "removed", "required", "optional", "wider", "narrower", "another",
    "raised", "lowered", "changed", "renamed",
]  # fmt: skip


@dataclass(frozen=True)
class Kind:
    """One kind of fact. ``below`` names the kind whose coming and going says all, with so many of the names."""

    name: str
    compare: Compare
    says: str  # what it is, for people: "the type of"
    below: str | None = None
    within: bool = False  # its names are told with the item's own: ``account.name``
    kept: bool = True  # in the lock
    interface: bool = False  # others rely on it, so that it belongs to the interface hash


def _kinds(*kinds: Kind) -> Mapping[str, Kind]:
    return {kind.name: kind for kind in kinds}


KINDS = _kinds(
    # whole specs
    Kind("object", "there", "the object", kept=False),
    Kind("mapping", "there", "the mapping", kept=False),
    Kind("codes", "there", "the code table", kept=False),
    Kind("system", "there", "the system", kept=False),
    Kind("sync", "there", "the sync", kept=False),
    Kind("event", "there", "the event", kept=False),
    Kind("policy", "there", "the policy", kept=False),
    Kind("environment", "there", "the environment", kept=False),
    # the project
    Kind("project.name", "follows", "the name of the project", kept=False),
    Kind("budget", "amount", "the budget for", kept=False),
    Kind("severity", "choice", "the severity of", kept=False),
    Kind("waiver", "choice", "the waiver of", kept=False),
    # environments
    Kind("connection.address", "follows", "the address of", kept=False, within=True),
    Kind("connection.proof", "follows", "the proof asked of", kept=False, within=True),
    Kind("connection.secret", "follows", "the credential of", kept=False, within=True),
    Kind("connection.limit", "follows", "the limit of", kept=False, within=True),
    # objects
    Kind("object.label", "choice", "the label of", kept=False),
    Kind("field", "need", "field", interface=True, within=True),
    Kind("field.type", "type", "the type of", "field", interface=True, within=True),
    Kind("field.value", "there", "value", "field", interface=True, within=True),
    Kind("field.form", "choice", "the form of", "field", within=True),
    Kind("field.pii", "choice", "the privacy of", "field", within=True),
    Kind("field.critical", "there", "the weight of", "field", within=True),
    Kind("field.historical", "there", "the history of", "field", within=True),
    Kind("field.inverse", "choice", "the inverse name of", "field", interface=True, within=True),
    Kind("field.unit", "choice", "the unit of", "field", within=True),
    Kind("field.label", "choice", "the label of", "field", kept=False, within=True),
    Kind("field.moved", "aside", "field", kept=False, within=True),
    Kind("field.deprecated", "choice", "the deprecation of", "field", within=True),
    Kind("part", "choice", "part", interface=True, within=True),
    Kind("derived", "expression", "derived field", interface=True, within=True),
    Kind("invariant", "expression", "invariant"),
    Kind("identity", "choice", "the identity rule"),
    Kind("identity.order", "choice", "the order of identity rules", "identity"),
    # mappings
    Kind("take", "expression", "which records are taken"),
    Kind("read", "expression", "what is read into"),
    Kind("write", "expression", "what is written to"),
    Kind("each", "choice", "the children"),
    Kind("uses", "aside", "use of"),
    Kind("reject", "expression", "the refusal"),
    # codes
    Kind("codes.for", "choice", "what the codes mean", interface=True),
    Kind("row", "choice", "the meaning of code", interface=True),
    Kind("row.back", "choice", "the code written for"),
    # systems
    Kind("system.label", "choice", "the label", kept=False),
    Kind("protocol", "choice", "the protocol"),
    Kind("zone", "choice", "the time zone"),
    Kind("network", "choice", "the network"),
    Kind("visible_after", "amount", "the time until writes can be read"),
    Kind("auth", "choice", "authentication"),
    Kind("origins", "there", "the addresses"),
    Kind("origin", "there", "address", "origins"),
    Kind("limit.rate", "amount", "the requests allowed"),
    Kind("limit.concurrency", "amount", "the requests allowed at once", "limit.rate"),
    Kind("scope", "there", "scope"),
    Kind("calls", "choice", "how it is spoken to:"),
    Kind("proof", "choice", "the proof of"),
    Kind("clearances", "there", "what may be private there"),
    Kind("cleared", "there", "clearance for", "clearances"),
    Kind("resource", "there", "resource", interface=True, within=True),
    Kind("resource.moved", "aside", "resource", kept=False, within=True),
    Kind("id", "choice", "the id of", "resource", interface=True, within=True),
    Kind("version", "choice", "the clock of", "resource", within=True),
    Kind("parent", "choice", "the parent of", "resource", within=True),
    Kind("get", "choice", "the request for one", "resource", within=True),
    Kind("transition", "choice", "the request that moves", "resource", within=True),
    Kind("reads", "choice", "the reading of", "resource", within=True),
    Kind("reads.complete", "choice", "whether all is seen of", "reads", within=True),
    Kind("reads.scope", "choice", "the scope to read", "resource", within=True),
    Kind("writes.scope", "choice", "the scope to write", "resource", within=True),
    Kind("sweep", "amount", "how often all is read of", "reads", within=True),
    Kind("result_cap", "amount", "the most that is shown of", "reads", within=True),
    Kind("cursor", "choice", "the cursor of", "reads", within=True),
    Kind("cursor.granularity", "amount", "the granularity of the cursor of", "cursor", within=True),
    Kind("cursor.lag", "amount", "the lag of the cursor of", "cursor", within=True),
    Kind("gone", "choice", "what a deleted record looks like in", "resource", within=True),
    Kind("merges", "choice", "how merges are told in", "resource", within=True),
    Kind("native", "need", "native field", "resource", interface=True, within=True),
    Kind("native.type", "type", "the type of", "native", interface=True, within=True),
    Kind("native.value", "there", "native value", "native", interface=True, within=True),
    Kind("native.unreadable", "there", "the reading of", "native", interface=True, within=True),
    Kind("native.unwritable", "there", "the writing of", "native", interface=True, within=True),
    Kind("native.partial", "there", "the completeness of", "native", within=True),
    Kind("native.wire", "choice", "where this stands:", "native", within=True),
    Kind("native.scope_read", "choice", "the scope to read", "native", within=True),
    Kind("native.scope_write", "choice", "the scope to write", "native", within=True),
    Kind("native.deprecated", "choice", "the deprecation of", "native", within=True),
    Kind("write_by", "there", "the write contract", "resource", interface=True, within=True),
    Kind("write_by.call", "choice", "the request of", "write_by", within=True),
    Kind("write_by.idempotency", "choice", "the idempotency key of", "write_by", within=True),
    Kind("write_by.keeps", "amount", "the life of the idempotency key of", "write_by.idempotency", within=True),
    Kind("write_by.external_id", "choice", "the external id of", "write_by", within=True),
    Kind("write_by.marker", "choice", "the marker of", "write_by", within=True),
    Kind("write_by.precondition", "choice", "the precondition of", "write_by", within=True),
    Kind("write_by.batch", "choice", "how many go together in", "write_by", within=True),
    Kind("write_by.scope", "choice", "the scope of", "write_by", within=True),
    # syncs
    Kind("sync.object", "choice", "the object"),
    Kind("member", "choice", "member", interface=True),
    Kind("member.moved", "aside", "member", kept=False),
    Kind("originate", "there", "who may originate:", "member"),
    Kind("hold", "expression", "what is held by", "member"),
    Kind("on_leave", "choice", "what leaves", "member"),
    Kind("many", "there", "several records for one in", "member"),
    Kind("owner", "follows", "the owner of"),
    Kind("unowned_edit", "choice", "what becomes of unowned edits of"),
    Kind("first_link", "choice", "the first link of"),
    Kind("when_deleted_in", "choice", "what follows a delete in"),
    Kind("guard.change", "amount", "the guard against changes"),
    Kind("guard.delete", "amount", "the guard against deletes"),
    Kind("freshness", "amount", "the freshness"),
    Kind("every", "choice", "the time between runs"),
    Kind("attempts", "amount", "the attempts"),
    Kind("within", "amount", "the time for attempts"),
    Kind("fallback", "choice", "what people do while it stands still"),
    Kind("weight", "choice", "the weight"),
    # events
    Kind("event.source", "choice", "what the event is about", interface=True),
    Kind("event.webhook", "choice", "where the event comes in", interface=True),
    Kind("event.when", "choice", "how the event is told from others", interface=True),
    Kind("event.carries", "choice", "what the event carries", interface=True),
    Kind("event.at", "choice", "where the event has its", interface=True),
    Kind("event.signature", "choice", "how the event proves its sender", interface=True),
    Kind("event.body", "schema", "the schema of the whole event", interface=True),
    Kind("event.field", "need", "event field", interface=True),
    Kind("event.field.type", "schema", "the schema of", "event.field", interface=True),
    # policies
    Kind("rule", "choice", "rule"),
    Kind("rule.severity", "choice", "the severity of", "rule"),
)


def compared(kind: Kind, before: str | None, after: str | None) -> Direction | None:
    """Tell how a value changed; None stands for a fact that is not there, and for no change."""
    if before == after or kind.compare == "aside":
        return None
    if kind.compare == "follows" and None in (before, after):
        return None
    if kind.compare == "schema":
        return width(json.loads(before or "{}"), json.loads(after or "{}"))
    if before is None:
        return "added required" if kind.compare == "need" and after == "required" else "added"
    if after is None:
        return "removed"
    return _COMPARED[kind.compare](before, after)


def _type(before: str, after: str) -> Direction:
    try:
        return _width(before, after)
    except TypeTextError:
        return "another"


def _width(before: str, after: str) -> Direction:
    """Tell whether each value of one type is one of the other."""
    old, new = _measures(before), _measures(after)
    if old[0] != new[0]:
        return "another"
    grows = any(b is None or (a is not None and b > a) for a, b in zip(old[1], new[1], strict=True) if a != b)
    shrinks = any(a is None or (b is not None and b < a) for a, b in zip(old[1], new[1], strict=True) if a != b)
    return "another" if grows and shrinks else "wider" if grows else "narrower"


def _measures(text: str) -> tuple[str, tuple[int | None, ...]]:
    """Take a type apart: what it is, and how much it holds (None: any), of native and canonical types alike."""
    native = re.fullmatch(r"(\w+)\(([\d,]+)\)(.*)", text)
    if text.startswith("enum"):
        text = text.replace("enum", "bool", 1)
    if native and native[1] in ("decimal", "text") and "->" in native[3]:
        return text, ()
    one = parse_type(text.partition(" -> ")[0])
    of = f"{one.kind} {one.name or ''} {one.element or ''} {text.partition(' -> ')[2]}"
    whole = None if one.precision is None else one.precision - (one.scale or 0)
    return of, (one.length, whole, one.scale, int(one.nullable), int(one.missing))


def _amount(before: str, after: str) -> Direction:
    return "raised" if strictness(after) > strictness(before) else "lowered"


def strictness(text: str) -> tuple[float, bool]:
    """Order amounts and budgets, ``> 2%``: who is below the other allows less; of the same number ``>=`` does."""
    sign, _, number = text.rpartition(" ")
    return float(number.rstrip("%")), sign != ">="


_COMPARED: Mapping[str, Callable[[str, str], Direction]] = {
    "need": lambda _, after: "required" if after == "required" else "optional",
    "type": _type,
    "amount": lambda before, after: (
        "changed" if before[-1:] != after[-1:] and "%" in before + after else _amount(before, after)
    ),
    "choice": lambda *_: "changed",
    "expression": lambda *_: "changed",
    "follows": lambda *_: "changed",
    "there": lambda *_: "changed",
}
