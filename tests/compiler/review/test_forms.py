"""The forms of a review for machines, held against their schemas: ours, SARIF 2.1.0 and JUnit."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest
import xmlschema
from jsonschema import Draft4Validator, Draft202012Validator
from syrupy.assertion import SnapshotAssertion

from change_pairs import base_files, edited, pairs, reviewed
from syncline_compiler.review.approvals import with_standing
from syncline_compiler.review.ci import render_github, render_gitlab, render_junit
from syncline_compiler.review.machine import SCHEMA, as_json, render_json, render_sarif
from syncline_compiler.review.markdown import render_markdown
from syncline_compiler.review.report import Approval, Budget, Load, Review
from syncline_compiler.review.words import from_to, load_of
from syncline_compiler.scenarios.report import Failure, ScenarioReport, ScenarioResult
from syncline_compiler.source import Span
from syncline_runtime.impact import FieldImpact, Impact, MemberImpact, Sample

STANDARDS = Path(__file__).parents[2] / "standards"
OURS = Draft202012Validator(json.loads(SCHEMA.read_text()))
SARIF = Draft4Validator(json.loads((STANDARDS / "sarif-2.1.0.json").read_text()))
JUNIT = xmlschema.XMLSchema(STANDARDS / "junit-10.xsd")
EDITS = [
    ("objects/account.yaml", 'tax_id: {type: "text(20)?"', 'tax_id: {type: "text(30)?"'),
    ("codes/erp_state.yaml", "X: closed", "X: active"),
    ("mappings/crm_account.map", "| email", "| emial"),
    ("syncs/account.yaml", "credit_limit: erp", "credit_limit: crm"),
]


@cache
def rich() -> Review:
    """Give a review in which everything is said: changes, agreements, mistakes, data, budgets and calls."""
    files = edited(base_files(), EDITS)
    found = reviewed(base_files(), files)
    given = Approval(found.findings[0].fingerprint, "Ada", "agreed in June", "2027-01-31", 12)
    late = Approval(found.findings[1].fingerprint, "Bo", "for now", "2026-01-31")
    findings = tuple(replace(one, records=3) for one in found.findings)
    samples = (Sample("1", "A", None), Sample(None, None, "<b>|`x`"))
    member = MemberImpact(
        "account", "erp", "Partner", 20_000, 3, 40, 1, 2, 5, 1, 7, (FieldImpact("credit", 40, samples),)
    )
    return replace(
        found,
        findings=tuple(with_standing(findings, (given, late), date(2026, 11, 22))),
        impact=Impact(
            "production",
            40_000,
            (member, MemberImpact("invoice", "crm", "Invoice", 9)),
            ("guard",),
            (("account", 5, 9),),
        ),
        loads=(
            Load("crm", (25, 1_000), (100, 4_000), (2_400, 96_000), 3_600, 2),
            Load("erp", (5, 5), (5, 5), (120, 120), None),
        ),
        budgets=(
            Budget("rewrites > 2%", 0.1, True),
            Budget("deletes > 0", 1.0, False),
            Budget("calls > 9", None, None),
        ),
        notes=("a note",),
        unformatted=("objects/account.yaml",),
    )


@cache
def every_review() -> tuple[Review, ...]:
    return (rich(), *(reviewed(*pair.files) for pair in pairs()[::4]))


def test_json_keeps_to_its_schema() -> None:
    Draft202012Validator.check_schema(OURS.schema)
    for review in every_review():
        OURS.validate(json.loads(render_json(review, folder="shop")))
    assert {one["standing"] for one in as_json(rich())["changes"]} >= {"given", "expired", "needed"}


def test_the_schema_leaves_nothing_open() -> None:
    """A member that is not described is found, so that the schema follows what is written."""
    document = as_json(rich())
    assert not OURS.is_valid({**document, "more": 1})
    assert not OURS.is_valid({key: value for key, value in document.items() if key != "changes"})
    assert not OURS.is_valid({**document, "data": {**document["data"], "more": 1}})


def test_sarif_keeps_to_its_schema() -> None:
    for review in every_review():
        SARIF.validate(json.loads(render_sarif(review, folder="shop")))
    (run,) = json.loads(render_sarif(rich()))["runs"]
    assert {one["level"] for one in run["results"]} >= {"error", "warning"}
    assert any("fixes" in one for one in run["results"])
    assert any("suppressions" in one for one in run["results"])
    assert {one["ruleId"] for one in run["results"]} == {one["id"] for one in run["tool"]["driver"]["rules"]}


def test_junit_keeps_to_its_schema() -> None:
    for review in every_review():
        JUNIT.validate(ET.fromstring(render_junit(review, folder="shop")))
    assert not JUNIT.is_valid(ET.fromstring("<testsuites><testcase/></testsuites>"))


def test_fingerprints_stay_where_lines_move() -> None:
    """A comment above everything moves every line: fingerprints stay, and so do the fingerprints of mistakes."""
    other = edited(base_files(), EDITS)
    moved = {path: f"# a comment\n\n{text}" for path, text in other.items()}
    here, there = (
        json.loads(render_sarif(reviewed(base_files(), files)))["runs"][0]["results"] for files in (other, moved)
    )
    assert [one["partialFingerprints"] for one in here] == [one["partialFingerprints"] for one in there]
    assert [_line(one) for one in here] != [_line(one) for one in there]
    assert len({one["partialFingerprints"]["syncline/v1"] for one in here}) == len(here)


def _line(result: Mapping[str, Any]) -> int:
    return result["locations"][0]["physicalLocation"]["region"]["startLine"]


@pytest.mark.parametrize("review", [rich()], ids=["rich"])
def test_gitlab_and_github(review: Review) -> None:
    found = json.loads(render_gitlab(review, folder="shop"))
    assert len({one["fingerprint"] for one in found}) == len(found)
    assert {one["severity"] for one in found} <= {"info", "minor", "major", "critical", "blocker"}
    assert all(one["location"]["path"].startswith("shop/") and one["location"]["lines"]["begin"] > 0 for one in found)
    lines = render_github(review, folder="shop").splitlines()
    assert all(line.startswith(("::error file=shop/", "::warning file=shop/", "::notice file=shop/")) for line in lines)


def test_warnings_alike_are_told_one_by_one_in_gitlab() -> None:
    """Of findings with one fingerprint GitLab shows one."""
    lines = "region       <-> region", "phone        <-> phone"
    mistakes = [("mappings/crm_account.map", old, f"{old}_x") for old in lines]
    found = json.loads(render_gitlab(reviewed(base_files(), edited(base_files(), mistakes))))
    assert len({one["fingerprint"] for one in found}) == len(found) > 1


def test_scenarios_that_came_out_otherwise_are_shown_where_they_expect() -> None:
    span = Span("scenarios/account.yaml", 7, 5, 7, 9)
    failure = Failure(span, "the writes to `erp` are not as expected", ("- name: Ada", "+ name: ADA"))
    result = ScenarioResult("life", "Life", "account", span, (failure,))
    found = replace(rich(), scenarios=ScenarioReport("atlas", (result,), 0.1))
    assert "::error file=scenarios/account.yaml,line=7" in render_github(found)
    assert "+ name: ADA" in render_gitlab(found)
    assert "+ name: ADA" in render_junit(found)


def test_of_a_fallback_all_that_differs_is_told() -> None:
    said = (
        "freshness: 15m\nfallback: {after: AFTER, who: WHO, steps: [write it down], recognised_by: [tax_id, country]}"
    )
    before = edited(base_files(), [("syncs/account.yaml", "freshness: 15m", said)])
    after = edited(before, [("syncs/account.yaml", "AFTER, who: WHO", "4h, who: sales")])
    before = edited(before, [("syncs/account.yaml", "AFTER, who: WHO", "2h, who: finance")])
    assert from_to(reviewed(before, after).findings[0]) == 'after: "2h" → "4h", who: "finance" → "sales"'


def test_calls_are_told_now_and_grown() -> None:
    told = load_of(Load("crm", (5, 5), (5, 5), (120, 120), 3_600, 10))
    assert told == "5 calls an hour of 3,600 allowed, 5 a run, 120 a day; at 10 × 50 an hour, 50 a run, 1,200 a day"


def test_the_comment(snapshot: SnapshotAssertion) -> None:
    assert render_markdown(rich()) == snapshot


def test_a_mistake_is_told_once() -> None:
    """A mapping that cannot be understood is not told to be gone, and neither is its member."""
    rules = [one.change.rule.id for one in rich().findings]
    assert rules == ["key-type-wider", "code-meaning", "code-back-removed", "code-back-removed"]
    assert rich().items == ()


def test_values_of_data_are_shown_as_themselves() -> None:
    text = render_markdown(rich())
    assert "<b>" not in text.replace("`` <b>|`x` ``", "")
