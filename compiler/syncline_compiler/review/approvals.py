"""Approvals: what people have agreed to, kept beside the specs in ``syncline.approvals``.

In: the text of the file, findings. Out: findings with where they stand. Invariant: an approval is of one finding as it was: one that is
past its day counts no more, and one that by now touches a tenth more records than it was given for is asked for again.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import date
from typing import Annotated, Literal

from pydantic import Field, TypeAdapter, ValidationError

from syncline_compiler.diagnostics.diagnostic import Collector
from syncline_compiler.model.written import Day, Text, Written
from syncline_compiler.quantities import day
from syncline_compiler.review.report import Approval, Finding, Standing
from syncline_compiler.source import SourceFile, Unreadable
from syncline_compiler.yaml_reader import read_yaml

APPROVALS_FILE = "syncline.approvals"
OUTGROWN = 1.1


class ApprovalsError(Exception):
    """The file cannot be used; the text says why."""


class _ApprovalSpec(Written):
    """One approval as written."""

    finding: Annotated[str, Field(pattern=r"^[0-9a-f]{16}$")]
    change: Text
    by: Text
    reason: Text
    until: Day
    records: Annotated[int, Field(ge=0)] | Literal["unknown"] = "unknown"


def read_approvals(source: SourceFile | Unreadable | None) -> tuple[Approval, ...]:
    """Read the approvals of a project; ApprovalsError where they cannot be."""
    if source is None:
        return ()
    if isinstance(source, Unreadable):
        raise ApprovalsError(f"{APPROVALS_FILE}: {source.why}; {source.remedy}")
    found = Collector({source.path: source})
    document = read_yaml(source, found)
    if document is None or found.failed:
        raise ApprovalsError(f"{APPROVALS_FILE}: " + "; ".join(one.label or one.summary for one in found))
    try:
        listed = TypeAdapter(list[_ApprovalSpec]).validate_python(document.value or [])
    except ValidationError as error:
        first = error.errors()[0]
        raise ApprovalsError(f"{APPROVALS_FILE}: {'.'.join(map(str, first['loc']))}: {first['msg']}") from None
    return tuple(
        Approval(one.finding, one.by, one.reason, one.until, None if one.records == "unknown" else one.records)
        for one in listed
    )


def with_standing(findings: Iterable[Finding], approvals: Iterable[Approval], today: date) -> Iterator[Finding]:
    """Say of each finding whether somebody has to agree, or has."""
    by_finding: dict[str, Approval] = {}
    for approval in approvals:
        by_finding[approval.finding] = approval  # the last one counts
    for finding in findings:
        given = by_finding.get(finding.fingerprint)
        yield replace(finding, standing=_standing(finding, given, today), approval=given)


def _standing(finding: Finding, given: Approval | None, today: date) -> Standing:
    if not finding.is_grave:
        return "none"
    if given is None:
        return "needed"
    if day(given.until) < today:
        return "expired"
    grown = finding.records is not None and given.records is not None and finding.records > given.records * OUTGROWN
    return "outgrown" if grown else "given"


def written(findings: Iterable[Finding], by: str, reason: str, until: date) -> str:
    """Give the lines that are added to the file for these findings."""
    return "".join(
        f"- finding: {finding.fingerprint}\n"
        f"  change: {_quoted(f'{finding.change.rule.id}: {finding.change.item}, {finding.change.what}')}\n"
        f"  by: {_quoted(by)}\n"
        f"  reason: {_quoted(reason)}\n"
        f"  until: {until.isoformat()}\n"
        f"  records: {'unknown' if finding.records is None else finding.records}\n"
        for finding in findings
    )


def _quoted(text: str) -> str:
    """Give a text as a YAML scalar that stays one."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", " ") + '"'
