"""Rules of likeness: who is one with whom, in the SQL that they compile to."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from support.engine import Engine, project, release_of
from syncline_runtime.stages.match import match
from syncline_runtime.stages.normalise import normalise

SYSTEM = """
system: {name}
version: 1.0.0
auth: {{kind: bearer}}
resources:
  Rec:
    id: id
    fields: {{id: {{type: text, write: false}}, given: text, family: text, born: date, phone: text, street: text, year: int}}
    list: {{request: {{path: /rec}}}}
"""
FIELDS = ("given", "family", "born", "phone", "street", "year")
OBJECT = """
object: person
version: 1.0.0
fields:
  given: text(60)?
  family: text(60)?
  born: date?
  phone: text(40)?
  street: text(60)?
  year: int?
identity: IDENTITY
"""
STRICT = "[{same: [phone], unless: 'phone == \"0000\"'}, {similar: {given: 0.9, family: 0.9, born: exact}}]"
Matched = Callable[..., list[set[str]]]


def files(identity: str, names: tuple[str, ...], originate: tuple[str, ...], many: tuple[str, ...]) -> dict[str, str]:
    stands = ", ".join(f"{name}: {{stand_in: true}}" for name in names)
    made = {
        "syncline.yaml": f"syncline: 1\nproject: t\nenvironments: {{t: {{{stands}}}}}\n",
        "objects/person.yaml": OBJECT.replace("IDENTITY", identity),
        "syncs/person.yaml": (
            f"sync: person\nobject: person@1\nmembers: {{{', '.join(f'{n}: {n}.Rec' for n in names)}}}\n"
            f"exists: {{originate: [{', '.join(originate)}], many: [{', '.join(many)}]}}\nowners: {{'*': {names[0]}}}\n"
        ),
    }
    for name in names:
        made[f"systems/{name}.yaml"] = SYSTEM.format(name=name)
        lines = "\n".join(f"{field} <- {field}" for field in FIELDS)
        made[f"mappings/{name}.map"] = f"mapping {name}.Rec <-> person@1\n\n{lines}\n"
    return made


def person(native_id: str, given: str, family: str, **more: Any) -> dict[str, Any]:
    row = {"given": given, "family": family, "born": "1980-01-02"} | more
    return {"_native_id": native_id, **{name: None if row.get(name) is None else str(row[name]) for name in FIELDS}}


class Trial:
    """One project, and rows of its systems that were matched once."""

    def __init__(self, folder: Path, identity: str, rows: Mapping[str, list[dict[str, Any]]], **options: Any) -> None:
        names = options.get("order") or tuple(rows)
        many, originate = options.get("many", ()), options.get("originate", names)
        release = release_of(project(folder / "p", files(identity, names, originate, many)), folder / "r")
        self.engine = Engine(release, folder / "s")
        (self.plan,) = release.in_order
        for member in self.plan.members:
            self.engine.land(self.plan, member, rows[member.connection])

    def known(self, cid: str, links: Mapping[str, str], **values: Any) -> None:
        """Have a record known from before, linked as CONNECTION → native id."""
        self.engine.canonical(self.plan, [{"_cid": cid, **values}])
        rows = [
            {"object": "person", "connection": name, "resource": "Rec", "native_id": native, "canonical_id": cid}
            for name, native in links.items()
        ]
        self.engine.links(rows)

    def run(self) -> Trial:
        normalise(self.engine.run, self.plan)
        match(self.engine.run, self.plan)
        return self

    @property
    def states(self) -> dict[str, str]:
        return {n: state for n, state in self.engine.rows("person/match", "_native_id, state")}

    @property
    def groups(self) -> list[set[str]]:
        """Who was made one, with the ids of known records."""
        found: dict[str, set[str]] = {}
        for native, cid in self.engine.rows("person/match", "_native_id, _cid"):
            if cid:
                found.setdefault(cid, {cid} if len(cid) < 32 else set()).add(native)
        return sorted((one for one in found.values() if len(one) > 1), key=sorted)

    @property
    def told(self) -> list[tuple[str, str, str]]:
        return [(one.code, one.native_id, one.message) for one in self.engine.run.exceptions]


@pytest.fixture
def trial(tmp_path: Path) -> Iterator[Callable[..., Trial]]:
    made: list[Trial] = []

    def make(identity: str, rows: Mapping[str, list[dict[str, Any]]], **options: Any) -> Trial:
        made.append(Trial(tmp_path / str(len(made)), identity, rows, **options))
        return made[-1]

    yield make
    for one in made:
        one.engine.close()


@pytest.mark.parametrize(
    ("identity", "left", "right", "one"),
    [
        ("{similar: {given: 0.9, family: 0.9, born: exact}}", ("Jane", "Müller"), ("jane", "Muller"), True),
        ("{similar: {given: 0.9, family: 0.9, born: exact}}", ("Jane", "Straße"), ("Jane", "STRASSE"), True),
        (
            "{similar: {given: exact, family: {edits: 1}, born: exact}}",
            ("Jane", "Lee–O’Hara"),
            ("Jane", "lee, o.hara"),
            True,
        ),
        ("{similar: {given: 0.9, family: 0.9, born: exact}}", ("Jane", "Smith"), ("John", "Smith"), False),
        ("{similar: {given: {edits: 1}, family: {edits: 1}, born: exact}}", ("Jane", "Smith"), ("Jnae", "Smyth"), True),
        (
            "{similar: {given: {edits: 1}, family: {edits: 1}, born: exact}}",
            ("Jane", "Smith"),
            ("Jane", "Smitten"),
            False,
        ),
        ("{similar: {given: {edits: 1}, family: exact, born: exact}}", ("Al", "Smith"), ("Ed", "Smith"), False),
        (
            "{similar: {given: sounds, family: sounds, born: exact}}",
            ("Robert", "Ashcraft"),
            ("Rupert", "Ashcroft"),
            True,
        ),
        (
            "{similar: {given: 0.9, family: 0.9, born: exact}, swapped: [given, family]}",
            ("Jane", "Smith"),
            ("Smith", "Jane"),
            True,
        ),
        ("{similar: {given: 0.9, family: 0.9, born: exact}}", ("Jane", "Smith"), ("Smith", "Jane"), False),
        (
            "{similar: {given: {words: 0.6}, family: 0.9, born: exact}}",
            ("Mary Ann Lee", "Smith"),
            ("Lee, Ann", "Smith"),
            True,
        ),
    ],
)
def test_ways_to_be_alike(
    trial: Callable[..., Trial], identity: str, left: tuple[str, str], right: tuple[str, str], one: bool
) -> None:
    made = trial(f"[{identity}]", {"a": [person("a1", *left)], "b": [person("b1", *right)]}).run()
    assert made.groups == ([{"a1", "b1"}] if one else [])


def test_some_of_many_fields(trial: Callable[..., Trial]) -> None:
    rule = "[{similar: {given: 0.9, family: 0.9, born: exact, street: 0.9, phone: {edits: 1}}, at_least: 3, may_differ: 1}]"
    rows = {
        "a": [
            person("a1", "Jane", "Smith", street="Main Road 1", phone="5551234"),
            person("a2", "Ann", "Jones", born=None, street="Hill 2", phone="5559999"),
        ],
        "b": [
            person("b1", "Jane", "Smith", street="Main Raod 1", phone="7770000"),  # one differs
            person("b2", "Bob", "Jones", born="1990-01-01", street="Hill 2", phone="5551111"),  # two agree
        ],
    }
    assert trial(rule, rows).run().groups == [{"a1", "b1"}]


def test_what_is_missing_and_what_stands_for_nothing(trial: Callable[..., Trial]) -> None:
    rule = "[{similar: {given: 0.9, family: 0.9, street: 0.9, phone: {exact: true, missing: true, placeholders: ['000-0']}}}]"
    rows = {
        "a": [
            person("a1", "Jane", "Smith", street="Main", phone="000 0"),
            person("a2", "Ann", "Lee", street="Hill", phone="1"),
        ],
        "b": [
            person("b1", "Jane", "Smith", street="Main", phone="77"),
            person("b2", "Ann", "Lee", street="Hill", phone="2"),
        ],
    }
    assert trial(rule, rows).run().groups == [{"a1", "b1"}]


def test_shared_values_do_not_join(trial: Callable[..., Trial]) -> None:
    rows = {
        "a": [person("a1", "Jane", "Smith", phone="0000"), person("a2", "Ann", "Lee", phone="1234")],
        "b": [person("b1", "Bob", "Hill", phone="0000"), person("b2", "A.", "Lee", phone="1234")],
    }
    made = trial(STRICT, rows).run()
    assert made.groups == [{"a2", "b2"}]
    assert made.told == []


def test_numbers_near_each_other(trial: Callable[..., Trial]) -> None:
    rule = "[{similar: {given: 0.9, family: 0.9, year: {within: 1}, born: {within: 3}}}]"
    rows = {
        "a": [person("a1", "Jane", "Smith", year=1999), person("a2", "Ann", "Lee", year=2005)],
        "b": [person("b1", "Jane", "Smith", year=2000, born="1980-01-05"), person("b2", "Ann", "Lee", year=2007)],
    }
    assert trial(rule, rows).run().groups == [{"a1", "b1"}]


def test_two_who_would_do_are_no_guess(trial: Callable[..., Trial]) -> None:
    rows = {"a": [person("a1", "Jane", "Smith")], "b": [person("b1", "Jane", "Smith"), person("b2", "Jayne", "Smith")]}
    made = trial(STRICT, rows).run()
    assert made.groups == []
    assert set(made.states.values()) == {"review"}
    assert made.told[0] == (
        "SYN5007", "a1", "b b1, b b2 is this too (similar given, family, born): a person decides which it is",
    )  # fmt: skip
    assert trial(STRICT.replace("exact}}", "exact}, closest: true}"), rows).run().groups == [{"a1", "b1"}]


def test_review_and_create(trial: Callable[..., Trial]) -> None:
    rows = {"a": [person("a1", "Jane", "Smith", year=1)], "b": [person("b1", "Jane", "Smith", year=2)]}
    likely = "{similar: {given: 0.9, family: 0.9}, then: review}"
    made = trial(f"[{likely}]", rows).run()
    assert made.states == {"a1": "review", "b1": "review"}
    assert [code for code, _, _ in made.told] == ["SYN5017", "SYN5017"]
    two = "{similar: {given: exact, family: exact, year: {within: 5}}, then: create}"
    made = trial(f"[{two}, {likely}]", rows).run()
    assert made.states == {"a1": "new", "b1": "new"}
    assert made.groups == []


def test_known_records(trial: Callable[..., Trial]) -> None:
    rows = {"a": [person("a2", "Jane", "Smithe")], "b": [person("b1", "Jane", "Smith"), person("b2", "Ann", "Lee")]}
    made = trial(STRICT, rows)
    made.known("known", {"a": "a1"}, given="Jane", family="Smith", born="1980-01-02")
    made.run()
    assert made.groups == [{"known", "b1"}]
    assert made.states == {"a2": "review", "b1": "linked", "b2": "new"}  # `a` has that record already
    assert [one[:2] for one in made.told] == [("SYN5007", "a2")]


def test_a_later_rule_does_not_take_what_an_earlier_gave(trial: Callable[..., Trial]) -> None:
    rule = "[{same: [phone]}, {same: [street]}]"
    rows = {
        "a": [person("a1", "Jane", "Smith", phone="1", street="Main")],
        "b": [person("b1", "Jane", "Smith", phone="1"), person("b2", "Jane", "Smith", street="Main")],
    }
    made = trial(rule, rows).run()
    assert made.groups == [{"a1", "b1"}]
    assert made.states["b2"] != "linked"


@pytest.mark.parametrize("rule", ["{same: [phone]}", "{similar: {given: 0.9, family: 0.9, born: exact}}"])
def test_doubles_where_a_member_may_have_many(trial: Callable[..., Trial], rule: str) -> None:
    rows = {
        "a": [person("a2", "Jane", "Smith", phone="1"), person("a1", "Jane", "Smithe", phone="1")],
        "b": [person("b1", "Jane", "Smith", phone="1")],
    }
    made = trial(f"[{rule}]", rows, many=("a",)).run()
    assert made.states == {"a1": "new", "a2": "double", "b1": "linked"}
    assert made.groups == [{"a1", "a2", "b1"}]
    assert made.engine.rows("person/a/values", "_native_id") == [("a1",)]
    counts = {(one.subject, one.name, one.detail): one.value for one in made.engine.run.counts if one.equation == "in"}
    assert counts["a.Rec", "filtered", "double"] == 1
    links = made.engine.rows("new_links", "native_id, state")
    assert links == [("a1", "live"), ("a2", "double"), ("b1", "live")]


def test_crowded_blocks_are_left_out(trial: Callable[..., Trial]) -> None:
    """A name that very many have joins nobody by itself; another block still does."""
    crowd = [person(f"b{n}", "Jane", f"Smith{chr(97 + n % 26)}{n}", born="1980-01-02") for n in range(150)]
    rule = "[{similar: {given: 0.9, family: exact, born: exact}}]"
    made = trial(rule, {"a": [person("a1", "Jane", "Smithc2")], "b": crowd}).run()
    assert made.groups == [{"a1", "b2"}]


def test_a_crowd_is_told_once(tmp_path: Path) -> None:
    """Of what very many share nobody is compared by it; that is said, with how many met nobody."""
    crowd = [person(str(number), "Ada", "Lovelace", year=number) for number in range(110)]
    two = [person(f"x{number}", "Eva", "Hopper", born="1999-09-09") for number in range(2)]
    trial = Trial(tmp_path, "[{similar: {given: 0.9, family: 0.9, born: exact}, then: review}]", {"a": crowd, "b": two})
    normalise(trial.engine.run, trial.plan)
    match(trial.engine.run, trial.plan)
    found = [one for one in trial.engine.run.exceptions if one.code == "SYN5018"]
    assert [(one.rule, one.native_id) for one in found] == [("identity rule 1", "")]
    assert "up to 110" in found[0].message
    assert "110 of 112 new records were compared with nobody" in found[0].message
    trial.engine.close()
