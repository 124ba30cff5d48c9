"""The ``system`` spec as written: the face in YAML of ``syncline_runtime.system``.

In: plain values of the YAML loader. Out: ``SystemSpec``. Templates (paths, queries, bodies) stay as they are.
"""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, WithJsonSchema, model_validator

from syncline_compiler.model.spec import LimitSpec
from syncline_compiler.model.spec_auth import AuthSpec
from syncline_compiler.model.spec_request import ProbeSpec, RequestSpec
from syncline_compiler.model.written import (
    AnyText,
    Day,
    Duration,
    ListOfOne,
    LongForm,
    Name,
    NativeName,
    OneOrMore,
    Seconds,
    Text,
    Version,
    Written,
)
from syncline_runtime.system import ANY_ENVIRONMENT

Category = Literal[
    "authentication", "permission", "mapping", "validation", "conflict",
    "not_found", "rate_limit", "transport", "vendor", "internal",
]  # fmt: skip
StatusCode = Annotated[int, Field(ge=100, le=599)]


def _relative_glob(pattern: str) -> str:
    if pattern.startswith(("/", "\\", "~")) or ".." in pattern.replace("\\", "/").split("/") or ":" in pattern:
        raise ValueError("a pattern below the connection's folder is expected, without `..`")
    return pattern


def _as_percent(value: Any) -> Any:
    if not isinstance(value, str) or re.fullmatch(r"[0-9]{1,2}%", value) is None:
        raise ValueError("a whole share below 100 % is expected, such as 20%")
    return value


class PagingSpec(Written):
    """How a list is read to its end."""

    kind: Literal["none", "page", "offset", "cursor", "next_link"]
    size: Annotated[int, Field(ge=1, le=100_000)] = 100
    first: Annotated[int, Field(ge=0)] = 1
    next: AnyText = ""
    next_header: Text | None = None
    from_last: Text | None = None
    more: Text | None = None
    total: Text | None = None


class CursorSpec(Written):
    """The field by which changes are read."""

    field: NativeName
    granularity: Duration | None = None
    lag: Duration = "0s"
    format: Literal["iso", "iso_naive", "epoch", "text", "wire"] = "iso"
    inclusive: bool = False
    query: dict[str, Any] = Field(default_factory=dict)
    body: Any = None


class KeysSpec(Written):
    """How the ids of all live records are read."""

    request: RequestSpec | None = None
    items: AnyText = ""
    paging: PagingSpec = PagingSpec(kind="none")
    id: AnyText | None = None
    result_cap: Annotated[int, Field(ge=1)] | None = None


class SweepSpec(Written):
    """How often a list that is read by changes is read whole, or the ids of all that there is."""

    every: Seconds
    keys: KeysSpec | None = None


class ListSpec(Written):
    """How all or changed records are read: by requests, or from a table."""

    request: RequestSpec | None = None
    table: Text | None = None
    items: AnyText = ""
    paging: PagingSpec = PagingSpec(kind="none")
    cursor: CursorSpec | None = None
    sweep: SweepSpec | None = None
    complete: bool = True
    result_cap: Annotated[int, Field(ge=1)] | None = None
    also: list[Text] = Field(default_factory=list)
    detail: bool = False
    each: NativeName | None = None

    @model_validator(mode="after")
    def _request_or_table(self) -> ListSpec:
        if (self.request is None) == (self.table is None):
            raise ValueError("either `request` or `table` is expected")
        if self.sweep is not None and self.cursor is None:
            raise ValueError("without a `cursor` every read is whole, so that `sweep` says nothing")
        keys = self.sweep.keys if self.sweep is not None else None
        if keys is not None and (keys.request is None) != (self.request is None):
            raise ValueError("`keys` has a `request` where the list has one, and none where it has a `table`")
        return self


