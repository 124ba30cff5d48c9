"""Check versions: what changed since the lock shows in the versions of what changed.

In: the project, checked, and ``syncline.lock``. Diagnostics: SYN0940 (a version that did not rise), SYN0941 (the lock is of another
state), SYN0942 (a field that goes before its day), SYN0943 (a lock that cannot be used).
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

from syncline_compiler.changes.change import Change
from syncline_compiler.changes.classify import Classified, classify
from syncline_compiler.changes.fact import Facts, Item
from syncline_compiler.changes.gather import gather
from syncline_compiler.changes.lock import LockError, load_lock
from syncline_compiler.changes.renames import renamed_to
from syncline_compiler.changes.versions import Raise, raises, stale
from syncline_compiler.diagnostics.diagnostic import Collector, Edit
from syncline_compiler.model.document import WrittenProject
from syncline_compiler.model.resolved import ResolvedProject
from syncline_compiler.quantities import day
from syncline_compiler.source import LIBRARY, SourceFile, Span

WRITES = "`syncline compile --bump` writes it"
NAMED = 5
"""Items that are named where the lock is not of this state."""


def check_versions(
    project: ResolvedProject, written: WrittenProject, lock: SourceFile, today: date, diagnostics: Collector
) -> None:
    """Report what was changed and does not show in versions and lock."""
    try:
        before = load_lock(lock.text)
    except LockError as error:
        span = Span(lock.path, 1, 1, 1, 2)
        diagnostics.report("SYN0943", span, label=str(error), help="`syncline compile --bump` writes it anew")
        return
    classified = classify(before, gather(project, written))
    too_soon = list(_too_soon(classified, today))
    for change in too_soon:
        _report_removal(change, classified, written, diagnostics)
    due = [one for one in raises(classified) if one.item.versioned and one.is_due]
    for one in due:
        _report_version(one, diagnostics)
    if not due and not too_soon:
        _report_lock(lock, classified, diagnostics)


def _report_version(one: Raise, diagnostics: Collector) -> None:
    span, first = one.item.span, one.changes[0]
    if span is None or span.path.startswith(LIBRARY):
        return
    more = f" and {len(one.changes) - 1} more" if len(one.changes) > 1 else ""
    label = f"{one.item.item} changed since {one.former}: this needs {one.needed}"
    detail = f"{first.verdict}: {first.what}: {first.rule.message}{more}"
    secondary = [(at, change.rule.id) for change in one.changes[:3] if (at := change.span) is not None and change.after]
    diagnostics.report(
        "SYN0940", span, label=label, detail=detail, help=WRITES, secondary=secondary, fix=Edit(span, one.needed)
    )


def _report_lock(lock: SourceFile, classified: Classified, diagnostics: Collector) -> None:
    items = stale(classified)
    if items:
        named = ", ".join(map(str, items[:NAMED])) + (f" and {len(items) - NAMED} more" if len(items) > NAMED else "")
        diagnostics.report("SYN0941", Span(lock.path, 1, 1, 1, 2), label=f"changed since: {named}", help=WRITES)


def _too_soon(classified: Classified, today: date) -> Iterator[Change]:
    """Give the fields of objects that are gone although their day has not come."""
    for change in classified.changes:
        if change.key.kind == "field" and change.direction == "removed":
            until = _sunset(classified.before, change.item, change.key.names)
            if until is None or until > today:
                yield change


def _sunset(before: Facts, item: Item, names: tuple[str, ...]) -> date | None:
    said = before.value(item, "field.deprecated", *names)
    return day(said.partition(" until ")[2][:10]) if said else None


def _report_removal(change: Change, classified: Classified, written: WrittenProject, diagnostics: Collector) -> None:
    name, item = change.key.names[0], change.item
    until = _sunset(classified.before, item, change.key.names)
    declared = written.objects[item.name]
    label = f"`{name}` is gone, and stays until {until}" if until else f"`{name}` is gone, and nobody was told before"
    remedies = (
        ["put it back until that day"]
        if until
        else [f"put it back with `deprecated: {{since: {classified.after[item].version}, sunset: …}}`"]
    )
    follower = renamed_to(change, classified)
    fix = None
    if follower is not None:
        remedies = [f"if it is `{follower}` now, say so: `moved: {{from: {name}}}`", *remedies]
        fix = _moved(declared.at("fields", follower), declared.spec.fields[follower].type, name, written)
    diagnostics.report("SYN0942", declared.key("fields"), label=label, help=remedies, fix=fix)


def _moved(span: Span, type_: str, former: str, written: WrittenProject) -> Edit | None:
    """Give the edit that declares a rename, where the field is written in the short form."""
    source = next(
        (one.document.source for one in written.objects.values() if one.document.source.path == span.path), None
    )
    text = (
        source.line(span.line)[span.column - 1 : span.end_column - 1] if source and span.line == span.end_line else ""
    )
    return Edit(span, f"{{type: {text}, moved: {{from: {former}}}}}") if text.strip("\"'") == type_ else None
