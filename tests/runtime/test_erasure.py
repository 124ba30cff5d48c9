"""Erasure: nothing of a person stays in any file of the state, and the next runs do not bring them back."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from support.world import World, system, world, writes
from syncline_runtime.cli_erase import exit_code
from syncline_runtime.errors import StateError, UsageError
from syncline_runtime.ledger import FILE
from syncline_runtime.result import RunResult
from syncline_runtime.state import LINK_COLUMNS
from syncline_runtime.tombstones import Key
from syncline_runtime.upkeep.compaction import compact_state
from syncline_runtime.upkeep.erasure import _subject as found_subject
from syncline_runtime.upkeep.erasure import erase
from syncline_runtime.upkeep.session import opened_ledger, opened_state

FIELDS = "email: {type: text, required: true}, name: text, phone: text"
FILES = {
    "a.yaml": system("a", Rec=FIELDS),
    "b.yaml": system("b", Rec=FIELDS),
    "person.yaml": """
        object: person
        version: 1.0.0
        label: Person
        fields:
          email: {type: text, required: true, label: Email, pii: contact}
          name: {type: "text?", label: Name, pii: contact}
          phone: {type: "text?", label: Phone, pii: contact}
        identity: [{same: [email]}]
        """,
    "sync.yaml": """
        sync: person
        object: person@1
        members: {a: a.Rec, b: b.Rec}
        exists: {originate: [a], hold: {b: true}}
        owners: {"*": a, phone: b}
        """,
    "a.map": "mapping a.Rec <-> person@1\n\nemail <-> email\nname <-> name\nphone <-> phone\n"
    '\nreject when name == "Rejected Rosalind" because "no"\n',
    "b.map": "mapping b.Rec <-> person@1\n\nemail <-> email\nname <-> name\nphone <-> phone\n",
}
SECRETS = ("grace.h@example.org", "Grace Zanzibar", "Grace Quetzalcoatl", "555-0199-7788")


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    """Grace was read, edited, written and rejected once; Ada is somebody else."""
    with world(tmp_path, monkeypatch, FILES) as made:
        made.add("a", email="ada@example.org", name="Ada", phone="1")
        made.add("a", email=SECRETS[0], name=SECRETS[1], phone=SECRETS[3])
        made.run()
        made.edit("a", grace(made, "a"), name=SECRETS[2])
        made.edit("b", grace(made, "b"), phone=SECRETS[3] + "-9")
        made.run()
        yield made


def grace(shop: World, of: str) -> str:
    return str(shop.by("email", of)[SECRETS[0]]["id"])


def found_in(folder: Path, *secrets: str) -> set[tuple[str, str]]:
    """Look for values in the raw bytes of every file; Parquet and DuckDB may compress, so their rows are looked at too."""
    import duckdb

    told = set()
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        content = path.read_bytes()
        if path.suffix == ".parquet":
            content += repr(duckdb.sql(f"SELECT * FROM read_parquet('{path}')").fetchall()).encode()
        told |= {(path.name, secret) for secret in secrets if secret.encode() in content}
    return told


def tombstones(result: RunResult) -> list[int]:
    return [c["value"] for c in result.counts if (c["name"], c["detail"]) == ("tombstone", "erased")]


def test_nothing_of_a_person_stays_in_any_file(shop: World) -> None:
    state = shop.options.state
    native_ids = (grace(shop, "a"), grace(shop, "b"))
    with opened_state(shop.place) as (_, open_state):
        cids = [
            row[0]
            for row in open_state.rows(
                f"SELECT canonical_id FROM \"links:all\" WHERE connection = 'a' AND native_id = '{native_ids[0]}'"
            )
        ]
    assert {secret for _, secret in found_in(state, *SECRETS)} == set(SECRETS)  # the test can fail
    document = erase(shop.place, "person", "a:" + native_ids[0])
    assert found_in(state, *SECRETS, *cids) == set()
    assert not list((state / "spool").iterdir())
    assert {(one["connection"], one["holds"], one["can_delete"]) for one in document["systems"]} == {
        ("a", "yes", True), ("b", "yes", True)
    }  # fmt: skip
    assert {one["native_id"] for one in document["systems"]} == set(native_ids)
    assert exit_code(document) == 3
    shop.assert_whole()
    assert {secret for _, secret in found_in(state, "ada@example.org")} == {"ada@example.org"}


def test_the_next_runs_do_not_bring_them_back(shop: World) -> None:
    erase(shop.place, "person", "b:" + grace(shop, "b"))
    shop.edit("a", grace(shop, "a"), name="Grace Returns")
    result = shop.run()
    assert (writes(result), tombstones(result)) == ([], [1, 1])
    assert found_in(shop.options.state, *SECRETS, "Grace Returns") == set()
    shop.edit("a", shop.by("email", "a")["ada@example.org"]["id"], name="Ada again")
    assert writes(shop.run()) == [("b", "Rec", "update", "")]
    compact_state(shop.place, 1)
    assert tombstones(shop.run()) == [1, 1]
    assert found_in(shop.options.state, *SECRETS, "Grace Returns") == set()
    shop.assert_whole()


def test_a_second_time_tells_that_it_was_done(shop: World) -> None:
    native = grace(shop, "a")
    erase(shop.place, "person", "a:" + native)
    for id_ in ("a:" + native, "b:" + grace(shop, "b")):
        again = erase(shop.place, "person", id_)
        assert (again["before"], again["rows_removed"], exit_code(again)) == (True, 0, 0)
    with pytest.raises(UsageError, match="no person is known"):
        erase(shop.place, "person", "nobody")
    with pytest.raises(UsageError, match="no object"):
        erase(shop.place, "persona", native)


def test_a_row_that_never_became_a_record_is_erased_too(shop: World) -> None:
    rejected = shop.add("a", email="rosa@example.org", name="Rejected Rosalind", phone="9")
    result = shop.run()
    assert result.exceptions
    assert found_in(shop.options.state, "Rejected Rosalind", "rosa@example.org")
    erase(shop.place, "person", "a:" + rejected)
    assert found_in(shop.options.state, "Rejected Rosalind", "rosa@example.org") == set()
    result = shop.run()
    assert (result.exceptions, result.exit_code) == ([], 0)
    with opened_ledger(shop.place) as ledger:
        assert ledger.exceptions.find() == []


def test_what_a_system_has_deleted_is_told_and_an_unreachable_one_too(shop: World) -> None:
    native = grace(shop, "a")
    shop.drop("b", grace(shop, "b"))
    document = erase(shop.place, "person", "a:" + native)
    assert {one["connection"]: one["holds"] for one in document["systems"]} == {"a": "yes", "b": "no"}


def test_a_record_that_became_part_of_another_is_erased_with_it(shop: World) -> None:
    twin = shop.add("a", email="gracie@example.org", name="Gracie", phone="3")
    shop.run()
    with opened_state(shop.place) as (_, state):
        ids = dict(
            state.rows("SELECT native_id, canonical_id FROM \"links:all\" WHERE connection = 'a' AND state = 'live'")
        )
        row = {name: None for name in LINK_COLUMNS} | {
            "object": "person", "connection": "", "resource": "", "native_id": ids[twin], "generation": 0,
            "canonical_id": ids[grace(shop, "a")], "state": "redirect", "how": "merged",
        }  # fmt: skip
        state.fill("given", LINK_COLUMNS, [tuple(row.values())])
        state.execute('INSERT INTO "stored:links" BY NAME SELECT * FROM given')
        subject = found_subject(state, shop.place, "person", "a:" + grace(shop, "a"))
    assert subject.cids == {ids[twin], ids[grace(shop, "a")]}
    assert {native[2] for native in subject.natives if native[0] == "a"} == {twin, grace(shop, "a")}
    assert all(connection for connection, *_ in subject.natives)


def test_a_system_that_cannot_be_asked_is_told(shop: World, monkeypatch: pytest.MonkeyPatch) -> None:
    native = grace(shop, "a")
    monkeypatch.setenv("SYNCLINE_SANDBOX_URL", "http://127.0.0.1:9")
    document = erase(shop.place, "person", "a:" + native)
    assert {one["holds"] for one in document["systems"]} == {"unknown"}
    assert all(one["why"] for one in document["systems"])
    assert exit_code(document) == 4
    assert found_in(shop.options.state, *SECRETS) == set()


def test_without_the_key_nothing_is_read(shop: World) -> None:
    erase(shop.place, "person", "a:" + grace(shop, "a"))
    path = shop.options.state / "erasure.key"
    assert path.stat().st_mode & 0o777 == 0o600
    key = path.read_text()
    for damaged in (None, "", "00" * 32):
        path.unlink() if damaged is None else path.write_text(damaged)
        with pytest.raises(StateError) as caught:
            shop.run()
        assert caught.value.error_code == "SYN6015"
    path.write_text(key)
    assert tombstones(shop.run()) == [1, 1]


def test_a_write_under_way_is_waited_for(shop: World) -> None:
    shop.edit("a", grace(shop, "a"), name="Grace Third")
    shop.sandbox.fault("b", "stall", operation="update")
    with opened_ledger(shop.place) as ledger:
        assert not ledger.intents.unfinished()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("syncline_runtime.ledger.intents.Intents.unfinished", lambda _: [_sending(shop)])
        with pytest.raises(StateError) as caught:
            erase(shop.place, "person", "a:" + grace(shop, "a"))
    assert caught.value.error_code == "SYN6016"


def _sending(shop: World) -> object:
    with opened_ledger(shop.place) as ledger:
        (run, *_) = ledger.runs.last()
        return replace(ledger.intents.of_run(run.id)[0], state="sending")


def test_the_engine_makes_the_tombstones_that_python_makes(shop: World) -> None:
    key = Key(b"0123456789abcdef" * 2)
    natives = ["1", "", "ü 日本", "a'b", "x" * 300]
    with opened_state(shop.place) as (_, state):
        state.fill("few", {"_native_id": "VARCHAR"}, ((one,) for one in natives))
        digests = dict(state.rows(key.query("few", "a'", "Rec")))
    assert digests == {one: key.tombstone("a'", "Rec", one).digest for one in natives}
    assert digests["1"] == hmac.new(key.secret, b"a'\x1fRec\x1f1", hashlib.sha256).hexdigest()


@pytest.mark.in_files
def test_the_ledger_keeps_what_happened_without_who(shop: World) -> None:
    before = (shop.options.state / FILE).stat().st_size
    assert before
    with opened_ledger(shop.place) as ledger:
        runs = [run.id for run in ledger.runs.last()]
        counts = {run: ledger.runs.counts(run) for run in runs}
        intents = {run: [one.state for one in ledger.intents.of_run(run)] for run in runs}
    erase(shop.place, "person", "a:" + grace(shop, "a"))
    with opened_ledger(shop.place) as ledger:
        assert {run: ledger.runs.counts(run) for run in runs} == counts
        assert {run: [one.state for one in ledger.intents.of_run(run)] for run in runs} == intents
        assert all(
            one.canonical_id.startswith("erased-") or one.native_id
            for run in runs
            for one in ledger.intents.of_run(run)
        )
