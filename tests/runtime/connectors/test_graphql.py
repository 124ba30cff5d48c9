"""GraphQL: connections read to their end, errors that come with 200, and parts that are never taken for the whole.

The far side is a GraphQL engine that others wrote, behind a transport of ours.
"""

from __future__ import annotations

import asyncio
import dataclasses
import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from graphql import (
    GraphQLArgument,
    GraphQLBoolean,
    GraphQLError,
    GraphQLField,
    GraphQLFloat,
    GraphQLInputField,
    GraphQLInputObjectType,
    GraphQLInt,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLSchema,
    GraphQLString,
    graphql_sync,
)

from runtime.connectors.described import opened
from syncline_runtime.connectors.lines import Lines
from syncline_runtime.errors import RequestFailed
from syncline_runtime.request import Request
from syncline_runtime.sandbox import serve
from syncline_runtime.system import ErrorRule, ListRead, NativeField, Paging, Resource, System, Write

URL = "http://127.0.0.1:9"
LIST = """query($first: Int!, $after: String) {
  customers(first: $first, after: $after) { edges { node { id name credit } } pageInfo { endCursor hasNextPage } }
}"""
CREATE = "mutation($input: CustomerInput!) { createCustomer(input: $input) { customer { id name credit } userErrors { message } } }"
SYSTEM = System(
    "shop",
    "1.0.0",
    "Shop",
    (
        Resource(
            "Customer",
            "Customer",
            "id",
            (
                NativeField("id", "text", "node.id", write_at="id", writable=False),
                NativeField("name", "text", "node.name", write_at="name"),
                NativeField("credit", "decimal", "node.credit", write_at="credit"),
            ),
            list=ListRead(
                Request("/graphql", "POST", graphql=LIST, body={"first": "{size}", "after": "{token}"}),
                "customers.edges",
                Paging("cursor", size=2, next="customers.pageInfo.endCursor", more="customers.pageInfo.hasNextPage"),
            ),
            create=Write(
                Request("/graphql", "POST", graphql=CREATE, body={"input": "{record}"}),
                returns="id",
                id_at="createCustomer.customer.id",
            ),
        ),
    ),
    protocol="graphql",
    errors=(
        ErrorRule("rate_limit", (200,), {"errors.0.extensions.code": "THROTTLED"}, True),
        ErrorRule("validation", (200,), given=("data.createCustomer.userErrors.0",)),
    ),
    error_code_at="errors.0.extensions.code",
)


class Shop:
    """Customers behind a schema."""

    def __init__(self, count: int = 5) -> None:
        self.customers = [{"id": f"c{n}", "name": f"Name {n}", "credit": n + 0.5} for n in range(count)]
        self.broken: set[str] = set()
        self.throttled = 0
        self.page_info: dict[str, Any] = {}
        self.schema = self._schema()

    def answer(self, request: httpx.Request) -> httpx.Response:
        asked = json.loads(request.content)
        if self.throttled:
            self.throttled -= 1
            return httpx.Response(200, json={"errors": [{"message": "slowly", "extensions": {"code": "THROTTLED"}}]})
        done = graphql_sync(self.schema, asked["query"], variable_values=asked["variables"])
        return httpx.Response(200, json=done.formatted)

    def page(self, _root: Any, _info: Any, first: int, after: str | None = None) -> dict[str, Any]:
        start = int(after) if after else 0
        part = self.customers[start : start + first]
        more = start + first < len(self.customers)
        info = {"endCursor": str(start + len(part)), "hasNextPage": more} | self.page_info
        return {"edges": [{"node": customer} for customer in part], "pageInfo": info}

    def name(self, customer: dict[str, Any], _info: Any) -> str:
        if customer["id"] in self.broken:
            raise GraphQLError("cannot be told")
        return str(customer["name"])

    def create(self, _root: Any, _info: Any, input: dict[str, Any]) -> dict[str, Any]:
        if not input.get("name"):
            return {"customer": None, "userErrors": [{"message": "name is missing"}]}
        self.customers.append({"id": f"c{len(self.customers)}", "credit": None, **input})
        return {"customer": self.customers[-1], "userErrors": []}

    def _schema(self) -> GraphQLSchema:
        text, whole = GraphQLField(GraphQLString), GraphQLField(GraphQLString)
        customer = GraphQLObjectType(
            "Customer",
            {"id": text, "name": GraphQLField(GraphQLString, resolve=self.name), "credit": GraphQLField(GraphQLFloat)},
        )
        info = GraphQLObjectType("PageInfo", {"endCursor": whole, "hasNextPage": GraphQLField(GraphQLBoolean)})
        edge = GraphQLObjectType("Edge", {"node": GraphQLField(customer)})
        connection = GraphQLObjectType(
            "Customers", {"edges": GraphQLField(GraphQLList(edge)), "pageInfo": GraphQLField(info)}
        )
        paged = {"first": GraphQLArgument(GraphQLNonNull(GraphQLInt)), "after": GraphQLArgument(GraphQLString)}
        given = GraphQLInputObjectType(
            "CustomerInput", {"name": GraphQLInputField(GraphQLString), "credit": GraphQLInputField(GraphQLFloat)}
        )
        problem = GraphQLObjectType("Problem", {"message": text})
        created = GraphQLObjectType(
            "Created", {"customer": GraphQLField(customer), "userErrors": GraphQLField(GraphQLList(problem))}
        )
        return GraphQLSchema(
            GraphQLObjectType("Query", {"customers": GraphQLField(connection, args=paged, resolve=self.page)}),
            GraphQLObjectType(
                "Mutation",
                {"createCustomer": GraphQLField(created, args={"input": GraphQLArgument(given)}, resolve=self.create)},
            ),
        )


