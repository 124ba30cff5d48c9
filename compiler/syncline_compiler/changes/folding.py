"""Told once: what follows from a change is told with it, and the reads and writes of one line are one.

In: changes. Out: those that people are told, each with the items that follow it. Invariant: nothing is left out: what is not told by
itself is a consequence of something that is.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from typing import TypeAlias

from syncline_compiler.changes.change import Change
from syncline_compiler.changes.fact import Item, Key
from syncline_compiler.changes.renaming import words_of
from syncline_compiler.changes.rules import VERDICTS
from syncline_compiler.source import Span

LINES = ("read", "write")
READ_BY = ("field.form", "field.type")
"""What makes a line that nobody touched read otherwise."""


def gravity(change: Change) -> tuple[int, Item, str]:
    """Give the order in which changes are told, the gravest first."""
    return VERDICTS.index(change.verdict), change.item, str(change.key)


def folded(changes: Iterable[Change]) -> Iterator[Change]:
    """Give the changes to tell, the gravest first."""
    known = {(change.item, change.key): change for change in sorted(changes, key=gravity)}
    follow: dict[tuple[Item, Key], list[Item]] = defaultdict(list)
    lines: set[tuple[Item, Span]] = set()
    told = []
    for name, change in known.items():
        cause = _cause(change, known)
        if cause is not None:
            follow[cause.item, cause.key].append(change.item)
            continue
        if change.key.kind in LINES and change.span is not None:
            if (change.item, change.span) in lines:
                continue
            lines.add((change.item, change.span))
        told.append((name, change))
    for name, change in told:
        others = dict.fromkeys(str(item) for item in follow[name] if item != change.item)
        yield replace(change, consequences=tuple(others))


_Known: TypeAlias = dict[tuple[Item, Key], Change]


def _cause(change: Change, known: _Known) -> Change | None:
    """Find what it follows from; None where it stands for itself."""
    for of in _CAUSES.get(change.key.kind, ()):
        cause = of(change, known)
        if cause is not None:
            return cause
    return None


def _of_reading(change: Change, known: _Known) -> Change | None:
    """Find why a line that nobody touched reads otherwise: its field is of another form or type, or the system in another zone."""
    before, after = change.before, change.after
    if change.direction != "changed" or before is None or after is None:
        return None
    if not before.shown or before.shown != after.shown:
        return None
    field = _left(after.shown)
    cause = _first(known, _object(change.item), (Key(kind, (field,)) for kind in READ_BY))
    return cause or known.get((Item("system", change.item.name.partition(".")[0]), Key("zone")))


def _of_children(change: Change, known: _Known) -> Change | None:
    """Find the children that came or went with the line."""
    if change.key.kind not in LINES or len(change.key.names) < 2:
        return None
    cause = known.get((change.item, Key("each", change.key.names[:1])))
    return cause if cause is not None and cause.direction != "changed" else None


def _of_removal(change: Change, known: _Known) -> Change | None:
    """Find the field that went, which the line filled or was made from."""
    if change.direction != "removed" or change.before is None:
        return None
    place = change.item.name.partition("/")[0]
    system, _, resource = place.partition(".")
    reads = change.key.kind == "read"
    ours = [change.key.names[0]] if change.key.kind != "write" else words_of(change.before.value)
    theirs = words_of(change.before.value) if reads else change.key.names[:1]
    cause = _first(
        known, _object(change.item), (Key(kind, (name,)) for name in ours for kind in ("field", "part", "derived"))
    )
    cause = cause or _first(known, Item("system", system), (Key("native", (resource, name)) for name in theirs))
    return cause if cause is not None and cause.direction == "removed" else None


def _of_row(change: Change, known: _Known) -> Change | None:
    """Find the code that came or went, where it is also what is written."""
    fact = change.after or change.before
    if change.direction == "changed" or fact is None:
        return None
    row = known.get((change.item, Key("row", (fact.value,))))
    return row if row is not None and row.direction == change.direction else None


def _of_need(change: Change, known: _Known) -> Change | None:
    """Find the field that became required or optional, where its type only says the same."""
    before, after = change.before, change.after
    if before is None or after is None or before.value.rstrip("?") != after.value.rstrip("?"):
        return None
    cause = known.get((change.item, Key("field", change.key.names)))
    return cause if cause is not None and cause.direction in ("required", "optional") else None


def _of_visibility(change: Change, known: _Known) -> Change | None:
    """Find the time until writes are seen, which is the lag of a cursor that says nothing of it."""
    cause = known.get((change.item, Key("visible_after")))
    if cause is None or change.before is None or change.after is None:
        return None
    pairs = zip((change.before, change.after), (cause.before, cause.after), strict=True)
    return cause if any(shown is not None and lag.value == f"{shown.value}000000" for lag, shown in pairs) else None


_CAUSES: dict[str, tuple[Callable[[Change, _Known], Change | None], ...]] = {
    "read": (_of_reading, _of_removal, _of_children),
    "write": (_of_reading, _of_removal, _of_children),
    "each": (_of_removal,),
    "row.back": (_of_row,),
    "field.type": (_of_need,),
    "cursor.lag": (_of_visibility,),
}


def _first(known: _Known, item: Item, keys: Iterable[Key]) -> Change | None:
    return next((found for key in keys if (found := known.get((item, key))) is not None), None)


def _object(mapping: Item) -> Item:
    return Item("object", mapping.name.rpartition("/")[2])


def _left(line: str) -> str:
    return line.partition("<")[0].partition("-")[0].strip()
