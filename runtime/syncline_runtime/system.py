"""What the runtime knows of an external system: compiled from a ``system`` spec, without environment or secrets."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from functools import cached_property
from typing import Any, Literal

from syncline_runtime.authentication import Auth
from syncline_runtime.frozen import dataclass
from syncline_runtime.request import Probe, Request, Template

ANY_ENVIRONMENT = "any"
"""Under this name stand origins that are not told apart by environment."""

NativeTypeName = Literal[
    "text", "int", "decimal", "bool", "date", "instant", "local_datetime", "json", "list",
]  # fmt: skip
Category = Literal[
    "authentication", "permission", "mapping", "validation", "conflict",
    "not_found", "rate_limit", "transport", "vendor", "internal",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class NativeField:
    """One field of a resource as the system has it; landed as text under ``name``."""

    name: str
    type: NativeTypeName
    at: str  # path on the wire
    required: bool = False  # on create
    partial: bool = False  # what is read may be without it, which says nothing of its value
    readable: bool = True
    writable: bool = True
    length: int | None = None  # text: greatest number of characters
    precision: int | None = None  # decimal
    scale: int | None = None  # decimal
    values: tuple[str, ...] = ()  # the closed list of native values, where the vendor has one
    ref: str | None = None  # resource whose native id this field holds
    of: str | None = None  # list: the child resource whose rows these are, when children are written one by one
    pii: str | None = None
    empty_is_null: bool = False  # the system writes "" where it means null
    scope_read: str | None = None
    scope_write: str | None = None
    write_at: str | None = None  # path in what we send, where it differs from ``at``
    quoted: bool = False  # int, decimal: sent as JSON text instead of a number
    plain: bool = False  # sent without a tag though the system tags values of this type
    lookup: Lookup | None = None  # what is sent is another value, which the system has for this one


@dataclass(frozen=True)
class Lookup:
    """Finds the value to send for ``{value}``, such as the system's own id of a country code; kept while connected."""

    request: Request
    at: str  # where it stands in the answer


@dataclass(frozen=True)
class Paging:
    """How a list is read to its end."""

    kind: Literal["none", "page", "offset", "cursor", "next_link"] = "none"
    size: int = 100
    first: int = 1  # page: number of the first page
    next: str = ""  # cursor: path of the next token in the body; next_link: path of the link
    next_header: str | None = None  # next_link: header with RFC 8288 links
    from_last: str | None = None  # cursor: the token is this wire path of the last record
    more: str | None = None  # path of a boolean that says whether pages follow
    total: str | None = None  # path of the number of records in all


@dataclass(frozen=True)
class Cursor:
    """The field by which changes are read incrementally."""

    field: str  # native field name
    granularity: int = 1_000_000  # microseconds between two values that the system can tell apart
    lag: int = 0  # microseconds by which a change may appear after its own time
    format: Literal["iso", "iso_naive", "epoch", "text", "wire"] = "iso"  # wire: as the field itself is written
    query: Mapping[str, Template] = dataclasses.field(default_factory=dict)  # joined to the list's with a cursor
    body: Template = None  # takes the place of the list's with a cursor


@dataclass(frozen=True)
class KeyList:
    """A list of the ids of all live records, and of nothing else: what it lacks was deleted."""

    request: Request
    items: str = ""  # path of the list in the body
    paging: Paging = dataclasses.field(default_factory=Paging)
    id: str = ""  # path of the id in an item; "": the item is the id
    result_cap: int | None = None


@dataclass(frozen=True)
class ListRead:
    """How all (or changed) records of a resource are read."""

    request: Request
    items: str = ""  # path of the list in the body
    paging: Paging = dataclasses.field(default_factory=Paging)
    cursor: Cursor | None = None
    complete: bool = True  # a read to the end without a cursor shows every live record
    also: tuple[str, ...] = ()  # further lists in the same body, paged together with ``items``
    detail: bool = False  # the list shows too little: each record is read again with the resource's ``get``
    each: str | None = None  # resource: this list is read once for each of its records, whose id is ``{parent}``
    sweep: int = 0  # seconds after which everything is read again in spite of the cursor; 0: never
    keys: KeyList | None = None  # what a sweep reads beside the changes, instead of everything
    table: str | None = None  # sql: the table or view that is read, with its schema; ``request`` says nothing then
    result_cap: int | None = None  # the system shows no more records than these, whatever there is
    windows: bool = (
        False  # the cursor's query names {until} too: what the cap cuts off is read in shorter windows of time
    )


@dataclass(frozen=True)
class NumberText:
    """How people of a place write numbers: the whole shape, what parts groups (both RE2), and the decimal sign."""

    locale: str
    shape: str
    group: str
    point: str


@dataclass(frozen=True)
class MomentText:
    """How dates or local times are written: the format (strftime), and the shape that it demands (RE2)."""

    format: str
    shape: str


