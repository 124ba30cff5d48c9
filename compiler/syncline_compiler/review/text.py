"""A review as text for people at a terminal."""

from __future__ import annotations

from collections.abc import Iterator

from syncline_compiler.diagnostics.render import clean, render_text
from syncline_compiler.review.report import Finding, Review
from syncline_compiler.review.words import (
    SIGNS,
    data_of,
    from_to,
    impact_of_member,
    load_of,
    minutes_of,
    people,
    place_of,
    proof_of,
    standing_of,
    totals,
    verdict_of,
)

MOST_AFFECTED = 8


def render_review(review: Review, *, folder: str = "", colour: bool = False) -> str:
    """Give a review as text."""
    parts = ["\n".join(_lines(review, folder))]
    if len(review.brought):
        parts.append(render_text(review.brought, review.sources, folder=folder, colour=colour))
    if review.stood:
        parts.append("\n".join(map(clean, _stood(review, folder))))
    compiled = f"release {review.release[:16]}: " if review.release else ""
    parts.append(clean(f"{compiled}{verdict_of(review)}"))
    return "\n\n".join(part.rstrip("\n") for part in parts) + "\n"


def _lines(review: Review, folder: str) -> Iterator[str]:
    yield clean(f"{review.project} against {review.against}: {totals(review)}")
    yield from (f"  note: {clean(note)}" for note in review.notes)
    for finding in review.findings:
        yield from ("", *map(clean, _finding(finding, folder)))
    for was, now in review.rewritten:
        yield from ("", clean(f"= proved equal at {now.span}"), clean(f"    {was.text} → {now.text}"))
    yield from map(clean, _data(review))
    if any(load.hourly[0] != load.hourly[1] or load.is_over or load.growth > 1 for load in review.loads):
        yield from ("", "calls")
        yield from (clean(f"  {load.connection}: {load_of(load)}") for load in review.loads)
    yield from map(clean, _scenarios(review))
    if review.budgets:
        yield from ("", "budgets")
        for budget in review.budgets:
            kept = {True: "kept", False: "exceeded", None: "not known without --data"}[budget.kept]
            yield f"  {budget.said}: {kept}" + (f" ({budget.told})" if budget.found is not None else "")
    if review.versions:
        yield from ("", "versions")
        yield from (f"  {one.item.item}: {one.former} → {one.needed}" for one in review.versions)
    if review.open:
        yield from ("", "to agree", *(f"  {line}" for line in people(review)))


def _stood(review: Review, folder: str) -> Iterator[str]:
    """Give a line for each warning that stood before."""
    yield "warnings that stood before"
    for one in review.diagnostics:
        if one in review.stood:
            yield f"  {one.name} {place_of(one.span, folder)}: {one.label or one.summary}"


def _finding(finding: Finding, folder: str) -> Iterator[str]:
    change = finding.change
    where = place_of(change.span, folder) if change.span is not None else ""
    yield f"{SIGNS[change.verdict]} {change.verdict} [{change.rule.id}] {change.item}: {change.what}"
    if said := from_to(finding):
        yield f"    {said}"
    yield f"    {change.rule.message}"
    if finding.proof is not None:
        yield f"    {proof_of(finding.proof)}"
    if finding.evidence:
        yield f"    {finding.evidence}"
    yield from (f"    breaks {broken}" for broken in finding.breaks)
    if finding.affects:
        more = f" and {len(finding.affects) - MOST_AFFECTED} more" if len(finding.affects) > MOST_AFFECTED else ""
        yield f"    reaches {', '.join(finding.affects[:MOST_AFFECTED])}{more}"
    if change.consequences:
        yield f"    changes with it: {', '.join(change.consequences)}"
    if standing := standing_of(finding):
        yield f"    {finding.fingerprint} {standing}"
    if where:
        yield f"    at {where}"


def _data(review: Review) -> Iterator[str]:
    if review.impact is None:
        if review.findings and review.no_impact:
            yield from ("", f"data: not looked at; {review.no_impact}")
        return
    yield from ("", f"data ({data_of(review.impact)})")
    for one in review.impact.members:
        if not one.touched:
            continue
        time = minutes_of(one, review.loads)
        yield f"  {one.sync} in {one.connection}: {impact_of_member(one)}{f'; {time}' if time else ''}"
        for field in one.fields:
            yield f"      {field.name}: {field.records:,}"
            for sample in field.samples:
                yield f"          {sample.native_id or 'new'}: {_shown(sample.before)} → {_shown(sample.after)}"
    untouched = [f"{one.sync} in {one.connection}" for one in review.impact.members if not one.touched]
    if untouched:
        yield f"  untouched: {', '.join(untouched)}"
    yield from (f"  a run would stop: {guard}" for guard in review.impact.stopped_by)


def _shown(value: str | None) -> str:
    return "null" if value is None else value


def _scenarios(review: Review) -> Iterator[str]:
    if review.scenarios is None:
        return
    lost, all_ = review.scenarios.failed, len(review.scenarios.results)
    yield from ("", f"scenarios: {all_ - len(lost)} of {all_} as expected")
    for one in lost:
        yield from (f"  {failure.span} {one.name}: {failure.summary}" for failure in one.failures)
