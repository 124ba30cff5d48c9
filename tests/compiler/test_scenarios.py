"""`syncline test`: every step and every expectation, met and missed; what people and machines read of it."""

from __future__ import annotations

import json
import re
from pathlib import Path
from xml.etree import ElementTree

import click
import pytest
from click.testing import CliRunner, Result
from jsonschema import Draft7Validator
from syrupy.assertion import SnapshotAssertion

from support.engine import project, release_of
from support.world import FROM_A_TO_B, PROJECT, system
from syncline_compiler.cli import COMMANDS
from syncline_compiler.pipeline import check_project
from syncline_compiler.scenarios import FaultyProjectError, ScenarioReport, run_scenarios
from syncline_compiler.scenarios.formats import SCHEMA, as_github, as_gitlab, as_json, as_junit
from syncline_compiler.scenarios.recording import recorded
from syncline_compiler.scenarios.told import tell, totals

GROUP = click.Group("syncline", commands=dict(COMMANDS))
FIELDS = "key: {type: text, required: true}, name: text(10), price: 'decimal(9,2)', seen: instant"
SPECS = {
    "syncline.yaml": PROJECT,
    "rec.yaml": """
        object: rec
        version: 1.0.0
        label: Record
        fields:
          key: {type: text, required: true, label: Key}
          name: {type: "text?", label: Name}
          price: {type: "decimal(9,2)?", label: Price}
          seen: {type: "instant?", label: Seen}
        identity: [{same: [key]}]
        """,
    "a.yaml": system("a", Rec=FIELDS),
    "b.yaml": system("b", Rec=FIELDS),
    "a.map": 'mapping a.Rec <-> rec@1\n\nkey <-> key\nname <-> name | truncate 10\nprice <-> price\n'
             'seen <-> seen\n\nreject when name == "bad" because "no"\n',
    "b.map": "mapping b.Rec <-> rec@1\n\nkey <-> key\nname <-> name | truncate 10\nprice <-> price\n",
    "sync.yaml": FROM_A_TO_B + "when_deleted_in: {a: delete}\nguards: {delete: 0}\nfreshness: 15m\n",
}  # fmt: skip
GIVEN = "given: {a: {Rec: [{id: a1, key: k1, name: Ann, price: 1.50, seen: '2026-01-05T08:00:00Z'}]}}"
MET = {
    "life": """
        covers: [create, update, cancel, exception]
        {given}
        when:
          - run: all
          - {change: a.Rec, id: a1, to: {name: Bob}}
          - {fail: b.Rec, how: 500_after, on: update}
          - run: rec
          - wait: 2h
          - {add: a.Rec, record: {id: a2, key: k2, name: bad}}
          - run: all
          - {delete: a.Rec, id: a1}
          - {run: all, stopped: true}
          - {run: all, approve: true}
        expect:
          writes:
            - {create: b.Rec, with: {key: k1, name: Ann, price: 1.5}}
            - {update: b.Rec, id: rec_0001, with: {name: Bob}}
            - {delete: b.Rec, id: rec_0001}
          exceptions:
            - {code: SYN5003, at: a.Rec, id: a2}
          records: [{of: rec, count: 0}]
        """,
    "values": """
        {given}
        when: [run: all]
        expect:
          writes: [create: b.Rec]
          records:
            - {of: rec, where: key == "k1", has: {price: 1.5, seen: "2026-01-05T09:00:00+01:00"}}
            - {of: rec, where: price > 1.00}
          exceptions: []
        """,
}
MISSED = {
    "another_write": """
        {given}
        when: [run: all, {change: a.Rec, id: a1, to: {name: Bob}}, run: all]
        expect:
          writes:
            - {create: b.Rec, with: {key: k1, name: Ann, price: 1.50}}
            - {update: b.Rec, id: rec_0001, with: {name: Rob}}
        """,
    "another_value": """
        {given}
        when: [run: all]
        expect:
          writes: []
          records:
            - {of: rec, where: key == "k1", has: {name: Bob, price: 1.50, seen: null}}
            - {of: rec, where: key == "k2", has: {name: Bob}}
            - {of: rec, count: 0}
          exceptions:
            - {code: SYN5003, at: a.Rec, id: a1}
        """,
    "another_exception": """
        given: {a: {Rec: [{id: a1, key: k1, name: bad}]}}
        when: [run: all]
        expect: {exceptions: []}
        """,
    "guarded": """
        given: {a: {Rec: [{id: a1, key: k1, name: Ann}, {id: a2, key: k2, name: Bob}]}}
        when: [run: all, {delete: a.Rec, id: a1}, run: all]
        expect: {writes: []}
        """,
    "not_guarded": """
        {given}
        when: [{run: all, stopped: true}]
        expect: {writes: []}
        """,
    "not_there": """
        when: [{change: a.Rec, id: a1, to: {name: Bob}}]
        expect: {writes: []}
        """,
    "not_there_either": """
        {given}
        when: [{delete: a.Rec, id: a1}, {delete: a.Rec, id: a1}]
        expect: {writes: []}
        """,
}


