"""What a system says of the credential itself: scopes, what it may do with fields, its clock, how many requests are left.

In: the descriptions of harmless requests. Out: what they told; None where nothing tells. Invariant: nothing is written.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from syncline_runtime.connectors import failures
from syncline_runtime.connectors.failures import Asked
from syncline_runtime.connectors.http import HttpClient
from syncline_runtime.connectors.limits import told_by
from syncline_runtime.connectors.templates import ABSENT, read_path
from syncline_runtime.system import Describe, Resource


@dataclass(frozen=True)
class Observed:
    """What answers told besides: seconds by which the far clock is ahead, requests left, and of how many."""

    reached: bool  # some answer came
    ahead: float | None = None
    left: int | None = None
    total: int | None = None


@dataclass(frozen=True)
class Permissions:
    """The native fields of a resource that the system knows, and for which of them it denies what."""

    known: frozenset[str]
    denied: Mapping[str, frozenset[str]] = field(default_factory=dict)  # read | create | update → fields


async def granted(client: HttpClient) -> frozenset[str] | None:
    """Ask which scopes the credential has; a token's own answer tells it too."""
    probe = client.system.granted
    if probe is None:
        return client.tokens.granted if client.tokens else None
    asked = Asked(f"{client.origin.place}.granted", writes=False)
    answer = await client.read(
        probe.request, {"access_token": client.tokens.token if client.tokens else ABSENT}, asked.place
    )
    value = read_path(answer.body, probe.at)
    if isinstance(value, str):
        return frozenset(value.replace(",", " ").split())
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        return frozenset(value)
    raise failures.bad_answer(asked, f"the answer holds no scopes at {probe.at!r}")


async def permissions(client: HttpClient, resource: Resource) -> Permissions | None:
    """Ask what the credential may do with the fields of a resource."""
    told = await described(client, resource)
    if told is None or resource.describe is None:
        return None
    return _permissions(resource, resource.describe, told)


async def described(client: HttpClient, resource: Resource) -> Mapping[str, Any] | None:
    """Ask what the system says of the fields of a resource, by name, in its own words; None if it cannot be asked."""
    describe = resource.describe
    if describe is None:
        return None
    asked = Asked(f"{client.origin.place}.{resource.name}", writes=False)
    answer = await client.read(describe.request, {}, asked.place)
    items = read_path(answer.body, describe.items)
    if isinstance(items, Mapping):  # fields by name
        items = [{**item, describe.name: name} for name, item in items.items() if isinstance(item, Mapping)]
    if not isinstance(items, list):
        raise failures.bad_answer(asked, f"the answer holds no fields at {describe.items!r}")
    return {name: item for item in items if isinstance(name := read_path(item, describe.name), str)}


def _permissions(resource: Resource, describe: Describe, told: Mapping[str, Any]) -> Permissions:
    """Find our fields in what the system told: by their place on the wire, the first step of it, or their name."""
    found = {}
    for native in resource.fields:
        names = (native.at, native.at.partition(".")[0], native.write_at or native.at, native.name)
        item = next((told[name] for name in names if name in told), None)
        if item is not None:
            found[native.name] = item
    uses = (("read", describe.read), ("create", describe.create), ("update", describe.update))
    denied = {
        use: frozenset(name for name, item in found.items() if read_path(item, path) in (False, ABSENT, None))
        for use, path in uses
        if path is not None
    }
    return Permissions(frozenset(found), denied)


def observed(client: HttpClient) -> Observed:
    """Read what the latest answer told of clock and limits."""
    told = told_by(client.system.limit, client.latest, client.channel.far_now())
    return Observed(bool(client.latest), client.channel.skew, told.left, told.total)
