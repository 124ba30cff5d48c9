"""Opening a connection of a binding, and what the stages can ask of it.

In: a system description and a binding's connection. Out: a ``ConnectionHandle``. Invariant: stages use handles only; no
stage knows whether a system is reached over HTTP or through a folder.
"""

from __future__ import annotations

import asyncio
import json
import tempfile
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, Final, Protocol
from urllib.error import URLError
from urllib.request import ProxyHandler, build_opener

from syncline_runtime.binding import Connection
from syncline_runtime.clock import Clock
from syncline_runtime.connectors import batches, cursors, inspection, rest, writing
from syncline_runtime.connectors.auth import Credentials
from syncline_runtime.connectors.batches import Outcome
from syncline_runtime.connectors.channel import Channel
from syncline_runtime.connectors.databases import open_database
from syncline_runtime.connectors.files import read_files
from syncline_runtime.connectors.http import HttpClient
from syncline_runtime.connectors.inspection import Observed, Permissions
from syncline_runtime.connectors.kept import KeptGrant
from syncline_runtime.connectors.origin import (
    Origin,
    origin_of,
    origin_text,
    refuse_elsewhere,
    sandbox_url,
    token_origin,
)
from syncline_runtime.connectors.pace import Pace, Shared, shared_pace
from syncline_runtime.connectors.paging import Walked
from syncline_runtime.connectors.reading_only import ReadingOnly
from syncline_runtime.connectors.results import Found, Natives, Page, ParquetFile, Proof, Read, Row, Written
from syncline_runtime.connectors.stores import fetch, is_store
from syncline_runtime.connectors.surroundings import Surroundings
from syncline_runtime.connectors.tokens import Tokens
from syncline_runtime.connectors.writing import Sending
from syncline_runtime.encoding import digest
from syncline_runtime.errors import ReleaseError, SystemFailure
from syncline_runtime.system import Limit, System, Write, keys_only

_SANDBOX_SECONDS: Final = 5.0
START_SANDBOX: Final = "start `syncline sandbox` with this release in another terminal"


class ConnectionHandle(Protocol):
    """One open connection. Resources are named; natives are text per native field."""

    system: System
    name: str

    def read(self, resource: str, since: str | None = None) -> AsyncIterator[Page | ParquetFile]:
        """Read all records, or those changed since a mark that ``next_since`` gave, page by page."""
        ...

    def read_lines(self, resource: str, since: str | None = None, walked: Walked | None = None) -> AsyncIterator[Read]:
        """``read`` for landing: pages whose records need no look at each come as lines; from where a read has come to."""
        ...

    def read_keys(self, resource: str) -> AsyncIterator[Read]:
        """Read the ids of all live records, as records of ``system.keys_only``."""
        ...

    def newest(self, resource: str, values: Iterable[str]) -> str | None:
        """Make ``Page.newest`` of landed values of the cursor field."""
        ...

    def next_since(self, resource: str, newest: str | None, began: str | None = None) -> str | None:
        """Make the mark to read from next time out of the greatest ``Page.newest`` and the first ``read_at`` of a read."""
        ...

    async def get(self, resource: str, native_id: str, *, parent: str | None = None) -> Row | None:
        """Read one record; None if the system says that it has no such record."""
        ...

    async def find(self, resource: str, write: Write, marker: str, *, parent: str | None = None) -> Found:
        """Find records by the marker that a write left in them; ``parent`` is the native id of the one they belong to."""
        ...

    async def write(
        self,
        resource: str,
        write: Write,
        *,
        native_id: str | None,
        natives: Natives,
        key: str | None = None,
        marker: str | None = None,
        version: str | None = None,
        parent: str | None = None,
        image: Natives | None = None,
        seconds: float | None = None,
    ) -> Written:
        """Send one write, once; see ``writing.Sending``."""
        ...

    async def write_together(self, resource: str, write: Write, rows: Sequence[Sending]) -> list[Outcome]:
        """Send many by the contract's batch, each once; give what became of each."""
        ...

    async def rest(self, seconds: float | None) -> None:
        """Tell all who use the credential that the system fails and rests for so long; None: that it is back."""
        ...

    async def probe(self) -> Proof:
        """Ask which account and environment the system is."""
        ...

    async def prove(self) -> Proof:
        """Ask, and refuse a system that is another account or environment than the binding says."""
        ...

    async def granted(self) -> frozenset[str] | None:
        """Ask which scopes the credential has; None if nothing tells."""
        ...

    async def described(self, resource: str) -> Mapping[str, Any] | None:
        """Ask what the system says of the fields of a resource, by name and in its own words; None if nothing tells."""
        ...

    async def permissions(self, resource: str) -> Permissions | None:
        """Ask what may be done with the fields of a resource; None if nothing tells."""
        ...

    def observed(self) -> Observed:
        """Say what answers so far told of clock and limits."""
        ...