class FilesSpec(Written):
    """How records are read from files that others drop."""

    pattern: Annotated[Text, BeforeValidator(lambda value: _relative_glob(value) if isinstance(value, str) else value)]
    format: Literal["csv", "json", "jsonl", "parquet"] = "csv"
    delimiter: Annotated[str, Field(min_length=1, max_length=1)] = ","
    encoding: Text = "utf-8"
    items: AnyText = ""
    complete: bool = False
    every: Seconds | None = None
    quote: Annotated[str, Field(max_length=1)] = '"'
    escape: Annotated[str, Field(max_length=1)] = ""
    header: bool = True
    nulls: Annotated[list[AnyText], ListOfOne()] = Field(default_factory=list)
    locale: Text | None = None
    dates: Text | None = None
    times: Text | None = None
    settles: Seconds = "0s"
    ready: Text | None = None

    @model_validator(mode="after")
    def _one_dialect(self) -> FilesSpec:
        signs = [sign for sign in (self.delimiter, self.quote, self.escape) if sign]
        if len(set(signs)) < len(signs) or set(signs) & set("\r\n"):
            raise ValueError("`delimiter`, `quote` and `escape` are three signs of one line")
        if self.format != "csv" and self.model_fields_set & {"delimiter", "quote", "escape", "header", "locale"}:
            raise ValueError("`delimiter`, `quote`, `escape`, `header` and `locale` are of `format: csv`")
        return self


class IdempotencySpec(Written):
    """The header that makes a repeated request harmless, and for how long the system remembers."""

    header: Text
    keeps: Seconds | None = None


class PreconditionSpec(Written):
    """The header that carries the version last seen."""

    header: Text


class FindSpec(Written):
    """How a record is found by the marker or external id that we wrote."""

    request: RequestSpec
    field: NativeName | None = None
    items: AnyText = ""
    paging: PagingSpec = PagingSpec(kind="none")


class EchoSpec(Written):
    """What of a row comes back in its answer."""

    sent: Text = "{row}"
    at: OneOrMore


class BatchSpec(Written):
    """Many records in one request, with an answer for each."""

    request: RequestSpec
    item: Any = "{record}"
    rows: Annotated[int, Field(ge=1, le=10_000)] = 100
    bytes: Annotated[int, Field(ge=1)] | None = None
    answers: AnyText = ""
    failed: Text | None = None
    status: Text | None = None
    done: dict[str, Any] = Field(default_factory=dict)
    echo: EchoSpec | None = None
    returns: Literal["record", "id", "nothing"] | None = None
    record_at: AnyText = ""
    id_at: AnyText = "id"
    error_code_at: AnyText = ""
    error_message_at: AnyText = ""
    merged_at: AnyText = ""

    @model_validator(mode="after")
    def _told_which(self) -> BatchSpec:
        if self.failed is None and self.status is None and not self.done:
            raise ValueError("`status`, `done` or `failed` is expected: what tells which rows were written")
        if self.failed is not None and (self.echo is None or not self.answers):
            raise ValueError("`answers` and `echo` are expected: what tells whose answers stand at `failed`")
        return self


class WriteSpec(Written):
    """One write contract. Only one that replaces has no request of its own."""

    request: RequestSpec | None = None
    replaces: bool = False
    returns: Literal["record", "id", "nothing"] | None = None
    record_at: AnyText = ""
    id_at: AnyText = "id"
    sends: Literal["changed", "all"] = "changed"
    wrap: Text | None = None
    idempotency: IdempotencySpec | None = None
    external_id: NativeName | None = None
    marker: NativeName | None = None
    find: FindSpec | None = None
    precondition: PreconditionSpec | None = None
    scope: Text | None = None
    then_update: list[NativeName] = Field(default_factory=list)
    batch: BatchSpec | None = None

    @model_validator(mode="after")
    def _request_or_replaces(self) -> WriteSpec:
        if (self.request is None) != self.replaces:
            raise ValueError("either `request` or `replaces: true` is expected")
        if self.replaces and self.batch is not None:
            raise ValueError("what is deleted and made again is written one by one: `batch` is not expected")
        return self


class ScopesSpec(Written):
    """What a credential must be granted to read and to write."""

    read: Text | None = None
    write: Text | None = None


class LookupSpec(Written):
    """Finds the value to send for ``{value}``, such as the system's own id of a country code."""

    request: RequestSpec
    at: Text


class NativeDeprecatedSpec(Written):
    """When the vendor takes a field away, and what to use."""

    sunset: Day
    use: NativeName | None = None


class NativeFieldSpec(Written):
    """One field of a resource."""

    type: Text
    at: Text | None = None
    label: Text | None = None
    description: Text | None = None
    unit: Text | None = None
    required: bool = False
    read: bool = True
    write: bool = True
    values: list[Text] = Field(default_factory=list)
    ref: NativeName | None = None
    of: NativeName | None = None
    pii: Text | None = None
    empty_is_null: bool = False
    scope: ScopesSpec = ScopesSpec()
    write_at: Text | None = None
    quoted: bool = False
    plain: bool = False
    lookup: LookupSpec | None = None
    deprecated: NativeDeprecatedSpec | None = None


