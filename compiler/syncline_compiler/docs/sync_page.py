"""The pages of code tables and of syncs."""

from __future__ import annotations

from collections.abc import Iterator

from syncline_compiler.docs.documentation import CodesDoc, CodeSource, SyncDoc
from syncline_compiler.docs.markdown import EMPTY, Markdown, anchor, code, joined, plain, table, written
from syncline_compiler.docs.object_page import facts, owner_of
from syncline_compiler.docs.site import Page


def codes_page(one: CodesDoc, page: Page) -> Iterator[Markdown]:
    """Give the page of a code table: from native codes to meanings, and back."""
    title = (anchor(f"codes.{one.name}"), plain(one.label or one.name), code(one.name), plain(one.version))
    yield from (written("# {}{} ({} {})", *title), EMPTY)
    yield from facts([
        ("Steward", plain(one.steward or "")),
        ("Meanings of", page.to(f"field.{one.meaning_of}", code(one.meaning_of)) if one.meaning_of else EMPTY),
        ("Read from", joined((_source(source, page) for source in one.sources), "; ")),
        ("Meanings that no code has", joined(map(code, one.unread))),
        ("Meanings for which no code is written", joined(map(code, one.unwritten))),
        ("Where", page.source(one.place)),
    ])  # fmt: skip
    yield from table(("Code", "Meaning", "Written for it"), [
        [code(row.native), code(row.meaning), Markdown("yes" if row.written else "")] for row in one.rows
    ])  # fmt: skip


def _source(source: CodeSource, page: Page) -> Markdown:
    address = f"{source.system}.{source.resource}.{source.field}"
    shown = page.to(f"native.{address}", code(address))
    if not source.known:
        return written("{} (which codes it has is not described: a record with another waits)", shown)
    if source.unmapped:
        return written("{} (without a row: {})", shown, joined(map(code, source.unmapped)))
    return written("{} (every code has a row)", shown)


def sync_page(sync: SyncDoc, page: Page) -> Iterator[Markdown]:
    """Give the page of a sync: who takes part, who owns what, what happens when it stands still."""
    title = (anchor(f"sync.{sync.name}"), plain(sync.label or sync.name), code(sync.name))
    yield from (written("# {}{} ({})", *title), EMPTY)
    yield from facts([
        ("Object", page.to(f"object.{sync.object}", code(sync.object))), ("Steward", plain(sync.steward or "")),
        ("Weight of its faults", plain(sync.weight)), ("Freshness", plain(sync.freshness or "")), ("Runs every", plain(sync.every or "")),
        ("Asks first above", joined(
            (written("{} {}", plain(share), Markdown(what)) for share, what in
             ((sync.change_guard, "changed"), (sync.delete_guard, "deleted")) if share is not None), ", ")),
        ("A write is tried", written("{} times within {}", Markdown(str(sync.attempts)), plain(sync.within))),
        ("Where", page.source(sync.place)),
    ])  # fmt: skip
    yield from (Markdown("## Members"), EMPTY)
    heads = ("Connection", "Resource", "Brings records into being", "Holds", "On leave", "When deleted there")
    yield from table(heads, [
        [code(one.connection), page.to(f"resource.{one.system}.{one.resource}", code(f"{one.system}.{one.resource}")),
         Markdown("yes" if one.originates else ""), code(one.holds) if one.holds not in ("always", "never") else Markdown(one.holds),
         plain(one.on_leave), plain(one.when_deleted)]
        for one in sync.members
    ])  # fmt: skip
    yield from _owners(sync, page)
    if sync.fallback is not None:
        yield from (Markdown("## While it stands still"), EMPTY)
        yield from facts([
            ("After", plain(sync.fallback.after)), ("Who", plain(sync.fallback.who)),
            ("What they do", joined(map(plain, sync.fallback.steps), "; ")),
            ("Records are recognised by", joined(map(code, sync.fallback.recognised_by))),
        ])  # fmt: skip
    if sync.scenarios:
        yield from (Markdown("## Scenarios"), EMPTY)
        yield from table(("Scenario", "Label", "Covers"), [
            [code(one.name), plain(one.label or ""), plain(", ".join(one.covers))] for one in sync.scenarios
        ])  # fmt: skip


def _owners(sync: SyncDoc, page: Page) -> Iterator[Markdown]:
    item = next((one for one in page.site.documentation.objects if one.name == sync.object), None)
    fields = [field for field in (item.fields if item is not None else ()) if field.owners]
    if fields:
        yield from (Markdown("## Who owns what"), EMPTY)
    yield from table(("Field", "Owner", "Edits elsewhere", "When records are first linked"), [
        [page.to(f"field.{field.object}.{field.name}", code(field.name)), owner_of(field),
         plain(owner.unowned_edit or ""), plain(owner.first_link or "")]
        for field in fields for owner in field.owners if owner.sync == sync.name
    ])  # fmt: skip