@asynccontextmanager
async def open_connection(
    system: System, connection: Connection, around: Surroundings, shared: Shared | None = None
) -> AsyncIterator[ConnectionHandle]:
    """Open a connection until the block ends; ``shared`` holds the buckets that other processes use too.

    Sends nothing yet; ReleaseError for what the binding lacks.
    """
    if system.protocol == "files":
        store = None if connection.stand_in else origin_text(connection)
        if store and is_store(store):
            with tempfile.TemporaryDirectory(prefix="syncline-store-") as folder:
                yield _FileConnection(system, connection, Path(folder), around.clock, store)
            return
        yield _FileConnection(system, connection, _folder(connection, around), around.clock)
        return
    if system.protocol == "sql":
        stand_in = around.kept(connection.name) or _served(connection, "database") if connection.stand_in else None
        yield open_database(system, connection, stand_in)
        return
    async with _channels(system, connection, around) as (channel, tokens):
        credentials = Credentials(system.auth, connection)
        client = HttpClient(
            system,
            channel,
            credentials,
            pace=_pace(system, connection, channel.origin, around, shared),
            clock=around.clock,
            random=around.random,
            tokens=_tokens(system, connection, credentials, tokens, around) if tokens else None,
        )
        yield _HttpConnection(system, connection, client)


@asynccontextmanager
async def _channels(
    system: System, connection: Connection, around: Surroundings
) -> AsyncIterator[tuple[Channel, Channel | None]]:
    """Open the way to a system, and the one to where its access tokens are given out, if it has any."""
    origin = origin_of(connection)
    refuse_elsewhere(origin, system, connection)
    remedy = START_SANDBOX if connection.stand_in else ""
    async with AsyncExitStack() as opened:

        def channel(to: Origin) -> Channel:
            way = around.transport(connection.name)
            made = Channel(to, around.clock, network=system.network, transport=way, remedy=remedy)
            opened.push_async_callback(made.close)
            return made

        yield channel(origin), channel(token_origin(origin, system, connection)) if system.auth.grant else None


def _pace(system: System, connection: Connection, origin: Origin, around: Surroundings, shared: Shared | None) -> Pace:
    """Find the pace of a credential, which is known by its references and where it is used, never by its secrets."""
    credential = digest([origin.scheme, origin.host, origin.port, origin.base, sorted(connection.credential.items())])
    return shared_pace(credential, _limit(system, connection), around.clock, shared)


def _tokens(
    system: System, connection: Connection, credentials: Credentials, channel: Channel, around: Surroundings
) -> Tokens:
    reference = "" if connection.stand_in else connection.credential.get("refresh_token", "")
    kept = KeptGrant(reference, connection.name) if reference else None
    return Tokens(system, credentials, channel, around.clock, kept)


class _HttpConnection:
    """A connection to a system with an HTTP interface."""

    def __init__(self, system: System, connection: Connection, client: HttpClient) -> None:
        self.system, self.name = system, connection.name
        self._connection, self._client = connection, client

    def read(self, resource: str, since: str | None = None) -> AsyncIterator[Page | ParquetFile]:
        return rest.read(self._client, self.system.resource(resource), since)

    def read_lines(self, resource: str, since: str | None = None, walked: Walked | None = None) -> AsyncIterator[Read]:
        return rest.read_lines(self._client, self.system.resource(resource), since, walked)

    def read_keys(self, resource: str) -> AsyncIterator[Read]:
        return rest.read_lines(self._client, keys_only(self.system.resource(resource)))

    def newest(self, resource: str, values: Iterable[str]) -> str | None:
        return rest.newest(self._client, self.system.resource(resource), values)

    def next_since(self, resource: str, newest: str | None, began: str | None = None) -> str | None:
        listing = self.system.resource(resource).list
        return cursors.overlapped(listing.cursor, newest, began) if listing and listing.cursor and newest else None

    async def get(self, resource: str, native_id: str, *, parent: str | None = None) -> Row | None:
        return await rest.get(self._client, self.system.resource(resource), native_id, parent=parent)

    async def find(self, resource: str, write: Write, marker: str, *, parent: str | None = None) -> Found:
        return await rest.find(self._client, self.system.resource(resource), write, marker, parent=parent)

    async def write(
        self,
        resource: str,
        write: Write,
        *,
        native_id: str | None,
        natives: Natives,
        key: str | None = None,
        marker: str | None = None,
        version: str | None = None,
        parent: str | None = None,
        image: Natives | None = None,
        seconds: float | None = None,
    ) -> Written:
        sending = Sending(native_id, natives, key, marker, version, parent, image or {}, seconds)
        return await writing.write(self._client, self.system.resource(resource), write, sending)

    async def write_together(self, resource: str, write: Write, rows: Sequence[Sending]) -> list[Outcome]:
        return await batches.write_together(self._client, self.system.resource(resource), write, rows)

    async def rest(self, seconds: float | None) -> None:
        await self._client.pace.rest(seconds)

    async def probe(self) -> Proof:
        return await rest.probe(self._client)

    async def prove(self) -> Proof:
        proof = await self.probe()
        wanted = Proof(self._connection.account, self._connection.environment)
        for what, expected, found in (
            ("account", wanted.account, proof.account),
            ("environment", wanted.environment, proof.environment),
        ):
            if expected is not None and expected != found:
                raise _unproved(self.name, what, expected, found)
        return proof

    async def granted(self) -> frozenset[str] | None:
        return await inspection.granted(self._client)

    async def described(self, resource: str) -> Mapping[str, Any] | None:
        return await inspection.described(self._client, self.system.resource(resource))

    async def permissions(self, resource: str) -> Permissions | None:
        return await inspection.permissions(self._client, self.system.resource(resource))

    def observed(self) -> Observed:
        return inspection.observed(self._client)


