"""What came of a scenario written into its expectations, to be looked at in review.

In: the text of a scenario and what happened. Out: the text with the expectations that it has brought up to date. Invariants: what
was met stays as it is written; no comment is lost; what is not expected yet, such as `writes` where it is left out, stays out.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from syncline_compiler.formatting.edit import edited_at, with_member, written_entry
from syncline_compiler.formatting.layout import laid_out
from syncline_compiler.formatting.tree import Collection, Entry, Scalar, read_tree
from syncline_compiler.model.spec_scenario import ExpectedRecordSpec, ExpectSpec
from syncline_compiler.passes.format_yaml import format_yaml
from syncline_compiler.scenarios.judge import paired_exceptions, paired_writes, wrong
from syncline_compiler.scenarios.report import Happened
from syncline_compiler.scenarios.words import flow

Pairs = list[tuple[int | None, int | None]]


def recorded(text: str, expect: ExpectSpec, happened: Happened) -> str:
    """Give the text of a scenario with the expectations that were not met brought up to date."""
    tree = read_tree(text.removeprefix("\ufeff").replace("\r\n", "\n"))
    if tree.root is None or not isinstance(tree.root.value, Collection):
        return text
    root = edited_at(tree.root.value, "expect", lambda node: _expected(node, expect, happened))
    return format_yaml(laid_out(replace(tree, root=replace(tree.root, value=root))))


def _expected(node: Collection, expect: ExpectSpec, happened: Happened) -> Collection:
    if expect.writes is not None:
        pairs = paired_writes(expect.writes, happened.writes)
        node = edited_at(node, "writes", lambda listed: _as_came(listed, pairs, happened.writes))
    if expect.exceptions is not None:
        met = paired_exceptions(expect.exceptions, happened.exceptions)
        node = edited_at(node, "exceptions", lambda listed: _as_came(listed, met, happened.exceptions))
    return edited_at(node, "records", lambda listed: _records(listed, expect.records, happened.records))


def _as_came(listed: Collection, pairs: Pairs, came: tuple[Mapping[str, Any], ...]) -> Collection:
    """Give a list in the order in which things came; what was expected stays as it is written."""
    if all(i is not None and j is not None for i, j in pairs):
        return listed  # as it is, also where writes of two connections came in another order
    known = {j: listed.entries[i] for i, j in pairs if i is not None and j is not None}
    left = [listed.entries[i] for i, j in pairs if i is not None and j is None]
    entries = []
    for place, one in enumerate(came):
        entry, written = known.get(place), written_entry(None, flow(one))
        if entry is None:
            instead = next((other for other in left if _of_one(other, written)), None)
            if instead is not None:
                left.remove(instead)
            entry = written if instead is None else replace(instead, value=written.value)
        entries.append(entry)
    remarks = (comment for entry in left for comment in (*entry.before, *entry.beside, entry.behind))
    after = (*listed.after, *(replace(one, column=max(one.column, 0)) for one in remarks if one is not None))
    return replace(
        listed, entries=tuple(entries), after=after, is_flow=not entries or (listed.is_flow and bool(listed.entries))
    )


def _of_one(entry: Entry, other: Entry) -> bool:
    """Whether two items are about the same resource: one may have taken the place of the other."""
    told, others = _words(entry), _words(other)
    return any(told.get(key) == text for key, text in others.items() if key in ("create", "update", "delete", "at"))


def _words(entry: Entry) -> dict[str, str]:
    members = entry.value.entries if isinstance(entry.value, Collection) else ()
    return {e.key.value: e.value.value for e in members if e.key is not None and isinstance(e.value, Scalar)}


def _records(listed: Collection, expected: list[ExpectedRecordSpec], came: Iterable[Any]) -> Collection:
    entries = [
        replace(entry, value=_record(entry.value, one, rows)) if isinstance(entry.value, Collection) else entry
        for entry, one, rows in zip(listed.entries, expected, came, strict=True)
    ]
    return replace(listed, entries=tuple(entries))


def _record(node: Collection, expected: ExpectedRecordSpec, rows: tuple[Mapping[str, Any], ...]) -> Collection:
    if len(rows) != expected.count:
        node = with_member(node, "count", str(len(rows)))
    row = next((row for row in rows if wrong(expected, row)), None)
    if row is None:
        return node

    def has(fields: Collection) -> Collection:
        for name in wrong(expected, row):
            fields = with_member(fields, name, flow(row.get(name)))
        return fields

    return edited_at(node, "has", has)
