"""What ``syncline.yaml`` says of environments, as facts: where each connection is, what it has to prove, where its secrets lie.

In: the project file as written. Out: one item for each environment. Invariant: a connection that comes or goes follows from the
members of syncs, and is told there; a lock and a release hold nothing of environments; what may be a secret is no fact.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from syncline_compiler.changes.fact import Fact, Item, ItemFacts, Key
from syncline_compiler.changes.gather import UNVERSIONED
from syncline_compiler.model.document import Declared, WrittenProject
from syncline_compiler.model.spec import ConnectionSpec, ProjectSpec
from syncline_runtime.binding import REFERENCES

NOTHING = "nothing"
_USER = re.compile(r"//[^/]*@")


def items_of_environments(written: WrittenProject) -> Iterator[ItemFacts]:
    """Give what the project says of each environment."""
    declared = written.project
    for name, connections in declared.spec.environments.items():
        facts = tuple(
            fact for connection, spec in connections.items() for fact in _connection(name, connection, spec, declared)
        )
        yield ItemFacts(
            Item("environment", name), UNVERSIONED, facts, declared.key("environments", name), versioned=False
        )


def _connection(environment: str, name: str, spec: ConnectionSpec, declared: Declared[ProjectSpec]) -> Iterator[Fact]:
    span = declared.key("environments", environment, name)
    places = () if spec.stand_in else (spec.origin, spec.token_origin)
    told = {
        "connection.address": " ".join(_USER.sub("//…@", one) for one in places if one) or "a stand-in",
        "connection.proof": _listed({"account": spec.account, "environment": spec.environment}),
        "connection.secret": _listed({key: _reference(value) for key, value in spec.credential.items()}),
        "connection.limit": f"{spec.limit.requests} per {spec.limit.per}" if spec.limit else NOTHING,
    }
    return (Fact(Key(kind, (name,)), value, span) for kind, value in told.items())


def _reference(value: str) -> str:
    return value if value.startswith(REFERENCES) else "written out"


def _listed(said: dict[str, str | None]) -> str:
    return ", ".join(f"{key} {value}" for key, value in sorted(said.items()) if value) or NOTHING
