"""Rules that go by probability: what a trained model makes of pairs, and how it is trained."""

from __future__ import annotations

import random
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from runtime.test_likeness import FIELDS, files, person
from support.engine import Engine, project, release_of
from support.world import World, system, world
from syncline_compiler.cli_identity import identity as identity_command
from syncline_compiler.pipeline import compile_project
from syncline_runtime.errors import UsageError
from syncline_runtime.stages.match import match
from syncline_runtime.stages.normalise import normalise

RULE = (
    "[{similar: {given: {exact: true, jaro_winkler: 0.9}, family: 0.9, born: {edits: 1}}, "
    "probability: {model: persons, link: 0.9, review: 0.5}}]"
)
MODEL = """
model: persons
object: person
chance: 0.01
fields:
  given:
    - {way: exact, m: 0.8, u: 0.05}
    - {way: jaro_winkler 0.9, m: 0.15, u: 0.05}
    - {way: else, m: 0.05, u: 0.9}
  family:
    - {way: jaro_winkler 0.9, m: 0.9, u: 0.1}
    - {way: else, m: 0.1, u: 0.9}
  born:
    - {way: edits 1, m: 0.9, u: 0.01}
    - {way: else, m: 0.1, u: 0.99}
"""
# of two at random 1 in 99; given exact 16, given nearly 3, family 9, born 90, none of them 1/18, 1/9, 10/99


def decided(folder: Path, a: dict[str, Any], b: dict[str, Any], model: str = MODEL) -> set[tuple[str, str]]:
    """Match one row of a and one of b; gives what becomes of each."""
    made = files(RULE, ("a", "b"), ("a", "b"), ())
    release = release_of(project(folder / "p", {**made, "models/persons.yaml": model}), folder / "r")
    engine = Engine(release, folder / "s")
    (plan,) = release.in_order
    for member, row in zip(plan.members, (a, b), strict=True):
        engine.land(plan, member, [row])
    normalise(engine.run, plan)
    match(engine.run, plan)
    found = {(row[0], row[1]) for row in engine.rows("person/match", "connection, how")}
    engine.close()
    return found


@pytest.mark.parametrize(
    ("other", "expected"),
    [
        ({"given": "Ada", "family": "Lovelace"}, {("a", "originated"), ("b", "identity")}),  # 16 * 9 * 90 / 99 = 131: 0.99
        ({"given": "Adah", "family": "Lovelace"}, {("a", "originated"), ("b", "identity")}),  # 3 * 9 * 90 / 99 = 25: 0.96
        ({"given": "Ada", "family": "Byron"}, {("a", "likely"), ("b", "likely")}),  # 16 / 9 * 90 / 99 = 1.6: 0.62
        ({"given": "Ada", "family": "Lovelace", "born": None}, {("a", "likely"), ("b", "likely")}),  # 16 * 9 / 99: 0.59
        ({"given": "Eva", "family": "Lovelace", "born": "1999-09-09"}, {("a", "originated"), ("b", "originated")}),
    ],
    ids=["all", "nearly", "another-name", "missing", "two"],
)  # fmt: skip
def test_the_weight_of_evidence_decides(tmp_path: Path, other: dict[str, Any], expected: set[tuple[str, str]]) -> None:
    given = {"given": "Ada", "family": "Lovelace"} | other
    assert decided(tmp_path, person("1", "Ada", "Lovelace"), person("2", **given)) == expected


def test_another_model_is_another_plan(tmp_path: Path) -> None:
    made = files(RULE, ("a", "b"), ("a",), ())

    def plan(name: str, model: str) -> str:
        release = release_of(project(tmp_path / name, {**made, "models/persons.yaml": model}), tmp_path / f"{name}.r")
        return release.plans["person"].behaviour

    assert plan("p1", MODEL) == plan("p2", MODEL + "# seen\n") != plan("p3", MODEL.replace("m: 0.8", "m: 0.7"))


