"""The documentation as Markdown pages: an index, all fields, and a page for each object, system, code table and sync.

In: ``Documentation``. Out: pages by path. Invariant: every link leads to a page that is there, and to a place in it. Places keep their
names as long as what they are about does: ``field.account.email``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from syncline_compiler.docs.documentation import Documentation
from syncline_compiler.docs.markdown import EMPTY, Markdown, anchor, code, joined, plain, table, written
from syncline_compiler.docs.object_page import object_page, owner_of
from syncline_compiler.docs.site import EVENTS, FIELDS, INDEX, POLICIES, Page, Site
from syncline_compiler.docs.sync_page import codes_page, sync_page
from syncline_compiler.docs.system_page import system_page

MARK = "<!-- Made by `syncline docs` from the specs: what is changed here is lost. -->"
"""The first line of every page, by which a folder of pages is known."""


def render_pages(documentation: Documentation, source: str | None = None) -> Mapping[str, str]:
    """Give every page by its path; ``source``: the way from the folder of pages to the specs, or a URL of them."""
    return {path: _text(lines) for path, lines in _pages(Site(documentation, source))}


def render_one_page(documentation: Documentation) -> str:
    """Give all of it as one page."""
    return _text([line for _, lines in _pages(Site(documentation, one_page=True)) for line in lines])


def _text(lines: Sequence[Markdown]) -> str:
    return "\n".join([MARK, "", *lines]).rstrip("\n") + "\n"


def _pages(site: Site) -> Iterator[tuple[str, list[Markdown]]]:
    documentation = site.documentation
    yield INDEX, list(_index(site.on(INDEX)))
    yield FIELDS, list(_fields(site.on(FIELDS)))
    for item in documentation.objects:
        yield (path := f"objects/{item.name}.md"), list(object_page(item, site.on(path)))
    for system in documentation.systems:
        yield (path := f"systems/{system.name}.md"), list(system_page(system, site.on(path)))
    for one in documentation.codes:
        yield (path := f"codes/{one.name}.md"), list(codes_page(one, site.on(path)))
    for sync in documentation.syncs:
        yield (path := f"syncs/{sync.name}.md"), list(sync_page(sync, site.on(path)))
    if documentation.events:
        yield EVENTS, list(_events(site.on(EVENTS)))
    if documentation.policies:
        yield POLICIES, list(_policies(site.on(POLICIES)))


def _index(page: Page) -> Iterator[Markdown]:
    all_ = page.site.documentation
    yield from (written("# {}", plain(all_.label or all_.project)), EMPTY)
    said = written(
        "The specs of {}: every field, who owns it, and where its values come from and go.", code(all_.project)
    )
    yield from (said, EMPTY)
    yield written("* {}: every field of every object in one table", page.link(FIELDS, "fields", Markdown("All fields")))
    if all_.events:
        yield written("* {}: what systems tell by themselves", page.link(EVENTS, "events", Markdown("Events")))
    if all_.policies:
        yield written("* {}: what specs are held to", page.link(POLICIES, "policies", Markdown("Policies")))
    yield EMPTY
    yield from _section("Objects", ("Object", "Label", "Steward", "Fields", "Kept in step by"), [
        [page.to(f"object.{one.name}", code(one.name)), plain(one.label or ""), plain(one.steward or ""),
         Markdown(str(len(one.fields))), joined(page.to(f"sync.{sync}", code(sync)) for sync in one.syncs)]
        for one in all_.objects
    ])  # fmt: skip
    yield from _section("Systems", ("System", "Label", "Steward", "Protocol", "Connections", "Resources"), [
        [page.to(f"system.{one.name}", code(one.name)), plain(one.label or ""), plain(one.steward or ""), code(one.protocol),
         joined(map(code, one.connections)), Markdown(str(len(one.resources)))]
        for one in all_.systems
    ])  # fmt: skip
    yield from _section("Code tables", ("Table", "Label", "Meanings of", "Rows"), [
        [page.to(f"codes.{one.name}", code(one.name)), plain(one.label or ""),
         page.to(f"field.{one.meaning_of}", code(one.meaning_of)) if one.meaning_of else EMPTY,
         Markdown(str(len(one.rows)))]
        for one in all_.codes
    ])  # fmt: skip
    yield from _section("Syncs", ("Sync", "Label", "Object", "Members", "Freshness", "While it stands still"), [
        [page.to(f"sync.{one.name}", code(one.name)), plain(one.label or ""), page.to(f"object.{one.object}", code(one.object)),
         joined(code(member.connection) for member in one.members), plain(one.freshness or ""),
         plain(one.fallback.who) if one.fallback is not None else EMPTY]
        for one in all_.syncs
    ])  # fmt: skip
    yield Markdown(_READING)


_READING = """## How to read this

* *Provided by* names the connections whose values come in, *given to* those that values are written to. The *owner* decides
  where they differ.
* *Through* names the steps on the way from one field to the other. A field that *decides* is not part of the value: it says
  which value it is, or whether there is a record. A line that goes *both ways* is proved reversible.
* *Loses* says what falls together on the way: *form*, where values that differ in spaces, case or digits only become one;
  *values*, where different values may.
"""


def _section(title: str, heads: Sequence[str], rows: Sequence[Sequence[Markdown]]) -> Iterator[Markdown]:
    if rows:
        yield from (Markdown(f"## {title}"), EMPTY, *table(heads, rows))


def _fields(page: Page) -> Iterator[Markdown]:
    yield from (written("# {}All fields", anchor("fields")), EMPTY)
    heads = ("Field", "Label", "Type", "Unit", "Owner", "Provided by", "Given to", "Personal", "On its way out")
    yield from table(heads, [
        [page.to(f"field.{field.object}.{field.name}", code(f"{field.object}.{field.name}")), plain(field.label or ""),
         code(field.type), plain(field.unit or ""), owner_of(field), joined(map(code, field.provided_by)),
         joined(map(code, field.given_to)), plain(field.pii or ""),
         plain(field.deprecated.sunset) if field.deprecated is not None else EMPTY]
        for item in page.site.documentation.objects for field in item.fields
    ])  # fmt: skip


def _events(page: Page) -> Iterator[Markdown]:
    yield from (written("# {}Events", anchor("events")), EMPTY)
    yield from table(("Event", "Label", "Version", "From", "About", "Carries", "Comes in at", "Signed", "Where"), [
        [code(one.name), plain(one.label or ""), plain(one.version),
         page.to(f"resource.{one.system}.{one.resource}", code(f"{one.system}.{one.resource}")),
         page.to(f"object.{one.object}", code(one.object)), plain(one.carries), code(one.webhook),
         Markdown("yes" if one.signed else "no"), page.source(one.place)]
        for one in page.site.documentation.events
    ])  # fmt: skip


def _policies(page: Page) -> Iterator[Markdown]:
    yield from (written("# {}Policies", anchor("policies")), EMPTY)
    for one in page.site.documentation.policies:
        yield from (written("## {}", code(one.name)), EMPTY)
        if one.label is not None:
            yield from (plain(one.label), EMPTY)
        yield from table(("Rule", "Severity", "Finds", "Why"), [
            [code(rule.name), plain(rule.severity), plain(rule.summary), plain(rule.docs or "")] for rule in one.rules
        ])  # fmt: skip
        yield from table(("Waived", "At", "Because", "Owner", "Until"), [
            [code(waiver.rule), joined(map(code, waiver.at)), plain(waiver.reason or ""), plain(waiver.owner or ""),
             plain(waiver.expires or "")]
            for waiver in one.waivers
        ])  # fmt: skip
