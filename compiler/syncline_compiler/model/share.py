"""What a release as a whole says of some of its syncs: their plans, their order, what they reach.

Invariant: a release put together from the shares of all its islands is that of the project as a whole.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from syncline_runtime.binding import Connection
from syncline_runtime.frozen import dataclass
from syncline_runtime.plan import Scope


@dataclass(frozen=True)
class Share:
    """The part that some syncs have in a release."""

    plans: Mapping[str, str]  # sync → SHA-256 of its plan
    refers: Mapping[str, Sequence[str]]  # sync → those that go before it
    sums: Mapping[str, Sequence[str]]  # sync → those that are decided before it
    systems: tuple[str, ...]
    connections: Mapping[str, str]  # connection → system
    scopes: tuple[Scope, ...]
    bindings: Mapping[str, tuple[Connection, ...]]  # by environment
