"""The page of a system: its resources and their fields, what each is filled from and what it feeds."""

from __future__ import annotations

from collections.abc import Iterator

from syncline_compiler.docs.documentation import EndDoc, NativeDoc, ResourceDoc, SystemDoc
from syncline_compiler.docs.markdown import EMPTY, Markdown, anchor, code, joined, plain, table, written
from syncline_compiler.docs.object_page import facts
from syncline_compiler.docs.site import Page


def system_page(system: SystemDoc, page: Page) -> Iterator[Markdown]:
    """Give the page of a system."""
    title = (anchor(f"system.{system.name}"), plain(system.label or system.name), code(system.name))
    yield from (written("# {}{} ({} {})", *title, plain(system.version)), EMPTY)
    cleared = Markdown("none") if system.cleared_for == () else joined(map(plain, system.cleared_for or ()))
    yield from facts([
        ("Steward", plain(system.steward or "")), ("Protocol", code(system.protocol)), ("Time zone", code(system.zone)),
        ("Limit", plain(system.limit or "")), ("Connections", joined(map(code, system.connections))),
        ("Cleared for personal data", cleared), ("Where", page.source(system.place)),
    ])  # fmt: skip
    for resource in system.resources:
        yield from _resource(system.name, resource, page)


def _resource(system: str, resource: ResourceDoc, page: Page) -> Iterator[Markdown]:
    address = f"{system}.{resource.name}"
    yield from (written("## {}{}", anchor(f"resource.{address}"), code(resource.name)), EMPTY)
    if resource.label is not None and resource.label != resource.name:
        yield from (plain(resource.label), EMPTY)
    verbs = (("create", resource.creates), ("update", resource.updates), ("delete", resource.deletes))
    yield from facts([
        ("Mapped to", joined(page.to(f"object.{one}", code(one)) for one in resource.objects)),
        ("Writes", Markdown(", ".join(verb for verb, can in verbs if can) or "none")),
        ("Reads", Markdown("what has changed" if resource.incremental else "everything")),
        ("Where", page.source(resource.place)),
    ])  # fmt: skip
    heads = ("Field", "Label", "Type", "Unit", "Values", "", "Feeds", "Filled from")
    yield from table(heads, [_row(address, field, page) for field in resource.fields])


def _row(address: str, field: NativeDoc, page: Page) -> list[Markdown]:
    place = f"{address}.{field.name}"
    end = EndDoc("native_field", place)
    feeds = dict.fromkeys(page.end(edge.target) for edge in page.site.out_of.get(end, ()))
    filled = dict.fromkeys(page.end(edge.source) for edge in page.site.into.get(end, ()))
    called = joined((plain(text) for text in (field.label, field.description) if text is not None), ": ")
    return [
        written("{}{}", anchor(f"native.{place}"), code(field.name)), called, code(field.type), plain(field.unit or ""),
        joined(map(code, field.values)), joined(_marks(address, field, page)), joined(feeds), joined(filled),
    ]  # fmt: skip


def _marks(address: str, field: NativeDoc, page: Page) -> Iterator[Markdown]:
    system = address.partition(".")[0]
    if field.required:
        yield Markdown("required")
    if not field.readable:
        yield Markdown("not read")
    if not field.writable:
        yield Markdown("not written")
    if field.pii is not None:
        yield written("personal data: {}", plain(field.pii))
    if field.refers_to is not None:
        yield written("of {}", page.to(f"resource.{system}.{field.refers_to}", code(field.refers_to)))
    if field.sunset is not None:
        yield written("goes on {}", plain(field.sunset))
