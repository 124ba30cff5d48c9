"""The page of an object: its fields at a glance, then each with its values, owner and lineage."""

from __future__ import annotations

from collections.abc import Iterator

from syncline_compiler.docs.documentation import EdgeDoc, EndDoc, ObjectDoc
from syncline_compiler.docs.markdown import EMPTY, Markdown, anchor, code, joined, plain, table, written
from syncline_compiler.docs.site import Page
from syncline_compiler.query.dictionary import FieldEntry, Owner, Place

_EDITS = {
    "restore": "edits elsewhere are written back",
    "review": "edits elsewhere wait for a person",
    "adopt": "edits elsewhere are adopted",
}


def object_page(item: ObjectDoc, page: Page) -> Iterator[Markdown]:
    """Give the page of an object."""
    title = (anchor(f"object.{item.name}"), plain(item.label or item.name), code(item.name), plain(item.version))
    yield from (written("# {}{} ({} {})", *title), EMPTY)
    if item.description is not None:
        yield from (plain(item.description), EMPTY)
    yield from facts([
        ("Steward", plain(item.steward or "")),
        ("Kept in step by", joined(page.to(f"sync.{sync}", code(sync)) for sync in item.syncs)),
        ("Records are one that have", joined(map(plain, item.identity), "; or ")),
        ("Always holds", joined((written("{}: {}", plain(one.name), code(one.condition)) for one in item.invariants), "; ")),
        ("Where", page.source(item.place)),
    ])  # fmt: skip
    yield from (Markdown("## Fields"), EMPTY)
    heads = ("Field", "Label", "Type", "Unit", "Owner", "Provided by", "Given to", "")
    yield from table(heads, [
        [page.to(f"field.{item.name}.{field.name}", code(field.name)), plain(field.label or ""), code(field.type),
         plain(field.unit or ""), owner_of(field), joined(map(code, field.provided_by)), joined(map(code, field.given_to)),
         Markdown(", ".join(_marks(field)))]
        for field in item.fields
    ])  # fmt: skip
    yield from _conditions(item, page)
    for field in item.fields:
        yield from _field(field, page)


_MERGES = {
    "max": "the largest of all",
    "min": "the smallest of all",
    "union": "what somebody added and nobody took away",
}


def owner_of(field: FieldEntry) -> Markdown:
    """Say in short who decides a field."""
    return (
        joined(dict.fromkeys(_owner(one) for one in field.owners)) if field.kind != "derived" else Markdown("*derived*")
    )


def _owner(owner: Owner) -> Markdown:
    if owner.rule == "newest" and owner.clocks is not None:
        return written("newest of {}", joined(map(code, owner.clocks)))
    if owner.rule in _MERGES:
        return Markdown(_MERGES[owner.rule])
    return code(owner.connection) if owner.connection is not None else Markdown("*nobody*")


def _conditions(item: ObjectDoc, page: Page) -> Iterator[Markdown]:
    """Show what decides whether a record of a system is one of these."""
    fields: dict[tuple[str, Place], list[Markdown]] = {}
    for edge in page.site.into.get(EndDoc("object", item.name), ()):
        fields.setdefault((edge.text, edge.place), []).append(page.end(edge.source))
    if fields:
        yield from (Markdown("## Which records come in"), EMPTY)
    yield from table(("Condition", "Reads", "Where"), [
        [code(text), joined(dict.fromkeys(read)), page.source(place)] for (text, place), read in fields.items()
    ])  # fmt: skip


def _marks(field: FieldEntry) -> Iterator[str]:
    """Say in short what is special about a field."""
    if field.key:
        yield "tells records apart"
    if field.required:
        yield "required"
    if field.critical:
        yield "critical"
    if field.pii is not None:
        yield f"personal data: {plain(field.pii)}"
    if field.deprecated is not None:
        yield f"goes on {field.deprecated.sunset}"


def _field(field: FieldEntry, page: Page) -> Iterator[Markdown]:
    address = f"{field.object}.{field.name}"
    yield from (written("### {}{}", anchor(f"field.{address}"), code(field.name)), EMPTY)
    said = [plain(text) for text in (field.label, field.description) if text is not None]
    if said:
        yield from (joined(said, ": "), EMPTY)
    gone = field.deprecated
    yield from facts([
        ("Type", written("{}{}", code(field.type), Markdown("" if field.nullable or field.kind == "part" else ", always there"))),
        ("Format", plain(field.format or "")),
        ("Unit", plain(field.unit or "")),
        ("Values", joined(map(code, field.values))),
        ("Computed as", code(field.expression) if field.expression is not None else EMPTY),
        ("Notes", Markdown(", ".join(_marks(field)))),
        ("Use instead", page.to(f"field.{field.object}.{gone.use}", code(gone.use)) if gone and gone.use else EMPTY),
        ("Steward", plain(field.steward or "")),
        ("Owner", joined((_decides(one, page) for one in field.owners), "; ")),
        ("Where", page.source(field.place)),
    ])  # fmt: skip
    end = EndDoc(field.kind, address)
    yield from _edges("Comes from", [(edge.source, edge) for edge in page.site.into.get(end, ())], page)
    yield from _edges("Goes to", [(edge.target, edge) for edge in page.site.out_of.get(end, ())], page)


def _decides(owner: Owner, page: Page) -> Markdown:
    """Say who decides in one sync, and what becomes of what others say."""
    sync = page.to(f"sync.{owner.sync}", code(owner.sync))
    if owner.rule == "nobody":
        return written("nobody in {}: no member provides it", sync)
    if owner.rule in _MERGES:
        return written("{} in {}", Markdown(_MERGES[owner.rule]), sync)
    clocks = (written("{} by {}", code(one), code(clock)) for one, clock in (owner.clocks or {}).items())
    who = code(owner.connection) if owner.connection is not None else written("the newest of {}", joined(clocks))
    return written("{} in {}; {}", who, sync, Markdown(_EDITS.get(owner.unowned_edit or "", "")))


def _edges(title: str, edges: list[tuple[EndDoc, EdgeDoc]], page: Page) -> Iterator[Markdown]:
    heads = (title, "", "Through", "Loses", "Line", "Where")
    yield from table(heads, [
        [page.end(end), Markdown(_role(edge)), joined(map(code, edge.steps), " → "), _loses(edge),
         code(edge.text) if edge.mapping is not None else EMPTY, page.source(edge.place)]
        for end, edge in edges
    ])  # fmt: skip


def _loses(edge: EdgeDoc) -> Markdown:
    """Say what falls together on the way into or out of a system; what is computed is made of several values anyway."""
    return Markdown("" if edge.direction == "derived" or edge.loss == "nothing" else edge.loss)


def _role(edge: EdgeDoc) -> str:
    return "decides" if edge.role == "condition" else "both ways" if edge.two_way else ""


def facts(pairs: list[tuple[str, Markdown]]) -> list[Markdown]:
    """Give a list of what is known, without what is not."""
    return [*(written("* {}: {}", Markdown(name), value) for name, value in pairs if value), EMPTY]
