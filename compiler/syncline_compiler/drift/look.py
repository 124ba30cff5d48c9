"""Look for drift: a system description against what is told of the system, as a review that every form shows.

In: a checked project, the name of a system, shapes. Out: ``Review`` with its findings, their evidence and what they break. Invariant: the
comparison is that of any other change of a system description, and so are rules, verdicts and lineage.
"""

from __future__ import annotations

from collections.abc import Iterator

from syncline_compiler.changes.change import Change
from syncline_compiler.changes.gather import gather
from syncline_compiler.diagnostics.diagnostic import Collector
from syncline_compiler.drift.broken import broken_by
from syncline_compiler.drift.compare import Overlay, changes_between, seen_through
from syncline_compiler.drift.remote import RemoteObject, RemoteShape, counted
from syncline_compiler.pipeline import Compilation
from syncline_compiler.query.project_query import ProjectQuery
from syncline_compiler.review.affected import Affected
from syncline_compiler.review.report import Finding, Review
from syncline_runtime.frozen import dataclass


@dataclass(frozen=True)
class Against:
    """What a system is held against. ``since``: only what is otherwise than in this shape; ``everything``: fields that nobody describes."""

    shape: RemoteShape
    label: str
    since: RemoteShape | None = None
    everything: bool = False


def look(checked: Compilation, system: str, against: Against, edited: Compilation | None = None) -> Review:
    """Find what drifted; ``edited``: the project with the description as it is by now, where its mappings may not fit any more."""
    assert checked.known is not None
    assert checked.written is not None
    latest = edited or checked
    assert latest.known is not None
    assert latest.written is not None
    described = latest.known.systems[system]
    everything = against.everything or against.since is not None
    now = seen_through(described, against.shape, everything=everything)
    was = described
    if against.since is not None:
        was = seen_through(described, against.since, everything=True).system
        now = now.without(name for name in against.shape.untold if name in against.since.objects)
    said = gather(checked.known, checked.written)
    changes = changes_between(said, was, now.system, latest.written.systems[system])
    query = ProjectQuery(checked)
    return Review(
        project=checked.written.project.spec.project,
        against=against.label,
        release=None,
        diagnostics=Collector(),
        sources=latest.sources,
        findings=tuple(_findings(changes, now, query, checked)),
        notes=tuple(_notes(system, now, against, checked)),
        command="drift",
    )


def _findings(
    changes: tuple[Change, ...], now: Overlay, query: ProjectQuery, checked: Compilation
) -> Iterator[Finding]:
    affected = Affected(None, query)
    for change in changes:
        everyone = checked.written.project.spec.steward if checked.written is not None else None
        steward = checked.written.systems[change.item.name].spec.steward if checked.written is not None else None
        yield Finding(
            change,
            affected.of(change),
            tuple(filter(None, [steward or everyone])),
            evidence=now.why(change),
            breaks=broken_by(change, query),
        )


def _notes(system: str, now: Overlay, against: Against, checked: Compilation) -> Iterator[str]:
    if checked.diagnostics.errors:
        yield f"the specs have {checked.diagnostics.errors} errors: what they break is told as far as they are understood"
    if against.shape.untold:
        named = ", ".join(f"{system}.{resource}" for resource in against.shape.untold)
        yield f"nothing is told of {named}; --schema RESOURCE=NAME says what is told under another name"
    if now.deprecated:
        yield f"{', '.join(f'{system}.{one}' for one in now.deprecated)}: deprecated there; no document says until when"
    for resource in now.strange:
        where = against.shape.objects[resource].origin
        yield f"no field of {system}.{resource} is in {where}, which seems to be something else: --schema {resource}=NAME says what it is"
    for resource, remote in against.shape.objects.items():
        if remote.records is not None:
            yield from (f"{system}.{resource}: {said}" for said in _sampled(remote))
    if not (against.everything or against.since):
        for resource, count in now.undescribed.items():
            if count:
                yield f"{system}.{resource} has {counted(count, 'field')} that the description does without: --all tells them"


def _sampled(remote: RemoteObject) -> Iterator[str]:
    """Say what samples leave open: how many there were, and which fields none of them holds."""
    yield f"{counted(remote.records or 0, 'record')} of {remote.origin}: what they do not hold may be there all the same"
    unseen = [told for told in remote.fields.values() if told.type is None]
    for evidence in dict.fromkeys(told.evidence for told in unseen):
        yield f"{evidence}: {', '.join(told.path for told in unseen if told.evidence == evidence)}"
