"""Mutants: which mistakes are made, and that scenarios are told which they miss."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from jsonschema import Draft7Validator

from compiler.test_scenarios import SPECS, specs
from support.engine import project
from syncline_compiler.diagnostics.mend import edited
from syncline_compiler.pipeline import Compilation, check_project
from syncline_compiler.scenarios import mutation, run_scenarios
from syncline_compiler.scenarios.formats import SCHEMA, as_json
from syncline_compiler.scenarios.mutants import Mutant, mutants_of
from syncline_compiler.scenarios.told import score, tell_mutants

EXAMPLE = Path(__file__).parents[2] / "examples" / "quickstart"


def mutants(checked: Compilation) -> dict[str, Mutant]:
    """Give the mutants by the line that each makes."""
    assert checked.project is not None
    assert checked.written is not None
    made = {}
    for one in mutants_of(checked.project, checked.written, checked.sources):
        source = checked.sources[one.span.path]
        made[edited(source.text, one.edits).split("\n")[one.span.line - 1].strip()] = one
    return made


@pytest.fixture(scope="module")
def made() -> dict[str, Mutant]:
    return mutants(check_project(EXAMPLE))


@pytest.mark.parametrize(
    "line",
    [
        'tax_id  <-> country',  # its neighbour took its place
        "name         <-> name | truncate 61",
        "name         <-> name",
        'take when kind != "customer"',
        'take when kind == "customer~"',
        'reject when status == "Open" or address is null and phone is null because "no way to reach this customer"',
        'reject when status == "Open" and address is not null and phone is null because "no way to reach this customer"',
        "rows: {Draft: posted, Sent: draft, Void: cancelled}",
        '"*": erp',
        "erp: true # prospects are no business of finance",
        'erp: status == "prospect" # prospects are no business of finance',
        "credit_limit_not_negative: credit_limit is null or credit_limit < 0",
        "credit_limit_not_negative: credit_limit is null and credit_limit >= 0",
        "- same: [country]",
        "- same: [tax_id]",
        'value: sum(invoices.total where state == "posted") + sum(invoices.paid where state == "posted")',
        "hold: {erp: true} # finance books what has arrived",
    ],
)  # fmt: skip
def test_a_mistake_that_is_made(made: dict[str, Mutant], line: str) -> None:
    assert line in made


def test_a_mistake_is_about_the_syncs_that_meet_it(made: dict[str, Mutant]) -> None:
    assert made['take when kind != "customer"'].syncs == {"account"}
    assert made["rows: {Draft: posted, Sent: draft, Void: cancelled}"].syncs == {"invoice"}


def test_what_no_scenario_notices_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    weak = {"weak": "\n        given: {a: {Rec: [{id: a1, key: k1, name: Ann, price: 1.50}]}}\n        when: [run: all]\n"
                    "        expect: {records: [{of: rec, has: {name: Ann}}]}\n"}  # fmt: skip
    root = project(tmp_path, specs(**weak))
    checked = check_project(root)
    known = mutants(checked)
    chosen = [known[line] for line in ("key <-> name", 'reject when name == "bad~" because "no"', "name <-> key | truncate 10")
              if line in known]  # fmt: skip
    chosen += [one for one in known.values() if one.what == "`b` owns `*`"]
    monkeypatch.setattr(mutation, "mutants_of", lambda *_: chosen)
    played = run_scenarios(checked)
    report = mutation.mutate(root, checked, played)
    assert [one.fate for one in report.judged] == ["does not compile", "survived", "does not compile"]
    assert report.score == 0
    assert tell_mutants(report) == 'missed  a.map:8:21: `"bad~"` for `"bad"`\n'
    assert score(report) == "mutation score: 0% (0 of 1 mutants noticed; 2 more do not compile)"
    document = json.loads(as_json(played, "shop", mutation=report))
    Draft7Validator(json.loads(SCHEMA.read_text(encoding="utf-8"))).validate(document)
    assert document["mutation"]["counts"] == {"noticed": 0, "survived": 1, "no scenario": 0, "does not compile": 2}
    assert document["mutation"]["mutants"][1] == {
        "file": "shop/a.map", "line": 8, "what": '`"bad~"` for `"bad"`', "fate": "survived",
    }  # fmt: skip
    assert SPECS["a.map"].count("bad") == 1
