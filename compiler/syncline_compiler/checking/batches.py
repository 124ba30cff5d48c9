"""Batches: whether many records in one request can be told apart, and keep what protects a single write.

In: a resource with its description. Diagnostics: SYN0718.
Invariant (of a resource without it): every row of a batch says which record it is and what is written to it, and its
answer can be told to be its own.
"""

from __future__ import annotations

from collections.abc import Iterator

from syncline_compiler.diagnostics.diagnostic import Collector
from syncline_compiler.model.document import Declared, Place
from syncline_compiler.model.spec_system import SystemSpec
from syncline_compiler.model.templates import PLACEHOLDER, PLACEHOLDERS, texts_in
from syncline_runtime.request import Template
from syncline_runtime.system import BatchWrite, Resource, Write

_PER_ROW = frozenset({"row", "id", "key", "marker", "field"})


def check_batches(resource: Resource, declared: Declared[SystemSpec], diagnostics: Collector) -> None:
    """Check the batches of a resource."""
    for verb, write in (("create", resource.create), ("update", resource.update), ("delete", resource.delete)):
        if write is None or write.batch is None or _names(write.batch.item) - PLACEHOLDERS:
            continue
        for place, label, remedy in _unfit(verb, write, write.batch, resource):
            whole: Place = ("resources", resource.name, verb, "batch")
            span = declared.at(*whole, *place) if place else declared.key(*whole)
            diagnostics.report("SYN0718", span, label=label, help=remedy)
            break


def sends_key(write: Write) -> bool:
    """Tell whether the key that makes a repeat harmless goes along: in the header, or in each row of a batch."""
    return write.batch is None or "key" in _names(write.batch.item)


def _unfit(verb: str, write: Write, batch: BatchWrite, resource: Resource) -> Iterator[tuple[Place, str, str]]:
    """Say what is wrong with a batch, the gravest first: where, what, and what to do."""
    named = _names(batch.item)
    if "items" not in _names(batch.request.body):
        yield (
            ("request",),
            "no record stands in this request",
            'let its `body` name `{items}`, as in `{records: "{items}"}`',
        )
    if verb != "create" and not named & {"id", *_id_in_record(resource, batch)}:
        yield (
            (),
            f"nothing says which record a row {verb}s",
            'name `{id}` in `item`, as in `{id: "{id}", set: "{record}"}`',
        )
    if verb != "delete" and not named & {"record", "field"}:
        yield ("item",), "nothing of the record is sent", "name `{record}` in `item`, or its fields"
    if write.marker and not named & {"record", "marker"}:
        yield (
            ("item",),
            f"`{write.marker}` is not filled: a create that was cut off is not found again",
            "name `{marker}`",
        )
    if write.precondition_header and "version" not in named:
        label = f"`{write.precondition_header}` is not sent with rows: what somebody else wrote is overwritten"
        yield (), label, "name `{version}` in `item`, or take `precondition` or `batch` away"
    if batch.echo is not None:
        yield from _unfit_echo(batch, named)


def _unfit_echo(batch: BatchWrite, named: frozenset[str]) -> Iterator[tuple[Place, str, str]]:
    sent = _names(batch.echo)
    if not sent & _PER_ROW:
        yield ("echo",), "this is the same for every row", "let `sent` name what differs: `{row}`, `{id}` or `{key}`"
    unsent = sorted(sent - named - ({"field", "marker"} if "record" in named else set()))
    if unsent:
        yield (
            ("echo",),
            f"`{{{unsent[0]}}}` cannot come back: `item` does not send it",
            f"name `{{{unsent[0]}}}` in `item`",
        )


def _id_in_record(resource: Resource, batch: BatchWrite) -> frozenset[str]:
    """Say by what a row that sends the record names it: its id, where that is written like other fields."""
    fields = {
        match[2] for _, text in texts_in(batch.item) for match in PLACEHOLDER.finditer(text) if match[1] == "field"
    }
    written = resource.by_name.get(resource.id)
    by_record = {"record"} if written is not None and written.writable else set()
    return frozenset(by_record | ({"field"} if resource.id in fields else set()))


def _names(template: Template) -> frozenset[str]:
    return frozenset(match[1] for _, text in texts_in(template) for match in PLACEHOLDER.finditer(text))
