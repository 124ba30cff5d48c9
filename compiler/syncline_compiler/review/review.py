"""The review as one function: compile both sides, compare, follow, ask the data, hold against budgets and approvals.

In: a project's folder and what it is compared with. Out: ``Review``. Invariant: nothing is asked of any system and no code of a project
runs; a side with mistakes is compared as far as it is understood, and the mistakes are part of the review.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path

from syncline_compiler.capacity import limits, loads, per_day, per_hour
from syncline_compiler.changes.change import Change
from syncline_compiler.changes.classify import Classified, classify
from syncline_compiler.changes.environment_facts import items_of_environments
from syncline_compiler.changes.fact import Facts
from syncline_compiler.changes.gather import items_of
from syncline_compiler.changes.lock import as_kept
from syncline_compiler.changes.project_facts import item_of_project
from syncline_compiler.changes.versions import raises
from syncline_compiler.diagnostics.diagnostic import Collector
from syncline_compiler.layouts import unformatted
from syncline_compiler.model.resolved import ResolvedProject
from syncline_compiler.model.typed import Expression
from syncline_compiler.passes.load import load
from syncline_compiler.pipeline import Compilation, check_sources, release_of
from syncline_compiler.query.project_query import ProjectQuery
from syncline_compiler.review.affected import Affected
from syncline_compiler.review.against import AgainstError, Side, read_side, read_trusted
from syncline_compiler.review.approvals import APPROVALS_FILE, read_approvals, with_standing
from syncline_compiler.review.budget import kept_budgets
from syncline_compiler.review.data import impact_on
from syncline_compiler.review.held import held_to
from syncline_compiler.review.proof import expression_of, read_by, told_apart
from syncline_compiler.review.report import Finding, Load, Proof, Review
from syncline_compiler.review.stood import stood_before
from syncline_compiler.review.understood import understood
from syncline_compiler.scenarios.runner import run_scenarios
from syncline_compiler.source import PROJECT_FILE, SourceFile, Unreadable, read_beside, read_with_lock
from syncline_compiler.writing import RELEASE_FILE, write_release
from syncline_runtime.frozen import dataclass
from syncline_runtime.impact import Impact
from syncline_runtime.known_rows import NOTHING_KNOWN, Wanted
from syncline_runtime.plan import Release, load_release


@dataclass(frozen=True)
class Asked:
    """What a review is to look at. ``trust_base``: held to the budgets, approvals and policies of the branch it goes to, as forks are."""

    today: date
    data: str | None = None  # see ``data.impact_on``
    environment: str | None = None
    fail_if: tuple[str, ...] = ()
    growth: int = 1
    trust_base: bool = False
    scenarios: bool = False  # played, too
    layout: bool = False  # files that are not in the one format are told, too


def review(root: Path, named: str | None, asked: Asked) -> Review:
    """Compare a project with another state of it.

    ``named``: a revision, a folder, a release; None: where its branch began. Raises AgainstError, ApprovalsError, BudgetError, and
    SynclineError where the data cannot be used.
    """
    side = read_side(root, named)
    files = list(read_with_lock(root))
    after = check_sources(files, asked.today, waivers_end=False)
    before = check_sources(side.files, asked.today, waivers_end=False) if side.files else None
    now = facts_of(after)
    was = side.facts if side.facts is not None else facts_of(before)
    classified = compared(was, now if side.facts is None else as_kept(now), before, after)
    impact, why_not = _impact(side, before, after, asked, classified.changes)
    findings = findings_of(classified, before, after, impact)
    trusted = read_trusted(root, named, side) if asked.trust_base else None
    branch = check_sources(trusted.files, asked.today, waivers_end=False) if trusted and trusted.files else None
    policies = branch.governance if branch is not None else None
    diagnostics = held_to(policies, before, after) if policies is not None else after.diagnostics
    budgets = _budgets(trusted, files)
    approvals = read_approvals(trusted.beside.get(APPROVALS_FILE) if trusted else read_beside(root, APPROVALS_FILE))
    found = Review(
        project=after.written.project.spec.project if after.written else root.name,
        against=side.label,
        release=_hash(after) if asked.scenarios else None,
        diagnostics=diagnostics,
        sources=after.sources,
        items=classified.items,
        findings=tuple(with_standing(findings, approvals, asked.today)),
        rewritten=classified.rewritten,
        versions=tuple(one for one in raises(classified) if one.item.versioned and one.is_due),
        impact=impact,
        no_impact=why_not,
        loads=tuple(_loads(before, after, asked.growth)),
        scenarios=run_scenarios(after) if asked.scenarios and after.project is not None else None,
        unformatted=tuple(unformatted(files)) if asked.layout else (),
        notes=tuple(_notes(before, trusted if trusted is not side else None, branch)),
        stood=stood_before(before.diagnostics, diagnostics) if before is not None else frozenset(),
        is_partial=before is not None and before.diagnostics.errors > 0,
    )
    return replace(found, budgets=kept_budgets((*budgets, *asked.fail_if), found))


def compared(was: Facts, now: Facts, before: Compilation | None, after: Compilation) -> Classified:
    """Compare the facts of both sides, as far as both are understood."""
    return classify(understood(was, after, now), understood(now, before, was))


def facts_of(side: Compilation | None) -> Facts:
    """Give what one side says; nothing where there is none."""
    if side is None or side.known is None or side.written is None:
        return Facts()
    written = side.written
    return Facts.of((*items_of(side.known, written), *items_of_environments(written), item_of_project(written)))


def _budgets(trusted: Side | None, ours: Sequence[SourceFile | Unreadable]) -> tuple[str, ...]:
    """Read the budgets that a review is held to; a release, which tells none, leaves it to ours."""
    theirs = trusted.files if trusted is not None else ()
    written = load([file for file in theirs or ours if file.path == PROJECT_FILE], Collector())
    if written is None and trusted is not None and theirs:
        raise AgainstError(f"the budgets of {trusted.label} cannot be read: its {PROJECT_FILE} has mistakes")
    return tuple(written.project.spec.review.fail_if) if written is not None else ()


def _notes(before: Compilation | None, trusted: Side | None, branch: Compilation | None) -> Iterator[str]:
    if trusted is not None:
        yield f"it is held to the budgets, approvals and policies of {trusted.label}"
        if branch is not None and (count := branch.diagnostics.errors):
            many = "s" if count > 1 else ""
            yield f"{trusted.label} has {count} error{many}: its policies are asked as far as they are understood"
    if before is not None and before.diagnostics.errors:
        yield f"the other side has {before.diagnostics.errors} errors: it is compared as far as it is understood"


def findings_of(
    classified: Classified, before: Compilation | None, after: Compilation, impact: Impact | None
) -> Iterator[Finding]:
    """Give every change with whom it reaches and who answers for it."""
    affected = Affected(_query(before), _query(after))
    everyone = after.written.project.spec.steward if after.written else None
    for change in classified.changes:
        affects = affected.of(change)
        owners = _owners(change, classified, everyone)
        yield Finding(
            change, affects, owners, records=_records(affects, impact), proof=_proof(change, before, after, impact)
        )


@dataclass(frozen=True)
class _Disputed:
    """Two expressions over the records of a resource that are written otherwise, and on which values they depend."""

    before: Expression
    after: Expression
    sides: Sequence[ResolvedProject]
    wanted: Wanted


def _disputed(change: Change, before: Compilation | None, after: Compilation) -> _Disputed | None:
    """Find the expressions over native records that a change is about; None where it is about none."""
    if change.direction != "changed" or change.item.kind != "mapping":
        return None
    sides = [side.known for side in (before, after) if side is not None and side.known is not None]
    found = [one for side in sides if (one := expression_of(change, side)) is not None]
    if len(found) < 2 or any(change.item.name.partition(".")[0] not in side.systems for side in sides):
        return None
    system, _, resource = change.item.name.partition("/")[0].partition(".")
    return _Disputed(found[0], found[1], sides, Wanted(system, resource, read_by(*found)))


def _proof(change: Change, before: Compilation | None, after: Compilation, impact: Impact | None) -> Proof | None:
    """Try rows, also those that the data has, on two expressions over native records; None where what changed is none."""
    one = _disputed(change, before, after)
    if one is None:
        return None
    resource = one.sides[1].systems[one.wanted.system].resource(one.wanted.resource)
    known = impact.rows.get(one.wanted, NOTHING_KNOWN) if impact is not None else NOTHING_KNOWN
    return told_apart(one.before, one.after, resource, one.sides, known)


def _query(side: Compilation | None) -> ProjectQuery | None:
    return ProjectQuery(side) if side is not None and side.known is not None and side.written is not None else None


def _owners(change: Change, classified: Classified, everyone: str | None) -> tuple[str, ...]:
    """Name who answers for what changed, as it was and as it is."""
    was, now = classified.former(change.item), classified.after.items.get(change.item)
    named = [one.steward for one in (was, now) if one is not None and one.steward]
    return tuple(dict.fromkeys(named or ([everyone] if everyone else [])))


def _records(affects: tuple[str, ...], impact: Impact | None) -> int | None:
    """Count the records for which anything would be otherwise in the syncs that a change concerns."""
    if impact is None:
        return None
    syncs = {address.removeprefix("sync ") for address in affects if address.startswith("sync ")}
    return sum(one.touched for one in impact.members if not syncs or one.sync in syncs)


def _loads(before: Compilation | None, after: Compilation, growth: int) -> Iterator[Load]:
    """Give the calls of every connection for which something is known of them."""
    was = _calls(before) if before is not None else {}
    if after.known is None or after.written is None:
        return
    systems = after.known.connections
    for connection, now in _calls(after).items():
        system = after.written.systems.get(systems.get(connection, ""))
        allowed = [per_hour(rate) for rate, _ in limits(connection, system, after.written)] if system else []
        per_run, hourly, daily = zip(was.get(connection, now), now, strict=True)
        yield Load(connection, per_run, hourly, daily, min(allowed, default=None), growth)


def _calls(side: Compilation) -> Mapping[str, tuple[int, int, int]]:
    """Give the calls of every connection: in one run of each sync, in an hour and in a day."""
    if side.known is None or side.written is None:
        return {}
    found = loads(side.known.syncs, side.written)
    rates = {connection: sum(load.rate for load in of) for connection, of in found.items()}
    return {
        connection: (sum(load.calls for load in of), per_hour(rates[connection]), per_day(rates[connection]))
        for connection, of in found.items()
    }


def _impact(
    side: Side, before: Compilation | None, after: Compilation, asked: Asked, changes: Iterable[Change]
) -> tuple[Impact | None, str]:
    """Run both plans over the data, where there is some and both are whole; the values that changes depend on come along."""
    if asked.data is None:
        return None, "no data was given: --data names a state, a folder of extracts, or the scenarios"
    if after.project is None:
        return None, "the specs have errors"
    if side.release is None and (before is None or before.project is None):
        return None, "the other side has errors"
    with tempfile.TemporaryDirectory(prefix="syncline-review-") as beside:
        now = _release(after, Path(beside) / "after")
        was = load_release(side.release) if side.release is not None else _release(before, Path(beside) / "before")
        wanted = {one.wanted for change in changes if (one := _disputed(change, before, after)) is not None}
        readable = sorted(
            (one for one in wanted if one.natives), key=lambda one: (one.system, one.resource, one.natives)
        )
        return impact_on(asked.data, was, now, after, asked.environment, Path(beside), readable), ""


def _hash(side: Compilation) -> str | None:
    """Give the hash by which a release is promoted."""
    made = dict(release_of(side) or ())
    return made[RELEASE_FILE].sha256 if made else None


def _release(side: Compilation | None, folder: Path) -> Release:
    made = release_of(side) if side is not None else None
    assert made is not None  # asked before
    write_release(folder, made)
    return load_release(folder)
