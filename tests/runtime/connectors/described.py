"""System descriptions for tests: no real system's, but each with the habits of some."""

from __future__ import annotations

import contextlib
import random
from collections.abc import AsyncIterator
from dataclasses import replace

from support.clock import TestClock
from syncline_runtime.authentication import Auth
from syncline_runtime.binding import Connection
from syncline_runtime.connectors import ConnectionHandle, Surroundings, open_connection
from syncline_runtime.request import Probe, Request
from syncline_runtime.system import (
    Cursor,
    ErrorRule,
    FindBy,
    Limit,
    ListRead,
    NativeField,
    Paging,
    Resource,
    System,
    TaggedValues,
    Transition,
    Write,
)

PAGINGS = {
    "none": Paging("none"),
    "page": Paging("page", size=3),
    "page_total": Paging("page", size=3, first=0, total="meta.total"),
    "offset": Paging("offset", size=3),
    "offset_total": Paging("offset", size=3, total="meta.total"),
    "token": Paging("cursor", size=3, next="meta.next"),
    "from_last": Paging("cursor", size=3, from_last="id", more="has_more"),
    "link": Paging("next_link", size=3, next="meta.next"),
    "header": Paging("next_link", size=3, next_header="Link"),
}
_QUERY = {
    "none": {},
    "page": {"page": "{page}", "limit": "{size}"},
    "offset": {"offset": "{offset}", "limit": "{size}"},
    "cursor": {"after": "{token}", "limit": "{size}"},
    "next_link": {"limit": "{size}"},
}

FAST = Limit(10_000, 1)
CUSTOMER_FIELDS = (
    NativeField("id", "text", "id", writable=False),
    NativeField("name", "text", "name", required=True, length=20),
    NativeField("status", "text", "status", values=("Open", "Closed")),
    NativeField("credit", "decimal", "money.credit", precision=12, scale=2),
    NativeField("staff", "int", "staff"),
    NativeField("vip", "bool", "vip"),
    NativeField("tags", "list", "tags"),
    NativeField("ext", "text", "ext.ref"),
    NativeField("updated_at", "instant", "updated_at", writable=False),
)


def shop(paging: str = "offset", customers: int = 7, limit: Limit = FAST) -> System:
    """JSON over REST: bearer token, cursor, idempotency key, version, marker."""
    page = PAGINGS[paging]
    find = FindBy("ext", Request("/customers", query={"ext": "{marker}"}), "items")
    customer = Resource(
        "Customer",
        "Customer",
        "id",
        CUSTOMER_FIELDS,
        version="updated_at",
        list=ListRead(
            Request("/customers", query=_QUERY[page.kind]),
            "items",
            page,
            Cursor("updated_at", granularity=1, lag=1_000_000, query={"since": "{cursor}"}),
        ),
        get=Request("/customers/{id}"),
        get_at="customer",
        create=Write(
            Request("/customers", "POST"), record_at="customer", idempotency_header="Idempotency-Key", marker="ext",
            find=find,
        ),
        update=Write(Request("/customers/{id}", "PATCH"), record_at="customer", precondition_header="If-Match"),
        delete=Write(Request("/customers/{id}", "DELETE"), returns="nothing"),
    )  # fmt: skip
    return System(
        "shop",
        "1.0.0",
        "Shop",
        (customer,),
        auth=Auth("bearer"),
        account=Probe(Request("/me"), "org.0.id"),
        environment=Probe(Request("/me"), "mode"),
        errors=(ErrorRule("validation", (400, 422)), ErrorRule("rate_limit", (429,), retry=True)),
        error_code_at="error.code",
        error_message_at="error.message",
        limit=limit,
        sandbox={"Customer": [{"id": f"c{n}", "name": f"Customer {n}", "staff": n} for n in range(1, customers + 1)]},
    )


def till() -> System:
    """Form-encoded bodies, ids chosen by the client, newest last, an account header."""
    payer = Resource(
        "Payer",
        "Payer",
        "id",
        (
            NativeField("id", "text", "id"),
            NativeField("name", "text", "name"),
            NativeField("email", "text", "email"),
            NativeField("city", "text", "address.city"),
            NativeField("note", "text", "metadata.note"),
            NativeField("created", "int", "created", writable=False),
        ),
        list=ListRead(
            Request("/v1/payers", query=_QUERY["cursor"]), "data", PAGINGS["from_last"],
            Cursor("created", format="epoch", query={"created[gte]": "{cursor}"}),
        ),
        get=Request("/v1/payers/{id}"),
        create=Write(
            Request("/v1/payers", "POST", encoding="form"), idempotency_header="Idempotency-Key", marker="id",
            find=FindBy("id", Request("/v1/payers/{marker}")), then_update=("name",),
        ),
        update=Write(Request("/v1/payers/{id}", "POST", encoding="form")),
        delete=Write(Request("/v1/payers/{id}", "DELETE"), record_at=""),
        gone={"deleted": True},
    )  # fmt: skip
    return System(
        "till",
        "1.0.0",
        "Till",
        (payer,),
        auth=Auth("basic"),
        headers={"X-Account": "{account}"},
        account=Probe(Request("/v1/accounts/{account}"), "id"),
        error_code_at="error.code",
        error_message_at="error.message",
        sandbox={"Payer": [{"id": "p1", "name": "Ada", "metadata": {"note": "x"}}]},
    )


