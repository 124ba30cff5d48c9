"""Find islands: the parts of a project that have nothing to do with each other, each of which is compiled alone.

In: the specs and mappings as written. Out: ``Ties`` of each file, and ``Island`` values of all.
Invariant: whatever a check looks at together lies in one island, so that a project whose islands have no mistakes has
none; where that is not certain there are no islands, and the project is looked at as a whole.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping

from syncline_compiler.model.document import Declared
from syncline_compiler.model.island import Island, Node, Ties
from syncline_compiler.model.spec import CodesSpec, ObjectSpec, ProjectSpec, SyncSpec
from syncline_compiler.model.spec_event import EventSpec
from syncline_compiler.model.spec_identity import ModelSpec
from syncline_compiler.model.spec_policy import PolicySpec
from syncline_compiler.model.spec_scenario import ANY_SYNC, ScenarioSpec
from syncline_compiler.model.spec_system import SystemSpec
from syncline_compiler.model.written import Written
from syncline_compiler.source import SourceFile

_HEADER = re.compile(
    r"(?:[ \t]*(?:#[^\n]*)?\r?\n)*[ \t]*mapping[ \t]+(\w+\.\w+)[ \t]*<->[ \t]*(\w+)(?:@[\w.]+)?[ \t]*(?:#|\r?\n|$)"
)
_REF = re.compile(r"ref\(\s*([a-z][a-z0-9_]*)\s*\)")
_WORD = re.compile(r"\w+")


def ties_of_mapping(source: SourceFile) -> Ties | None:
    """Read what a mapping ties from its header; None if it does not begin with one."""
    header = _HEADER.match(source.text)
    if header is None:
        return None
    resource, item = header.groups()
    own = Node("mapping", f"{resource} {item}")
    return Ties("mapping", own.name, ((own, Node("resource", resource), Node("object", item)),))


def ties_of(declared: Declared[Written]) -> Ties | None:
    """Give what a spec ties; None for a spec that has to do with everything."""
    match declared.spec:
        case ObjectSpec() as spec:
            return _ties_of_object(spec)
        case SystemSpec() as spec:
            return _ties_of_system(spec)
        case CodesSpec() as spec:
            item = [Node("object", spec.for_.partition(".")[0])] if spec.for_ is not None else []
            return Ties("codes", spec.codes, ((Node("codes", spec.codes), *item),))
        case SyncSpec() as spec:
            return _ties_of_sync(spec)
        case EventSpec() as spec:
            tied = [_object(spec.object), Node("resource", spec.source)]
            inbox = Node("inbox", spec.comes_in.webhook)
            return Ties("event", spec.event, ((Node("event", spec.event), *tied), (inbox, Node("event", spec.event))))
        case ModelSpec() as spec:
            return Ties("model", spec.model, ((Node("model", spec.model), Node("object", spec.object)),))
        case ScenarioSpec() as spec:
            return Ties("scenario", spec.scenario, ((Node("scenario", spec.scenario), *_named_in(spec)),))
        case PolicySpec() as spec if not spec.rules:
            return Ties("policy", spec.policy, ())
    return None


def _object(name: str) -> Node:
    return Node("object", name.partition("@")[0])


def _ties_of_object(spec: ObjectSpec) -> Ties | None:
    if spec.extends is not None:
        return None
    referred = [match[1] for one in spec.fields.values() for match in _REF.finditer(one.type)]
    referred += [part.of for part in spec.parts.values()]
    tied = [Node("object", name) for name in referred]
    tied += [Node("model", rule.probability.model) for rule in spec.identity if rule.probability is not None]
    return Ties("object", spec.object, ((Node("object", spec.object), *tied),))


def _ties_of_system(spec: SystemSpec) -> Ties | None:
    """Tie each resource to those that it names."""
    if not spec.sandbox.keys() <= spec.resources.keys():
        return None
    groups = []
    for name, resource in spec.resources.items():
        named = {of for one in resource.fields.values() for of in (one.ref, one.of) if of is not None}
        if resource.list_ is not None and resource.list_.each is not None:
            named.add(resource.list_.each)
        groups.append(tuple(Node("resource", f"{spec.system}.{one}") for one in (name, *sorted(named))))
    return Ties("system", spec.system, tuple(groups), limited=spec.limit is not None)


def _ties_of_sync(spec: SyncSpec) -> Ties:
    own = Node("sync", spec.sync)
    tied = [_object(spec.object), *(Node("resource", target) for target in spec.members.values())]
    held = [(_held(name, target.partition(".")[2]), own) for name, target in spec.members.items()]
    return Ties("sync", spec.sync, ((own, *tied), *held), members=dict(spec.members))


def _held(connection: str, resource: str) -> Node:
    return Node("held", f"{connection}.{resource}")


def _named_in(spec: ScenarioSpec) -> Iterator[Node]:
    """Name what a scenario plays with: its sync, what connections hold, events, objects."""
    yield Node("sync", spec.sync)
    for connection, resources in spec.given.items():
        yield from (_held(connection, name) for name in resources)
    for step in spec.when:
        named = step.target[1] if step.target is not None else step.fail or ""
        if "." in named:
            yield Node("held", named)
        if step.event is not None:
            yield Node("event", step.event)
        if step.run is not None and step.run != ANY_SYNC:
            yield Node("sync", step.run)
    yield from (Node("held", write.target[1]) for write in spec.expect.writes or ())
    yield from (Node("held", one.at) for one in spec.expect.exceptions or ())
    yield from (Node("object", one.of) for one in spec.expect.records)


def find_islands(
    project: ProjectSpec, ties: Mapping[str, Ties], sources: Mapping[str, SourceFile]
) -> list[Island] | None:
    """Divide the files of a project, by path; None if it has to be looked at as a whole."""
    if len({(one.kind, one.name) for one in ties.values()}) < len(ties) or not _is_divisible(project, ties):
        return None
    tied = _Tied()
    for groups in _groups(project, ties, sources):
        tied.together(groups)
    declared = {node for one in ties.values() for group in one.groups for node in group[:1]}
    if any(node.kind != "connection" and node not in declared for node in tied.above):
        return None
    return _divided(ties, tied)


def _is_divisible(project: ProjectSpec, ties: Mapping[str, Ties]) -> bool:
    """Tell whether what the project file says can be said of each island apart."""
    imports = project.imports
    if imports.objects or imports.systems or imports.codes or imports.policies:
        return False
    systems: dict[str, set[str]] = defaultdict(set)
    for one in ties.values():
        for connection, target in one.members.items():
            systems[connection].add(target.partition(".")[0])
    if any(len(of) > 1 for of in systems.values()):
        return False
    bound = project.environments.values()
    return all(
        written.keys() == systems.keys() and len({one.stand_in for one in written.values()}) < 2 for written in bound
    )


def _groups(
    project: ProjectSpec, ties: Mapping[str, Ties], sources: Mapping[str, SourceFile]
) -> Iterator[tuple[Node, ...]]:
    """Give the nodes that belong together: as files tie them, by the calls that are counted, by names in texts."""
    for one in ties.values():
        yield from one.groups
    limited = {one.name for one in ties.values() if one.limited}
    counted = {name for written in project.environments.values() for name, spec in written.items() if spec.limit}
    for one in ties.values():
        for connection, target in one.members.items():
            if connection in counted or target.partition(".")[0] in limited:
                yield Node("connection", connection), one.groups[0][0]
    yield from _named_in_texts(ties, sources)


def _named_in_texts(ties: Mapping[str, Ties], sources: Mapping[str, SourceFile]) -> Iterator[tuple[Node, ...]]:
    """Tie each code table to whatever has its name in its text: it may stand in any expression."""
    codes = {one.name for one in ties.values() if one.kind == "codes"}
    if not codes:
        return
    for path, one in ties.items():
        if one.kind in ("mapping", "object", "sync"):
            for name in codes.intersection(_WORD.findall(sources[path].text)):
                yield one.groups[0][0], Node("codes", name)


class _Tied:
    """Nodes that belong together, each under one above it; the topmost stands for all."""

    def __init__(self) -> None:
        self.above: dict[Node, Node] = {}

    def top(self, node: Node) -> Node:
        """Find the topmost; ways that were gone are shortened."""
        above = self.above.setdefault(node, node)
        while above != node:
            self.above[node] = self.above[above]
            node, above = above, self.above[above]
        return node

    def together(self, nodes: tuple[Node, ...]) -> None:
        """Note that nodes belong together."""
        first, *others = map(self.top, nodes)
        for other in others:
            self.above[self.top(other)] = first


def _divided(ties: Mapping[str, Ties], tied: _Tied) -> list[Island]:
    paths: dict[Node, dict[str, None]] = defaultdict(dict)
    resources: dict[Node, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    connections: dict[Node, set[str]] = defaultdict(set)
    for path, one in sorted(ties.items()):
        for node, *_ in one.groups:
            top = tied.top(node)
            paths[top][path] = None
            connections[top].update(one.members)
            if node.kind == "resource":
                system, _, name = node.name.partition(".")
                resources[top][system].add(name)
    # Islands of one system follow each other, so that its description is not held for long.
    return [
        Island(
            tuple(paths[top]),
            {system: frozenset(names) for system, names in resources[top].items()},
            frozenset(connections[top]),
        )
        for top in sorted(paths, key=lambda top: sorted(resources[top]))
    ]