class _FileConnection(ReadingOnly):
    """A connection to a folder in which others drop files; those of a store are fetched into it first."""

    refusal = "files are read whole and never written"

    def __init__(
        self, system: System, connection: Connection, folder: Path, clock: Clock, store: str | None = None
    ) -> None:
        super().__init__(system, connection.name)
        self._folder, self._store, self._clock = folder, store, clock
        self._given = store is not None or connection.stand_in  # files of ours, or copies: whole since they are there

    async def read(self, resource: str, since: str | None = None) -> AsyncIterator[Page | ParquetFile]:  # noqa: ARG002
        described, folder, place = self.system.resource(resource), self._folder, f"{self.name}.{resource}"
        if self._store and described.files:
            folder = Path(tempfile.mkdtemp(dir=folder))
            await asyncio.to_thread(fetch, self._store, described.files.pattern, folder, place)
        now = None if self._given else self._clock.now()
        for page in read_files(self.system, described, folder, place, now):
            yield page

    def read_lines(
        self,
        resource: str,
        since: str | None = None,
        walked: Walked | None = None,  # noqa: ARG002
    ) -> AsyncIterator[Read]:
        return self.read(resource, since)

    def newest(self, resource: str, values: Iterable[str]) -> str | None:  # noqa: ARG002
        return None

    def next_since(self, resource: str, newest: str | None, began: str | None = None) -> str | None:  # noqa: ARG002
        return None

    def observed(self) -> Observed:
        return Observed(self._folder.is_dir())


def _limit(system: System, connection: Connection) -> Limit | None:
    """Choose the binding's limit over the description's, which says all else."""
    if connection.requests and connection.per:
        return replace(system.limit or Limit(1, 1), requests=connection.requests, per=connection.per)
    return system.limit


def _folder(connection: Connection, around: Surroundings) -> Path:
    if not connection.stand_in:
        text = origin_text(connection)
        if not text:
            raise ReleaseError("the connection names no folder", place=connection.name, mend="give it an origin")
        return Path(text)
    return around.kept(connection.name) or _served(connection, "folder")


def _served(connection: Connection, what: str) -> Path:
    """Ask the sandbox where it keeps the folder or database of a stand-in."""
    try:
        # Only sandboxes on this machine have folders that we can read, so no proxy stands in between.
        with build_opener(ProxyHandler({})).open(f"{sandbox_url()}/", timeout=_SANDBOX_SECONDS) as answer:
            listed = json.load(answer)["systems"][connection.system]
        return Path(listed[what])
    except (URLError, OSError, ValueError, KeyError, TypeError):
        raise SystemFailure(
            "the sandbox does not serve this system",
            place=connection.name,
            mend=START_SANDBOX,
        ) from None


def _unproved(name: str, what: str, expected: str, found: str | None) -> ReleaseError:
    answered = f"is {found!r}" if found is not None else "cannot be asked for it"
    return ReleaseError(
        f"the binding wants {what} {expected!r}, and the system {answered}; nothing was sent",
        place=name,
        mend=f"correct origin, credential or {what} of this connection in syncline.yaml and compile again",
    )
