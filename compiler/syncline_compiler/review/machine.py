"""A review for machines: JSON with a published schema, and SARIF 2.1.0.

Invariant: JSON is stable and versioned: members are added, never renamed. A SARIF result keeps its fingerprint as long as it says the same
of the same thing, wherever in the file that stands.
"""

from __future__ import annotations

import hashlib
import json
import posixpath
from dataclasses import asdict
from importlib import metadata
from pathlib import Path
from typing import Any
from urllib.parse import quote

from syncline_compiler.changes.rules import rules
from syncline_compiler.diagnostics.catalogue import page
from syncline_compiler.diagnostics.diagnostic import Diagnostic
from syncline_compiler.diagnostics.render import diagnostic_as_json
from syncline_compiler.review.report import Finding, Review
from syncline_compiler.review.words import from_to, proof_of, standing_of
from syncline_compiler.source import LIBRARY, Span

REVIEW_VERSION = 1
SCHEMA = Path(__file__).parent / "review.schema.json"
SARIF_SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
SCENARIO = "scenario"
HOME = "https://pypi.org/project/syncline/"


def render_json(review: Review, *, folder: str = "") -> str:
    """Give a review as JSON; ``review.schema.json`` describes it."""
    return json.dumps(as_json(review, folder), indent=2, ensure_ascii=False) + "\n"


def as_json(review: Review, folder: str = "") -> dict[str, Any]:
    """Give a review as a JSON value."""
    return {
        "version": REVIEW_VERSION,
        "command": review.command,
        "project": review.project,
        "against": review.against,
        "release": review.release,
        "exit_code": review.exit_code,
        "failed": list(review.failed),
        "approvers": list(review.approvers),
        "totals": dict(review.totals),
        "specs": [
            {"kind": one.item.kind, "name": one.item.name, "how": one.how, "former": one.former} for one in review.items
        ],
        "changes": [_finding(one, folder) for one in review.findings],
        "proved_equal": [
            {"before": was.text, "after": now.text, "at": _at(now.span, folder) if now.span else None}
            for was, now in review.rewritten
        ],
        "versions": [
            {"kind": one.item.item.kind, "name": one.item.item.name, "was": one.former, "needs": one.needed}
            for one in review.versions
        ],
        "diagnostics": [
            diagnostic_as_json(one, folder) | {"stood_before": one in review.stood} for one in review.diagnostics
        ],
        "data": _data(review),
        "calls": [
            {
                "connection": one.connection, "per_run": {"before": one.per_run[0], "after": one.per_run[1]},
                "hourly": {"before": one.hourly[0], "after": one.hourly[1]},
                "daily": {"before": one.daily[0], "after": one.daily[1]}, "allowed": one.allowed, "growth": one.growth,
                "over": one.is_over,
            }
            for one in review.loads
        ],
        "budgets": [{"fail_if": one.said, "found": one.found, "kept": one.kept} for one in review.budgets],
        "scenarios": _scenarios(review, folder),
        "unformatted": list(review.unformatted),
        "notes": list(review.notes),
    }  # fmt: skip


def _finding(one: Finding, folder: str) -> dict[str, Any]:
    change = one.change
    return {
        "fingerprint": one.fingerprint,
        "rule": change.rule.id,
        "role": change.rule.role,
        "verdict": change.verdict,
        "direction": change.direction,
        "kind": change.item.kind,
        "name": change.item.name,
        "what": change.what,
        "before": change.said[0],
        "after": change.said[1],
        "means": change.rule.message,
        "affects": list(one.affects),
        "consequences": list(change.consequences),
        "owners": list(one.owners),
        "records": one.records,
        "standing": one.standing,
        "approval": asdict(one.approval) if one.approval else None,
        "proof": asdict(one.proof) if one.proof else None,
        "breaks": list(one.breaks),
        "evidence": one.evidence,
        "at": _at(change.span, folder) if change.span else None,
    }


def _at(span: Span, folder: str) -> dict[str, Any]:
    return {"file": _path(span, folder), "line": span.line, "column": span.column}


def _path(span: Span, folder: str) -> str:
    if span.path.startswith(LIBRARY):
        return span.path
    return posixpath.normpath(posixpath.join(folder, span.path))


def _data(review: Review) -> dict[str, Any] | None:
    impact = review.impact
    if impact is None:
        return None
    return {
        "environment": impact.environment,
        "records": impact.records,
        "stopped_by": list(impact.stopped_by),
        "sampled": [{"object": one[0], "records": one[1], "of": one[2]} for one in impact.sampled],
        "members": [asdict(one) | {"calls": one.calls, "touched": one.touched} for one in impact.members],
    }


def _scenarios(review: Review, folder: str) -> list[dict[str, Any]] | None:
    if review.scenarios is None:
        return None
    return [
        {
            "name": one.name, "passed": one.passed, "runs": one.runs, "at": _at(one.span, folder),
            "failures": [{"summary": failure.summary, "at": _at(failure.span, folder)} for failure in one.failures],
        }
        for one in review.scenarios.results
    ]  # fmt: skip


