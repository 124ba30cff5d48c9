"""What connections have in common that can only read: they hold no single record to ask for, and prove nothing of themselves."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any, ClassVar

from syncline_runtime.connectors.batches import Outcome
from syncline_runtime.connectors.inspection import Permissions
from syncline_runtime.connectors.results import Found, Proof, Read, Row, Written
from syncline_runtime.connectors.writing import Sending
from syncline_runtime.errors import ReleaseError
from syncline_runtime.system import System, Write


class ReadingOnly:
    """A part of a ``ConnectionHandle``: all of it but the reading."""

    refusal: ClassVar[str]  # said where somebody asks for more than reading

    def __init__(self, system: System, name: str) -> None:
        self.system, self.name = system, name

    def read_keys(self, resource: str) -> AsyncIterator[Read]:
        """Refuse."""
        raise self._read_only(resource)

    async def get(self, resource: str, native_id: str, *, parent: str | None = None) -> Row | None:  # noqa: ARG002
        """Refuse: a mapping that needs this does not fit the system."""
        raise self._read_only(resource)

    async def find(self, resource: str, write: Write, marker: str, *, parent: str | None = None) -> Found:  # noqa: ARG002
        """Refuse."""
        raise self._read_only(resource)

    async def write(self, resource: str, write: Write, **_: object) -> Written:  # noqa: ARG002
        """Refuse."""
        raise self._read_only(resource)

    async def write_together(self, resource: str, write: Write, rows: Sequence[Sending]) -> list[Outcome]:  # noqa: ARG002
        """Refuse."""
        raise self._read_only(resource)

    async def rest(self, seconds: float | None) -> None:
        """Do nothing: nothing is sent."""

    async def probe(self) -> Proof:
        """Know nothing of account or environment."""
        return Proof(None, None)

    async def prove(self) -> Proof:
        """Know nothing of account or environment."""
        return Proof(None, None)

    async def granted(self) -> frozenset[str] | None:
        """Know nothing of scopes."""
        return None

    async def described(self, resource: str) -> Mapping[str, Any] | None:  # noqa: ARG002
        """Know nothing of what the system says of fields."""
        return None

    async def permissions(self, resource: str) -> Permissions | None:  # noqa: ARG002
        """Know nothing of field permissions."""
        return None

    def _read_only(self, resource: str) -> ReleaseError:
        place = f"{self.name}.{resource}"
        return ReleaseError(self.refusal, place=place, mend="let this member be read only in the sync")
