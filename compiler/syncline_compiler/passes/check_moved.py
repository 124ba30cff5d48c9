"""Check what is said to have had other names before.

In: specs as written. Diagnostics: SYN0008. Invariant (of a project without these): an earlier name is nobody's now, and was one
thing's only, so that what is known under it has one heir.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from syncline_compiler.diagnostics.diagnostic import Collector
from syncline_compiler.model.document import WrittenProject
from syncline_compiler.source import Span

Former = tuple[str, str, Span]  # what kind of thing it is, its earlier name, where that is said


def check_moved(project: WrittenProject, diagnostics: Collector) -> None:
    """Check every `moved` of objects, syncs, members and resources; that of fields is checked where they are resolved."""
    for taken, formers in (
        (frozenset(project.objects), _objects(project)),
        (frozenset(project.syncs), _syncs(project)),
        *_members(project),
        *_resources(project),
    ):
        heirs: dict[str, Span] = {}
        for kind, name, span in formers:
            if name in taken:
                label = f"`{name}` is still {kind}: nothing was moved from it"
                diagnostics.report("SYN0008", span, label=label, help="remove it from `moved`")
            elif name in heirs:
                label, first = f"`{name}` was moved already, and can have one heir only", (heirs[name], "here")
                diagnostics.report("SYN0008", span, label=label, secondary=[first], help="name it in one place")
            heirs.setdefault(name, span)


def _objects(project: WrittenProject) -> Iterator[Former]:
    for _, declared in sorted(project.objects.items()):
        if declared.spec.moved is not None:
            for place, name in enumerate(declared.spec.moved.from_):
                yield "an object", name, declared.at("moved", "from", place)


def _syncs(project: WrittenProject) -> Iterator[Former]:
    for _, declared in sorted(project.syncs.items()):
        if declared.spec.moved is not None:
            for place, name in enumerate(declared.spec.moved.from_):
                yield "a sync", name, declared.at("moved", "from", place)


def _members(project: WrittenProject) -> Iterator[tuple[frozenset[str], Sequence[Former]]]:
    for _, declared in sorted(project.syncs.items()):
        if declared.spec.moved is not None:
            yield (
                frozenset(declared.spec.members),
                [
                    ("a member", name, declared.at("moved", "members", member, place))
                    for member, names in declared.spec.moved.members.items()
                    for place, name in enumerate(names)
                ],
            )


def _resources(project: WrittenProject) -> Iterator[tuple[frozenset[str], Sequence[Former]]]:
    for _, declared in sorted(project.systems.items()):
        formers = [
            ("a resource", name, declared.at("resources", resource, "moved", "from", place))
            for resource, spec in declared.spec.resources.items()
            if spec.moved is not None
            for place, name in enumerate(spec.moved.from_)
        ]
        if formers:
            yield frozenset(declared.spec.resources), formers