def specs(**scenarios: str) -> dict[str, str]:
    """Give the project with scenarios."""
    told = {
        f"scenarios/{name}.yaml": f"        scenario: {name}\n        sync: rec{text.replace('{given}', GIVEN)}"
        for name, text in scenarios.items()
    }
    return SPECS | told


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return project(tmp_path_factory.mktemp("shop"), specs(**MET, **MISSED))


@pytest.fixture(scope="module")
def played(root: Path) -> ScenarioReport:
    return run_scenarios(root)


def call(*arguments: str | Path) -> Result:
    return CliRunner().invoke(GROUP, ["test", *map(str, arguments)])


@pytest.mark.parametrize("name", MET)
def test_what_is_as_expected_passes(played: ScenarioReport, name: str) -> None:
    (result,) = (one for one in played.results if one.name == name)
    assert result.failures == ()
    assert result.ended


def test_what_is_not_as_expected_is_told(played: ScenarioReport, snapshot: SnapshotAssertion) -> None:
    assert {one.name for one in played.failed} == set(MISSED)
    assert "\n".join(tell(one) for one in played.failed) == snapshot


def test_each_expectation_fails_where_it_stands(played: ScenarioReport) -> None:
    (result,) = (one for one in played.results if one.name == "another_value")
    lines = (SPECS | specs(**MISSED))["scenarios/another_value.yaml"].splitlines()
    assert [lines[one.span.line - 1].strip().split(",")[0] for one in result.failures] == [
        "writes: []", "- {of: rec", "- {of: rec", "- {of: rec", "- {code: SYN5003",
    ]  # fmt: skip


def test_playing_it_again_is_the_same(root: Path, played: ScenarioReport) -> None:
    again = run_scenarios(root, {"life"})
    assert [one.happened for one in again.results] == [one.happened for one in played.results if one.name == "life"]


def test_json_fits_its_schema(played: ScenarioReport) -> None:
    document = json.loads(as_json(played, "shop"))
    Draft7Validator(json.loads(SCHEMA.read_text(encoding="utf-8"))).validate(document)
    assert (document["passed"], document["failed"]) == (len(MET), len(MISSED))
    written = next(one["writes"] for one in document["scenarios"] if one["name"] == "values")
    assert written == [{"create": "b.Rec", "with": {"key": "k1", "name": "Ann", "price": "1.50"}}]


def test_junit_has_a_case_for_each_scenario(played: ScenarioReport) -> None:
    suites = ElementTree.fromstring(as_junit(played, "shop"))
    cases = {case.get("name"): [one.get("message") for one in case] for case in suites.iter("testcase")}
    assert set(cases) == {*MET, *MISSED}
    assert cases["life"] == []
    assert cases["another_exception"] == ["the records that are set aside are not the expected ones"]


def test_annotations_stand_at_the_line(played: ScenarioReport) -> None:
    (line,) = (line for line in as_github(played, "shop").splitlines() if "another_exception.yaml" in line)
    assert line.startswith(
        "::error file=shop/scenarios/another_exception.yaml,line=5,title=scenario another_exception::"
    )
    issues = json.loads(as_gitlab(played, "shop"))
    assert len({one["fingerprint"] for one in issues}) == len(issues) == sum(len(o.failures) for o in played.failed)


