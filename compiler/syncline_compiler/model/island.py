"""What of a project belongs together: the names that a file ties, and the islands that come of it.

An *island* holds whatever can be checked and compiled without looking at the rest: a sync with its object, mappings,
resources and code tables, and with all others that share one of these. Invariant: all of it is plain, so that it can be
remembered; a resource belongs to one island, its system's description may lie in several.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from typing import NamedTuple

from syncline_runtime.frozen import dataclass


class Node(NamedTuple):
    """Something that files declare and name: its kind and name, such as a resource ``crm.Account``."""

    kind: str
    name: str


@dataclass(frozen=True)
class Ties:
    """What one file declares, and which nodes it ties together; the first of each group is declared here.

    ``members`` of a sync: connection → system and resource. ``limited``: calls to this system are counted.
    """

    kind: str
    name: str
    groups: tuple[tuple[Node, ...], ...]
    members: Mapping[str, str] = field(default_factory=dict)
    limited: bool = False


@dataclass(frozen=True)
class Island:
    """The files that belong together, by path in their order, and of each system the resources that do."""

    paths: tuple[str, ...]
    resources: Mapping[str, frozenset[str]]
    connections: frozenset[str]
