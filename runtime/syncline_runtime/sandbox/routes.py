"""Which operation of which resource a request is.

In: a system description and a request. Out: the ``Route`` and the values with which its template was filled.
Invariant: routes are tried from the most to the least particular, so a search or an incremental list is not taken for
the plain list at the same path.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import parse_qsl

from syncline_runtime.connectors import jsontext
from syncline_runtime.connectors.templates import ABSENT, listed, placeholders, read_path
from syncline_runtime.request import Probe, Request
from syncline_runtime.sandbox.inverse import Found, match, match_path, match_query
from syncline_runtime.sandbox.store import FaultError
from syncline_runtime.system import BatchWrite, FindBy, ListRead, Resource, System, Transition, Write, keys_only

_ORDER: Final = (
    *("token", "login", "probe", "describe", "transition", "lookup", "get", "find"),
    *("keys", "changed", "list", "create", "update", "delete"),
)


@dataclass(frozen=True)
class Call:
    """A request as it arrived; ``path`` is below the system's own, header names are in lower case."""

    method: str
    path: str
    query: Mapping[str, list[str]]
    headers: Mapping[str, str]
    content: bytes
    target: str = ""  # path and query as they were sent


@dataclass(frozen=True)
class Route:
    """One operation that a description names, and the request that asks for it."""

    operation: str
    request: Request
    resource: Resource | None = None
    contract: Write | None = None
    search: FindBy | None = None
    listing: ListRead | None = None
    transition: Transition | None = None
    at: str = ""  # login, probe, lookup: where the answer stands; keys: where the id does in an item
    batch: BatchWrite | None = None
    needs: tuple[str, ...] = ()  # placeholders without which the request is another one

    @property
    def rank(self) -> tuple[int, int]:
        """Where to stand in the order of trying: fewer placeholders in the path first."""
        return len(list(placeholders(self.request.path))), _ORDER.index(self.operation)


@dataclass(frozen=True)
class Asked:
    """A request understood: its route, the values found in it, and its parsed body (the parameters of a call)."""

    route: Route
    found: Found
    body: Any
    call_id: Any = None
    fault: str = ""  # how it shall go wrong, where that is a matter of rows


def routes_of(system: System) -> list[Route]:
    """List all routes of a system, in the order in which to try them."""
    found = [route for resource in system.resources for route in _resource_routes(resource)]
    if system.auth.grant:
        # Its body names what is sent besides; what the grant itself needs is looked at where tokens are given out.
        found.append(Route("token", dataclasses.replace(system.auth.grant.request, body=None, encoding="form")))
    if system.auth.login:
        found.append(Route("login", system.auth.login))
    found += [Route("probe", probe.request, at=probe.at) for probe in probes_of(system)]
    return sorted(found, key=lambda route: route.rank)


def probes_of(system: System) -> list[Probe]:
    """List what a system can be asked about itself and about the credential."""
    return [probe for probe in (system.account, system.environment, system.granted) if probe]


def understand(routes: list[Route], call: Call, knows: Callable[[str, str], bool]) -> Asked:
    """Find the route of a request; FaultError if the system has none for it.

    Where two resources lie at one address, as two views of one table do, it is that of the one that ``knows`` the record.
    """
    problem: FaultError | None = None
    first: Asked | None = None
    for route in routes:
        try:
            asked = _understood(route, call)
        except FaultError as error:
            problem = problem or error
            continue
        if asked and (route.resource is None or "id" not in asked.found):
            return first or asked
        if asked and route.resource and knows(route.resource.name, jsontext.as_text(asked.found["id"])):
            return asked
        first = first or asked
    if first is not None:
        return first
    raise problem or FaultError("not_found", "no_such_path", "this stand-in has no such address")


def _understood(route: Route, call: Call) -> Asked | None:
    request = route.request
    if request.method != call.method and not request.call:
        return None
    template, _, fixed = request.path.partition("?")
    path = match_path(template, call.path)
    wanted = {name: [value] for name, value in parse_qsl(fixed)}
    query = match_query(request.query, call.query)
    if path is None or query is None or any(call.query.get(name) != value for name, value in wanted.items()):
        return None
    body, call_id = _body(request, call)
    if body is None:
        return None
    found = {**path, **query}
    if request.body is not None:
        inside = match(request.body, body)
        if inside is None and not request.call:
            raise FaultError("validation", "invalid", f"the body is not what {route.operation} expects")
        if inside is None:
            return None
        found |= inside
    return Asked(route, found, body, call_id) if all(name in found for name in route.needs) else None


def _body(request: Request, call: Call) -> tuple[Any, Any]:
    """Parse a body; None when it is a call of another method."""
    if request.rpc:
        envelope = _json(call)
        if read_path(envelope, "method") != request.rpc:
            return None, None
        return read_path(envelope, "params"), read_path(envelope, "id")
    if request.graphql:
        envelope = _json(call)
        asks = read_path(envelope, "query") == request.graphql
        return (read_path(envelope, "variables"), None) if asks else (None, None)
    if not call.content or request.method == "GET":
        return ABSENT, None
    return (_form(call) if request.encoding == "form" else _json(call)), None


def _json(call: Call) -> Any:
    if "json" not in call.headers.get("content-type", ""):
        raise FaultError("validation", "content_type", "a JSON body is expected")
    try:
        return jsontext.parse(call.content)
    except jsontext.NotJsonError as error:
        raise FaultError("validation", "malformed", f"the body is {error}") from None


def _form(call: Call) -> Any:
    if "form-urlencoded" not in call.headers.get("content-type", ""):
        raise FaultError("validation", "content_type", "a form-encoded body is expected")
    body: dict[str, Any] = {}
    for name, text in parse_qsl(call.content.decode(), keep_blank_values=True):
        steps = name.replace("]", "").split("[")
        target = body
        for step in steps[:-1]:
            target = target.setdefault(step, {})
        target[steps[-1]] = text
    return listed(body)


def _resource_routes(resource: Resource) -> Iterator[Route]:
    yield from _list_routes(resource)
    if resource.get:
        yield Route("get", resource.get, resource)
    for operation, contract in (("create", resource.create), ("update", resource.update), ("delete", resource.delete)):
        if contract:
            yield Route(operation, contract.request, resource, contract)
        if contract and contract.batch:
            request = contract.batch.request
            yield Route(operation, request, resource, contract, batch=contract.batch, needs=("items",))
        if contract and contract.find:
            yield Route("find", contract.find.request, resource, search=contract.find, needs=("marker",))
    if resource.describe:
        yield Route("describe", resource.describe.request, resource)
    for transition in resource.transitions:
        yield Route("transition", transition.request, resource, transition=transition)
    for described in resource.fields:
        if described.lookup:
            yield Route("lookup", described.lookup.request, resource, at=described.lookup.at, needs=("value",))


def _list_routes(resource: Resource) -> Iterator[Route]:
    listing = resource.list
    if listing is None:
        return
    yield Route("list", listing.request, resource, listing=listing)
    if listing.keys and listing.table is None:
        keys = keys_only(resource).list
        assert keys is not None
        yield Route("keys", keys.request, resource, listing=keys, at=listing.keys.id)
    if listing.cursor:
        cursor = listing.cursor
        body = listing.request.body if cursor.body is None else cursor.body
        request = dataclasses.replace(listing.request, query={**listing.request.query, **cursor.query}, body=body)
        yield Route("changed", request, resource, listing=listing, needs=("cursor",))