def reading(answer: Callable[[httpx.Request], httpx.Response]) -> list[str]:
    async def story() -> list[str]:
        async with opened(SYSTEM, URL, None, httpx.MockTransport(answer)) as handle:
            rows = [row.native_id async for page in handle.read("Customer") for row in page.rows]  # type: ignore[union-attr]
            lines = [page async for page in handle.read_lines("Customer")]
        assert all(isinstance(page, Lines) for page in lines)
        assert sum(page.rows for page in lines if isinstance(page, Lines)) == len(rows)
        return rows

    return asyncio.run(story())


def creating(answer: Callable[[httpx.Request], httpx.Response], natives: dict[str, str | None]) -> str | None:
    contract = SYSTEM.resource("Customer").create
    assert contract

    async def story() -> str | None:
        async with opened(SYSTEM, URL, None, httpx.MockTransport(answer)) as handle:
            return (await handle.write("Customer", contract, native_id=None, natives=natives)).native_id

    return asyncio.run(story())


def test_a_connection_is_read_to_its_end() -> None:
    shop = Shop()
    assert reading(shop.answer) == [f"c{n}" for n in range(5)]
    assert reading(Shop(0).answer) == []


def test_what_comes_with_errors_is_no_part_of_the_list() -> None:
    shop = Shop()
    shop.broken = {"c3"}  # the engine answers 200, with the other names and a null
    with pytest.raises(RequestFailed) as failed:
        reading(shop.answer)
    assert failed.value.category == "vendor"


def test_a_throttled_query_is_asked_again() -> None:
    shop = Shop()
    shop.throttled = 2
    assert len(reading(shop.answer)) == 5


def test_an_end_cursor_that_does_not_move_is_told() -> None:
    shop = Shop()
    shop.page_info = {"endCursor": "2"}
    with pytest.raises(RequestFailed, match="read already"):
        reading(shop.answer)


def test_more_without_a_cursor_is_not_the_end() -> None:
    shop = Shop()
    shop.page_info = {"endCursor": None}
    with pytest.raises(RequestFailed, match="does not say which is next"):
        reading(shop.answer)


def test_a_mutation_is_done_or_says_why_not() -> None:
    shop = Shop()
    assert creating(shop.answer, {"name": "Ada", "credit": "1.25"}) == "c5"
    assert shop.customers[-1] == {"id": "c5", "name": "Ada", "credit": 1.25}
    with pytest.raises(RequestFailed) as failed:
        creating(shop.answer, {"credit": "1"})
    assert (failed.value.category, failed.value.ambiguous) == ("validation", False)


def test_a_document_that_the_schema_does_not_know_is_refused() -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        asked = json.loads(request.content)
        done = graphql_sync(
            Shop().schema, asked["query"].replace("credit", "balance"), variable_values=asked["variables"]
        )
        return httpx.Response(200, json=done.formatted)

    with pytest.raises(RequestFailed):
        reading(answer)


def test_the_stand_in_serves_it() -> None:
    seeded = {"Customer": [{"node": {"id": f"c{n}", "name": f"n{n}", "credit": 1}} for n in range(5)]}
    with serve([dataclasses.replace(SYSTEM, sandbox=seeded)]) as sandbox:

        async def story() -> list[str]:
            async with opened(SYSTEM, sandbox.url) as handle:
                return [row.native_id async for page in handle.read("Customer") for row in page.rows]  # type: ignore[union-attr]

        assert sorted(asyncio.run(story())) == [f"c{n}" for n in range(5)]
