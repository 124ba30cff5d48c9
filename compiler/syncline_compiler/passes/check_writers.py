"""Check writers: whether two syncs write one native field, each by a rule of its own.

In: every ``ResolvedSync``. Diagnostics: SYN0510.
Invariant (of a project without these): what one sync writes no other sync writes over.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from itertools import combinations

from syncline_compiler.diagnostics.diagnostic import Collector
from syncline_compiler.model.document import WrittenProject
from syncline_compiler.model.exclusive import never_together
from syncline_compiler.model.members import native_written
from syncline_compiler.model.resolved import ResolvedMember, ResolvedSync
from syncline_compiler.source import Span
from syncline_runtime.frozen import dataclass


@dataclass(frozen=True)
class _Writer:
    """A member that writes, and the line behind each native field."""

    sync: str
    member: ResolvedMember
    written: Mapping[str, Span]


def check_writers(syncs: Sequence[ResolvedSync], project: WrittenProject, diagnostics: Collector) -> None:
    """Check that no native field of a connection has two writers, unless they never take the same record."""
    writers: dict[tuple[str, str], list[_Writer]] = defaultdict(list)
    for sync in syncs:
        for member in sync.members:
            written = native_written(member.mapping)
            if written:
                writers[member.connection, member.resource].append(_Writer(sync.name, member, written))
    for _, found in sorted(writers.items()):
        for first, second in combinations(found, 2):
            _check_pair(first, second, project, diagnostics)


def _check_pair(first: _Writer, second: _Writer, project: WrittenProject, diagnostics: Collector) -> None:
    both = [name for name in second.written if name in first.written]
    if not both or never_together(first.member.mapping.take, second.member.mapping.take):
        return
    shown = ", ".join(f"`{name}`" for name in both[:4]) + (f" and {len(both) - 4} more" if both[4:] else "")
    there = (project.syncs[first.sync].at("members", first.member.connection), f"as a member of `{first.sync}`")
    theirs, ours = first.written[both[0]], second.written[both[0]]
    if ours == theirs:  # One mapping in two syncs.
        ours, secondary = second.member.span, [there]
    else:
        secondary = [(theirs, f"and the sync `{first.sync}` writes it here"), there]
    diagnostics.report(
        "SYN0510", ours, label=f"the sync `{second.sync}` writes {shown} here", secondary=secondary,
        help=(
            "let one of the two syncs write the field, and the other only read it with `<-`",
            "or let them take different records: `take when …` in both mappings, such that no record meets both",
        ),
    )  # fmt: skip