def render_sarif(review: Review, *, folder: str = "") -> str:
    """Give a review as SARIF 2.1.0: diagnostics, changes and what scenarios expected otherwise as results."""
    results = [
        *(
            _result(one, folder) | ({"properties": {"stood_before": True}} if one in review.stood else {})
            for one in review.diagnostics
        ),
        *(_change(one, folder) for one in review.findings),
        *_lost(review, folder),
    ]
    used = dict.fromkeys(result["ruleId"] for result in results)
    driver = {
        "name": "syncline", "informationUri": HOME, "version": metadata.version("syncline"),
        "rules": [_rule(name) for name in used],
    }  # fmt: skip
    run = {
        "tool": {"driver": driver},
        "columnKind": "unicodeCodePoints",
        "results": results,
        "automationDetails": {"id": f"syncline/{review.project}/{'drift/' if review.command == 'drift' else ''}"},
    }
    return json.dumps({"$schema": SARIF_SCHEMA, "version": "2.1.0", "runs": [run]}, indent=2, ensure_ascii=False) + "\n"


def _lost(review: Review, folder: str) -> list[dict[str, Any]]:
    """Give the expectations of scenarios that were not met."""
    return [
        {
            "ruleId": SCENARIO, "level": "error", "message": {"text": f"scenario {one.name}: {failure.summary}"},
            "locations": [_location(failure.span, folder)],
            "partialFingerprints": {"syncline/v1": _hash(SCENARIO, one.name, failure.summary)},
        }
        for one in (review.scenarios.failed if review.scenarios else ())
        for failure in one.failures
    ]  # fmt: skip


def _rule(name: str) -> dict[str, Any]:
    if name == SCENARIO:
        return {"id": name, "shortDescription": {"text": "A scenario comes out otherwise than it expects"}}
    rule = rules().get(name)
    if rule is not None:
        text = f"{rule.message}. Before: {rule.example[0] or 'nothing'}. After: {rule.example[1] or 'nothing'}."
        told = {"id": name, "shortDescription": {"text": rule.message}, "fullDescription": {"text": text}}
        return told | {"properties": {"tags": [rule.verdict, rule.role]}}
    described = page(name)
    return {
        "id": name,
        "shortDescription": {"text": described.summary},
        "help": {"text": described.text, "markdown": described.text},
    }


def _result(one: Diagnostic, folder: str) -> dict[str, Any]:
    text = ". ".join(part for part in (one.label or one.summary, *one.details, *one.helps) if part)
    result = {
        "ruleId": one.code,
        "level": one.severity,
        "message": {"text": text},
        "locations": [_location(one.span, folder)],
        "partialFingerprints": {"syncline/v1": _hash(one.code, one.rule or "", one.label, one.span.path)},
    }
    if one.secondary:
        result["relatedLocations"] = [
            _location(span, folder) | {"message": {"text": label}} for span, label in one.secondary
        ]
    if one.fixes:
        result["fixes"] = [_fix(one, folder)]
    return result


def _fix(one: Diagnostic, folder: str) -> dict[str, Any]:
    changes = [
        {
            "artifactLocation": {"uri": _uri(edit.span, folder)},
            "replacements": [{"deletedRegion": _region(edit.span), "insertedContent": {"text": edit.text}}],
        }
        for edit in one.fixes
    ]
    return {"description": {"text": one.helps[0] if one.helps else "mend it"}, "artifactChanges": changes}


def _change(one: Finding, folder: str) -> dict[str, Any]:
    change = one.change
    said = [
        f"{change.item}: {change.what}",
        from_to(one),
        change.rule.message,
        proof_of(one.proof) if one.proof else "",
    ]
    said.append(one.evidence)
    if one.breaks:
        said.append(f"breaks {', '.join(one.breaks)}")
    if one.affects:
        said.append(f"reaches {', '.join(one.affects)}")
    said.append(standing_of(one))
    failing = one.breaks or one.standing in ("needed", "expired", "outgrown")
    level = "error" if failing else "warning" if one.is_grave else "note"
    result: dict[str, Any] = {
        "ruleId": change.rule.id,
        "level": level,
        "message": {"text": ". ".join(part for part in said if part)},
        "partialFingerprints": {"syncline/v1": one.fingerprint},
        "locations": [_location(change.span, folder)] if change.span is not None else [],
    }
    if one.standing == "given" and one.approval is not None:
        result["suppressions"] = [{"kind": "external", "justification": f"{one.approval.by}: {one.approval.reason}"}]
    return result


def _location(span: Span, folder: str) -> dict[str, Any]:
    return {"physicalLocation": {"artifactLocation": {"uri": _uri(span, folder)}, "region": _region(span)}}


def _uri(span: Span, folder: str) -> str:
    return quote(_path(span, folder))


def _region(span: Span) -> dict[str, int]:
    return {
        "startLine": span.line, "startColumn": span.column, "endLine": span.end_line, "endColumn": span.end_column,
    }  # fmt: skip


def _hash(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:32]
