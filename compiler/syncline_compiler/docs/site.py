"""Where things stand in the pages, and links between them.

In: ``Documentation``. Out: for each thing the page that tells of it and its place there. Invariant: what has no page has no link.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterator
from functools import cached_property
from urllib.parse import quote

from syncline_compiler.docs.documentation import Documentation, EdgeDoc, EndDoc
from syncline_compiler.docs.markdown import Markdown, code, link
from syncline_compiler.query.dictionary import Place
from syncline_runtime.frozen import dataclass

INDEX, FIELDS, EVENTS, POLICIES = "README.md", "fields.md", "events.md", "policies.md"


@dataclass(frozen=True)
class Site:
    """All pages. ``source``: the way from the folder of pages to the specs, or a URL; ``one_page``: all of it stands in one text."""

    documentation: Documentation
    source: str | None = None
    one_page: bool = False

    @cached_property
    def pages(self) -> dict[str, str]:
        """The page of each place, by the place's name."""
        return dict(self._places())

    @cached_property
    def into(self) -> dict[EndDoc, list[EdgeDoc]]:
        """The edges that end somewhere."""
        found: dict[EndDoc, list[EdgeDoc]] = {}
        for edge in self.documentation.lineage:
            found.setdefault(edge.target, []).append(edge)
        return found

    @cached_property
    def out_of(self) -> dict[EndDoc, list[EdgeDoc]]:
        """The edges that begin somewhere."""
        found: dict[EndDoc, list[EdgeDoc]] = {}
        for edge in self.documentation.lineage:
            found.setdefault(edge.source, []).append(edge)
        return found

    def _places(self) -> Iterator[tuple[str, str]]:
        for item in self.documentation.objects:
            page = f"objects/{item.name}.md"
            yield f"object.{item.name}", page
            yield from ((f"field.{item.name}.{field.name}", page) for field in item.fields)
        for system in self.documentation.systems:
            page = f"systems/{system.name}.md"
            yield f"system.{system.name}", page
            for resource in system.resources:
                yield f"resource.{system.name}.{resource.name}", page
                yield from ((f"native.{system.name}.{resource.name}.{field.name}", page) for field in resource.fields)
        yield from ((f"codes.{one.name}", f"codes/{one.name}.md") for one in self.documentation.codes)
        yield from ((f"sync.{one.name}", f"syncs/{one.name}.md") for one in self.documentation.syncs)

    def on(self, path: str) -> Page:
        """Give the links of one page."""
        return Page(self, path)


@dataclass(frozen=True)
class Page:
    """Links from one page to what stands elsewhere."""

    site: Site
    path: str

    def to(self, place: str, shown: Markdown) -> Markdown:
        """Link to a place by its name; only the text where it has no page."""
        page = self.site.pages.get(place)
        return self.link(page, place, shown) if page is not None else shown

    def link(self, page: str, place: str, shown: Markdown) -> Markdown:
        """Link to a place on a page."""
        if self.site.one_page or page == self.path:
            return link(shown, f"#{place}")
        folder = self.path.rpartition("/")[0]
        near = page.removeprefix(f"{folder}/") if folder else page
        return link(shown, f"{'../' if folder and near == page else ''}{near}#{place}")

    def end(self, end: EndDoc) -> Markdown:
        """Show one end of an edge, linked to where it is told of."""
        address = end.address
        match end.kind:
            case "constant":
                return Markdown(f"always {code(address)}")
            case "field" | "part" | "derived":
                return self.to(f"field.{address}", code(address))
            case "native_field":
                return self.to(f"native.{address}", code(address))
            case "list_member":
                return self.to(f"native.{'.'.join(address.split('.')[:3])}", code(address))
        return self.to(f"object.{address}", code(address))

    def source(self, place: Place) -> Markdown:
        """Show where in the specs something is said, linked to the file where that can be reached."""
        shown, base = code(f"{place.file}:{place.line}"), self.site.source
        if base is None or place.file.startswith("<"):
            return shown
        if "://" not in base and not self.site.one_page:
            base = posixpath.normpath(posixpath.join(*[".."] * self.path.count("/"), base))
        return link(shown, f"{base.rstrip('/')}/{_quoted(place.file)}#L{place.line}")


def _quoted(path: str) -> str:
    return quote(path, safe="/")
