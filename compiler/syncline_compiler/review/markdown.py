"""A review as one comment of a pull request: a short first screen, details folded; a bot finds it by its mark and edits it in place."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from syncline_compiler.docs.markdown import EMPTY, Markdown, code, joined, plain, table, written
from syncline_compiler.review.report import Finding, Review
from syncline_compiler.review.words import (
    data_of,
    from_to,
    impact_of_member,
    load_of,
    minutes_of,
    people,
    proof_of,
    standing_of,
    stood_of,
    totals,
    verdict_of,
)

MARK = "<!-- syncline review -->"
"""Stands first in the comment, for the bot that edits it."""
MOST = 60_000
"""Characters: hosts cut off what is longer than 65,536."""
SHOWN = 5
"""Findings on the first screen."""


def render_markdown(review: Review, *, folder: str = "") -> str:  # noqa: ARG001 - as all forms are called
    """Give a review as Markdown; what is too long for a comment is cut off with a word on it."""
    text = "\n".join(_lines(review)) + "\n"
    if len(text) <= MOST:
        return text
    kept = text[:MOST].rpartition("\n")[0]
    folds = kept.count("<details>") - kept.count("</details>")
    return (
        kept
        + "\n\n"
        + "</details>\n" * folds
        + f"\n*The rest is too long for a comment: see `syncline {review.command}`.*\n"
    )


def _lines(review: Review) -> Iterator[str]:
    sign = "❌" if review.failed else "✋" if review.exit_code else "✅"
    yield MARK.replace("review", review.command)
    yield written("### {} Syncline: {} against {}", Markdown(sign), plain(review.project), code(review.against))
    yield from (EMPTY, written("**{}** — {}", plain(totals(review)), plain(verdict_of(review))), EMPTY)
    yield from (line for note in review.notes for line in (written("> {}", plain(note)), EMPTY))
    yield from _first(review)
    yield from _diagnostics(review)
    yield from _data(review)
    if review.findings:
        yield from _folded("All changes", _changes(review))
    if review.rewritten:
        equal = [(code(was.text), code(now.text), code(str(now.span))) for was, now in review.rewritten]
        yield from _folded("Written otherwise, and proved equal", table(("before", "after", "where"), equal))
    if review.loads:
        calls = [(code(load.connection), plain(load_of(load))) for load in review.loads]
        yield from _folded("Calls and limits", table(("connection", "calls"), calls))
    yield from _scenarios(review)
    if review.budgets:
        marks = {True: "✅", False: "❌", None: "not known without data"}
        rows = [(code(one.said), plain(one.told), Markdown(marks[one.kept])) for one in review.budgets]
        yield from _folded("Budgets", table(("fails if", "found", ""), rows))
    if review.versions:
        due = [(plain(str(one.item.item)), code(one.former), code(one.needed)) for one in review.versions]
        lines = [Markdown("`syncline compile --bump` writes them."), EMPTY, *table(("", "was", "needs"), due)]
        yield from _folded(f"Versions that are due: {len(due)}", lines)
    if review.release:
        yield from (written("Release {}.", code(review.release[:16])), EMPTY)
    if review.open:
        yield from _folded("To agree", [Markdown("```sh"), *map(Markdown, people(review)), Markdown("```")])


def _first(review: Review) -> Iterator[str]:
    """Give what matters most: what is grave, or else what there is."""
    grave = [one for one in review.findings if one.is_grave or one.change.verdict == "base-invalidating"]
    shown = grave[:SHOWN]
    if not shown:
        return
    rows = [
        (
            written("**{}**", plain(one.change.verdict)),
            _below(plain(f"{one.change.item}: {one.change.what}"), code(said) if (said := from_to(one)) else EMPTY),
            plain(one.change.rule.message),
            plain(standing_of(one)),
        )
        for one in shown
    ]
    yield from table(("", "what", "what it means", "agreement"), rows)
    if len(grave) > len(shown):
        yield from (f"… and {len(grave) - len(shown)} more below.", EMPTY)


def _diagnostics(review: Review) -> Iterator[str]:
    if before := stood_of(review):
        yield from (written("*{}.*", Markdown(before)), EMPTY)
    found = list(review.brought)
    if not found:
        return
    rows = [
        (
            plain(one.severity),
            code(one.name),
            plain(f"{one.summary}: {one.label}" if one.label else one.summary),
            code(str(one.span)),
        )
        for one in found
    ]
    errors, warnings = review.brought.errors, review.brought.warnings
    new = "new " if review.stood else ""
    heading = f"{errors} error{'s' * (errors != 1)}, {warnings} {new}warning{'s' * (warnings != 1)} in the specs"
    yield from _folded(heading, table(("", "code", "what", "where"), rows), opened=bool(errors))


def _data(review: Review) -> Iterator[str]:
    impact = review.impact
    if impact is None:
        if review.findings and review.no_impact:
            yield from (written("*Data: not looked at; {}.*", plain(review.no_impact)), EMPTY)
        return
    rows = [
        (plain(one.sync), code(one.connection), plain(impact_of_member(one)), plain(minutes_of(one, review.loads)))
        for one in impact.members
        if one.touched
    ]
    heading = written("**Data** ({})", plain(data_of(impact)))
    if not rows:
        yield from (written("{}: no record would be touched.", heading), EMPTY)
        return
    yield from (heading, EMPTY, *table(("sync", "in", "records", "takes"), rows))
    yield from (
        line for guard in impact.stopped_by for line in (written("⚠️ a run would stop: {}", plain(guard)), EMPTY)
    )
    samples = [
        (plain(f"{one.sync} in {one.connection}"), code(field.name), plain(f"{field.records:,}"), code(sample.native_id or "new"),
         _value(sample.before), _value(sample.after))
        for one in impact.members for field in one.fields for sample in field.samples
    ]  # fmt: skip
    if samples:
        yield from _folded("Samples, by field", table(("", "field", "records", "record", "before", "after"), samples))


def _value(value: str | None) -> Markdown:
    return Markdown("*null*") if value is None else code(value)


def _changes(review: Review) -> Iterable[Markdown]:
    yield from table(("verdict", "what, and what it means", "reaches"), (_row(one) for one in review.findings))


def _row(one: Finding) -> tuple[Markdown, ...]:
    change = one.change
    known = [plain(text) for text in (proof_of(one.proof) if one.proof else "", one.evidence) if text]
    broken = [written("breaks {}", joined(map(code, one.breaks)))] if one.breaks else []
    means = joined([plain(change.rule.message), *known, *broken], "; ")
    said, where = from_to(one), str(change.span) if change.span is not None else ""
    what = plain(f"{change.item}: {change.what}")
    return (
        _below(plain(change.verdict), code(change.rule.id)),
        _below(what, code(said) if said else EMPTY, means, code(where) if where else EMPTY),
        joined(map(code, one.affects)),
    )


def _below(*parts: Markdown) -> Markdown:
    """Put what there is on lines of one cell."""
    return joined([part for part in parts if part], "<br>")


def _scenarios(review: Review) -> Iterator[str]:
    if review.scenarios is None:
        return
    lost, all_ = review.scenarios.failed, len(review.scenarios.results)
    rows = [
        (plain(one.name), code(str(failure.span)), plain(failure.summary)) for one in lost for failure in one.failures
    ]
    heading = f"Scenarios: {all_ - len(lost)} of {all_} as expected"
    yield from (
        _folded(heading, table(("scenario", "where", "what"), rows), opened=True) if lost else (f"{heading}.", "")
    )


def _folded(heading: str, lines: Iterable[str], *, opened: bool = False) -> Iterator[str]:
    yield f"<details{' open' if opened else ''}><summary>{heading}</summary>"
    yield ""
    yield from lines
    yield "</details>"
    yield ""