@dataclass(frozen=True)
class FileRead:
    """How records are read from files that others drop."""

    pattern: str  # glob below the binding's folder
    format: Literal["csv", "json", "jsonl", "parquet"] = "csv"
    delimiter: str = ","
    encoding: str = "utf-8"
    items: str = ""  # json: path of the list
    complete: bool = False  # the files together show every live record; else they only add and change
    quote: str = '"'  # csv: around a cell that holds a delimiter; "": no cell is quoted
    escape: str = ""  # csv: before a quote within a cell; "": it is written twice
    header: bool = True  # csv: the first line names the columns; else ``at`` of a field is its column's number, from 1
    nulls: tuple[str, ...] = ()  # texts that mean null
    numbers: NumberText | None = None  # None: as in JSON
    dates: MomentText | None = None  # None: ISO 8601
    times: MomentText | None = None  # of local times; None: ISO 8601
    settles: int = 0  # seconds after its last change until a file is taken for whole
    ready: str = ""  # the ending of the name of an empty file that says that the file of the same name is whole


@dataclass(frozen=True)
class FindBy:
    """How one record is found by a marker that we wrote; returned rows are checked for the marker again."""

    field: str  # native field that holds the marker or external id
    request: Request
    items: str = ""
    paging: Paging = dataclasses.field(default_factory=Paging)  # how all that it returns is read


@dataclass(frozen=True)
class BatchWrite:
    """Many records of one write contract in one request, with an answer for each.

    ``item`` is what stands for a record: it names what any write may name, and ``{row}``, its number in the request
    (from 1). The request's body names ``{items}``. Whether a record was written is told by ``status``, by ``done``, or by
    its standing in ``answers`` and not in ``failed``; the system's rules for errors look into each answer.
    """

    request: Request
    item: Template = "{record}"
    rows: int = 100  # the most in one request
    bytes: int | None = None  # the most that a request's body holds
    answers: str = ""  # path of the list of answers
    failed: str | None = None  # path of a list of its own of the answers of what was refused
    status: str | None = None  # path of an answer's HTTP status
    done: Mapping[str, Any] = dataclasses.field(default_factory=dict)  # wire values in an answer that tell success
    echo: Template = (
        None  # made of what was sent, it stands in the answer, too; None: answers come in the order of rows
    )
    echo_at: tuple[str, ...] = ()  # where in the answer; the first path that is there
    returns: Literal["record", "id", "nothing"] = "record"
    record_at: str = ""
    id_at: str = "id"
    error_code_at: str = ""
    error_message_at: str = ""
    merged_at: str = (
        ""  # the id or address of the record that this one is part of by now; "": as in an answer of its own
    )


@dataclass(frozen=True)
class Write:
    """One write contract: what is sent, what comes back, and what makes sending twice harmless."""

    request: Request
    returns: Literal["record", "id", "nothing"] = "record"
    record_at: str = ""
    id_at: str = "id"
    sends: Literal["changed", "all"] = "changed"
    wrap: str | None = None  # wire path under which the record stands in the body
    idempotency_header: str | None = None
    idempotency_keeps: int | None = None  # seconds for which the system keeps a key
    external_id: str | None = None  # native field: sending twice updates the same record
    marker: str | None = None  # native field that we fill with a marker for read-back
    find: FindBy | None = None
    precondition_header: str | None = None  # header that carries the version we last saw
    scope: str | None = None
    then_update: tuple[str, ...] = ()  # create: fields that it ignores, sent by an update right after
    replaces: bool = False  # update: the system changes no record; it is deleted and made again, with another id
    batch: BatchWrite | None = None


@dataclass(frozen=True)
class Transition:
    """A request that moves a field, which cannot be written, from one value to another: post, send, cancel.

    Writing such a field means walking from its value now to the value wanted.
    """

    field: str
    source: str
    target: str
    request: Request
    first: bool = False  # comes before the record's other fields are written, which it makes possible


@dataclass(frozen=True)
class MergedAnswer:
    """How an answer about one record tells that it is part of another by now.

    ``redirect``: a permanent one (301, 308) to the other's address, ``get``'s path; ``at``: path of the other's id in the body of a
    refusal; ``record``: who asks for the one is shown the other.
    """

    redirect: bool = False
    at: str = ""
    record: bool = False


