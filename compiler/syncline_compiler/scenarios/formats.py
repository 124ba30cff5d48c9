"""Results of scenarios for machines: JSON, JUnit, annotations of GitHub, a code quality report of GitLab.

In: a report. Out: text. Invariant: the JSON fits ``test.schema.json``; members are added, never renamed.
"""

from __future__ import annotations

import hashlib
import json
from decimal import Decimal
from pathlib import Path
from typing import Any, get_args
from xml.etree import ElementTree

from syncline_compiler.diagnostics.render import as_message, as_property, clean
from syncline_compiler.scenarios.coverage import CoverageReport
from syncline_compiler.scenarios.mutation import Fate, MutationReport
from syncline_compiler.scenarios.report import Failure, ScenarioReport, ScenarioResult
from syncline_compiler.scenarios.told import path_of, text_of

JSON_VERSION = 1
SCHEMA = Path(__file__).parent / "test.schema.json"


def as_json(
    report: ScenarioReport,
    folder: str,
    coverage: CoverageReport | None = None,
    mutation: MutationReport | None = None,
) -> str:
    """Give the report as JSON, with coverage and mutants if there are any."""
    document: dict[str, Any] = {
        "version": JSON_VERSION,
        "project": report.project,
        "passed": len(report.results) - len(report.failed),
        "failed": len(report.failed),
        "runs": report.runs,
        "seconds": round(report.seconds, 3),
        "scenarios": [_scenario(result, folder) for result in report.results],
    }
    if coverage is not None:
        document["coverage"] = {
            "counts": {kind: {"exercised": seen, "of": of} for kind, (seen, of) in coverage.counted().items()},
            "missed": [
                {"kind": one.kind, "file": path_of(one.span, folder), "line": one.span.line, "what": one.what}
                for one in coverage.missed
            ],
        }
    if mutation is not None:
        document["mutation"] = _mutation(mutation, folder)
    return json.dumps(document, indent=2, ensure_ascii=False, default=_number) + "\n"


def _mutation(report: MutationReport, folder: str) -> dict[str, Any]:
    return {
        "score": round(report.score, 4) if report.score is not None else None,
        "tried": len(report.judged),
        "of": report.of,
        "counts": {fate: report.count(fate) for fate in get_args(Fate)},
        "mutants": [
            {
                "file": path_of(one.mutant.span, folder),
                "line": one.mutant.span.line,
                "what": one.mutant.what,
                "fate": one.fate,
                **({"by": one.by} if one.by else {}),
            }
            for one in report.judged
        ],
    }


def _scenario(result: ScenarioResult, folder: str) -> dict[str, Any]:
    return {
        "name": result.name,
        "label": result.label,
        "sync": result.sync,
        "file": path_of(result.span, folder),
        "line": result.span.line,
        "passed": result.passed,
        "runs": result.runs,
        "seconds": round(result.seconds, 3),
        "failures": [
            {
                "file": path_of(one.span, folder),
                "line": one.span.line,
                "column": one.span.column,
                "summary": one.summary,
                "lines": list(one.lines),
                "help": one.help,
            }
            for one in result.failures
        ],
        "writes": list(result.happened.writes),
        "exceptions": list(result.happened.exceptions),
    }


def _number(value: Any) -> str:
    """Give a number with a point as text: JSON readers would take it for a binary one."""
    if isinstance(value, Decimal):
        return format(value, "f")
    raise TypeError(type(value).__name__)


def as_junit(report: ScenarioReport, folder: str) -> str:
    """Give the report as JUnit XML: a test case for each scenario."""
    counts = {"tests": str(len(report.results)), "failures": str(len(report.failed)), "errors": "0", "skipped": "0"}
    whole = {"name": report.project, **counts, "time": f"{report.seconds:.3f}"}
    suites = ElementTree.Element("testsuites", whole)
    suite = ElementTree.SubElement(suites, "testsuite", whole)
    for result in report.results:
        file = path_of(result.span, folder)
        case = ElementTree.SubElement(
            suite, "testcase", classname=file, name=result.name, file=file, time=f"{result.seconds:.3f}"
        )
        if result.failures:
            texts = [f"{path_of(one.span, folder)}:{one.span.line}: {text_of(one)}" for one in result.failures]
            failure = ElementTree.SubElement(case, "failure", message=clean(result.failures[0].summary))
            failure.text = "\n".join(clean(line) for text in texts for line in text.split("\n"))
    ElementTree.indent(suites)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ElementTree.tostring(suites, encoding="unicode") + "\n"


def as_github(report: ScenarioReport, folder: str) -> str:
    """Give each failure as a workflow command, which GitHub shows beside the line."""
    return "".join(
        f"::error file={as_property(path_of(one.span, folder))},line={one.span.line},"
        f"title={as_property(f'scenario {result.name}')}::{as_message(text_of(one))}\n"
        for result in report.failed
        for one in result.failures
    )


def as_gitlab(report: ScenarioReport, folder: str) -> str:
    """Give each failure as an issue of GitLab's code quality report."""
    issues = [_issue(result, one, folder) for result in report.failed for one in result.failures]
    return json.dumps(issues, indent=2, ensure_ascii=False) + "\n"


def _issue(result: ScenarioResult, failure: Failure, folder: str) -> dict[str, Any]:
    told = f"{result.name}: {failure.summary}"
    return {
        "type": "issue",
        "check_name": "syncline-test",
        "description": told,
        "content": {"body": text_of(failure)},
        "fingerprint": hashlib.sha256(f"{failure.span.path}\n{told}".encode()).hexdigest(),
        "severity": "major",
        "location": {"path": path_of(failure.span, folder), "lines": {"begin": failure.span.line}},
    }


FORMATS = {"json": as_json, "junit": as_junit, "github": as_github, "gitlab": as_gitlab}
"""How to write a report, by the name of the format."""
