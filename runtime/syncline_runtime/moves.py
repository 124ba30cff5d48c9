"""Moves: names that objects, syncs, connections and resources had in earlier releases (``moved``).

In: a release, registered segments. Out: the segments as they are named now, and what their rows say by today's names; segments
themselves are never written again for it. What the ledger holds by name moves once (``ledger/moves``).
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Mapping
from itertools import product

from syncline_runtime.ledger.moves import Move
from syncline_runtime.plan import Plan, Release
from syncline_runtime.segments import Segment
from syncline_runtime.state import quoted, text


def moves_of(release: Release) -> list[Move]:
    """Give what has other names by now, sync by sync; nothing for most releases."""
    return [move for plan in release.in_order if (move := _move(release, plan)) is not None]


def as_named_now(release: Release, segments: Iterable[Segment]) -> list[Segment]:
    """Give segments under the names that their subjects have now, in the order they are in."""
    now = {before: after for move in moves_of(release) for before, after in _subjects(move)}
    if not now:
        return list(segments)
    return [
        dataclasses.replace(one, subject=now[one.kind, one.subject]) if (one.kind, one.subject) in now else one
        for one in segments
    ]


def said_now(release: Release, subject: str, columns: Iterable[str]) -> dict[str, str]:
    """Give, for columns of a table's segments in which names stand, SQL that says them by today's."""
    kind, _, place = subject.partition(":")
    moves = moves_of(release)
    if kind == "links":
        return _links(moves) if moves else {}
    move = next((one for one in moves if one.sync == place and one.connections), None)
    if move is None or kind not in ("canonical", "outcomes"):
        return {}
    concerned = ("connection", "source", "rule") if kind == "outcomes" else ()
    named = [name for name in columns if name in concerned or (kind == "canonical" and name.startswith("from."))]
    return {
        name: _case(name, [(f"{quoted(name)} = {text(b)}", n) for b, n in move.connections.items()]) for name in named
    }


def former_places(release: Release) -> dict[tuple[str, str], list[tuple[str, str]]]:
    """Give, for each connection and resource of the release, what the two were called before."""
    found: dict[tuple[str, str], list[tuple[str, str]]] = {}
    for move in moves_of(release):
        for (connection, resource), (now, there) in _places(move).items():
            found.setdefault((now, there), []).append((connection, resource))
    return found


def _move(release: Release, plan: Plan) -> Move | None:
    connections = {before: member.connection for member in plan.members for before in member.moved_from}
    resources = {
        (member.connection, before): member.resource
        for member in plan.members
        for before in release.system_of(member.connection).resource(member.resource).moved_from
    }
    if not (connections or resources or plan.moved_from or plan.object_moved_from):
        return None
    places = tuple((member.connection, member.resource) for member in plan.members)
    return Move(plan.name, plan.moved_from, plan.object, plan.object_moved_from, connections, resources, places)


def _places(move: Move) -> dict[tuple[str, str], tuple[str, str]]:
    """Give the connections and resources of a sync by the names they had."""
    found: dict[tuple[str, str], tuple[str, str]] = {}
    for connection, resource in move.places:
        formers = [before for before, now in move.connections.items() if now == connection]
        there = [before for (of, before), now in move.resources.items() if (of, now) == (connection, resource)]
        for named in product((connection, *formers), (resource, *there)):
            found[named] = (connection, resource)
    return {before: now for before, now in found.items() if before != now}


def _subjects(move: Move) -> Iterator[tuple[tuple[str, str], str]]:
    """Give kind and subject of segments as they were, and the subject as it is."""
    names = (move.sync, *move.syncs)
    for kind, name in product(("canonical", "outcomes"), move.syncs):
        yield (kind, name), move.sync
    for connection, _ in move.places:
        formers = (connection, *(before for before, now in move.connections.items() if now == connection))
        now = f"{move.sync}/{connection}"
        for kind, name, before in product(("base", "before"), names, formers):
            if f"{name}/{before}" != now:
                yield (kind, f"{name}/{before}"), now
    for (connection, resource), (now, there) in _places(move).items():
        yield ("landed", f"{connection}/{resource}"), f"{now}/{there}"


def _links(moves: Iterable[Move]) -> dict[str, str]:
    cases: Mapping[str, list[tuple[str, str]]] = {"object": [], "connection": [], "resource": []}
    for move in moves:
        of = f"object IN ({', '.join(map(text, (move.object, *move.objects)))})"
        cases["object"] += [(f"object = {text(before)}", move.object) for before in move.objects]
        for (connection, resource), (now, there) in _places(move).items():
            at = f"{of} AND connection = {text(connection)} AND resource = {text(resource)}"
            cases["connection"].append((at, now))
            cases["resource"].append((at, there))
    return {name: _case(name, of) for name, of in cases.items() if of}


def _case(name: str, cases: Iterable[tuple[str, str]]) -> str:
    return f"CASE {' '.join(f'WHEN {condition} THEN {text(now)}' for condition, now in cases)} ELSE {quoted(name)} END"