@pytest.mark.parametrize(
    ("identity", "model", "expected"),
    [
        (RULE, None, ("SYN0613", "there is no model `persons`")),
        (RULE, MODEL.replace("edits 1", "edits 2"), ("SYN0613", "`persons` was trained when `born` was compared in another way, or not")),
        (RULE, MODEL.replace("object: person", "object: pet"), ("SYN0613", "`persons` was trained for `pet`")),
        (RULE.replace("0.9, review: 0.5", "0.5, review: 0.5"), MODEL, ("SYN0614", "a person is asked from 0.5 on, and")),
        (RULE.replace(", link: 0.9, review: 0.5", ""), MODEL, ("SYN0007", "nothing says what becomes of records that are probably one")),
        (RULE.replace("}}]", "}, at_least: 2}]"), MODEL, ("SYN0008", "the model weighs all fields")),
    ],
)  # fmt: skip
def test_what_cannot_work(tmp_path: Path, identity: str, model: str | None, expected: tuple[str, str]) -> None:
    made = files(identity, ("a", "b"), ("a",), ())
    root = project(tmp_path, made if model is None else {**made, "models/persons.yaml": model})
    found = compile_project(root)
    ((code, label),) = [(one.code, one.label or "") for one in found.diagnostics if one.severity == "error"]
    assert (code, label[: len(expected[1])]) == expected


WORDS = ["ada", "eva", "bob", "tom", "liz", "zoe", "max", "kim", "lea", "ian", "ute", "jan", "noa", "sam", "pia", "leo"]
NAMES = [
    "lovelace",
    "hopper",
    "turing",
    "church",
    "curry",
    "backus",
    "milner",
    "hoare",
    "liskov",
    "wing",
    "allen",
    "karp",
]
FIELDS_OF = "given: text, family: text, born: date, phone: text, street: text, year: int"


def crowd() -> Iterator[tuple[dict[str, Any], dict[str, Any] | None]]:
    """People, and of every second one what another system makes of it."""
    rng = random.Random(7)
    for number in range(240):
        one = {
            "given": rng.choice(WORDS), "family": rng.choice(NAMES), "phone": f"030-{number:05}",
            "born": f"{rng.randint(1940, 2005)}-{rng.randint(1, 12):02}-{rng.randint(1, 28):02}",
        }  # fmt: skip
        wrong = {"given": one["given"] + "x", "family": None, "phone": None}
        yield one, one | {name: value for name, value in wrong.items() if rng.random() < 0.15} if number % 2 else None


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    """Two systems full of people, and a project without the model that its rule goes by."""
    rule = "[{similar: {given: {exact: true, jaro_winkler: 0.9}, family: 0.92, born: exact, phone: {edits: 1}}, PROBABILITY}]"
    made = files(rule, ("a", "b"), ("a", "b"), ()) | {
        f"systems/{name}.yaml": system(name, Rec=FIELDS_OF) for name in "ab"
    }
    plain = {**made, "objects/person.yaml": made["objects/person.yaml"].replace("PROBABILITY", "then: review")}
    with world(tmp_path, monkeypatch, plain) as served:
        for one, other in crowd():
            served.add("a", **one)
            if other is not None:
                served.add("b", **{name: value for name, value in other.items() if value is not None})
        text = made["objects/person.yaml"].replace(
            "PROBABILITY", "probability: {model: persons, link: 0.9, review: 0.5}"
        )
        project(tmp_path / "mine", {**made, "objects/person.yaml": text})
        yield served


def train(folder: Path) -> Any:
    return CliRunner().invoke(identity_command, ["train", "person", "--project", str(folder)])


def test_a_model_is_learnt_from_the_records_and_decides_who_is_one(shop: World, tmp_path: Path) -> None:
    pytest.importorskip("splink")
    done = train(tmp_path / "mine")
    assert done.exit_code == 0, (done.output, done.exception)
    assert "models/persons.yaml: learnt from 360 records" in done.output
    shop.release = release_of(tmp_path / "mine", tmp_path / "trained")
    result = shop.run()
    with_both = shop.place
    from syncline_runtime.upkeep.session import opened_state

    with opened_state(with_both) as (_, state):
        sql = "SELECT canonical_id, connection, native_id FROM \"links:all\" WHERE state = 'live' ORDER BY ALL"
        rows: dict[str, dict[str, str]] = {}
        for cid, connection, native_id in state.rows(sql):
            rows.setdefault(cid, {})[connection] = native_id
    born: Mapping[str, dict[str, Any]] = {of: {one["id"]: one["born"] for one in shop.records(of)} for of in "ab"}
    pairs = [one for one in rows.values() if len(one) == 2]
    right = [one for one in pairs if born["a"][one["a"]] == born["b"][one["b"]]]
    assert len(right) == len(pairs)
    assert len(pairs) + len({one["native_id"] for one in result.exceptions}) / 2 > 110  # of 120
    assert len(pairs) > 90


def test_without_splink_it_says_what_to_install(shop: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "splink", None)
    done = train(tmp_path / "mine")
    assert isinstance(done.exception, UsageError)
    assert "syncline[splink]" in done.exception.mend
    assert not (tmp_path / "mine" / "models").exists()
    assert FIELDS
