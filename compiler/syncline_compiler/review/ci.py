"""A review for continuous integration: JUnit, and the annotations of GitHub and GitLab (Code Quality)."""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter
from typing import NamedTuple
from xml.etree import ElementTree as ET

from syncline_compiler.diagnostics.render import github_line
from syncline_compiler.review.report import Review
from syncline_compiler.review.words import beside_lines, from_to, standing_of
from syncline_compiler.source import Span

_LEVELS = {"error": "critical", "warning": "major", "notice": "info"}


def render_junit(review: Review, *, folder: str = "") -> str:
    """Give a review as JUnit XML: specs, changes, budgets and scenarios as suites."""
    root = ET.Element("testsuites", name=f"syncline {review.command}")
    specs = [
        _Case(one.name, str(one.span), one.summary, "\n".join([one.label, *one.helps]), one.severity == "error")
        for one in review.diagnostics
    ]
    changes = [
        _Case(
            f"{one.change.rule.id}: {one.change.item}, {one.change.what}",
            str(one.change.span or ""),
            standing_of(one),
            "\n".join([from_to(one), one.change.rule.message, *(f"breaks {broken}" for broken in one.breaks)]),
            one in review.open or bool(one.breaks),
        )
        for one in review.findings
    ]
    budgets = [
        _Case(one.said, "", "not known" if one.found is None else "exceeded", f"found {one.told}", one.kept is not True)
        for one in review.budgets
    ]
    scenarios = [
        _Case(
            one.name, str(one.span), "came out otherwise",
            "\n".join(line for failure in one.failures for line in (failure.summary, *failure.lines)),
            not one.passed,
        )
        for one in (review.scenarios.results if review.scenarios else ())
    ]  # fmt: skip
    layout = [_Case(path, path, "not in the one format", "run `syncline fmt`", True) for path in review.unformatted]
    _suite(root, "specs", specs or [_Case("no mistakes", "", "", "", False)], folder)
    _suite(root, "changes", changes, folder)
    _suite(root, "budgets", budgets, folder)
    _suite(root, "scenarios", scenarios, folder)
    _suite(root, "layout", layout, folder)
    ET.indent(root)
    return '<?xml version="1.0" encoding="utf-8"?>\n' + ET.tostring(root, encoding="unicode") + "\n"


class _Case(NamedTuple):
    """One test case: what it is about, where that stands, and what is said if it failed."""

    title: str
    where: str
    message: str
    text: str
    failed: bool


def _suite(root: ET.Element, name: str, cases: list[_Case], folder: str) -> None:
    failures = sum(case.failed for case in cases)
    suite = ET.SubElement(root, "testsuite", name=name, tests=str(len(cases)), failures=str(failures), errors="0")
    for one in cases:
        case = ET.SubElement(suite, "testcase", name=_xml(one.title), classname=f"syncline.{name}")
        if one.failed:
            where = f"{folder}/{one.where}" if one.where and folder not in ("", ".") else one.where
            told = "\n".join(part for part in (where, one.text.strip()) if part)
            ET.SubElement(case, "failure", message=_xml(one.message)).text = _xml(told)


def _xml(text: str) -> str:
    """Leave out what XML 1.0 cannot hold."""
    return re.sub(r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]", "", text)


def render_github(review: Review, *, folder: str = "") -> str:
    """Give what GitHub shows beside the changed lines, as workflow commands."""
    return "".join(
        f"{github_line(level, span, title, text, folder)}\n" for level, span, title, text in beside_lines(review)
    )


def render_gitlab(review: Review, *, folder: str = "") -> str:
    """Give what GitLab shows beside the changed lines, as a Code Quality report."""
    found, told = [], Counter[str]()
    for level, span, title, text in beside_lines(review):
        about = f"{title}\0{span.path}"
        nth = f"\0{told[about]}" if told[about] else ""  # GitLab shows one of those that are alike
        told[about] += 1
        found.append(
            {
                "description": f"{title}: {text}",
                "check_name": title.partition(":")[0],
                "fingerprint": hashlib.sha256(f"{about}{nth}".encode()).hexdigest(),
                "severity": _LEVELS[level],
                "location": {"path": _joined(span, folder), "lines": {"begin": span.line, "end": span.end_line}},
            }
        )
    return json.dumps(found, indent=2, ensure_ascii=False) + "\n"


def _joined(span: Span, folder: str) -> str:
    return f"{folder}/{span.path}" if folder not in ("", ".") else span.path