class VolumeSpec(Written):
    """How many records there are, and how many change in a day: what reading them takes."""

    records: Annotated[int, Field(ge=0)]
    daily: Annotated[int, Field(ge=0)] | None = None


class TransitionSpec(Written):
    """A request that moves a field, which cannot be written, from one value to another."""

    field: NativeName
    source: Text = Field(alias="from")
    target: Text = Field(alias="to")
    request: RequestSpec
    first: bool = False


class NativeMovedSpec(Written):
    """What a resource was called before."""

    from_: Annotated[list[NativeName], ListOfOne()] = Field(alias="from")


class MergedAnswerSpec(Written):
    """How an answer about one record tells that it is part of another."""

    redirect: bool = False
    at: AnyText = ""
    record: bool = False


class DescribeSpec(Written):
    """A harmless request that says what the credential may do with each field."""

    request: RequestSpec
    items: AnyText = ""
    name: Text = "name"
    read: Text | None = None
    create: Text | None = None
    update: Text | None = None


class SystemLimitSpec(LimitSpec):
    """Requests allowed per time, the headers that tell how many are left, and what is kept for people."""

    left: Text | None = None
    total: Text | None = None
    reset: Text | None = None
    kept_for_people: Annotated[
        str, BeforeValidator(_as_percent), WithJsonSchema({"type": "string", "pattern": "^[0-9]{1,2}%$"})
    ] = "0%"


class ResourceSpec(Written):
    """One kind of record of a system."""

    label: Text | None = None
    id: NativeName
    version: NativeName | None = None
    fields: Annotated[dict[NativeName, Annotated[NativeFieldSpec, LongForm("type")]], Field(min_length=1)]
    list_: ListSpec | None = Field(default=None, alias="list")
    files: FilesSpec | None = None
    get: RequestSpec | None = None
    get_at: AnyText = ""
    create: WriteSpec | None = None
    update: WriteSpec | None = None
    delete: WriteSpec | None = None
    gone: dict[str, Any] = Field(default_factory=dict)
    moved: NativeMovedSpec | None = None
    merged_into: NativeName | None = None
    merged_from: NativeName | None = None
    merged_answer: MergedAnswerSpec | None = None
    parent: NativeName | None = None
    scope: ScopesSpec = ScopesSpec()
    transitions: list[TransitionSpec] = Field(default_factory=list)
    describe: DescribeSpec | None = None
    volume: VolumeSpec | None = None


class TaggedSpec(Written):
    """Values that the wire wraps with a type tag."""

    key: Text
    types: dict[str, OneOrMore]
    native: dict[str, Text] = Field(default_factory=dict)


class ErrorSpec(Written):
    """Recognises one of the vendor's failures."""

    category: Category
    status: Annotated[list[StatusCode], ListOfOne()] = Field(default_factory=list)
    where: dict[str, Any] = Field(default_factory=dict)
    given: Annotated[list[Text], ListOfOne()] = Field(default_factory=list)
    retry: bool = False


class SystemSpec(Written):
    """``system:`` an external system."""

    system: Name
    version: Version
    label: Text | None = None
    steward: Text | None = None
    protocol: Literal["rest", "jsonrpc", "graphql", "sql", "files"] = "rest"
    zone: Text = "UTC"
    network: Literal["public", "private", "link_local"] = "public"
    origins: Annotated[dict[Text, list[Text]], LongForm(ANY_ENVIRONMENT, short=(list,))] = Field(default_factory=dict)
    auth: AuthSpec = AuthSpec(kind="none")
    headers: dict[str, Any] = Field(default_factory=dict)
    limit: SystemLimitSpec | None = None
    visible_after: Seconds = "0s"
    account: ProbeSpec | None = None
    environment: ProbeSpec | None = None
    granted: ProbeSpec | None = None
    tagged: TaggedSpec | None = None
    errors: list[ErrorSpec] = Field(default_factory=list)
    error_code_at: AnyText = ""
    error_message_at: AnyText = ""
    scopes: list[Text] = Field(default_factory=list)
    cleared_for: list[Text] | None = None
    resources: Annotated[dict[NativeName, ResourceSpec], Field(min_length=1)]
    sandbox: dict[NativeName, list[dict[str, Any]]] = Field(default_factory=dict)