@dataclass(frozen=True)
class Resource:
    """One kind of record of a system."""

    name: str
    label: str
    id: str  # native field
    fields: tuple[NativeField, ...]
    version: str | None = None  # native field that rises with each change: clock of the record
    list: ListRead | None = None
    files: FileRead | None = None
    get: Request | None = None
    get_at: str = ""  # path of the record in get's answer
    create: Write | None = None
    update: Write | None = None
    delete: Write | None = None
    gone: Mapping[str, Any] = dataclasses.field(default_factory=dict)  # wire values that mark a record as deleted
    moved_from: tuple[str, ...] = ()  # names that it had in earlier releases
    merged_into: str | None = None  # native field with the id of the record that this one is part of by now
    merged_from: str | None = None  # native list of the ids of records that are part of this one
    merged_answer: MergedAnswer | None = None
    parent: str | None = None  # child resource: native field that holds the parent's id
    scope_read: str | None = None
    transitions: tuple[Transition, ...] = ()
    describe: Describe | None = None

    @cached_property
    def by_name(self) -> Mapping[str, NativeField]:
        """The native fields by name."""
        return {field.name: field for field in reversed(self.fields)}

    def native(self, name: str) -> NativeField:
        """Give the native field of that name; KeyError if the resource has none."""
        return self.by_name[name]


def keys_only(resource: Resource) -> Resource:
    """Give a resource as its list of keys shows it: with its id and nothing else."""
    assert resource.list is not None
    keys = resource.list.keys
    assert keys is not None
    key = dataclasses.replace(resource.native(resource.id), at=keys.id, readable=True)
    listing = ListRead(keys.request, keys.items, keys.paging, result_cap=keys.result_cap, table=resource.list.table)
    return dataclasses.replace(resource, fields=(key,), version=None, list=listing, gone={})


@dataclass(frozen=True)
class Describe:
    """A harmless request that says what the credential may do with each field of a resource."""

    request: Request
    items: str = ""  # path of the fields: a list, or an object by name
    name: str = "name"  # path of a field's name
    read: str | None = None  # path of a boolean; None: not told
    create: str | None = None
    update: str | None = None


@dataclass(frozen=True)
class Limit:
    """Requests allowed per time on one credential."""

    requests: int
    per: int  # seconds
    concurrency: int = 4
    left: str | None = (
        None  # header with the number of requests left, or used/allowed; ``NAME;PARAMETER`` for one in it
    )
    total: str | None = None  # header with the number of requests allowed
    reset: str | None = None  # header with the seconds until there are new ones, or with the moment
    kept: int = 0  # percent that is never used: kept for people who work with the same credential


@dataclass(frozen=True)
class TaggedValues:
    """Values that the wire wraps in an object with a type tag, {"__class__": "Decimal", "decimal": "1.0"}.

    ``types`` maps a tag to the members that make the text: one name for a plain value, several for the parts of
    a date (year, month, day) or of a date and time (… hour, minute, second, microsecond).
    ``native`` maps our native types to the tag used when writing.
    """

    key: str
    types: Mapping[str, tuple[str, ...]]
    native: Mapping[str, str] = dataclasses.field(default_factory=dict)


@dataclass(frozen=True)
class ErrorRule:
    """Recognises one of the vendor's failures; the first rule that fits decides."""

    category: Category
    status: tuple[int, ...] = ()  # empty: any
    where: Mapping[str, Any] = dataclasses.field(default_factory=dict)  # path → value that the body must hold
    retry: bool = False
    given: tuple[str, ...] = ()  # paths at which the body must hold anything, such as the first of a list of errors


@dataclass(frozen=True)
class System:
    """An external system, as compiled."""

    name: str
    version: str
    label: str
    resources: tuple[Resource, ...]
    protocol: Literal["rest", "jsonrpc", "graphql", "sql", "files"] = "rest"
    zone: str = "UTC"
    network: Literal["public", "private", "link_local"] = "public"  # where its origins may lead
    origins: Mapping[str, tuple[str, ...]] = dataclasses.field(default_factory=dict)  # environment or "any" → addresses
    auth: Auth = dataclasses.field(default_factory=Auth)
    headers: Mapping[str, Template] = dataclasses.field(default_factory=dict)
    account: Probe | None = None
    environment: Probe | None = None
    granted: Probe | None = None  # its scopes: a list, or a text; may name {access_token}
    limit: Limit | None = None
    visible_after: int = 0  # seconds until a write can be read back
    tagged: TaggedValues | None = None
    errors: tuple[ErrorRule, ...] = ()
    error_code_at: str = ""  # path of the vendor's code in an error body
    error_message_at: str = ""
    scopes: tuple[str, ...] = ()
    sandbox: Mapping[str, Any] = dataclasses.field(default_factory=dict)  # seed records per resource, wire form

    def resource(self, name: str) -> Resource:
        """Give the resource of that name; KeyError if the system has none."""
        for candidate in self.resources:
            if candidate.name == name:
                return candidate
        raise KeyError(name)

    def origins_of(self, environment: str | None) -> tuple[str, ...]:
        """Give the addresses at which a connection may be, in one environment or in any; () if all may be."""
        known = {**self.origins}
        common = known.pop(ANY_ENVIRONMENT, ())
        if environment in known:
            return (*common, *known[environment])
        return (*common, *(address for addresses in known.values() for address in addresses))