TAGS = TaggedValues(
    "__class__",
    {
        "Decimal": ("decimal",),
        "datetime": ("year", "month", "day", "hour", "minute", "second", "microsecond"),
        "date": ("year", "month", "day"),
    },
    {"decimal": "Decimal", "local_datetime": "datetime", "date": "date"},
)
_DOMAIN = {"d": {"$base64url_json": [["write_date", ">", "{cursor}"]]}}
BOOK_FIELDS = (
    NativeField("id", "int", "id", writable=False),
    NativeField("code", "text", "code"),
    NativeField("amount", "decimal", "amount"),
    NativeField("quantity", "decimal", "quantity", plain=True),
    NativeField("due", "date", "due"),
    NativeField("city", "text", "address.city"),
    NativeField("state", "text", "state", values=("draft", "checked", "posted"), writable=False),
    NativeField("write_date", "local_datetime", "write_date", writable=False),
)


def books() -> System:
    """Tagged values, a query language in base64url JSON, fields that only actions move, bodies as templates."""
    actions = (
        Transition("state", "draft", "checked", Request("/model/entry/{id}/check", "POST", body={})),
        Transition("state", "checked", "posted", Request("/model/entry/{id}/post", "POST", body={})),
    )
    entry = Resource(
        "Entry",
        "Entry",
        "id",
        BOOK_FIELDS,
        version="write_date",
        list=ListRead(
            Request("/model/entry", query={"f": ["id", "code"], "p": "{offset}", "s": "{size}"}),
            "",
            Paging("offset", size=2),
            Cursor("write_date", granularity=1, format="wire", query=_DOMAIN),
        ),
        get=Request("/model/entry/{id}", query={"f": ["id", "code"]}),
        create=Write(
            Request(
                "/model/entry", "POST", query={"f": ["id", "code"]},
                body={
                    "code": "{marker}", "amount": "{field.amount}", "quantity": "{field.quantity}",
                    "due": "{field.due}", "type": "out", "company": 1,
                    "address": {"$when": {"given": ["{field.city}"], "then": [["create", [{"city": "{field.city}"}]]]}},
                },
            ),
            marker="code",
            find=FindBy("code", Request("/model/entry", query={"d": {"$base64url_json": [["code", "=", "{marker}"]]}})),
        ),
        update=Write(Request("/model/entry/{id}", "PUT")),
        transitions=actions,
    )  # fmt: skip
    return System(
        "books",
        "1.0.0",
        "Books",
        (entry,),
        auth=Auth("bearer"),
        headers={"X-Context": {"$base64url_json": {"company": 1}}},
        tagged=TAGS,
        sandbox={"Entry": [{"code": f"E{n}", "amount": "1.10", "state": "draft"} for n in range(1, 6)]},
    )


def caller() -> System:
    """JSON-RPC with a session."""
    thing = Resource(
        "Thing",
        "Thing",
        "id",
        (NativeField("id", "int", "id", writable=False), NativeField("name", "text", "name", required=True)),
        list=ListRead(
            Request("/rpc", "POST", rpc="thing.search", body=[[], "{offset}", "{size}"]), "", Paging("offset", size=2)
        ),
        get=Request("/rpc", "POST", rpc="thing.read", body=["{id}"]),
        create=Write(Request("/rpc", "POST", rpc="thing.create", body=["{record}"]), returns="id", id_at=""),
        update=Write(Request("/rpc", "POST", rpc="thing.write", body=["{id}", "{record}"]), returns="nothing"),
    )
    return System(
        "caller",
        "1.0.0",
        "Caller",
        (thing,),
        protocol="jsonrpc",
        auth=Auth(
            "session",
            login=Request("/rpc", "POST", rpc="login", body=["{username}", {"password": "{password}"}]),
            session={"$join": ["Session ", {"$base64": "{username}:{result.0}:{result.1}"}]},
        ),
        sandbox={"Thing": [{"name": f"Thing {n}"} for n in range(1, 6)]},
    )


def bound(system: System, url: str, **changes: object) -> Connection:
    """Bind a system to a stand-in as if it were a real one: every secret is ``sandbox``."""
    secrets = {"token": "env:SECRET", "username": "env:SECRET", "password": "env:SECRET"}
    connection = Connection(f"my_{system.name}", system.name, f"{url}/{system.name}", secrets, account="sandbox")
    return replace(connection, **changes)  # type: ignore[arg-type]


@contextlib.asynccontextmanager
async def opened(
    system: System, url: str, clock: TestClock | None = None, transport: object = None, **changes: object
) -> AsyncIterator[ConnectionHandle]:
    """Open a connection to a stand-in with a test clock."""
    around = Surroundings(clock or TestClock(), random.Random(1), lambda _connection: transport)  # type: ignore[arg-type,return-value]
    async with open_connection(system, bound(system, url, **changes), around) as handle:
        yield handle