def test_what_came_is_written_where_it_was_expected_otherwise(root: Path, played: ScenarioReport) -> None:
    declared = check_project(root).written.scenarios  # type: ignore[union-attr]
    texts = {}
    for result in played.results:
        source = declared[result.name].document.source
        text = source.text.replace("name: Rob}}", "name: Rob}} # at last").replace("- {code", "# why?\n    - {code")
        texts[result.name] = recorded(text, declared[result.name].spec.expect, result.happened).split("expect:\n")[-1]
    assert (
        texts["another_write"]
        == """\
  writes:
    - {create: b.Rec, with: {key: k1, name: Ann, price: 1.50}}
    - {update: b.Rec, id: rec_0001, with: {name: Bob}} # at last
"""
    )
    assert (
        texts["another_value"]
        == """\
  writes:
    - {create: b.Rec, with: {key: k1, name: Ann, price: 1.50}}
  records:
    - {of: rec, where: key == "k1", has: {name: Ann, price: 1.50, seen: "2026-01-05T08:00:00Z"}}
    - {of: rec, where: key == "k2", has: {name: Bob}, count: 0}
    - {of: rec, count: 1}
  exceptions: [
               # why?
              ]
"""
    )
    assert texts["another_exception"].endswith("expect: {exceptions: [{code: SYN5003, at: a.Rec, id: a1}]}\n")


def test_an_event_is_no_step_that_passes_in_silence(tmp_path: Path) -> None:
    event = "event: changed\nversion: 1.0.0\nobject: rec@1\nfrom: a.Rec\ncomes_in: {webhook: /in}\nwhen: {kind: x}\nat: {id: id}\n"
    scenario = {"told": "\n        when: [{event: changed, body: {}}]\n        expect: {writes: []}\n"}
    report = run_scenarios(project(tmp_path, specs(**scenario) | {"event.yaml": event}))
    assert [one.summary for one in report.results[0].failures] == [
        "the event `changed` cannot come in: runs do not receive events yet"
    ]


def test_runs_before_and_after_an_upgrade(tmp_path: Path) -> None:
    """The earlier release did not carry the price; the later one writes what it finds agreed nowhere."""
    texts = {
        "upgraded": """
        begins_with: .releases/1
        {given}
        when: [run: all, upgrade: true, run: all]
        expect:
          writes:
            - {create: b.Rec, with: {key: k1, name: Ann}}
            - {update: b.Rec, id: rec_0001, with: {price: 1.50}}
        """,
        "from_nowhere": """
        begins_with: .releases/0
        when: [upgrade: true]
        expect: {writes: []}
        """,
    }
    root = project(tmp_path, specs() | {"b.map": SPECS["b.map"].replace("price <-> price\n", "")})
    release_of(root, root / ".releases" / "1")
    report = run_scenarios(project(tmp_path, specs(**texts)))
    nowhere, upgraded = report.results
    assert upgraded.failures == ()
    assert [(one.span.line, one.summary.partition(" (")[0]) for one in nowhere.failures] == [(3, "cannot be read")]


def test_the_command(root: Path, tmp_path: Path) -> None:
    good = call("--project", root, "values")
    assert (good.exit_code, good.stdout) == (0, "ok    values (rec, 1 run)\n")
    assert re.fullmatch(r"1 scenario: passed \(1 run in [\d.]+ s, [\d.]+ a second\)\n", good.stderr)
    bad = call(root / "scenarios" / "not_there.yaml", "--format", "junit")
    assert bad.exit_code == 1
    assert ElementTree.fromstring(bad.stdout).get("failures") == "1"
    text = (root / "scenarios" / "not_there.yaml").read_text(encoding="utf-8")
    assert call(root / "scenarios" / "not_there.yaml", "--update").exit_code == 1  # it never came to its expectations
    assert (root / "scenarios" / "not_there.yaml").read_text(encoding="utf-8") == text
    unknown = call("--project", root, "vaules")
    assert unknown.exit_code == 2
    assert "no scenario is called 'vaules'" in unknown.stderr


def test_a_project_with_mistakes_is_not_played(tmp_path: Path) -> None:
    broken = project(tmp_path, specs(**MET) | {"b.map": "mapping b.Rec <-> rec@1\n\nkey <-> kez\n"})
    with pytest.raises(FaultyProjectError):
        run_scenarios(broken)
    result = call("--project", broken)
    assert result.exit_code == 1
    assert "SYN0204" in result.stderr


def test_totals(played: ScenarioReport) -> None:
    assert re.match(rf"{len(MET) + len(MISSED)} scenarios: {len(MISSED)} failed \(\d+ runs in ", totals(played))
