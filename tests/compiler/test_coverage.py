"""Coverage: what of the specs scenarios exercise, as their runs show it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from jsonschema import Draft7Validator

from compiler.test_scenarios import specs
from support.engine import project
from syncline_compiler.pipeline import check_project
from syncline_compiler.scenarios import run_scenarios
from syncline_compiler.scenarios.coverage import CoverageReport, Watch
from syncline_compiler.scenarios.formats import SCHEMA, as_json
from syncline_compiler.scenarios.report import ScenarioReport
from syncline_compiler.scenarios.told import tell_coverage

CODES = "codes: marks\nversion: 1.0.0\nrows: {A: first, B: second, C: third}\n"
SCENARIO = """
        given:
          a: {Rec: [{id: a1, key: k1, name: A, price: 1.50}, {id: a2, key: k2, name: B, price: 12.00}]}
        when:
          - {fail: b, how: '429', on: create}
          - run: all
        expect: {exceptions: []}
        """
MAPPING = (
    "mapping a.Rec <-> rec@1\n\ntake when key != \"x\"\n\nkey <-> key\nname <-> name | code marks\n"
    "price <- case when price > 100 then 100 when price > 10 then price else 0 end\nseen <-> seen\n\n"
    'reject when key == "bad" because "no"\n'
)  # fmt: skip


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> tuple[ScenarioReport, CoverageReport]:
    files = specs(one=SCENARIO) | {"marks.yaml": CODES, "a.map": MAPPING}
    files["rec.yaml"] = files["rec.yaml"].replace(
        '{type: "text?", label: Name}', "{type: 'enum?', values: [first, second, third], label: Name}"
    )
    files["marks.yaml"] = CODES.replace("rows", "for: rec.name\nrows")
    files["b.map"] = files["b.map"].replace("name <-> name | truncate 10", "name <-> name | code marks")
    checked = check_project(project(tmp_path_factory.mktemp("shop"), files))
    assert checked.project is not None, [str(one) for one in checked.diagnostics]
    assert checked.written is not None
    watch = Watch(checked.project, checked.written)
    report = run_scenarios(checked, after=watch.after)
    assert report.failed == ()
    return report, watch.report()


def test_what_is_not_exercised_is_told(seen: tuple[ScenarioReport, CoverageReport]) -> None:
    assert (
        tell_coverage(seen[1], folder="shop")
        == """\
lines: 9 of 10 exercised
  shop/a.map:8:1: not seen: `seen <-> seen` is read
code rows: 2 of 3 exercised
  shop/marks.yaml:4:32: not seen: `C` of `marks` (third)
branches: 3 of 6 exercised
  shop/a.map:3:1: not seen: `take` leaves a record
  shop/a.map:7:1: not seen: `price <- case when price > 100 then 100 when price > 10 then price else 0 end` takes branch 1 of its `case`
  shop/a.map:10:1: not seen: `reject` rejects a record
rules: 0 of 3 exercised
  shop/rec.yaml:10:19: not seen: two records of `rec` are one by same key
  shop/sync.yaml:1:7: not seen: an edit by a system that does not own the field
  shop/sync.yaml:5:11: not seen: the owner of `*` decides
failures: 1 of 4 exercised
  shop/sync.yaml:1:7: not seen: a record of `rec` is set aside
  shop/sync.yaml:3:21: not seen: `b` fails (transport)
  shop/sync.yaml:3:21: not seen: `b` fails (vendor)
"""
    )


def test_json_holds_it_too(seen: tuple[ScenarioReport, CoverageReport], tmp_path: Path) -> None:
    document = json.loads(as_json(*seen[:1], "shop", seen[1]))
    Draft7Validator(json.loads(SCHEMA.read_text(encoding="utf-8"))).validate(document)
    assert document["coverage"]["counts"]["code rows"] == {"exercised": 2, "of": 3}
    assert {one["file"] for one in document["coverage"]["missed"]} >= {"shop/a.map", "shop/marks.yaml"}
