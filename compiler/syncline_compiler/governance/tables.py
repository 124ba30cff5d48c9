"""What policy rules can select, and the attributes of each: the spec model as tables of typed rows.

In: a checked project and its specs as written. Out: for each table its rows. Every attribute is a plain text, number,
truth value or day.
Invariant: the rows follow from the specs alone, in one order; a table that no rule selects is never filled.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace

from syncline_compiler.governance import data_rows, system_rows
from syncline_compiler.governance.row import Governed, Row
from syncline_compiler.model.resolved import ResolvedField, ResolvedObject
from syncline_compiler.model.types import BOOL, INT, TEXT, Type
from syncline_compiler.source import Span
from syncline_runtime.frozen import dataclass

NOWHERE = Span("", 1, 1, 1, 1)
TEXT_OR_NULL, INT_OR_NULL, DAY_OR_NULL = TEXT.or_null(), INT.or_null(), Type("date", nullable=True)
Attributes = Mapping[str, Type]


@dataclass(frozen=True)
class Table:
    """One thing that rules can select. ``attributes`` are what a row has, by name."""

    name: str
    one: str  # what a row is, in words
    attributes: Attributes
    rows: Callable[[Governed], Iterator[Row]]

    def as_object(self) -> ResolvedObject:
        """Give the table as the object over which a rule's expressions are typed."""
        fields = tuple(ResolvedField(name, kind, NOWHERE) for name, kind in self.attributes.items())
        return ResolvedObject(self.name, "1.0.0", self.name, fields, (), (), (), (), NOWHERE)


_NAMED: dict[str, Type] = {"name": TEXT, "label": TEXT_OR_NULL, "steward": TEXT_OR_NULL}


def _texts(names: str) -> dict[str, Type]:
    return dict.fromkeys(names.split(), TEXT)


def _texts_or_null(names: str) -> dict[str, Type]:
    return dict.fromkeys(names.split(), TEXT_OR_NULL)


def _numbers(names: str) -> dict[str, Type]:
    return dict.fromkeys(names.split(), INT)


def _truths(names: str) -> dict[str, Type]:
    return dict.fromkeys(names.split(), BOOL)


TABLES: Mapping[str, Table] = {
    table.name: table
    for table in (
        Table("objects", "a canonical object", {
            **_NAMED, **_texts("version"), **_truths("imported synced"),
            **_numbers("fields parts derived invariants identity_rules"),
        }, data_rows.objects),
        Table("fields", "a field of an object", {
            **_NAMED, **_texts("object kind type"), **_texts_or_null("unit pii form owner use inverse"),
            "length": INT_OR_NULL, "sunset": DAY_OR_NULL,
            **_truths("nullable required critical deprecated imported synced newest_wins"), **_numbers("values readers writers"),
        }, data_rows.fields),
        Table("syncs", "a sync", {
            **_NAMED, **_texts("object unowned_edit first_link weight"), **_texts_or_null("change_guard delete_guard"),
            "freshness": INT_OR_NULL, "every": INT_OR_NULL, "fallback_after": INT_OR_NULL,
            **_numbers("members originators attempts within scenarios"),
            **_truths("has_fallback covers_create covers_update covers_cancel covers_exception"),
        }, data_rows.syncs),
        Table("members", "a member of a sync", {
            **_texts("sync object connection system resource holds on_leave"), **_truths("originates"),
        }, data_rows.members),
        Table("mappings", "a mapping", {
            **_texts("system resource object"), **_numbers("lines two_way parts rejects"), **_truths("takes synced"),
        }, data_rows.mappings),
        Table("codes", "a code table", {
            **_NAMED, **_texts("version"), **_texts_or_null("meaning_of"), **_numbers("rows"), **_truths("imported"),
        }, data_rows.codes),
        Table("systems", "a system", {
            **_NAMED, **_texts("version protocol zone auth"), "visible_after": INT,
            **_truths("imported used limited proves_account proves_environment"), **_numbers("resources"),
        }, system_rows.systems),
        Table("resources", "a resource of a system", {
            **_texts("system name"), **_texts_or_null("label"), **_numbers("fields"),
            **_truths("used incremental versioned creates updates deletes repeatable conditional"),
        }, system_rows.resources),
        Table("native_fields", "a native field", {
            **_texts("system resource name type"), **_texts_or_null("label unit pii"), **_numbers("values"),
            **_truths("required readable writable deprecated"),
        }, system_rows.native_fields),
        Table("connections", "a connection in an environment", {
            **_texts("environment connection system protocol"), **_texts_or_null("account proves_environment"),
            **_truths("stand_in by_reference limited"),
        }, system_rows.connections),
        Table("events", "an event", {
            **_texts("name version object system resource carries"), **_texts_or_null("label"), **_truths("signed"),
        }, system_rows.events),
        Table("scenarios", "a scenario", {
            **_texts("name sync"), **_texts_or_null("label"), **_numbers("steps"),
        }, data_rows.scenarios),
    )
}  # fmt: skip


@dataclass(frozen=True)
class Link:
    """Rows of another table that belong to a row: where ``keys``, attributes there and here, are equal."""

    table: str
    keys: tuple[tuple[str, str], ...]


LINKS: Mapping[str, Mapping[str, Link]] = {
    "objects": {name: Link(name, (("object", "name"),)) for name in ("fields", "syncs", "mappings", "events")},
    "syncs": {
        "members": Link("members", (("sync", "name"),)),
        "scenarios": Link("scenarios", (("sync", "name"),)),
        "fields": Link("fields", (("object", "object"),)),
    },
    "systems": {
        name: Link(name, (("system", "name"),))
        for name in ("resources", "native_fields", "connections", "members", "mappings")
    },
    "resources": {
        "native_fields": Link("native_fields", (("system", "system"), ("resource", "name"))),
        "mappings": Link("mappings", (("system", "system"), ("resource", "name"))),
    },
}
"""What aggregates of a rule can go over, by table and name: `count(fields where pii is not null)` of an object or sync."""


def linked_objects(table: str) -> Mapping[str, ResolvedObject]:
    """Give the tables that show their rows to one, as objects that refer to it."""
    return {name: _linked(name, link, table) for name, link in LINKS.get(table, {}).items()}


def _linked(name: str, link: Link, table: str) -> ResolvedObject:
    plain = TABLES[link.table].as_object()
    refers = ResolvedField(name, Type("ref", name=table), NOWHERE, inverse=name)
    return replace(plain, fields=(*plain.fields, refers))


def rows_of(table: str, governed: Governed) -> Iterator[Row]:
    """Give the rows of a table, in the order of their names."""
    return TABLES[table].rows(governed)
