"""What a review says in words, whatever the form."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from syncline_compiler.changes.change import Change
from syncline_compiler.review.report import Finding, Load, Proof, Review
from syncline_compiler.source import Span
from syncline_runtime.impact import Impact, MemberImpact

SIGNS = {
    "destructive": "✗", "identity-changing": "✗", "ownership-moving": "✗", "replay-unsafe": "✗", "breaking": "✗",
    "base-invalidating": "!", "behavioural": "~", "additive": "+", "cosmetic": " ",
}  # fmt: skip
STANDINGS = {
    "needed": "needs the agreement of {owners}",
    "expired": "was agreed to by {by} until {until}: needs the agreement of {owners} again",
    "outgrown": "{by} agreed when it touched {given} records, and it touches {records} now: needs the agreement of {owners} again",
    "given": "{by} agreed until {until}: {reason}",
}


def totals(review: Review) -> str:
    """Give the first line: how much changed, and how grave it is."""
    counted = [f"{count} {verdict}" for verdict, count in review.totals.items()]
    changes = f"{len(review.findings)} change{'s' if len(review.findings) != 1 else ''}"
    said = f"{changes}: {', '.join(counted)}" if counted else "nothing changed"
    moved = [f"{sum(one.how == how for one in review.items)} {how}" for how in ("added", "removed", "renamed")]
    items = [one for one in moved if not one.startswith("0 ")]
    return f"{said}; specs: {', '.join(items)}" if items else said


def verdict_of(review: Review) -> str:
    """Give the last line: what is to be done."""
    if review.failed:
        return "fails: " + "; ".join(review.failed)
    if review.open:
        who = ", ".join(review.approvers) or "somebody"
        return f"{len(review.open)} of them wait{'s' if len(review.open) == 1 else ''} for the agreement of {who}"
    if review.command == "drift":
        return "nothing that the specs rely on breaks" if review.findings else "the description fits"
    return "nothing stands against it"


def from_to(finding: Finding) -> str:
    """Give what is said before and after."""
    before, after = finding.change.said
    if before is None or after is None:
        return after or (f"was: {before}" if before else "")
    return _members(finding.change) or f"{before} → {after}"


def _members(change: Change) -> str:
    """Give the members that differ of two values that are told by the same words, such as two requests to one path, or by none."""
    before, after = change.said
    if before != after and not (before or "").startswith(("{", "[")):
        return ""
    values = [
        json.loads(one.value) for one in (change.before, change.after) if one and one.value.startswith(("{", "["))
    ]
    return ", ".join(_differing("", *values)) if len(values) == 2 else ""


def _differing(at: str, before: Any, after: Any) -> Iterator[str]:
    if isinstance(before, dict) and isinstance(after, dict):
        for name in dict.fromkeys((*before, *after)):
            yield from _differing(f"{at}.{name}" if at else name, before.get(name), after.get(name))
    elif isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
        for number, (old, new) in enumerate(zip(before, after, strict=True)):
            yield from _differing(f"{at}.{number}" if at else str(number), old, new)
    elif before != after:
        yield f"{at}: {json.dumps(before, ensure_ascii=False)} → {json.dumps(after, ensure_ascii=False)}"


def standing_of(finding: Finding) -> str:
    """Say whose agreement a finding has or needs; "" where nobody has to agree."""
    given = finding.approval
    return STANDINGS.get(finding.standing, "").format(
        owners=", ".join(finding.owners) or "somebody",
        by=given.by if given else "",
        until=given.until if given else "",
        reason=given.reason if given else "",
        given=given.records if given else "",
        records=finding.records,
    )


def proof_of(proof: Proof) -> str:
    """Say what is known of two expressions."""
    if proof.kind == "differs":
        row = ", ".join(f"{name} = {_value(value)}" for name, value in proof.row)
        told = f"differs on this row{_whence(proof)}: {row}: {_value(proof.before)} → {_value(proof.after)}"
        return f"{told}; {proof.differ:,} of {proof.known:,} rows of the data differ" if proof.known else told
    of_data = f", {proof.known:,} of them from the data" if proof.known else ""
    return f"not proved equal; {proof.rows:,} rows agreed{of_data}"


def _whence(proof: Proof) -> str:
    return (" of the data" if proof.of_data else ", which is made up") if proof.known else ""


def _value(value: str | None) -> str:
    return "null" if value is None else f'"{value}"'


def impact_of_member(one: MemberImpact) -> str:
    """Say what becomes of the records of a member."""
    counted = {
        "created": one.created, "rewritten": one.written, "deleted": one.deleted, "rejected": one.rejected,
        "for review": one.review, "leave the sync": one.left_scope,
    }  # fmt: skip
    said = [f"{count:,} {what}" for what, count in counted.items() if count]
    share = (
        f" ({one.touched * 100 / one.known:.1f}% of {one.known:,})"
        if one.known and one.touched
        else f" of {one.known:,}"
    )
    return f"{', '.join(said) or 'nothing'}{share}"


def data_of(impact: Impact) -> str:
    """Say what data was looked at."""
    parts = [f"{object_}: estimated from {taken:,} of {of:,}" for object_, taken, of in impact.sampled]
    return ", ".join([impact.environment, f"{impact.records:,} records", *parts])


def minutes_of(one: MemberImpact, loads: tuple[Load, ...]) -> str:
    """Say how long the writes take under the limit; "" where there is none."""
    allowed = next((load.allowed for load in loads if load.connection == one.connection), None)
    if not allowed or not one.calls:
        return ""
    minutes = one.calls * 60 / allowed
    return f"{one.calls:,} calls, {'less than a minute' if minutes < 1 else f'{minutes:,.0f} minutes'} under its limit"


def load_of(load: Load) -> str:
    """Say what a connection takes in a run, in an hour and in a day."""
    was, now = load.hourly
    changed = f"{was:,} → {now:,}" if was != now else f"{now:,}"
    allowed = f" of {load.allowed:,} allowed" if load.allowed is not None else ""
    per_run, daily = load.per_run[1], load.daily[1]
    said = f"{changed} calls an hour{allowed}, {per_run:,} a run, {daily:,} a day"
    if load.growth > 1:
        hourly, per_run, daily = (count * load.growth for count in (now, per_run, daily))
        said += f"; at {load.growth} × {hourly:,} an hour, {per_run:,} a run, {daily:,} a day"
    return f"{said}{' — too many' if load.is_over else ''}"


def place_of(span: Span, folder: str) -> str:
    """Say where something stands, from the folder in which the command runs."""
    return f"{folder}/{span}" if folder not in ("", ".") else str(span)


def stood_of(review: Review) -> str:
    """Say how many warnings stood before; "" where none did."""
    count = len(review.stood)
    return f"{count} warning{'s' * (count != 1)} stood before this change: see `syncline check`" if count else ""


def people(review: Review) -> Iterator[str]:
    """Name the findings that wait, with what to type once they are agreed to."""
    for one in review.open:
        yield f'syncline review --approve {one.fingerprint} --by NAME --reason "…" --until DAY'


def beside_lines(review: Review) -> Iterator[tuple[str, Span, str, str]]:
    """Give what is shown beside changed lines: level (error, warning, notice), place, title, text; nothing that stood before."""
    for one in review.brought:
        yield (
            one.severity,
            one.span,
            f"{one.name}: {one.summary}",
            "\n".join([one.label or one.summary, *one.details, *one.helps]),
        )
    for finding in review.findings:
        change = finding.change
        if change.span is not None and change.verdict != "cosmetic":
            level = "warning" if finding.is_grave else "notice"
            broken = f"breaks {', '.join(finding.breaks)}" if finding.breaks else ""
            proof = proof_of(finding.proof) if finding.proof is not None else ""
            said = (change.rule.message, from_to(finding), proof, finding.evidence, broken, standing_of(finding))
            text = "\n".join(filter(None, said))
            yield level, change.span, f"{change.verdict}: {change.what} ({change.rule.id})", text
    for scenario in review.scenarios.failed if review.scenarios is not None else ():
        for failure in scenario.failures:
            text = "\n".join(filter(None, (failure.summary, *failure.lines, failure.help)))
            yield "error", failure.span, f"scenario: {scenario.name}", text
