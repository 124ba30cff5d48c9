"""Impact: what another release would do is what it then does, and asking changes nothing."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from support.world import FROM_A_TO_B, World, compiled, system, world, writes
from syncline_runtime import impact as module
from syncline_runtime.impact import Impact, MemberImpact, impact_of
from syncline_runtime.known_rows import KnownRows, Wanted

FIELDS = "name: {type: text, required: true}, city: text, mail: text, kind: text"
FILES = {
    "a.yaml": system("a", Rec=FIELDS),
    "b.yaml": system("b", Rec=FIELDS),
    "rec.yaml": """
        object: rec
        version: 1.0.0
        fields:
          name: {type: text, required: true}
          city: text?
          mail: {type: text?, pii: contact}
        identity: [{same: [name]}]
        """,
    "sync.yaml": FROM_A_TO_B,
    "a.map": "mapping a.Rec <-> rec@1\n\nname <-> name\ncity <- city\nmail <- mail\n",
    "b.map": "mapping b.Rec <-> rec@1\n\nname <-> name\ncity <-> city\nmail <-> mail\n",
}
RECORDS = 12


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    with world(tmp_path, monkeypatch, FILES) as made:
        for number in range(RECORDS):
            made.add(
                "a", name=f"N{number:02}", city="Ulm" if number % 3 else "BONN", mail=f"{number}@x.example", kind="x"
            )
        assert made.run().exit_code == 0
        yield made


def asked(shop: World, tmp_path: Path, changed: Mapping[str, str]) -> tuple[Impact, dict[str, MemberImpact]]:
    after = compiled({**FILES, **changed}, tmp_path / "after")
    found = impact_of(shop.release, after, None, shop.options.state)
    return found, {one.connection: one for one in found.members}


def contents(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_nothing_changed(shop: World, tmp_path: Path) -> None:
    found, members = asked(shop, tmp_path, {})
    assert (found.records, [one.touched for one in members.values()]) == (2 * RECORDS, [0, 0])


def test_what_is_told_is_what_is_then_done(shop: World, tmp_path: Path) -> None:
    changed = {"a.map": FILES["a.map"].replace("city <- city", "city <- city | upper")}
    found, members = asked(shop, tmp_path, changed)
    told = members["b"]
    assert (told.written, told.created, told.deleted, members["a"].touched) == (8, 0, 0, 0)
    (field,) = told.fields
    assert (field.name, field.records, len(field.samples)) == ("city", 8, 3)
    assert {(one.before, one.after) for one in field.samples} == {("Ulm", "ULM")}
    shop.change({**FILES, **changed})
    assert writes(shop.plan()) == [("b", "Rec", "update", "")] * 8
    assert found.stopped_by == ()


def test_personal_data_is_masked(shop: World, tmp_path: Path) -> None:
    _, members = asked(shop, tmp_path, {"a.map": FILES["a.map"].replace("mail <- mail", "mail <- mail | upper")})
    (field,) = members["b"].fields
    assert (field.name, field.records) == ("mail", RECORDS)
    assert {(one.before, one.after) for one in field.samples} == {("•••", "•••")}


def test_what_is_set_aside_and_what_leaves(shop: World, tmp_path: Path) -> None:
    refused = FILES["a.map"] + 'reject when city == "BONN" because "no"\n'
    _, members = asked(shop, tmp_path, {"a.map": refused})
    assert (members["a"].rejected, members["b"].written) == (4, 0)
    taken = FILES["a.map"].replace("\n\n", '\n\ntake when city != "BONN"\n', 1)
    _, members = asked(shop, tmp_path / "taken", {"a.map": taken})
    assert members["a"].left_scope == 4


def test_asking_changes_nothing(shop: World, tmp_path: Path) -> None:
    shop.run()
    before = contents(shop.options.state)
    asked(shop, tmp_path, {"a.map": FILES["a.map"].replace("city <- city", "city <- city | upper")})
    assert contents(shop.options.state) == before


def test_of_too_many_a_part_is_looked_at(shop: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_DECIDED", 4)
    found, members = asked(shop, tmp_path, {"a.map": FILES["a.map"].replace("mail <- mail", "mail <- mail | upper")})
    assert (found.sampled, members["b"].written) == ((("rec", 4, RECORDS),), RECORDS)


def test_values_of_the_records_come_along(shop: World, tmp_path: Path) -> None:
    wanted = Wanted("a", "Rec", ("city",)), Wanted("a", "Rec", ("mail", "name")), Wanted("a", "Rec", ("new",))
    upper = {
        "a.map": FILES["a.map"].replace("city <- city", "city <- city | upper"),
        "a.yaml": system("a", Rec=f"{FIELDS}, new: text"),
    }
    after = compiled({**FILES, **upper}, tmp_path / "after")
    rows = impact_of(shop.release, after, None, shop.options.state, wanted=wanted).rows
    assert rows[wanted[0]] == KnownRows((("BONN",), ("Ulm",)))
    assert (len(rows[wanted[1]].rows), rows[wanted[1]].private) == (RECORDS, {"mail"})
    assert wanted[2] not in rows  # the release that made the state does not read it
