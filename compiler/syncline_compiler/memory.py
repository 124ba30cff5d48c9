"""What was found of each island of a project, so that only those in which something changed are looked at again.

In: what is known of a file by the hash of its text, and of an island by the hash of all that it is made from. Out: the
same, the next time. Invariant: what is remembered follows from the hash under which it stands, and from this compiler;
so nothing in here can be out of date, it can only be missing.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import field, replace
from typing import Any

from syncline_compiler.changes.versions import Stand
from syncline_compiler.diagnostics.diagnostic import Diagnostic, diagnostic_of
from syncline_compiler.model.island import Node, Ties
from syncline_compiler.model.share import Share
from syncline_runtime.binding import Connection
from syncline_runtime.frozen import dataclass
from syncline_runtime.plan import Scope


@dataclass(frozen=True)
class Known:
    """What was found of an island. ``effort``: what it took to guess and to try, which is bounded.

    ``stands`` of its items, but for systems, where there is a lock that they are held against.
    """

    diagnostics: tuple[Diagnostic, ...]
    lints: tuple[Diagnostic, ...]  # which are told only where no island has an error
    effort: tuple[int, int]
    share: Share | None = None  # None: it was checked only
    stands: tuple[Stand, ...] | None = None

    @property
    def failed(self) -> bool:
        """Whether it has errors; then it is not remembered."""
        return any(one.severity == "error" for one in self.diagnostics)


@dataclass(frozen=True)
class Memory:
    """What is known of files (``ties``), of islands, and of the systems' files of the release, by hash.

    ``stands`` of systems by their files' hashes, ``locks``: those that a lock holds, by its hash.
    ``released`` are the hashes of the release that was written, by path, and ``stamps`` what its files looked like then.
    """

    ties: dict[str, Ties] = field(default_factory=dict)
    islands: dict[str, Known] = field(default_factory=dict)
    systems: dict[str, str] = field(default_factory=dict)
    stands: dict[str, Stand] = field(default_factory=dict)
    locks: dict[str, tuple[Stand, ...]] = field(default_factory=dict)
    released: Mapping[str, str] = field(default_factory=dict)
    stamps: Mapping[str, list[int]] = field(default_factory=dict)

    def with_release(self, released: Mapping[str, str], stamps: Mapping[str, list[int]]) -> Memory:
        """Remember also a release that was written."""
        return replace(self, released=released, stamps=stamps)


def hash_of(parts: Iterable[str]) -> str:
    """Give the SHA-256 of texts, each with its length, so that no two lists are alike."""
    taken = hashlib.sha256()
    for part in parts:
        content = part.encode("utf-8", "surrogatepass")
        taken.update(b"%d:" % len(content))
        taken.update(content)
    return taken.hexdigest()


def dump_memory(memory: Memory) -> str:
    """Give a memory as text."""
    return json.dumps(vars(memory), default=vars, separators=(",", ":"))


def load_memory(text: str) -> Memory:
    """Read a memory from the text that ``dump_memory`` made of it."""
    plain = json.loads(text)
    return Memory(
        {key: _ties(one) for key, one in plain["ties"].items()},
        {key: _known(one) for key, one in plain["islands"].items()},
        plain["systems"],
        {key: _stand(one) for key, one in plain["stands"].items()},
        {key: tuple(map(_stand, one)) for key, one in plain["locks"].items()},
        plain["released"],
        plain["stamps"],
    )


def _ties(plain: Mapping[str, Any]) -> Ties:
    groups = tuple([tuple([Node(*node) for node in group]) for group in plain["groups"]])
    return Ties(plain["kind"], plain["name"], groups, plain["members"], plain["limited"])


def _known(plain: Mapping[str, Any]) -> Known:
    found, lints = (tuple(map(diagnostic_of, plain[key])) for key in ("diagnostics", "lints"))
    share = _share(plain["share"]) if plain["share"] is not None else None
    stands = tuple(map(_stand, plain["stands"])) if plain["stands"] is not None else None
    return Known(found, lints, tuple(plain["effort"]), share, stands)


def _stand(plain: list[str]) -> Stand:
    item, version, said = plain
    return item, version, said


def _share(plain: Mapping[str, Any]) -> Share:
    return Share(
        **{
            **plain,
            "systems": tuple(plain["systems"]),
            "scopes": tuple(Scope(**scope) for scope in plain["scopes"]),
            "bindings": {name: tuple(Connection(**one) for one in bound) for name, bound in plain["bindings"].items()},
        }
    )
